"""Making, changing, deleting and answering events: what is asked, checked against what is there.

A change is read, made in memory and written back under the version that was read. When somebody
else was faster it is made once more on what they wrote, unless the caller named a version (P50).
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from providers.caldav import editing, people, resources, series
from providers.caldav.account import Account
from providers.caldav.dumping import WRITABLE, Losses, Target, new_document, touch, write_event
from providers.caldav.editing import Wish
from providers.caldav.events import event_at, load
from providers.caldav.expanding import pattern_of
from providers.caldav.objects import Frame, Object, open_object
from providers.caldav.paths import EventId
from providers.caldav.planned import planned_of
from providers.caldav.resources import Blob
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.ical_write import write as write_ics
from ucal.v1 import event_pb2, types_pb2

_THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
_FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
_ALL = types_pb2.UPDATE_SCOPE_ALL
_CANCELED = event_pb2.EVENT_STATUS_CANCELED
_TRIES = 2


@dataclass(slots=True)
class Desk:
    """Where one write is made.

    Attributes:
        suppresses: the server lets itself be told to keep quiet.
    """

    call: Call
    account: Account
    frame: Frame
    suppresses: bool = True

    @property
    def address(self) -> str:
        """Mail address of the account, "" when it has none."""
        return self.account.addresses[0] if self.account.addresses else ""

    def leads(self, event: event_pb2.Event) -> bool:
        """Whether the account is the one that calls the event."""
        organizer = event.organizer.email.lower()
        return not organizer or organizer in self.frame.addresses

    def tells_others(self, event: event_pb2.Event) -> bool:
        """Whether the server writes to somebody when this event is written."""
        others = any(not attendee.is_self for attendee in event.attendees)
        return self.account.schedules and others and self.leads(event)


# -- create


async def create_event(
    desk: Desk, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent. A request id becomes name and UID of the event, so a repetition finds it."""
    call, frame = desk.call, desk.frame
    _refuse_read_only(frame)
    uid = str(uuid.uuid4()).upper()
    if request.request_id:
        name = f"{call.connection_id}\n{request.request_id.lower()}"
        uid = str(uuid.uuid5(uuid.NAMESPACE_URL, name)).upper()
    losses = Losses()
    document, component = new_document(uid, call.now())
    given = {field.name for field, _ in request.event.ListFields()}
    names = [name for name in WRITABLE if name in given]
    write_event(Target(document, component, losses, desk.address), request.event, names)
    touch(component, call.now(), significant=True)
    losses.refuse_if(request.strict)
    answer = event_pb2.CreateEventResponse()
    losses.report(answer.report)
    answer.report.notifications = _told(desk, request.event)
    if answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED:
        people.silence(component)
    data = write_ics(document)
    etag = await resources.create(call.http, frame.calendar, f"{uid}.ics", data)
    found = await _after(desk, EventId(frame.calendar.path, f"{uid}.ics"), data, etag)
    if etag is None and not (request.request_id and _uid(found) == uid):
        raise ProviderError(
            Kind.ALREADY_EXISTS,
            "the calendar has an event under this name already",
            resource=("event", str(found.id)),
        )
    found.event(answer.event)
    return answer


def _uid(found: Object) -> str:
    return found.master.text("UID") if found.master else ""


async def _after(desk: Desk, id: EventId, data: bytes, etag: str | None) -> Object:
    """The object as the server has it now. With a strong etag it is what was sent, to the octet."""
    if etag:
        found = open_object(Blob(id.name, etag, data), desk.frame)
        if found is not None:
            return found
    return await load(desk.call, desk.frame, id)


def _refuse_read_only(frame: Frame) -> None:
    if not frame.calendar.is_writable:
        raise ProviderError(
            Kind.FORBIDDEN, "this account may only read this calendar", reason="READ_ONLY"
        )


def _told(
    desk: Desk, event: event_pb2.Event, wanted: event_pb2.Event | None = None
) -> types_pb2.NotificationOutcome.ValueType:
    """What happens to notifications when `event` is written as `wanted` asks."""
    asked = wanted if wanted is not None else event
    if not desk.tells_others(event):
        return types_pb2.NOTIFICATION_OUTCOME_NONE
    if not asked.HasField("send_notifications") or asked.send_notifications:
        return types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    if desk.suppresses:
        return types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED
    return types_pb2.NOTIFICATION_OUTCOME_NOT_SUPPRESSIBLE


