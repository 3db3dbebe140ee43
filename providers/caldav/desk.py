"""What all writes of events share: whose account it is, what is checked, how it is written back.

A change is read, made in memory and written back under the version that was read. When somebody
else was faster it is made once more on what they wrote, unless the caller named a version (P50).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from providers.caldav import resources
from providers.caldav.account import Account
from providers.caldav.events import load
from providers.caldav.objects import Frame, Object, open_object
from providers.caldav.paths import EventId
from providers.caldav.resources import Blob
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.ical_write import write as write_ics
from ucal.v1 import event_pb2, types_pb2

_ALL = types_pb2.UPDATE_SCOPE_ALL
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


async def after(desk: Desk, id: EventId, data: bytes, etag: str | None) -> Object:
    """The object as the server has it now. With a strong etag it is what was sent, to the octet."""
    if etag:
        found = open_object(Blob(id.name, etag, data), desk.frame)
        if found is not None:
            return found
    return await load(desk.call, desk.frame, id)


def refuse_read_only(frame: Frame) -> None:
    """The calendar takes writes of this account.

    Raises:
        ProviderError: FORBIDDEN.
    """
    if not frame.calendar.is_writable:
        raise ProviderError(
            Kind.FORBIDDEN, "this account may only read this calendar", reason="READ_ONLY"
        )


def told(
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


Edit = Callable[[Object], Awaitable[EventId]]


async def write_back(desk: Desk, asked: EventId, etag: str, edit: Edit) -> tuple[Object, EventId]:
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
            return await after(desk, asked.whole, data, new), result
        if etag or attempt == _TRIES - 1:
            break
    raise resources.conflict()
