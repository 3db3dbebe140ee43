"""What the tests of Dialpad share: the provider on the double, short ways to ask, short events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
from providers.dialpad.provider import Dialpad as Provider
from tests.providers.dialpad.double import Dialpad
from tests.providers.dialpad.double.server import Exchange
from tests.providers.dialpad.double.world import TOKEN
from ucal.v1 import event_pb2, recording_pb2, types_pb2

BERLIN = ZoneInfo("Europe/Berlin")
# Two Tuesdays before the clocks change.
OCTOBER = datetime(2031, 10, 14, 14, 10, tzinfo=BERLIN)
SEASON = (datetime(2031, 10, 1, tzinfo=UTC), 90)
NOW = datetime.now(UTC).replace(microsecond=0)
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
ALL = types_pb2.UPDATE_SCOPE_ALL


@dataclass
class Desk:
    """A caller of the provider on a double of its own."""

    dialpad: Dialpad
    out: Door
    provider: Provider
    account: str = ""

    @property
    def call(self) -> Call:
        http = Http(
            self.out,
            self.dialpad.url,
            auth=HeaderAuth("authorization", f"Bearer {TOKEN}"),
            deadline=asyncio.get_running_loop().time() + 20,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call("c1", http, account_key=self.account)

    def asked(self, method: str = "", part: str = "") -> list[Exchange]:
        """What was sent to Dialpad, of this method, to paths that hold `part`."""
        return [
            each
            for each in self.dialpad.journal
            if (not method or each.method == method) and part in each.path
        ]

    async def create(self, event: event_pb2.Event) -> event_pb2.CreateEventResponse:
        request = event_pb2.CreateEventRequest(event=event)
        return await self.provider.create_event(self.call, request)

    async def get(self, id: str, **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=id, **fields)
        return (await self.provider.get_event(self.call, request)).event

    async def update(
        self, id: str, event: event_pb2.Event, *paths: str, **fields: Any
    ) -> event_pb2.UpdateEventResponse:
        request = event_pb2.UpdateEventRequest(
            id=id, event=event, update_mask=FieldMask(paths=paths), **fields
        )
        return await self.provider.update_event(self.call, request)

    async def delete(self, id: str, **fields: Any) -> event_pb2.DeleteEventResponse:
        request = event_pb2.DeleteEventRequest(id=id, **fields)
        return await self.provider.delete_event(self.call, request)

    async def listed(self, **fields: Any) -> list[event_pb2.Event]:
        fields.setdefault("window", window(*SEASON))
        request = event_pb2.ListEventsRequest(**fields)
        found: list[event_pb2.Event] = []
        while True:
            answer = await self.provider.list_events(self.call, request)
            found += answer.events
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def instances(self, id: str) -> list[event_pb2.Event]:
        request = event_pb2.ListEventInstancesRequest(recurring_event_id=id, window=window(*SEASON))
        return list((await self.provider.list_event_instances(self.call, request)).events)

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
        async with Dialpad() as dialpad:
            # No waiting between attempts, and a breaker that never opens.
            out = Door(transport, Hosts(Policy(base=0.0, least=1_000_000)))
            yield Desk(dialpad, out, Provider(ProviderSettings(base_url=dialpad.url)))
    finally:
        await transport.aclose()


def instant(when: datetime, zone: str = "Europe/Berlin") -> types_pb2.EventTime:
    found = types_pb2.EventTime(time_zone=zone)
    found.timestamp.FromDatetime(when)
    return found


def window(start: datetime, days: float) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    found.start_at.FromDatetime(start)
    found.end_at.FromDatetime(start + timedelta(days=days))
    return found


def meeting(
    subject: str = "Stand-up",
    start: datetime = OCTOBER,
    zone: str = "Europe/Berlin",
    rules: tuple[str, ...] = (),
    **fields: Any,
) -> event_pb2.Event:
    found = event_pb2.Event(
        subject=subject,
        start_at=instant(start, zone),
        end_at=instant(start + timedelta(minutes=30), zone),
        **fields,
    )
    found.recurrence.rules.extend(rules)
    if not rules:
        found.ClearField("recurrence")
    return found


WEEKLY = ("RRULE:FREQ=WEEKLY;COUNT=4",)


def starts(events: list[event_pb2.Event]) -> list[str]:
    """Local starts in Berlin: "10-14 14:10"."""
    return [
        f"{e.start_at.timestamp.ToDatetime(UTC).astimezone(BERLIN):%m-%d %H:%M}" for e in events
    ]


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
