"""The state of one connection: its objects, its clock, its bounds.

Every write goes through `save`, `save_event`, `save_exception` or a `drop`, which number it, stamp
it, note it in the journal and hold the world to its bounds.
"""

import heapq
from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from providers.sandbox.agenda import Agenda
from providers.sandbox.clock import micros
from providers.sandbox.entries import Series
from providers.sandbox.journal import Journal
from providers.sandbox.requests import Requests, taken
from providers.sandbox.store import M, Shelf
from ucal.v1 import (
    calendar_pb2,
    event_pb2,
    link_pb2,
    location_pb2,
    recording_pb2,
    room_pb2,
    types_pb2,
    watch_pb2,
    webinar_pb2,
)

MAX_EVENTS = 10_000
MAX_SERIES = 300
MAX_OBJECTS = 1_000
MAX_BYTES = 16 << 20

CREATED = watch_pb2.CHANGE_TYPE_CREATED
UPDATED = watch_pb2.CHANGE_TYPE_UPDATED
DELETED = watch_pb2.CHANGE_TYPE_DELETED

EVENT = types_pb2.RESOURCE_KIND_EVENT
_KINDS: dict[type[Message], ResourceKind] = {
    calendar_pb2.Calendar: types_pb2.RESOURCE_KIND_CALENDAR,
    link_pb2.Link: types_pb2.RESOURCE_KIND_LINK,
    recording_pb2.Recording: types_pb2.RESOURCE_KIND_RECORDING,
    webinar_pb2.Webinar: types_pb2.RESOURCE_KIND_WEBINAR,
    room_pb2.Room: types_pb2.RESOURCE_KIND_ROOM,
    location_pb2.Location: types_pb2.RESOURCE_KIND_LOCATION,
}


