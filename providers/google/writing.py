"""Writing events: create, and what one PATCH updates. Series are cut in `splitting`."""

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.wire import decode
from providers.google import conferences, event_merge, reading, series, tables
from providers.google.api import Api, calendar_path, event_path
from providers.google.calendars import read_entry
from providers.google.event_dump import PLAIN, Draft, put_plain, put_type
from providers.google.wire import Event
from ucal.v1 import event_pb2, types_pb2

# Without them Google passes over conferenceData and attachments in a body.
WRITE: Mapping[str, str | int] = {"conferenceDataVersion": 1, "supportsAttachments": "true"}
# Seconds between two looks at a call that Google is still making.
_CONFERENCE_WAITS = (0.3, 0.6, 1.2)
_MERGED = ("attendees", "room_ids", "metadata", "conference")
WRITABLE_ON_UPDATE = (*PLAIN, *_MERGED, "calendar_id", "send_notifications")
WRITABLE_ON_CREATE = (*WRITABLE_ON_UPDATE, "type")


@dataclass(frozen=True, slots=True)
class Loaded:
    """An event as Google has it."""

    event: Event
    reply: Reply

    def raw(self) -> dict[str, Any]:
        """The event as it came."""
        return decode(self.reply, dict[str, Any])


async def load(api: Api, calendar_id: str, event_id: str) -> Loaded:
    """Read an event that is to be written.

    Raises:
        ProviderError: NOT_FOUND.
    """
    reply = await reading.read(api, calendar_id, event_id)
    return Loaded(decode(reply, Event), reply)


def notify(asked: bool | None) -> dict[str, str]:
    """Whether guests are told; absent, Google decides."""
    return {} if asked is None else {"sendUpdates": "all" if asked else "none"}


def outcome(asked: bool | None, has_guests: bool) -> types_pb2.NotificationOutcome.ValueType:
    """What became of notifications."""
    if not has_guests:
        return types_pb2.NOTIFICATION_OUTCOME_NONE
    if asked is None:
        return types_pb2.NOTIFICATION_OUTCOME_UNSPECIFIED
    if asked:
        return types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    return types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED


def has_guests(event: Event) -> bool:
    """Whether anybody but the account itself is invited."""
    return any(not guest.self for guest in event.attendees)


def wish(event: event_pb2.Event) -> bool | None:
    """`send_notifications`, None when it is not set."""
    return event.send_notifications if event.HasField("send_notifications") else None


def settle(report: types_pb2.WriteReport, draft: Draft) -> None:
    """Report what was lost or changed."""
    report.dropped_fields.paths.extend(draft.dropped)
    report.coerced_fields.paths.extend(draft.coerced)


def refuse_if_strict(strict: bool, draft: Draft) -> None:
    """Refuse, where the caller wants that, what would be lost or changed.

    Raises:
        ProviderError: PRECONDITION.
    """
    lost = [*draft.dropped, *draft.coerced]
    if strict and lost:
        raise ProviderError(
            Kind.PRECONDITION,
            f"Google cannot keep as they are: {', '.join(lost)}",
            reason="FIELDS_NOT_SUPPORTED",
            violations=[(f"event.{name}", "cannot be kept as it is") for name in lost],
        )


# -- create


