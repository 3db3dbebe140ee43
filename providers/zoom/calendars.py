"""Calendars: one for each Zoom user, virtual. Zoom's own calendar product is another matter.

developers.zoom.us/docs/api, operations user and users. The id is the user's.
"""

import msgspec

from providers.core import times
from providers.zoom import secrets, series
from providers.zoom.api import ME, AccountAuth, Api, items, read
from providers.zoom.wire import User
from providers.zoom.zones import parse_zone
from ucal.v1 import calendar_pb2, types_pb2

MAX_PAGE = 300
READABLE = (
    "name",
    "timezone",
    "is_primary",
    "created_at",
    "access_role",
    "allowed_conference_kinds",
    "default_conference_kind",
    "raw",
)


def parse_calendar(
    target: calendar_pb2.Calendar,
    found: User,
    connection_id: str,
    *,
    primary: bool,
    raw: bytes | msgspec.Raw | None = None,
) -> None:
    """Write a user's calendar into `target`."""
    names = (found.first_name, found.last_name)
    target.connection_id = connection_id
    target.id = found.id
    target.name = found.display_name or " ".join(filter(None, names)) or found.email or ""
    target.timezone = parse_zone(found.timezone)
    target.is_primary = primary
    target.access_role = calendar_pb2.ACCESS_ROLE_OWNER
    target.allowed_conference_kinds.append(types_pb2.CONFERENCE_KIND_ZOOM)
    target.default_conference_kind = types_pb2.CONFERENCE_KIND_ZOOM
    created = series.instant(found.user_created_at or found.created_at)
    if created is not None:
        times.timestamp(target.created_at, created)
    if raw is not None:
        secrets.fill(target.raw, raw, found.id)


async def list_calendars(
    api: Api, request: calendar_pb2.ListCalendarsRequest
) -> calendar_pb2.ListCalendarsResponse:
    """ListCalendars: the user's own, or all users of a server-to-server app's account."""
    answer = calendar_pb2.ListCalendarsResponse()
    auth = api.call.http.auth
    if not isinstance(auth, AccountAuth):
        found, content = await api.me()
        raw = content if request.include_raw else None
        parse_calendar(answer.calendars.add(), found, api.call.connection_id, primary=True, raw=raw)
        return answer
    page = await api.page(
        "users", size=request.page_size, token=request.page_token, params={"status": "active"}
    )
    for user, shown in items(page.users, User):
        parse_calendar(
            answer.calendars.add(),
            user,
            api.call.connection_id,
            primary=auth.subject in (user.id, user.email),
            raw=shown if request.include_raw else None,
        )
    answer.next_page_token = page.next_page_token or ""
    return answer


async def get_calendar(
    api: Api, request: calendar_pb2.GetCalendarRequest
) -> calendar_pb2.GetCalendarResponse:
    """GetCalendar."""
    auth = api.call.http.auth
    user = await api.user(request.id)
    reply = await api.send("GET", f"users/{user}", resource=("calendar", request.id))
    found = read(reply.content, User)
    primary = user == ME or (
        isinstance(auth, AccountAuth) and auth.subject in (found.id, found.email)
    )
    answer = calendar_pb2.GetCalendarResponse()
    raw = reply.content if request.include_raw else None
    parse_calendar(answer.calendar, found, api.call.connection_id, primary=primary, raw=raw)
    return answer
