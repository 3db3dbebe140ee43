"""DeleteEvent: an event, an instance, a series, or the rest of a series."""

from providers.core.errors import Kind, ProviderError
from providers.core.reach import Reach
from providers.microsoft import carrying, people, series, splitting, writing
from providers.microsoft.api import Api, event_path
from providers.microsoft.updating import check_etag
from providers.microsoft.wire import Event
from ucal.v1 import event_pb2


async def delete_event(
    api: Api, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent. An event that is gone already is gone (P04)."""
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
    calendar_id = request.calendar_id
    found = await writing.load(api, calendar_id, request.id)
    reach = series.reach(found, request.scope)
    check_etag(request.etag, found)
    asked = request.send_notifications if request.HasField("send_notifications") else None
    guests = people.has_guests(found) and bool(found.isOrganizer)
    answer.report.notifications = writing.outcome(asked, guests)
    if reach is Reach.FOLLOWING:
        cut = await splitting.cut_at(api, calendar_id, found)
        if cut.begun:
            kept = await carrying.exceptions_of(api, calendar_id, cut.master)
            await splitting.shorten(api, calendar_id, cut, kept)
            return
    whole = reach is not Reach.OBJECT
    target = (found.seriesMasterId or "") if whole else request.id
    await _end(api, calendar_id, target, found, request, etag="" if whole else request.etag)


async def _end(
    api: Api,
    calendar_id: str,
    target: str,
    found: Event,
    request: event_pb2.DeleteEventRequest,
    *,
    etag: str,
) -> None:
    """Cancel a meeting with words to its guests, or delete what has none."""
    path, resource = event_path(api, calendar_id, target), ("event", request.id)
    if request.reason and found.isOrganizer and people.has_guests(found):
        body = {"comment": request.reason}
        await api.send("POST", f"{path}/cancel", json=body, resource=resource)
        return
    reply = await api.send("DELETE", path, etag=etag, resource=resource, expect=(404,))
    if reply.status == 404 and not reply.repeated:
        raise ProviderError.not_found("event", request.id)
