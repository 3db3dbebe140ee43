"""The other side of Zoom for the conformance suite: the double."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.zoom.double import TOKEN, Zoom, scheduler
from tests.providers.zoom.double.world import DANA
from ucal.v1 import connection_pb2, types_pb2, webinar_pb2

_EVENT = types_pb2.RESOURCE_KIND_EVENT
_WEBINAR = types_pb2.RESOURCE_KIND_WEBINAR
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
_LINK = types_pb2.RESOURCE_KIND_LINK
_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR

TRANSCRIPT = """WEBVTT

1
00:00:01.000 --> 00:00:04.000
Dana Host: Good morning

2
00:00:05.500 --> 00:00:07.000
Ana Ruiz: Hello, all
of you

3
00:00:08.000 --> 00:00:09.000
Let us begin
"""


class Harness:
    """`zoom`, as Dana uses it."""

    provider: ClassVar[str] = "zoom"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset({_CALENDAR})
    # Links take the user's default availability, which has to be asked for.
    reads_before_write: ClassVar[bool] = True
    link_id = ""
    calendar_id = DANA

    def __init__(self) -> None:
        self.zoom = Zoom()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.oauth.access_token = TOKEN
        self.serial = 0

    async def __aenter__(self) -> Self:
        await self.zoom.__aenter__()
        self.settings = ProviderSettings(base_url=self.zoom.base_url)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.zoom.__aexit__(*exc)

    def prepare(self, kind: ResourceKind, resource: Any) -> None:
        """Webinars take registrants only when registration is on."""
        if (
            kind == _WEBINAR
            and isinstance(resource, webinar_pb2.Webinar)
            and not resource.approval_mode
            and not resource.HasField("is_registration_required")
        ):
            resource.is_registration_required = True

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as another client would."""
        self.serial += 1
        title = f"Planted {uuid.uuid4().hex[:8]}"
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        world = self.zoom.world
        if kind == _RECORDING:
            made = world.record(85_000_000_000 + self.serial, start - timedelta(hours=self.serial))
            made["topic"] = title
            world.add_file(
                made["uuid"], "TRANSCRIPT", "audio_transcript", done=True, text=TRANSCRIPT
            )
            return str(made["uuid"])
        if kind == _LINK:
            return str(scheduler.make(world, {"summary": title, "capacity": 1})["schedule_id"])
        start += timedelta(days=14 + self.serial % 5, minutes=30 * (self.serial // 5))
        body = {
            "topic": title,
            "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "duration": 30,
            "timezone": "UTC",
        }
        if kind == _WEBINAR:
            settings = {"approval_type": 0}
            return str(world.create("webinar", DANA, {**body, "settings": settings})["id"])
        return str(world.create("meeting", DANA, body)["id"])

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        title = f"Changed {uuid.uuid4().hex[:8]}"
        world = self.zoom.world
        if kind == _RECORDING:
            world.recordings[id]["topic"] = title
        elif kind == _LINK:
            world.schedules[id]["summary"] = title
        else:
            world.update("webinar" if kind == _WEBINAR else "meeting", id, {}, {"topic": title})

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        world = self.zoom.world
        if kind == _RECORDING:
            del world.recordings[id]
        elif kind == _LINK:
            world.schedules[id]["status"] = "cancelled"
        else:
            world.delete("webinar" if kind == _WEBINAR else "meeting", id, {})

    async def expire_cursors(self) -> None:
        """Zoom has no sync tokens."""
        self.zoom.pages.expire()

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self.zoom.fail(status, times=times, headers=headers)

    async def lose_next(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.zoom.lose()
