"""What the desks of providers' tests share: a way out, a caller, refusals, short times.

A desk is a caller of a provider that stands on a double of its own. What a vendor's tests need
beyond this lives in that vendor's desk.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.retry import Hosts, Policy
from providers.core.transport import Transport
from ucal.v1 import busy_pb2, event_pb2, link_pb2, recording_pb2, types_pb2, webinar_pb2

CONNECTION = "c1"
EVENT = types_pb2.RESOURCE_KIND_EVENT


@asynccontextmanager
async def door() -> AsyncIterator[Door]:
    """The way out, to loopback only."""
    transport = Transport(Guard(allowed_hosts=["127.0.0.1"]))
    try:
        # No waiting between attempts, and a breaker that never opens.
        yield Door(transport, Hosts(Policy(base=0.0, least=1_000_000)))
    finally:
        await transport.aclose()


async def whole(method: Callable[[Call, Any], Awaitable[Any]], call: Call, request: Any) -> Any:
    """Everything that a list holds, page by page: what its answers hold in their first field."""
    found: list[Any] = []
    while True:
        answer = await method(call, request)
        found += getattr(answer, answer.DESCRIPTOR.fields[0].name)
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


@dataclass(kw_only=True)
class Caller:
    """A caller of `provider`, which is reached at `url`."""

    out: Door
    provider: Any
    url: str
    auth: httpx.Auth = field(default_factory=httpx.Auth)
    account: str = ""
    patience: float = 20.0
    allowed_hosts: tuple[str, ...] = ()

    @property
    def call(self) -> Call:
        http = Http(
            self.out,
            self.url,
            auth=self.auth,
            allowed_hosts=self.allowed_hosts,
            deadline=asyncio.get_running_loop().time() + self.patience,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call(CONNECTION, http, account_key=self.account)

    # -- events

    async def create(self, event: event_pb2.Event, **fields: Any) -> event_pb2.CreateEventResponse:
        request = event_pb2.CreateEventRequest(connection_id=CONNECTION, event=event, **fields)
        found: event_pb2.CreateEventResponse = await self.provider.create_event(self.call, request)
        return found

    async def make(self, event: event_pb2.Event) -> event_pb2.Event:
        return (await self.create(event)).event

    async def get(self, id: Any, calendar_id: str = "", **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=str(id), calendar_id=calendar_id, **fields)
        found: event_pb2.Event = (await self.provider.get_event(self.call, request)).event
        return found

    async def update(
        self, id: Any, event: event_pb2.Event, *paths: str, **fields: Any
    ) -> event_pb2.UpdateEventResponse:
        request = event_pb2.UpdateEventRequest(
            id=str(id), event=event, update_mask=FieldMask(paths=paths), **fields
        )
        found: event_pb2.UpdateEventResponse = await self.provider.update_event(self.call, request)
        return found

    async def delete(self, id: Any, **fields: Any) -> event_pb2.DeleteEventResponse:
        request = event_pb2.DeleteEventRequest(id=str(id), **fields)
        found: event_pb2.DeleteEventResponse = await self.provider.delete_event(self.call, request)
        return found

    async def respond(self, id: str, response: Any, **fields: Any) -> Any:
        request = event_pb2.RespondToEventRequest(id=id, response=response, **fields)
        return await self.provider.respond_to_event(self.call, request)

    async def listed(self, **fields: Any) -> list[event_pb2.Event]:
        request = event_pb2.ListEventsRequest(**fields)
        found: list[event_pb2.Event] = await whole(self.provider.list_events, self.call, request)
        return found

    async def instances(self, id: str, **fields: Any) -> list[event_pb2.Event]:
        request = event_pb2.ListEventInstancesRequest(recurring_event_id=id, **fields)
        found: list[event_pb2.Event] = await whole(
            self.provider.list_event_instances, self.call, request
        )
        return found

    async def changes(self, cursor: str = "", kind: Any = EVENT, **fields: Any) -> ChangesPage:
        query = ChangesQuery(kind, cursor=cursor, **fields)
        found: ChangesPage = await self.provider.list_changes(self.call, query)
        return found

    async def all_changes(self, cursor: str, **fields: Any) -> tuple[list[Any], str]:
        """Every change since `cursor`, and where to go on."""
        found: list[Any] = []
        while True:
            page = await self.changes(cursor, **fields)
            found += page.changes
            cursor = page.cursor
            if not page.has_more:
                return found, cursor

    # -- bookings

    async def busy(self, **fields: Any) -> busy_pb2.ListBusyResponse:
        request = busy_pb2.ListBusyRequest(**fields)
        found: busy_pb2.ListBusyResponse = await self.provider.list_busy(self.call, request)
        return found

    async def link(self, id: Any, **fields: Any) -> link_pb2.Link:
        request = link_pb2.GetLinkRequest(id=str(id), **fields)
        found: link_pb2.Link = (await self.provider.get_link(self.call, request)).link
        return found

    async def slots(self, id: Any, **fields: Any) -> list[link_pb2.LinkSlot]:
        request = link_pb2.ListLinkSlotsRequest(link_id=str(id), **fields)
        found: list[link_pb2.LinkSlot] = await whole(
            self.provider.list_link_slots, self.call, request
        )
        return found

    # -- webinars and recordings

    async def webinar(self, id: str, *paths: str, **fields: Any) -> webinar_pb2.Webinar:
        request = webinar_pb2.GetWebinarRequest(id=id, **fields)
        if paths:
            request.read_mask.paths.extend(paths)
        found: webinar_pb2.Webinar = (await self.provider.get_webinar(self.call, request)).webinar
        return found

    async def recordings(self, **fields: Any) -> list[recording_pb2.Recording]:
        request = recording_pb2.ListRecordingsRequest(**fields)
        found: list[recording_pb2.Recording] = await whole(
            self.provider.list_recordings, self.call, request
        )
        return found


def instant(when: datetime, zone: str = "") -> types_pb2.EventTime:
    found = types_pb2.EventTime(time_zone=zone)
    found.timestamp.FromDatetime(when)
    return found


def window(start: datetime, days: float) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    found.start_at.FromDatetime(start)
    found.end_at.FromDatetime(start + timedelta(days=days))
    return found


class refused:  # noqa: N801 - reads as a word
    """Expect a ProviderError of this kind, that names this field, with this reason."""

    def __init__(self, kind: Kind, *, field: str = "", reason: str = "") -> None:
        self.kind, self.field, self.reason = kind, field, reason
        self._raises = pytest.raises(ProviderError)

    def __enter__(self) -> pytest.ExceptionInfo[ProviderError]:
        self._info = self._raises.__enter__()
        return self._info

    def __exit__(self, *exc: object) -> bool:
        suppressed = self._raises.__exit__(*exc)  # type: ignore[arg-type]
        error = self._info.value
        assert error.kind is self.kind, f"{error.kind}: {error.message}"
        if self.field:
            assert self.field in [path for path, _ in error.violations], error.violations
        if self.reason:
            assert error.reason == self.reason
        return bool(suppressed)
