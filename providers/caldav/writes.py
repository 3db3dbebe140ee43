"""Making and changing events: what is asked, checked against what is there."""

import uuid
from dataclasses import dataclass

from providers.caldav import editing, people, resources, series
from providers.caldav.desk import (
    Desk,
    after,
    canceled_already,
    check_etag,
    check_scope,
    refuse_read_only,
    told,
    write_back,
)  # fmt: skip
from providers.caldav.dumping import WRITABLE, Losses, Target, new_document, touch, write_event
from providers.caldav.editing import Wish
from providers.caldav.events import event_at, load
from providers.caldav.expanding import pattern_of
from providers.caldav.objects import Frame, Object
from providers.caldav.paths import EventId
from providers.caldav.planned import planned_of
from providers.core.errors import Kind, ProviderError
from providers.core.ical_write import write as write_ics
from ucal.v1 import event_pb2, types_pb2

_THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
_FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
_ALL = types_pb2.UPDATE_SCOPE_ALL
_CANCELED = event_pb2.EVENT_STATUS_CANCELED


async def create_event(
    desk: Desk, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent. A request id becomes name and UID of the event, so a repetition finds it."""
    call, frame = desk.call, desk.frame
    refuse_read_only(frame)
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
    answer.report.notifications = told(desk, request.event)
    if answer.report.notifications == types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED:
        people.silence(component)
    data = write_ics(document)
    etag = await resources.create(call.http, frame.calendar, f"{uid}.ics", data)
    found = await after(desk, EventId(frame.calendar.path, f"{uid}.ics"), data, etag)
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


async def update_event(
    desk: Desk, asked: EventId, request: event_pb2.UpdateEventRequest, target: Frame | None
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent. With `target`, the event goes to another calendar after it was changed.

    THIS_AND_FOLLOWING from the first instance on is ALL.
    """
    refuse_read_only(desk.frame)
    if target is not None:
        refuse_read_only(target)
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
            found, result = await write_back(desk, self.asked, request.event.etag, edit)
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
        self.notifications = told(self.desk, event, self.request.event)
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
        return await after(desk, tail.id, data, etag), await after(desk, head.id, shortened, new)

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
