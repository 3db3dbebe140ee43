"""Recordings, transcripts, webinars and Bookings as `teams` tells them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.errors import Kind
from providers.microsoft import bookings, vtt
from providers.microsoft.provider_teams import Teams
from tests.providers.microsoft.desk import Desk, application, desk, instant, refused, window
from tests.providers.microsoft.double import events
from tests.providers.microsoft.double.bookings import BUSINESS
from ucal.v1 import link_pb2, recording_pb2, types_pb2, webinar_pb2

NOW = datetime.now(UTC).replace(microsecond=0)


@asynccontextmanager
async def teams() -> AsyncIterator[Desk]:
    async with desk(Teams) as found:
        yield found


def _meet(d: Desk, title: str, when: datetime, **fields: object) -> events.Item:
    body: dict[str, object] = {"subject": title, "isOnlineMeeting": True, **fields}
    for name, minutes in (("start", 0), ("end", 30)):
        wall = (when + timedelta(minutes=minutes)).replace(tzinfo=None)
        body[name] = {"dateTime": wall.isoformat(), "timeZone": "UTC"}
    return events.create(d.box, d.calendar, body)


def _record(d: Desk, item: events.Item, when: datetime, **fields: bool) -> str:
    return d.graph.teams.record(d.box, item.data["onlineMeeting"]["joinUrl"], when, **fields)


async def _listed(d: Desk, **fields: object) -> list[recording_pb2.Recording]:
    request = recording_pb2.ListRecordingsRequest(**fields)  # type: ignore[arg-type]
    found: list[recording_pb2.Recording] = []
    while True:
        answer = await d.provider.list_recordings(d.call, request)
        found += answer.recordings
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


# -- recordings


async def test_a_persons_calendar_is_walked_for_recordings() -> None:
    async with teams() as d:
        start = NOW - timedelta(days=3)
        item = _meet(d, "Review", start)
        _meet(d, "Silent", start + timedelta(hours=1))
        own_id = _record(d, item, start + timedelta(minutes=2))
        (found,) = await _listed(d)
        assert found.title == "Review"
        assert found.event_id == item.id
        assert found.has_transcript
        assert [m.kind for m in found.media] == [
            recording_pb2.MEDIA_KIND_VIDEO, recording_pb2.MEDIA_KIND_TRANSCRIPT
        ]  # fmt: skip
        assert found.media[0].access == recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH
        assert found.media[0].url.startswith(d.graph.base_url)
        assert found.media[0].url.endswith(f"/recordings/{own_id}/content")
        assert found.duration.seconds == 20 * 60
        batches = d.graph.asked("POST", "/$batch")
        assert len(batches) == 2, "links in one request, what hangs on them in another"
        request = recording_pb2.GetRecordingRequest(id=found.id)
        again = (await d.provider.get_recording(d.call, request)).recording
        assert (again.id, again.title, again.media) == (found.id, found.title, found.media)


async def test_a_series_has_a_recording_for_each_time_it_took_place() -> None:
    async with teams() as d:
        start = NOW - timedelta(days=20)
        rule = {
            "pattern": {"type": "daily", "interval": 7},
            "range": {"type": "numbered", "startDate": f"{start:%Y-%m-%d}",
                      "numberOfOccurrences": 3, "recurrenceTimeZone": "UTC"},
        }  # fmt: skip
        item = _meet(d, "Weekly", start, recurrence=rule)
        for week in range(2):
            _record(d, item, start + timedelta(weeks=week, minutes=1), transcript=False)
        found = await _listed(d)
        assert len(found) == 2
        assert len({r.event_id for r in found}) == 2
        assert item.id not in {r.event_id for r in found}
        pages = await _listed(d, page_size=1)
        assert [r.id for r in pages] == [r.id for r in found]


async def test_recordings_of_one_meeting_by_event_or_meeting_id() -> None:
    async with teams() as d:
        start = NOW - timedelta(days=60)
        item = _meet(d, "Old", start)
        _record(d, item, start)
        meeting_id = d.graph.teams.meeting_id(d.box, item.data["onlineMeeting"]["joinUrl"])
        assert await _listed(d) == [], "longer ago than thirty days"
        for own_id in (item.id, meeting_id):
            (found,) = await _listed(d, event_id=own_id)
            assert found.title == "Old"
        assert await _listed(d, event_id=item.id, window=window(NOW, days=1)) == []
        with refused(Kind.NOT_FOUND):
            await _listed(d, event_id="QUFBQUFBQUFBQUFB")


async def test_what_was_transcribed_only_is_there_too() -> None:
    async with teams() as d:
        start = NOW - timedelta(days=3)
        item = _meet(d, "Talk", start)
        _record(d, item, start, recording=False)
        (found,) = await _listed(d)
        assert [m.kind for m in found.media] == [recording_pb2.MEDIA_KIND_TRANSCRIPT]
        request = recording_pb2.ListTranscriptSegmentsRequest(recording_id=found.id, page_size=1)
        first = await d.provider.list_transcript_segments(d.call, request)
        assert [(s.speaker, s.text) for s in first.segments] == [("Ada", "Hello & welcome")]
        assert first.segments[0].end_offset.ToMilliseconds() == 5320
        request.page_token = first.next_page_token
        second = await d.provider.list_transcript_segments(d.call, request)
        assert [s.speaker for s in second.segments] == ["Ben"]
        assert second.next_page_token == ""


async def test_an_application_lists_the_recordings_of_its_mailbox() -> None:
    async with teams() as d:
        d.grant = application()
        for number in range(3):
            start = NOW - timedelta(days=number + 1)
            _record(d, _meet(d, f"Meeting {number}", start), start)
        found = await _listed(d)
        assert [r.title for r in found] == ["Meeting 2", "Meeting 1", "Meeting 0"]
        d.graph.teams.policy = False
        with refused(Kind.PRECONDITION, reason="APPLICATION_ACCESS_POLICY_MISSING"):
            await _listed(d)


async def test_ids_that_nobody_gave() -> None:
    async with teams() as d:
        for bad in ("x", "|", "x|"):
            with refused(Kind.INVALID if bad != "x|" else Kind.NOT_FOUND):
                await d.provider.get_recording(d.call, recording_pb2.GetRecordingRequest(id=bad))


def test_transcripts_as_teams_writes_them() -> None:
    text = (
        "\ufeffWEBVTT\r\n\r\nNOTE hi\r\n\r\n16\r\n00:00:10.500 --> 00:00:12.000\r\n"
        "<v Ada Lovelace>One &lt; two</v>\r\nand <i>more</i>\r\n\r\n"
        "-0:0:2.0 --> 0:0:1.0\n<v.loud Ben>Early</v>\n\n"
        "0:0:13.0 --> 0:0:14.0\n<v A>x</v><v B>y</v>\n\n"
        "01:02.5 --> 01:03.0\nNobody\n\nbroken --> times\n<v A>z</v>\n\n0:0:15.0 --> 0:0:16.0\n"
    )
    found = vtt.segments(text.encode())
    assert [(s.speaker, s.text) for s in found] == [
        ("Ben", "Early"),
        ("Ada Lovelace", "One < two and more"),
        ("A", "x"),
        ("B", "y"),
        ("", "Nobody"),
    ]
    assert found[0].start_offset.ToNanoseconds() == 0
    assert found[1].start_offset.ToMilliseconds() == 10_500
    assert found[4].start_offset.ToMilliseconds() == 62_500
    assert vtt.segments(b"\xff\xfe") == []


# -- webinars


def _webinar(**fields: object) -> webinar_pb2.Webinar:
    at = datetime(2026, 12, 10, 10, tzinfo=UTC)
    return webinar_pb2.Webinar(
        subject="Launch", start_at=instant(at, "Europe/Berlin"),
        end_at=instant(at + timedelta(hours=1), "Europe/Berlin"), **fields,
    )  # type: ignore[arg-type]  # fmt: skip


async def _made(d: Desk, **fields: object) -> webinar_pb2.Webinar:
    request = webinar_pb2.CreateWebinarRequest(webinar=_webinar(**fields))
    found: webinar_pb2.Webinar = (await d.provider.create_webinar(d.call, request)).webinar
    return found


async def test_a_webinar_is_drafted_published_and_canceled() -> None:
    async with teams() as d:
        made = await _made(d, capacity=50, panelists=[{"name": "Pia", "email": "pia@example.com"}])
        assert (made.is_published, made.status) == (False, 2)
        assert (made.capacity, made.panelists[0].name) == (50, "Pia")
        assert made.start_at.time_zone == "Europe/Berlin"
        assert made.join_url
        assert made.registration_url
        request = webinar_pb2.UpdateWebinarRequest(
            id=made.id, webinar={"is_published": True}, update_mask={"paths": ["is_published"]}
        )
        answer = await d.provider.update_webinar(d.call, request)
        assert answer.webinar.is_published
        assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_REQUESTED
        request.webinar.is_published = False
        with refused(Kind.PRECONDITION, reason="PUBLISHED"):
            await d.provider.update_webinar(d.call, request)
        gone = webinar_pb2.DeleteWebinarRequest(id=made.id, send_notifications=False)
        answer = await d.provider.delete_webinar(d.call, gone)
        assert answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE
        assert d.graph.teams.webinars[made.id]["status"] == "canceled"
        listed = await d.provider.list_webinars(d.call, webinar_pb2.ListWebinarsRequest())
        assert not listed.webinars
        with refused(Kind.NOT_FOUND):
            await d.provider.delete_webinar(d.call, gone)


async def test_a_draft_that_cannot_be_finished_is_taken_back() -> None:
    async with teams() as d:
        plain = d.graph._fault

        def fail_presenters() -> object:
            if d.graph.asked("POST", "/webinars"):
                d.graph._fault = plain  # type: ignore[method-assign]
                d.graph.fail(403)
            return plain()

        d.graph._fault = fail_presenters  # type: ignore[method-assign, assignment]
        with refused(Kind.FORBIDDEN):
            await _made(d, panelists=[{"email": "pia@example.com"}])
        assert d.graph.teams.webinars == {}


async def test_the_form_and_its_answers() -> None:
    async with teams() as d:
        fields = [{"name": "city", "is_required": True}, {"name": "shoe", "label": "Shoe size?"}]
        made = await _made(d, registration_fields=fields)
        assert [(f.name, f.is_required) for f in made.registration_fields] == [
            ("city", True), ("Shoe size?", False)
        ]  # fmt: skip
        request = webinar_pb2.CreateWebinarRegistrantRequest(
            webinar_id=made.id,
            registrant={"name": "Rita Reg", "email": "r@example.com",
                        "answers": {"city": "Berlin"}},
        )  # fmt: skip
        answer = await d.provider.create_webinar_registrant(d.call, request)
        assert dict(answer.registrant.answers) == {"city": "Berlin"}
        request.registrant.answers["size"] = "1"
        with refused(Kind.INVALID, field="registrant.answers"):
            await d.provider.create_webinar_registrant(d.call, request)
        update = webinar_pb2.UpdateWebinarRegistrantStatusRequest(
            webinar_id=made.id, registrant_id=answer.registrant.id,
            status=webinar_pb2.REGISTRANT_STATUS_CANCELED,
        )  # fmt: skip
        found = await d.provider.update_webinar_registrant_status(d.call, update)
        assert found.registrant.status == webinar_pb2.REGISTRANT_STATUS_CANCELED
        update.status = webinar_pb2.REGISTRANT_STATUS_DENIED
        with refused(Kind.INVALID, field="status"):
            await d.provider.update_webinar_registrant_status(d.call, update)


async def test_only_what_the_mask_names_is_read_apart() -> None:
    async with teams() as d:
        await _made(d)
        d.graph.journal.clear()
        request = webinar_pb2.ListWebinarsRequest(read_mask=FieldMask(paths=["subject"]))
        await d.provider.list_webinars(d.call, request)
        assert len(d.graph.journal) == 1


async def test_webinars_begin_at_a_time() -> None:
    async with teams() as d:
        webinar = _webinar()
        webinar.start_at.date.year = 2026
        with refused(Kind.INVALID, field="webinar.start_at"):
            request = webinar_pb2.CreateWebinarRequest(webinar=webinar)
            await d.provider.create_webinar(d.call, request)


# -- Bookings


async def test_a_service_is_a_link() -> None:
    async with teams() as d:
        asked = link_pb2.Link(name="Intro", price_amount="45.50", capacity=3, location="Berlin")
        asked.duration.seconds = 90 * 60
        asked.minimum_notice.seconds = 7200
        request = link_pb2.CreateLinkRequest(link=asked)
        made = (await d.provider.create_link(d.call, request)).link
        service = d.graph.bookings.services[BUSINESS][made.id.partition("|")[2]]
        assert service["defaultDuration"] == "PT1H30M"
        assert service["staffMemberIds"] == ["staff-1"]
        assert (made.price_amount, made.price_currency) == ("45.50", "EUR")
        assert made.duration.seconds == 90 * 60
        assert made.minimum_notice.seconds == 7200
        assert made.is_active
        assert made.questions[0].label == "Topic?"
        d.graph.bookings.businesses[BUSINESS]["isPublished"] = False
        got = await d.provider.get_link(d.call, link_pb2.GetLinkRequest(id=made.id))
        assert not got.link.is_active


async def test_two_businesses_are_listed_one_after_the_other() -> None:
    async with teams() as d:
        d.graph.bookings.add("Fabrikam@contoso.onmicrosoft.com")
        for business in d.graph.bookings.businesses:
            for number in range(2):
                d.graph.bookings.make(business, {"displayName": f"{business[:4]} {number}"})
        request, names = link_pb2.ListLinksRequest(page_size=1), []
        while True:
            answer = await d.provider.list_links(d.call, request)
            names += [link.name for link in answer.links]
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        assert names == ["Cont 0", "Cont 1", "Fabr 0", "Fabr 1"]
        with refused(Kind.PRECONDITION, reason="BUSINESS_AMBIGUOUS"):
            await d.provider.create_link(d.call, link_pb2.CreateLinkRequest(link={"name": "x"}))
        d.graph.bookings.businesses.clear()
        with refused(Kind.PRECONDITION, reason="BUSINESS_MISSING"):
            await d.provider.create_link(d.call, link_pb2.CreateLinkRequest(link={"name": "x"}))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT30M", 1800), ("PT1H", 3600), ("P1DT2H", 93_600), ("PT0S", 0), ("P1W", 0), ("x", 0)],
)
def test_durations(text: str, seconds: int) -> None:
    assert bookings.parse_duration(text) == timedelta(seconds=seconds)


async def test_who_has_signed_in() -> None:
    async with teams() as d:
        account = await d.provider.test_connection(d.call)
        assert (account.name, account.email) == ("Ada", "ada@contoso.com")
    async with desk() as d:
        account = await d.provider.test_connection(d.call)
        assert (account.name, account.email) == ("Ada", "ada@contoso.com")
