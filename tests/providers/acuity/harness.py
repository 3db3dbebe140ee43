"""The other side of Acuity for the conformance suite: the double."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.acuity.double import KEY, USER, Acuity
from tests.providers.acuity.double.world import CALENDAR, QUICK
from ucal.v1 import connection_pb2, types_pb2

_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_EVENT = types_pb2.RESOURCE_KIND_EVENT
_BUSY = types_pb2.RESOURCE_KIND_BUSY
_LINK = types_pb2.RESOURCE_KIND_LINK


class Harness:
    """`acuity`, as the owner uses it, with one calendar."""

    provider: ClassVar[str] = "acuity"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset({_CALENDAR, _BUSY})
    reads_before_write = True
    calendar_id = str(CALENDAR)
    link_id = str(QUICK)

    def __init__(self) -> None:
        self.double = Acuity()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.api_key.api_key = KEY
        self.connection.api_key.account_id = USER
        self.serial = 0

    async def __aenter__(self) -> Self:
        await self.double.__aenter__()
        self.settings = ProviderSettings(
            base_url=self.double.url, extra={"requests_per_second": "0"}
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.double.__aexit__(*exc)

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as somebody else would."""
        world = self.double.world
        if kind == _LINK:
            return str(world.add_type(f"Planted {uuid.uuid4().hex[:8]}")["id"])
        self.serial += 1
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        start = now + timedelta(days=15, hours=self.serial)
        return str(world.add(world.type(QUICK), start)["id"])

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title; the title of an appointment is that of its type."""
        title = f"Changed {uuid.uuid4().hex[:8]}"
        if kind == _LINK:
            self._type(id)["name"] = title
        else:
            self.double.world.appointments[int(id)]["type"] = title

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it, where that is possible at all."""
        if kind == _LINK:
            self.double.world.types.remove(self._type(id))
        else:
            del self.double.world.appointments[int(id)]

    def _type(self, id: str) -> dict[str, Any]:
        return self.double.world.type(int(id))

    async def expire_cursors(self) -> None:
        """There are none: everything is compared."""

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        self.double.fail(status, retry_after=retry_after, times=times)

    async def lose_next(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.double.lose()
