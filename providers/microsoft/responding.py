"""RespondToEvent: the reply of the account behind the connection.

learn.microsoft.com/graph/api/event-accept, event-tentativelyaccept, event-decline. A declined event
may leave the calendar, as the person has chosen in Outlook.
"""

from typing import Any

from providers.core import times
from providers.core.errors import Kind, ProviderError
from providers.core.reach import Reach
from providers.microsoft import event_times, reading, series, tables, writing
from providers.microsoft.api import Api, event_path
from providers.microsoft.updating import check_etag
from providers.microsoft.wire import Event
from ucal.v1 import event_pb2, types_pb2


async def respond_to_event(
    api: Api, request: event_pb2.RespondToEventRequest
) -> event_pb2.RespondToEventResponse:
    """RespondToEvent.

    Raises:
        ProviderError: INVALID for an answer that cannot be given; PRECONDITION when the account is
            the organizer, or another time is not welcome.
    """
    action = tables.RESPONSE_ACTION.get(request.response)
    if action is None:
        raise ProviderError.invalid("response", "an answer cannot be taken back in Outlook")
    found = await writing.load(api, request.calendar_id, request.id)
    reach = series.reach(found, request.scope)
    check_etag(request.etag, found)
    if found.isOrganizer:
        raise ProviderError(
            Kind.PRECONDITION,
            "the account holds this event and is not invited to it",
            reason="NOT_INVITED",
        )
    body = _body(request, action, found)
    whole = reach is not Reach.OBJECT
    target = (found.seriesMasterId or "") if whole else request.id
    path = f"{event_path(api, request.calendar_id, target)}/{action}"
    await api.send("POST", path, json=body, resource=("event", request.id))
    return await _answer(api, request, target, told=bool(body["sendResponse"]))


def _body(request: event_pb2.RespondToEventRequest, action: str, found: Event) -> dict[str, Any]:
    told = request.send_notifications if request.HasField("send_notifications") else True
    body: dict[str, Any] = {"sendResponse": told}
    if request.comment:
        body["comment"] = request.comment
    if not request.HasField("proposed_time"):
        return body
    if action == "accept":
        raise ProviderError.invalid("proposed_time", "goes with TENTATIVE or DECLINED in Outlook")
    low, high = times.bounds(request.proposed_time)
    if low is None or high is None or high <= low:
        raise ProviderError.invalid("proposed_time", "both bounds are required")
    if found.allowNewTimeProposals is False:
        raise ProviderError(
            Kind.PRECONDITION, "the organizer takes no other times", reason="PROPOSALS_REFUSED"
        )
    body["proposedNewTime"] = {
        "start": {"dateTime": event_times.utc_text(low), "timeZone": "UTC"},
        "end": {"dateTime": event_times.utc_text(high), "timeZone": "UTC"},
    }
    return body


async def _answer(
    api: Api, request: event_pb2.RespondToEventRequest, target: str, *, told: bool
) -> event_pb2.RespondToEventResponse:
    answer = event_pb2.RespondToEventResponse()
    try:
        reply = await reading.read(api, request.calendar_id, target)
        await reading.fill_event(api, answer.event, reply, request.calendar_id)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        answer.event.connection_id = api.connection_id
        answer.event.id = target
    answer.report.notifications = (
        types_pb2.NOTIFICATION_OUTCOME_REQUESTED
        if told
        else types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED
    )
    return answer