async def create_event(
    api: Api, call: Call, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent. With a request_id the event's id follows from it, and repeating does no harm."""
    event = request.event
    calendar_id = event.calendar_id or "primary"
    draft = draft_of_new(event)
    if request.request_id:
        draft.body["id"] = event_id_for(call.connection_id, request.request_id)
    refuse_if_strict(request.strict, draft)
    reply = await _insert_with_call(api, request, calendar_id, draft)
    reply = await _with_conference(api, calendar_id, reply)
    answer = event_pb2.CreateEventResponse()
    made = reading.fill_event(answer.event, reply, call.connection_id, calendar_id)
    settle(answer.report, draft)
    answer.report.notifications = outcome(wish(event), has_guests(made))
    return answer


def draft_of_new(event: event_pb2.Event) -> Draft:
    """The whole body of a new event.

    Raises:
        ProviderError: INVALID, naming what Google does not take.
    """
    if event.status == event_pb2.EVENT_STATUS_CANCELED:
        raise ProviderError.invalid("event.status", "a new event cannot be canceled")
    draft = Draft()
    present = [field.name for field, _ in event.ListFields()]
    names = [name for name in present if name != "recurrence" or event.recurrence.rules]
    put_plain(draft, event, names)
    put_type(draft, event)
    if event.attendees or event.room_ids:
        _put_guests(draft, event, event_merge.attendees_of(event))
    if event.metadata:
        draft.body["extendedProperties"] = event_merge.metadata_of(event.metadata)
    if event.HasField("conference"):
        event_merge.put_conference(draft, event, None, str(uuid.uuid4()))
    return draft


def _put_guests(draft: Draft, event: event_pb2.Event, guests: list[dict[str, Any]]) -> None:
    draft.body["attendees"] = guests
    if not event_merge.roles_are_exact(event.attendees):
        draft.coerced.append("attendees")


def event_id_for(connection_id: str, request_id: str) -> str:
    """The id of the event that a request makes: base32hex, as Google wants it."""
    space = uuid.UUID(request_id)
    return uuid.uuid5(space, connection_id).hex


async def _insert_with_call(
    api: Api, request: event_pb2.CreateEventRequest, calendar_id: str, draft: Draft
) -> Reply:
    """Insert; where the calendar's organization allows no Meet, without it, and report that."""
    try:
        return await _insert(api, request, calendar_id, draft)
    except ProviderError as error:
        if error.kind is not Kind.INVALID or "conferenceData" not in draft.body:
            raise
        if await _allows_meet(api, calendar_id):
            raise
    del draft.body["conferenceData"]
    draft.dropped.append("conference")
    refuse_if_strict(request.strict, draft)
    return await _insert(api, request, calendar_id, draft)


async def _insert(
    api: Api, request: event_pb2.CreateEventRequest, calendar_id: str, draft: Draft
) -> Reply:
    try:
        return await api.send(
            "POST",
            f"{calendar_path(calendar_id)}/events",
            params={**WRITE, **notify(wish(request.event))},
            json=draft.body,
            resource=("calendar", calendar_id),
            retry_safe=bool(request.request_id),
        )
    except ProviderError as error:
        if error.kind is not Kind.ALREADY_EXISTS or not request.request_id:
            raise
        return await _made_before(api, calendar_id, draft.body["id"], error)


async def _made_before(api: Api, calendar_id: str, event_id: str, error: ProviderError) -> Reply:
    """What the same request made earlier (P59); an id stays used after a deletion (P60)."""
    found = await load(api, calendar_id, event_id)
    if found.event.status == reading.CANCELLED:
        error.resource = ("event", event_id)
        raise error
    return found.reply


async def _allows_meet(api: Api, calendar_id: str) -> bool:
    entry = await read_entry(api, calendar_id)
    allowed = entry.conferenceProperties
    return allowed is None or tables.MEET in allowed.allowedConferenceSolutionTypes


async def _with_conference(api: Api, calendar_id: str, reply: Reply) -> Reply:
    """Wait a moment for the call that Google is making; PENDING is told when it takes longer."""
    for seconds in _CONFERENCE_WAITS:
        event = decode(reply, Event)
        if not conferences.is_pending(event):
            break
        await asyncio.sleep(seconds)
        try:
            reply = await reading.read(api, calendar_id, event.id)
        except ProviderError:
            break  # the event is there, and that is what was asked for
    return reply


# -- update


def draft_of_update(
    request: event_pb2.UpdateEventRequest, names: Iterable[str], current: Event
) -> tuple[Draft, bool]:
    """The body that writes those fields, and whether it rests on `current` as it was read.

    Raises:
        ProviderError: INVALID, naming what Google does not take; PRECONDITION.
    """
    event = request.event
    wanted = list(names)
    start = event.start_at if "start_at" in wanted else series.event_time(current.start)
    draft = Draft(patch=True, start=start)
    put_plain(draft, event, wanted)
    guests = _guests_of_update(request, wanted, current)
    if guests is not None:
        _put_guests(draft, event, guests)
    if "metadata" in wanted:
        properties = event_merge.changed_metadata(current, event.metadata)
        draft.body["extendedProperties"] = properties
    if "conference" in wanted:
        event_merge.put_conference(draft, event, current, str(uuid.uuid4()))
    return draft, guests is not None or "metadata" in wanted


def _guests_of_update(
    request: event_pb2.UpdateEventRequest, names: list[str], current: Event
) -> list[dict[str, Any]] | None:
    event = request.event
    if "attendees" in names or "room_ids" in names:
        event_merge.refuse_omitted(current)
    if "attendees" in names and "room_ids" in names:
        return event_merge.attendees_of(event, current)
    if "attendees" in names:
        return event_merge.with_guests(current, event)
    if "room_ids" in names:
        return event_merge.with_rooms(current, event.room_ids)
    if request.add_attendees or request.remove_attendees:
        return event_merge.changed_attendees(
            current, request.add_attendees, request.remove_attendees
        )
    return None


async def patch(
    api: Api,
    calendar_id: str,
    event_id: str,
    body: dict[str, Any],
    *,
    asked: bool | None,
    etag: str = "",
) -> Reply:
    """Write the fields of `body`, and wait a moment for a call that it asks for."""
    reply = await api.send(
        "PATCH",
        event_path(calendar_id, event_id),
        params={**WRITE, **notify(asked)},
        json=body,
        etag=etag,
        resource=("event", event_id),
    )
    return await _with_conference(api, calendar_id, reply)
