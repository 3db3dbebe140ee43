"""Making, changing and deleting meetings, series and single instances of them."""

from datetime import UTC, datetime

from providers.core import recurrence, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.dialpad import meetings, rules
from providers.dialpad.api import Api, Owner
from providers.dialpad.events import Found, fetch, instance, show
from providers.dialpad.meetings import EVENT, MeetingId, meeting_id
from providers.dialpad.wire import Json, Meeting
from ucal.v1 import event_pb2, types_pb2

WRITABLE_ON_CREATE = (*meetings.WRITABLE, "recurrence", "conference")
_THIS, _ALL = types_pb2.UPDATE_SCOPE_THIS_INSTANCE, types_pb2.UPDATE_SCOPE_ALL
_TIMES = ("start_at", "end_at")
_PLAIN_ROLES = (types_pb2.ATTENDEE_ROLE_UNSPECIFIED, types_pb2.ATTENDEE_ROLE_REQUIRED)


async def create_event(
    api: Api, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent. A series is read back, and what EXDATE names is taken out of it one by one."""
    event = request.event
    body = _new(event)
    lines = list(event.recurrence.rules)
    taken_out = rules.excluded(lines, event.start_at) if lines else []
    owner = await api.owner(event.calendar_id)
    body["user_id"] = int(owner.user_id)
    try:
        raw = decode(await api.send("POST", "meetings", json=body), Json)
    except ProviderError as error:
        if error.kind is not Kind.CONFLICT:
            raise
        raise ProviderError(
            Kind.ALREADY_EXISTS, "Dialpad has such a meeting", metadata=error.metadata
        ) from None
    found = meetings.read(raw)
    answer = event_pb2.CreateEventResponse()
    show(answer.event, api, owner, (found, raw), instance=False)
    if lines:
        await _finish_series(api, owner, event, answer.event, taken_out)
    _report(answer.report, event, (*_TIMES, "attendees"), found)
    return answer


def _new(event: event_pb2.Event) -> Json:
    call = event.conference
    if call.join_url or call.kind not in (
        types_pb2.CONFERENCE_KIND_UNSPECIFIED,
        types_pb2.CONFERENCE_KIND_DIALPAD,
    ):
        raise ProviderError.invalid(
            "event.conference", "a meeting of Dialpad's has Dialpad's own call and no other"
        )
    start = meetings.seconds(event.start_at, "event.start_at")
    end = meetings.seconds(event.end_at, "event.end_at")
    body: Json = {
        "title": _title(event),
        # PERSONAL would hand out the user's fixed room, whose link many people have.
        "meeting_type": "UNIQUE_MEETING",
        "start_datetime": start,
        "end_datetime": end,
        "duration": _duration(start, end),
        "participants_info": meetings.dump_people(event.attendees, ()),
        "call_out": False,
    }
    if event.recurrence.rules:
        body["recurrence"] = rules.dump(event.recurrence.rules, event.start_at)
    return body


def _title(event: event_pb2.Event) -> str:
    if not event.subject.strip():
        raise ProviderError.invalid("event.subject", "is required by Dialpad")
    return event.subject


def _duration(start: int, end: int) -> int:
    if end <= start:
        raise ProviderError.invalid("event.end_at", "the meeting would end before it starts")
    return end - start


async def _finish_series(
    api: Api,
    owner: Owner,
    sent: event_pb2.Event,
    made: event_pb2.Event,
    taken_out: list[datetime],
) -> None:
    """Compare a series with what was asked for, and take out what EXDATE names.

    Raises:
        ProviderError: PRECONDITION with reason RECURRENCE_NOT_KEPT, after the series was deleted
            again; CONFLICT with reason SERIES_HALF_MADE and its id, when it was not.
    """
    path, params = f"meetings/{made.id}", {"user_id": owner.user_id}
    kept = list(made.recurrence.rules)
    try:
        if not rules.same(list(sent.recurrence.rules), sent.start_at, kept, made.start_at):
            raise ProviderError(
                Kind.PRECONDITION,
                "Dialpad plans other dates than were asked for, as it does in its user's zone",
                reason="RECURRENCE_NOT_KEPT",
            )
        for when in taken_out:
            stamp = int(when.timestamp())
            await api.send("DELETE", path, params={**params, "instance_timestamp": stamp})
    except ProviderError:
        try:
            await api.send("DELETE", path, params=params)
        except ProviderError:
            raise _half_made(made.id) from None
        raise
    if taken_out:
        dates = ",".join(f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}" for when in taken_out)
        recurrence.fill(made.recurrence, [*kept, f"EXDATE:{dates}"], made.start_at)


def _half_made(number: str) -> ProviderError:
    return ProviderError(
        Kind.CONFLICT,
        "the series is there, but not as it was asked for: read it before going on",
        reason="SERIES_HALF_MADE",
        metadata={"event_id": number},
    )


def _report(
    report: types_pb2.WriteReport, sent: event_pb2.Event, names: tuple[str, ...], found: Meeting
) -> None:
    """Dialpad keeps seconds, its user's zone, and addresses without a part to play."""
    zone = timezones.iana_name(found.timezone or "") or ""
    for name in names:
        if name == "attendees":
            if any(a.role not in _PLAIN_ROLES or a.is_resource for a in sent.attendees):
                report.coerced_fields.paths.append(name)
            continue
        when = getattr(sent, name)
        plain = when.WhichOneof("value") == "timestamp" and not when.timestamp.nanos
        if not plain or when.time_zone not in ("", zone):
            report.coerced_fields.paths.append(name)


# -- changing


async def update_event(
    api: Api, request: event_pb2.UpdateEventRequest
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent: Dialpad wants title and times with every change, so they are read first."""
    own_id = meeting_id(request.id)
    owner = await api.owner(request.calendar_id)
    found, own_id = await _target(api, owner, own_id, request.scope)
    paths = {path.partition(".")[0] for path in request.update_mask.paths}
    moved = paths & set(_TIMES)
    if request.scope == _ALL and moved and own_id.number != request.id:
        raise ProviderError.invalid(
            f"event.{min(moved)}", "moving all of a series: address the series, not an instance"
        )
    body = _changed(request, found[0], paths)
    body["user_id"] = int(owner.user_id)
    if own_id.slot is not None:
        body["instance_id"] = str(found[0].instance_id or "")
        body.pop("recurrence", None)
    resource = (EVENT, request.id)
    reply = await api.send("PUT", f"meetings/{own_id.number}", json=body, resource=resource)
    raw = decode(reply, Json)
    answer = event_pb2.UpdateEventResponse()
    after = meetings.read(raw)
    show(answer.event, api, owner, (after, raw), instance=own_id.slot is not None)
    names = (*(name for name in _TIMES if name in paths), *({"attendees"} & paths))
    _report(answer.report, request.event, names, after)
    if moved and found[0].recurrence and own_id.slot is None:
        # Whether what was taken out moves along is not documented.
        answer.report.coerced_fields.paths.append("recurrence")
    return answer


async def _target(
    api: Api, owner: Owner, own_id: MeetingId, scope: types_pb2.UpdateScope.ValueType
) -> tuple[Found, MeetingId]:
    """What a write is about: a single meeting, a series, or one instance.

    Raises:
        ProviderError: NOT_FOUND; INVALID for a scope that does not fit.
    """
    if own_id.slot is not None:
        if scope not in (_THIS, _ALL):
            raise ProviderError.invalid("scope", "say whether this instance or ALL is meant")
        one = await instance(api, owner, own_id)
        if scope == _THIS:
            return one, own_id
        own_id = MeetingId(own_id.number)
    found = await fetch(api, owner, own_id)
    if found[0].recurrence and scope != _ALL:
        raise ProviderError.invalid("scope", "a series is changed as a whole: ALL")
    return found, own_id


def _changed(request: event_pb2.UpdateEventRequest, found: Meeting, paths: set[str]) -> Json:
    """Body of PUT: everything that is there, and the changes."""
    event = request.event
    start = int(meetings.start_of(found).timestamp())
    end = int(meetings.end_of(found).timestamp())
    if "start_at" in paths:
        start = meetings.seconds(event.start_at, "event.start_at")
    if "end_at" in paths:
        end = meetings.seconds(event.end_at, "event.end_at")
    body: Json = {
        "title": _title(event) if "subject" in paths else found.title or "",
        "start_datetime": start,
        "end_datetime": end,
        "duration": _duration(start, end) if paths & set(_TIMES) else max(end - start, 0),
        "participants_info": _people(request, found, paths),
        "call_out": bool(found.call_out),
    }
    if found.recurrence:
        body["recurrence"] = meetings.rules_of(found)[0].partition(":")[2]
    return body


def _people(request: event_pb2.UpdateEventRequest, found: Meeting, paths: set[str]) -> list[Json]:
    """Everybody (P50): Dialpad takes who is not named for uninvited."""
    there = found.participants_info or []
    if "attendees" in paths:
        return meetings.dump_people(request.event.attendees, there)
    removed = {address.lower() for address in request.remove_attendees}
    kept = [
        types_pb2.Attendee(email=person.email or "", name=person.display_name or "")
        for person in there
        if not person.is_organizer and person.email and person.email.lower() not in removed
    ]
    known = {attendee.email.lower() for attendee in kept}
    kept += [each for each in request.add_attendees if each.email.lower() not in known]
    by_phone = [
        {"display_name": person.display_name or "", "phone": person.phone}
        for person in there
        if not person.email and not person.is_organizer and person.phone
    ]
    return [*meetings.dump_people(kept, there), *by_phone]


# -- deleting


async def delete_event(
    api: Api, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent."""
    owner = await api.owner(request.calendar_id)
    answer = event_pb2.DeleteEventResponse()
    try:
        own_id = meeting_id(request.id)
        _, own_id = await _target(api, owner, own_id, request.scope)
        params: dict[str, str | int] = {"user_id": owner.user_id}
        if own_id.slot is not None:
            params["instance_timestamp"] = own_id.slot
        path, resource = f"meetings/{own_id.number}", (EVENT, request.id)
        await api.send("DELETE", path, params=params, resource=resource)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
    return answer
