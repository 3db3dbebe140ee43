"""When a link can be booked, and booking it."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from google.protobuf.duration_pb2 import Duration

from providers.core import timezones
from providers.core.errors import Kind, ProviderError
from providers.sandbox import occurrences
from providers.sandbox.busy import Block, merged
from providers.sandbox.clock import micros, moment
from providers.sandbox.entries import Entry
from providers.sandbox.store import cut
from providers.sandbox.world import World
from ucal.v1 import busy_pb2, calendar_pb2, event_pb2, link_pb2

OPENS = time(9)
CLOSES = time(17)
MAX_DAYS = 366
_STEP = timedelta(minutes=15)
_SATURDAY = 5


def list_link_slots(
    world: World, request: link_pb2.ListLinkSlotsRequest
) -> link_pb2.ListLinkSlotsResponse:
    """ListLinkSlots: within working hours in the primary calendar's zone, Monday to Friday.

    A link that is switched off, or past its life, has none.

    Raises:
        ProviderError: NOT_FOUND; INVALID for a length that the link does not offer; PRECONDITION
            for a window of more than MAX_DAYS.
    """
    link = world.links.get(request.link_id)
    length = link.duration
    if request.HasField("duration"):
        length = request.duration
        if length != link.duration and length not in link.duration_options:
            raise ProviderError.invalid("duration", "is not one of the link's duration_options")
    low, high = occurrences.bounds(request.window)
    if high - low > MAX_DAYS * 86_400_000_000:
        raise ProviderError(
            Kind.PRECONDITION,
            f"the window is longer than {MAX_DAYS} days: ask for a shorter one",
            reason="WINDOW_TOO_LARGE",
            violations=[("window", f"longer than {MAX_DAYS} days")],
        )
    free = _free(world, link, length, low, high)
    rows = [(start, "") for start, _ in free]
    places = dict(free)
    chosen, following = cut(rows, request.page_token, request.page_size)
    answer = link_pb2.ListLinkSlotsResponse(next_page_token=following)
    for start, _ in chosen:
        slot = answer.slots.add()
        slot.start_at.FromMicroseconds(start)
        slot.end_at.FromMicroseconds(start + length.ToMicroseconds())
        slot.places_left = places[start]
        slot.url = f"{link.url}?at={moment(start):%Y-%m-%dT%H:%MZ}"
    return answer


def _free(
    world: World, link: link_pb2.Link, length: Duration, low: int, high: int
) -> list[tuple[int, int]]:
    """Start of each slot in [low, high), with the places left in it."""
    if not _is_open(world, link):
        return []
    size = length.ToMicroseconds()
    before, after = link.buffer_before.ToMicroseconds(), link.buffer_after.ToMicroseconds()
    low = max(low, micros(world.now) + link.minimum_notice.ToMicroseconds())
    taken, booked = _taken(world, link, low - before, high + size + after)
    found: list[tuple[int, int]] = []
    index = 0
    for start in _starts(world.agendas[world.primary_id].zone, low, high, size):
        while index < len(taken) and taken[index].end <= start - before:
            index += 1
        if index < len(taken) and taken[index].start < start + size + after:
            continue
        left = max(1, link.capacity) - booked.get(start, 0)
        if left > 0:
            found.append((start, left))
    return found


def _is_open(world: World, link: link_pb2.Link) -> bool:
    ended = link.HasField("expires_at") and link.expires_at.ToMicroseconds() <= micros(world.now)
    return link.is_active and not ended


def _taken(
    world: World, link: link_pb2.Link, low: int, high: int
) -> tuple[list[Block], dict[int, int]]:
    """Time taken in the account's own calendars, and bookings of this link by start."""

    def keep(entry: Entry) -> bool:
        return entry.busy not in (
            busy_pb2.BUSY_KIND_UNSPECIFIED,
            busy_pb2.BUSY_KIND_WORKING_ELSEWHERE,
        )

    blocks: list[Block] = []
    booked: dict[int, int] = {}
    own = [c.id for c in world.calendars if c.access_role == calendar_pb2.ACCESS_ROLE_OWNER]
    for slot in (
        s for own_id in own for s in occurrences.expand(world.agendas[own_id], low, high, keep)
    ):
        if slot.entry.link_id == link.id:
            booked[slot.start] = booked.get(slot.start, 0) + 1
            if link.capacity > 1:
                continue
        blocks.append(Block(slot.start, slot.end, slot.entry.busy))
    return merged(sorted(blocks)), booked


