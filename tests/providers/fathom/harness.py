"""The other side of Fathom for the conformance suite: the double."""

import uuid
from datetime import UTC, datetime
from typing import ClassVar, Self

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.fathom.double import KEY, Fathom
from ucal.v1 import connection_pb2


class Harness:
    """`fathom`, as a user with an API key."""

    provider: ClassVar[str] = "fathom"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset()
    calendar_id = ""
    link_id = ""

    def __init__(self) -> None:
        self.double = Fathom()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.api_key.api_key = KEY

    async def __aenter__(self) -> Self:
        await self.double.__aenter__()
        self.settings = ProviderSettings(base_url=self.double.url)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.double.__aexit__(*exc)

    async def plant(self, kind: ResourceKind) -> str:
        """Record a meeting: event and recording at once."""
        del kind
        found = self.double.add(f"Planted {uuid.uuid4().hex[:8]}")
        created = datetime.strptime(found["created_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return f"{found['recording_id']}-{int(created.timestamp())}"

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Rename it."""
        del kind
        self._found(id)["meeting_title"] = f"Changed {uuid.uuid4().hex[:8]}"

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it in the app."""
        del kind
        self.double.meetings.remove(self._found(id))

    def _found(self, id: str) -> dict[str, object]:
        own = int(id.partition("-")[0])
        return next(m for m in self.double.meetings if m["recording_id"] == own)

    async def expire_cursors(self) -> None:
        """Fathom has no cursors of changes."""

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with a status; Fathom tells waits in RateLimit-Reset."""
        self.double.fail(status, reset=retry_after, times=times)
