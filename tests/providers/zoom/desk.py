"""What the tests of Zoom share: the provider on the double, short ways to ask, short meetings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from providers.core.auth import HeaderAuth
from providers.core.settings import ProviderSettings
from providers.zoom.provider import Zoom as Provider
from tests.providers.desk import Caller, door, instant, whole, window
from tests.providers.zoom.double import TOKEN, Zoom
from ucal.v1 import event_pb2, recording_pb2, types_pb2, webinar_pb2

BERLIN = ZoneInfo("Europe/Berlin")
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL


@dataclass(kw_only=True)
class Desk(Caller):
    """A caller of the provider on a double of its own."""

    zoom: Zoom
    account: str = "k1"

    async def make(self, event: event_pb2.Event) -> event_pb2.Event:
        return (await self.create(event)).event

    async def instances(self, id: str, **fields: Any) -> list[event_pb2.Event]:
        fields.setdefault("window", window(datetime.now(UTC) - timedelta(days=400), days=1200))
        return await super().instances(id, **fields)

    # -- webinars and recordings

    async def make_webinar(self, webinar: webinar_pb2.Webinar) -> webinar_pb2.Webinar:
        request = webinar_pb2.CreateWebinarRequest(webinar=webinar)
        found: webinar_pb2.Webinar = (
            await self.provider.create_webinar(self.call, request)
        ).webinar
        return found

    async def register(self, id: str, name: str, email: str) -> webinar_pb2.WebinarRegistrant:
        request = webinar_pb2.CreateWebinarRegistrantRequest(webinar_id=id)
        request.registrant.name, request.registrant.email = name, email
        answer = await self.provider.create_webinar_registrant(self.call, request)
        found: webinar_pb2.WebinarRegistrant = answer.registrant
        return found

    async def recording(self, id: str, **fields: Any) -> recording_pb2.Recording:
        request = recording_pb2.GetRecordingRequest(id=id, **fields)
        found: recording_pb2.Recording = (
            await self.provider.get_recording(self.call, request)
        ).recording
        return found

    async def segments(self, id: str, page_size: int = 0) -> list[recording_pb2.TranscriptSegment]:
        request = recording_pb2.ListTranscriptSegmentsRequest(recording_id=id, page_size=page_size)
        found: list[recording_pb2.TranscriptSegment] = await whole(
            self.provider.list_transcript_segments, self.call, request
        )
        return found


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with Zoom() as zoom, door() as out:
        provider = Provider(ProviderSettings(base_url=zoom.base_url))
        auth = HeaderAuth("authorization", f"Bearer {TOKEN}")
        yield Desk(out=out, provider=provider, url=zoom.base_url, auth=auth, zoom=zoom)


# -- short meetings


def _base() -> datetime:
    """Tuesday in six weeks or so, 14:10 in Berlin."""
    today = datetime.now(BERLIN).replace(hour=14, minute=10, second=0, microsecond=0)
    return today + timedelta(days=43 - today.weekday())


BASE = _base()


def at(days: float = 0, hours: float = 0) -> types_pb2.EventTime:
    """So long after `BASE` on Berlin's clocks."""
    return instant(BASE + timedelta(days=days, hours=hours), "Europe/Berlin")


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