# -- scopes


def check_scope(found: Object, asked: EventId, scope: types_pb2.UpdateScope.ValueType) -> None:
    """The scope fits what is addressed.

    Raises:
        ProviderError: INVALID.
    """
    if not (found.recurs or asked.instance):
        return
    if not scope:
        raise ProviderError.invalid("scope", "is required for an event that recurs")
    if not asked.instance and scope != _ALL:
        raise ProviderError.invalid("scope", "the id is a series': address an instance, or use ALL")


def check_etag(given: str, found: Object) -> None:
    """The version that the caller means is the one that is there.

    Raises:
        ProviderError: CONFLICT.
    """
    if given and given != found.etag:
        raise resources.conflict()


def canceled_already() -> ProviderError:
    """The error of a write to what was canceled."""
    return ProviderError(Kind.PRECONDITION, "this event is canceled", reason="ALREADY_CANCELED")


# -- update

Edit = Callable[[Object], Awaitable[EventId]]


async def _write_back(desk: Desk, asked: EventId, etag: str, edit: Edit) -> tuple[Object, EventId]:
    """Read, `edit`, write under the version that was read; the object after it.

    Raises:
        ProviderError: NOT_FOUND; CONFLICT.
    """
    for attempt in range(_TRIES):
        found = await load(desk.call, desk.frame, asked)
        check_etag(etag, found)
        result = await edit(found)
        data = write_ics(found.document)
        new = await resources.replace(
            desk.call.http, desk.frame.calendar, asked.name, data, found.etag
        )
        if new is not None:
            return await _after(desk, asked.whole, data, new), result
        if etag or attempt == _TRIES - 1:
            break
    raise resources.conflict()


