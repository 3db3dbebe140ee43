"""Answers that Microsoft has published: they map, and nothing of them is lost."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from providers.core import times, timezones
from providers.core.push import Delivery
from providers.core.windows_zones import NEWER
from providers.microsoft import webhook
from providers.microsoft.event_parse import parse_event
from providers.microsoft.wire import Calendar, Event, Schedules
from providers.microsoft.wire_teams import CallArtifact, OnlineMeeting, Registrations
from providers.microsoft.wire_webhook import Subscription
from tests.providers.microsoft.spec import FOLDER, SAMPLES
from ucal.v1 import event_pb2, types_pb2

EVENT = types_pb2.RESOURCE_KIND_EVENT

EVENTS = (
    "calendar-post-events_1_201",
    "event-get_2_200",
    "event-update_1_200",
    "outlook-calendar-online-meetings_2_201",
    "user-post-events_1_201",
    "user-post-events_3_201",
    "outlook-calendar-meeting-proposals_1_200",
)
LISTS = ("delta-query-events_2_200", "user-list-events_1_200", "group-list-events_1_200")


def _sample(name: str) -> Any:
    path = SAMPLES / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"Microsoft's samples are missing: {Path(SAMPLES).name}/{path.name}")
    return json.loads(path.read_text())


def _holds(found: event_pb2.Event, sample: dict[str, Any]) -> None:
    """Everything that the contract has a place for is there."""
    assert found.id == sample["id"]
    assert found.subject == (sample.get("subject") or "")
    assert found.description == ((sample.get("body") or {}).get("content") or "")
    assert found.location == ((sample.get("location") or {}).get("displayName") or "")
    assert len(found.attendees) == len(sample.get("attendees") or ())
    organizer = ((sample.get("organizer") or {}).get("emailAddress") or {}).get("address", "")
    assert found.organizer.email == organizer
    assert list(found.categories) == (sample.get("categories") or [])
    assert found.has_conference is bool(sample.get("isOnlineMeeting"))
    assert bool(found.recurrence.rules) is bool(sample.get("recurrence"))
    if sample.get("start"):
        assert found.HasField("start_at")
        assert found.HasField("end_at")
    for name, field in (("createdDateTime", "created_at"), ("lastModifiedDateTime", "updated_at")):
        assert found.HasField(field) is bool(sample.get(name))  # type: ignore[arg-type]
    for guest, there in zip(sample.get("attendees") or (), found.attendees, strict=True):
        assert there.email == guest["emailAddress"]["address"]
        assert there.name == guest["emailAddress"]["name"]


@pytest.mark.parametrize("name", EVENTS)
def test_events(name: str) -> None:
    sample = _sample(name)
    sample = sample["value"][0] if "value" in sample else sample
    sample.setdefault("id", "shortened for readability")
    found = event_pb2.Event()
    parse_event(found, msgspec.convert(sample, Event), "c", "", raw=sample)
    _holds(found, sample)
    assert found.raw["__id"] == sample["id"]


@pytest.mark.parametrize("name", LISTS)
def test_lists(name: str) -> None:
    for sample in _sample(name)["value"]:
        found = event_pb2.Event()
        parse_event(found, msgspec.convert(sample, Event), "c", "")
        _holds(found, sample)


def test_a_deletion() -> None:
    removed = [e for e in _sample("delta-query-events_4_200")["value"] if "@removed" in e]
    assert all(msgspec.convert(e, Event).removed for e in removed)


def test_the_series_of_the_documentation() -> None:
    sample = _sample("user-post-events_3_201")
    found = event_pb2.Event()
    parse_event(found, msgspec.convert(sample, Event), "c", "")
    assert list(found.recurrence.rules) == ["RRULE:FREQ=WEEKLY;WKST=SU;UNTIL=20180101T075959Z"]
    assert found.start_at.time_zone == "America/Los_Angeles"
    assert found.start_at.timestamp.ToDatetime().hour == 19


def test_the_block_of_a_published_meeting_is_kept() -> None:
    from providers.microsoft import bodies

    content = _sample("outlook-calendar-online-meetings_2_201")["body"]["content"]
    block = bodies.teams_block(content)
    assert block.count("meetup-join") == 1
    assert "Does this time work for you?" not in block
    assert block in bodies.with_block("New", content, "")["content"]


def test_others() -> None:
    calendar = msgspec.convert(_sample("calendar-update_1_200"), Calendar)
    assert (calendar.name, calendar.canEdit) == ("Social events", True)
    schedules = msgspec.convert(_sample("calendar-getschedule_1_200"), Schedules)
    assert all(each.scheduleId for each in schedules.value)
    for item in _sample("onlinemeeting-list-recordings_200")["value"]:
        assert msgspec.convert(item, CallArtifact).meetingId
    transcript = msgspec.convert(_sample("calltranscript-get_200"), CallArtifact)
    assert transcript.contentCorrelationId
    assert msgspec.convert(_sample("onlinemeeting-get_1_200"), OnlineMeeting).joinWebUrl
    page = msgspec.convert(_sample("virtualeventwebinar-list-registrations_200"), Registrations)
    assert page.value[0].registrationQuestionAnswers
    body = json.dumps(_sample("notification-lifecycle")).encode()
    delivery = Delivery({}, body, {"topic": "t"})
    (hint,) = webhook.hints(delivery, EVENT)
    assert (hint.kind, hint.subscription_id, hint.renew) == (EVENT, "t", True)
    for name in ("subscription-get_1_200", "subscription-post-subscriptions_1_201"):
        made = msgspec.convert(_sample(name), Subscription)
        assert made.id == "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"
        assert times.parse_rfc3339(made.expirationDateTime).year == 2016


# -- zones

# Zones that changed their clocks after CLDR 48.2 was written, or that it has fallen behind: the
# Canadian ones of November 2026, Greenland's east coast of 2024, two stations of Antarctica.
_CHANGED = {
    "America/Edmonton": "Alberta Standard Time",
    "America/Inuvik": "Alberta Standard Time",
    "America/Scoresbysund": "Greenland Standard Time",
    "America/Vancouver": "British Columbia Standard Time",
    "America/Winnipeg": "Manitoba Standard Time",
    "Antarctica/Casey": "W. Australia Standard Time",
    "Antarctica/Vostok": "West Asia Standard Time",
}


def _same(windows: str, iana: str) -> None:
    """Our zone of a Windows name has the clocks of theirs; both are names of one place."""
    ours = timezones.zone(windows)
    for month in (1, 4, 7, 10):
        for year in (2026, 2027):
            when = datetime(year, month, 10, tzinfo=UTC)
            theirs = when.astimezone(ZoneInfo(iana)).utcoffset()
            assert when.astimezone(ours).utcoffset() == theirs, (windows, iana, when)
    assert timezones.windows_name(iana) == windows, (windows, iana)


def test_windows_names_agree_with_the_table_of_cldr() -> None:
    path = FOLDER / "windows_iana.json"
    if not path.is_file():
        pytest.skip(f"the table of zones is missing: {path.name}")
    table = json.loads(path.read_text())
    for windows, iana in {**table["windows_to_iana"], **table["windows_to_iana_newer"]}.items():
        _same(windows, iana)
    differ = {
        iana: timezones.windows_name(iana)
        for iana, windows in table["iana_to_windows"].items()
        if timezones.windows_name(iana) != windows
    }
    assert differ == _CHANGED


def test_windows_names_agree_with_tzlocal() -> None:
    """The second source; it knows the Canadian zones of November 2026."""
    table = pytest.importorskip("tzlocal.windows_tz", reason="tzlocal (extra strangers) is missing")
    for windows, iana in table.win_tz.items():
        _same(windows, iana)
    for windows in NEWER:
        assert windows in table.win_tz


@pytest.mark.parametrize(
    ("name", "iana"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("(UTC+00:00) Dublin, Edinburgh, Lisbon, London", "Europe/London"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("UTC", "UTC"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("Europe/Vienna", "Europe/Vienna"),
    ],
)
def test_spellings_of_zones(name: str, iana: str) -> None:
    """P18, P20."""
    found = event_pb2.Event()
    time = {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "UTC"}
    event = {"id": "1", "start": time, "end": time, "originalStartTimeZone": name}
    parse_event(found, msgspec.convert(event, Event), "c", "")
    assert (found.timezone, found.is_timezone_inferred) == (iana, False)
