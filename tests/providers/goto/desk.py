"""What the tests of GoTo share: the provider on the double, short ways to ask, short events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.auth import HeaderAuth
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http
from providers.core.retry import Hosts, Policy
from providers.core.settings import ProviderSettings
from providers.core.transport import Transport
from providers.goto.provider import GoTo as Provider
from tests.providers.goto.double import GoTo
from tests.providers.goto.double.server import Exchange
from tests.providers.goto.double.world import TOKEN
from ucal.v1 import event_pb2, recording_pb2, types_pb2, webinar_pb2

CONNECTION = "c1"
NOW = datetime.now(UTC).replace(microsecond=0)
SOON = NOW.replace(minute=0, second=0) + timedelta(days=7)


@dataclass
class Desk:
    """A caller of the provider on a double of its own."""

    goto: GoTo
    out: Door
    provider: Provider
    auth: httpx.Auth = field(default_factory=lambda: HeaderAuth("authorization", f"Bearer {TOKEN}"))
    account: str = ""

    @property
    def call(self) -> Call:
        http = Http(
            self.out,
            self.goto.url,
            auth=self.auth,
            deadline=asyncio.get_running_loop().time() + 20,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call(CONNECTION, http, account_key=self.account)

    def asked(self, method: str = "", part: str = "") -> list[Exchange]:
        """What was sent to GoTo, of this method, to paths that hold `part`."""
        return [
            each
            for each in self.goto.journal
            if (not method or each.method == method) and part in each.path
        ]

    async def create(self, event: event_pb2.Event) -> event_pb2.CreateEventResponse:
        request = event_pb2.CreateEventRequest(connection_id=CONNECTION, event=event)
        return await self.provider.create_event(self.call, request)

    async def get(self, id: str, **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=id, **fields)
        return (await self.provider.get_event(self.call, request)).event

    async def update(
        self, id: str, event: event_pb2.Event, *paths: str
    ) -> event_pb2.UpdateEventResponse:
        request = event_pb2.UpdateEventRequest(
            id=id, event=event, update_mask=FieldMask(paths=paths)
        )
        return await self.provider.update_event(self.call, request)

    async def listed(self, **fields: Any) -> list[event_pb2.Event]:
        request = event_pb2.ListEventsRequest(**fields)
        found: list[event_pb2.Event] = []
        while True:
            answer = await self.provider.list_events(self.call, request)
            found += answer.events
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    # -- webinars

    async def plan(self, webinar: webinar_pb2.Webinar) -> webinar_pb2.CreateWebinarResponse:
        request = webinar_pb2.CreateWebinarRequest(webinar=webinar)
        return await self.provider.create_webinar(self.call, request)

    async def webinar(self, id: str, *paths: str) -> webinar_pb2.Webinar:
        request = webinar_pb2.GetWebinarRequest(id=id, read_mask=FieldMask(paths=paths))
        return (await self.provider.get_webinar(self.call, request)).webinar

    async def replan(
        self, id: str, webinar: webinar_pb2.Webinar, *paths: str, **fields: Any
    ) -> webinar_pb2.UpdateWebinarResponse:
        request = webinar_pb2.UpdateWebinarRequest(
            id=id, webinar=webinar, update_mask=FieldMask(paths=paths), **fields
        )
        return await self.provider.update_webinar(self.call, request)

    async def webinars(self, **fields: Any) -> list[webinar_pb2.Webinar]:
        request = webinar_pb2.ListWebinarsRequest(**fields)
        found: list[webinar_pb2.Webinar] = []
        while True:
            answer = await self.provider.list_webinars(self.call, request)
            found += answer.webinars
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def register(
        self, webinar_id: str, **fields: Any
    ) -> webinar_pb2.CreateWebinarRegistrantResponse:
        registrant = webinar_pb2.WebinarRegistrant(**fields)
        request = webinar_pb2.CreateWebinarRegistrantRequest(
            webinar_id=webinar_id, registrant=registrant
        )
        return await self.provider.create_webinar_registrant(self.call, request)

    async def recordings(self, **fields: Any) -> list[recording_pb2.Recording]:
        request = recording_pb2.ListRecordingsRequest(**fields)
        found: list[recording_pb2.Recording] = []
        while True:
            answer = await self.provider.list_recordings(self.call, request)
            found += answer.recordings
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    transport = Transport(Guard(allowed_hosts=["127.0.0.1"]))
    try:
        async with GoTo() as goto:
            # No waiting between attempts, and a breaker that never opens.
            out = Door(transport, Hosts(Policy(base=0.0, least=1_000_000)))
            yield Desk(goto, out, Provider(ProviderSettings(base_url=goto.url)))
    finally:
        await transport.aclose()


def instant(when: datetime, zone: str = "") -> types_pb2.EventTime:
    found = types_pb2.EventTime(time_zone=zone)
    found.timestamp.FromDatetime(when)
    return found


def window(start: datetime, *, days: float) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    found.start_at.FromDatetime(start)
    found.end_at.FromDatetime(start + timedelta(days=days))
    return found


def meeting(
    subject: str = "Review", start: datetime = SOON, minutes: int = 45, **fields: Any
) -> event_pb2.Event:
    end = instant(start + timedelta(minutes=minutes))
    return event_pb2.Event(subject=subject, start_at=instant(start), end_at=end, **fields)


def launch(
    subject: str = "Launch",
    start: datetime = SOON,
    zone: str = "America/New_York",
    rule: str = "",
    **fields: Any,
) -> webinar_pb2.Webinar:
    found = webinar_pb2.Webinar(
        subject=subject,
        description="What is new",
        start_at=instant(start, zone),
        end_at=instant(start + timedelta(hours=1), zone),
        **fields,
    )
    if rule:
        found.recurrence.rules.append(f"RRULE:{rule}")
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
