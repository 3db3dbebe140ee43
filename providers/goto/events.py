"""Reading meetings: what is ahead, what was held, one meeting.

GoTo has two lists: what is ahead (whole, no filter) and sessions that have ended. A meeting that
is running is in neither (GoToMeeting v1 specification, getHistoricalMeetings).
"""

import asyncio
from datetime import datetime, timedelta

from providers.core import times
from providers.core.cursors import cut
from providers.core.errors import Kind, ProviderError
from providers.goto import meetings
from providers.goto.api import MEETINGS, Api, rows, segment, text
from providers.goto.meetings import EVENT
from providers.goto.moments import spell
from providers.goto.wire import Json, Me, Meeting
from ucal.v1 import event_pb2, types_pb2

MAX_PAGE = 500
DEFAULT_PAGE = 100
# How far back lists reach when no start is asked for.
PAST = timedelta(days=365)
# A session is told by its start: one that began so long before a window may reach into it.
LONGEST = timedelta(days=1)
Found = tuple[Meeting, Json]


async def list_events(
    api: Api, request: event_pb2.ListEventsRequest
) -> event_pb2.ListEventsResponse:
    """ListEvents."""
    own = await api.calendar(request.calendar_id)
    found = await _everything(api, request.window)
    page, token = cut(found, _place, request.page_size or DEFAULT_PAGE, request.page_token)
    answer = event_pb2.ListEventsResponse(next_page_token=token)
    for meeting, raw in page:
        target = answer.events.add()
        meetings.parse(target, meeting, api.call.connection_id, own)
        if request.include_raw:
            meetings.fill(target, raw)
    return answer


async def _everything(api: Api, window: types_pb2.TimeRange) -> list[Found]:
    """Meetings that overlap `window`; each once, the plan before the last session that was held."""
    low, high = times.bounds(window)
    now = api.call.now()
    held: list[Found] = []
    if low is None or low < now:
        first = (now - PAST) if low is None else low - LONGEST
        last = now if high is None or high > now else high
        held = await sessions(api, first, last) if first < last else []
    found = {
        text(meeting.meetingid): (meeting, raw)
        for meeting, raw in sorted(held, key=_place)
        if meeting.meetingtype != meetings.ROOM
    }
    found |= {text(meeting.meetingid): (meeting, raw) for meeting, raw in await _ahead(api)}
    found.pop("", None)
    return [each for each in found.values() if _overlaps(each[0], low, high)]


async def _ahead(api: Api) -> list[Found]:
    reply = await api.send("GET", f"{MEETINGS}/upcomingMeetings")
    return [(meetings.read(raw), raw) for raw in rows(reply)]


async def sessions(api: Api, first: datetime, last: datetime) -> list[Found]:
    """Sessions that have ended and that began within [first, last]."""
    reply = await api.send(
        "GET",
        f"{MEETINGS}/historicalMeetings",
        params={"startDate": spell(first), "endDate": spell(last)},
    )
    return [(meetings.read(raw), raw) for raw in rows(reply)]


def _place(found: Found) -> tuple[int, str]:
    planned = meetings.span(found[0])
    start = int(planned[0].timestamp()) if planned else 0
    return start, text(found[0].meetingid)


def _overlaps(found: Meeting, low: datetime | None, high: datetime | None) -> bool:
    """Whether a meeting lies in [low, high); rooms, which have no time, only in no window."""
    planned = meetings.span(found)
    if planned is None:
        return low is None and high is None
    start, end = planned
    return (high is None or start < high) and (low is None or end > low or start >= low)


async def get_event(api: Api, request: event_pb2.GetEventRequest) -> event_pb2.GetEventResponse:
    """GetEvent."""
    own = await api.calendar(request.calendar_id)
    names = {path.partition(".")[0] for path in request.read_mask.paths}
    answer = event_pb2.GetEventResponse()
    host: Me | None = None
    if not names or "organizer" in names:
        (meeting, raw), (host, _) = await asyncio.gather(_one(api, request.id), api.me())
    else:
        meeting, raw = await _one(api, request.id)
    meetings.parse(answer.event, meeting, api.call.connection_id, own)
    if host is not None:
        meetings.parse_host(answer.event, host)
    if request.include_raw:
        meetings.fill(answer.event, raw)
    return answer


async def planned(api: Api, id: str) -> Found:
    """The meeting as it is planned; GoTo answers with an array of one.

    Raises:
        ProviderError: NOT_FOUND.
    """
    path = f"{MEETINGS}/meetings/{segment(EVENT, id)}"
    found = rows(await api.send("GET", path, resource=(EVENT, id)))
    if not found:
        raise ProviderError.not_found(EVENT, id)
    return meetings.read(found[0]), found[0]


async def _one(api: Api, id: str) -> Found:
    """The meeting as it is planned, or else its last session that was held within a year."""
    segment(EVENT, id)
    try:
        return await planned(api, id)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        now = api.call.now()
        held = [each for each in await sessions(api, now - PAST, now) if _is_held(each[0], id)]
        if not held:
            raise
        return max(held, key=_place)


def _is_held(found: Meeting, id: str) -> bool:
    return text(found.meetingid) == id and found.meetingtype != meetings.ROOM
