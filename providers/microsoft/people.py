"""Guests and rooms of an event, written with a look at those who are there. Pure.

Graph replaces the list whole, so a guest is added by writing it as it was read, with the new one at
its end, under the version that was read (P49, P50). Replies stay with whoever stays.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from providers.microsoft import tables
from providers.microsoft.wire import Attendee, Event
from ucal.v1 import event_pb2, types_pb2

Guest = dict[str, Any]


def address_of(guest: Attendee) -> str:
    """The address by which a guest is told apart, in lower case."""
    person = guest.emailAddress
    return ((person.address if person is not None else None) or "").lower()


def kept(guest: Attendee) -> Guest:
    """A guest as it was read, to be written back."""
    person, status = guest.emailAddress, guest.status
    found: Guest = {"type": guest.type or "required"}
    if person is not None:
        found["emailAddress"] = {"address": person.address, "name": person.name}
    if status is not None and status.response:
        found["status"] = {"response": status.response, "time": status.time}
    return found


def _guest(asked: types_pb2.Attendee, present: Attendee | None) -> Guest:
    guest: Guest = {} if present is None else kept(present)
    person = dict(guest.get("emailAddress") or {})
    person.setdefault("address", asked.email)
    if asked.name:
        person["name"] = asked.name
    guest["emailAddress"] = person
    guest["type"] = "resource" if asked.is_resource else tables.ROLE_WORD[asked.role]
    return guest


def _room(email: str, present: Attendee | None) -> Guest:
    if present is not None:
        return kept(present) | {"type": "resource"}
    return {"emailAddress": {"address": email}, "type": "resource"}


def of_event(event: event_pb2.Event, current: Event | None = None) -> list[Guest]:
    """The whole list that `event` asks for, rooms too."""
    present = {address_of(guest): guest for guest in (current.attendees if current else None) or ()}
    found = {
        asked.email.lower(): _guest(asked, present.get(asked.email.lower()))
        for asked in event.attendees
    }
    for email in event.room_ids:
        found.setdefault(email.lower(), _room(email, present.get(email.lower())))
    return list(found.values())


def of_update(
    event: event_pb2.Event,
    names: Iterable[str],
    added: Sequence[types_pb2.Attendee],
    removed: Sequence[str],
    current: Event,
) -> list[Guest] | None:
    """The list that an update writes; None when it writes none.

    `attendees` alone replaces everybody, and leaves rooms that it does not speak of; `room_ids`
    alone replaces the rooms.
    """
    there = current.attendees or []
    wanted = set(names)
    if {"attendees", "room_ids"} <= wanted:
        return of_event(event, current)
    if "attendees" in wanted:
        only = event_pb2.Event(attendees=event.attendees)
        if not any(asked.is_resource for asked in event.attendees):
            only.room_ids.extend(address_of(each) for each in there if each.type == "resource")
        return of_event(only, current)
    if "room_ids" in wanted:
        rooms = of_event(event_pb2.Event(room_ids=event.room_ids), current)
        return [*(kept(each) for each in there if each.type != "resource"), *rooms]
    if added or removed:
        return _changed(there, added, removed)
    return None


def _changed(
    there: Sequence[Attendee], added: Sequence[types_pb2.Attendee], removed: Sequence[str]
) -> list[Guest] | None:
    gone = {email.lower() for email in removed}
    found = {address_of(guest): kept(guest) for guest in there}
    before = set(found)
    for email in gone:
        found.pop(email, None)
    for asked in added:
        found.setdefault(asked.email.lower(), _guest(asked, None))
    return None if set(found) == before else list(found.values())


def roles_are_exact(attendees: Iterable[types_pb2.Attendee]) -> bool:
    """Whether Outlook has a word for the role of each."""
    return all(each.role in tables.EXACT_ROLES for each in attendees)


def has_guests(event: Event) -> bool:
    """Whether anybody is told of changes."""
    return bool(event.attendees)
