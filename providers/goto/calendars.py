"""The one calendar of an organizer, made of who is signed in."""

from providers.core import timezones
from providers.core.raw import fill_raw
from providers.goto.api import PRIMARY, Api, text
from providers.goto.wire import Json, Me
from ucal.v1 import calendar_pb2, types_pb2

READABLE = (
    "name", "timezone", "is_primary", "access_role", "allowed_conference_kinds",
    "default_conference_kind", "raw",
)  # fmt: skip
_GOTO = types_pb2.CONFERENCE_KIND_GOTO


async def list_calendars(
    api: Api, request: calendar_pb2.ListCalendarsRequest
) -> calendar_pb2.ListCalendarsResponse:
    """ListCalendars."""
    found, raw = await api.me()
    answer = calendar_pb2.ListCalendarsResponse()
    _parse(answer.calendars.add(), api, found, raw if request.include_raw else None)
    return answer


async def get_calendar(
    api: Api, request: calendar_pb2.GetCalendarRequest
) -> calendar_pb2.GetCalendarResponse:
    """GetCalendar."""
    if request.id not in PRIMARY:
        await api.calendar(request.id)
    found, raw = await api.me()
    answer = calendar_pb2.GetCalendarResponse()
    _parse(answer.calendar, api, found, raw if request.include_raw else None)
    return answer


def _parse(target: calendar_pb2.Calendar, api: Api, found: Me, raw: Json | None) -> None:
    target.connection_id = api.call.connection_id
    target.id = text(found.key)
    target.name = full_name(found.firstName, found.lastName) or found.email or "GoTo"
    target.timezone = timezones.iana_name(found.timeZone or "") or ""
    target.is_primary = True
    target.access_role = calendar_pb2.ACCESS_ROLE_WRITER
    target.allowed_conference_kinds.append(_GOTO)
    target.default_conference_kind = _GOTO
    if raw is not None:
        fill_raw(target.raw, raw, target.id)


def full_name(first: str | None, last: str | None) -> str:
    """Display name out of GoTo's two halves."""
    return " ".join(part for part in (first, last) if part)
