"""Time zones that calendars carry along: read, recognized, written."""

import io
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dateutil.tz import tzical
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core import ical, recurrence, rrule, timezones, vtimezone, vtimezone_write
from providers.core.errors import ProviderError
from providers.core.vtimezone import CustomZone
from tests.core.series import at, texts

FOLDER = Path(__file__).parents[3] / "shared" / "specs" / "caldav" / "ics"
MISSING = "the shared specs (../shared/specs/caldav/ics) are not here"
NAMES = sorted(timezones._iana().values())
YEAR = 2026
COMMON = ("Europe/Berlin", "America/New_York", "Africa/Casablanca")
FOUND = (*COMMON, "Asia/Tokyo", "UTC", "Australia/Sydney", "America/Vancouver")
WRITTEN = (
    *(*COMMON, "Asia/Jerusalem", "America/Nuuk"),
    *("Europe/Dublin", "Africa/Cairo", "Asia/Kolkata"),
)

# As Outlook writes it: rules from 1601 on (P19).
OUTLOOK = """BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def zone_of(text: str) -> CustomZone:
    found = vtimezone.read_zone(text)
    assert found is not None, text
    return found


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# -- reading


def test_a_custom_zone_rules() -> None:
    """P19."""
    zone = zone_of(OUTLOOK)
    berlin = timezones.zone("Europe/Berlin")
    moment = utc("2020-01-01")
    while moment < utc("2060-01-01"):
        assert moment.astimezone(zone).utcoffset() == moment.astimezone(berlin).utcoffset()
        moment += timedelta(days=3, hours=5)
    assert zone.tzname(None) == "Customized Time Zone"
    assert zone.dst(None) is None
    assert "Customized" not in repr(zone)


@settings(deadline=None)
@given(
    st.datetimes(datetime.fromisoformat("2010-01-01"), datetime.fromisoformat("2045-01-01")),
    st.integers(0, 1),
)
def test_walls_are_read_as_zoneinfo_reads_them(wall: datetime, fold: int) -> None:
    """Gaps and overlaps too (PEP 495)."""
    zone, berlin = zone_of(OUTLOOK), timezones.zone("Europe/Berlin")
    wall = wall.replace(fold=fold)
    assert wall.replace(tzinfo=zone).utcoffset() == wall.replace(tzinfo=berlin).utcoffset()
    there = wall.replace(tzinfo=UTC).astimezone(zone)
    here = wall.replace(tzinfo=UTC).astimezone(berlin)
    assert (there.replace(tzinfo=None), there.fold) == (here.replace(tzinfo=None), here.fold)
    assert there.astimezone(UTC) == wall.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "wall",
    [
        "2026-03-29T01:59:59",
        "2026-03-29T02:30",
        "2026-03-29T03:00",
        "2026-10-25T01:59",
        "2026-10-25T02:30",
        "2026-10-25T03:00",
    ],
)
@pytest.mark.parametrize("fold", [0, 1])
def test_walls_around_changes(wall: str, fold: int) -> None:
    when = datetime.fromisoformat(wall).replace(fold=fold)
    berlin = timezones.zone("Europe/Berlin")
    assert (
        when.replace(tzinfo=zone_of(OUTLOOK)).utcoffset() == when.replace(tzinfo=berlin).utcoffset()
    )


def test_a_series_in_a_custom_zone_keeps_its_wall_time() -> None:
    found = recurrence.occurrences(
        ["RRULE:FREQ=DAILY;COUNT=3"], at("2026-03-28 09:00"), utc("2026-01-01"), utc("2027-01-01"),
        limit=9, zone=zone_of(OUTLOOK),
    )  # fmt: skip
    assert texts(found) == ["2026-03-28 09:00", "2026-03-29 09:00", "2026-03-30 09:00"]
    assert [each.astimezone(UTC).hour for each in found if isinstance(each, datetime)] == [8, 7, 7]


def test_until_and_dates_of_a_zone() -> None:
    """America/New_York moved its rules in 2007: UNTIL is in UTC, RDATE on the clocks before."""
    zone = zone_of(
        "BEGIN:VTIMEZONE\nTZID:X\n"
        "BEGIN:DAYLIGHT\nDTSTART:20000402T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\n"
        "TZNAME:EDT\nRRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z\nEND:DAYLIGHT\n"
        "BEGIN:STANDARD\nDTSTART:20001029T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\n"
        "TZNAME:EST\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z\nEND:STANDARD\n"
        "BEGIN:DAYLIGHT\nDTSTART:20070311T020000\nRDATE:20080309T020000,20090308T020000\n"
        "TZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nTZNAME:EDT\nEND:DAYLIGHT\n"
        "BEGIN:STANDARD\nDTSTART:20071104T020000\nRDATE:20081102T020000\nRDATE:20091101T020000\n"
        "TZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nTZNAME:EST\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    real = timezones.zone("America/New_York")
    moment = utc("2000-05-01")
    while moment < utc("2010-02-01"):
        one, other = moment.astimezone(zone), moment.astimezone(real)
        assert one.utcoffset() == other.utcoffset()
        assert one.tzname() == other.tzname()
        moment += timedelta(days=1)
    assert vtimezone.iana_like(zone, 2001, 2008) == "America/New_York"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rubbish",
        "BEGIN:VTIMEZONE\nTZID:X\nEND:VTIMEZONE\n",
        OUTLOOK.replace("+0200", "later"),
        OUTLOOK.replace("+0200", "+9900"),
        OUTLOOK.replace("16010101T030000", "yesterday"),
        OUTLOOK.replace("FREQ=YEARLY", "FREQ=ODDLY"),
        OUTLOOK.replace("FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", "FREQ=SECONDLY"),
        OUTLOOK.replace("FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", "FREQ=DAILY"),
        OUTLOOK + "X:" + "x" * 300_000,
    ],
    ids=range(10),
)
def test_what_makes_no_sense_is_no_zone(text: str) -> None:
    began = time.thread_time()
    assert vtimezone.read_zone(text) is None
    assert time.thread_time() - began < 0.2


def test_a_zone_at_the_ends_of_the_calendar() -> None:
    zone = zone_of(OUTLOOK)
    late = datetime(9999, 12, 31, 12, tzinfo=UTC)
    assert late.astimezone(zone).utcoffset() == timedelta(hours=1)
    assert datetime(9999, 7, 1, tzinfo=zone).utcoffset() is not None
    berlin = timezones.zone("Europe/Berlin")
    for year in (2049, 2050, 2051, 2449, 2450, 2451, 2999, 8888):
        moment = datetime(year, 1, 1, tzinfo=UTC)
        while moment.year == year:
            assert moment.astimezone(zone).utcoffset() == moment.astimezone(berlin).utcoffset()
            moment += timedelta(days=2, hours=5)
    early = datetime(1, 1, 2, tzinfo=UTC)
    assert early.astimezone(zone).utcoffset() in {timedelta(hours=1), timedelta(hours=2)}


# -- recognizing


@pytest.mark.parametrize("name", FOUND)
def test_an_iana_zone_is_found_again(name: str) -> None:
    text = vtimezone_write.vtimezone_text(name, YEAR)
    assert vtimezone.iana_like(zone_of(text), YEAR, YEAR + 2) == name
    unnamed = text.replace(f"TZID:{name}", "TZID:Custom 1")
    found = vtimezone.iana_like(zone_of(unnamed), YEAR, YEAR + 2)
    assert found is not None
    one, other = timezones.zone(found), timezones.zone(name)
    moment = utc("2026-01-01")
    while moment < utc("2028-12-31"):
        assert moment.astimezone(one).utcoffset() == moment.astimezone(other).utcoffset()
        moment += timedelta(hours=31)


def test_a_name_that_lies_is_not_believed() -> None:
    lying = OUTLOOK.replace("Customized Time Zone", "America/New_York")
    assert vtimezone.iana_like(zone_of(lying), YEAR, YEAR + 2) == "Europe/Berlin"


def test_rules_of_no_place_are_of_no_zone() -> None:
    odd = OUTLOOK.replace("+0200", "+0217")
    assert vtimezone.iana_like(zone_of(odd), YEAR, YEAR + 2) is None


# -- writing


@pytest.mark.parametrize("first_year", [2007, YEAR])
@pytest.mark.parametrize("part", range(8))
def test_every_zone_is_written_as_it_is(first_year: int, part: int) -> None:
    """R24: all IANA zones, read back."""
    for name in NAMES[part::8]:
        real = timezones.zone(name)
        zone = zone_of(vtimezone_write.vtimezone_text(name, first_year))
        moment = datetime(first_year, 1, 1, tzinfo=UTC)
        while moment.year < first_year + vtimezone_write.YEARS:
            one, other = moment.astimezone(zone), moment.astimezone(real)
            assert one.utcoffset() == other.utcoffset(), (name, moment)
            moment += timedelta(days=13, hours=7)


@pytest.mark.parametrize("name", WRITTEN)
def test_others_read_what_we_write(name: str) -> None:
    text = vtimezone_write.vtimezone_text(name, YEAR)
    theirs = tzical(io.StringIO(text)).get()
    real = timezones.zone(name)
    moment = utc("2026-01-02")
    while moment < utc("2032-01-01"):
        wall = moment.astimezone(real).replace(tzinfo=None, fold=0)
        assert wall.replace(tzinfo=theirs).utcoffset() == wall.replace(tzinfo=real).utcoffset()
        moment += timedelta(days=5, hours=3)


def test_what_is_written_is_plain() -> None:
    text = vtimezone_write.vtimezone_text("Europe/Berlin", YEAR)
    assert text == (
        "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\n"
        "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\n"
        "TZNAME:CET\nEND:STANDARD\n"
        "BEGIN:DAYLIGHT\nDTSTART:20260329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
        "TZNAME:CEST\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n"
        "BEGIN:STANDARD\nDTSTART:20261025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
        "TZNAME:CET\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\n"
        "END:VTIMEZONE\n"
    )


def test_every_rule_that_is_written_is_a_rule() -> None:
    for name in NAMES:
        zone = ical.components(vtimezone_write.vtimezone_text(name, YEAR))[0]
        for part in zone.parts:
            if line := part.first("RRULE"):
                rrule.check(rrule.parse(line[2]))


def test_there_is_no_such_zone() -> None:
    with pytest.raises(ProviderError):
        vtimezone_write.vtimezone_text("Mars/Olympus", YEAR)


@pytest.mark.skipif(not FOLDER.is_dir(), reason=MISSING)
def test_zones_in_real_files() -> None:
    seen = 0
    for path in FOLDER.glob("*.ics"):
        if b"VTIMEZONE" not in path.read_bytes():
            continue
        for tzid, text in ical.read(path.read_bytes()).zones.items():
            seen += 1
            found = vtimezone.read_zone(text)
            assert found is not None, (path.name, tzid)
            offset = utc("2012-07-01").astimezone(found).utcoffset()
            assert offset is not None
            name = timezones.iana_name(tzid)
            recent = "UNTIL" in text or "16010101" in text
            if name and recent and vtimezone.iana_like(found, 2012, 2013) == name:
                real = utc("2012-07-01").astimezone(timezones.zone(name)).utcoffset()
                assert offset == real
    assert seen > 30
