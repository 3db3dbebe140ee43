"""Published samples of Google's answers: each maps without loss."""

import base64
import json
from datetime import UTC
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from providers.core.errors import Kind
from providers.core.http import Reply
from providers.core.push import Delivery
from providers.core.wire import decode
from providers.google import meet_webhook
from providers.google.calendars import parse_calendar
from providers.google.errors import classify
from providers.google.event_parse import parse_event
from providers.google.meet_parse import Conference, Piece, parse_recording, parse_segment, start_of
from providers.google.reading import fill_page
from providers.google.wire import CalendarList, Event, FreeBusyResponse
from providers.google.wire_meet import (
    Artifact,
    Artifacts,
    ConferenceRecords,
    TranscriptEntries,
)
from ucal.v1 import calendar_pb2, event_pb2, recording_pb2

SPECS = Path(__file__).resolve().parents[4] / "shared" / "specs"
pytestmark = pytest.mark.skipif(
    not (SPECS / "google-calendar").is_dir(), reason="../shared/specs/google-* is not here"
)


def _text(name: str) -> bytes:
    return (SPECS / name).read_bytes()


def _calendar(name: str) -> bytes:
    return _text(f"google-calendar/samples/{name}.json")


def _meet(name: str) -> bytes:
    return _text(f"google-meet/samples/{name}.json")


def _reply(content: bytes, status: int = 200) -> Reply:
    return Reply(status, httpx.Headers(), content, "")


def _same(found: event_pb2.Event, item: dict[str, Any]) -> None:
    """Everything that Google says of the event is in it."""
    texts = {
        "id": found.id, "etag": found.etag, "summary": found.subject, "htmlLink": found.web_url,
        "description": found.description, "iCalUID": found.ical_uid, "location": found.location,
        "recurringEventId": found.recurring_event_id,
    }  # fmt: skip
    for name, value in texts.items():
        assert value == item.get(name, ""), name
    for name, stamp in (("created", found.created_at), ("updated", found.updated_at)):
        if name in item:
            shown = stamp.ToDatetime(UTC).isoformat(timespec="milliseconds")
            assert shown == item[name].replace("Z", "+00:00")
    assert found.sequence == item.get("sequence", 0)
    assert list(found.recurrence.rules) == item.get("recurrence", [])
    assert found.organizer.email == item.get("organizer", {}).get("email", "")
    assert found.organizer.name == item.get("organizer", {}).get("displayName", "")
    kept = item.get("extendedProperties", {})
    assert dict(found.metadata) == {**kept.get("shared", {}), **kept.get("private", {})}
    assert found.reminders.use_default == item.get("reminders", {}).get("useDefault", False)
    for name, when in (("start", found.start_at), ("end", found.end_at)):
        there = item.get(name, {})
        if "dateTime" in there:
            stamp = when.timestamp.ToJsonString()
            assert event_pb2.Event(created_at=when.timestamp).created_at.ToJsonString() == stamp
            assert when.time_zone == there.get("timeZone", "")


def test_a_page_of_events() -> None:
    content = _calendar("events")
    items = json.loads(content)["items"]
    for raw in (False, True):
        answer = event_pb2.ListEventsResponse()
        page = fill_page(
            answer.events, _reply(content), "c1", "primary", expanded=False, canceled=True, raw=raw
        )
        assert page.nextPageToken == json.loads(content)["nextPageToken"]
        assert len(answer.events) == len(items)
        for found, item in zip(answer.events, items, strict=True):
            _same(found, item)


@pytest.mark.parametrize("name", ["create_event", "cancelled_events", "missing_date"])
def test_single_events(name: str) -> None:
    item = json.loads(_calendar(name))
    found = event_pb2.Event()
    parse_event(found, msgspec.convert(item, Event), "c1", "primary", raw=item)
    _same(found, item)
    assert {key for key in found.raw if key != "__id"} == set(item)


