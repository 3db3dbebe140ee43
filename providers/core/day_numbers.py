"""Days as numbers, 1 January of the year 1 being 1: months, years and weeks of the calendar."""

from collections.abc import Iterable, Sequence
from datetime import MAXYEAR, date

LAST_DAY = date.max.toordinal()


def month_start(month: int) -> int:
    """Number of the first day of a month, which is counted from year 0."""
    year, index = divmod(month, 12)
    if year > MAXYEAR:
        return LAST_DAY + 1
    return date(year, index + 1, 1).toordinal()


def numbered_days(begin: int, end: int, numbers: Iterable[int]) -> list[int]:
    """Days of [begin, end) by their place in it, from 1, or -1 from the end; in order, once."""
    size = end - begin
    places = {n - 1 if n > 0 else size + n for n in numbers if abs(n) <= size}
    return [begin + place for place in sorted(places)]


def in_month(day: date, numbers: Sequence[int]) -> bool:
    """Whether BYMONTHDAY names `day`."""
    if day.day in numbers:
        return True
    end = month_start(day.year * 12 + day.month)
    return day.toordinal() - end in numbers


def in_year(day: date, numbers: Sequence[int]) -> bool:
    """Whether BYYEARDAY names `day`."""
    begin, end = month_start(day.year * 12), month_start(day.year * 12 + 12)
    ordinal = day.toordinal()
    return ordinal - begin + 1 in numbers or ordinal - end in numbers


def in_week(day: date, numbers: Sequence[int], week_start: int) -> bool:
    """Whether BYWEEKNO names the week of `day`; a year's first week holds four days of it."""
    ordinal = day.toordinal()
    for year in (day.year + 1, day.year, day.year - 1):
        begin = first_week(year, week_start)
        if ordinal >= begin:
            number = (ordinal - begin) // 7 + 1
            size = (first_week(year + 1, week_start) - begin) // 7
            return number in numbers or number - size - 1 in numbers
    return False


def first_week(year: int, week_start: int) -> int:
    """Number of the day on which week 1 of a year begins."""
    if year > MAXYEAR:
        return LAST_DAY + 1
    if year < 1:
        return -363
    fourth = month_start(year * 12) + 3
    return fourth - (fourth - 1 - week_start) % 7
