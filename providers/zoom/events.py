"""Reading events: lists, one meeting, occurrences of a series.

Zoom's list holds a series once and without its rule (operation meetings); what takes place when
stands in GET of the series alone. A window or an expansion therefore costs a request for each
series of the page.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from providers.core import times
from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.zoom import meetings, series
from providers.zoom.api import PRIMARY, Api, items, read, together
from providers.zoom.ids import MeetingId, meeting_id
from providers.zoom.wire import Meeting
from ucal.v1 import event_pb2, types_pb2

MAX_PAGE = 300
DEFAULT_PAGE = 100
EVENT = "event"
_YEAR = timedelta(days=365)
_MAX_PAGES = 20


async def list_events(
    api: Api, request: event_pb2.ListEventsRequest
) -> event_pb2.ListEventsResponse:
    """ListEvents."""
    if request.expand_recurring:
        return await _list_expanded(api, request)
    page = await _page(api, request.calendar_id, request.page_size or DEFAULT_PAGE, request)
    answer = event_pb2.ListEventsResponse(next_page_token=page.next_page_token or "")
    bounded = request.window.HasField("start_at") or request.window.HasField("end_at")
    full = request.view == event_pb2.EVENT_VIEW_FULL
    listed = items(page.meetings, Meeting)

    async def detail(entry: tuple[Meeting, msgspec.Raw]) -> _Found | None:
        found, raw = entry
        if full or (bounded and series.kind(found) in series.FIXED):
            return await _whole(api, found)
        return found, raw, False

    for entry in await together(detail, listed):
        if entry is None or not series.overlaps(entry[0], request.window):
            continue
        found, raw, whole = entry
        meetings.parse_event(
            answer.events.add(),
            found,
            api.call.connection_id,
            whole=whole,
            raw=raw if request.include_raw else None,
        )
    return answer


# A meeting, as it came, and whether that was all of it.
_Found = tuple[Meeting, bytes | msgspec.Raw, bool]


async def _page(
    api: Api, calendar_id: str, size: int, request: event_pb2.ListEventsRequest, token: str = ""
) -> Any:
    user = await api.user(calendar_id)
    return await api.page(
        f"users/{user}/meetings",
        size=size,
        token=token or request.page_token,
        params={"type": "scheduled"},
        resource=("calendar", calendar_id or "primary"),
    )


async def _whole(api: Api, found: Meeting) -> _Found | None:
    """All of a listed meeting; None when it is gone by now."""
    try:
        return *await fetch(api, MeetingId(series.number(found))), True
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND:
            return None
        raise


async def fetch(
    api: Api, asked: MeetingId, *, name: str = "", path: str = "meetings", resource: str = EVENT
) -> tuple[Meeting, bytes]:
    """A meeting with all its occurrences, past ones too.

    Args:
        name: id as the caller named it.
        path: "meetings" or "webinars".

    Raises:
        ProviderError: NOT_FOUND.
    """
    reply = await api.send(
        "GET",
        f"{path}/{asked.number}",
        params={**asked.params, "show_previous_occurrences": "true"},
        resource=(resource, name or str(asked)),
    )
    return decode(reply, Meeting), reply.content


def check_calendar(found: Meeting, calendar_id: str, name: str) -> None:
    """A meeting is in its host's calendar only.

    Raises:
        ProviderError: NOT_FOUND.
    """
    if calendar_id in PRIMARY or not found.host_id:
        return
    if calendar_id not in (found.host_id, found.host_email):
        raise ProviderError.not_found(EVENT, name)


async def get_event(api: Api, request: event_pb2.GetEventRequest) -> event_pb2.GetEventResponse:
    """GetEvent."""
    asked = meeting_id(request.id, EVENT)
    found, raw = await fetch(api, asked, name=request.id)
    check_calendar(found, request.calendar_id, request.id)
    answer = event_pb2.GetEventResponse()
    fill_event(answer.event, api, asked, found, raw if request.include_raw else None)
    return answer


def fill_event(
    target: event_pb2.Event, api: Api, asked: MeetingId, found: Meeting, raw: bytes | None = None
) -> None:
    """Write what GET of `asked` answered.

    Raises:
        ProviderError: NOT_FOUND, for an occurrence of what is no series.
    """
    meetings.parse_event(target, found, api.call.connection_id, whole=True, raw=raw)
    if not asked.occurrence:
        return
    slot = occurrence(asked, found)
    if slot is None:
        raise ProviderError.not_found(EVENT, str(asked))
    whole = event_pb2.Event()
    whole.CopyFrom(target)
    meetings.parse_instance(target, whole, slot, raw=raw)


def occurrence(asked: MeetingId, found: Meeting) -> series.Slot | None:
    """The occurrence that was asked for; None when the series has none of that id."""
    if series.kind(found) not in series.FIXED:
        return None
    slots = series.slots(found)
    same = next((each for each in slots if each.id == asked.occurrence), None)
    if same is not None or slots:
        return same
    start = series.instant(found.start_time)
    if start is None:
        return None
    length = series.minutes(found.duration)
    planned = series.planned_at(asked.occurrence)
    return series.Slot(asked.occurrence, planned, start, length, deleted=False)


# -- occurrences

_Keep = Callable[[series.Slot], bool]


def instances(
    connection_id: str, found: Meeting, raw: bytes | None, keep: _Keep
) -> list[event_pb2.Event]:
    """The occurrences of a series that `keep` wants."""
    whole = event_pb2.Event()
    meetings.parse_event(whole, found, connection_id, whole=True)
    shown = _raw_occurrences(raw) if raw is not None else {}
    made: list[event_pb2.Event] = []
    for slot in series.slots(found):
        if keep(slot):
            event = event_pb2.Event()
            meetings.parse_instance(event, whole, slot, raw=shown.get(slot.id))
            made.append(event)
    return made


class _Occurrences(msgspec.Struct):
    occurrences: list[msgspec.Raw] = []


class _OccurrenceId(msgspec.Struct):
    occurrence_id: str | int = ""


def _raw_occurrences(raw: bytes) -> dict[str, msgspec.Raw]:
    found = read(raw, _Occurrences).occurrences
    return {str(read(each, _OccurrenceId).occurrence_id): each for each in found}


async def list_event_instances(
    api: Api, request: event_pb2.ListEventInstancesRequest
) -> event_pb2.ListEventInstancesResponse:
    """ListEventInstances. Zoom lists the occurrences of an endless series for about two years."""
    asked = meeting_id(request.recurring_event_id, EVENT)
    if asked.occurrence:
        raise ProviderError.invalid("recurring_event_id", "is an occurrence, not a series")
    found, raw = await fetch(api, asked, name=request.recurring_event_id)
    check_calendar(found, request.calendar_id, request.recurring_event_id)
    if series.kind(found) not in series.FIXED:
        raise ProviderError.invalid("recurring_event_id", "has no occurrences with times")
    window = _or_next_year(api, request.window)
    wanted = None
    if request.HasField("original_start_at"):
        wanted = times.instant(
            request.original_start_at, request.original_start_at.time_zone or "UTC"
        )

    def keep(slot: series.Slot) -> bool:
        if slot.deleted and not request.include_canceled:
            return False
        if wanted is not None:
            return slot.planned == wanted
        return series.lies_in(slot.start, slot.end, window)

    made = instances(api.call.connection_id, found, raw if request.include_raw else None, keep)
    answer = event_pb2.ListEventInstancesResponse()
    answer.next_page_token = _cut(answer.events, made, request.page_size, request.page_token)
    return answer


def _or_next_year(api: Api, window: types_pb2.TimeRange) -> types_pb2.TimeRange:
    if window.HasField("start_at") or window.HasField("end_at"):
        return window
    found = types_pb2.TimeRange()
    now = api.call.now()
    times.timestamp(found.start_at, now)
    times.timestamp(found.end_at, now + _YEAR)
    return found


async def _list_expanded(
    api: Api, request: event_pb2.ListEventsRequest
) -> event_pb2.ListEventsResponse:
    """Instances and single meetings in order of their starts, from all pages of Zoom's list."""
    listed = await _everything(api, request)
    raw_wanted = request.include_raw

    async def expand(entry: tuple[Meeting, msgspec.Raw]) -> list[event_pb2.Event]:
        found, raw = entry
        if series.kind(found) not in series.FIXED:
            if not series.overlaps(found, request.window):
                return []
            event = event_pb2.Event()
            shown = raw if raw_wanted else None
            meetings.parse_event(event, found, api.call.connection_id, whole=False, raw=shown)
            return [event]
        whole = await _whole(api, found)
        if whole is None:
            return []

        def keep(slot: series.Slot) -> bool:
            canceled = slot.deleted and not request.include_canceled
            return not canceled and series.lies_in(slot.start, slot.end, request.window)

        content = bytes(whole[1]) if raw_wanted else None
        return instances(api.call.connection_id, whole[0], content, keep)

    made = [event for part in await together(expand, listed) for event in part]
    answer = event_pb2.ListEventsResponse()
    answer.next_page_token = _cut(answer.events, made, request.page_size, request.page_token)
    return answer


