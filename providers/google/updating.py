"""UpdateEvent: which object a scope means, moves between calendars, versions, times of series.

The event is read first, always: only so is it known whether it recurs, and a scope is required
then. What rests on what was read is written under its version, and once more when somebody else was
faster (P50).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from providers.core import recurrence
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.reach import Reach
from providers.core.wire import decode
from providers.google import overrides, reading, series, splitting, writing
from providers.google.api import Api, event_path
from providers.google.calendars import read_entry
from providers.google.event_dump import Draft
from providers.google.event_times import dump_time
from providers.google.wire import Event
from providers.google.writing import Loaded
from ucal.v1 import event_pb2, types_pb2


async def update_event(
    api: Api, call: Call, request: event_pb2.UpdateEventRequest
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent."""
    calendar_id = request.calendar_id or request.event.calendar_id or "primary"
    found = await writing.load(api, calendar_id, request.id)
    _refuse_dead(found.event, request)
    reach = series.reach(found.event, request.scope)
    check_etag(request.event.etag, found.event)
    names = {path.partition(".")[0] for path in request.update_mask.paths}
    target = await _destination(api, request, names, calendar_id, found.event)
    if reach is Reach.FOLLOWING:
        cut = await splitting.cut_at(api, calendar_id, found.event)
        if cut.head:
            return await splitting.update_following(api, call, request, calendar_id, cut)
        reach = Reach.SERIES  # nothing comes before: it is the whole series
    if reach is Reach.SERIES:
        job = await _of_series(api, request, calendar_id, found, names)
    else:
        job = _Job(request, request.id, found, names)
    return await _carry_out(api, call, job, calendar_id, target)


def check_etag(etag: str, current: Event) -> None:
    """Hold the caller's version against the one that was read.

    Raises:
        ProviderError: CONFLICT.
    """
    if etag and etag != current.etag:
        raise ProviderError(Kind.CONFLICT, "the event has changed at Google: read it again")


def _refuse_dead(current: Event, request: event_pb2.UpdateEventRequest) -> None:
    """A deleted event is not there, unless it is to be brought back."""
    revived = "status" in request.update_mask.paths
    if current.status == reading.CANCELLED and not current.recurringEventId and not revived:
        raise ProviderError.not_found("event", request.id)


@dataclass(slots=True)
class _Job:
    """One PATCH to come.

    Attributes:
        event_id: what is written.
        found: that object as it was read.
        names: fields to write.
        start: where a series that is addressed by an instance is to begin.
        end: the same for its end.
    """

    request: event_pb2.UpdateEventRequest
    event_id: str
    found: Loaded
    names: set[str]
    start: types_pb2.EventTime | None = None
    end: types_pb2.EventTime | None = None

    @property
    def asked(self) -> bool | None:
        """Whether guests are to be told."""
        return writing.wish(self.request.event)


async def _of_series(
    api: Api,
    request: event_pb2.UpdateEventRequest,
    calendar_id: str,
    instance: Loaded,
    names: set[str],
) -> _Job:
    """The job of a series that is addressed by one of its instances: times are that instance's."""
    master_id = instance.event.recurringEventId
    master = await writing.load(api, calendar_id, master_id)
    job = _Job(request, master_id, master, names)
    if not names & {"start_at", "end_at"}:
        return job
    event, zone = request.event, master.event.start.timeZone if master.event.start else None
    planned = series.event_time(instance.event.originalStartTime)
    first, last = series.event_time(master.event.start), series.event_time(master.event.end)
    length = series.moment(last) - series.moment(first)
    for name, origin, old in (
        ("start_at", planned, first),
        ("end_at", series.moved(planned, length, zone or "UTC"), last),
    ):
        if name not in names:
            continue
        wanted: types_pb2.EventTime = getattr(event, name)
        if not series.same_form(wanted, old):
            raise ProviderError.invalid(
                f"event.{name}", "address the series itself to change between days and times"
            )
        zone_name = wanted.time_zone or zone or "UTC"
        by = series.wall(wanted, zone_name) - series.wall(origin, zone_name)
        shifted = series.moved(old, by, zone_name)
        shifted.time_zone = wanted.time_zone or old.time_zone
        if name == "start_at":
            job.start = shifted
        else:
            job.end = shifted
    return job


async def _carry_out(
    api: Api, call: Call, job: _Job, calendar_id: str, target: str
) -> event_pb2.UpdateEventResponse:
    answer = event_pb2.UpdateEventResponse()
    moved = False
    reply = job.found.reply
    if target and target != calendar_id:
        reply = await _move(api, job, calendar_id, target)
        job.found = Loaded(decode(reply, Event), reply)
        calendar_id, moved = target, True
    draft = Draft()
    if job.names - {"calendar_id"} or job.request.add_attendees or job.request.remove_attendees:
        try:
            reply, draft = await _patched(api, job, calendar_id, fresh=moved)
        except ProviderError as error:
            raise _half_moved(error, job) if moved else error from None
    event = reading.fill_event(answer.event, reply, call.connection_id, calendar_id)
    writing.settle(answer.report, draft)
    answer.report.notifications = writing.outcome(job.asked, writing.has_guests(event))
    return answer


