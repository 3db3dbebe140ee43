"""What the tests of Zoom share: the provider on the double, short ways to ask, short meetings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
from providers.zoom.provider import Zoom as Provider
from tests.providers.zoom.double import TOKEN, Zoom
from ucal.v1 import event_pb2, recording_pb2, types_pb2, webinar_pb2

BERLIN = ZoneInfo("Europe/Berlin")
CONNECTION = "c1"
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL


@asynccontextmanager
async def door() -> AsyncIterator[Door]:
    """The way out, to loopback only."""
    transport = Transport(Guard(allowed_hosts=["127.0.0.1"]))
    try:
        # No waiting between attempts, and a breaker that never opens.
        yield Door(transport, Hosts(Policy(base=0.0, least=1_000_000)))
    finally:
        await transport.aclose()


@dataclass
class Desk:
    """A caller of the provider on a double of its own."""

    zoom: Zoom
    out: Door
    provider: Provider
    auth: httpx.Auth
    patience: float = 20.0
    account_key: str = "k1"
    allowed_hosts: tuple[str, ...] = ()

    @property
    def call(self) -> Call:
        http = Http(
            self.out,
            self.zoom.base_url,
            auth=self.auth,
            allowed_hosts=self.allowed_hosts,
            deadline=asyncio.get_running_loop().time() + self.patience,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call(CONNECTION, http, account_key=self.account_key)

    # -- events

    async def create(self, event: event_pb2.Event, **fields: Any) -> event_pb2.CreateEventResponse:
        request = event_pb2.CreateEventRequest(connection_id=CONNECTION, event=event, **fields)
        return await self.provider.create_event(self.call, request)

    async def make(self, event: event_pb2.Event) -> event_pb2.Event:
        return (await self.create(event)).event

    async def get(self, id: str, calendar_id: str = "", **fields: Any) -> event_pb2.Event:
        request = event_pb2.GetEventRequest(id=id, calendar_id=calendar_id, **fields)
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
        request = event_pb2.ListEventsRequest(**fields)
        found: list[event_pb2.Event] = []
        while True:
            answer = await self.provider.list_events(self.call, request)
            found += answer.events
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def instances(self, id: str, **fields: Any) -> list[event_pb2.Event]:
        fields.setdefault("window", window(datetime.now(UTC) - timedelta(days=400), days=1200))
        request = event_pb2.ListEventInstancesRequest(recurring_event_id=id, **fields)
        found: list[event_pb2.Event] = []
        while True:
            answer = await self.provider.list_event_instances(self.call, request)
            found += answer.events
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    # -- webinars and recordings

    async def make_webinar(self, webinar: webinar_pb2.Webinar) -> webinar_pb2.Webinar:
        request = webinar_pb2.CreateWebinarRequest(webinar=webinar)
        return (await self.provider.create_webinar(self.call, request)).webinar

    async def webinar(self, id: str, *paths: str, **fields: Any) -> webinar_pb2.Webinar:
        request = webinar_pb2.GetWebinarRequest(id=id, **fields)
        if paths:
            request.read_mask.paths.extend(paths)
        return (await self.provider.get_webinar(self.call, request)).webinar

    async def register(self, id: str, name: str, email: str) -> webinar_pb2.WebinarRegistrant:
        request = webinar_pb2.CreateWebinarRegistrantRequest(webinar_id=id)
        request.registrant.name, request.registrant.email = name, email
        answer = await self.provider.create_webinar_registrant(self.call, request)
        return answer.registrant

    async def recordings(self, **fields: Any) -> list[recording_pb2.Recording]:
        request = recording_pb2.ListRecordingsRequest(**fields)
        found: list[recording_pb2.Recording] = []
        while True:
            answer = await self.provider.list_recordings(self.call, request)
            found += answer.recordings
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def recording(self, id: str, **fields: Any) -> recording_pb2.Recording:
        request = recording_pb2.GetRecordingRequest(id=id, **fields)
        return (await self.provider.get_recording(self.call, request)).recording

    async def segments(self, id: str, page_size: int = 0) -> list[recording_pb2.TranscriptSegment]:
        request = recording_pb2.ListTranscriptSegmentsRequest(recording_id=id, page_size=page_size)
        found: list[recording_pb2.TranscriptSegment] = []
        while True:
            answer = await self.provider.list_transcript_segments(self.call, request)
            found += answer.segments
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with Zoom() as zoom, door() as out:
        provider = Provider(ProviderSettings(base_url=zoom.base_url))
        yield Desk(zoom, out, provider, HeaderAuth("authorization", f"Bearer {TOKEN}"))


# -- short meetings


def _base() -> datetime:
    """Tuesday in six weeks or so, 14:10 in Berlin."""
    today = datetime.now(BERLIN).replace(hour=14, minute=10, second=0, microsecond=0)
    return today + timedelta(days=43 - today.weekday())


BASE = _base()


def instant(when: datetime, zone: str = "") -> types_pb2.EventTime:
    found = types_pb2.EventTime(time_zone=zone)
    found.timestamp.FromDatetime(when)
    return found


def at(days: float = 0, hours: float = 0) -> types_pb2.EventTime:
    """So long after `BASE` on Berlin's clocks."""
    return instant(BASE + timedelta(days=days, hours=hours), "Europe/Berlin")


def window(start: datetime, *, days: float) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    found.start_at.FromDatetime(start)
    found.end_at.FromDatetime(start + timedelta(days=days))
    return found


def meeting(
    subject: str = "Sprint review",
    start: types_pb2.EventTime | None = None,
    minutes: int = 30,
    rules: tuple[str, ...] = (),
    **fields: Any,
) -> event_pb2.Event:
    event = event_pb2.Event(subject=subject, start_at=start or at(), **fields)
    event.end_at.CopyFrom(event.start_at)
    event.end_at.timestamp.seconds += 60 * minutes
    if rules:
        event.recurrence.rules.extend(rules)
    return event


def webinar(
    subject: str = "Product launch",
    start: types_pb2.EventTime | None = None,
    rules: tuple[str, ...] = (),
    **fields: Any,
) -> webinar_pb2.Webinar:
    found = webinar_pb2.Webinar(subject=subject, start_at=start or at(), **fields)
    found.end_at.CopyFrom(found.start_at)
    found.end_at.timestamp.seconds += 3600
    if rules:
        found.recurrence.rules.extend(rules)
    return found


WEEKLY = ("RRULE:FREQ=WEEKLY;COUNT=6",)


def starts(events: list[event_pb2.Event]) -> list[datetime]:
    """Local starts in Berlin."""
    return [e.start_at.timestamp.ToDatetime(UTC).astimezone(BERLIN) for e in events]


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
