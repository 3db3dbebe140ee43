"""The sandbox in the hands of the conformance suite. There is no double: it is its own vendor."""

import itertools
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Self
from unittest.mock import patch

from providers.core.call import Call
from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from providers.sandbox import busy, provider
from providers.sandbox.faults import LOST, Fault
from providers.sandbox.provider import Sandbox
from providers.sandbox.seed import people
from providers.sandbox.store import frame
from providers.sandbox.world import World
from tests.providers.sandbox.desk import NO_DOOR, berlin, instant, meeting
from ucal.v1 import (
    calendar_pb2,
    connection_pb2,
    event_pb2,
    link_pb2,
    recording_pb2,
    types_pb2,
    webinar_pb2,
)

_serial = itertools.count()
_running: list[Sandbox] = []
CONNECTION = "conformance"
CALENDAR = "scratch"


class _Seen(Sandbox):
    """A sandbox that the harness finds again once the server has made it."""

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        _running.append(self)


class Harness:
    """Another client of the account: writes into the world behind the service's back."""

    provider: ClassVar[str] = "sandbox"
    fixed_kinds = frozenset({types_pb2.RESOURCE_KIND_ROOM, types_pb2.RESOURCE_KIND_LOCATION})
    calendar_id = CALENDAR
    link_id = "quick-chat"

    def __init__(self) -> None:
        self._name = f"harness-{next(_serial)}"
        self.settings = ProviderSettings(extra={"life_seconds": "0", "harness": self._name})
        self.connection = connection_pb2.Connection(provider=self.provider)
        self._behind: dict[str, str] = {}  # events behind busy blocks
        self._patch: Any = patch.object(provider, "Sandbox", _Seen)

    async def __aenter__(self) -> Self:
        self._patch.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._patch.stop()
        _running[:] = [s for s in _running if s.settings.extra.get("harness") != self._name]

    @property
    def _sandbox(self) -> Sandbox:
        (found,) = [s for s in _running if s.settings.extra.get("harness") == self._name]
        return found

    @property
    def _call(self) -> Call:
        return Call(CONNECTION, NO_DOOR)

    @property
    def _world(self) -> World:
        return self._sandbox.worlds.visit(CONNECTION, Call.now())

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object of this kind there."""
        if kind == types_pb2.RESOURCE_KIND_BUSY:
            return await self._plant_busy()
        return str((await _PLANT[kind](self)).id)

    async def _plant_event(self) -> event_pb2.Event:
        request = event_pb2.CreateEventRequest(event=meeting(at=berlin(20, 9)))
        return (await self._sandbox.create_event(self._call, request)).event

    async def _plant_busy(self) -> str:
        start = Call.now().replace(microsecond=0) + timedelta(days=2, hours=next(_serial))
        event = meeting(at=instant(start))
        request = event_pb2.CreateEventRequest(event=event)
        made = (await self._sandbox.create_event(self._call, request)).event
        times = (made.start_at.timestamp, made.end_at.timestamp)
        own_id = busy.id_of(CALENDAR, *(when.ToMicroseconds() for when in times))
        self._behind[own_id] = made.id
        return own_id

    async def _plant_calendar(self) -> calendar_pb2.Calendar:
        request = calendar_pb2.CreateCalendarRequest(calendar=calendar_pb2.Calendar(name="Planted"))
        return (await self._sandbox.create_calendar(self._call, request)).calendar

    async def _plant_link(self) -> link_pb2.Link:
        link = link_pb2.Link(name="Planted")
        link.duration.seconds = 1_800
        request = link_pb2.CreateLinkRequest(link=link)
        return (await self._sandbox.create_link(self._call, request)).link

    async def _plant_webinar(self) -> webinar_pb2.Webinar:
        webinar = webinar_pb2.Webinar(
            subject="Planted", start_at=berlin(20, 17), end_at=berlin(20, 18)
        )
        request = webinar_pb2.CreateWebinarRequest(webinar=webinar)
        return (await self._sandbox.create_webinar(self._call, request)).webinar

    async def _plant_recording(self) -> recording_pb2.Recording:
        own_id = f"rec-planted-{next(_serial)}"
        recording = recording_pb2.Recording(id=own_id, title="Planted", has_transcript=True)
        recording.state = recording_pb2.MEDIA_STATE_READY
        recording.start_at.FromDatetime(self._world.now)
        recording.end_at.FromDatetime(self._world.now)
        segment = recording_pb2.TranscriptSegment(speaker="Robin", text="Hello")
        self._world.transcripts[own_id] = [frame(segment)] * 5
        return self._world.save(self._world.recordings, recording)

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        title = f"Changed {next(_serial)}"
        if kind == types_pb2.RESOURCE_KIND_BUSY:
            event = self._world.agendas[CALENDAR].entries[self._behind[id]].event()
            event.show_as = event_pb2.SHOW_AS_TENTATIVE
            self._world.save_event(event)
            return
        if kind == types_pb2.RESOURCE_KIND_EVENT:
            event = self._world.agendas[CALENDAR].entries[id].event()
            event.subject = title
            self._world.save_event(event)
            return
        shelf = self._world.shelf(kind)
        resource = shelf.get(id)
        setattr(resource, _TITLES[kind], title)
        self._world.save(shelf, resource)

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        if kind == types_pb2.RESOURCE_KIND_EVENT:
            self._world.drop_event(CALENDAR, id)
        elif kind == types_pb2.RESOURCE_KIND_BUSY:
            self._world.drop_event(CALENDAR, self._behind[id])
        elif kind == types_pb2.RESOURCE_KIND_CALENDAR:
            self._world.drop_calendar(id)
        elif kind == types_pb2.RESOURCE_KIND_WEBINAR:
            self._world.drop_webinar(id)
        else:
            self._world.drop(self._world.shelf(kind), id)

    async def invite(self) -> str:
        """Invite the account to somebody else's event."""
        own_id = (await self._plant_event()).id
        event = self._world.agendas[CALENDAR].entries[own_id].event()
        event.organizer.CopyFrom(people.CLARA)
        for person in (people.CLARA, people.DIEGO, people.ACCOUNT):
            attendee = event.attendees.add(name=person.name, email=person.email)
            attendee.response = types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION
            attendee.is_self = person is people.ACCOUNT
        self._world.save_event(event)
        return own_id

    async def expire_cursors(self) -> None:
        """Make every cursor dead."""
        self._world.journal.forget()

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Fail the next calls as at a provider that answers with `status`."""
        fault = Fault(status=str(status), retry_after=retry_after)
        self._sandbox.faults.armed.extend([fault] * times)

    async def lose_next(self) -> None:
        """Do the next write and lose the answer."""
        self._sandbox.faults.armed.append(Fault(status=LOST))


_PLANT: Mapping[ResourceKind, Any] = {
    types_pb2.RESOURCE_KIND_CALENDAR: Harness._plant_calendar,
    types_pb2.RESOURCE_KIND_EVENT: Harness._plant_event,
    types_pb2.RESOURCE_KIND_LINK: Harness._plant_link,
    types_pb2.RESOURCE_KIND_RECORDING: Harness._plant_recording,
    types_pb2.RESOURCE_KIND_WEBINAR: Harness._plant_webinar,
}
_TITLES: Mapping[ResourceKind, str] = {
    types_pb2.RESOURCE_KIND_CALENDAR: "name",
    types_pb2.RESOURCE_KIND_LINK: "name",
    types_pb2.RESOURCE_KIND_RECORDING: "title",
    types_pb2.RESOURCE_KIND_WEBINAR: "subject",
}