def _half_moved(error: ProviderError, job: _Job) -> ProviderError:
    return ProviderError(
        Kind.CONFLICT,
        "the event has moved to the other calendar, and the rest was not written: " + error.message,
        reason="MOVE_INCOMPLETE",
        metadata={**error.metadata, "event_id": job.event_id},
    )


async def _patched(api: Api, job: _Job, calendar_id: str, *, fresh: bool) -> tuple[Reply, Draft]:
    """Write, and once more on a newer reading when the one at hand was too old."""
    try:
        return await _patched_once(api, job, calendar_id, fresh=fresh)
    except ProviderError as error:
        if error.kind is not Kind.CONFLICT or job.request.event.etag:
            raise
    job.found = await writing.load(api, calendar_id, job.event_id)
    return await _patched_once(api, job, calendar_id, fresh=fresh)


async def _patched_once(
    api: Api, job: _Job, calendar_id: str, *, fresh: bool
) -> tuple[Reply, Draft]:
    addressed = job.event_id == job.request.id
    given = job.request.event.etag if addressed and not fresh else ""
    draft, rests = writing.draft_of_update(job.request, job.names, job.found.event)
    later = await _keep_exceptions(api, job, calendar_id, draft)
    writing.refuse_if_strict(job.request.strict, draft)
    if not draft.body:
        return job.found.reply, draft
    etag = given or (job.found.event.etag if rests or job.request.event.etag else "")
    reply = await writing.patch(
        api, calendar_id, job.event_id, draft.body, asked=job.asked, etag=etag
    )
    if later and not await overrides.carry_over(api, calendar_id, job.event_id, later):
        draft.coerced.append("recurrence")
    return reply, draft


async def _keep_exceptions(
    api: Api, job: _Job, calendar_id: str, draft: Draft
) -> list[tuple[types_pb2.EventTime, dict[str, Any]]]:
    """Move the exceptions of a series along when its start moves (P39), or tell that they go.

    Returns:
        Changed instances of the moved series, to be changed again.
    """
    current = job.found.event
    if job.start is not None:
        draft.body["start"] = dump_time(job.start, "event.start_at", patch=True)
    if job.end is not None:
        draft.body["end"] = dump_time(job.end, "event.end_at", patch=True)
    if not current.recurrence or not job.names & {"start_at", "recurrence"}:
        return []
    old = series.event_time(current.start)
    new = job.start or (job.request.event.start_at if "start_at" in job.names else old)
    zone = (current.start.timeZone if current.start else None) or "UTC"
    kept_zone = (new.time_zone or zone) == zone
    by = timedelta()
    if series.same_form(old, new):
        by = series.wall(new, zone) - series.wall(old, zone)
    if "recurrence" in job.names or not kept_zone or not series.same_form(old, new):
        if await overrides.exceptions_of(api, calendar_id, current):
            draft.coerced.append("recurrence")
        return []
    if not by:
        return []
    found = await overrides.exceptions_of(api, calendar_id, current)
    rules = recurrence.shift(current.recurrence, old, by)
    cancelled = [each for each in found if each.cancelled]
    rules += overrides.exdates(cancelled, new, by, zone)
    if rules != current.recurrence:
        draft.body["recurrence"] = rules
    master, skip = job.found.raw(), set(draft.body)
    return [
        (series.moved(each.planned, by, zone), overrides.difference(each, master, skip))
        for each in found
        if not each.cancelled
    ]


# -- moves


async def _destination(
    api: Api,
    request: event_pb2.UpdateEventRequest,
    names: set[str],
    calendar_id: str,
    current: Event,
) -> str:
    """Id of the calendar that the event is to move to; "" when it stays.

    Raises:
        ProviderError: INVALID for what Google does not move.
    """
    target = request.event.calendar_id
    if "calendar_id" not in names or not target or target == calendar_id:
        return ""
    if "primary" in {target, calendar_id}:
        named = calendar_id if target == "primary" else target
        if (await read_entry(api, "primary")).id == named:
            return ""
    if current.recurringEventId:
        raise ProviderError.invalid(
            "event.calendar_id", "an instance cannot leave its series: move the series"
        )
    if current.eventType not in {"", "default"}:
        raise ProviderError.invalid(
            "event.calendar_id", "Google moves plain events only, and this one is of another type"
        )
    return target


async def _move(api: Api, job: _Job, calendar_id: str, target: str) -> Reply:
    """Move the event; it keeps its id. Moving takes no version, so that was compared before."""
    return await api.send(
        "POST",
        f"{event_path(calendar_id, job.event_id)}/move",
        params={"destination": target, **writing.notify(job.asked)},
        resource=("event", job.event_id),
    )
