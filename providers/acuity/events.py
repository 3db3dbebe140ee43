"""Reading appointments.

Acuity has no pages: `max` and whole days, in the account's zone, are all that bounds an answer. The
list is read in order of start; a page goes on from the day before the last one shown, and what was
shown is left out. An answer that is full may have been cut within one moment, so its last moment is
left to the next answer; when there is nothing else in it, more is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from providers.acuity import calendars
from providers.acuity.api import Api, Found, number
from providers.acuity.event_parse import length, parse_event, starts
from providers.acuity.wire import Appointment, Calendar
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import event_pb2

MAX_PAGE = 500
DAY = timedelta(days=1)
# How far the account's days are from those of UTC, and how long an appointment may be under way.
MARGIN = 2 * DAY
_SPARE = 100
_MOST = 10_000
# Years that every `strtotime` knows.
_FIRST = datetime(1970, 1, 3, tzinfo=times.EPOCH.tzinfo)
_LAST = datetime(2999, 12, 28, tzinfo=times.EPOCH.tzinfo)

Key: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which appointments to read.

    Attributes:
        low: what ended then or earlier is left out.
        high: what begins then or later is left out.
        canceled: also those.
        forms: with what clients were asked.
    """

    calendar: int
    low: datetime | None
    high: datetime | None
    canceled: bool = False
    forms: bool = False


@dataclass(slots=True)
class Batch:
    """A part of the list, in order; `more`: something follows it."""

    items: list[Found[Appointment]] = field(default_factory=list)
    more: bool = False


async def list_events(
    api: Api, call: Call, request: event_pb2.ListEventsRequest
) -> event_pb2.ListEventsResponse:
    """ListEvents, by start."""
    known = await calendars.all_calendars(api)
    chosen = calendars.choose(known, request.calendar_id, "calendar_id")
    low, high = times.bounds(request.window)
    forms = request.include_raw or _wants(
        "booking_answers", request.read_mask.paths, request.view == event_pb2.EVENT_VIEW_FULL
    )
    wanted = Wanted(chosen.it.id, low, high, canceled=request.include_canceled, forms=forms)
    size = min(request.page_size or MAX_PAGE, MAX_PAGE)
    batch = await read(api, wanted, size, _after(request.page_token))
    answer = event_pb2.ListEventsResponse()
    by_id = {each.it.id: each.it for each in known}
    for found in batch.items:
        parse_event(
            answer.events.add(),
            found,
            call.connection_id,
            by_id,
            forms=forms,
            raw=request.include_raw,
        )
    if batch.more and batch.items:
        moment, own_id = key_of(batch.items[-1].it)
        answer.next_page_token = f"{moment}.{own_id}"
    return answer


def _wants(name: str, paths: Sequence[str], default: bool) -> bool:
    if paths:
        return any(path.partition(".")[0] in (name, "*") for path in paths)
    return default


def key_of(appointment: Appointment) -> Key:
    """The place in the list: start in microseconds, then id."""
    return (starts(appointment) - times.EPOCH) // timedelta(microseconds=1), appointment.id


def _after(token: str) -> Key | None:
    if not token:
        return None
    try:
        moment, own_id = (int(part) for part in token.split("."))
        _ = times.EPOCH + timedelta(microseconds=moment)
    except (ValueError, OverflowError):
        raise ProviderError.invalid("page_token", "is none of this list") from None
    return moment, own_id


async def read(api: Api, wanted: Wanted, size: int, after: Key | None = None) -> Batch:
    """The next `size` appointments behind `after`."""
    batch = Batch()
    most = size + _SPARE
    while True:
        found = await _ask(api, wanted, most, after)
        full = len(found) >= most
        ordered = sorted(found, key=lambda each: key_of(each.it))
        if full:
            last = key_of(ordered[-1].it)[0]
            ordered = [each for each in ordered if key_of(each.it)[0] < last]
        fresh = [each for each in ordered if after is None or key_of(each.it) > after]
        if full and not fresh:
            most *= 2
            if most > _MOST:
                raise ProviderError(
                    Kind.PRECONDITION,
                    f"more than {_MOST // 2} appointments within a few days: too many to be told",
                    reason="WINDOW_TOO_LARGE",
                )
            continue
        for each in fresh:
            if _inside(each.it, wanted):
                if len(batch.items) == size:
                    batch.more = True
                    return batch
                batch.items.append(each)
        if not full:
            return batch
        after = key_of(fresh[-1].it)


async def _ask(api: Api, wanted: Wanted, most: int, after: Key | None) -> list[Found[Appointment]]:
    params: dict[str, str | int | Sequence[str]] = {
        "calendarID": wanted.calendar,
        "direction": "ASC",
        "max": most,
    }
    low = wanted.low - MARGIN if wanted.low is not None else None
    if after is not None:
        passed = times.EPOCH + timedelta(microseconds=after[0]) - DAY
        low = passed if low is None else max(low, passed)
    if low is not None:
        params["minDate"] = day(low)
    if wanted.high is not None:
        params["maxDate"] = day(wanted.high + DAY)
    if wanted.canceled:
        params["showall"] = "true"
    if not wanted.forms:
        params["excludeForms"] = "true"
    return await api.all(Appointment, "appointments", params)


def day(when: datetime) -> str:
    """A date for Acuity, within what it can read."""
    return f"{min(max(when, _FIRST), _LAST):%Y-%m-%d}"


def _inside(appointment: Appointment, wanted: Wanted) -> bool:
    start = starts(appointment)
    if wanted.high is not None and start >= wanted.high:
        return False
    return wanted.low is None or start + length(appointment) > wanted.low or start >= wanted.low


async def get_event(
    api: Api, call: Call, request: event_pb2.GetEventRequest
) -> event_pb2.GetEventResponse:
    """GetEvent."""
    number("event", request.id)
    organizer = _wants("organizer", request.read_mask.paths, default=True)
    known = await by_id(api) if organizer else {}
    found = await read_one(api, request.id, request.calendar_id)
    answer = event_pb2.GetEventResponse()
    parse_event(answer.event, found, call.connection_id, known, forms=True, raw=request.include_raw)
    return answer


async def by_id(api: Api) -> Mapping[int, Calendar]:
    """Calendars by id."""
    return {each.it.id: each.it for each in await calendars.all_calendars(api)}


async def read_one(api: Api, own_id: str, calendar_id: str = "") -> Found[Appointment]:
    """One appointment.

    Raises:
        ProviderError: NOT_FOUND, also when it is in another calendar than `calendar_id`.
    """
    path = f"appointments/{number('event', own_id)}"
    found = await api.one(Appointment, path, kind="event", own_id=own_id)
    if calendar_id not in calendars.PRIMARY and calendar_id != str(found.it.calendarID):
        raise ProviderError.not_found("event", own_id)
    return found
