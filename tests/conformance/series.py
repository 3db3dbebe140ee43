"""A weekly series across a change of clocks, and its instances."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.core import operations as ops
from tests.conformance import samples
from tests.conformance.client import Client
from tests.conformance.kinds import EVENT
from tests.conformance.samples import BERLIN
from ucal.v1 import event_pb2

WEEKS = 6
SKIPPED = 1  # number of the instance that an EXDATE takes out
WEEK = timedelta(days=7)


def clock_change() -> datetime:
    """Noon of the next day, at least a month from now, on which Berlin's clocks have changed."""
    when = (samples.BASE + timedelta(days=30)).astimezone(BERLIN).replace(hour=12)
    while when.utcoffset() == (when - timedelta(days=1)).utcoffset():
        when += timedelta(days=1)
    return when


def first_start() -> datetime:
    """14:10 in Berlin, two weeks before the clocks change."""
    return (clock_change() - 2 * WEEK).replace(hour=14, minute=10)


@dataclass
class Series:
    """A series as it was made.

    Attributes:
        event: what CreateEvent answered.
        planned: local starts of its instances, the exception left out.
    """

    client: Client
    event: event_pb2.Event
    planned: list[datetime]

    @property
    def window(self) -> Any:
        """All of it, and a week on each side."""
        return samples.window(self.planned[0] - WEEK, days=7 * (WEEKS + 2))

    async def instances(self, id: str = "") -> list[event_pb2.Event]:
        """Instances of the series `id`, of this one when it is "", as the provider tells."""
        return await instances(self.client, id or self.event.id, self.window)

    async def starts(self, id: str = "") -> list[datetime]:
        """Their starts in Berlin."""
        return [local(event) for event in await self.instances(id)]


async def instances(client: Client, id: str, window: Any) -> list[event_pb2.Event]:
    """Instances of the series `id` in `window`."""
    if client.supports(ops.LIST_EVENT_INSTANCES):
        return await client.all(ops.LIST_EVENT_INSTANCES, recurring_event_id=id, window=window)
    found = await client.all(ops.LIST_EVENTS, window=window, expand_recurring=True)
    return [event for event in found if event.recurring_event_id == id]


def local(event: event_pb2.Event) -> datetime:
    """Start of `event` in Berlin."""
    return samples.instant(event.start_at).astimezone(BERLIN)


async def make(client: Client, **fields: Any) -> Series:
    """A weekly series of `WEEKS` planned instances with one EXDATE."""
    start = first_start()
    skipped = start + SKIPPED * WEEK
    event = await client.create(
        EVENT,
        start_at=samples.stamp(start.astimezone(UTC), "Europe/Berlin"),
        end_at=samples.stamp((start + timedelta(minutes=50)).astimezone(UTC), "Europe/Berlin"),
        recurrence={
            "rules": [
                f"RRULE:FREQ=WEEKLY;COUNT={WEEKS}",
                f"EXDATE;TZID=Europe/Berlin:{skipped:%Y%m%dT%H%M%S}",
            ]
        },
        **fields,
    )
    # Adding days to a local time keeps the wall clock.
    planned = [start + n * WEEK for n in range(WEEKS) if n != SKIPPED]
    return Series(client, event, planned)
