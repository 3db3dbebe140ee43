"""What each method is asked over HTTP: the fields of its path, of its query, and its body.

All of the sandbox's sample world, which is the same in both replicas. A method that is not named
here is asked for something that is nowhere, and has to refuse it.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """Fields of the path (`connection_id` is the sandbox's unless told), query and body."""

    ids: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


_AT = {"timestamp": "2027-03-01T09:00:00Z", "time_zone": "Europe/Berlin"}
_END = {"timestamp": "2027-03-01T10:00:00Z", "time_zone": "Europe/Berlin"}
_WINDOW = {"start_at": "2027-03-01T00:00:00Z", "end_at": "2027-03-08T00:00:00Z"}
_IN = {f"window.{name}": value for name, value in _WINDOW.items()}


def _of(identifier: str, **query: str) -> Asked:
    return Asked({"id": identifier}, query)


ASKED = {
    "BusyService/ListBusy": Asked(query=_IN),
    "BusyService/BatchListBusy": Asked(
        body={"requests": [{"connection_id": "sandbox", "window": _WINDOW}]}
    ),
    "CalendarService/ListCalendars": Asked(query={"page_size": "2", "read_mask": "id,name"}),
    "CalendarService/GetCalendar": _of("work"),
    "CalendarService/CreateCalendar": Asked(body={"name": "Mesh"}),
    "CalendarService/UpdateCalendar": Asked(
        {"id": "scratch"}, {"update_mask": "description"}, {"description": "New"}
    ),
    "CalendarService/DeleteCalendar": _of("scratch"),
    "ConnectionService/ListConnections": Asked(query={"page_size": "1"}),
    "ConnectionService/GetConnection": _of("sandbox"),
    "ConnectionService/CreateConnection": Asked(body={"id": "second", "provider": "sandbox"}),
    "ConnectionService/DeleteConnection": _of("nowhere", allow_missing="true"),
    "ConnectionService/TestConnection": _of("sandbox"),
    "EventService/ListEvents": Asked(query=_IN | {"expand_recurring": "true"}),
    "EventService/GetEvent": _of("launch"),
    "EventService/ListEventInstances": Asked({"recurring_event_id": "standup"}, _IN),
    "EventService/CreateEvent": Asked(body={"subject": "Mesh", "start_at": _AT, "end_at": _END}),
    "EventService/UpdateEvent": Asked(
        {"id": "launch"}, {"update_mask": "subject"}, {"subject": "Launch, later"}
    ),
    "EventService/DeleteEvent": _of("launch"),
    "EventService/RespondToEvent": Asked(
        {"id": "invitation-needs-action"}, body={"response": "ATTENDEE_RESPONSE_ACCEPTED"}
    ),
    "LinkService/ListLinks": Asked(query={"is_active": "true"}),
    "LinkService/GetLink": _of("consulting"),
    "LinkService/CreateLink": Asked(body={"name": "Mesh", "duration": "1800s"}),
    "LinkService/UpdateLink": Asked(
        {"id": "consulting"}, {"update_mask": "name"}, {"name": "Consulting, longer"}
    ),
    "LinkService/DeleteLink": _of("old-demo"),
    "LinkService/ListLinkSlots": Asked({"link_id": "intro-call"}, _IN),
    "LocationService/ListLocations": Asked(),
    "PassthroughService/CallStreaming": Asked(
        body={"call": {"connection_id": "local", "method": "HTTP_METHOD_GET", "path": "/"}}
    ),
    "ProviderService/ListProviders": Asked(query={"page_size": "3"}),
    "ProviderService/GetProvider": _of("sandbox"),
    "RecordingService/ListRecordings": Asked(query={"page_size": "2"}),
    "RecordingService/GetRecording": _of("rec-workshop"),
    "RecordingService/ListTranscriptSegments": Asked({"recording_id": "rec-workshop"}),
    "RoomService/ListRooms": Asked(),
    "RoomService/GetRoom": _of("spree"),
    "WatchService/WatchEvents": Asked(
        body={"scope": {"connection_id": "sandbox"}, "start": "WATCH_START_INITIAL_STATE"}
    ),
    "WatchService/PollEvents": Asked(body={"scope": {"connection_id": "sandbox"}}),
    "WebinarService/ListWebinars": Asked(),
    "WebinarService/GetWebinar": _of("webinar-upcoming"),
    "WebinarService/CreateWebinar": Asked(
        body={"subject": "Mesh", "start_at": _AT, "end_at": _END}
    ),
    "WebinarService/UpdateWebinar": Asked(
        {"id": "webinar-upcoming"}, {"update_mask": "subject"}, {"subject": "Another title"}
    ),
    "WebinarService/DeleteWebinar": _of("webinar-manual"),
    "WebinarService/ListWebinarRegistrants": Asked({"webinar_id": "webinar-upcoming"}),
    "WebinarService/CreateWebinarRegistrant": Asked(
        {"webinar_id": "webinar-series"}, body={"email": "a@example.com", "name": "Robin"}
    ),
}
