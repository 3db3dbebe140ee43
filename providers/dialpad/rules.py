"""Rules of repetition between RFC 5545 and Dialpad's `recurrence`, which is one RRULE.

Which parts Dialpad honours is not documented, so only plain ones are sent, and what was made is
read back and compared. A request tells no zone: Dialpad takes the user's.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from providers.core import recurrence, times
from providers.core.errors import ProviderError
from ucal.v1 import types_pb2

_FIELD = "event.recurrence.rules"
_FREQUENCIES = frozenset(
    {
        types_pb2.RECURRENCE_FREQUENCY_DAILY,
        types_pb2.RECURRENCE_FREQUENCY_WEEKLY,
        types_pb2.RECURRENCE_FREQUENCY_MONTHLY,
    }
)
_PARTS: Mapping[str, str] = {
    "by_month_day": "BYMONTHDAY", "by_month": "BYMONTH", "by_set_position": "BYSETPOS",
    "by_year_day": "BYYEARDAY", "by_week_no": "BYWEEKNO", "by_hour": "BYHOUR",
    "by_minute": "BYMINUTE",
}  # fmt: skip
# How much of two series is compared, and of one is looked at for what was taken out.
COMPARED = 400
HORIZON = timedelta(days=731)
MAX_EXCLUDED = 50


def dump(rules: Sequence[str], start: types_pb2.EventTime) -> str:
    """The RRULE without its name, as Dialpad wants it. EXDATE is not in it: see `excluded`.

    Raises:
        ProviderError: INVALID, naming the part that Dialpad cannot be trusted with (P45).
    """
    lines = [line for line in rules if line[:6].upper() != "EXDATE"]
    rule = recurrence.structured(lines, start)
    if rule is None or len(lines) != 1:
        raise ProviderError.invalid(_FIELD, "Dialpad takes one RRULE, and no RDATE or EXRULE")
    if rule.frequency not in _FREQUENCIES:
        raise ProviderError.invalid(_FIELD, "FREQ: Dialpad repeats daily, weekly or monthly")
    for name, part in _PARTS.items():
        if getattr(rule, name):
            raise ProviderError.invalid(_FIELD, f"{part}: Dialpad is not known to honour it")
    return lines[0].partition(":")[2]


def excluded(rules: Sequence[str], start: types_pb2.EventTime) -> list[datetime]:
    """Planned starts that EXDATE takes out of what RRULE gives.

    Raises:
        ProviderError: INVALID, for more than can be taken out one by one.
    """
    lines = [line for line in rules if line[:6].upper() != "EXDATE"]
    if len(lines) == len(rules):
        return []
    found = sorted(set(planned(lines, start)) - set(planned(rules, start)))
    if len(found) > MAX_EXCLUDED:
        raise ProviderError.invalid(
            _FIELD, f"EXDATE: more than {MAX_EXCLUDED} cost a request each, and are refused"
        )
    return found


def planned(rules: Sequence[str], start: types_pb2.EventTime) -> list[datetime]:
    """The first planned starts of a series, as instants."""
    first = times.instant(start)
    found = recurrence.occurrences(rules, start, first, first + HORIZON, limit=COMPARED)
    return [each.astimezone(UTC) for each in found if isinstance(each, datetime) and each.tzinfo]


def parse(text: str | None, end: datetime | None) -> list[str]:
    """RFC 5545 lines of `recurrence` and `recurrence_end_date`; [] when it does not repeat."""
    value = (text or "").strip()
    value = value.partition(":")[2] if value.upper().startswith("RRULE:") else value
    if not value:
        return []
    names = {part.partition("=")[0].upper() for part in value.split(";")}
    if end is not None and not names & {"COUNT", "UNTIL"}:
        value += f";UNTIL={end.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return [f"RRULE:{value}"]


def same(
    sent: Sequence[str], start: types_pb2.EventTime, made: Sequence[str], kept: types_pb2.EventTime
) -> bool:
    """Whether Dialpad's series has the starts that were asked for, in whatever zone."""
    try:
        lines = [line for line in sent if line[:6].upper() != "EXDATE"]
        return bool(made) and planned(lines, start) == planned(made, kept)
    except ProviderError:
        return False
