"""Calendars of the mailbox, those that others share with it among them.

learn.microsoft.com/graph/api/resources/calendar. A calendar has no zone of its own, no version and
no times of change. Its id is not immutable, and may be spelled otherwise in two answers (P68).
"""

from typing import Any

import msgspec

from providers.core import timezones
from providers.core.call import Account
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.microsoft import tables
from providers.microsoft.api import Api, calendar_path, malformed
from providers.microsoft.wire import Calendar, RawPage, TimeZoneAnswer
from ucal.v1 import calendar_pb2, types_pb2

MAX_PAGE = 100
WRITABLE = ("name", "color")
READABLE = (
    *WRITABLE,
    "is_primary",
    "is_read_only",
    "access_role",
    "allowed_conference_kinds",
    "default_conference_kind",
)


def parse_calendar(
    target: calendar_pb2.Calendar,
    found: Calendar,
    connection_id: str,
    raw: dict[str, Any] | None = None,
) -> None:
    """A calendar of Graph into an empty `target`."""
    target.connection_id = connection_id
    target.id = found.id
    target.name = found.name or ""
    target.is_primary = bool(found.isDefaultCalendar)
    target.is_read_only = found.canEdit is False
    target.access_role = _role(found)
    exact = (found.hexColor or "").upper()
    target.color = exact if len(exact) == 7 else tables.PRESET_COLOR.get(found.color or "", "")
    kinds = [
        tables.CONFERENCE_KIND[word]
        for word in found.allowedOnlineMeetingProviders or ()
        if word in tables.CONFERENCE_KIND
    ]
    target.allowed_conference_kinds.extend(dict.fromkeys(kinds))
    target.default_conference_kind = tables.CONFERENCE_KIND.get(
        found.defaultOnlineMeetingProvider or "", types_pb2.CONFERENCE_KIND_UNSPECIFIED
    )
    if raw is not None:
        fill_raw(target.raw, raw, found.id)


def _role(found: Calendar) -> calendar_pb2.AccessRole.ValueType:
    if found.canEdit is None:
        return calendar_pb2.ACCESS_ROLE_UNSPECIFIED
    if not found.canEdit:
        return calendar_pb2.ACCESS_ROLE_READER
    return calendar_pb2.ACCESS_ROLE_OWNER if found.canShare else calendar_pb2.ACCESS_ROLE_WRITER


def _fill(target: calendar_pb2.Calendar, reply: Reply, api: Api, *, raw: bool = False) -> None:
    item = decode(reply, dict[str, Any]) if raw else None
    parse_calendar(target, decode(reply, Calendar), api.connection_id, item)


async def list_calendars(
    api: Api, request: calendar_pb2.ListCalendarsRequest
) -> calendar_pb2.ListCalendarsResponse:
    """ListCalendars."""
    if request.page_token:
        reply = await api.send("GET", request.page_token)
    else:
        params = {"$top": request.page_size or MAX_PAGE}
        reply = await api.send("GET", f"{api.me}/calendars", params=params)
    page = decode(reply, RawPage)
    answer = calendar_pb2.ListCalendarsResponse()
    for item in page.value:
        raw = item if request.include_raw else None
        parse_calendar(answer.calendars.add(), _convert(reply, item), api.connection_id, raw)
    if page.nextLink:
        answer.next_page_token = api.relative(page.nextLink, reply)
    return answer


def _convert(reply: Reply, item: dict[str, Any]) -> Calendar:
    try:
        return msgspec.convert(item, Calendar)
    except msgspec.ValidationError:
        raise malformed(reply) from None


async def get_calendar(
    api: Api, request: calendar_pb2.GetCalendarRequest
) -> calendar_pb2.GetCalendarResponse:
    """GetCalendar."""
    reply = await read(api, request.id)
    answer = calendar_pb2.GetCalendarResponse()
    _fill(answer.calendar, reply, api, raw=request.include_raw)
    return answer


async def read(api: Api, calendar_id: str) -> Reply:
    """The calendar as Graph has it; "primary" is understood.

    Raises:
        ProviderError: NOT_FOUND.
    """
    path = calendar_path(api, calendar_id)
    return await api.send("GET", path, resource=("calendar", calendar_id or "primary"))


async def create_calendar(
    api: Api, request: calendar_pb2.CreateCalendarRequest
) -> calendar_pb2.CreateCalendarResponse:
    """CreateCalendar."""
    if not request.calendar.name:
        raise ProviderError.invalid("calendar.name", "is required by Outlook")
    body = {"name": request.calendar.name}
    if request.calendar.color:
        body["hexColor"] = request.calendar.color
    reply = await api.send("POST", f"{api.me}/calendars", json=body)
    answer = calendar_pb2.CreateCalendarResponse()
    _fill(answer.calendar, reply, api)
    _report(answer.calendar, request.calendar, answer.report)
    return answer


async def update_calendar(
    api: Api, request: calendar_pb2.UpdateCalendarRequest
) -> calendar_pb2.UpdateCalendarResponse:
    """UpdateCalendar. A color that is cleared is Outlook's to choose."""
    names = set(request.update_mask.paths)
    body: dict[str, Any] = {}
    if "name" in names:
        if not request.calendar.name:
            raise ProviderError.invalid("calendar.name", "cannot be cleared in Outlook")
        body["name"] = request.calendar.name
    if "color" in names:
        color = request.calendar.color
        body |= {"hexColor": color} if color else {"color": "auto"}
    path, resource = calendar_path(api, request.id), ("calendar", request.id)
    reply = await api.send("PATCH", path, json=body, resource=resource)
    answer = calendar_pb2.UpdateCalendarResponse()
    _fill(answer.calendar, reply, api)
    if "color" in names:
        _report(answer.calendar, request.calendar, answer.report)
    return answer


def _report(
    kept: calendar_pb2.Calendar, asked: calendar_pb2.Calendar, report: types_pb2.WriteReport
) -> None:
    if asked.color and kept.color.upper() != asked.color.upper():
        report.coerced_fields.paths.append("color")


async def delete_calendar(
    api: Api, request: calendar_pb2.DeleteCalendarRequest
) -> calendar_pb2.DeleteCalendarResponse:
    """DeleteCalendar, with its events. The default calendar is never touched."""
    answer = calendar_pb2.DeleteCalendarResponse()
    if request.id == "primary":
        raise ProviderError(
            Kind.FORBIDDEN, "the primary calendar cannot be deleted", reason="PRIMARY_CALENDAR"
        )
    path, resource = calendar_path(api, request.id), ("calendar", request.id)
    try:
        reply = await api.send("DELETE", path, resource=resource, expect=(404,), retry_safe=True)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
        return answer
    if reply.status == 404 and not reply.repeated:
        if not request.allow_missing:
            raise ProviderError.not_found("calendar", request.id)
        answer.already_absent = True
    return answer


async def account(api: Api) -> Account:
    """Whose mailbox it is: the owner of the default calendar."""
    found = decode(await read(api, ""), Calendar)
    owner = found.owner
    if owner is None:
        return Account(name=found.name or "")
    return Account(name=owner.name or "", email=owner.address or "")


async def mailbox_zone(api: Api) -> str:
    """IANA name of the mailbox's zone; "" when it may not be asked for, or has none we know."""
    try:
        reply = await api.send("GET", f"{api.me}/mailboxSettings/timeZone")
    except ProviderError as error:
        if error.kind not in {Kind.FORBIDDEN, Kind.INSUFFICIENT_SCOPE, Kind.NOT_FOUND}:
            raise
        return ""
    return timezones.iana_name(decode(reply, TimeZoneAnswer).value) or ""
