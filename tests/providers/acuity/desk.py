"""What the tests of Acuity share: the provider on the double, and short ways to ask it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.acuity.provider import Acuity
from providers.core.auth import basic
from providers.core.errors import ProviderError
from providers.core.settings import ProviderSettings
from tests.providers.acuity.double import KEY, USER
from tests.providers.acuity.double import Acuity as Double
from tests.providers.acuity.double.world import CALENDAR, QUICK, Json
from tests.providers.desk import CONNECTION, Caller, door, instant, window  # noqa: F401
from ucal.v1 import event_pb2, link_pb2

LINK = str(QUICK)


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

    def plant(self, start: datetime, **fields: Any) -> Json:
        """An appointment that somebody made on the page."""
        world = self.double.world
        return world.add(world.type(QUICK), start, **fields)

    async def listed(self, **fields: Any) -> list[event_pb2.Event]:
        fields.setdefault("calendar_id", str(CALENDAR))
        return await super().listed(**fields)

    async def link(self, id: Any = LINK, **fields: Any) -> link_pb2.Link:
        return await super().link(id, **fields)

    async def slots(self, id: Any = LINK, **fields: Any) -> list[link_pb2.LinkSlot]:
        return await super().slots(id, **fields)


@asynccontextmanager
async def desk(**extra: str) -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with Double() as double, door() as out:
        settings = ProviderSettings(
            base_url=double.url, extra={"requests_per_second": "0", **extra}
        )
        yield Desk(
            double=double, out=out, provider=Acuity(settings), url=double.url, auth=basic(USER, KEY)
        )


def monday(weeks: int = 2, hour: int = 9, minute: int = 0) -> datetime:
    """A Monday in some weeks, UTC."""
    today = datetime.now(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today + timedelta(days=7 * weeks - today.weekday())


def booking(start: datetime, name: str = "Ada Mary Example", **fields: Any) -> event_pb2.Event:
    """Ada books the consultation."""
    fields.setdefault("link_id", LINK)
    event = event_pb2.Event(start_at=instant(start), timezone="Europe/Berlin", **fields)
    if not event.attendees:
        event.attendees.add(name=name, email="ada@example.com")
    return event


def violations(error: ProviderError) -> list[str]:
    return [path for path, _ in error.violations]
