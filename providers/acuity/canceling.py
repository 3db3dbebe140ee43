"""Deleting an event: Acuity cancels it, for good, and keeps it.

It is read first: what a second cancel is answered is not documented. Asked as an administrator, as
the connection is the business's own, whose clients' deadlines do not bind it.
"""

from providers.acuity import booking, events
from providers.acuity.api import Api
from providers.acuity.event_parse import parse_event
from providers.acuity.wire import Appointment
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import event_pb2


async def delete_event(
    api: Api, call: Call, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent; with allow_missing an appointment that is canceled already is no error (P04)."""
    answer = event_pb2.DeleteEventResponse()
    try:
        found = await events.read_one(api, request.id, request.calendar_id)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
        return answer
    if found.it.canceled:
        if not request.allow_missing:
            raise ProviderError(
                Kind.PRECONDITION,
                "the appointment is canceled already",
                reason="ALREADY_CANCELED",
            )
        answer.already_absent = True
        return answer
    silent = request.HasField("send_notifications") and not request.send_notifications
    canceled = await api.one(
        Appointment,
        f"appointments/{found.it.id}/cancel",
        kind="event",
        own_id=request.id,
        method="PUT",
        params={**booking.AS_ADMIN, **booking.quietly(silent=silent)},
        json={"cancelNote": request.reason} if request.reason else {},
    )
    parse_event(answer.event, canceled, call.connection_id, {}, forms=True)
    answer.event.unknown_fields.paths.append("organizer.email")
    answer.event.cancellation_reason = request.reason
    answer.report.notifications = booking.outcome(silent=silent)
    return answer
