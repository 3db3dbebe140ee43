"""Calendars: `calendarList` is what this user sees, `calendars` is what all users share.

A name or a zone belongs to the shared calendar, a colour to this user's entry. The primary calendar
can never be deleted: Google's `clear`, which wipes it, is not called from here. A calendar that
belongs to somebody else is unsubscribed.
"""

from typing import Any

import msgspec

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, quote
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.google import cursors, tables
from providers.google.api import Api, calendar_path
from providers.google.wire import Calendar, CalendarList, CalendarListEntry, RawCalendarList
from ucal.v1 import calendar_pb2, types_pb2

MAX_PAGE = 250
_LIST = "users/me/calendarList"
# Fields of the contract and Google's words for them, in the shared calendar.
SHARED = {
    "name": "summary",
    "description": "description",
    "location": "location",
    "timezone": "timeZone",
}
WRITABLE = (*SHARED, "color")
READABLE = (
    *WRITABLE,
    "is_primary",
    "is_read_only",
    "access_role",
    "allowed_conference_kinds",
    "default_conference_kind",
)
_FIELDS = (
    "id,etag,summary,summaryOverride,description,location,timeZone,backgroundColor,accessRole,primary,"
    "deleted,hidden,conferenceProperties"
)
PAGE_FIELDS = f"nextPageToken,nextSyncToken,items({_FIELDS})"


def parse_calendar(
    target: calendar_pb2.Calendar,
    found: CalendarListEntry,
    connection_id: str,
    raw: dict[str, Any] | None = None,
) -> None:
    """An entry of the user's list into an empty `target`."""
    target.connection_id = connection_id
    target.id = found.id
    target.name = found.summaryOverride or found.summary
    target.description = found.description
    target.location = found.location
    target.timezone = found.timeZone
    target.is_primary = found.primary
    role = tables.ACCESS_ROLE.get(found.accessRole, calendar_pb2.ACCESS_ROLE_UNSPECIFIED)
    target.access_role = role
    target.is_read_only = role not in tables.WRITERS
    if len(found.backgroundColor) == 7:
        target.color = found.backgroundColor
    allowed = found.conferenceProperties
    for word in allowed.allowedConferenceSolutionTypes if allowed is not None else ():
        if word == tables.MEET:
            target.allowed_conference_kinds.append(types_pb2.CONFERENCE_KIND_GOOGLE_MEET)
            target.default_conference_kind = types_pb2.CONFERENCE_KIND_GOOGLE_MEET
    if raw is not None:
        fill_raw(target.raw, raw, found.id)


async def list_calendars(
    api: Api, call: Call, request: calendar_pb2.ListCalendarsRequest
) -> calendar_pb2.ListCalendarsResponse:
    """ListCalendars. Calendars that the user has hidden are left out, as Google does."""
    params: dict[str, str | int] = {"maxResults": request.page_size or MAX_PAGE}
    if not request.include_raw:
        params["fields"] = PAGE_FIELDS
    if request.page_token:
        params["pageToken"] = request.page_token
    reply = await api.send("GET", _LIST, params=params)
    answer = calendar_pb2.ListCalendarsResponse()
    if request.include_raw:
        rough = decode(reply, RawCalendarList)
        for item in rough.items:
            entry = convert_entry(reply, item)
            parse_calendar(answer.calendars.add(), entry, call.connection_id, item)
        answer.next_page_token = rough.nextPageToken
        return answer
    page = decode(reply, CalendarList)
    for entry in page.items:
        parse_calendar(answer.calendars.add(), entry, call.connection_id)
    answer.next_page_token = page.nextPageToken
    return answer


def convert_entry(reply: Reply, item: dict[str, Any]) -> CalendarListEntry:
    """An entry that came as a mapping.

    Raises:
        ProviderError: PROVIDER_FAULT when it is none.
    """
    try:
        return msgspec.convert(item, CalendarListEntry)
    except msgspec.ValidationError:
        raise cursors.malformed(reply) from None


async def read_entry(api: Api, calendar_id: str) -> CalendarListEntry:
    """The user's entry of a calendar; "" and "primary" are understood."""
    reply = await api.send(
        "GET",
        f"{_LIST}/{quote(calendar_id or 'primary')}",
        params={"fields": _FIELDS},
        resource=("calendar", calendar_id),
    )
    return decode(reply, CalendarListEntry)


