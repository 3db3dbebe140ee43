"""Deleting events and answering invitations."""

from providers.core.errors import Kind, ProviderError
from providers.sandbox import guests, series
from providers.sandbox.agenda import Agenda
from providers.sandbox.entries import Entry, Instance, Series
from providers.sandbox.event_writes import canceled_already, check_scope
from providers.sandbox.events import event_of
from providers.sandbox.world import World, check_etag
from ucal.v1 import event_pb2, types_pb2

_THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
_FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
_CANCELED = event_pb2.EVENT_STATUS_CANCELED


def delete_event(
    world: World, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent: single events and series are gone, an instance is canceled and kept.

    THIS_AND_FOLLOWING ends the series before the instance; from the first one on it is ALL.

    Raises:
        ProviderError: NOT_FOUND; INVALID for a scope that does not fit; CONFLICT; PRECONDITION
            ALREADY_CANCELED.
    """
    calendar_id, agenda = world.writable(request.calendar_id)
    found = _find(agenda, request)
    if found is None:
        return event_pb2.DeleteEventResponse(already_absent=True)
    check_scope(found, request.scope)
    event = event_of(found)
    check_etag(request.etag, event.etag)
    answer = event_pb2.DeleteEventResponse()
    answer.report.notifications = guests.outcome(world, event, request)
    if not isinstance(found, Instance):
        world.drop_event(calendar_id, request.id)
    elif request.scope == _THIS:
        event.status = _CANCELED
        event.cancellation_reason = request.reason
        event.sequence += 1
        answer.event.CopyFrom(world.save_exception(found.key, event))
    elif request.scope == _FOLLOWING and not series.is_first(found.series, found):
        _, first_rules = series.tail(found.series, found)
        series.shorten(world, found.series, first_rules, found.planned)
    else:
        world.drop_event(calendar_id, found.series.id)
    return answer


def _find(
    agenda: Agenda, request: event_pb2.DeleteEventRequest
) -> Entry | Series | Instance | None:
    """What is to be deleted; None for what is gone already, where that is no error (P04)."""
    try:
        found = agenda.find(request.id)
    except ProviderError:
        if request.allow_missing:
            return None
        raise
    canceled = isinstance(found, Instance) and found.exception and found.exception.canceled
    if canceled and request.scope == _THIS:
        if request.allow_missing:
            return None
        raise canceled_already()
    return found


def respond_to_event(
    world: World, request: event_pb2.RespondToEventRequest
) -> event_pb2.RespondToEventResponse:
    """RespondToEvent: only the account's own entry is touched (P51).

    Raises:
        ProviderError: NOT_FOUND; INVALID for a scope that does not fit; CONFLICT; PRECONDITION
            NOT_INVITED or ALREADY_CANCELED.
    """
    _, agenda = world.writable(request.calendar_id)
    found = agenda.find(request.id)
    check_scope(found, request.scope)
    if request.scope == _FOLLOWING and not isinstance(found, Entry):
        raise ProviderError.invalid("scope", "an answer is to THIS_INSTANCE or to ALL")
    event = event_of(found)
    check_etag(request.etag, event.etag)
    _reply(event, request)
    if isinstance(found, Entry):
        world.save_event(event)
    elif isinstance(found, Instance) and request.scope == _THIS:
        world.save_exception(found.key, event)
    else:
        event = _reply_to_all(
            world, found.series if isinstance(found, Instance) else found, request
        )
    answer = event_pb2.RespondToEventResponse(event=event)
    if request.HasField("proposed_time"):
        answer.report.dropped_fields.paths.append("proposed_time")
    answer.report.notifications = guests.outcome(world, event, request)
    return answer


def _reply_to_all(
    world: World, found: Series, request: event_pb2.RespondToEventRequest
) -> event_pb2.Event:
    event = found.entry.event()
    _reply(event, request)
    for key, entry in list(found.exceptions.items()):
        exception = entry.event()
        if exception.status != _CANCELED and any(a.is_self for a in exception.attendees):
            _reply(exception, request)
            world.save_exception(key, exception)
    return world.save_event(event)


def _reply(event: event_pb2.Event, request: event_pb2.RespondToEventRequest) -> None:
    if event.status == _CANCELED:
        raise ProviderError(Kind.PRECONDITION, "this event is canceled", reason="ALREADY_CANCELED")
    for attendee in event.attendees:
        if attendee.is_self:
            attendee.response = request.response
            attendee.comment = request.comment
            event.own_response = request.response
            return
    raise ProviderError(
        Kind.PRECONDITION,
        "the account behind this connection is not among the attendees",
        reason="NOT_INVITED",
    )
