"""Making and changing events: single ones, instances, whole series, and series from a point on."""

from providers.core.errors import Kind, ProviderError
from providers.core.fields import apply, roots, take
from providers.sandbox import conferences, drafts, guests, series, slots
from providers.sandbox.drafts import Losses
from providers.sandbox.entries import Entry, Instance, Series
from providers.sandbox.events import event_of
from providers.sandbox.requests import taken
from providers.sandbox.world import World, check_etag
from ucal.v1 import event_pb2, types_pb2

_THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
_FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
_UNSAID = types_pb2.UPDATE_SCOPE_UNSPECIFIED

_TIMES = frozenset({"start_at", "end_at"})
# A new SEQUENCE tells attendees that their answer may not hold any more (RFC 5546 2.1.4).
_SEQUENCE = frozenset({"start_at", "end_at", "recurrence", "location", "status"})


def create_event(
    world: World, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent; with link_id, a booking."""
    calendar_id, agenda = world.writable(request.event.calendar_id)
    own_id = world.requests.id_for("event", request.request_id)
    if world.requests.repeats("event", own_id, request):
        if own_id not in agenda.entries:
            raise taken("event", own_id)
        return event_pb2.CreateEventResponse(event=agenda.entries[own_id].event())
    event = event_pb2.Event(id=own_id, calendar_id=calendar_id, link_id=request.event.link_id)
    take(event, request.event, drafts.WRITABLE)
    event.ical_uid = f"{own_id}@sandbox.example"
    event.web_url = f"https://calendar.sandbox.example/e/{own_id}"
    event.organizer.CopyFrom(world.account)
    link = slots.book(world, event) if event.link_id else None
    losses = drafts.settle(world, event, None)
    losses.refuse_if(request.strict)
    world.save_event(event)
    conferences.expect(world, event)
    if link is not None:
        slots.use_up(world, link)
    world.requests.remember(own_id, request.request_id, request)
    answer = event_pb2.CreateEventResponse(event=event)
    losses.report(answer.report)
    answer.report.notifications = guests.outcome(world, event, request.event)
    return answer


def update_event(
    world: World, request: event_pb2.UpdateEventRequest, *, half: bool = False
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent. With `half`, a split breaks in the middle, as it may at a vendor.

    With ALL and the id of an instance, times are those of the instance: the series moves by as
    much. THIS_AND_FOLLOWING from the first instance on is ALL.
    """
    _, agenda = world.writable(request.calendar_id or request.event.calendar_id)
    found = agenda.find(request.id)
    _check(world, request, found)
    if isinstance(found, Entry):
        return _single(world, request, found)
    if isinstance(found, Series):
        return _whole(world, request, found, None)
    if request.scope == _THIS:
        return _instance(world, request, found)
    if request.scope == _FOLLOWING and not series.is_first(found.series, found):
        return _split(world, request, found, half=half)
    return _whole(world, request, found.series, found)


def _check(
    world: World, request: event_pb2.UpdateEventRequest, found: Entry | Series | Instance
) -> None:
    """What is asked can be done to what was found.

    Raises:
        ProviderError: INVALID, naming the field; CONFLICT; FORBIDDEN; PRECONDITION.
    """
    check_scope(found, request.scope)
    event = event_of(found)
    check_etag(request.event.etag, event.etag)
    touched = roots(request.update_mask.paths)
    if request.add_attendees or request.remove_attendees:
        if "attendees" in touched:
            raise ProviderError.invalid("add_attendees", "excludes attendees in event")
        touched |= {"attendees"}
    drafts.check_organizer(world, event, touched)
    gone = isinstance(found, Instance) and event.status == event_pb2.EVENT_STATUS_CANCELED
    if gone and request.scope != types_pb2.UPDATE_SCOPE_ALL and "status" not in touched:
        raise canceled_already()


def check_scope(found: Entry | Series | Instance, scope: types_pb2.UpdateScope.ValueType) -> None:
    """The scope fits what is addressed.

    Raises:
        ProviderError: INVALID.
    """
    if isinstance(found, Entry):
        return
    if scope == _UNSAID:
        raise ProviderError.invalid("scope", "is required for an event that recurs")
    if isinstance(found, Series) and scope != types_pb2.UPDATE_SCOPE_ALL:
        raise ProviderError.invalid("scope", "the id is a series': address an instance, or use ALL")


def canceled_already() -> ProviderError:
    """The error of a write to an instance that was canceled."""
    return ProviderError(
        Kind.PRECONDITION, "this instance is canceled already", reason="ALREADY_CANCELED"
    )


def _apply(
    world: World,
    request: event_pb2.UpdateEventRequest,
    event: event_pb2.Event,
    skip: frozenset[str] = frozenset(),
) -> None:
    """Write what the mask names, but for the fields in `skip`, and the attendees' deltas."""
    skip |= {"calendar_id"}
    paths = [path for path in request.update_mask.paths if path.partition(".")[0] not in skip]
    if "room_ids" in roots(paths):
        guests.leave_rooms(world, event)
    apply(event, request.event, paths)
    guests.change(world, event, request.add_attendees, request.remove_attendees)
    if _SEQUENCE & roots(request.update_mask.paths):
        event.sequence += 1


def _answer(
    world: World, request: event_pb2.UpdateEventRequest, event: event_pb2.Event, losses: Losses
) -> event_pb2.UpdateEventResponse:
    conferences.expect(world, event)
    answer = event_pb2.UpdateEventResponse(event=event)
    losses.report(answer.report)
    answer.report.notifications = guests.outcome(world, event, request.event)
    return answer


def _target(world: World, request: event_pb2.UpdateEventRequest, now_in: str) -> str:
    """The calendar in which the event is to be.

    Raises:
        ProviderError: NOT_FOUND; FORBIDDEN when it is read-only.
    """
    if "calendar_id" not in roots(request.update_mask.paths) or not request.event.calendar_id:
        return now_in
    return world.writable(request.event.calendar_id)[0]


def _single(
    world: World, request: event_pb2.UpdateEventRequest, entry: Entry
) -> event_pb2.UpdateEventResponse:
    before, event = entry.event(), entry.event()
    target = _target(world, request, event.calendar_id)
    _apply(world, request, event)
    losses = drafts.settle(world, event, before)
    losses.refuse_if(request.strict)
    if target != event.calendar_id:
        world.move_event(event, target)
    else:
        world.save_event(event)
    return _answer(world, request, event, losses)


def _instance(
    world: World, request: event_pb2.UpdateEventRequest, found: Instance
) -> event_pb2.UpdateEventResponse:
    before, event = event_of(found), event_of(found)
    if "recurrence" in roots(request.update_mask.paths):
        raise ProviderError.invalid("event.recurrence", "an instance has none of its own")
    if _target(world, request, event.calendar_id) != event.calendar_id:
        raise ProviderError.invalid("event.calendar_id", "part of a series cannot be moved")
    _apply(world, request, event)
    losses = drafts.settle(world, event, before)
    losses.refuse_if(request.strict)
    return _answer(world, request, world.save_exception(found.key, event), losses)


def _whole(
    world: World, request: event_pb2.UpdateEventRequest, found: Series, instance: Instance | None
) -> event_pb2.UpdateEventResponse:
    before, event = found.entry.event(), found.entry.event()
    target = _target(world, request, event.calendar_id)
    if instance is not None and _TIMES & roots(request.update_mask.paths):
        seen, asked = event_of(instance), event_of(instance)
        times = [path for path in request.update_mask.paths if path.partition(".")[0] in _TIMES]
        apply(asked, request.event, times)
        _apply(world, request, event, skip=_TIMES)
        series.move_with_instance(event, seen, asked)
    else:
        _apply(world, request, event)
    series.shift_dates(event, before)
    losses = drafts.settle(world, event, before)
    zone = world.agendas[event.calendar_id].zone
    kept, lost = series.plan(found.exceptions.values(), before.start_at, event, zone)
    if lost:
        losses.coerced.append("recurrence")
    losses.refuse_if(request.strict)
    if {key for key, _ in kept} != set(found.exceptions):
        for key in list(found.exceptions):
            world.drop_exception(event.calendar_id, found.id, key)
    else:
        kept = []
    world.save_event(event)
    for key, exception in kept:
        world.save_exception(key, exception)
    if target != event.calendar_id:
        world.move_event(event, target)
    return _answer(world, request, event, losses)


def _split(
    world: World, request: event_pb2.UpdateEventRequest, found: Instance, *, half: bool
) -> event_pb2.UpdateEventResponse:
    """The new series first, then the end of the old one, so that nothing is lost in between."""
    old = found.series
    event, first_rules = series.tail(old, found)
    if _target(world, request, event.calendar_id) != event.calendar_id:
        raise ProviderError.invalid("event.calendar_id", "part of a series cannot be moved")
    before = event_pb2.Event()
    before.CopyFrom(event)
    _apply(world, request, event)
    event.sequence = 0
    series.shift_dates(event, before)
    losses = drafts.settle(world, event, before)
    following = [old.exceptions[key] for key in series.later(old, found.planned)]
    zone = world.agendas[event.calendar_id].zone
    kept, lost = series.plan(following, before.start_at, event, zone)
    if lost:
        losses.coerced.append("recurrence")
    losses.refuse_if(request.strict)
    world.save_event(event)
    if half:
        raise series.incomplete(old.id, event.id)
    shortened = series.shorten(world, old, first_rules, found.planned)
    for key, exception in kept:
        world.save_exception(key, exception)
    answer = _answer(world, request, event, losses)
    answer.split_from.CopyFrom(shortened)
    return answer
