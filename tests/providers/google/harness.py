"""The other side of Google's providers for the conformance suite: the double."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.google.double import Google, events
from tests.providers.google.double.tokens import TOKEN
from tests.providers.google.double.world import ADA, BOB
from ucal.v1 import connection_pb2, types_pb2

_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_EVENT = types_pb2.RESOURCE_KIND_EVENT
_BUSY = types_pb2.RESOURCE_KIND_BUSY
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING


class CalendarHarness:
    """`google_calendar`, as Ada uses it. Bob is somebody else."""

    provider: ClassVar[str] = "google_calendar"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset(
        {_BUSY, types_pb2.RESOURCE_KIND_ROOM, types_pb2.RESOURCE_KIND_LOCATION}
    )
    link_id = ""
    calendar_id = ADA

    def __init__(self) -> None:
        self.google = Google()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.oauth.access_token = TOKEN
        self.serial = 0

    async def __aenter__(self) -> Self:
        await self.google.__aenter__()
        self.settings = ProviderSettings(
            base_url=self.google.calendar_url,
            extra={"directory_url": self.google.url, "requests_per_minute": "0"},
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.google.__aexit__(*exc)

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as another client would."""
        title = f"Planted {uuid.uuid4().hex[:8]}"
        if kind == _CALENDAR:
            own_id = f"c_{uuid.uuid4().hex}@group.calendar.google.com"
            return self.google.world.add_calendar(own_id, title, "Europe/Berlin", ADA).id
        self.serial += 1
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(
            days=14 + self.serial % 5, minutes=30 * (self.serial // 5)
        )
        return self._insert(title, start)

    def _insert(self, title: str, start: datetime, **fields: Any) -> str:
        times = {
            name: {"dateTime": (start + timedelta(minutes=minutes)).isoformat()}
            for name, minutes in (("start", 0), ("end", 30))
        }
        calendar = self.google.world.calendars[self.calendar_id]
        body = {"summary": title, **times, **fields}
        return str(events.insert(self.google.world, calendar, body, {}).data["id"])

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        title = f"Changed {uuid.uuid4().hex[:8]}"
        world = self.google.world
        if kind == _CALENDAR:
            calendar = world.calendars[id]
            calendar.data["summary"] = title
            world.stamp(calendar.data)
            world.list[id].seq = world.stamp(world.list[id].data)
        else:
            calendar = world.calendars[self.calendar_id]
            events.change(world, calendar, events.find(calendar, id), {"summary": title}, {})

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        world = self.google.world
        if kind == _CALENDAR:
            del world.calendars[id]
            world.list[id].deleted = True
            world.list[id].seq = world.stamp(world.list[id].data)
        else:
            events.delete(world, world.calendars[self.calendar_id], id, {})

    async def invite(self) -> str:
        """Id of an event to which Ada and others are invited by Bob."""
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
        own_id = self._insert("Invitation", start)
        world = self.google.world
        calendar = world.calendars[self.calendar_id]
        data = calendar.entries[own_id].data
        data["attendees"] = [
            {"email": BOB, "responseStatus": "accepted"},
            {"email": ADA, "responseStatus": "needsAction"},
            {"email": "cid@example.net", "responseStatus": "tentative", "optional": True},
        ]
        world.put(calendar, events.copy_from(BOB, calendar, data))
        return own_id

    async def expire_cursors(self) -> None:
        """Make every sync token dead."""
        self.google.expire()

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        self.google.fail(status, times=times, retry_after=retry_after)

    async def lose_next(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.google.lose()


class MeetHarness:
    """`google_meet`, as Ada uses it."""

    provider: ClassVar[str] = "google_meet"
    secret: ClassVar[str] = "the operator's own"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset()
    calendar_id = link_id = ""

    def __init__(self) -> None:
        self.google = Google()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.oauth.access_token = TOKEN
        self.serial = 0
        self.event_of: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        await self.google.__aenter__()
        self.settings = ProviderSettings(
            base_url=self.google.meet_url,
            webhook_secret=self.secret,
            extra={
                "calendar_url": self.google.calendar_url,
                "workspace_events_url": self.google.events_url,
                "userinfo_url": self.google.url,
                "pubsub_topic": "projects/p/topics/meet",
                "requests_per_minute": "0",
            },
        )
        await self.plant(_RECORDING)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.google.__aexit__(*exc)

    def deliver_to(self, address: str) -> None:
        """Make the push subscription of the topic, as an operator does in Cloud Pub/Sub."""
        self.google.workspace.endpoint = f"{address}?{urlencode({'token': self.secret})}"

    async def plant(self, kind: ResourceKind) -> str:
        """A recorded call of an event, as people hold it."""
        self.serial += 1
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2 + self.serial)
        world, meet = self.google.world, self.google.meet
        calendar = world.calendars[ADA]
        shown = (
            {"dateTime": start.isoformat()},
            {"dateTime": (start + timedelta(minutes=40)).isoformat()},
        )
        body = {
            "summary": f"Held {uuid.uuid4().hex[:8]}",
            "start": shown[0],
            "end": shown[1],
            "conferenceData": {
                "createRequest": {
                    "requestId": uuid.uuid4().hex,
                    "conferenceSolutionKey": {"type": "hangoutsMeet"},
                }
            },
        }
        event = events.insert(world, calendar, body, {"conferenceDataVersion": "1"}).data
        name = meet.hold(meet.space(event["conferenceData"]["conferenceId"]), start)
        own_id = meet.record(name, start + timedelta(seconds=15))
        transcript = meet.transcribe(name, start + timedelta(seconds=15))
        who = meet.join(name, "signedinUser", "Ada", start)
        for number in range(7):
            at = start + timedelta(seconds=20 + 5 * number)
            meet.say(transcript, who, f"Sentence number {number}", at)
        self.event_of[own_id] = event["id"]
        return own_id

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title, which is that of the event."""
        calendar = self.google.world.calendars[ADA]
        entry = events.find(calendar, self.event_of[id])
        events.change(self.google.world, calendar, entry, {"summary": uuid.uuid4().hex}, {})

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Let its record expire."""
        self.google.meet.forget(id.partition("/recordings/")[0])

    async def expire_cursors(self) -> None:
        """Meet has none."""

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        self.google.fail(status, times=times, retry_after=retry_after)
