"""Sequences of GoTo Webinar and rules of RFC 5545, into one another.

A sequence is daily, weekly or monthly and ends on a date: no interval, no other parts. GoTo shows
the sessions that are ahead, not the rule, so the rule is found again in them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from providers.core import recurrence, times, timezones
from providers.core.errors import ProviderError
from providers.goto.moments import spell
from providers.goto.wire import Json
from ucal.v1 import types_pb2, webinar_pb2

Span = tuple[datetime, datetime]
_FIELD = "webinar.recurrence.rules"
_PATTERNS: Mapping[types_pb2.RecurrenceFrequency.ValueType, str] = {
    types_pb2.RECURRENCE_FREQUENCY_DAILY: "daily",
    types_pb2.RECURRENCE_FREQUENCY_WEEKLY: "weekly",
    types_pb2.RECURRENCE_FREQUENCY_MONTHLY: "monthly",
}
# Parts that GoTo has no word for, by field of RecurrenceRule.
_PARTS: Mapping[str, str] = {
    "by_day": "BYDAY", "by_month_day": "BYMONTHDAY", "by_month": "BYMONTH",
    "by_set_position": "BYSETPOS", "by_year_day": "BYYEARDAY", "by_week_no": "BYWEEKNO",
    "by_hour": "BYHOUR", "by_minute": "BYMINUTE",
}  # fmt: skip
_LAST_SAFE_DAY = 28
_MOST = 1000


def dump(rules: Sequence[str], span: Span, zone: str) -> Json:
    """What makes a sequence of a webinar's body.

    Raises:
        ProviderError: INVALID, naming the part that GoTo cannot say (P45).
    """
    start = types_pb2.EventTime()
    times.set_instant(start, span[0], zone)
    rule = recurrence.structured(rules, start)
    if rule is None or len(rules) != 1:
        raise ProviderError.invalid(_FIELD, "GoTo takes one RRULE, and no RDATE, EXDATE or EXRULE")
    _check(rule, span[0].astimezone(timezones.zone(zone)).date())
    first = span[0]
    starts = recurrence.occurrences(
        rules, start, first, datetime.max.replace(tzinfo=UTC) - timedelta(days=2), limit=_MOST + 1
    )
    if len(starts) > _MOST:
        raise ProviderError.invalid(_FIELD, f"more than {_MOST} sessions are refused")
    last = starts[-1] if starts else first
    if isinstance(last, datetime):
        last = last.astimezone(timezones.zone(zone)).date()
    session = {"startTime": spell(span[0]), "endTime": spell(span[1])}
    return {
        "type": "sequence",
        "recurrencePattern": _PATTERNS[rule.frequency],
        "recurrenceStart": session,
        "recurrenceEnd": last.isoformat(),
    }


def _check(rule: types_pb2.RecurrenceRule, first: date) -> None:
    if rule.frequency not in _PATTERNS:
        raise ProviderError.invalid(_FIELD, "FREQ: GoTo has daily, weekly and monthly sequences")
    if rule.interval > 1:
        raise ProviderError.invalid(_FIELD, "INTERVAL: GoTo's sequences leave no period out")
    for name, part in _PARTS.items():
        if getattr(rule, name):
            raise ProviderError.invalid(_FIELD, f"{part}: GoTo's sequences have no such part")
    if not rule.count and not rule.HasField("until_at") and not rule.HasField("until_date"):
        raise ProviderError.invalid(_FIELD, "COUNT or UNTIL: GoTo's sequences have an end")
    if rule.frequency == types_pb2.RECURRENCE_FREQUENCY_MONTHLY and first.day > _LAST_SAFE_DAY:
        raise ProviderError.invalid(
            _FIELD, "FREQ=MONTHLY: what GoTo does with the days 29 to 31 is not told"
        )


def parse(target: webinar_pb2.Webinar, spans: Sequence[Span], zone: str) -> None:
    """`recurrence` out of the sessions, when there are several; `start_at` is already there."""
    if len(spans) < 2:
        return
    if len({end - start for start, end in spans}) > 1:
        target.recurrence.inexpressible = True
        return
    walls = [
        start.astimezone(timezones.zone(zone or "UTC")).replace(tzinfo=None) for start, _ in spans
    ]
    rule = _rule(walls)
    lines = (
        [f"RRULE:FREQ={rule};COUNT={len(walls)}"]
        if rule
        else [
            f"RDATE:{','.join(f'{start.astimezone(UTC):%Y%m%dT%H%M%SZ}' for start, _ in spans[1:])}"
        ]
    )
    recurrence.fill(target.recurrence, lines, target.start_at)


def _rule(walls: Sequence[datetime]) -> str:
    """The frequency by which each follows the one before, on the clocks of their zone."""
    pairs = list(pairwise(walls))
    for name, step in (("DAILY", timedelta(days=1)), ("WEEKLY", timedelta(days=7))):
        if all(later - earlier == step for earlier, later in pairs):
            return name
    if walls[0].day <= _LAST_SAFE_DAY and all(
        _months(later) - _months(earlier) == 1
        and (later.day, later.time()) == (earlier.day, earlier.time())
        for earlier, later in pairs
    ):
        return "MONTHLY"
    return ""


def _months(wall: datetime) -> int:
    return wall.year * 12 + wall.month
