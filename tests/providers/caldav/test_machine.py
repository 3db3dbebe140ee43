"""What must not hang on the machine: its time zone (P29)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import asyncio
from datetime import UTC, datetime
from providers.caldav.expanding import slots
from providers.caldav.objects import Frame, open_object
from providers.caldav.resources import Blob
from tests.providers.caldav.test_ics_files import COLLECTION
from tests.providers.caldav.world import vevent

async def main():
    for lines in (
        ("DTSTART;VALUE=DATE:20270327", "RRULE:FREQ=DAILY;COUNT=4"),
        ("DTSTART;VALUE=DATE:20270327", "DTEND;VALUE=DATE:20270328"),
        ("DTSTART:20270327T233000", "DURATION:PT2H", "RRULE:FREQ=DAILY;COUNT=3"),
        ("DTSTART;TZID=Europe/Berlin:20270327T023000", "DURATION:PT2H", "RRULE:FREQ=DAILY;COUNT=3"),
    ):
        found = open_object(Blob("x.ics", "1", vevent("UID:1", *lines)), Frame("c", COLLECTION))
        low, high = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC)
        for slot in await slots(found, low, high):
            print(slot.start.isoformat(), slot.event.SerializeToString(deterministic=True).hex())

asyncio.run(main())
"""


def _output(zone: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={"TZ": zone, "PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/New_York", "Asia/Manila"])
def test_p29_the_machines_zone_changes_nothing(zone: str) -> None:
    expected = _output("UTC")
    assert expected.count("\n") == 11
    assert _output(zone) == expected
