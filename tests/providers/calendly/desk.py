"""What the tests of Calendly share: the provider on the double, and short ways to ask it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.calendly.provider import Calendly
from providers.core.auth import HeaderAuth
from providers.core.errors import ProviderError
from providers.core.settings import ProviderSettings
from tests.providers.calendly.double import TOKEN
from tests.providers.calendly.double import Calendly as Double
from tests.providers.calendly.double.world import QUICK, Json, tail
from tests.providers.desk import CONNECTION, EVENT, Caller, door, instant, window  # noqa: F401
from ucal.v1 import event_pb2, link_pb2

LINK = tail(QUICK)


@dataclass(kw_only=True)
class Desk(Caller):
    """A caller of the provider on a double of its own."""

    double: Double

    def asked(self, method: str = "", ending: str = "") -> list[Any]:
        """What was sent, of this method, to paths that end so."""
        return [
            each
            for each in self.double.journal
            if (not method or each.method == method) and each.path.endswith(ending)
        ]

    def plant(self, start: datetime, email: str = "ada@example.com", **fields: Any) -> Json:
        """A booking that somebody made on the page; answers with the event."""
        world = self.double.world
        made = world.add_event(world.types[QUICK], start, email)
        event = world.events[made["event"]]
        event.update(fields)
        return event

    async def link(self, id: Any = LINK, **fields: Any) -> link_pb2.Link:
        return await super().link(id, **fields)

    async def slots(self, id: Any = LINK, **fields: Any) -> list[link_pb2.LinkSlot]:
        return await super().slots(id, **fields)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with Double() as double, door() as out:
        yield Desk(
            double=double,
            out=out,
            provider=Calendly(ProviderSettings(base_url=double.url)),
            url=double.url,
            auth=HeaderAuth("authorization", f"Bearer {TOKEN}"),
        )


def monday(weeks: int = 2, hour: int = 9, minute: int = 0) -> datetime:
    """A Monday in some weeks, UTC."""
    today = datetime.now(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today + timedelta(days=7 * weeks - today.weekday())


def booking(start: datetime, **fields: Any) -> event_pb2.Event:
    """Ada books the quick chat."""
    fields.setdefault("link_id", LINK)
    event = event_pb2.Event(start_at=instant(start), timezone="Europe/Berlin", **fields)
    if not event.attendees:
        event.attendees.add(name="Ada Example", email="ada@example.com")
    return event


def violations(error: ProviderError) -> list[str]:
    return [path for path, _ in error.violations]
