"""A weekly series on a real server, and how its tests look at it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.providers.caldav.world import MONDAY, World, starts, timed
from ucal.v1 import event_pb2, types_pb2

THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL
BERLIN = ZoneInfo("Europe/Berlin")
DAY, WEEK = timedelta(days=1), timedelta(days=7)
# 14:10 in Berlin, two weeks before the clocks change on 28 March 2027.
FIRST = datetime(2027, 3, 15, 14, 10, tzinfo=BERLIN)
LOW, HIGH = MONDAY - 30 * DAY, MONDAY + 120 * DAY


def weekly(
    count: int = 6, *more: str, start: datetime = FIRST, **fields: object
) -> event_pb2.Event:
    rules = {"rules": [f"RRULE:FREQ=WEEKLY;COUNT={count}", *more]}
    return timed(
        start.astimezone(UTC), 50, "Europe/Berlin", recurrence=rules, subject="S", **fields
    )


def local(events: list[event_pb2.Event]) -> list[datetime]:
    return [start.astimezone(BERLIN) for start in starts(events)]


async def instances(dav: World) -> list[event_pb2.Event]:
    return await dav.instances(LOW, HIGH)


def blocks(ics: str) -> list[str]:
    return re.findall(r"BEGIN:VEVENT\n.*?END:VEVENT", ics, re.DOTALL)
