"""The other side of Fireflies for the conformance suite: the double."""

import time
import uuid
from typing import Any, ClassVar, Self

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.fireflies.double import KEY, Fireflies, RefusalError
from ucal.v1 import connection_pb2


class Harness:
    """`fireflies`, as a user with an API key."""

    provider: ClassVar[str] = "fireflies"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset()
    calendar_id = ""
    link_id = ""

    def __init__(self) -> None:
        self.double = Fireflies()
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
        """Transcribe a meeting: event and recording at once."""
        del kind
        return str(self.double.add(f"Planted {uuid.uuid4().hex[:8]}")["id"])

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Rename it in the app."""
        del kind
        self._found(id)["title"] = f"Changed {uuid.uuid4().hex[:8]}"

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it in the app."""
        del kind
        self.double.transcripts.remove(self._found(id))

    def _found(self, id: str) -> dict[str, Any]:
        return next(each for each in self.double.transcripts if each["id"] == id)

    async def expire_cursors(self) -> None:
        """Fireflies has no cursors of changes."""

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with the error that Fireflies has for a status."""
        if status == 429:
            until = (time.time() + (retry_after or 60)) * 1000
            self.double.refuse(RefusalError("too_many_requests", 429, 429, retryAfter=until), times)
        elif status == 401:
            self.double.refuse(RefusalError("auth_failed", 500, 500), times)
        elif status == 403:
            self.double.refuse(RefusalError("forbidden", 403), times)
        else:
            self.double.fail(status, "<html>gateway</html>", times=times)
