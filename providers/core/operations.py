"""The operations of the contract: one row for each RPC that a provider can take, as data.

A row ties together the name of the `Provider` method, the RPC, and the (kind, method) pair under
which capabilities speak of it. Watching has a row per kind, and no method of its own.
"""

from dataclasses import dataclass
from typing import TypeAlias

from ucal.v1 import provider_pb2, types_pb2

ResourceKind: TypeAlias = types_pb2.ResourceKind.ValueType


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: method of `Provider`, "list_events"; for watches "watch_events".
        rpc: name of the RPC, "ListEvents".
        kind: kind of resource that it is about.
        method: what is done to it.
        resource: singular field name of the resource in requests and answers, "event".
    """

    name: str
    rpc: str
    kind: ResourceKind
    method: provider_pb2.Method.ValueType
    resource: str

    @property
    def writes(self) -> bool:
        """Whether it changes anything at the provider."""
        return self.method in _WRITES

    @property
    def watches(self) -> bool:
        """Whether it is a watch, which no method of `Provider` stands for."""
        return self.method == provider_pb2.METHOD_WATCH


_WRITES = frozenset(
    {
        provider_pb2.METHOD_CREATE,
        provider_pb2.METHOD_UPDATE,
        provider_pb2.METHOD_DELETE,
        provider_pb2.METHOD_RESPOND,
        provider_pb2.METHOD_CREATE_REGISTRANT,
        provider_pb2.METHOD_UPDATE_REGISTRANT_STATUS,
    }
)

_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_EVENT = types_pb2.RESOURCE_KIND_EVENT
_BUSY = types_pb2.RESOURCE_KIND_BUSY
_LINK = types_pb2.RESOURCE_KIND_LINK
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
_WEBINAR = types_pb2.RESOURCE_KIND_WEBINAR
_ROOM = types_pb2.RESOURCE_KIND_ROOM
_LOCATION = types_pb2.RESOURCE_KIND_LOCATION

_P = provider_pb2

LIST_CALENDARS = Operation(
    "list_calendars", "ListCalendars", _CALENDAR, _P.METHOD_LIST, "calendars"
)
GET_CALENDAR = Operation("get_calendar", "GetCalendar", _CALENDAR, _P.METHOD_GET, "calendar")
CREATE_CALENDAR = Operation(
    "create_calendar", "CreateCalendar", _CALENDAR, _P.METHOD_CREATE, "calendar"
)
UPDATE_CALENDAR = Operation(
    "update_calendar", "UpdateCalendar", _CALENDAR, _P.METHOD_UPDATE, "calendar"
)
DELETE_CALENDAR = Operation(
    "delete_calendar", "DeleteCalendar", _CALENDAR, _P.METHOD_DELETE, "calendar"
)
WATCH_CALENDARS = Operation(
    "watch_calendars", "WatchEvents", _CALENDAR, _P.METHOD_WATCH, "calendar"
)

LIST_EVENTS = Operation("list_events", "ListEvents", _EVENT, _P.METHOD_LIST, "events")
GET_EVENT = Operation("get_event", "GetEvent", _EVENT, _P.METHOD_GET, "event")
LIST_EVENT_INSTANCES = Operation(
    "list_event_instances", "ListEventInstances", _EVENT, _P.METHOD_LIST_INSTANCES, "events"
)
CREATE_EVENT = Operation("create_event", "CreateEvent", _EVENT, _P.METHOD_CREATE, "event")
UPDATE_EVENT = Operation("update_event", "UpdateEvent", _EVENT, _P.METHOD_UPDATE, "event")
DELETE_EVENT = Operation("delete_event", "DeleteEvent", _EVENT, _P.METHOD_DELETE, "event")
RESPOND_TO_EVENT = Operation(
    "respond_to_event", "RespondToEvent", _EVENT, _P.METHOD_RESPOND, "event"
)
WATCH_EVENTS = Operation("watch_events", "WatchEvents", _EVENT, _P.METHOD_WATCH, "event")

LIST_BUSY = Operation("list_busy", "ListBusy", _BUSY, _P.METHOD_LIST, "busy")
WATCH_BUSY = Operation("watch_busy", "WatchEvents", _BUSY, _P.METHOD_WATCH, "busy")

LIST_LINKS = Operation("list_links", "ListLinks", _LINK, _P.METHOD_LIST, "links")
GET_LINK = Operation("get_link", "GetLink", _LINK, _P.METHOD_GET, "link")
CREATE_LINK = Operation("create_link", "CreateLink", _LINK, _P.METHOD_CREATE, "link")
UPDATE_LINK = Operation("update_link", "UpdateLink", _LINK, _P.METHOD_UPDATE, "link")
DELETE_LINK = Operation("delete_link", "DeleteLink", _LINK, _P.METHOD_DELETE, "link")
LIST_LINK_SLOTS = Operation(
    "list_link_slots", "ListLinkSlots", _LINK, _P.METHOD_LIST_SLOTS, "slots"
)
WATCH_LINKS = Operation("watch_links", "WatchEvents", _LINK, _P.METHOD_WATCH, "link")

LIST_RECORDINGS = Operation(
    "list_recordings", "ListRecordings", _RECORDING, _P.METHOD_LIST, "recordings"
)
GET_RECORDING = Operation("get_recording", "GetRecording", _RECORDING, _P.METHOD_GET, "recording")
LIST_TRANSCRIPT_SEGMENTS = Operation(
    "list_transcript_segments",
    "ListTranscriptSegments",
    _RECORDING,
    _P.METHOD_LIST_TRANSCRIPT_SEGMENTS,
    "segments",
)
WATCH_RECORDINGS = Operation(
    "watch_recordings", "WatchEvents", _RECORDING, _P.METHOD_WATCH, "recording"
)

LIST_WEBINARS = Operation("list_webinars", "ListWebinars", _WEBINAR, _P.METHOD_LIST, "webinars")
GET_WEBINAR = Operation("get_webinar", "GetWebinar", _WEBINAR, _P.METHOD_GET, "webinar")
CREATE_WEBINAR = Operation("create_webinar", "CreateWebinar", _WEBINAR, _P.METHOD_CREATE, "webinar")
UPDATE_WEBINAR = Operation("update_webinar", "UpdateWebinar", _WEBINAR, _P.METHOD_UPDATE, "webinar")
DELETE_WEBINAR = Operation("delete_webinar", "DeleteWebinar", _WEBINAR, _P.METHOD_DELETE, "webinar")
LIST_WEBINAR_REGISTRANTS = Operation(
    "list_webinar_registrants",
    "ListWebinarRegistrants",
    _WEBINAR,
    _P.METHOD_LIST_REGISTRANTS,
    "registrants",
)
CREATE_WEBINAR_REGISTRANT = Operation(
    "create_webinar_registrant",
    "CreateWebinarRegistrant",
    _WEBINAR,
    _P.METHOD_CREATE_REGISTRANT,
    "registrant",
)
UPDATE_WEBINAR_REGISTRANT_STATUS = Operation(
    "update_webinar_registrant_status",
    "UpdateWebinarRegistrantStatus",
    _WEBINAR,
    _P.METHOD_UPDATE_REGISTRANT_STATUS,
    "registrant",
)
WATCH_WEBINARS = Operation("watch_webinars", "WatchEvents", _WEBINAR, _P.METHOD_WATCH, "webinar")

LIST_ROOMS = Operation("list_rooms", "ListRooms", _ROOM, _P.METHOD_LIST, "rooms")
GET_ROOM = Operation("get_room", "GetRoom", _ROOM, _P.METHOD_GET, "room")
LIST_LOCATIONS = Operation(
    "list_locations", "ListLocations", _LOCATION, _P.METHOD_LIST, "locations"
)
GET_LOCATION = Operation("get_location", "GetLocation", _LOCATION, _P.METHOD_GET, "location")

OPERATIONS: tuple[Operation, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Operation)
)
WATCHES: dict[ResourceKind, Operation] = {op.kind: op for op in OPERATIONS if op.watches}
LISTS: dict[ResourceKind, Operation] = {
    op.kind: op for op in OPERATIONS if op.method == _P.METHOD_LIST
}
