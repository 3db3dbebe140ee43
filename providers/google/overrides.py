"""Instances that differ from their series: found, and carried over to another series.

When a series is cut or moved Google forgets the exceptions whose planned start is no longer one of
the series'. What was cancelled becomes an EXDATE of the new series, what was changed is changed
again there.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from providers.core import recurrence_lines
from providers.core.wire import decode
from providers.google import series
from providers.google.api import Api, calendar_path, event_path
from providers.google.reading import CANCELLED, MAX_PAGE, convert, original_start
from providers.google.wire import Event, RawEvents
from ucal.v1 import types_pb2

MAX_CARRIED = 50
"""Changed instances that are carried over; each costs two requests."""
_MAX_PAGES = 4
# Fields of an instance that may differ from those of its series, in Google's words.
_CARRIED = (
    "summary",
    "description",
    "location",
    "colorId",
    "transparency",
    "visibility",
    "status",
    "attendees",
    "reminders",
    "attachments",
    "extendedProperties",
)


@dataclass(frozen=True, slots=True)
class Override:
    """One instance that is not as its series plans it.

    Attributes:
        planned: its planned start.
        found: the instance.
        raw: as it came.
    """

    planned: types_pb2.EventTime
    found: Event
    raw: dict[str, Any]

    @property
    def cancelled(self) -> bool:
        """It does not take place."""
        return self.found.status == CANCELLED


async def exceptions_of(api: Api, calendar_id: str, master: Event) -> list[Override]:
    """All exceptions of a series: they share its iCalUID, and lists show no planned instances."""
    params: dict[str, str | int] = {
        "iCalUID": master.iCalUID,
        "showDeleted": "true",
        "maxResults": MAX_PAGE,
    }
    found: list[Override] = []
    for _ in range(_MAX_PAGES if master.iCalUID else 0):
        reply = await api.send("GET", f"{calendar_path(calendar_id)}/events", params=params)
        page = decode(reply, RawEvents)
        for item in page.items:
            event = convert(reply, item)
            if event.recurringEventId == master.id and event.originalStartTime is not None:
                planned = series.event_time(event.originalStartTime)
                found.append(Override(planned, event, item))
        if not page.nextPageToken:
            break
        params["pageToken"] = page.nextPageToken
    return found


def exdates(
    cancelled: list[Override], start: types_pb2.EventTime, by: timedelta, zone: str
) -> list[str]:
    """An EXDATE line for what was cancelled, moved by so much of wall time; none for none."""
    if not cancelled:
        return []
    values = [series.planned(series.moved(each.planned, by, zone)) for each in cancelled]
    return [recurrence_lines.write_dates("EXDATE", values, recurrence_lines.anchor(start))]


def difference(changed: Override, master: dict[str, Any], skip: set[str]) -> dict[str, Any]:
    """What makes of a planned instance the changed one. A time that people chose stays.

    Args:
        master: the series before the write.
        skip: fields in Google's words that the write itself sets on this instance.
    """
    raw = changed.raw
    body = {
        name: raw.get(name)
        for name in _CARRIED
        if name not in skip and raw.get(name) != master.get(name)
    }
    if raw.get("attendeesOmitted"):
        body.pop("attendees", None)
    if raw.get("start") != raw.get("originalStartTime") and not skip & {"start", "end"}:
        body |= {"start": raw.get("start"), "end": raw.get("end")}
    return body


async def carry_over(
    api: Api,
    calendar_id: str,
    series_id: str,
    changes: list[tuple[types_pb2.EventTime, dict[str, Any]]],
) -> bool:
    """Change instances of a series again, each named by its planned start.

    Nobody is told: the guests know of these changes.

    Returns:
        Whether all of them were found.
    """
    whole = len(changes) <= MAX_CARRIED
    for planned, body in changes[:MAX_CARRIED]:
        if not body:
            continue
        reply = await api.send(
            "GET",
            f"{event_path(calendar_id, series_id)}/instances",
            params={"originalStart": original_start(planned), "fields": "items(id)"},
        )
        items = decode(reply, RawEvents).items
        if not items:
            whole = False
            continue
        await api.send(
            "PATCH",
            event_path(calendar_id, str(items[0].get("id", ""))),
            params={"sendUpdates": "none", "supportsAttachments": "true"},
            json=body,
        )
    return whole