async def _everything(
    api: Api, request: event_pb2.ListEventsRequest
) -> list[tuple[Meeting, msgspec.Raw]]:
    found: list[tuple[Meeting, msgspec.Raw]] = []
    first = event_pb2.ListEventsRequest()
    token = ""
    for _ in range(_MAX_PAGES):
        page = await _page(api, request.calendar_id, MAX_PAGE, first, token)
        found += items(page.meetings, Meeting)
        token = page.next_page_token or ""
        if not token:
            return found
    raise ProviderError(
        Kind.PRECONDITION,
        "the user has too many meetings to be put in order: list them without expand_recurring",
        reason="TOO_MANY_RESULTS",
    )


def _key(event: event_pb2.Event) -> tuple[int, str]:
    return event.start_at.timestamp.ToNanoseconds(), event.id


def _cut(target: Any, made: Sequence[event_pb2.Event], size: int, token: str) -> str:
    """Put the next page of `made` into `target`, in order of start; where to go on, "" at the end.

    The cursor is the place of the last one that was shown, so that nothing comes twice when others
    come or go between two pages (P10).
    """
    ordered = sorted(made, key=_key)
    if token:
        start, _, own_id = token.partition("/")
        if not start.lstrip("-").isdecimal():
            raise ProviderError.invalid("page_token", "cannot be read: list anew")
        ordered = [event for event in ordered if _key(event) > (int(start), own_id)]
    page = ordered[: min(size or DEFAULT_PAGE, MAX_PAGE)]
    target.extend(page)
    if len(page) == len(ordered):
        return ""
    last = _key(page[-1])
    return f"{last[0]}/{last[1]}"
