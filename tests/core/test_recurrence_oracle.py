"""Series with zones, dates and exceptions against recurring-ical-events, another engine."""

from datetime import UTC, datetime, timedelta

import icalendar
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core import recurrence, rrule, times, timezones
from providers.core.recurrence import Planned
from tests.core.series import wall
from ucal.v1 import types_pb2

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
RULES = (
    "FREQ=DAILY", "FREQ=DAILY;INTERVAL=5", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=3",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=SU", "FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=-1FR,2MO",
    "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1", "FREQ=YEARLY",
    "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", "FREQ=YEARLY;BYYEARDAY=1,100,-1",
    "FREQ=YEARLY;BYWEEKNO=1,20,53;BYDAY=MO", "FREQ=DAILY;BYMONTH=3,11",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
)  # fmt: skip
# In the day time: where clocks jump over a time, or show it twice, engines differ.
BEGINS = st.datetimes(wall("2018-01-01"), wall("2024-01-01")).map(
    lambda at: at.replace(hour=8 + at.hour // 2, second=0, microsecond=0)
)
ENDS = st.sampled_from(["", ";COUNT=1", ";COUNT=17", ";COUNT=60", "until"])


def on_rule(rule: str, begins: datetime) -> datetime | None:
    """The first time from `begins` that the rule yields: other starts are counted differently."""
    start = types_pb2.EventTime()
    times.set_floating(start, begins)
    found = recurrence.occurrences(
        [f"RRULE:{rule}", f"EXDATE:{rrule.format_value(begins)}"],
        start,
        begins.replace(tzinfo=UTC),
        begins.replace(tzinfo=UTC) + timedelta(days=1800),
        limit=1,
    )
    return found[0] if found and isinstance(found[0], datetime) else None


def of_oracle(lines: list[str], low: datetime, high: datetime) -> list[Planned]:
    text = "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:1", *lines,
         "END:VEVENT", "END:VCALENDAR", ""]
    )  # fmt: skip
    calendar = icalendar.Calendar.from_ical(text)
    day = timedelta(days=2)
    window = recurring_ical_events.of(calendar).between(low - day, high + day)
    found = [event.start for event in window]
    return sorted(found)


@settings(max_examples=150, deadline=None)
@given(
    rule=st.sampled_from(RULES),
    begins=BEGINS,
    zone=st.sampled_from(ZONES),
    ends=ENDS,
    skipped=st.sets(st.integers(0, 20), max_size=4),
    extra=st.lists(st.integers(1, 900), max_size=3, unique=True),
    form=st.sampled_from(["timed", "date", "floating"]),
    after=st.integers(0, 1500),
    length=st.integers(1, 200),
)
def test_agrees_with_recurring_ical_events(
    *, rule: str, begins: datetime, zone: str, ends: str, skipped: set[int], extra: list[int],
    form: str, after: int, length: int,
) -> None:  # fmt: skip
    first = on_rule(rule, begins)
    if first is None:
        return
    until = first + timedelta(days=300)
    start = types_pb2.EventTime()
    if form == "timed":
        aware = first.replace(tzinfo=timezones.zone(zone))
        times.set_instant(start, aware, zone)
        stamp = rrule.format_value(until.replace(tzinfo=timezones.zone(zone)))
    elif form == "date":
        times.set_date(start, first.date())
        stamp = rrule.format_value(until.date())
    else:
        times.set_floating(start, first)
        stamp = rrule.format_value(until)
    rules = [f"RRULE:{rule}{f';UNTIL={stamp}' if ends == 'until' else ends}"]
    low = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=after)
    high = low + timedelta(days=length)
    whole = recurrence.occurrences(rules, start, low - timedelta(2000), high, limit=10**5)
    made = types_pb2.Recurrence()
    for index in sorted(skipped):
        if index < len(whole):
            times.set_planned(made.excluded.add(), whole[index], start.time_zone)
    for days in extra:
        moved = first + timedelta(days=days)
        planned: Planned = moved
        if form == "timed":
            planned = moved.replace(tzinfo=timezones.zone(zone))
        elif form == "date":
            planned = moved.date()
        times.set_planned(made.included.add(), planned, start.time_zone)
    rules += recurrence.lines(made, start)
    recurrence.validate(rules, start)
    ours = recurrence.occurrences(rules, start, low, high, limit=10**5)
    theirs = of_oracle([dtstart(start), *rules], low, high)
    assert cut(theirs, low, high) == ours


def dtstart(start: types_pb2.EventTime) -> str:
    found = times.local(start)
    if not isinstance(found, datetime):
        return f"DTSTART;VALUE=DATE:{rrule.format_value(found)}"
    if not start.HasField("timestamp"):
        return f"DTSTART:{rrule.format_value(found)}"
    if start.time_zone == "UTC":
        return f"DTSTART:{rrule.format_value(found)}Z"
    return f"DTSTART;TZID={start.time_zone}:{rrule.format_value(found)}"


def cut(found: list[Planned], low: datetime, high: datetime) -> list[Planned]:
    """What starts in [low, high); their window is one of overlap."""

    def starts(each: Planned) -> datetime:
        if not isinstance(each, datetime):
            return datetime(each.year, each.month, each.day, tzinfo=UTC)
        return each if each.tzinfo else each.replace(tzinfo=UTC)

    return [each for each in found if low <= starts(each) < high]
