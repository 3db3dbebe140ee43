"""Deleting events and answering invitations."""

from providers.caldav import editing, people, resources, series
from providers.caldav.desk import (
    Desk,
    canceled_already,
    check_etag,
    check_scope,
    refuse_read_only,
    write_back,
)  # fmt: skip
from providers.caldav.dumping import Losses, touch
from providers.caldav.editing import Wish
from providers.caldav.events import event_at, load
from providers.caldav.expanding import pattern_of
from providers.caldav.objects import Object
from providers.caldav.paths import EventId
from providers.caldav.planned import planned_of
from providers.core.errors import Kind, ProviderError
from providers.core.ical_write import write as write_ics
from ucal.v1 import event_pb2, types_pb2

_THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
_ALL = types_pb2.UPDATE_SCOPE_ALL
_TRIES = 2
_CANCELED = event_pb2.EVENT_STATUS_CANCELED


async def delete_event(
    desk: Desk, asked: EventId, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent. An instance is excluded from its series; a series is gone, or ends before it."""
    refuse_read_only(desk.frame)
    for _ in range(_TRIES):
        try:
            found = await load(desk.call, desk.frame, asked)
            event = await event_at(found, asked)
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND and request.allow_missing:
                return event_pb2.DeleteEventResponse(already_absent=True)
            raise
        check_scope(found, asked, request.scope)
        check_etag(request.etag, found)
        answer = await _delete(desk, asked, request, found, event)
        if answer is not None:
            return answer
        if request.etag:
            break
    raise resources.conflict()


async def _delete(
    desk: Desk,
    asked: EventId,
    request: event_pb2.DeleteEventRequest,
    found: Object,
    event: event_pb2.Event,
) -> event_pb2.DeleteEventResponse | None:
    """Delete what `asked` names in `found`; None when somebody was faster."""
    http, calendar = desk.call.http, desk.frame.calendar
    answer = event_pb2.DeleteEventResponse()
    quiet = request.HasField("send_notifications") and not request.send_notifications
    answer.report.notifications = _told_of_deletion(desk, event, quiet=quiet)
    wish = Wish(event, (), (), (), Losses(), desk.address, desk.call.now(), desk.leads(event))
    rest = await _what_is_left(found, asked, request.scope, event, wish)
    if rest is None:
        gone = await resources.delete(http, calendar, found.name, found.etag, quietly=quiet)
        if gone is None:
            return None
        if gone is False and not request.allow_missing:
            raise ProviderError.not_found("event", str(asked))
        answer.already_absent = gone is False
        return answer
    if rest == "canceled":
        if request.allow_missing:
            return event_pb2.DeleteEventResponse(already_absent=True)
        raise canceled_already()
    new = await resources.replace(http, calendar, found.name, write_ics(found.document), found.etag)
    return answer if new is not None else None


async def _what_is_left(
    found: Object,
    asked: EventId,
    scope: types_pb2.UpdateScope.ValueType,
    event: event_pb2.Event,
    wish: Wish,
) -> str | None:
    """Take what is to go out of `found`; None when all of it goes."""
    planned = planned_of(asked.instance)
    if not asked.instance or scope == _ALL or planned is None:
        return None
    if scope == _THIS and event.status == _CANCELED:
        return "canceled"
    if scope == _THIS:
        editing.exclude_instance(found, event, asked.instance, wish)
        return "changed" if found.master is not None or found.overrides else None
    pattern = pattern_of(found) if found.recurs else None
    if pattern is None or await series.is_first(found, pattern, planned):
        return None
    head_rules, _ = series.cut(pattern, planned)
    series.shorten(found, head_rules, planned, wish)
    return "changed"


def _told_of_deletion(
    desk: Desk, event: event_pb2.Event, *, quiet: bool
) -> types_pb2.NotificationOutcome.ValueType:
    """An organizer's cancellation is always sent; an attendee's decline need not be."""
    if not desk.account.schedules or not event.attendees:
        return types_pb2.NOTIFICATION_OUTCOME_NONE
    if desk.leads(event):
        if not desk.tells_others(event):
            return types_pb2.NOTIFICATION_OUTCOME_NONE
        return (
            types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE
            if quiet
            else types_pb2.NOTIFICATION_OUTCOME_REQUESTED
        )
    return (
        types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED
        if quiet
        else types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    )


# -- respond


async def respond_to_event(
    desk: Desk, asked: EventId, request: event_pb2.RespondToEventRequest
) -> event_pb2.RespondToEventResponse:
    """RespondToEvent: the account's own line is changed and no other (P51).

    Raises:
        ProviderError: PRECONDITION NOT_INVITED or ALREADY_CANCELED.
    """
    refuse_read_only(desk.frame)
    quiet = request.HasField("send_notifications") and not request.send_notifications

    async def edit(found: Object) -> EventId:
        check_scope(found, asked, request.scope)
        event = await event_at(found, asked)
        if event.status == _CANCELED:
            raise canceled_already()
        components = found.document.events
        if asked.instance and request.scope == _THIS:
            components = [editing.override_of(found, event, asked.instance)]
        now = desk.call.now()
        answered = False
        for component in components:
            if people.answer(component, desk.frame.addresses, request.response):
                answered = True
                touch(component, now, significant=False)
                if quiet:
                    people.silence_reply(component)
        if not answered:
            raise ProviderError(
                Kind.PRECONDITION,
                "the account behind this connection is not among the attendees",
                reason="NOT_INVITED",
            )
        return asked if request.scope == _THIS else asked.whole

    found, result = await write_back(desk, asked, request.etag, edit)
    answer = event_pb2.RespondToEventResponse(event=await event_at(found, result))
    if request.comment:
        answer.report.dropped_fields.paths.append("comment")
    if request.HasField("proposed_time"):
        answer.report.dropped_fields.paths.append("proposed_time")
    if not desk.account.schedules:
        answer.report.notifications = types_pb2.NOTIFICATION_OUTCOME_NONE
    elif quiet and desk.suppresses:
        answer.report.notifications = types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED
    elif quiet:
        answer.report.notifications = types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE
    else:
        answer.report.notifications = types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    return answer
