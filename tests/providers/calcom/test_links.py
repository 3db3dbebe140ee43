"""Event types, private links, slots, prices; busy time; calendars; recordings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.calcom.calendar_ids import connected, connected_id
from providers.core.errors import Kind
from tests.providers.calcom.desk import Desk, instant, monday, refused, window
from ucal.v1 import busy_pb2, calendar_pb2, link_pb2, recording_pb2, types_pb2

HOUR = timedelta(hours=1)


async def _create(desk: Desk, link: link_pb2.Link, **fields: Any) -> link_pb2.CreateLinkResponse:
    request = link_pb2.CreateLinkRequest(link=link, **fields)
    return await desk.provider.create_link(desk.call, request)


async def _update(desk: Desk, id: str, link: link_pb2.Link, *paths: str) -> link_pb2.Link:
    request = link_pb2.UpdateLinkRequest(id=id, link=link, update_mask=FieldMask(paths=paths))
    return (await desk.provider.update_link(desk.call, request)).link


def _link(**fields: Any) -> link_pb2.Link:
    found = link_pb2.Link(name="Intro call", **fields)
    found.duration.seconds = 1800
    return found


@pytest.mark.parametrize(
    ("price", "currency", "amount", "shown"),
    [
        (4500, "eur", "45.00", "EUR"),
        (5, "usd", "0.05", "USD"),
        (4500, "jpy", "4500", "JPY"),
        (4500, "kwd", "4.500", "KWD"),
        (0, "usd", "0", ""),
        (100, "", "", ""),
        (None, "usd", "", ""),
    ],
)
async def test_prices(
    desk: Desk, price: int | None, currency: str, amount: str, shown: str
) -> None:
    """In minor units, of which some currencies have none."""
    kind = desk.kind()
    kind.update(price=price, currency=currency)
    link = await desk.link(kind["id"])
    assert (link.price_amount, link.price_currency) == (amount, shown)
    assert link.HasField("price_amount") is bool(amount)


async def test_a_link_there_and_back(desk: Desk) -> None:
    link = _link(slug="intro", description="First", color="#D50000", capacity=5)
    link.duration_options.add(seconds=1800)
    link.duration_options.add(seconds=3600)
    link.buffer_before.seconds = 300
    link.minimum_notice.seconds = 7200
    link.locations.add(text="Room 4")
    link.locations.add(conference_kind=types_pb2.CONFERENCE_KIND_ZOOM)
    link.locations.add(provider_kind="attendeePhone")
    link.questions.add(name="topic", label="Topic?", is_required=True)
    link.questions.add(name="size", choices=["S", "L"])
    made = (await _create(desk, link)).link
    found = await desk.link(made.id)
    assert found == made
    assert found.url == "https://cal.com/hostexample/intro"
    assert [p.text for p in found.locations] == ["Room 4", "", ""]
    assert found.conferences[0].kind == types_pb2.CONFERENCE_KIND_ZOOM
    assert [(q.name, q.is_required, list(q.choices)) for q in found.questions] == [
        ("topic", True, []),
        ("size", False, ["S", "L"]),
    ]
    for name in ("capacity", "color", "duration", "duration_options", "buffer_before"):
        assert getattr(found, name) == getattr(link, name)


async def test_a_slug_is_made_of_the_name_and_is_there_once(desk: Desk) -> None:
    assert (await _create(desk, _link())).link.slug == "intro-call"
    with refused(Kind.ALREADY_EXISTS, reason="SLUG_EXISTS"):
        await _create(desk, _link())


async def test_a_link_that_is_switched_off_is_hidden(desk: Desk) -> None:
    own_id = str(desk.kind()["id"])
    changed = await _update(desk, own_id, link_pb2.Link(is_active=False), "is_active")
    assert not changed.is_active
    assert desk.cal.world.types[int(own_id)]["hidden"] is True
    request = link_pb2.ListLinksRequest(is_active=True)
    assert not (await desk.provider.list_links(desk.call, request)).links


async def test_private_links(desk: Desk) -> None:
    parent = str(desk.kind()["id"])
    link = link_pb2.Link(parent_link_id=parent, max_uses=2)
    made = (await _create(desk, link)).link
    assert made.id.startswith(f"{parent}/")
    assert (made.parent_link_id, made.max_uses, made.is_active) == (parent, 2, True)
    desk.cal.world.private[int(parent)][made.id.split("/")[1]]["usageCount"] = 2
    used = await desk.link(made.id)
    assert (used.max_uses, used.is_active) == (0, False)
    ends = link_pb2.Link()
    ends.expires_at.FromDatetime(monday())
    changed = await _update(desk, made.id, ends, "expires_at")
    assert changed.expires_at == ends.expires_at
    with refused(Kind.INVALID, field="update_mask"):
        await _update(desk, made.id, link_pb2.Link(name="Other"), "name")
    with refused(Kind.INVALID, field="event.link_id"):
        await desk.book(made.id, monday())
    await desk.provider.delete_link(desk.call, link_pb2.DeleteLinkRequest(id=made.id))
    with refused(Kind.NOT_FOUND):
        await desk.link(made.id)
    assert (await desk.link(parent)).id == parent


async def test_what_a_private_link_has_from_its_parent_is_told(desk: Desk) -> None:
    link = _link(parent_link_id=str(desk.kind()["id"]))
    assert list((await _create(desk, link)).report.dropped_fields.paths) == ["duration", "name"]
    with refused(Kind.PRECONDITION, field="link.name"):
        await _create(desk, link, strict=True)
    link.parent_link_id = "999"
    with refused(Kind.INVALID, field="link.parent_link_id"):
        await _create(desk, link)


async def test_slots_of_days_come_as_one_list(desk: Desk) -> None:
    own_id = desk.kind()["id"]
    await desk.book(own_id, monday() + HOUR)
    found = await desk.slots(own_id, monday() + HOUR / 4, days=1)
    starts = [s.start_at.ToDatetime(UTC) for s in found]
    assert starts[0] == monday() + HOUR / 2, "only what begins inside the window"
    assert monday() + HOUR not in starts
    assert starts[-1] == monday() + timedelta(days=1)
    assert all(s.end_at.seconds - s.start_at.seconds == 1800 for s in found)
    assert desk.asked("GET", "/slots")[0].version == "2024-09-04"


async def test_pages_of_slots(desk: Desk) -> None:
    own_id = str(desk.kind()["id"])
    request = link_pb2.ListLinkSlotsRequest(
        link_id=own_id, window=window(monday(), days=2), page_size=5
    )
    found = []
    while True:
        answer = await desk.provider.list_link_slots(desk.call, request)
        assert len(answer.slots) <= 5
        found += answer.slots
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert found == await desk.slots(own_id, monday(), days=2)
    assert len(found) == 32


async def test_slots_of_another_length(desk: Desk) -> None:
    own_id = desk.kind(lengthInMinutesOptions=[30, 60])["id"]
    found = await desk.slots(own_id, monday(), days=0.3, duration={"seconds": 3600})
    assert found[0].end_at.seconds - found[0].start_at.seconds == 3600
    with refused(Kind.INVALID):
        await desk.slots(own_id, monday(), duration={"seconds": 5400})
    with refused(Kind.INVALID, field="duration"):
        await desk.slots(own_id, monday(), duration={"seconds": 61})
    with refused(Kind.NOT_FOUND):
        await desk.slots(999, monday())


# -- calendars and busy time


async def test_an_account_that_cannot_be_reached_is_told(desk: Desk) -> None:
    desk.cal.world.break_account()
    request = calendar_pb2.ListCalendarsRequest()
    answer = await desk.provider.list_calendars(desk.call, request)
    assert [c.name for c in answer.calendars] == ["Cal.com bookings", "Host Example"]
    assert list(answer.unreachable) == ["office365_calendar:136"]
    assert answer.calendars[1].is_read_only


@pytest.mark.parametrize("external", ["host@example.com", "https://x/y:z/", "Ünï ✓", "a:b:c"])
def test_ids_of_calendars_there_and_back(external: str) -> None:
    """P69: whatever stands in it."""
    assert connected(connected_id(135, external)) == ("135", external)


async def _busy(desk: Desk, *ids: str, **fields: Any) -> busy_pb2.ListBusyResponse:
    request = busy_pb2.ListBusyRequest(calendar_ids=ids, window=window(monday(), days=1), **fields)
    return await desk.provider.list_busy(desk.call, request)


def _spans(answer: busy_pb2.ListBusyResponse) -> list[tuple[Any, Any]]:
    return [(b.start_at, b.end_at) for b in answer.busy]


async def test_busy_time_of_bookings(desk: Desk) -> None:
    """P66: what waits for an answer counts unless it shall not; what was canceled never does."""
    kind = desk.kind()
    desk.put(kind, monday())
    desk.put(kind, monday() + HOUR, status="pending")
    desk.put(kind, monday() + 2 * HOUR, status="cancelled")
    desk.put(kind, monday() - HOUR)
    answer = await _busy(desk)
    assert [b.kind for b in answer.busy] == [
        busy_pb2.BUSY_KIND_BUSY,
        busy_pb2.BUSY_KIND_TENTATIVE,
    ]
    assert len((await _busy(desk, include_unanswered=False)).busy) == 1
    desk.put(kind, monday() + HOUR / 2)
    assert _spans(await _busy(desk, merge=True)) == [
        (instant(monday()), instant(monday() + 1.5 * HOUR))
    ]


async def test_p67_busy_time_of_connected_calendars(desk: Desk) -> None:
    own_id, other = connected_id(135, "host@example.com"), connected_id(135, "gone@example.com")
    desk.cal.world.busy[135, "host@example.com"] = [
        (monday() - HOUR, monday()),  # ends where the window begins
        (monday() - HOUR, monday() + HOUR),
        (monday() + 23 * HOUR, monday() + 30 * HOUR),
        (monday() + 24 * HOUR, monday() + 25 * HOUR),
    ]
    answer = await _busy(desk, "nonsense", own_id, other, "bookings")
    assert sorted(answer.unreachable) == sorted(["nonsense", other])
    assert _spans(answer) == [
        (instant(monday() - HOUR), instant(monday() + HOUR)),
        (instant(monday() + 23 * HOUR), instant(monday() + 30 * HOUR)),
    ]
    assert {b.calendar_id for b in answer.busy} == {own_id}


async def test_an_outage_is_never_free_time(desk: Desk) -> None:
    desk.cal.fail(503, times=20)
    with refused(Kind.UNAVAILABLE):
        await _busy(desk, connected_id(135, "host@example.com"))


# -- recordings


async def test_p82_recordings_and_transcripts(desk: Desk) -> None:
    uid = desk.put(desk.kind(), monday() - timedelta(days=60))["uid"]
    start = int((monday() - timedelta(days=60)).timestamp())
    desk.cal.world.recordings[uid] = [
        {
            "id": "rec1",
            "roomName": "room",
            "startTs": start,
            "status": "finished",
            "duration": 1776,
            "shareToken": "secret-share",
            "downloadLink": "https://s3.example.com/x?X-Amz-Signature=abc",
        },
        {"id": "rec2", "roomName": "room", "startTs": start, "status": "in-progress"},
    ]
    desk.cal.world.transcripts[uid] = ["https://s3.example.com/t.vtt?sig=1"]
    request = recording_pb2.ListRecordingsRequest(event_id=uid, include_raw=True)
    listed = (await desk.provider.list_recordings(desk.call, request)).recordings
    assert [r.id for r in listed] == [f"{uid}/rec1", f"{uid}/rec2"]
    assert "secret-share" not in str(listed)
    assert listed[1].state == recording_pb2.MEDIA_STATE_RECORDING
    assert not listed[1].media
    get = recording_pb2.GetRecordingRequest(id=f"{uid}/rec1")
    found = (await desk.provider.get_recording(desk.call, get)).recording
    assert [m.kind for m in found.media] == [
        recording_pb2.MEDIA_KIND_VIDEO,
        recording_pb2.MEDIA_KIND_TRANSCRIPT,
    ]
    assert found.media[1].mime_type == "text/vtt"
    assert found.end_at.seconds - found.start_at.seconds == 1776
    left = found.media[0].expires_at.ToDatetime(UTC) - datetime.now(UTC)
    assert timedelta(minutes=50) < left <= timedelta(hours=1)
    with refused(Kind.INVALID, field="event_id"):
        await desk.provider.list_recordings(desk.call, recording_pb2.ListRecordingsRequest())
    for unknown in ("nothing/rec1", f"{uid}/rec9", "rec1"):
        get.id = unknown
        with refused(Kind.NOT_FOUND):
            await desk.provider.get_recording(desk.call, get)
