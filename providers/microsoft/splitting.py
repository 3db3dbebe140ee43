"""This and following: a series is cut in two, since Graph has no call for that.

The new series is made first, with its exceptions and a Teams meeting of its own; then the old one
is shortened under the version that was read. When that fails the new one is deleted again.
"""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec

from providers.core import recurrence, times, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.wire import decode
from providers.microsoft import (
    bodies,
    carrying,
    drafts,
    instances,
    patterns,
    people,
    reading,
    series,
    writing,
)
from providers.microsoft.api import Api
from providers.microsoft.event_dump import Body, Draft
from providers.microsoft.event_parse import METADATA_ID, parse_event, zone_of
from providers.microsoft.wire import Event
from ucal.v1 import event_pb2, types_pb2

_DAY = timedelta(days=1)
# Fields of a series that its second half takes over.
_INHERITED = (
    "subject",
    "body",
    "location",
    "locations",
    "attendees",
    "showAs",
    "sensitivity",
    "importance",
    "categories",
    "isReminderOn",
    "reminderMinutesBeforeStart",
    "responseRequested",
    "allowNewTimeProposals",
    "hideAttendees",
)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a series is cut, and into what.

    Attributes:
        master: the series as it was read.
        event: the same, as the contract has it.
        at: planned start of the first instance of the second half.
        day: its day in the zone of the series.
        begun: something comes before it.
        tail: lines of the rest.
    """

    master: Event
    event: event_pb2.Event
    at: types_pb2.EventTime
    day: date
    begun: bool
    tail: list[str]

    @property
    def zone(self) -> str:
        """IANA name of the zone of the series."""
        return zone_of(self.event)

    def shortened(self) -> Body:
        """The recurrence that is left of the series."""
        body: Body = msgspec.to_builtins(self.master.recurrence)
        limits = {
            "type": "endDate",
            "startDate": body["range"]["startDate"],
            "endDate": (self.day - _DAY).isoformat(),
            "recurrenceTimeZone": body["range"].get("recurrenceTimeZone"),
        }
        return {"pattern": body["pattern"], "range": limits}


async def cut_at(api: Api, calendar_id: str, instance: Event) -> Cut:
    """Find out how the series of `instance` is cut before it.

    Raises:
        ProviderError: PRECONDITION for a series that RFC 5545 has no words for.
    """
    master = await writing.load(api, calendar_id, instance.seriesMasterId or "")
    event, one = event_pb2.Event(), event_pb2.Event()
    parse_event(event, master, "", calendar_id)
    parse_event(one, instance, "", calendar_id)
    at = one.original_start_at
    at.time_zone = event.start_at.time_zone
    day = instances.planned_day(instance, timezones.zone(zone_of(event)))
    if event.recurrence.inexpressible or day is None:
        raise ProviderError(
            Kind.PRECONDITION,
            "Outlook repeats this series in a way that cannot be cut: change it in Outlook",
            reason="RECURRENCE_INEXPRESSIBLE",
        )
    planned = times.local(at) if at.WhichOneof("value") == "date" else times.instant(at)
    begun, tail = recurrence.split(event.recurrence.rules, event.start_at, planned)
    return Cut(master, event, at, day, bool(begun), tail)


async def shorten(api: Api, calendar_id: str, cut: Cut, found: carrying.Exceptions) -> bool:
    """Let the series end before the cut, unless somebody else has changed it since.

    Returns:
        Whether all the exceptions before the cut are there still.
    """
    body = {"recurrence": cut.shortened()}
    reply = await writing.patch(api, calendar_id, cut.master.id, body, etag=cut.master.etag)
    return await carrying.restore(api, calendar_id, decode(reply, Event), found.before(cut.day))


async def update_following(
    api: Api, request: event_pb2.UpdateEventRequest, calendar_id: str, cut: Cut
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent of an instance and the later ones; something comes before it."""
    found = await carrying.exceptions_of(api, calendar_id, cut.master)
    draft, later = await _second_half(api, request, cut, found)
    guests = people.has_guests(cut.master)
    writing.refuse_if_strict(request.strict, draft, request.event, guests=guests)
    new = decode(await _create(api, calendar_id, cut, draft), Event)
    try:
        if draft.plan is not None:
            await writing.cancel_days(api, calendar_id, new, draft.plan.skipped)
        whole = await carrying.restore(api, calendar_id, new, later)
        whole = await _end_old(api, calendar_id, cut, found) and whole
    except ProviderError as error:
        await _undo(api, calendar_id, new.id, cut, error)
        raise
    if not whole:
        draft.coerce("recurrence")
    answer = event_pb2.UpdateEventResponse()
    for target, own_id in ((answer.event, new.id), (answer.split_from, cut.master.id)):
        reply = await reading.read(api, calendar_id, own_id)
        await reading.fill_event(api, target, reply, calendar_id)
    writing.settle(answer.report, draft)
    answer.report.notifications = writing.outcome(writing.wish(request.event), guests)
    return answer


