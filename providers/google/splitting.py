"""This and following: a series is cut in two, since Google has no call for that.

developers.google.com/workspace/calendar/api/guides/recurringevents#modifying_all_following_
instances. The new series is made first, with its exceptions and a call of its own (P46); then the
old one is shortened under the version that was read. When that fails the new one is deleted again.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from providers.core import recurrence, times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.wire import decode
from providers.google import conferences, overrides, reading, series, tables, writing
from providers.google.api import Api, calendar_path, event_path
from providers.google.event_dump import Draft
from providers.google.event_times import dump_time
from providers.google.overrides import Override
from providers.google.wire import Event
from providers.google.writing import Loaded
from ucal.v1 import event_pb2, types_pb2

# Fields of a series that its second half takes over, in Google's words.
_INHERITED = (
    "summary",
    "description",
    "location",
    "colorId",
    "transparency",
    "visibility",
    "status",
    "attendees",
    "reminders",
    "attachments",
    "extendedProperties",
    "guestsCanInviteOthers",
    "guestsCanModify",
    "guestsCanSeeOtherGuests",
    "source",
)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a series is cut, and into what.

    Attributes:
        master: the series as it was read.
        at: planned start of the first instance of the second half.
        zone: of the series.
        head: lines that are left of it; empty when nothing comes before.
        tail: lines of the rest.
    """

    master: Loaded
    at: types_pb2.EventTime
    zone: str
    head: list[str]
    tail: list[str]


async def cut_at(api: Api, calendar_id: str, instance: Event) -> Cut:
    """Find out how the series of `instance` is cut before it."""
    master = await writing.load(api, calendar_id, instance.recurringEventId)
    start = series.event_time(master.event.start)
    at = series.event_time(instance.originalStartTime)
    at.time_zone = start.time_zone
    head, tail = recurrence.split(master.event.recurrence, start, series.planned(at))
    return Cut(master, at, start.time_zone or "UTC", head, tail)


async def shorten(api: Api, calendar_id: str, cut: Cut, *, asked: bool | None) -> Reply:
    """Let the series end before the cut, unless somebody else has changed it since."""
    return await writing.patch(
        api,
        calendar_id,
        cut.master.event.id,
        {"recurrence": cut.head},
        asked=asked,
        etag=cut.master.event.etag,
    )


