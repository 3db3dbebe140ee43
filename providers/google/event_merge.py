"""What is written with a look at the event as it is: guests, rooms, metadata, the call.

Google replaces arrays whole, so a guest is added by writing the list as it was read, with the new
one at its end, under the version that was read (P49, P50).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from providers.core.errors import Kind, ProviderError
from providers.google import conferences, tables
from providers.google.event_dump import Draft
from providers.google.wire import Event, EventAttendee
from ucal.v1 import event_pb2, types_pb2

# Longer ones are lost in silence (developers.google.com/workspace/calendar/api/guides/
# extended-properties).
MAX_KEY = 44
# A guest's own fields, written back as they were read.
_OWN = (
    "displayName",
    "responseStatus",
    "comment",
    "optional",
    "resource",
    "additionalGuests",
)


def attendees_of(event: event_pb2.Event, current: Event | None = None) -> list[dict[str, Any]]:
    """The whole list that `event` asks for, rooms too; who is there already keeps the reply.

    Args:
        current: the event as it is; absent for a new one.
    """
    present = {guest.email.lower(): guest for guest in (current.attendees if current else ())}
    found = {}
    for asked in event.attendees:
        found[asked.email.lower()] = _guest(asked, present.get(asked.email.lower()))
    for email in event.room_ids:
        found.setdefault(email.lower(), _room(email, present.get(email.lower())))
    return list(found.values())


def _guest(asked: types_pb2.Attendee, present: EventAttendee | None) -> dict[str, Any]:
    guest: dict[str, Any] = {} if present is None else kept(present)
    guest["email"] = asked.email if present is None else present.email
    if asked.name:
        guest["displayName"] = asked.name
    guest["optional"] = asked.role == types_pb2.ATTENDEE_ROLE_OPTIONAL
    if asked.is_resource:
        guest["resource"] = True
    return guest


def _room(email: str, present: EventAttendee | None) -> dict[str, Any]:
    if present is not None:
        return kept(present)
    return {"email": email, "resource": True}


def kept(guest: EventAttendee) -> dict[str, Any]:
    """A guest as it was read, to be written back."""
    found: dict[str, Any] = {"email": guest.email}
    for name in _OWN:
        value = getattr(guest, name)
        if value:
            found[name] = value
    return found


def roles_are_exact(attendees: Iterable[types_pb2.Attendee]) -> bool:
    """Whether Google has a word for the role of each: it knows optional guests, and others."""
    exact = {
        types_pb2.ATTENDEE_ROLE_UNSPECIFIED,
        types_pb2.ATTENDEE_ROLE_REQUIRED,
        types_pb2.ATTENDEE_ROLE_OPTIONAL,
    }
    return all(each.role in exact for each in attendees)


def changed_attendees(
    current: Event, added: Sequence[types_pb2.Attendee], removed: Sequence[str]
) -> list[dict[str, Any]] | None:
    """The list as it is, with some guests more and some less; None when nothing changes.

    Raises:
        ProviderError: PRECONDITION when Google has not shown the whole list (P50).
    """
    refuse_omitted(current)
    gone = {email.lower() for email in removed}
    found = {guest.email.lower(): kept(guest) for guest in current.attendees}
    before = set(found)
    for email in gone:
        found.pop(email, None)
    for asked in added:
        found.setdefault(asked.email.lower(), _guest(asked, None))
    return None if set(found) == before else list(found.values())


def refuse_omitted(current: Event) -> None:
    """Never write back a list of guests that Google has shortened.

    Raises:
        ProviderError: PRECONDITION.
    """
    if current.attendeesOmitted:
        raise ProviderError(
            Kind.PRECONDITION,
            "Google does not show all the guests of this event, so the list cannot be changed",
            reason="ATTENDEES_OMITTED",
        )


def with_rooms(current: Event, room_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The guests as they are, with these rooms in place of those there."""
    rooms = {guest.email.lower(): guest for guest in current.attendees if guest.resource}
    found = [kept(guest) for guest in current.attendees if not guest.resource]
    found += [_room(email, rooms.get(email.lower())) for email in dict.fromkeys(room_ids)]
    return found


def with_guests(current: Event, event: event_pb2.Event) -> list[dict[str, Any]]:
    """These guests in place of those there, with the rooms as they are."""
    asked = attendees_of(event, current)
    named = {each["email"].lower() for each in asked}
    rooms = [
        kept(guest)
        for guest in current.attendees
        if guest.resource and guest.email.lower() not in named
    ]
    return asked + rooms


def metadata_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Extended properties of a new event, seen on this calendar only.

    Raises:
        ProviderError: INVALID for a key that Google would lose.
    """
    for key in metadata:
        if len(key) > MAX_KEY:
            raise ProviderError.invalid(
                "event.metadata", f"Google keeps keys of at most {MAX_KEY} characters"
            )
    return {"private": dict(metadata)}


def changed_metadata(current: Event, metadata: Mapping[str, str]) -> dict[str, Any]:
    """What makes the extended properties of `current` those of `metadata`, and no others.

    Google merges them key by key and forgets those that are null.
    """
    found: dict[str, Any] = metadata_of(metadata)
    there = current.extendedProperties
    if there is None:
        return found
    shared = {key: None for key in there.shared if metadata.get(key) != there.shared[key]}
    private: dict[str, str | None] = {key: None for key in there.private if key not in metadata}
    private |= {k: value for k, value in metadata.items() if there.shared.get(k) != value}
    return {"private": private, "shared": shared} if shared else {"private": private}


def put_conference(
    draft: Draft, event: event_pb2.Event, current: Event | None, request_id: str
) -> None:
    """Ask for the call that `event` wants, or take the call away.

    A Meet call that is there stays (P56). A link of another product cannot be attached: that is
    reported, and what the event has is left alone (P58).
    """
    asked = event.conference
    if not conferences.can_attach(asked):
        draft.dropped.append("conference")
        return
    meet = asked.kind == types_pb2.CONFERENCE_KIND_GOOGLE_MEET and not asked.join_url
    if meet and current is not None and conferences.is_meet(current):
        return
    wanted = conferences.dump_conference(asked, request_id)
    if wanted is not None or current is not None:
        draft.body["conferenceData"] = wanted


def response_of(
    current: Event, response: types_pb2.AttendeeResponse.ValueType, comment: str
) -> Any:
    """What answers an invitation: the own entry alone, or the whole list when there is a comment.

    With `attendeesOmitted` Google updates the reply of the one guest that is sent and leaves the
    others alone (P51).

    Returns:
        The body, and whether it holds the whole list, which wants the version that was read.

    Raises:
        ProviderError: PRECONDITION when the account is not invited, or the list is not whole.
    """
    own = next((guest for guest in current.attendees if guest.self), None)
    if own is None:
        raise ProviderError(
            Kind.PRECONDITION, "the account is not invited to this event", reason="NOT_INVITED"
        )
    word = tables.RESPONSE_WORD[response]
    if not comment:
        only = {"email": own.email, "responseStatus": word}
        return {"attendeesOmitted": True, "attendees": [only]}, False
    refuse_omitted(current)
    guests = [kept(guest) for guest in current.attendees]
    for guest in guests:
        if guest["email"] == own.email:
            guest |= {"responseStatus": word, "comment": comment}
    return {"attendees": guests}, True
