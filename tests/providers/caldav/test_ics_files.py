"""Real-life .ics files: what two other engines make of them, and what comes back when written.

The files are in the house's shared folder; without it these tests are skipped.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from providers.caldav.collections import Collection
from providers.caldav.expanding import slots
from providers.caldav.objects import Frame, Object, open_object
from providers.caldav.resources import Blob
from providers.core import ical, ical_write, times
from ucal.v1 import event_pb2

ICS = Path(__file__).resolve().parents[4] / "shared" / "specs" / "caldav" / "ics"
FILES = sorted(path.name for path in ICS.glob("*.ics"))
pytestmark = pytest.mark.skipif(not FILES, reason="the shared folder specs/caldav/ics is not here")

COLLECTION = Collection(
    path="/a/c/",
    origin="http://127.0.0.1",
    name="",
    description="",
    color="",
    zone="",
    privileges=frozenset(),
    subscribed=False,
    order=0,
    syncs=True,
    shown=(),
)


def objects(data: bytes, zone: str = "") -> list[Object]:
    """One object for each UID, as a server holds them."""
    document = ical.read(data)
    by_uid: dict[str, list[ical.Component]] = {}
    for part in document.events:
        by_uid.setdefault(part.text("UID"), []).append(part)
    found = []
    for parts in by_uid.values():
        root = ical.Component("VCALENDAR", list(document.root.lines), parts)
        text = ical_write.write(ical.Document(root, document.zones))
        opened = open_object(Blob("x.ics", '"1"', text), Frame("c", COLLECTION))
        assert opened is not None
        found.append(opened)
    return found


def _word(when: Any) -> str:
    form = when.WhichOneof("value")
    if form == "date":
        return times.date_of(when.date).isoformat()
    if form == "floating":
        return str(times.local(when).isoformat())
    found: datetime = times.instant(when)
    return f"{found:%Y-%m-%dT%H:%M:%SZ}"


async def occurrences(data: bytes, low: datetime, high: datetime) -> set[tuple[str, str, str]]:
    found = set()
    for item in objects(data):
        for slot in await slots(item, low, high):
            event = slot.event
            found.add((event.ical_uid, _word(event.start_at), _word(event.end_at)))
    return found


def expected() -> dict[str, Any]:
    if not FILES:
        return {}
    found: dict[str, Any] = json.loads((ICS / "expected-occurrences.json").read_text())["files"]
    return found


# Files on which the two engines do not agree, or of which only one has an opinion: what we make of
# them, and why.
OURS = {
    "node-ical__biweekly-exdate-until.ics": (
        153,
        "a series in UTC stays in UTC; X-WR-TIMEZONE is for display",
    ),
    "node-ical__daily-count-exdate-recurrence-id.ics": (
        8,
        "an exception that ends before it starts takes no time; the engine swaps both ends",
    ),
    "node-ical__windows-quoted-tz-rrule.ics": (
        10,
        "12:00 in Los Angeles is no instance of a series at 12:00 in New York",
    ),
}
# On no CalDAV server: without VCALENDAR, without UID.
NOT_CALDAV = {
    "icalendar__event_with_recurrence_exdates_on_different_lines.ics",
    "node-ical__Office-2012-owa.ics",
}


@pytest.mark.parametrize(
    "name", [n for n, f in expected().items() if "occurrences" in f and n not in NOT_CALDAV]
)
async def test_occurrences(name: str) -> None:
    """P18, P19, P23, P33, P34, P37, P40, P41, P44: what two engines agree on, we find."""
    known = expected()[name]
    low, high = (
        datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
        for day in known["window"]
    )
    got = await occurrences((ICS / name).read_bytes(), low, high)
    if name in OURS:
        assert len(got) == OURS[name][0], OURS[name][1]
        return
    wanted = {(o["uid"], o["start"], o["end"]) for o in known["occurrences"]}
    complete = known["count"] <= len(known["occurrences"])
    keys = ("only_recurring_ical_events", "only_libical")
    doubtful = {tuple(row) for key in keys for row in known.get(key, ())}
    missing = wanted - got - doubtful
    more = got - wanted - doubtful if complete else set()
    assert not missing, f"missing {len(missing)}: {sorted(missing)[:4]}; more {sorted(more)[:4]}"
    assert not more, f"{len(more)} too many: {sorted(more)[:4]}"


@pytest.mark.parametrize("name", [name for name in FILES if name not in NOT_CALDAV])
def test_what_is_read_and_written_unchanged_is_the_same(name: str) -> None:
    """Every line, known or not, in its place; time zones to the letter."""
    data = (ICS / name).read_bytes()
    document = ical.read(data)
    again = ical.read(ical_write.write(document))
    assert again == document


@pytest.mark.parametrize("name", [name for name in FILES if name not in NOT_CALDAV])
def test_every_event_maps_to_the_contract(name: str) -> None:
    """P70, P71: whatever stands in it."""
    for found in objects((ICS / name).read_bytes()):
        event = event_pb2.Event()
        found.event(event)
        assert event.HasField("start_at") == event.HasField("end_at")
        assert event.HasField("start_at") or name == "icalendar__rfc_7986_conferences.ics"
