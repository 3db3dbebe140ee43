"""Who is invited: replies that survive, rooms that answer for themselves, who is told."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from providers.core.errors import ProviderError
from providers.sandbox import occurrences
from providers.sandbox.agenda import Agenda
from providers.sandbox.entries import Entry
from providers.sandbox.world import World
from ucal.v1 import event_pb2, types_pb2

_NEEDS_ACTION = types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION
_ACCEPTED = types_pb2.ATTENDEE_RESPONSE_ACCEPTED
_DECLINED = types_pb2.ATTENDEE_RESPONSE_DECLINED


Told: TypeAlias = event_pb2.Event | event_pb2.DeleteEventRequest | event_pb2.RespondToEventRequest
"""A message that says whether people are told."""


def is_account(world: World, email: str) -> bool:
    """Whether `email` is the address of the account behind the connection."""
    return email.lower() == world.account.email


def seat(world: World, event: event_pb2.Event, before: Sequence[types_pb2.Attendee] = ()) -> None:
    """Settle the attendees and rooms of `event`: replies given in `before` survive (P49).

    Raises:
        ProviderError: INVALID, naming the attendee or the room.
    """
    known = {attendee.email.lower(): attendee for attendee in before}
    _seat_rooms(world, event)
    seen: set[str] = set()
    event.own_response = types_pb2.ATTENDEE_RESPONSE_UNSPECIFIED
    for index, attendee in enumerate(event.attendees):
        email = attendee.email.lower()
        if not email:
            raise ProviderError.invalid(f"event.attendees[{index}].email", "is required")
        if email in seen:
            raise ProviderError.invalid(f"event.attendees[{index}].email", "is there twice")
        seen.add(email)
        _seat_one(world, event, attendee, known.get(email))
        if attendee.is_self:
            event.own_response = attendee.response


def _seat_one(
    world: World,
    event: event_pb2.Event,
    attendee: types_pb2.Attendee,
    before: types_pb2.Attendee | None,
) -> None:
    attendee.is_self = is_account(world, attendee.email)
    attendee.is_organizer = attendee.email.lower() == event.organizer.email.lower()
    attendee.role = attendee.role or types_pb2.ATTENDEE_ROLE_REQUIRED
    attendee.response = before.response if before else _NEEDS_ACTION
    attendee.comment = before.comment if before else ""
    if attendee.is_organizer and not before:
        attendee.response = _ACCEPTED
    if attendee.email.lower() in world.room_of:
        attendee.is_resource = True
        free = _room_is_free(world, attendee.email.lower(), event)
        attendee.response = _ACCEPTED if free else _DECLINED


def _seat_rooms(world: World, event: event_pb2.Event) -> None:
    """`room_ids` and the rooms among the attendees say the same."""
    for index, room_id in enumerate(event.room_ids):
        if room_id not in world.rooms:
            raise ProviderError.invalid(f"event.room_ids[{index}]", "names no room")
    wanted = dict.fromkeys(event.room_ids)
    invited = {world.room_of.get(attendee.email.lower()) for attendee in event.attendees}
    for room_id in wanted:
        if room_id not in invited:
            room = world.rooms.get(room_id)
            event.attendees.add(name=room.name, email=room.email, is_resource=True)
    rooms = [world.room_of.get(attendee.email.lower()) for attendee in event.attendees]
    del event.room_ids[:]
    event.room_ids.extend(room_id for room_id in rooms if room_id is not None)


def leave_rooms(world: World, event: event_pb2.Event) -> None:
    """Forget the rooms among the attendees, because `room_ids` is to say which there are."""
    keep = [a for a in event.attendees if a.email.lower() not in world.room_of]
    if len(keep) < len(event.attendees):
        _replace(event, keep)


def _replace(event: event_pb2.Event, attendees: list[types_pb2.Attendee]) -> None:
    kept = event_pb2.Event(attendees=attendees)  # a copy: they are cleared from under us
    del event.attendees[:]
    event.attendees.MergeFrom(kept.attendees)


def _room_is_free(world: World, address: str, event: event_pb2.Event) -> bool:
    """Whether nothing else takes the room at the time of `event`, or of its first instance."""

    def taken(entry: Entry) -> bool:
        other = entry.id.partition("_")[0] != event.id.partition("_")[0]
        return other and bool(entry.busy) and address in entry.rooms

    home = Agenda(world.agendas[event.calendar_id].zone)
    low, high = home.micros(event.start_at), home.micros(event.end_at)
    shadow = world.shadows[address]
    if occurrences.expand(shadow, low, high, lambda entry: bool(entry.busy)):
        return False
    return not any(occurrences.expand(a, low, high, taken) for a in world.agendas.values())


def change(
    world: World,
    event: event_pb2.Event,
    add: Iterable[types_pb2.Attendee],
    remove: Iterable[str],
) -> None:
    """Add and remove attendees and leave all others as they are (P49, P50)."""
    gone = {email.lower() for email in remove}
    left = {world.room_of[email] for email in gone if email in world.room_of}
    if left:
        rooms = [room_id for room_id in event.room_ids if room_id not in left]
        del event.room_ids[:]
        event.room_ids.extend(rooms)
    keep = [attendee for attendee in event.attendees if attendee.email.lower() not in gone]
    if len(keep) < len(event.attendees):
        _replace(event, keep)
    places = {attendee.email.lower(): attendee for attendee in event.attendees}
    for new in add:
        place = places.get(new.email.lower())
        if place is None:
            place = places[new.email.lower()] = event.attendees.add(email=new.email)
        place.name = new.name or place.name
        place.role = new.role or place.role
        place.is_resource = new.is_resource or place.is_resource


def outcome(
    world: World, event: event_pb2.Event, request: Told
) -> types_pb2.NotificationOutcome.ValueType:
    """Unless the caller says no, people are told; the sandbox only pretends to."""
    others = any(not is_account(world, attendee.email) for attendee in event.attendees)
    if not others:
        return types_pb2.NOTIFICATION_OUTCOME_NONE
    if request.HasField("send_notifications") and not request.send_notifications:
        return types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED
    return types_pb2.NOTIFICATION_OUTCOME_REQUESTED
