"""Conference rooms as calendars: the meetings of a room are those of the user it belongs to."""

from providers.core import timezones
from providers.core.errors import ProviderError
from providers.core.raw import fill_raw
from providers.dialpad.api import NO_USER, PRIMARY, Api, convert, slice_of, text
from providers.dialpad.wire import Json, Room
from ucal.v1 import calendar_pb2, types_pb2

READABLE = (
    "name", "timezone", "is_primary", "access_role", "allowed_conference_kinds",
    "default_conference_kind", "raw",
)  # fmt: skip
MAX_PAGE = 100
_DIALPAD = types_pb2.CONFERENCE_KIND_DIALPAD


async def list_calendars(
    api: Api, request: calendar_pb2.ListCalendarsRequest
) -> calendar_pb2.ListCalendarsResponse:
    """ListCalendars. A user without a room comes first, alone on a page."""
    answer = calendar_pb2.ListCalendarsResponse()
    primary = await _primary(api)
    if primary.startswith("user-") and not request.page_token:
        await _parse_user(answer.calendars.add(), api, primary, raw=request.include_raw)
        answer.next_page_token = "0|"
        return answer
    page = await api.page("conference/rooms", request.page_token.partition("|")[2])
    size = request.page_size or MAX_PAGE
    rooms, token = slice_of(page.items or [], size, request.page_token, page.cursor or "")
    for raw in rooms:
        room = convert(raw, Room)
        shown = raw if request.include_raw else None
        _parse(answer.calendars.add(), api, room, primary, shown)
    answer.next_page_token = token
    return answer


async def _primary(api: Api) -> str:
    """Id of the calendar of who signed in; "" for a key of a whole company."""
    try:
        return (await api.owner("")).calendar_id
    except ProviderError as error:
        if error.reason != NO_USER:
            raise
        return ""


async def get_calendar(
    api: Api, request: calendar_pb2.GetCalendarRequest
) -> calendar_pb2.GetCalendarResponse:
    """GetCalendar. There is no way to ask for one room: it is looked for in the list."""
    answer = calendar_pb2.GetCalendarResponse()
    primary = (await api.owner("")).calendar_id if request.id in PRIMARY else await _primary(api)
    own_id = primary if request.id in PRIMARY else request.id
    if own_id == primary and own_id.startswith("user-"):
        await _parse_user(answer.calendar, api, own_id, raw=request.include_raw)
        return answer
    room, raw = await api.room(own_id)
    _parse(answer.calendar, api, room, primary, raw if request.include_raw else None)
    return answer


def _parse(
    target: calendar_pb2.Calendar, api: Api, room: Room, primary: str, raw: Json | None
) -> None:
    _fill(target, api, text(room.id), room.display_name or room.email or "Dialpad")
    target.is_primary = bool(target.id) and target.id == primary
    if raw is not None:
        fill_raw(target.raw, raw, target.id)


async def _parse_user(target: calendar_pb2.Calendar, api: Api, own_id: str, *, raw: bool) -> None:
    user, exact = await api.me()
    _fill(target, api, own_id, user.display_name or "Dialpad")
    target.is_primary = True
    target.timezone = timezones.iana_name(user.timezone or "") or ""
    if raw:
        fill_raw(target.raw, exact, text(user.id))


def _fill(target: calendar_pb2.Calendar, api: Api, own_id: str, name: str) -> None:
    target.connection_id = api.call.connection_id
    target.id = own_id
    target.name = name
    target.access_role = calendar_pb2.ACCESS_ROLE_WRITER
    target.allowed_conference_kinds.append(_DIALPAD)
    target.default_conference_kind = _DIALPAD
