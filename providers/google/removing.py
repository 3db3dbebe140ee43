"""DeleteEvent: an event, an instance, a series, or the rest of a series."""

from providers.core.errors import Kind, ProviderError
from providers.core.reach import Reach
from providers.google import reading, series, splitting, writing
from providers.google.api import Api, event_path
from providers.google.updating import check_etag
from ucal.v1 import event_pb2


async def delete_event(
    api: Api, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent. An event that Google has deleted already is gone (P04)."""
    answer = event_pb2.DeleteEventResponse()
    try:
        await _delete(api, request, answer)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
    return answer


async def _delete(
    api: Api, request: event_pb2.DeleteEventRequest, answer: event_pb2.DeleteEventResponse
) -> None:
    calendar_id = request.calendar_id or "primary"
    asked = request.send_notifications if request.HasField("send_notifications") else None
    found = await writing.load(api, calendar_id, request.id)
    event = found.event
    if event.status == reading.CANCELLED:
        raise ProviderError.not_found("event", request.id)
    reach = series.reach(event, request.scope)
    check_etag(request.etag, event)
    answer.report.notifications = writing.outcome(asked, writing.has_guests(event))
    if reach is Reach.FOLLOWING:
        cut = await splitting.cut_at(api, calendar_id, event)
        if cut.head:
            await splitting.shorten(api, calendar_id, cut, asked=asked)
            return
    whole = reach is not Reach.OBJECT
    await api.send(
        "DELETE",
        event_path(calendar_id, event.recurringEventId if whole else request.id),
        params=writing.notify(asked),
        etag="" if whole else request.etag,
        resource=("event", request.id),
    )
