"""Reading events: lists, single ones, instances of a series."""

from bisect import bisect_right

from providers.core.errors import ProviderError
from providers.sandbox import occurrences, raw
from providers.sandbox.agenda import Agenda, instance_event
from providers.sandbox.clock import FAR, PAST, micros
from providers.sandbox.entries import Entry, Instance, Series, overlaps
from providers.sandbox.occurrences import Keep, Slot
from providers.sandbox.planned import key_of, planned_at
from providers.sandbox.store import DEFAULT_PAGE, Row, cut, row_of
from providers.sandbox.world import World
from ucal.v1 import event_pb2, types_pb2

_YEAR = 366 * 86_400_000_000


def list_events(world: World, request: event_pb2.ListEventsRequest) -> event_pb2.ListEventsResponse:
    """ListEvents."""
    _, agenda = world.agenda(request.calendar_id)
    keep = _filter(request)
    if request.expand_recurring:
        slots = occurrences.expand(agenda, *occurrences.bounds(request.window), keep)
        frames, following = _page(agenda, slots, request.page_token, request.page_size)
    elif request.HasField("window"):
        found = occurrences.unexpanded(agenda, *occurrences.bounds(request.window), keep)
        chosen, following = cut(found, request.page_token, request.page_size)
        frames = [agenda.entries[own_id].framed for _, own_id in chosen]
    else:
        return _whole(world, agenda, request, keep)
    answer = event_pb2.ListEventsResponse.FromString(b"".join(frames))
    answer.next_page_token = following
    if request.include_raw:
        raw.fill(*answer.events)
    return answer


def _whole(
    world: World, agenda: Agenda, request: event_pb2.ListEventsRequest, keep: Keep
) -> event_pb2.ListEventsResponse:
    """A page of everything in a calendar; its last one tells from where a watch goes on.

    The page token carries the journal's position at the first page, so that what was written
    between two pages is seen by that watch.
    """
    position, _, after = request.page_token.partition("!")
    chosen, following = _walk(agenda, after, request.page_size or DEFAULT_PAGE, keep)
    answer = event_pb2.ListEventsResponse.FromString(b"".join(entry.framed for entry in chosen))
    position = position or world.journal.cursor()
    if following:
        answer.next_page_token = f"{position}!{following}"
    elif not request.HasField("updated_after") and not request.query:
        answer.resume_token = position.encode()
    if request.include_raw:
        raw.fill(*answer.events)
    return answer


def _walk(agenda: Agenda, after: str, size: int, keep: Keep) -> tuple[list[Entry], str]:
    """The next entries that pass `keep`, and the cursor behind them ("" at the end)."""
    chosen: list[Entry] = []
    last: Row = (0, "")
    for index in range(bisect_right(agenda.rows, row_of(after)) if after else 0, len(agenda.rows)):
        entry = agenda.entries[agenda.rows[index][1]]
        if not keep(entry):
            continue
        if len(chosen) == size:
            return chosen, f"{last[0]}:{last[1]}"
        chosen.append(entry)
        last = agenda.rows[index]
    return chosen, ""


def _page(agenda: Agenda, slots: list[Slot], cursor: str, size: int) -> tuple[list[bytes], str]:
    begin = bisect_right(slots, row_of(cursor), key=lambda slot: slot.row) if cursor else 0
    end = begin + (size or DEFAULT_PAGE)
    chosen = slots[begin:end]
    frames = [occurrences.frame_of(agenda, slot) for slot in chosen]
    return frames, f"{chosen[-1].start}:{chosen[-1].id}" if end < len(slots) else ""


def _filter(request: event_pb2.ListEventsRequest) -> Keep:
    """The test that entries have to pass."""
    canceled = request.include_canceled
    since = request.updated_after.ToMicroseconds() if request.HasField("updated_after") else PAST
    words = request.query.casefold().split()
    if not words and since == PAST:
        return _any if canceled else _takes_place

    def keep(entry: Entry) -> bool:
        return (
            entry.updated >= since
            and (canceled or not entry.canceled)
            and all(word in entry.text for word in words)
        )

    return keep


def _any(_: Entry) -> bool:
    return True


def _takes_place(entry: Entry) -> bool:
    return not entry.canceled


def get_event(world: World, request: event_pb2.GetEventRequest) -> event_pb2.GetEventResponse:
    """GetEvent."""
    _, agenda = world.agenda(request.calendar_id)
    answer = event_pb2.GetEventResponse(event=event_of(agenda.find(request.id)))
    if request.include_raw:
        raw.fill(answer.event)
    return answer


def event_of(found: Entry | Series | Instance) -> event_pb2.Event:
    """A fresh copy of the event that an id stands for."""
    if isinstance(found, Series):
        return found.entry.event()
    if isinstance(found, Instance):
        if found.exception is not None:
            return found.exception.event()
        return instance_event(found.series, found.planned)
    return found.event()


def list_event_instances(
    world: World, request: event_pb2.ListEventInstancesRequest
) -> event_pb2.ListEventInstancesResponse:
    """ListEventInstances."""
    _, agenda = world.agenda(request.calendar_id)
    series = agenda.find(request.recurring_event_id)
    if not isinstance(series, Series):
        raise ProviderError.invalid("recurring_event_id", "names an event that does not recur")
    low, high = occurrences.bounds(request.window)
    if not request.window.HasField("start_at"):
        low = PAST if request.HasField("original_start_at") else micros(world.now)
    if not request.window.HasField("end_at"):
        high = FAR if request.HasField("original_start_at") else low + _YEAR
    keep = _any if request.include_canceled else _takes_place
    if request.HasField("original_start_at"):
        found = _planned(agenda, series, request.original_start_at, keep)
        slots = [slot for slot in found if overlaps(slot.start, slot.end, low, high)]
    else:
        slots = occurrences.of_series(agenda, series, low, high, keep)
    slots.sort(key=lambda slot: slot.row)
    frames, following = _page(agenda, slots, request.page_token, request.page_size)
    answer = event_pb2.ListEventInstancesResponse.FromString(b"".join(frames))
    answer.next_page_token = following
    if request.include_raw:
        raw.fill(*answer.events)
    return answer


def _planned(agenda: Agenda, series: Series, when: types_pb2.EventTime, keep: Keep) -> list[Slot]:
    """The instance planned at `when`, if there is one and it is wanted."""
    planned = planned_at(when)
    key = key_of(planned)
    exception = series.exceptions.get(key)
    if exception is not None:
        slot = Slot(exception.start, exception.end, exception.id, exception)
    elif agenda.yields(series, planned):
        start = agenda.micros(when)
        own_id = f"{series.id}_{key}"
        slot = Slot(start, start + series.micros, own_id, series.entry, series, planned)
    else:
        return []
    return [slot] if keep(slot.entry) else []
