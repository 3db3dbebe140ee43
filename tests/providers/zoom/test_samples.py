"""Recorded and published answers of Zoom map without loss."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from providers.zoom import media, meetings, registrants, schedules, series, webinars
from providers.zoom.wire import (
    Meeting,
    Occurrence,
    Page,
    Panelist,
    Recording,
    Registrant,
    Schedule,
    Transcript,
)
from tests.providers.zoom import spec
from ucal.v1 import event_pb2, link_pb2, recording_pb2, webinar_pb2

pytestmark = pytest.mark.skipif(
    not spec.there(), reason="the project's shared specs/zoom is missing"
)


def _answer(name: str) -> bytes:
    return msgspec.json.encode(spec.sample(name)["response"]["body"])


def _event(raw: bytes, *, whole: bool) -> event_pb2.Event:
    event = event_pb2.Event()
    found = msgspec.json.decode(raw, type=Meeting)
    meetings.parse_event(event, found, "c1", whole=whole, raw=raw)
    return event


def test_a_recorded_list_of_meetings() -> None:
    page = msgspec.json.decode(_answer("rec-users-me-meetings-GET-scheduled"), type=Page)
    found = [_event(bytes(each), whole=False) for each in page.meetings]
    body: list[Any] = spec.sample("rec-users-me-meetings-GET-scheduled")["response"]["body"][
        "meetings"
    ]
    for event, sample in zip(found, body, strict=True):
        assert event.id == str(sample["id"])
        assert event.subject == sample["topic"]
        assert event.start_at.time_zone == sample["timezone"]
        start = event.start_at.timestamp.ToDatetime(UTC)
        assert f"{start:%Y-%m-%dT%H:%M:%SZ}" == sample["start_time"]
        length = event.end_at.timestamp.seconds - event.start_at.timestamp.seconds
        assert length == 60 * sample["duration"]
        assert event.conference.join_url == sample["join_url"]
        assert event.calendar_id == sample["host_id"]


def test_a_recorded_creation() -> None:
    event = _event(_answer("rec-users-me-meetings-POST"), whole=True)
    assert event.organizer.email == "host@example.com"
    assert event.conference.password == "CWkKv8"
    assert "start_url" not in event.raw.fields
    assert event.raw.fields["settings"].struct_value.fields["approval_type"].number_value == 2


def test_a_published_meeting() -> None:
    """The example mixes a meeting of type 2 with the recurrence of a series."""
    event = _event(_answer("doc-meetings-meetingId_GET"), whole=True)
    assert [a.email for a in event.attendees] == ["jchill@example.com"]
    assert event.conference.phones[0].number == "+1 1000200200"
    assert not event.HasField("recurrence")
    assert "dynamic_host_key" not in event.raw.fields


def test_recorded_occurrences() -> None:
    """The id of a moved occurrence is the start it was planned for."""
    body = msgspec.json.encode(spec.sample("issue-webinar-occurrences")["body"])
    found = [series.slot(each, 60) for each in msgspec.json.decode(body, type=list[Occurrence])]
    assert found[0].planned == datetime(2025, 7, 25, tzinfo=UTC)
    assert found[0].start == datetime(2025, 7, 23, tzinfo=UTC)
    assert [each.deleted for each in found] == [False, False, False, True]


@pytest.mark.parametrize("name", ["users-userId-webinars_GET", "users-userId-webinars_POST"])
def test_published_webinars(name: str) -> None:
    raw = _answer(f"doc-{name}")
    page = msgspec.json.decode(raw, type=Page)
    for each in page.webinars or [msgspec.Raw(raw)]:
        webinar = webinar_pb2.Webinar()
        found = msgspec.json.decode(each, type=Meeting)
        webinars.parse_webinar(webinar, found, "c1", raw=each)
        assert webinar.id == str(found.id)
        assert webinar.subject
        assert webinar.HasField("start_at")


def test_published_people() -> None:
    page = msgspec.json.decode(_answer("doc-webinars-webinarId-registrants_GET"), type=Page)
    for each in page.registrants:
        registrant = webinar_pb2.WebinarRegistrant()
        raw = msgspec.json.decode(each)
        registrants.parse_registrant(registrant, msgspec.json.decode(each, type=Registrant), raw)
        assert registrant.email == raw["email"]
        assert registrant.status == webinar_pb2.REGISTRANT_STATUS_APPROVED
        assert registrant.answers["city"] == raw["city"]
    page = msgspec.json.decode(_answer("doc-webinars-webinarId-panelists_GET"), type=Page)
    for each in page.panelists:
        panelist = webinar_pb2.WebinarPanelist()
        webinars.parse_panelist(panelist, msgspec.json.decode(each, type=Panelist))
        assert panelist.id
        assert panelist.join_url


@pytest.mark.parametrize(
    "name", ["doc-meetings-meetingId-recordings_GET", "test-users-recordings-GET-page1"]
)
def test_published_recordings(name: str) -> None:
    raw = _answer(name)
    page = msgspec.json.decode(raw, type=Page)
    for each in page.meetings or [msgspec.Raw(raw)]:
        found = msgspec.json.decode(each, type=Recording)
        recording = recording_pb2.Recording()
        media.parse_recording(recording, found, "c1", raw=each)
        assert recording.id == found.uuid
        assert recording.end_at.seconds >= recording.start_at.seconds
        assert len(recording.media) == len(found.recording_files or ())
        assert all(m.kind for m in recording.media)
        assert "download_access_token" not in recording.raw.fields


def test_a_recorded_empty_list() -> None:
    page = msgspec.json.decode(_answer("rec-users-me-recordings-GET-empty"), type=Page)
    assert (page.meetings, page.next_page_token) == ([], "")


def test_a_published_transcript() -> None:
    found = msgspec.json.decode(_answer("doc-meetings-meetingId-transcript_GET"), type=Transcript)
    assert found.download_restriction_reason or found.download_url


def test_published_schedules() -> None:
    page = msgspec.json.decode(_answer("doc-scheduler-schedules_GET"), type=Page)
    for each in page.items:
        link = link_pb2.Link()
        schedules.parse_link(link, msgspec.json.decode(each, type=Schedule), "c1", raw=each)
        assert link.url == "https://scheduler.zoom.us/zoom_us/sales"
        assert link.duration.seconds == 1800
        assert link.questions[0].choices[0] == "At home"
        assert link.color == "#FFF200"
