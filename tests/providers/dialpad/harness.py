"""The other side of Dialpad for the conformance suite: the double."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.dialpad.double import Dialpad
from tests.providers.dialpad.double.world import EMAIL, ROOM, TOKEN, USER, iso
from ucal.v1 import connection_pb2, types_pb2

_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING


class Harness:
    """`dialpad`, as Dana uses it."""

    provider: ClassVar[str] = "dialpad"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset()
    reads_before_write = True
    calendar_id = ROOM
    link_id = ""

    def __init__(self) -> None:
        self.dialpad = Dialpad()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.oauth.access_token = TOKEN
        self.serial = 0

    async def __aenter__(self) -> Self:
        await self.dialpad.__aenter__()
        self.settings = ProviderSettings(base_url=self.dialpad.url)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.dialpad.__aexit__(*exc)

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as another client would."""
        title = f"Planted {uuid.uuid4().hex[:8]}"
        world = self.dialpad.world
        self.serial += 1
        if kind == _CALENDAR:
            email = f"{uuid.uuid4().hex[:8]}@example.com"
            own_id = f"room_{uuid.uuid4().hex}"
            path = "https://meetings.dialpad.com/room/x"
            room = {"id": own_id, "display_name": title, "email": email, "path": path}
            world.rooms.append(room)
            return own_id
        if kind == _RECORDING:
            return self._record(title)
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        start += timedelta(days=14 + self.serial % 5, minutes=30 * (self.serial // 5))
        body = {
            "user_id": USER,
            "title": title,
            "meeting_type": "UNIQUE_MEETING",
            "start_datetime": int(start.timestamp()),
            "end_datetime": int(start.timestamp()) + 1800,
        }
        return str(world.add(body)["id"])

    def _record(self, title: str) -> str:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        end = start + timedelta(minutes=28)
        own_id = f"meet_{uuid.uuid4().hex}"
        person = {
            "name": "Dana",
            "display_name": "Dana",
            "email": EMAIL,
            "phone": "",
            "is_organizer": True,
            "call_in_method": "browser",
            "talk_time": 412500,
        }
        self.dialpad.world.history.insert(
            0,
            {
                "id": own_id,
                "title": title,
                "host_name": "Dana",
                "room_id": ROOM,
                "start_time": iso(start),
                "end_time": iso(end),
                "duration_ms": 1717000,
                "participants": [person],
                "recordings": [
                    {"size": "14.3MB", "url": f"https://files.example.com/{own_id}.mp3?token=abc"}
                ],
                "video_recordings": [{"url": f"https://files.example.com/{own_id}.mp4"}],
                "transcript_url": f"https://files.example.com/{own_id}.txt?token=abc",
            },
        )
        return own_id

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        title = f"Changed {uuid.uuid4().hex[:8]}"
        world = self.dialpad.world
        if kind == _CALENDAR:
            next(r for r in world.rooms if r["id"] == id)["display_name"] = title
        elif kind == _RECORDING:
            next(h for h in world.history if h["id"] == id)["title"] = title
        else:
            world.meetings[id]["title"] = title

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        world = self.dialpad.world
        if kind == _CALENDAR:
            world.rooms = [each for each in world.rooms if each["id"] != id]
        elif kind == _RECORDING:
            world.history = [each for each in world.history if each["id"] != id]
        else:
            del world.meetings[id]

    async def expire_cursors(self) -> None:
        """Dialpad has none that live longer than a list."""

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        self.dialpad.fail(status, times=times, retry_after=retry_after)

    async def lose_next(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.dialpad.lose()
