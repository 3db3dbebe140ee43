"""What happens to a booking after it was made: moved, relocated, confirmed, declined, canceled.

A move makes a new booking with a new uid, and the old one is canceled with a pointer to it (P84).
A booking is read before it is changed: whether it belongs to a series decides what a scope means,
and the uid of a series in a cancellation would end all of it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from providers.calcom import creating, places, reading, tables
from providers.calcom.api import BOOKINGS, ask
from providers.calcom.reading import booking_path
from providers.calcom.wire import Booking
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from ucal.v1 import event_pb2, types_pb2

WRITABLE = ("start_at", "end_at", "location", "conference", "status")
_THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
_FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
_ALL = types_pb2.UPDATE_SCOPE_ALL
_NONE = types_pb2.UPDATE_SCOPE_UNSPECIFIED
# Fields that one call of Cal.com's writes together.
_GROUPS = (
    frozenset({"start_at", "end_at"}),
    frozenset({"location", "conference"}),
    frozenset({"status"}),
)


async def _one(
    call: Call, own_id: str, calendar_id: str, scope: types_pb2.UpdateScope.ValueType
) -> Booking:
    """The one booking of this id, if `scope` fits it.

    Raises:
        ProviderError: NOT_FOUND; INVALID for a series, or an instance without a scope.
    """
    _, pairs, series = await reading.find(call, own_id, calendar_id)
    if series:
        raise ProviderError.invalid(
            "scope", "Cal.com changes one booking at a time: name an instance of the series"
        )
    booking = pairs[0][0]
    if booking.recurringBookingUid and scope == _NONE:
        raise ProviderError.invalid("scope", "is required: the booking belongs to a series")
    return booking


# -- update


async def update_event(
    call: Call, request: event_pb2.UpdateEventRequest
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent. After a move the answer has another id, and `moved_from_id`."""
    paths = {path.partition(".")[0] for path in request.update_mask.paths}
    group = next((each for each in _GROUPS if paths <= each), None)
    if group is None:
        raise ProviderError.invalid(
            "update_mask", "time, place and status of a booking are changed one at a time"
        )
    creating.refuse_if_strict(request.event, [], strict=request.strict)
    calendar_id = request.calendar_id or request.event.calendar_id
    booking = await _one(call, request.id, calendar_id, request.scope)
    answer = event_pb2.UpdateEventResponse()
    if "status" in group:
        reply = await _confirm(call, request, booking)
    elif "location" in group:
        location = places.for_update(request.event, paths)
        reply = await _send(call, request.id, "location", {"location": location}, method="PATCH")
    else:
        reply = await _move(call, request, booking, paths)
    reading.fill(answer.event, call, reply, request.id)
    if "start_at" in group and answer.event.id != request.id:
        answer.event.moved_from_id = request.id
    answer.report.notifications = creating.notified(request.event)
    return answer


async def _send(
    call: Call, own_id: str, action: str, body: dict[str, Any], *, method: str = "POST"
) -> Reply:
    path = booking_path(own_id, action)
    return await ask(call, method, path, version=BOOKINGS, json=body, resource=("event", own_id))


async def _read(call: Call, own_id: str) -> Reply:
    """The booking as it is, where there is nothing to do."""
    path = booking_path(own_id)
    return await ask(call, "GET", path, version=BOOKINGS, resource=("event", own_id))


async def _move(
    call: Call, request: event_pb2.UpdateEventRequest, booking: Booking, paths: set[str]
) -> Reply:
    """Another start, the same length. In the host's name it needs nobody's confirmation."""
    event, begins = request.event, times.parse_rfc3339(booking.start)
    length = times.parse_rfc3339(booking.end) - begins
    start = begins
    if "start_at" in paths:
        if event.start_at.WhichOneof("value") != "timestamp":
            raise ProviderError.invalid("event.start_at", "a booking begins at an instant")
        start = times.instant(event.start_at)
    if "end_at" in paths and event.end_at.WhichOneof("value"):
        ends = times.instant(event.end_at)
        if ends - start != length:
            raise ProviderError.invalid("event.end_at", _keeps(length))
    if start == begins:
        return await _read(call, request.id)
    _check_live(booking)
    body: dict[str, Any] = {"start": times.format_rfc3339(start)}
    hosts = booking.hosts or []
    if hosts and hosts[0].email:
        body["rescheduledBy"] = hosts[0].email
    return await _send(call, request.id, "reschedule", body)


def _keeps(length: timedelta) -> str:
    return f"a booking keeps its length, {length.total_seconds() / 60:.0f} minutes, when it moves"


