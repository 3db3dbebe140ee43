"""Calendars: Calendly has none, so each user is shown as one that holds the user's events."""

from providers.calendly import ids
from providers.calendly.api import Api, Found, Me
from providers.calendly.wire import User
from providers.core import times
from providers.core.call import Call
from providers.core.raw import fill_raw
from ucal.v1 import calendar_pb2

READABLE = (
    "name",
    "timezone",
    "is_primary",
    "access_role",
    "created_at",
    "updated_at",
    "raw",
)
_PRIMARY = ("", "primary")


def parse_calendar(
    target: calendar_pb2.Calendar, found: Found[User], call: Call, *, own: bool, raw: bool
) -> None:
    """A user into an empty `target`; `own`: the connection's user."""
    user = found.it
    target.connection_id = call.connection_id
    target.id = ids.tail(user.uri)
    target.name = user.name or ""
    target.timezone = user.timezone or ""
    target.is_primary = own
    target.access_role = (
        calendar_pb2.ACCESS_ROLE_WRITER if own else calendar_pb2.ACCESS_ROLE_UNSPECIFIED
    )
    if user.created_at:
        times.timestamp(target.created_at, times.parse_rfc3339(user.created_at))
    if user.updated_at:
        times.timestamp(target.updated_at, times.parse_rfc3339(user.updated_at))
    if raw:
        fill_raw(target.raw, found.raw(), user.uri)


async def list_calendars(
    api: Api, call: Call, request: calendar_pb2.ListCalendarsRequest
) -> calendar_pb2.ListCalendarsResponse:
    """ListCalendars: the one of the connection's user."""
    found = await api.one(User, "users/me")
    api.remember(found.it)
    answer = calendar_pb2.ListCalendarsResponse()
    parse_calendar(answer.calendars.add(), found, call, own=True, raw=request.include_raw)
    return answer


async def get_calendar(
    api: Api, call: Call, request: calendar_pb2.GetCalendarRequest
) -> calendar_pb2.GetCalendarResponse:
    """GetCalendar: also of other users, as far as Calendly shows them."""
    answer = calendar_pb2.GetCalendarResponse()
    if request.id in _PRIMARY:
        found, own = await api.one(User, "users/me"), True
        api.remember(found.it)
    else:
        me = await api.me()
        found, own = await _other(api, request.id), request.id == me.id
    parse_calendar(answer.calendar, found, call, own=own, raw=request.include_raw)
    return answer


async def _other(api: Api, own_id: str) -> Found[User]:
    path = f"users/{ids.checked('calendar', own_id)}"
    return await api.one(User, path, kind="calendar", own_id=own_id)


async def resolve(api: Api, calendar_id: str) -> Me:
    """Whose calendar `calendar_id` is; "" and "primary" are the connection's user's.

    Raises:
        ProviderError: NOT_FOUND.
    """
    me = await api.me()
    if calendar_id in _PRIMARY or calendar_id == me.id:
        return me
    other = (await _other(api, calendar_id)).it
    return Me(other.uri, other.current_organization or me.organization)
