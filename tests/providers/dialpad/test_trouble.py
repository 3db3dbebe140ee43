"""Recordings, errors, hostile answers, deliveries, samples."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from providers.core.errors import Kind
from providers.core.http import Reply
from providers.core.push import Delivery
from providers.dialpad import meetings, webhook
from tests.providers.desk import refused, window
from tests.providers.dialpad import spec
from tests.providers.dialpad.desk import NOW, Desk, meeting
from tests.providers.dialpad.double.world import EMAIL, iso
from tests.providers.dialpad.harness import Harness
from ucal.v1 import event_pb2, recording_pb2, types_pb2

RECORDING = types_pb2.RESOURCE_KIND_RECORDING
CANARY = "canary-7f3a9d"


async def _history(desk: Desk, count: int) -> list[str]:
    """Newest first; every third one without a recording."""
    harness = Harness()
    harness.dialpad = desk.dialpad
    ids = []
    for number in range(count):
        own_id = await harness.plant(RECORDING)
        item = desk.dialpad.world.history.pop(0)
        start = NOW - timedelta(days=number, hours=2)
        item |= {"start_time": iso(start), "end_time": iso(start + timedelta(minutes=28))}
        if number % 3 == 2:
            item |= {"recordings": [], "video_recordings": None}
        else:
            ids.append(own_id)
        desk.dialpad.world.history.append(item)
    return ids


async def test_recordings_of_the_history(desk: Desk) -> None:
    made = await _history(desk, 12)
    desk.dialpad.world.page = 5
    for size in (1, 2, 3):
        assert [each.id for each in await desk.recordings(page_size=size)] == made
    found = await desk.recordings()
    assert [each.id for each in found] == made
    one = found[0]
    assert [each.kind for each in one.media] == [
        recording_pb2.MEDIA_KIND_VIDEO,
        recording_pb2.MEDIA_KIND_AUDIO,
        recording_pb2.MEDIA_KIND_TRANSCRIPT,
    ]
    assert [bool(each.url) for each in one.media] == [True, False, False], "P82"
    assert all(each.size_bytes == 0 for each in one.media), "14.3MB is no number"
    assert one.web_url == one.media[0].url
    assert one.duration.ToMilliseconds() == 1717000
    assert (one.owner.name, one.participants[0].email) == ("Dana", EMAIL)
    request = recording_pb2.GetRecordingRequest(id=made[-1], include_raw=True)
    whole = (await desk.provider.get_recording(desk.call, request)).recording
    assert all(each.url for each in whole.media)
    assert whole.raw["__id"] == made[-1]
    with refused(Kind.NOT_FOUND):
        gone = recording_pb2.GetRecordingRequest(id="meet_none")
        await desk.provider.get_recording(desk.call, gone)
    with refused(Kind.INVALID, field="event_id"):
        await desk.recordings(event_id="9")


async def test_the_history_is_read_until_it_is_older(desk: Desk) -> None:
    made = await _history(desk, 12)
    desk.dialpad.world.page = 2
    since = types_pb2.TimeRange(start_at=window(NOW - timedelta(days=2), 1).start_at)
    assert [each.id for each in await desk.recordings(window=since)] == made[:2]
    assert len(desk.asked(part="/conference/meetings")) < 6
    desk.dialpad.world.history.reverse()
    desk.dialpad.journal.clear()
    found = await desk.recordings(window=since)
    assert {each.id for each in found} == set(made[:2]), "the order is a guess, and is looked at"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.INVALID),
        (401, Kind.UNAUTHENTICATED),
        (403, Kind.FORBIDDEN),
        (404, Kind.NOT_FOUND),
        (409, Kind.CONFLICT),
        (413, Kind.INVALID),
        (429, Kind.RATE_LIMITED),
        (500, Kind.UNAVAILABLE),
        (502, Kind.UNAVAILABLE),
        (503, Kind.UNAVAILABLE),
        (504, Kind.TIMEOUT),
    ],
)
async def test_errors_of_the_sheet(desk: Desk, status: int, kind: Kind) -> None:
    body = json.dumps({"error": {"code": status, "message": CANARY}}).encode()
    error = desk.provider.classify(Reply(status, httpx.Headers(), body, desk.dialpad.url))
    assert error.kind is kind
    assert CANARY not in f"{error} {error.metadata}"


async def test_a_conflict_of_a_create_is_that_it_exists(desk: Desk) -> None:
    desk.dialpad.fail(409, method="POST")
    with refused(Kind.ALREADY_EXISTS):
        await desk.create(meeting())


async def test_a_lost_answer_of_a_write_is_not_sent_again(desk: Desk) -> None:
    """P59."""
    desk.account = "a1"
    await desk.listed()
    desk.dialpad.lose()
    with refused(Kind.OUTCOME_UNKNOWN):
        await desk.create(meeting())
    assert len(desk.dialpad.world.meetings) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b'{"data": [{"id": "1", "title": ',
        b"[]",
        b'{"data": {"id": 1}}',
        b'{"data": [{"id": {"a": 1}}]}',
        b'{"data": [{"id": "1"}]}',
        b'{"data": [{"id": "1", "start_datetime": "soon"}]}',
        b'{"data": [{"id": "1", "start_datetime": "2026-12-01T09:00:00"}]}',
        b'{"data":' + b"[" * 100_000,
        b"\xff\xfe",
    ],
)
async def test_hostile_answers(desk: Desk, body: bytes) -> None:
    desk.account = "a1"
    await desk.listed()
    desk.dialpad.fail(200, body=body)
    with refused(Kind.PROVIDER_FAULT):
        await desk.listed()


async def test_a_cursor_that_leads_nowhere_ends(desk: Desk) -> None:
    desk.account = "a1"
    await desk.listed()
    desk.dialpad.fail(200, body=b'{"cursor": "x", "data": []}', times=3)
    assert await desk.listed() == []


async def test_strange_members_fail_no_list(desk: Desk) -> None:
    """Unknown types, nulls, huge numbers."""
    desk.account = "a1"
    await desk.listed()
    start = "2031-11-01T09:00:00+00:00"
    odd = [
        {"id": 2**62 + 1, "start_datetime": start, "meeting_type": "HOLOGRAM", "new": {"a": []}},
        {"id": "7", "start_datetime": start, "title": None, "participants_info": None,
         "duration": 10**40, "timezone": "Mars/Olympus"},
        {"id": None, "start_datetime": start},
    ]  # fmt: skip
    desk.dialpad.fail(200, body=json.dumps({"data": odd}).encode())
    found = await desk.listed()
    assert sorted(each.id for each in found) == [str(2**62 + 1), "7"]


# -- deliveries

# Of the vectors.
_NOW = datetime.fromtimestamp(1763800060, UTC)


@pytest.mark.skipif(not spec.present(), reason="needs the samples in ../shared/specs/dialpad")
def test_signature_vectors() -> None:
    found = json.loads((spec.FOLDER / "samples/signature-vectors.json").read_text())
    assert {case["expect"] for case in found["cases"]} == {"accept", "reject"}
    for case in found["cases"]:
        delivery = Delivery({}, case["raw_body"].encode())
        if case["expect"] == "accept":
            webhook.verify(delivery, found["secret"], _NOW)
            (hint,) = webhook.hints(delivery)
            assert hint.delivery_id == "100200301/hangup/1763800000000"
            for secret in ("", "another"):
                with refused(Kind.UNAUTHENTICATED):
                    webhook.verify(delivery, secret, _NOW)
        else:
            with refused(Kind.UNAUTHENTICATED):
                webhook.verify(delivery, found["secret"], _NOW)


@pytest.mark.parametrize(
    "body",
    [b"", b"a.b", b"a.b.c.d", b"....", b"!.!.!", b"\xff.\xff.\xff", b"e30.e30.", b"a" * 2_000_000],
)
def test_bodies_that_are_no_token(body: bytes) -> None:
    delivery = Delivery({}, body)
    with refused(Kind.UNAUTHENTICATED):
        webhook.verify(delivery, "secret", _NOW)
    assert webhook.hints(delivery) == []


# -- samples


@pytest.mark.skipif(not spec.present(), reason="needs the samples in ../shared/specs/dialpad")
def test_samples_are_read() -> None:
    """An item with instance_id is an instance, of whatever number; one without the series."""
    first, second = spec.sample("meetings-GET")["data"]
    event = _parsed(first, instance=True)
    assert (event.id, event.recurring_event_id) == ("11:1735721100", "11")
    assert event.end_at.timestamp.seconds - event.start_at.timestamp.seconds == 3600
    assert event.organizer.email == "bot66@dialpad.com"
    series = _parsed(second, instance=False)
    assert list(series.recurrence.rules) == ["RRULE:FREQ=DAILY;UNTIL=20250630T110000Z"]
    deleted = _parsed(spec.sample("meeting-DELETE"), instance=True)
    assert deleted.subject == "test title"


def _parsed(raw: dict[str, Any], *, instance: bool) -> event_pb2.Event:
    event = event_pb2.Event()
    meetings.parse(event, meetings.read(raw), "c1", "room_77", instance=instance)
    return event
