"""Links: event types, single-use links, one-off types, recaps."""

from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.errors import Kind, ProviderError
from tests.providers.calendly.desk import LINK, Desk, monday, violations, window
from tests.providers.calendly.double.world import QUICK, tail
from ucal.v1 import link_pb2, recording_pb2, types_pb2

HALF_HOUR = Duration(seconds=1800)


async def _create(desk: Desk, link: link_pb2.Link, **fields: object) -> link_pb2.CreateLinkResponse:
    request = link_pb2.CreateLinkRequest(link=link, **fields)  # type: ignore[arg-type]
    return await desk.provider.create_link(desk.call, request)


async def _update(desk: Desk, own_id: str, link: link_pb2.Link, *paths: str) -> link_pb2.Link:
    request = link_pb2.UpdateLinkRequest(id=own_id, link=link, update_mask=FieldMask(paths=paths))
    return (await desk.provider.update_link(desk.call, request)).link


async def test_an_event_type_there_and_back(desk: Desk) -> None:
    link = link_pb2.Link(
        name="Intro",
        description="First talk",
        duration=HALF_HOUR,
        duration_options=[HALF_HOUR, Duration(seconds=3600)],
        is_active=True,
        color="#D50000",
    )
    link.locations.add(text="Berlin")
    link.locations.add(conference_kind=types_pb2.CONFERENCE_KIND_GOOGLE_MEET)
    made = (await _create(desk, link)).link
    found = await desk.link(made.id)
    assert found == made
    assert found.is_active  # it came out inactive, and was switched on
    assert len(desk.asked("PATCH")) == 1
    assert found.color.upper() == "#D50000"
    assert found.location == "Berlin"
    assert [p.provider_kind for p in found.locations] == ["physical", "google_conference"]
    assert [c.kind for c in found.conferences] == [types_pb2.CONFERENCE_KIND_GOOGLE_MEET]
    changed = await _update(desk, made.id, link_pb2.Link(is_active=False), "is_active")
    assert not changed.is_active
    assert changed.name == "Intro"


async def test_bad_links_are_refused_before_calendly_is_asked(desk: Desk) -> None:
    for link, field in (
        (link_pb2.Link(name=" "), "link.name"),
        (link_pb2.Link(name="x", duration=Duration(seconds=90)), "link.duration"),
        (link_pb2.Link(name="x", duration=Duration(seconds=60 * 721)), "link.duration"),
        (link_pb2.Link(name="x", duration_options=[HALF_HOUR] * 5), "link.duration_options"),
        (link_pb2.Link(name="x", max_uses=2), "link.max_uses"),
        (link_pb2.Link(name="x", max_uses=2, parent_link_id=LINK), "link.max_uses"),
        (link_pb2.Link(parent_link_id="a/b"), "link.parent_link_id"),
        (
            link_pb2.Link(name="x", locations=[link_pb2.LinkLocation(provider_kind="moon")]),
            "link.locations[0].provider_kind",
        ),
        (
            link_pb2.Link(
                name="x",
                locations=[
                    link_pb2.LinkLocation(conference_kind=types_pb2.CONFERENCE_KIND_FACETIME)
                ],
            ),
            "link.locations[0].conference_kind",
        ),
    ):
        with pytest.raises(ProviderError) as caught:
            await _create(desk, link)
        assert violations(caught.value) == [field]
    assert not desk.asked("POST")


async def test_a_single_use_link_has_no_id(desk: Desk) -> None:
    answer = await _create(desk, link_pb2.Link(parent_link_id=LINK, max_uses=1))
    assert answer.link.id == ""
    assert answer.link.url.startswith("https://calendly.com/d/")
    assert answer.link.parent_link_id == LINK
    (asked,) = desk.asked("POST", "/scheduling_links")
    assert asked.body == {"max_event_count": 1, "owner": QUICK, "owner_type": "EventType"}


async def test_a_single_use_link_that_differs_is_a_share(desk: Desk) -> None:
    link = link_pb2.Link(parent_link_id=LINK, name="For Ada", duration=Duration(seconds=3600))
    answer = await _create(desk, link)
    assert answer.report.coerced_fields.paths == ["max_uses"]
    (asked,) = desk.asked("POST", "/shares")
    assert asked.body == {"event_type": QUICK, "name": "For Ada", "duration": 60}
    with pytest.raises(ProviderError) as caught:
        await _create(desk, link, strict=True)
    assert caught.value.kind is Kind.PRECONDITION
    link.parent_link_id = "nothing"
    with pytest.raises(ProviderError) as caught:
        await _create(desk, link)
    assert violations(caught.value) == ["link.parent_link_id"]


async def test_a_one_off_type(desk: Desk) -> None:
    link = link_pb2.Link(name="Once", max_uses=1, duration=HALF_HOUR, description="lost")
    answer = await _create(desk, link)
    assert answer.link.max_uses == 1
    assert answer.report.dropped_fields.paths == ["description"]
    assert (await desk.link(answer.link.id)).max_uses == 1


async def test_groups_cannot_be_changed(desk: Desk) -> None:
    kind = desk.double.world.add_type("Class", kind="group")
    with pytest.raises(ProviderError) as caught:
        await _update(desk, tail(kind["uri"]), link_pb2.Link(name="New"), "name")
    assert caught.value.kind is Kind.FORBIDDEN


async def test_links_by_activity(desk: Desk) -> None:
    desk.double.world.add_type("Off", active=False)
    request = link_pb2.ListLinksRequest(is_active=False)
    answer = await desk.provider.list_links(desk.call, request)
    assert [link.name for link in answer.links] == ["Off"]


# -- recaps


async def test_a_recap_and_its_transcript(desk: Desk) -> None:
    event = desk.plant(monday())
    recap = desk.double.world.add_recap("Intro", event["uri"])
    request = recording_pb2.GetRecordingRequest(id=tail(recap["uri"]))
    found = (await desk.provider.get_recording(desk.call, request)).recording
    assert found.event_id == tail(event["uri"])
    assert found.state == recording_pb2.MEDIA_STATE_READY
    assert [item.text for item in found.action_items] == ["send quote", "call back"]
    assert [(p.email, p.is_host) for p in found.participants] == [
        ("host@example.com", True),
        ("ada@example.com", False),
    ]
    assert found.duration.ToTimedelta() == timedelta(minutes=29)
    assert [m.access for m in found.media] == [recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH]
    listed = await desk.provider.list_recordings(
        desk.call, recording_pb2.ListRecordingsRequest(event_id=found.event_id)
    )
    assert list(listed.recordings) == [found]
    later = recording_pb2.ListRecordingsRequest(window=window(monday(), days=1))
    assert not (await desk.provider.list_recordings(desk.call, later)).recordings
    asked = recording_pb2.ListTranscriptSegmentsRequest(recording_id=found.id, page_size=5)
    first = await desk.provider.list_transcript_segments(desk.call, asked)
    asked.page_token = first.next_page_token
    rest = await desk.provider.list_transcript_segments(desk.call, asked)
    assert len(first.segments) == 5
    assert len(rest.segments) == 3
    assert not rest.next_page_token
    assert first.segments[0].speaker == "Ada Example"
    assert first.segments[0].text == "Sentence 0, at 10:30."
