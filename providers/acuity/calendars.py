"""Calendars: staff or rooms. They are made in the web interface; the API lists them all at once."""

from providers.acuity.api import Api, Found, number, place
from providers.acuity.wire import Calendar
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.raw import fill_raw
from ucal.v1 import calendar_pb2

MAX_PAGE = 1_000
READABLE = (
    "name",
    "description",
    "timezone",
    "is_primary",
    "access_role",
    "location",
    "raw",
)
PRIMARY = ("", "primary")


def parse_calendar(
    target: calendar_pb2.Calendar, found: Found[Calendar], call: Call, *, only: bool, raw: bool
) -> None:
    """A calendar into an empty `target`; `only`: the account has no other."""
    calendar = found.it
    target.connection_id = call.connection_id
    target.id = str(calendar.id)
    target.name = (calendar.name or "").strip()
    target.description = calendar.description or ""
    target.location = calendar.location or ""
    target.timezone = calendar.timezone or ""
    target.is_primary = only
    target.access_role = calendar_pb2.ACCESS_ROLE_WRITER
    if raw:
        fill_raw(target.raw, found.raw(), str(calendar.id))


async def all_calendars(api: Api) -> list[Found[Calendar]]:
    """Every calendar that the login sees: staff see their own only."""
    return await api.all(Calendar, "calendars")


async def list_calendars(
    api: Api, call: Call, request: calendar_pb2.ListCalendarsRequest
) -> calendar_pb2.ListCalendarsResponse:
    """ListCalendars, in Acuity's order."""
    found = await all_calendars(api)
    begin = place(request.page_token)
    end = begin + min(request.page_size or MAX_PAGE, MAX_PAGE)
    answer = calendar_pb2.ListCalendarsResponse()
    for each in found[begin:end]:
        parse_calendar(
            answer.calendars.add(), each, call, only=len(found) == 1, raw=request.include_raw
        )
    if end < len(found):
        answer.next_page_token = str(end)
    return answer


async def get_calendar(
    api: Api, call: Call, request: calendar_pb2.GetCalendarRequest
) -> calendar_pb2.GetCalendarResponse:
    """GetCalendar: picked out of the list."""
    found = await all_calendars(api)
    chosen = choose(found, request.id, "id")
    answer = calendar_pb2.GetCalendarResponse()
    parse_calendar(answer.calendar, chosen, call, only=len(found) == 1, raw=request.include_raw)
    return answer


def choose(found: list[Found[Calendar]], own_id: str, field: str) -> Found[Calendar]:
    """The calendar of that id; "" and "primary" mean the only one.

    Raises:
        ProviderError: NOT_FOUND; INVALID for the primary one of several, as Acuity has none.
    """
    if own_id in PRIMARY:
        if len(found) == 1:
            return found[0]
        raise ProviderError.invalid(
            field, "the account has no calendar, or several of which none is primary: name one"
        )
    wanted = number("calendar", own_id)
    for each in found:
        if each.it.id == wanted:
            return each
    raise ProviderError.not_found("calendar", own_id)
