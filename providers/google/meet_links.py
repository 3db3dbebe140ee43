"""Which calendar event a conference belongs to, and which conferences belong to an event.

Meet does not tell. A space has a meeting code, and so has the call of an event; a recurring event
has one space for all its instances, so the nearest in time is the one. What the connection may not
see of calendars stays unset.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from providers.core import times
from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.google import reading, series
from providers.google.api import Api, together
from providers.google.meet_parse import Link
from providers.google.wire import Event, Events
from providers.google.wire_meet import ConferenceRecord, Space

_AT_ONCE = 4
_AROUND = timedelta(days=1)
_MAX_PAGES = 4
_FIELDS = (
    "nextPageToken,timeZone,"
    "items(id,status,summary,iCalUID,start,end,hangoutLink,conferenceData(conferenceId))"
)
_NOT_SEEN = frozenset({Kind.NOT_FOUND, Kind.FORBIDDEN, Kind.INSUFFICIENT_SCOPE, Kind.PRECONDITION})


def code_of(event: Event) -> str:
    """Meeting code of the event's Meet call; "" when it has none."""
    if "meet.google.com/" in event.hangoutLink:
        return event.hangoutLink.rstrip("/").rpartition("/")[2].partition("?")[0]
    data = event.conferenceData
    return data.conferenceId if data is not None else ""


async def links_of(
    meet: Api, calendar: Api, records: Sequence[ConferenceRecord]
) -> dict[str, Link]:
    """The events of some conferences, by name of the record. One search for all of them."""
    begun = {each.name: times.parse_rfc3339(each.startTime) for each in records if each.startTime}
    if not begun:
        return {}
    try:
        found = await _events(calendar, min(begun.values()), max(begun.values()))
        codes = await _codes(meet, {each.space for each in records if each.space})
    except ProviderError as error:
        if error.kind in _NOT_SEEN:
            return {}
        raise
    links = {}
    for record in records:
        code = codes.get(record.space, "")
        near = [each for each in found if code and each[1] == code]
        if near and record.name in begun:
            event = min(near, key=lambda each: abs(each[2] - begun[record.name]))[0]
            links[record.name] = Link(event.id, event.summary, event.iCalUID)
    return links


async def _events(
    calendar: Api, low: datetime, high: datetime
) -> list[tuple[Event, str, datetime]]:
    """Events with a Meet call around that time: event, code, start."""
    params: dict[str, str | int] = {
        "singleEvents": "true",
        "timeMin": times.format_rfc3339((low - _AROUND).replace(microsecond=0)),
        "timeMax": times.format_rfc3339((high + _AROUND).replace(microsecond=0)),
        "maxResults": reading.MAX_PAGE,
        "fields": _FIELDS,
    }
    found = []
    for _ in range(_MAX_PAGES):
        reply = await calendar.send("GET", "calendars/primary/events", params=params)
        page = decode(reply, Events)
        for event in page.items:
            code = code_of(event)
            if code and event.start is not None:
                start = times.instant(series.event_time(event.start), page.timeZone or "UTC")
                found.append((event, code, start))
        if not page.nextPageToken:
            break
        params["pageToken"] = page.nextPageToken
    return found


async def _codes(meet: Api, spaces: set[str]) -> dict[str, str]:
    """Meeting codes by name of the space. Codes are reused after a year: never kept as keys."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(name: str) -> tuple[str, str]:
        async with gate:
            try:
                reply = await meet.send("GET", name, params={"fields": "name,meetingCode"})
            except ProviderError as error:
                if error.kind in _NOT_SEEN:
                    return name, ""
                raise
        return name, decode(reply, Space).meetingCode

    return dict(await together(ask(name) for name in sorted(spaces)))
