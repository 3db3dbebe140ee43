"""Deleting an event: Calendly cancels it, keeps it, and tells all invitees.

A group event is canceled with all its invitees; the API has no way to cancel one of them.
"""

from providers.calendly import booking, events, ids
from providers.calendly.api import Api
from providers.calendly.wire import Cancellation
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import event_pb2

_CANCELED = "ALREADY_CANCELED"


async def delete_event(
    api: Api, call: Call, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent; with allow_missing an event that is canceled already is no error (P04)."""
    answer = event_pb2.DeleteEventResponse()
    try:
        own_id = ids.checked("event", request.id)
        await api.one(
            Cancellation,
            f"scheduled_events/{own_id}/cancellation",
            kind="event",
            own_id=own_id,
            method="POST",
            json={"reason": request.reason} if request.reason else {},
        )
    except ProviderError as error:
        gone = error.kind is Kind.NOT_FOUND or error.reason == _CANCELED
        if not (gone and request.allow_missing):
            raise
        answer.already_absent = True
        return answer
    answer.report.notifications = booking.outcome(
        suppress=request.HasField("send_notifications") and not request.send_notifications
    )
    try:
        await events.read(api, call, answer.event, own_id)
    except ProviderError:
        # It is canceled, whether it can be read or not.
        answer.event.Clear()
        answer.event.connection_id = call.connection_id
        answer.event.id = own_id
        answer.event.status = event_pb2.EVENT_STATUS_CANCELED
        answer.event.cancellation_reason = request.reason
    return answer
