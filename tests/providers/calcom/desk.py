"""What the tests of Cal.com share: the provider on the double, short ways to ask it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.calcom.provider import CalCom as Provider
from providers.core.auth import HeaderAuth
from providers.core.settings import ProviderSettings
from tests.providers.calcom.double import TOKEN, CalCom, bookings, event_types
from tests.providers.calcom.double.world import Json
from tests.providers.desk import EVENT, Caller, door, instant, refused, window  # noqa: F401
from ucal.v1 import event_pb2, types_pb2

THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL


def monday() -> datetime:
    """09:00 UTC on a Monday in three to four weeks."""
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    return today + timedelta(days=28 - today.weekday())


@dataclass(kw_only=True)
class Desk(Caller):
    """A caller of the provider on a double of its own."""

    cal: CalCom

    def asked(self, method: str = "", ending: str = "") -> list[Any]:
        """What was sent to Cal.com, of this method, to paths that end so."""
        return [
            each
            for each in self.cal.journal
            if (not method or each.method == method) and each.template.endswith(ending)
        ]

    # -- the other side

    def kind(self, slug: str = "intro", **fields: Any) -> Json:
        """An event type."""
        body = {"title": "Intro call", "slug": slug, "lengthInMinutes": 30, **fields}
        return event_types.create(self.cal.world, body)

    def put(self, kind: Json, start: datetime, minutes: int = 30, **more: Any) -> Json:
        """A booking, as somebody else has made it."""
        end = start + timedelta(minutes=minutes)
        booking = bookings.put(self.cal.world, kind, start, end)
        booking.update(more)
        return booking

    # -- events

    async def book(
        self, link_id: str | int, start: datetime, **fields: Any
    ) -> event_pb2.CreateEventResponse:
        fields.setdefault("attendees", [person("Ada Example", "ada@example.com")])
        strict = fields.pop("strict", False)
        event = event_pb2.Event(link_id=str(link_id), start_at=instant(start), **fields)
        request = event_pb2.CreateEventRequest(event=event, strict=strict)
        return await self.provider.create_event(self.call, request)

    async def move(self, id: str, start: datetime, **fields: Any) -> event_pb2.Event:
        event = event_pb2.Event(start_at=instant(start))
        return (await self.update(id, event, "start_at", **fields)).event

    async def slots(self, id: Any, start: datetime, days: float = 1, **fields: Any) -> Any:
        return await super().slots(id, window=window(start, days=days), **fields)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with CalCom() as cal, door() as out:
        yield Desk(
            cal=cal,
            out=out,
            provider=Provider(ProviderSettings(base_url=cal.url)),
            url=cal.url,
            auth=HeaderAuth("authorization", f"Bearer {TOKEN}"),
        )


def person(name: str, email: str, **fields: Any) -> types_pb2.Attendee:
    return types_pb2.Attendee(name=name, email=email, **fields)
