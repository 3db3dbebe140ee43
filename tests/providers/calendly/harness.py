"""The other side of Calendly for the conformance suite: the double."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self
from unittest.mock import patch

from providers.calendly import changes
from providers.calendly.changes import MAX_AGE
from providers.core.call import Call
from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.calendly.double import TOKEN, Calendly
from tests.providers.calendly.double.world import API, HOST, QUICK, tail
from ucal.v1 import connection_pb2, types_pb2

_list_changes = changes.list_changes
_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_EVENT = types_pb2.RESOURCE_KIND_EVENT
_BUSY = types_pb2.RESOURCE_KIND_BUSY
_LINK = types_pb2.RESOURCE_KIND_LINK
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING


class Harness:
    """`calendly`, as the host uses it. Events cannot vanish, nor can busy time change its id."""

    provider: ClassVar[str] = "calendly"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset({_CALENDAR, _BUSY})
    reads_before_write = True
    calendar_id = tail(HOST)
    link_id = tail(QUICK)

    def __init__(self) -> None:
        self.double = Calendly()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.api_key.api_key = TOKEN
        self.serial = 0
        self._later = timedelta()
        self._patch: Any = None

    async def __aenter__(self) -> Self:
        await self.double.__aenter__()
        self.settings = ProviderSettings(base_url=self.double.url)
        # Time passes for Calendly's deltas alone: other providers' tests run in this process too.
        self._patch = patch.object(changes, "list_changes", self._list_changes_later)
        self._patch.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._patch.stop()
        await self.double.__aexit__(*exc)

    async def _list_changes_later(self, api: Any, call: Call, query: Any) -> Any:
        later = self._later

        class Later(Call):
            @staticmethod
            def now() -> datetime:
                return Call.now() + later

        shifted = Later(call.connection_id, call.http, call.hints, call.account_key)
        return await _list_changes(api, shifted, query)

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as somebody else would."""
        title = f"Planted {uuid.uuid4().hex[:8]}"
        world = self.double.world
        if kind == _LINK:
            return tail(world.add_type(title)["uri"])
        if kind == _RECORDING:
            return tail(world.add_recap(title)["uri"])
        self.serial += 1
        start: datetime = (Call.now() + timedelta(days=40, hours=self.serial)).replace(
            microsecond=0
        )
        invitee = world.add_event(world.types[QUICK], start, "ada@example.com")
        return tail(invitee["event"])

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        collection, things = self._things(kind)
        found = things[f"{API}/{collection}/{id}"]
        found["name"] = f"Changed {uuid.uuid4().hex[:8]}"
        found["updated_at"] = self.double.world.now()

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it, where that is possible at all."""
        collection, things = self._things(kind)
        del things[f"{API}/{collection}/{id}"]

    def _things(self, kind: ResourceKind) -> tuple[str, dict[str, Any]]:
        world = self.double.world
        return {
            _LINK: ("event_types", world.types),
            _RECORDING: ("meeting_recaps", world.recaps),
            _EVENT: ("scheduled_events", world.events),
        }[kind]

    async def expire_cursors(self) -> None:
        """Cursors are the provider's own, and end by age: let time pass."""
        self._later += MAX_AGE + timedelta(hours=1)

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        self.double.fail(status, reset=retry_after, times=times)

    async def lose_next(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.double.lose()