def _check_live(booking: Booking) -> None:
    if booking.rescheduledToUid:
        raise ProviderError(
            Kind.PRECONDITION,
            "the booking was moved: go on with the new one",
            reason="ALREADY_MOVED",
            metadata={"moved_to_id": booking.rescheduledToUid},
        )
    if booking.status in tables.CANCELED:
        raise ProviderError(
            Kind.PRECONDITION, "a canceled booking cannot be changed", reason="ALREADY_CANCELED"
        )


async def _confirm(call: Call, request: event_pb2.UpdateEventRequest, booking: Booking) -> Reply:
    wanted = request.event.status
    if wanted not in (event_pb2.EVENT_STATUS_CONFIRMED, event_pb2.EVENT_STATUS_UNSPECIFIED):
        raise ProviderError.invalid(
            "event.status", "only CONFIRMED can be written; cancel with DeleteEvent"
        )
    if booking.status == tables.ACCEPTED:
        return await _read(call, request.id)
    _check_live(booking)
    return await _send(call, request.id, "confirm", {})


# -- cancel


async def delete_event(
    call: Call, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent: Cal.com cancels and keeps."""
    try:
        reply, pairs, series = await reading.find(call, request.id, request.calendar_id)
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND and request.allow_missing:
            return event_pb2.DeleteEventResponse(already_absent=True)
        raise
    bookings = [booking for booking, _ in pairs]
    own_id, body = _target(bookings, request, series=series)
    answer = event_pb2.DeleteEventResponse()
    if all(each.status in tables.CANCELED for each in bookings):
        if not request.allow_missing:
            raise _already_canceled(bookings[0])
        reading.fill_found(answer.event, call, (reply, pairs, series), request.id)
        answer.already_absent = True
        return answer
    if request.reason:
        body["cancellationReason"] = request.reason
    reply = await _send(call, own_id, "cancel", body)
    _fill_canceled(answer.event, call, reply, request.id, whole=series or request.scope == _ALL)
    answer.report.notifications = creating.notified(request)
    return answer


def _target(
    bookings: Sequence[Booking], request: event_pb2.DeleteEventRequest, *, series: bool
) -> tuple[str, dict[str, Any]]:
    """The uid to cancel, and what the scope adds to the call.

    Raises:
        ProviderError: INVALID in `scope`.
    """
    series_id = bookings[0].recurringBookingUid or ""
    if series:
        if request.scope != _ALL:
            raise ProviderError.invalid(
                "scope", "the id is that of a series: ALL, or name an instance"
            )
        return request.id, {}
    if series_id and request.scope == _NONE:
        raise ProviderError.invalid("scope", "is required: the booking belongs to a series")
    if series_id and request.scope == _ALL:
        return series_id, {}
    if series_id and request.scope == _FOLLOWING:
        return request.id, {"cancelSubsequentBookings": True}
    return request.id, {}


def _already_canceled(booking: Booking) -> ProviderError:
    moved = booking.rescheduledToUid or ""
    return ProviderError(
        Kind.PRECONDITION,
        "the booking was moved: cancel the new one" if moved else "the booking is canceled already",
        reason="ALREADY_MOVED" if moved else "ALREADY_CANCELED",
        metadata={"moved_to_id": moved} if moved else None,
    )


def _fill_canceled(
    target: event_pb2.Event, call: Call, reply: Reply, own_id: str, *, whole: bool
) -> None:
    """The series as a whole, or the one that was named, out of all that were canceled."""
    pairs, series = reading.several(reply, own_id)
    if series and not whole:
        pairs = [pair for pair in pairs if pair[0].uid == own_id] or pairs[:1]
        series = False
    reading.fill_found(target, call, (reply, pairs, series), own_id)


# -- confirm and decline


async def respond_to_event(
    call: Call, request: event_pb2.RespondToEventRequest
) -> event_pb2.RespondToEventResponse:
    """RespondToEvent: the host confirms or declines a booking that waits for that."""
    accepts = request.response == types_pb2.ATTENDEE_RESPONSE_ACCEPTED
    if not accepts and request.response != types_pb2.ATTENDEE_RESPONSE_DECLINED:
        raise ProviderError.invalid("response", "a host confirms or declines: ACCEPTED, DECLINED")
    booking = await _one(call, request.id, request.calendar_id, request.scope)
    if booking.status != tables.PENDING:
        raise ProviderError(
            Kind.PRECONDITION,
            "the booking does not wait for the host's answer",
            reason="NOT_PENDING",
        )
    answer = event_pb2.RespondToEventResponse()
    lost = answer.report.dropped_fields.paths
    body: dict[str, Any] = {}
    if request.HasField("proposed_time"):
        lost.append("proposed_time")
    if request.comment and accepts:
        lost.append("comment")
    elif request.comment:
        body["reason"] = request.comment
    reply = await _send(call, request.id, "confirm" if accepts else "decline", body)
    reading.fill(answer.event, call, reply, request.id)
    return answer