async def _create(api: Api, calendar_id: str, cut: Cut, draft: Draft) -> Reply:
    """Insert the second half under a transaction of our own, so that it can be found again."""
    body = draft.body | {"transactionId": str(uuid.uuid4())}
    try:
        return await writing.insert(api, calendar_id, body, repeatable=True)
    except ProviderError as error:
        if error.kind not in {Kind.OUTCOME_UNKNOWN, Kind.ALREADY_EXISTS}:
            raise
        made = await writing.made_before(api, calendar_id, body)
        if made is None:
            raise
        if error.kind is Kind.OUTCOME_UNKNOWN:
            await _undo(api, calendar_id, made.id, cut, error)
            raise
        return await reading.read(api, calendar_id, made.id)


async def _end_old(api: Api, calendar_id: str, cut: Cut, found: carrying.Exceptions) -> bool:
    """Shorten the old series; whether a lost answer meant success is looked up."""
    try:
        return await shorten(api, calendar_id, cut, found)
    except ProviderError as error:
        if error.kind is not Kind.OUTCOME_UNKNOWN:
            raise
        now = await writing.load(api, calendar_id, cut.master.id)
        if now.recurrence is None or now.recurrence.range is None:
            raise
        if now.recurrence.range.endDate != cut.shortened()["range"]["endDate"]:
            raise
        return await carrying.restore(api, calendar_id, now, found.before(cut.day))


async def _undo(api: Api, calendar_id: str, new_id: str, cut: Cut, cause: ProviderError) -> None:
    """Take the new series away again.

    Raises:
        ProviderError: CONFLICT SPLIT_INCOMPLETE when both series are there now.
    """
    try:
        await writing.remove(api, calendar_id, new_id)
    except ProviderError:
        raise ProviderError(
            Kind.CONFLICT,
            "the series was split and its first half could not be shortened: both overlap now",
            reason="SPLIT_INCOMPLETE",
            metadata={
                **cause.metadata,
                "event_id": cut.master.id,
                "new_event_id": new_id,
            },
        ) from None


# -- the second half


async def _second_half(
    api: Api, request: event_pb2.UpdateEventRequest, cut: Cut, found: carrying.Exceptions
) -> tuple[Draft, carrying.Exceptions]:
    """What takes the place of the later instances, and its exceptions.

    Raises:
        ProviderError: INVALID, naming what Outlook does not take; PRECONDITION.
    """
    names = {path.partition(".")[0] for path in request.update_mask.paths}
    event = request.event
    draft, _ = drafts.of_update(request, names, cut.master)
    draft.patch = False
    start = _zoned(event.start_at if "start_at" in names else cut.at, cut)
    end = _zoned(event.end_at if "end_at" in names else _end(cut, start), cut)
    both = {"start_at", "end_at"}
    await drafts.put_times(api, draft, both, cut.master, start=start, end=end, recurring=True)
    later = found.since(cut.day)
    if "recurrence" in names:
        if later.changed:
            draft.coerce("recurrence")
        later = carrying.Exceptions()
        drafts.put_recurrence(draft, event, start)
    else:
        by = series.wall(start, start.time_zone or cut.zone).date() - cut.day
        later = later.moved(by)
        draft.body["recurrence"] = patterns.moved(
            patterns.dump(cut.tail, cut.at, "event.recurrence").body, by, "event.start_at"
        )
        draft.body["recurrence"]["range"]["recurrenceTimeZone"] = draft.body["start"]["timeZone"]
    written = set(draft.body) - {"start", "end", "recurrence", "isAllDay"}
    first = later.changed.get(cut.day)
    if first is not None:  # on the addressed instance the request has the last word
        later.changed[cut.day] = {k: v for k, v in first.items() if k not in written}
    draft.body = _inherited(found.raw, cut.master) | draft.body
    return draft, later


def _inherited(old: dict[str, Any], master: Event) -> Body:
    """What the new series takes over; a Teams call is made anew, with a block of its own (P46)."""
    body: Body = {name: old[name] for name in _INHERITED if old.get(name) is not None}
    if "body" in body:
        body["body"] = {
            **body["body"],
            "content": bodies.without_block(body["body"]["content"] or ""),
        }
    for guest in body.get("attendees", ()):
        guest.pop("status", None)  # nobody has answered the new invitation
    kept = [
        {"id": each.id, "value": each.value}
        for each in master.singleValueExtendedProperties or ()
        if (each.id or "").lower() == METADATA_ID.lower()
    ]
    if kept:
        body["singleValueExtendedProperties"] = kept
    if master.isOnlineMeeting:
        body["isOnlineMeeting"] = True
        body["onlineMeetingProvider"] = master.onlineMeetingProvider
    return body


def _end(cut: Cut, start: types_pb2.EventTime) -> types_pb2.EventTime:
    """The end that keeps the length of the series' instances."""
    zone = start.time_zone or cut.zone
    length = series.wall(cut.event.end_at, cut.zone) - series.wall(cut.event.start_at, cut.zone)
    found = series.moved(start, length, zone)
    found.time_zone = start.time_zone
    return found


def _zoned(when: types_pb2.EventTime, cut: Cut) -> types_pb2.EventTime:
    """`when`, planned in the zone of the series when it names none: a series needs one."""
    if when.WhichOneof("value") != "timestamp" or when.time_zone:
        return when
    found = types_pb2.EventTime()
    found.CopyFrom(when)
    found.time_zone = cut.zone
    return found