async def get_calendar(
    api: Api, call: Call, request: calendar_pb2.GetCalendarRequest
) -> calendar_pb2.GetCalendarResponse:
    """GetCalendar."""
    answer = calendar_pb2.GetCalendarResponse()
    await _fill(api, call, answer.calendar, request.id, raw=request.include_raw)
    return answer


async def _fill(
    api: Api, call: Call, target: calendar_pb2.Calendar, id: str, *, raw: bool = False
) -> None:
    reply = await api.send(
        "GET",
        f"{_LIST}/{quote(id)}",
        params={} if raw else {"fields": _FIELDS},
        resource=("calendar", id),
    )
    item = decode(reply, dict[str, Any]) if raw else None
    parse_calendar(target, decode(reply, CalendarListEntry), call.connection_id, item)


def dump_shared(calendar: calendar_pb2.Calendar, paths: list[str]) -> dict[str, Any]:
    """Those of `paths` that belong to the shared calendar, as Google takes them.

    Raises:
        ProviderError: INVALID for a name that is cleared.
    """
    if "name" in paths and not calendar.name:
        raise ProviderError.invalid("calendar.name", "is required by Google")
    return {word: getattr(calendar, name) or None for name, word in SHARED.items() if name in paths}


def dump_color(color: str) -> dict[str, str]:
    """A colour of the user's entry: any RGB value, with text that can be read on it."""
    return {
        "backgroundColor": color.lower(),
        "foregroundColor": "#000000" if tables.is_light(color) else "#ffffff",
    }


async def _paint(api: Api, id: str, color: str) -> None:
    await api.send(
        "PATCH",
        f"{_LIST}/{quote(id)}",
        params={"colorRgbFormat": "true"},
        json=dump_color(color),
        resource=("calendar", id),
    )


async def create_calendar(
    api: Api, call: Call, request: calendar_pb2.CreateCalendarRequest
) -> calendar_pb2.CreateCalendarResponse:
    """CreateCalendar. The colour is written after it; when that fails it is reported as dropped."""
    asked = request.calendar
    paths = [name for name in SHARED if getattr(asked, name)]
    body = dump_shared(asked, [*paths, "name"])
    reply = await api.send("POST", "calendars", json=body)
    made = decode(reply, Calendar).id
    answer = calendar_pb2.CreateCalendarResponse()
    if asked.color:
        try:
            await _paint(api, made, asked.color)
        except ProviderError:
            answer.report.dropped_fields.paths.append("color")
    await _fill(api, call, answer.calendar, made)
    return answer


async def update_calendar(
    api: Api, call: Call, request: calendar_pb2.UpdateCalendarRequest
) -> calendar_pb2.UpdateCalendarResponse:
    """UpdateCalendar."""
    paths = list(request.update_mask.paths)
    if "color" in paths and not request.calendar.color:
        raise ProviderError.invalid("calendar.color", "a calendar of Google's always has one")
    shared = dump_shared(request.calendar, paths)
    if shared:
        await api.send(
            "PATCH", calendar_path(request.id), json=shared, resource=("calendar", request.id)
        )
    if "color" in paths:
        await _paint(api, request.id, request.calendar.color)
    answer = calendar_pb2.UpdateCalendarResponse()
    await _fill(api, call, answer.calendar, request.id)
    return answer


async def delete_calendar(
    api: Api, request: calendar_pb2.DeleteCalendarRequest
) -> calendar_pb2.DeleteCalendarResponse:
    """DeleteCalendar: deletes what the account owns, unsubscribes from what it does not.

    Raises:
        ProviderError: PRECONDITION for the primary calendar.
    """
    answer = calendar_pb2.DeleteCalendarResponse()
    try:
        entry = await read_entry(api, request.id)
        if entry.primary:
            raise ProviderError(
                Kind.PRECONDITION,
                "the primary calendar of a Google account cannot be deleted",
                reason="PRIMARY_CALENDAR",
            )
        owned = entry.accessRole == "owner"
        path = calendar_path(entry.id) if owned else f"{_LIST}/{quote(entry.id)}"
        await api.send("DELETE", path, resource=("calendar", request.id))
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
    return answer