def _starts(zone: str, low: int, high: int, size: int) -> Iterator[int]:
    """Starts on the grid of working hours in [low, high)."""
    step = max(_STEP, timedelta(microseconds=size))
    tz = timezones.zone(zone)
    day = moment(low).astimezone(tz).date()
    while True:
        start = datetime.combine(day, OPENS, tz)
        if micros(start) >= high:
            return
        closes = micros(datetime.combine(day, CLOSES, tz))
        at = micros(start)
        while day.weekday() < _SATURDAY and at + size <= closes and at < high:
            if at >= low:
                yield at
            at += step // timedelta(microseconds=1)
        day += timedelta(days=1)


def book(world: World, event: event_pb2.Event) -> link_pb2.Link:
    """Check that `event` can be booked through its link and give it what the link says.

    Raises:
        ProviderError: INVALID, naming the field; PRECONDITION LINK_INACTIVE or SLOT_TAKEN.
    """
    if event.link_id not in world.links:
        raise ProviderError.invalid("event.link_id", "names no link of this connection")
    link = world.links.get(event.link_id)
    if not _is_open(world, link):
        raise ProviderError(
            Kind.PRECONDITION, "this link cannot be booked any more", reason="LINK_INACTIVE"
        )
    if event.HasField("recurrence"):
        raise ProviderError.invalid("event.recurrence", "a booking does not recur")
    _check_answers(link, event)
    length = Duration()
    if not (event.start_at.HasField("timestamp") and event.end_at.HasField("timestamp")):
        raise ProviderError.invalid("event.start_at", "a booking begins and ends at an instant")
    start = event.start_at.timestamp.ToMicroseconds()
    length.FromMicroseconds(event.end_at.timestamp.ToMicroseconds() - start)
    if length != link.duration and length not in link.duration_options:
        raise ProviderError.invalid("event.end_at", "the link offers no booking of this length")
    if not any(at == start for at, _ in _free(world, link, length, start, start + 1)):
        raise ProviderError(
            Kind.PRECONDITION,
            "this slot cannot be booked: see ListLinkSlots",
            reason="SLOT_TAKEN",
            violations=[("event.start_at", "is not a free slot of the link")],
        )
    _inherit(event, link)
    return link


def _check_answers(link: link_pb2.Link, event: event_pb2.Event) -> None:
    questions = {question.name: question for question in link.questions}
    for name in event.booking_answers:
        if name not in questions:
            raise ProviderError.invalid(
                "event.booking_answers", "answers a question that is not asked"
            )
    for index, question in enumerate(link.questions):
        answer = event.booking_answers.get(question.name, "")
        if question.is_required and not answer:
            raise ProviderError.invalid(
                "event.booking_answers", f"questions[{index}] of the link must be answered"
            )
        if answer and question.choices and answer not in question.choices:
            raise ProviderError.invalid(
                "event.booking_answers",
                f"the answer to questions[{index}] of the link is none of its choices",
            )


def _inherit(event: event_pb2.Event, link: link_pb2.Link) -> None:
    event.subject = event.subject or link.name
    event.location = event.location or link.location
    if not event.HasField("conference") and link.conferences:
        event.conference.kind = link.conferences[0].kind


def use_up(world: World, link: link_pb2.Link) -> None:
    """Count a booking of a link with a limit; the last one ends its life."""
    if not link.max_uses:
        return
    link.max_uses -= 1
    if not link.max_uses:  # 0 would read as "unlimited", so the end of its life must tell
        link.is_active = False
        link.expires_at.FromDatetime(world.now)
    world.save(world.links, link)