def test_a_cancelled_stub_has_its_planned_start() -> None:
    found = event_pb2.Event()
    parse_event(found, msgspec.json.decode(_calendar("cancelled_events"), type=Event), "c1", "p")
    assert found.status == event_pb2.EVENT_STATUS_CANCELED
    assert found.original_start_at.timestamp.ToJsonString() == "2015-07-01T01:00:00Z"


def test_the_list_of_calendars() -> None:
    content = _calendar("find_calendar_list")
    page = decode(_reply(content), CalendarList)
    for entry, item in zip(page.items, json.loads(content)["items"], strict=True):
        found = calendar_pb2.Calendar()
        parse_calendar(found, entry, "c1", item)
        assert (found.id, found.name, found.timezone) == (
            item["id"], item["summary"], item["timeZone"],
        )  # fmt: skip
        assert found.color == item["backgroundColor"]
        assert found.is_primary == item.get("primary", False)
        assert found.is_read_only == (item["accessRole"] == "reader")
    assert page.nextSyncToken == "00001420633154361000"


def test_free_busy() -> None:
    found = decode(_reply(_calendar("freebusy_query")), FreeBusyResponse).calendars
    assert len(found["busy-calendar-id"].busy) == 2
    assert found["not-busy-calendar-id"].busy == []


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("400", 400, Kind.INVALID),
        ("403_calendar_rate_limit", 403, Kind.QUOTA_EXCEEDED),
        ("403_user_rate_limit", 403, Kind.RATE_LIMITED),
        ("404", 404, Kind.NOT_FOUND),
        ("410", 410, Kind.NOT_FOUND),
        ("412", 412, Kind.CONFLICT),
    ],
)
def test_errors(name: str, status: int, kind: Kind) -> None:
    assert classify(_reply(_calendar(name), status)).kind is kind


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("error_403_scope", 403, Kind.INSUFFICIENT_SCOPE),
        ("error_429", 429, Kind.RATE_LIMITED),
    ],
)
def test_errors_of_meet(name: str, status: int, kind: Kind) -> None:
    assert classify(_reply(_meet(name), status)).kind is kind


def test_a_conference_of_meet() -> None:
    records = decode(_reply(_meet("conferenceRecords_list_200")), ConferenceRecords)
    record = records.conferenceRecords[0]
    pages = {
        kind: decode(_reply(_meet(f"{kind}_list_200")), Artifacts)
        for kind in ("recordings", "smartNotes")
    }
    pieces = {
        kind: [Piece(msgspec.convert(i, Artifact), i) for i in getattr(page, kind)]
        for kind, page in pages.items()
    }
    conference = Conference(record, pieces["recordings"], (), pieces["smartNotes"])
    (piece,) = conference.pieces()
    found = recording_pb2.Recording()
    parse_recording(found, conference, piece, "c1", raw=True)
    assert found.state == recording_pb2.MEDIA_STATE_READY
    assert found.media[0].id == "1mZq9Xc0wT3vUu7rLhYp2sNdEaKbJ4gQf"
    assert found.media[1].id == "1sNoTeSdOcId"
    assert found.expires_at.ToJsonString() == "2026-11-11T16:47:31.004518Z"
    assert {key for key in found.raw if key != "__id"} == set(piece.raw)
    entries = decode(_reply(_meet("transcript_entries_list_200")), TranscriptEntries)
    segment = recording_pb2.TranscriptSegment()
    first = entries.transcriptEntries[0]
    parse_segment(segment, first, start_of(piece), {first.participant: "Ada"})
    assert (segment.speaker, segment.text) == ("Ada", first.text)
    assert segment.start_offset.ToTimedelta().total_seconds() == pytest.approx(3.982)


def test_nothing_of_meet() -> None:
    assert decode(_reply(_meet("recordings_list_empty_200")), Artifacts).recordings == []


def test_a_push_of_meet() -> None:
    body = _meet("pubsub_push_recording_fileGenerated")
    (hint,) = meet_webhook.hints(Delivery({}, body))
    assert hint.delivery_id == "b1a2"
    assert hint.subscription_id == "subscriptions/meet-spaces-123"
    data = json.loads(base64.b64decode(json.loads(body)["message"]["data"]))
    assert hint.object_id == data["recording"]["name"]
