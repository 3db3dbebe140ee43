"""What a write sends: bodies of new events and of updates, put together from their parts.

Only the zone of a series, or of a time, may have to be asked for (`zones`); the rest is pure.
"""

from collections.abc import Iterable

from providers.core.errors import Kind, ProviderError
from providers.microsoft import bodies, patterns, people, tables, zones
from providers.microsoft.api import Api
from providers.microsoft.event_dump import PLAIN, Draft, put_plain
from providers.microsoft.event_times import zone_name
from providers.microsoft.wire import Event
from ucal.v1 import event_pb2, types_pb2

_PLANNED = ("start_at", "end_at", "recurrence")
WRITABLE = (
    *PLAIN,
    "recurrence",
    "attendees",
    "room_ids",
    "conference",
    "send_notifications",
)


async def of_new(api: Api, event: event_pb2.Event) -> Draft:
    """The whole body of a new event.

    Raises:
        ProviderError: INVALID, naming what Outlook does not take; PRECONDITION.
    """
    draft = Draft()
    recurring = bool(event.recurrence.rules)
    await choose_zone(api, draft, event.start_at, recurring=recurring)
    put_plain(draft, event, [field.name for field, _ in event.ListFields()])
    if recurring:
        put_recurrence(draft, event, event.start_at)
    if event.attendees or event.room_ids:
        _put_guests(draft, event.attendees, people.of_event(event))
    if event.HasField("conference"):
        put_conference(draft, event, None)
    return draft


async def choose_zone(
    api: Api, draft: Draft, start: types_pb2.EventTime, *, recurring: bool
) -> None:
    """Find out under which name the zone of `start` is written."""
    if start.WhichOneof("value") != "timestamp" or not start.time_zone:
        return
    word = await zones.word_for(api, start.time_zone, recurring=recurring)
    if word != start.time_zone:
        draft.zone = word


def put_recurrence(draft: Draft, event: event_pb2.Event, start: types_pb2.EventTime) -> None:
    """Write how a series repeats."""
    draft.plan = patterns.dump(event.recurrence.rules, start, "event.recurrence", draft.zone)
    draft.body["recurrence"] = draft.plan.body


def _put_guests(
    draft: Draft, asked: Iterable[types_pb2.Attendee], guests: list[people.Guest]
) -> None:
    draft.body["attendees"] = guests
    if not people.roles_are_exact(asked):
        draft.coerce("attendees")


def put_conference(draft: Draft, event: event_pb2.Event, current: Event | None) -> None:
    """Ask for a Teams call. A call of another product cannot be attached, none can be taken away.

    Raises:
        ProviderError: PRECONDITION, to take a call away.
    """
    asked = event.conference
    online = current is not None and bool(current.isOnlineMeeting)
    if asked.join_url:
        link = current.onlineMeeting.joinUrl if current and current.onlineMeeting else None
        if asked.join_url != link:
            draft.dropped.append("conference")
        return
    if not asked.kind:
        if online:
            raise ProviderError(
                Kind.PRECONDITION,
                "a meeting that is online stays online in Outlook: make another event",
                reason="CONFERENCE_FIXED",
                violations=[("event.conference", "cannot be taken away")],
            )
        return
    if not online:
        draft.body["isOnlineMeeting"] = True
        draft.body["onlineMeetingProvider"] = tables.CONFERENCE_WORD[asked.kind]


def of_update(
    request: event_pb2.UpdateEventRequest, names: set[str], current: Event
) -> tuple[Draft, bool]:
    """The body that writes those fields, and whether it rests on `current` as it was read.

    Times and recurrence are left to the caller, who knows which series they are of.

    Raises:
        ProviderError: INVALID, naming what Outlook does not take; PRECONDITION.
    """
    event = request.event
    draft = Draft(patch=True)
    put_plain(draft, event, sorted(names - set(_PLANNED)))
    rests = False
    if "description" in names and current.isOnlineMeeting:
        rests = True
        there = current.body.content if current.body is not None else None
        link = current.onlineMeeting.joinUrl if current.onlineMeeting is not None else None
        draft.body["body"] = bodies.with_block(event.description, there or "", link or "")
    guests = people.of_update(
        event, names, request.add_attendees, request.remove_attendees, current
    )
    if guests is not None:
        rests = True
        asked = [*event.attendees, *request.add_attendees]
        _put_guests(draft, asked, guests)
    if "conference" in names:
        put_conference(draft, event, current)
    return draft, rests


async def put_times(
    api: Api,
    draft: Draft,
    names: set[str],
    current: Event,
    *,
    start: types_pb2.EventTime,
    end: types_pb2.EventTime,
    recurring: bool,
) -> None:
    """Write start and end, where `names` has them.

    A time without a zone of its own keeps that of the event.

    Raises:
        ProviderError: INVALID when a day and a time would stand side by side.
    """
    wanted = names & {"start_at", "end_at"}
    if not wanted:
        return
    event = event_pb2.Event()
    for name, value in (("start_at", start), ("end_at", end)):
        if name in wanted:
            getattr(event, name).CopyFrom(value)
    was_day = bool(current.isAllDay)
    for name in wanted:
        is_day = getattr(event, name).WhichOneof("value") == "date"
        if is_day != was_day and len(wanted) < 2:
            raise ProviderError.invalid(
                f"event.{name}", "give start_at and end_at to change between days and times"
            )
    zone = start.time_zone if "start_at" in wanted else ""
    zone = zone or zone_name(current, "")[0]
    for name in wanted:
        time = getattr(event, name)
        if time.WhichOneof("value") == "timestamp" and not time.time_zone:
            time.time_zone = zone
    if "start_at" in wanted:
        await choose_zone(api, draft, event.start_at, recurring=recurring)
    elif was_day:
        draft.zone = zone
    put_plain(draft, event, sorted(wanted))
