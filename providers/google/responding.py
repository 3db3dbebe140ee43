"""RespondToEvent: the reply of the account behind the connection."""

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.reach import Reach
from providers.google import event_merge, reading, series, writing
from providers.google.api import Api
from providers.google.updating import check_etag
from ucal.v1 import event_pb2


async def respond_to_event(
    api: Api, call: Call, request: event_pb2.RespondToEventRequest
) -> event_pb2.RespondToEventResponse:
    """RespondToEvent.

    Raises:
        ProviderError: PRECONDITION when the account is not invited; UNSUPPORTED for another time.
    """
    if request.HasField("proposed_time"):
        raise ProviderError(
            Kind.UNSUPPORTED,
            "Google Calendar: its API cannot propose another time",
            violations=[("proposed_time", "cannot be proposed")],
            metadata={"capability": "respond_to_event.proposed_time"},
        )
    calendar_id = request.calendar_id or "primary"
    asked = request.send_notifications if request.HasField("send_notifications") else None
    found = await writing.load(api, calendar_id, request.id)
    if found.event.status == reading.CANCELLED:
        raise ProviderError.not_found("event", request.id)
    check_etag(request.etag, found.event)
    target_id, given = request.id, request.etag
    if series.reach(found.event, request.scope) is not Reach.OBJECT:
        target_id, given = found.event.recurringEventId, ""
        found = await writing.load(api, calendar_id, target_id)
    body, whole = event_merge.response_of(found.event, request.response, request.comment)
    reply = await writing.patch(
        api,
        calendar_id,
        target_id,
        body,
        asked=asked,
        etag=given or (found.event.etag if whole else ""),
    )
    answer = event_pb2.RespondToEventResponse()
    event = reading.fill_event(answer.event, reply, call.connection_id, calendar_id)
    answer.report.notifications = writing.outcome(asked, writing.has_guests(event))
    return answer