async def update_event(
    desk: Desk, asked: EventId, request: event_pb2.UpdateEventRequest, target: Frame | None
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent. With `target`, the event goes to another calendar after it was changed.

    THIS_AND_FOLLOWING from the first instance on is ALL.
    """
    _refuse_read_only(desk.frame)
    if target is not None:
        _refuse_read_only(target)
    update = _Update(desk, asked, request)
    if target is not None and asked.instance and request.scope != _ALL:
        raise ProviderError.invalid("event.calendar_id", "part of a series cannot be moved")
    if request.scope == _FOLLOWING and asked.instance and await update.splits():
        return await update.split()
    return await update.plain(target)


@dataclass(slots=True)
class _Update:
    """One UpdateEvent call."""

    desk: Desk
    asked: EventId
    request: event_pb2.UpdateEventRequest
    notifications: types_pb2.NotificationOutcome.ValueType = (
        types_pb2.NOTIFICATION_OUTCOME_UNSPECIFIED
    )

    def wish(self, before: event_pb2.Event) -> Wish:
        """What is wanted of an event that is `before` now."""
        request = self.request
        return Wish(
            event=request.event,
            paths=[p for p in request.update_mask.paths if p.partition(".")[0] != "calendar_id"],
            add=request.add_attendees,
            remove=request.remove_attendees,
            losses=Losses(),
            address=self.desk.address,
            now=self.desk.call.now(),
            raises_sequence=self.desk.leads(before),
        )

    async def plain(self, target: Frame | None) -> event_pb2.UpdateEventResponse:
        """One object is changed."""
        answer = event_pb2.UpdateEventResponse()
        desk, request = self.desk, self.request

        async def edit(found: Object) -> EventId:
            check_scope(found, self.asked, request.scope)
            before = await event_at(found, self.asked)
            wish = self.wish(before)
            result = await self._edit(found, before, wish)
            wish.losses.refuse_if(request.strict)
            wish.losses.report(answer.report)
            self._quiet(found, await event_at(found, result))
            return result

        if self.wish(event_pb2.Event()).names:
            found, result = await _write_back(desk, self.asked, request.event.etag, edit)
        else:
            found = await load(desk.call, desk.frame, self.asked)
            check_scope(found, self.asked, request.scope)
            check_etag(request.event.etag, found)
            result = self.asked.whole
        answer.report.notifications = self.notifications
        if target is not None:
            found, result = (
                await self._move(found, target),
                EventId(target.calendar.path, result.name),
            )
            answer.event.moved_from_id = str(self.asked.whole)
        event = await event_at(found, result)
        answer.event.MergeFrom(event)
        return answer

    async def _edit(self, found: Object, before: event_pb2.Event, wish: Wish) -> EventId:
        """Change `found` in memory; the id of what has been changed."""
        asked, scope = self.asked, self.request.scope
        gone = asked.instance and before.status == _CANCELED
        if gone and scope != _ALL and "status" not in wish.names:
            raise canceled_already()
        if asked.instance and scope == _THIS:
            editing.edit_instance(found, before, asked.instance, wish)
            return asked
        if found.recurs or asked.instance:
            await series.edit_all(found, wish, before if asked.instance else None)
        else:
            editing.edit_single(found, wish)
        return asked.whole

    def _quiet(self, found: Object, event: event_pb2.Event) -> None:
        self.notifications = _told(self.desk, event, self.request.event)
        asked = self.request.event
        for component in found.document.events:
            if self.notifications == types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED:
                people.silence(component)
            elif asked.HasField("send_notifications") and asked.send_notifications:
                people.speak(component)

    async def _move(self, found: Object, target: Frame) -> Object:
        desk = self.desk
        await resources.move(
            desk.call.http, desk.frame.calendar, target.calendar, found.name, found.etag
        )
        return await load(desk.call, target, EventId(target.calendar.path, found.name))

    async def splits(self) -> bool:
        """Whether something of the series comes before the instance that is addressed."""
        found = await load(self.desk.call, self.desk.frame, self.asked)
        planned = planned_of(self.asked.instance)
        if not found.recurs or planned is None:
            return False
        return not await series.is_first(found, pattern_of(found), planned)

    async def split(self) -> event_pb2.UpdateEventResponse:
        """The new series first, then the end of the old one, so that nothing is lost between.

        Raises:
            ProviderError: CONFLICT SPLIT_INCOMPLETE when the second half failed and the first
                could not be undone.
        """
        desk, request = self.desk, self.request
        found = await load(desk.call, desk.frame, self.asked)
        check_etag(request.event.etag, found)
        instance = await event_at(found, self.asked)
        wish = self.wish(instance)
        planned = planned_of(self.asked.instance)
        if planned is None:
            raise ProviderError.not_found("event", str(self.asked))
        head_rules, tail_rules = series.cut(pattern_of(found), planned)
        tail = series.tail_of(found, instance, planned, tail_rules, wish)
        await series.edit_all(tail, wish, None)
        wish.losses.refuse_if(request.strict)
        self._quiet(tail, await event_at(tail, tail.id))
        series.shorten(found, head_rules, planned, wish)
        new, old = await self._write_both(tail, found)
        answer = event_pb2.UpdateEventResponse()
        new.event(answer.event)
        old.event(answer.split_from)
        wish.losses.report(answer.report)
        answer.report.notifications = self.notifications
        return answer

    async def _write_both(self, tail: Object, head: Object) -> tuple[Object, Object]:
        desk = self.desk
        http, calendar = desk.call.http, desk.frame.calendar
        data = write_ics(tail.document)
        etag = await resources.create(http, calendar, tail.name, data)
        if etag is None:
            raise resources.conflict()
        shortened = write_ics(head.document)
        try:
            new = await resources.replace(http, calendar, head.name, shortened, head.etag)
            if new is None:
                raise resources.conflict()
        except ProviderError as error:
            await self._undo(tail, head, error)
            raise
        return await _after(desk, tail.id, data, etag), await _after(desk, head.id, shortened, new)

    async def _undo(self, tail: Object, head: Object, cause: ProviderError) -> None:
        """Take back the new series, unless the old one may have been shortened after all."""
        desk = self.desk
        if cause.kind is not Kind.OUTCOME_UNKNOWN:
            try:
                await resources.delete(desk.call.http, desk.frame.calendar, tail.name, "")
            except ProviderError:
                pass
            else:
                return
        raise ProviderError(
            Kind.CONFLICT,
            "the new series was made, the old one was not shortened for certain: read both, then "
            "delete one of them or shorten the old one",
            reason="SPLIT_INCOMPLETE",
            metadata={"recurring_event_id": str(head.id), "new_event_id": str(tail.id)},
        ) from None


# -- delete


async def delete_event(
    desk: Desk, asked: EventId, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent. An instance is excluded from its series; a series is gone, or ends before it."""
    _refuse_read_only(desk.frame)
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
    _refuse_read_only(desk.frame)
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

    found, result = await _write_back(desk, asked, request.etag, edit)
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
