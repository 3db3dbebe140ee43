"""Events as they are shown: series, windows, instances."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from tests.providers.microsoft.double import clocks, odata
from tests.providers.microsoft.double.problems import Problem
from tests.providers.microsoft.double.world import FAR, Calendar, Item, Json, Mailbox

# Asked for by name only.
_HIDDEN = ("singleValueExtendedProperties",)


def shown(box: Mailbox, item: Item, day: date | None, zone: str) -> Json:
    """An event in full, times in `zone`."""
    own = {} if day is None else item.changed.get(day, {})
    data = {**item.data, **own}
    first, last = (item.first, item.last) if day is None else item.planned(day)
    planned = first
    if "start" in own:
        start, name = clocks.read(own["start"], "start")
        end, other = clocks.read(own["end"], "end")
        first, last = clocks.instant(start, name), clocks.instant(end, other)
    found: Json = {
        "@odata.etag": f'W/"{data["changeKey"]}"',
        "id": item.id if day is None else item.instance_id(day),
        **{name: value for name, value in data.items() if name not in ("start", "end")},
        "originalStartTimeZone": item.zone,
        "originalEndTimeZone": item.zone,
        "bodyPreview": "",
        "seriesMasterId": None if day is None else item.id,
        "type": "singleInstance",
        "start": clocks.shown(first, zone),
        "end": clocks.shown(last, zone),
        "cancelledOccurrences": [],
    }
    if day is None and item.series:
        found["type"] = "seriesMaster"
        days = sorted(item.cancelled)
        found["cancelledOccurrences"] = [f"OID.{item.id}.{d.isoformat()}" for d in days]
    if day is not None:
        found |= {
            "type": "exception" if own else "occurrence",
            "recurrence": None,
            "originalStart": planned.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "iCalUId": _dated(data["iCalUId"], day),
        }
    return found


def _dated(uid: str, day: date) -> str:
    """An instance's own iCalUId: four bytes hold its day."""
    return f"{uid[:32]}{day.year:04X}{day.month:02X}{day.day:02X}{uid[40:]}"


def finish(box: Mailbox, item: Item, found: Json, query: Json, zone: str, *, alone: bool) -> Json:
    """Cut to what $select and $expand name."""
    hidden = {name: found.pop(name, None) for name in _HIDDEN}
    select = query.get("$select", "")
    if not alone or "cancelledOccurrences" not in select:
        found.pop("cancelledOccurrences", None)
    kept = odata.selected(found, select)
    for name, inside in odata.expansions(query.get("$expand", "")):
        if name == "singleValueExtendedProperties":
            pairs = [p for p in hidden[name] or [] if f"'{p['id']}'" in inside]
            if pairs:
                kept[name] = pairs
        elif name == "attachments":
            kept[name] = item.data.get("_attachments", [])
        elif name == "exceptionOccurrences":
            if not alone:
                raise Problem(400, "ErrorInvalidRequest", "of one series only")
            if name not in select:
                continue  # told on $select and $expand only, with what is selected
            own = {"$select": select}
            kept[name] = [
                finish(box, item, shown(box, item, day, zone), own, zone, alone=False)
                for day in sorted(item.changed)
            ]
        elif name not in ("calendar", "instances", "extensions"):
            raise Problem(400, "BadRequest", f"Could not find a property named '{name}'")
    return {name: value for name, value in kept.items() if not name.startswith("_")}


def masters(box: Mailbox, calendar: Calendar, query: Json, zone: str) -> Iterator[Json]:
    """GET …/events: series and single events."""
    for item in list(calendar.items.values()):
        plain = shown(box, item, None, "UTC")
        if odata.matches(query.get("$filter", ""), plain):
            found = plain if zone == "UTC" else shown(box, item, None, zone)
            yield finish(box, item, found, query, zone, alone=False)


def window(query: Json) -> tuple[datetime, datetime]:
    """Bounds of a view.

    Raises:
        Problem: 400.
    """
    if "startDateTime" not in query or "endDateTime" not in query:
        raise Problem(400, "ErrorInvalidParameter", "This request requires a time window")
    low, high = (clocks.parse(query[name]) for name in ("startDateTime", "endDateTime"))
    if high < low:
        raise Problem(400, "ErrorInvalidParameter", "end before start")
    if high - low > timedelta(days=1_825):
        raise Problem(400, "ErrorCalendarViewRangeTooBig", "too big")
    return low, high


def in_view(item: Item, low: datetime, high: datetime) -> Iterator[tuple[datetime, date | None]]:
    """Starts of what lies in a window; what only touches it too, as Exchange has it."""
    if not item.series:
        if item.first < high and item.last >= low:
            yield item.first, None
        return
    for day in item.days(min(high, item.first + FAR) + timedelta(days=40)):
        first, last = item.planned(day)
        own = item.changed.get(day, {})
        if "start" in own:
            first = clocks.instant(*clocks.read(own["start"], "start"))
            last = clocks.instant(*clocks.read(own["end"], "end"))
        if first < high and last >= low:
            yield first, day


def view(
    box: Mailbox, items: list[Item], query: Json, zone: str, *, whole: bool = False
) -> list[Json]:
    """Instances in a window, by start."""
    low, high = window(query)
    found = [(first, item, day) for item in items for first, day in in_view(item, low, high)]
    found.sort(key=lambda entry: (entry[0], entry[1].id))
    made = []
    for _, item, day in found:
        one = shown(box, item, day, zone)
        if odata.matches(query.get("$filter", ""), shown(box, item, day, "UTC")):
            made.append(one if whole else finish(box, item, one, query, zone, alone=False))
    return made
