"""Names of time zones."""

import json
import subprocess
import sys
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core import timezones, windows_zones
from providers.core.errors import Kind, ProviderError
from providers.core.windows_labels import LABELS

SPECS = Path(__file__).parents[3] / "shared" / "specs" / "microsoft-graph"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Kiev", "Europe/Kiev"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("W. Europe Standard Time", "Europe/Berlin"),  # P18
        ("w. europe standard time", "Europe/Berlin"),
        ('"Eastern Standard Time"', "America/New_York"),
        ("(UTC+00:00) Dublin, Edinburgh, Lisbon, London", "Europe/London"),  # P20
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"),
        ("Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"),
        ("(GMT+01.00) Amsterdam / Berlin / Bern / Rome / Stockholm", "Europe/Amsterdam"),
        ("(GMT+10:00) Canberra, Melbourne, Sydney", "Australia/Sydney"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
        (r"(UTC+07:00) Bangkok\, Hanoi\, Jakarta", "Asia/Bangkok"),
        ("(UTC-03:00) Brasília", "America/Sao_Paulo"),
        ("(UTC) Coordinated Universal Time", "UTC"),
        ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Vienna", "Europe/Vienna"),
        ("/softwarestudio.org/Olson_20011030_5/America/Indiana/Knox", "America/Indiana/Knox"),
        ("posix/Europe/Vaduz", "Europe/Vaduz"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("Z", "UTC"),
        ("GMT", "GMT"),
        ("(GMT-03.00) San Juan / Mendoza", "America/Argentina/San_Juan"),
    ],
)
def test_spellings(name: str, expected: str) -> None:
    assert timezones.iana_name(name) == expected
    assert timezones.zone(name).key == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Customized Time Zone",
        "tzone://Microsoft/Custom",
        "GMT+6:30",  # P21
        "[]",
        "+02:00",
        "(UTC+01:00) Nowhere, Atlantis",
        "Mars/Olympus",
        "../../etc/passwd",
        "(UTC+05:00) Berlin",
        "(UTC+99:00) Berlin",
        "localtime",
        "Factory",
        "x" * 100_000,
        "Europe/Berlin\x00",
    ],
)
def test_what_names_no_zone(name: str) -> None:
    if name == "Europe/Berlin\x00":
        assert timezones.iana_name(name) in {None, "Europe/Berlin"}
        return
    assert timezones.iana_name(name) is None
    assert timezones.zone_or_none(name) is None
    assert timezones.windows_name(name) is None
    with pytest.raises(ProviderError) as caught:
        timezones.zone(name, "event.start_at.time_zone")
    assert caught.value.kind is Kind.INVALID
    assert caught.value.violations[0][0] == "event.start_at.time_zone"
    assert not name or name not in caught.value.message


@given(st.text(max_size=300))
def test_any_text_is_a_zone_or_none(name: str) -> None:
    found = timezones.iana_name(name)
    assert found is None or timezones.zone(name).key == found


def test_every_iana_name_is_itself() -> None:
    for name in zoneinfo.available_timezones() - {"Factory", "localtime"}:
        assert timezones.iana_name(name) == name
        assert timezones.iana_name(name.upper()) == name


def test_windows_names_go_both_ways() -> None:
    """R24: every Windows name."""
    assert len(windows_zones.ZONES) == 142
    for name, zones in windows_zones.ZONES.items():
        first = timezones.iana_name(name)
        assert first == zones.split()[0]
        for zone in zones.split():
            assert timezones.iana_name(zone) == zone
            assert timezones.windows_name(zone) == name
    assert timezones.windows_name("Antarctica/Troll") is None
    assert timezones.windows_name("W. Europe Standard Time") == "W. Europe Standard Time"


def test_no_zone_has_two_windows_names() -> None:
    zones = [zone for found in windows_zones.ZONES.values() for zone in found.split()]
    assert len(zones) == len(set(zones))
    assert windows_zones.ZONES.keys() >= windows_zones.NEWER


def test_zones_of_one_windows_name_agree_now() -> None:
    """Whoever reads the name back must get the same clock, in winter and in summer."""
    for name, zones in windows_zones.ZONES.items():
        for moment in (datetime(2026, 12, 15, tzinfo=UTC), datetime(2027, 7, 15, tzinfo=UTC)):
            offsets = {moment.astimezone(timezones.zone(z)).utcoffset() for z in zones.split()}
            assert len(offsets) == 1, (name, moment)


def test_labels_are_of_windows_names() -> None:
    assert set(LABELS.values()) <= windows_zones.ZONES.keys()


@pytest.mark.skipif(not SPECS.is_dir(), reason="../shared/specs/microsoft-graph is not here")
def test_windows_names_as_cldr_has_them() -> None:
    facts = json.loads((SPECS / "windows_iana.json").read_text())
    changed = {  # current spellings of the same zone
        "Argentina Standard Time", "FLE Standard Time", "Greenland Standard Time",
        "India Standard Time", "Myanmar Standard Time", "Nepal Standard Time",
        "US Eastern Standard Time", "UTC",
    }  # fmt: skip
    known = facts["windows_to_iana"] | facts["windows_to_iana_newer"]
    assert known.keys() == windows_zones.ZONES.keys()
    for name, iana in known.items():
        ours = timezones.zone(name)
        if name not in changed:
            assert ours.key == iana
        for month in (1, 7):
            moment = datetime(2027, month, 1, tzinfo=UTC)
            theirs = moment.astimezone(timezones.zone(iana))
            assert moment.astimezone(ours).utcoffset() == theirs.utcoffset()


def test_canada_stopped_changing_clocks_in_2026() -> None:
    winter = datetime(2027, 1, 15, tzinfo=UTC)
    summer = datetime(2027, 7, 15, tzinfo=UTC)
    for name in ("America/Vancouver", "America/Edmonton", "America/Winnipeg"):
        zone = timezones.zone(name)
        assert winter.astimezone(zone).utcoffset() == summer.astimezone(zone).utcoffset()


def test_zones_come_from_the_package_whatever_the_system_has() -> None:
    code = (
        "import zoneinfo; assert zoneinfo.TZPATH; from providers.core import timezones;"
        "assert zoneinfo.TZPATH == (), zoneinfo.TZPATH;"
        "print(timezones.zone('Europe/Berlin'))"
    )
    root = Path(__file__).parents[2]
    made = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={"PYTHONPATH": f"{root}:{root / 'protos'}", "PYTHONTZPATH": "/usr/share/zoneinfo"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.stdout.strip() == "Europe/Berlin", made.stderr
