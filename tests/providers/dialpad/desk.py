"""What the tests of Dialpad share: the provider on the double, short ways to ask, short events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from providers.core.auth import HeaderAuth
from providers.core.settings import ProviderSettings
from providers.dialpad.provider import Dialpad as Provider
from tests.providers.desk import Caller, door, window
from tests.providers.desk import instant as an_instant
from tests.providers.dialpad.double import Dialpad
from tests.providers.dialpad.double.server import Exchange
from tests.providers.dialpad.double.world import TOKEN
from ucal.v1 import event_pb2, types_pb2

BERLIN = ZoneInfo("Europe/Berlin")
# Two Tuesdays before the clocks change.
OCTOBER = datetime(2031, 10, 14, 14, 10, tzinfo=BERLIN)
SEASON = (datetime(2031, 10, 1, tzinfo=UTC), 90)
NOW = datetime.now(UTC).replace(microsecond=0)
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
ALL = types_pb2.UPDATE_SCOPE_ALL


@dataclass(kw_only=True)
class Desk(Caller):
    """A caller of the provider on a double of its own."""

    dialpad: Dialpad

    def asked(self, method: str = "", part: str = "") -> list[Exchange]:
        """What was sent to Dialpad, of this method, to paths that hold `part`."""
        return [
            each
            for each in self.dialpad.journal
            if (not method or each.method == method) and part in each.path
        ]

    async def listed(self, **fields: Any) -> list[event_pb2.Event]:
        return await super().listed(**{"window": window(*SEASON), **fields})

    async def instances(self, id: str, **fields: Any) -> list[event_pb2.Event]:
        return await super().instances(id, **{"window": window(*SEASON), **fields})


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with door() as out, Dialpad() as dialpad:
        provider = Provider(ProviderSettings(base_url=dialpad.url))
        auth = HeaderAuth("authorization", f"Bearer {TOKEN}")
        yield Desk(out=out, provider=provider, url=dialpad.url, auth=auth, dialpad=dialpad)


def instant(when: datetime, zone: str = "Europe/Berlin") -> types_pb2.EventTime:
    return an_instant(when, zone)


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
