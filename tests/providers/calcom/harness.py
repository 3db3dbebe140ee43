"""The other side of Cal.com for the conformance suite: the double."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

import pytest

from providers.calcom.calendar_ids import connected_id
from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.calcom.double import TOKEN, CalCom, bookings, event_types
from ucal.v1 import connection_pb2, types_pb2

_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_EVENT = types_pb2.RESOURCE_KIND_EVENT
_LINK = types_pb2.RESOURCE_KIND_LINK
_BUSY = types_pb2.RESOURCE_KIND_BUSY
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
PLACES = [
    {"type": "integration", "integration": "cal-video"},
    {"type": "link", "link": "https://zoom.us/j/93712345678", "public": True},
    {"type": "attendeeDefined"},
]


class Harness:
    """`calcom`, as its host uses it."""

    provider: ClassVar[str] = "calcom"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset({_BUSY, _RECORDING})
    calendar_id = "bookings"
    reads_before_write = True
    books = True

    def __init__(self) -> None:
        self.cal = CalCom()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.api_key.api_key = TOKEN
        self.link_id = self.parent_id = ""
        self.serial = 0

    async def __aenter__(self) -> Self:
        await self.cal.__aenter__()
        self.settings = ProviderSettings(base_url=self.cal.url)
        body = {"title": "Intro call", "slug": "intro", "lengthInMinutes": 30, "locations": PLACES}
        self.kind = event_types.create(self.cal.world, body)
        self.link_id = str(self.kind["id"])
        start = datetime.now(UTC) - timedelta(days=2)
        held = bookings.put(self.cal.world, self.kind, start, start + timedelta(minutes=30))
        self.parent_id = held["uid"]
        self.cal.world.recordings[held["uid"]] = [
            {
                "id": f"rec{number}",
                "roomName": "daily-video-room-123",
                "startTs": int(start.timestamp()) + 60 * number,
                "status": "finished",
                "maxParticipants": 2,
                "duration": 900,
                "shareToken": "share-me-not",
                "downloadLink": f"https://recordings.example.com/{number}?X-Amz-Signature=abc",
                "error": None,
            }
            for number in range(3)
        ]
        self.cal.world.transcripts[held["uid"]] = ["https://recordings.example.com/words.vtt"]
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.cal.__aexit__(*exc)

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as another client would."""
        self.serial += 1
        world, title = self.cal.world, f"Planted {uuid.uuid4().hex[:8]}"
        if kind == _CALENDAR:
            external = f"c{uuid.uuid4().hex}@group.calendar.example.com"
            world.connect(external, title)
            return connected_id(135, external)
        if kind == _LINK:
            body = {"title": title, "slug": uuid.uuid4().hex, "lengthInMinutes": 30}
            return str(event_types.create(world, body)["id"])
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        start += timedelta(days=14 + self.serial % 5, hours=self.serial // 5)
        made = bookings.put(world, self.kind, start, start + timedelta(minutes=30), title=title)
        return str(made["uid"])

    def _connected(self, id: str) -> dict[str, object]:
        found: dict[str, object] = next(
            entry
            for entry in self.cal.world.accounts[0]["calendars"]
            if connected_id(135, entry["externalId"]) == id
        )
        return found

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        title = f"Changed {uuid.uuid4().hex[:8]}"
        if kind == _CALENDAR:
            self._connected(id)["name"] = title
        elif kind == _LINK:
            event_types.update(self.cal.world, id, {"title": title})
        else:
            bookings.touch(self.cal.world.bookings[id])["title"] = title

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Take it away; bookings are only ever canceled."""
        if kind == _CALENDAR:
            self.cal.world.accounts[0]["calendars"].remove(self._connected(id))
        elif kind == _LINK:
            event_types.delete(self.cal.world, id)
        else:
            bookings.cancel(self.cal.world, id, {})

    async def expire_cursors(self) -> None:
        """There are none at Cal.com: the point to go on from is a time."""
        pytest.skip("calcom: the provider has no cursors that could die")

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        self.cal.fail(status, times=times, retry_after=retry_after)

    async def lose_next(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.cal.lose()
