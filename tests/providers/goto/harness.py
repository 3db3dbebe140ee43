"""The other side of GoTo for the conformance suite: the double."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.goto.double import GoTo
from tests.providers.goto.double.world import ORGANIZER, TOKEN, plain
from ucal.v1 import connection_pb2, types_pb2

_EVENT = types_pb2.RESOURCE_KIND_EVENT


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
        start = self._start()
        found = self.goto.world.add_meeting(
            {
                "subject": f"Planted {uuid.uuid4().hex[:8]}",
                "starttime": plain(start),
                "endtime": plain(start + timedelta(minutes=30)),
                "passwordrequired": False,
                "conferencecallinfo": "VoIP",
                "timezonekey": "",
                "meetingtype": "scheduled",
            }
        )
        return str(found["id"])

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        self.goto.world.meetings[id]["subject"] = f"Changed {uuid.uuid4().hex[:8]}"

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        del self.goto.world.meetings[id]

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