class World:
    """What one connection sees.

    Attributes:
        account: the person behind the connection.
        now: the instant of the present call, aware, UTC.
        primary_id: id of the primary calendar.
        shadows: busy time of colleagues and rooms, by address; nobody sees their events.
        room_of: id of each room by its address.
        transcripts: framed segments of each recording that has them.
    """

    def __init__(self, connection_id: str, now: datetime) -> None:
        self.connection_id = connection_id
        self.born = now
        self.now = now
        self.account = types_pb2.Person()
        self.primary_id = ""
        self.revision = 0
        self.bytes = 0
        self.journal = Journal(f"{micros(now):x}")
        self.requests = Requests(connection_id)
        self.calendars = Shelf("calendar", calendar_pb2.Calendar, _primary_first)
        self.agendas: dict[str, Agenda] = {}
        self.shadows: dict[str, Agenda] = {}
        self.room_of: dict[str, str] = {}
        self.links = Shelf("link", link_pb2.Link, _made)
        self.recordings = Shelf("recording", recording_pb2.Recording, _recorded)
        self.transcripts: dict[str, list[bytes]] = {}
        self.webinars = Shelf("webinar", webinar_pb2.Webinar, _starts)
        self.registrants: dict[str, Shelf[webinar_pb2.WebinarRegistrant]] = {}
        self.rooms = Shelf("room", room_pb2.Room, lambda _: 0)
        self.locations = Shelf("location", location_pb2.Location, lambda _: 0)
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []

    # -- time

    def at(self, when: datetime, action: Callable[[], None]) -> None:
        """Do `action` in the first call after `when`."""
        self.revision += 1
        heapq.heappush(self._due, (when, self.revision, action))

    def advance(self, now: datetime) -> None:
        """Let time pass: do what has become due."""
        self.now = max(now, self.now)
        while self._due and self._due[0][0] <= self.now:
            heapq.heappop(self._due)[2]()

    # -- calendars

    def calendar_id(self, id: str) -> str:
        """The calendar that `id` means: "" and "primary" are the primary one.

        Raises:
            ProviderError: NOT_FOUND.
        """
        if id in ("", "primary"):
            return self.primary_id
        if id not in self.agendas:
            raise ProviderError.not_found("calendar", id)
        return id

    def agenda(self, id: str) -> tuple[str, Agenda]:
        """The calendar that `id` means, and its events.

        Raises:
            ProviderError: NOT_FOUND.
        """
        found = self.calendar_id(id)
        return found, self.agendas[found]

    def writable(self, id: str) -> tuple[str, Agenda]:
        """The same as `agenda`, for a write.

        Raises:
            ProviderError: NOT_FOUND; FORBIDDEN when the calendar is read-only.
        """
        found, agenda = self.agenda(id)
        if self.calendars.get(found).is_read_only:
            raise ProviderError(Kind.FORBIDDEN, "this calendar is read-only for the account")
        return found, agenda

    def shelf(self, kind: ResourceKind) -> Shelf[Any]:
        """Where objects of `kind` stand; events stand in agendas."""
        shelves: dict[ResourceKind, Shelf[Any]] = {
            types_pb2.RESOURCE_KIND_CALENDAR: self.calendars,
            types_pb2.RESOURCE_KIND_LINK: self.links,
            types_pb2.RESOURCE_KIND_RECORDING: self.recordings,
            types_pb2.RESOURCE_KIND_WEBINAR: self.webinars,
            types_pb2.RESOURCE_KIND_ROOM: self.rooms,
            types_pb2.RESOURCE_KIND_LOCATION: self.locations,
        }
        return shelves[kind]

    # -- writes

    def version(self) -> str:
        """A new etag."""
        self.revision += 1
        return f'"{self.revision}"'

    def save(self, shelf: Shelf[M], message: M) -> M:
        """Stamp, keep and note `message`, whose id is set; what was kept.

        Raises:
            ProviderError: QUOTA_EXCEEDED.
        """
        stamped: Any = message  # no static type says that messages of a shelf have an id
        created = stamped.id not in shelf
        if created and len(shelf) >= MAX_OBJECTS:
            raise full(f"{MAX_OBJECTS} objects of a kind")
        self._make_room(message.ByteSize())
        version = self.version()
        self._stamp(message, version)
        self.bytes += shelf.put(stamped.id, message, version)
        if shelf.type in _KINDS:
            self._note(created, _KINDS[shelf.type], "", stamped.id)
        return message

    def made(self, shelf: Shelf[M], id: str) -> M:
        """The object `id` that an earlier call under the same request id made.

        Raises:
            ProviderError: ALREADY_EXISTS when it is gone.
        """
        if id not in shelf:
            raise taken(shelf.name, id)
        return shelf.get(id)

    def drop(self, shelf: Shelf[M], id: str) -> None:
        """Remove an object of `shelf`, which has it."""
        self.bytes -= shelf.remove(id)
        if shelf.type in _KINDS:
            self.journal.note(DELETED, _KINDS[shelf.type], "", id, self.now)

    def registrants_of(self, webinar_id: str) -> Shelf[webinar_pb2.WebinarRegistrant]:
        """Who registered for a webinar.

        Raises:
            ProviderError: NOT_FOUND.
        """
        self.webinars.record(webinar_id)
        return self.registrants[webinar_id]

    def drop_webinar(self, id: str) -> None:
        """Remove a webinar, which is there, with its registrants."""
        self.bytes -= sum(
            len(record.framed) for record in self.registrants.pop(id).records.values()
        )
        self.drop(self.webinars, id)

    def drop_calendar(self, id: str) -> None:
        """Remove a calendar, which is there, with its events."""
        agenda = self.agendas.pop(id)
        self.bytes -= sum(len(entry.framed) for entry in agenda.stored_entries())
        self.drop(self.calendars, id)

    def save_event(self, event: event_pb2.Event) -> event_pb2.Event:
        """Stamp, keep and note a single event or a series in its calendar.

        Raises:
            ProviderError: QUOTA_EXCEEDED.
        """
        agenda = self.agendas[event.calendar_id]
        before = agenda.entries.get(event.id)
        self._admit(event, new=before is None)
        self.bytes -= len(before.framed) if before else 0
        self._stamp(event, self.version())
        agenda.put(event)
        self.bytes += len(agenda.entries[event.id].framed)
        self._note(before is None, EVENT, event.calendar_id, event.id)
        return event

    def save_exception(self, key: str, event: event_pb2.Event) -> event_pb2.Event:
        """Stamp, keep and note an instance that differs from its series, under its plan `key`.

        To watchers it is an update: the instance was there with its series.

        Raises:
            ProviderError: QUOTA_EXCEEDED.
        """
        agenda = self.agendas[event.calendar_id]
        exceptions = agenda.series[event.recurring_event_id].exceptions
        before = exceptions.get(key)
        self._admit(event, new=before is None)
        self.bytes -= len(before.framed) if before else 0
        event.is_exception = True
        self._stamp(event, self.version())
        agenda.put_exception(key, event)
        self.bytes += len(exceptions[key].framed)
        self._note(False, EVENT, event.calendar_id, event.id)
        return event

    def drop_event(self, calendar_id: str, id: str) -> None:
        """Remove a single event, or a series with its exceptions."""
        agenda = self.agendas[calendar_id]
        series = agenda.series.get(id)
        for key in list(series.exceptions) if series else ():
            self.drop_exception(calendar_id, id, key)
        self.bytes -= len(agenda.entries[id].framed)
        agenda.remove(id)
        self.journal.note(DELETED, EVENT, calendar_id, id, self.now)

    def move_event(self, event: event_pb2.Event, calendar_id: str) -> event_pb2.Event:
        """Keep a single event or a series, with its exceptions, in another calendar from now on.

        Raises:
            ProviderError: QUOTA_EXCEEDED.
        """
        series = self.agendas[event.calendar_id].series.get(event.id)
        exceptions = dict(series.exceptions) if series else {}
        self.drop_event(event.calendar_id, event.id)
        event.calendar_id = calendar_id
        self.save_event(event)
        for key, entry in exceptions.items():
            exception = entry.event()
            exception.calendar_id = calendar_id
            self.save_exception(key, exception)
        return event

    def drop_exception(self, calendar_id: str, series_id: str, key: str) -> None:
        """Let an instance follow its series again, or vanish with it."""
        agenda = self.agendas[calendar_id]
        series: Series = agenda.series[series_id]
        exception = series.exceptions.pop(key)
        self.bytes -= len(exception.framed)
        self.journal.note(DELETED, EVENT, calendar_id, exception.id, self.now)

    def _admit(self, event: event_pb2.Event, *, new: bool) -> None:
        if new and sum(len(agenda) for agenda in self.agendas.values()) >= MAX_EVENTS:
            raise full(f"{MAX_EVENTS} events")
        if event.HasField("recurrence") and event.id not in self.agendas[event.calendar_id].series:
            count = sum(len(agenda.series) for agenda in self.agendas.values())
            if count >= MAX_SERIES:  # each one is expanded for every window
                raise full(f"{MAX_SERIES} series")
        self._make_room(event.ByteSize())

    def _make_room(self, size: int) -> None:
        if self.bytes + size > MAX_BYTES:
            raise full(f"{MAX_BYTES >> 20} MiB")

    def _stamp(self, message: Message, version: str) -> None:
        names = message.DESCRIPTOR.fields_by_name
        stamped: Any = message
        if "connection_id" in names:
            stamped.connection_id = self.connection_id
        if "etag" in names:
            stamped.etag = version
        if "updated_at" in names:
            stamped.updated_at.FromMicroseconds(micros(self.now))
        if "created_at" in names and not message.HasField("created_at"):
            stamped.created_at.FromMicroseconds(micros(self.now))

    def _note(self, created: bool, kind: ResourceKind, calendar_id: str, id: str) -> None:
        self.journal.note(CREATED if created else UPDATED, kind, calendar_id, id, self.now)


def full(bound: str) -> ProviderError:
    """The error of a world that holds as much as it may."""
    return ProviderError(
        Kind.QUOTA_EXCEEDED,
        f"the sandbox keeps at most {bound} for a connection: delete some first",
        reason="QUOTA_EXCEEDED",
    )


def check_etag(asked: str, current: str) -> None:
    """If-Match (RFC 9110 13.1.1): no condition when nothing was asked.

    Raises:
        ProviderError: CONFLICT.
    """
    if asked and asked != current:
        raise ProviderError(
            Kind.CONFLICT, "the object has changed since it was read: read it again and retry"
        )


def _primary_first(calendar: calendar_pb2.Calendar) -> int:
    return 0 if calendar.is_primary else 1


def _made(link: link_pb2.Link) -> int:
    return link.created_at.ToMicroseconds()


def _recorded(recording: recording_pb2.Recording) -> int:
    return -recording.start_at.ToMicroseconds()


def _starts(webinar: webinar_pb2.Webinar) -> int:
    return webinar.start_at.timestamp.ToMicroseconds()
