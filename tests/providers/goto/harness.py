"""The other side of GoTo for the conformance suite: the double."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.goto.double import GoTo, webinars
from tests.providers.goto.double.world import ORGANIZER, TOKEN, Json, plain
from ucal.v1 import connection_pb2, types_pb2

_WEBINAR = types_pb2.RESOURCE_KIND_WEBINAR
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING


class Harness:
    """`goto`, as Dana uses it."""

    provider: ClassVar[str] = "goto"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset({types_pb2.RESOURCE_KIND_CALENDAR})
    reads_before_write = True
    calendar_id = ORGANIZER
    link_id = ""

    def __init__(self) -> None:
        self.goto = GoTo()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.oauth.access_token = TOKEN
        self.serial = 0
        self.recorded: dict[str, tuple[Json, str]] = {}

    async def __aenter__(self) -> Self:
        await self.goto.__aenter__()
        self.settings = ProviderSettings(base_url=self.goto.url)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.goto.__aexit__(*exc)

    def _start(self) -> datetime:
        self.serial += 1
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        return start + timedelta(days=14 + self.serial % 5, minutes=30 * (self.serial // 5))

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as another client would."""
        title = f"Planted {uuid.uuid4().hex[:8]}"
        if kind == _RECORDING:
            return self._record(title)
        start = self._start()
        end = start + timedelta(minutes=30)
        if kind == _WEBINAR:
            times = [{"startTime": plain(start), "endTime": plain(end)}]
            made = webinars.add(self.goto.world, {"subject": title, "times": times})
            return str(made["key"])
        return str(self._meeting(title, start, end)["id"])

    def _meeting(self, title: str, start: datetime, end: datetime) -> Json:
        return self.goto.world.add_meeting(
            {
                "subject": title,
                "starttime": plain(start),
                "endtime": plain(end),
                "passwordrequired": False,
                "conferencecallinfo": "VoIP",
                "timezonekey": "",
                "meetingtype": "scheduled",
            }
        )

    def _record(self, title: str) -> str:
        """By turns of a meeting and of a webinar."""
        self.serial += 1
        world = self.goto.world
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2 + self.serial)
        end = start + timedelta(minutes=40)
        if self.serial % 2:
            times = [{"startTime": plain(start), "endTime": plain(end)}]
            webinar = webinars.add(world, {"subject": title, "times": times})
            asset = webinars.record(world, webinar, end)
            own_id = f"w:{webinar['key']}:{asset['recordingAssetKey']}"
            self.recorded[own_id] = (asset, "name")
            return own_id
        meeting = self._meeting(title, start, end)
        del world.meetings[str(meeting["id"])]
        session = world.hold(
            meeting,
            start,
            end,
            {
                "recordingId": str(self.serial),
                "recordingName": title,
                "downloadUrl": f"https://cdn.example.com/{self.serial}.mp4?sig=abc",
                "fileSize": 12345678,
                "shareUrl": f"https://share.example.com/{self.serial}",
            },
        )
        own_id = f"m:{int(start.timestamp())}:{session['sessionId']}"
        self.recorded[own_id] = (session["meeting"], "subject")
        return own_id

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        title = f"Changed {uuid.uuid4().hex[:8]}"
        if kind == _RECORDING:
            found, name = self.recorded[id]
            found[name] = title
        else:
            self._place(kind)[id]["subject"] = title

    def _place(self, kind: ResourceKind) -> dict[str, Json]:
        return self.goto.world.webinars if kind == _WEBINAR else self.goto.world.meetings

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        if kind == _RECORDING:
            own_id = id.rpartition(":")[2]
            world = self.goto.world
            world.assets = [a for a in world.assets if a["recordingAssetKey"] != own_id]
            world.sessions = [s for s in world.sessions if s["sessionId"] != own_id]
        else:
            del self._place(kind)[id]

    async def expire_cursors(self) -> None:
        """GoTo has none."""

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        self.goto.fail(status, times=times, retry_after=retry_after)

    async def lose_next(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.goto.lose()
