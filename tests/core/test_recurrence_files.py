"""Real calendars: what takes place in them, as two other engines said."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.core import calendars

FOLDER = Path(__file__).parents[3] / "shared" / "specs" / "caldav" / "ics"
MISSING = "the shared specs (../shared/specs/caldav/ics) are not here"
EXPECTED: dict[str, Any] = {}
if FOLDER.is_dir():
    EXPECTED = json.loads((FOLDER / "expected-occurrences.json").read_text())["files"]

# Where the engines differ from each other, or both are wrong: how many we find, and why.
OURS = {
    "ical__office_365_extended_timezone.ics": (1, "TZID is a text that Windows shows (P20)"),
    "node-ical__Office-2012-owa.ics": (89, "TZIDs are texts that Windows shows (P20)"),
    "node-ical__biweekly-exdate-until.ics": (153, "EXDATE of a series in UTC is in UTC: libical"),
    "node-ical__daily-count-exdate-recurrence-id.ics": (8, "an end before the start is no end"),
    "node-ical__windows-quoted-tz-rrule.ics": (10, "EXDATE in another zone hits no instance"),
}


def found(name: str) -> set[tuple[str, str, str]]:
    low, high = map(calendars.day, EXPECTED[name]["window"])
    calendar = calendars.Calendar((FOLDER / name).read_bytes())
    return {
        (uid, calendars.written(start), calendars.written(end))
        for uid, start, end in calendar.occurrences(low, high)
        if calendars.within(start, end, low, high)
    }


@pytest.mark.skipif(not EXPECTED, reason=MISSING)
@pytest.mark.parametrize("name", [n for n, each in EXPECTED.items() if "window" in each])
def test_takes_place(name: str) -> None:
    """P18, P19, P20, P33, P34, P37, P41 among others, as these files show them."""
    entry = EXPECTED[name]
    ours = found(name)
    expected = {(each["uid"], each["start"], each["end"]) for each in entry["occurrences"]}
    if name in OURS:
        assert len(ours) == OURS[name][0], OURS[name][1]
    elif len(expected) == entry["count"]:
        assert ours == expected
    else:
        assert len(ours) == entry["count"]
        assert expected <= ours


@pytest.mark.skipif(not EXPECTED, reason=MISSING)
def test_every_file_is_either_agreed_upon_or_explained() -> None:
    split = {name for name, each in EXPECTED.items() if each.get("agreed") is False}
    alike = {
        "ical4j__Christian32Holidays.ics",  # a start off its rule takes place (P41)
        "icalnet__YearlyComplex1.ics",  # likewise
        "node-ical__exchange_whole_day_moved_recurrence.ics",
    }
    assert split - alike <= OURS.keys()
