"""UpdateEvent: which object a scope means, versions, times of series.

The event is read first, always: only so is it known whether it recurs, and a scope is required
then. What rests on what was read is written under its version, and once more when somebody else was
faster (P50).
"""

from dataclasses import dataclass

import msgspec

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.reach import Reach
from providers.core.wire import decode
from providers.microsoft import (
    carrying,
    drafts,
    patterns,
    people,
    reading,
    series,
    splitting,
    writing,
    zones,
)
from providers.microsoft.api import Api
from providers.microsoft.event_dump import Draft
from providers.microsoft.event_parse import MASTER, parse_event, zone_of
from providers.microsoft.wire import Event
from ucal.v1 import event_pb2, types_pb2


async def update_event(
    api: Api, request: event_pb2.UpdateEventRequest
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent."""
    calendar_id = request.calendar_id or request.event.calendar_id
    found = await writing.load(api, calendar_id, request.id)
    reach = series.reach(found, request.scope)
    check_etag(request.event.etag, found)
    names = {path.partition(".")[0] for path in request.update_mask.paths}
    if reach is Reach.FOLLOWING:
        cut = await splitting.cut_at(api, calendar_id, found)
        if cut.begun:
            return await splitting.update_following(api, request, calendar_id, cut)
        reach = Reach.SERIES  # nothing comes before: it is the whole series
    if reach is Reach.SERIES:
        job = await _of_series(api, request, calendar_id, found, names)
    else:
        job = _Job(request, found, names, request.event.start_at, request.event.end_at)
    if found.seriesMasterId and reach is Reach.OBJECT and "recurrence" in names:
        raise ProviderError.invalid("event.recurrence", "belongs to the series: use scope ALL")
    return await _carry_out(api, job, calendar_id)


def check_etag(etag: str, current: Event) -> None:
    """Hold the caller's version against the one that was read.

    Raises:
        ProviderError: CONFLICT.
    """
    if etag and etag != current.etag:
        raise ProviderError(Kind.CONFLICT, "the event has changed in Outlook: read it again")


@dataclass(slots=True)
class _Job:
    """One PATCH to come.

    Attributes:
        found: what is written, as it was read.
        names: fields to write.
        start: start to write, of the object that is written.
        end: end to write.
    """

    request: event_pb2.UpdateEventRequest
    found: Event
    names: set[str]
    start: types_pb2.EventTime
    end: types_pb2.EventTime

    @property
    def is_series(self) -> bool:
        """It is a whole series that is written."""
        return self.found.type == MASTER or self.found.recurrence is not None


def parsed(found: Event, calendar_id: str) -> event_pb2.Event:
    """An event as the contract has it, for its times."""
    target = event_pb2.Event()
    parse_event(target, found, "", calendar_id)
    return target


async def _of_series(
    api: Api,
    request: event_pb2.UpdateEventRequest,
    calendar_id: str,
    instance: Event,
    names: set[str],
) -> _Job:
    """The job of a series that is addressed by one of its instances: times are that instance's."""
    master = await writing.load(api, calendar_id, instance.seriesMasterId or "")
    event, there = request.event, parsed(master, calendar_id)
    job = _Job(request, master, names, there.start_at, there.end_at)
    zone = zone_of(there)
    planned = parsed(instance, calendar_id).original_start_at
    length = series.wall(there.end_at, zone) - series.wall(there.start_at, zone)
    for name, origin, old in (
        ("start_at", planned, there.start_at),
        ("end_at", series.moved(planned, length, zone), there.end_at),
    ):
        if name not in names:
            continue
        wanted: types_pb2.EventTime = getattr(event, name)
        if not series.same_form(wanted, old):
            raise ProviderError.invalid(
                f"event.{name}", "address the series itself to change between days and times"
            )
        own = wanted.time_zone or zone
        shifted = series.moved(old, series.wall(wanted, own) - series.wall(origin, own), own)
        shifted.time_zone = wanted.time_zone or old.time_zone
        if name == "start_at":
            job.start = shifted
        else:
            job.end = shifted
    return job


async def _carry_out(api: Api, job: _Job, calendar_id: str) -> event_pb2.UpdateEventResponse:
    addressed = job.found.id == job.request.id
    given = job.request.event.etag if addressed else ""
    for attempt in (1, 2):
        draft, rests = drafts.of_update(job.request, job.names, job.found)
        kept = await _plan_times(api, job, calendar_id, draft)
        writing.refuse_if_strict(
            job.request.strict, draft, job.request.event, guests=people.has_guests(job.found)
        )
        etag = given or (job.found.etag if rests or kept or job.request.event.etag else "")
        try:
            reply = await _written(api, job, calendar_id, draft, etag)
        except ProviderError as error:
            stale = error.kind is Kind.CONFLICT and not job.request.event.etag
            if attempt == 2 or not stale:
                raise
            job.found = await writing.load(api, calendar_id, job.found.id)
            continue
        return await _settle(api, job, calendar_id, draft, kept=kept, reply=reply)
    raise AssertionError("unreachable")


async def _written(api: Api, job: _Job, calendar_id: str, draft: Draft, etag: str) -> Reply | None:
    if not draft.body:
        return None
    return await writing.patch(api, calendar_id, job.found.id, draft.body, etag=etag)


async def _settle(
    api: Api,
    job: _Job,
    calendar_id: str,
    draft: Draft,
    *,
    kept: carrying.Exceptions,
    reply: Reply | None,
) -> event_pb2.UpdateEventResponse:
    """Make exceptions again, and tell how it went."""
    answer = event_pb2.UpdateEventResponse()
    if reply is not None:
        master = decode(reply, Event)
        if draft.plan is not None:
            await writing.cancel_days(api, calendar_id, master, draft.plan.skipped)
        if not await carrying.restore(api, calendar_id, master, kept):
            draft.coerce("recurrence")
    again = await reading.read(api, calendar_id, job.found.id)
    now = await reading.fill_event(api, answer.event, again, calendar_id)
    if job.names & {"start_at", "end_at"} and not job.is_series:
        asked = event_pb2.Event()
        for name in job.names & {"start_at", "end_at"}:
            getattr(asked, name).CopyFrom(getattr(job.request.event, name))
        for name in zones.changed_times(asked, answer.event):
            draft.coerce(name)
    writing.settle(answer.report, draft)
    answer.report.notifications = writing.outcome(
        writing.wish(job.request.event), people.has_guests(now)
    )
    return answer


async def _plan_times(api: Api, job: _Job, calendar_id: str, draft: Draft) -> carrying.Exceptions:
    """Write times and recurrence into the draft, and find what has to be made again after."""
    names, event = job.names, job.request.event
    becomes_series = "recurrence" in names and bool(event.recurrence.rules)
    recurring = job.is_series or becomes_series
    await drafts.put_times(
        api, draft, names, job.found, start=job.start, end=job.end, recurring=recurring
    )
    if "recurrence" in names:
        return await _plan_recurrence(api, job, calendar_id, draft)
    if not job.is_series or "start_at" not in names:
        return carrying.Exceptions()
    return await _plan_move(api, job, calendar_id, draft)


async def _plan_move(api: Api, job: _Job, calendar_id: str, draft: Draft) -> carrying.Exceptions:
    """A series that begins at another time: its rule and its exceptions move along (P39)."""
    before = parsed(job.found, calendar_id)
    zone = zone_of(before)
    new_zone = draft.body["start"]["timeZone"] or zone
    there = series.wall(before.start_at, zone).date()
    by = series.wall(job.start, new_zone).date() - there
    body = patterns.moved(msgspec.to_builtins(job.found.recurrence), by, "event.start_at")
    body["range"]["recurrenceTimeZone"] = new_zone
    draft.body["recurrence"] = body
    found = await carrying.exceptions_of(api, calendar_id, job.found)
    if not series.same_form(job.start, before.start_at):
        if found:
            draft.coerce("recurrence")
        return carrying.Exceptions()
    return found.moved(by).without(_written_words(draft))


def _written_words(draft: Draft) -> set[str]:
    return set(draft.body) - {"start", "end", "recurrence", "isAllDay"}


async def _plan_recurrence(
    api: Api, job: _Job, calendar_id: str, draft: Draft
) -> carrying.Exceptions:
    """A new rule: what its lines name is cancelled, changed instances are told as lost."""
    event = job.request.event
    if job.found.recurrence is not None:
        found = await carrying.exceptions_of(api, calendar_id, job.found)
        if found.changed or (found.cancelled and not event.recurrence.rules):
            draft.coerce("recurrence")
    if not event.recurrence.rules:
        draft.body["recurrence"] = None
        return carrying.Exceptions()
    start = job.start if "start_at" in job.names else parsed(job.found, calendar_id).start_at
    if "start_at" not in job.names:
        await drafts.choose_zone(api, draft, start, recurring=True)
    elif start.WhichOneof("value") == "timestamp" and not start.time_zone:
        start.time_zone = draft.body["start"]["timeZone"]
    drafts.put_recurrence(draft, event, start)
    return carrying.Exceptions()