async def update_following(
    api: Api,
    call: Call,
    request: event_pb2.UpdateEventRequest,
    calendar_id: str,
    cut: Cut,
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent of an instance and the later ones; something comes before it."""
    found = await overrides.exceptions_of(api, calendar_id, cut.master.event)
    half = second_half(request, cut, found)
    writing.refuse_if_strict(request.strict, half.draft)
    asked = writing.wish(request.event)
    reply = await _create(api, calendar_id, cut, half, asked=asked)
    new = decode(reply, Event)
    try:
        if not await overrides.carry_over(api, calendar_id, new.id, half.changed):
            half.draft.coerced.append("recurrence")
        old = await _end_old(api, calendar_id, cut, asked=asked)
    except ProviderError as error:
        await _undo(api, calendar_id, new.id, cut, error)
        raise
    answer = event_pb2.UpdateEventResponse()
    reading.fill_event(answer.event, reply, call.connection_id, calendar_id)
    reading.fill_event(answer.split_from, old, call.connection_id, calendar_id)
    writing.settle(answer.report, half.draft)
    answer.report.notifications = writing.outcome(asked, writing.has_guests(new))
    return answer


async def _create(
    api: Api, calendar_id: str, cut: Cut, half: "Half", *, asked: bool | None
) -> Reply:
    """Insert the second half under an id of our own, so that it can be found again."""
    new_id = uuid.uuid4().hex
    try:
        return await api.send(
            "POST",
            f"{calendar_path(calendar_id)}/events",
            params={**writing.WRITE, **writing.notify(asked)},
            json={**half.body, "id": new_id},
        )
    except ProviderError as error:
        if error.kind is Kind.OUTCOME_UNKNOWN:
            await _undo(api, calendar_id, new_id, cut, error)
        raise


async def _end_old(api: Api, calendar_id: str, cut: Cut, *, asked: bool | None) -> Reply:
    """Shorten the old series; whether a lost answer meant success is looked up."""
    try:
        return await shorten(api, calendar_id, cut, asked=asked)
    except ProviderError as error:
        if error.kind is not Kind.OUTCOME_UNKNOWN:
            raise
        now = await writing.load(api, calendar_id, cut.master.event.id)
        if now.event.recurrence != cut.head:
            raise
        return now.reply


async def _undo(api: Api, calendar_id: str, new_id: str, cut: Cut, cause: ProviderError) -> None:
    """Take the new series away again; nobody needs to hear of it.

    Raises:
        ProviderError: CONFLICT SPLIT_INCOMPLETE when both series are there now.
    """
    try:
        await api.send(
            "DELETE",
            event_path(calendar_id, new_id),
            params={"sendUpdates": "none"},
            expect=(404, 410),
            retry_safe=True,
        )
    except ProviderError:
        raise ProviderError(
            Kind.CONFLICT,
            "the series was split and its first half could not be shortened: both overlap now",
            reason="SPLIT_INCOMPLETE",
            metadata={
                **cause.metadata,
                "event_id": cut.master.event.id,
                "new_event_id": new_id,
            },
        ) from None


# -- the second half


@dataclass(frozen=True, slots=True)
class Half:
    """The second half of a series, as it is to be made.

    Attributes:
        body: what is inserted.
        changed: its instances that are to be changed again, by planned start.
        draft: what of the request was lost or changed.
    """

    body: dict[str, Any]
    changed: list[tuple[types_pb2.EventTime, dict[str, Any]]]
    draft: Draft


def second_half(request: event_pb2.UpdateEventRequest, cut: Cut, found: Sequence[Override]) -> Half:
    """What takes the place of the later instances: the old series, and what the request writes.

    Pure.

    Raises:
        ProviderError: INVALID, naming what Google does not take.
    """
    names = {path.partition(".")[0] for path in request.update_mask.paths} - {"calendar_id"}
    draft, _ = writing.draft_of_update(request, names, cut.master.event)
    start = _zoned(request.event.start_at if "start_at" in names else cut.at, cut)
    by = timedelta()
    if series.same_form(start, cut.at):
        by = series.wall(start, cut.zone) - series.wall(cut.at, cut.zone)
    later = [each for each in found if series.moment(each.planned) >= series.moment(cut.at)]
    old = cut.master.raw()
    body = {name: old[name] for name in _INHERITED if name in old} | draft.body
    if "conference" not in names:
        body |= _call_of(cut.master.event, old)
    if "recurrence" in names:
        if later:
            draft.coerced.append("recurrence")
        later = []
    else:
        body["recurrence"] = _rules(cut, later, start, by)
    end = request.event.end_at if "end_at" in names else _end(cut, start)
    body["start"] = dump_time(start, "event.start_at")
    body["end"] = dump_time(_zoned(end, cut), "event.end_at")
    changed = _changed(cut, later, by, set(draft.body))
    return Half({name: value for name, value in body.items() if value is not None}, changed, draft)


def _end(cut: Cut, start: types_pb2.EventTime) -> types_pb2.EventTime:
    """The end that keeps the length of the series' instances."""
    master = cut.master.event
    first, last = series.event_time(master.start), series.event_time(master.end)
    length = series.moment(last) - series.moment(first)
    if start.WhichOneof("value") == "date":
        return series.moved(start, length, cut.zone)
    found = types_pb2.EventTime()
    times.set_instant(found, times.datetime_of(start.timestamp) + length, start.time_zone)
    return found


def _rules(
    cut: Cut, later: Sequence[Override], start: types_pb2.EventTime, by: timedelta
) -> list[str]:
    """Lines of the second half, with what was cancelled in it."""
    rules = recurrence.shift(cut.tail, cut.at, by) if by else cut.tail
    cancelled = [each for each in later if each.cancelled]
    return [*rules, *overrides.exdates(cancelled, start, by, cut.zone)]


def _changed(
    cut: Cut, later: Sequence[Override], by: timedelta, written: set[str]
) -> list[tuple[types_pb2.EventTime, dict[str, Any]]]:
    """What is to be changed again; on the addressed instance the request has the last word."""
    master, first = cut.master.raw(), series.moment(cut.at)
    found = []
    for each in later:
        if not each.cancelled:
            skip = written if series.moment(each.planned) == first else set()
            planned = series.moved(each.planned, by, cut.zone)
            found.append((planned, overrides.difference(each, master, skip)))
    return found


def _zoned(when: types_pb2.EventTime, cut: Cut) -> types_pb2.EventTime:
    """`when`, planned in the zone of the series when it names none: a series needs one."""
    if when.WhichOneof("value") != "timestamp" or when.time_zone:
        return when
    found = types_pb2.EventTime()
    found.CopyFrom(when)
    found.time_zone = cut.zone
    return found


def _call_of(master: Event, raw: dict[str, Any]) -> dict[str, Any]:
    """The call of the second half: a Meet call is made anew, one of an add-on is taken along."""
    if conferences.is_meet(master):
        key = {"type": tables.MEET}
        asked = {"requestId": uuid.uuid4().hex, "conferenceSolutionKey": key}
        return {"conferenceData": {"createRequest": asked}}
    data = raw.get("conferenceData")
    return {"conferenceData": data} if data else {}
