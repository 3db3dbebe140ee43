"""Making and deleting meetings."""

from providers.core import times
from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.zoom import events, meetings, series, series_writes
from providers.zoom.api import Api
from providers.zoom.events import EVENT
from providers.zoom.ids import MeetingId, meeting_id
from providers.zoom.series_writes import MEETINGS, Series, planned_series, settle
from providers.zoom.wire import Meeting
from providers.zoom.zones import dump_zone
from ucal.v1 import event_pb2, types_pb2

WRITABLE_ON_CREATE = (
    "subject",
    "description",
    "start_at",
    "end_at",
    "attendees",
    "recurrence",
    "conference",
    "visibility",
)
_ZOOM = frozenset({types_pb2.CONFERENCE_KIND_UNSPECIFIED, types_pb2.CONFERENCE_KIND_ZOOM})


async def create_event(
    api: Api, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent. A series whose exceptions cannot be deleted is taken back."""
    event = request.event
    body, wanted = dump_event(api, event)
    user = await api.user(event.calendar_id)
    reply = await api.send(
        "POST",
        f"users/{user}/meetings",
        json=body,
        resource=("calendar", event.calendar_id or "primary"),
    )
    found = decode(reply, Meeting)
    answer = event_pb2.CreateEventResponse()
    report = answer.report
    if wanted is not None:
        found, other = await _settled(api, found, wanted)
        if other:
            report.coerced_fields.paths.append("recurrence")
    events.fill_event(answer.event, api, MeetingId(series.number(found)), found)
    _note_coerced(report, event, answer.event)
    report.notifications = types_pb2.NOTIFICATION_OUTCOME_NONE
    return answer


def dump_event(api: Api, event: event_pb2.Event) -> tuple[dict[str, object], Series | None]:
    """Body of POST meetings, and the series that it asks for.

    Raises:
        ProviderError: INVALID, for what Zoom does not take.
    """
    _check_conference(event.conference)
    start = event.start_at
    zone = dump_zone(start.time_zone, "event.start_at.time_zone") if start.time_zone else ""
    wanted = None
    if event.recurrence.rules:
        wanted = planned_series(event.recurrence.rules, start, MEETINGS)
    body: dict[str, object] = {"type": MEETINGS.fixed if wanted else MEETINGS.once}
    local = wanted is not None
    body |= meetings.dump_start(start, zone, local=local, field="event.start_at")
    begin = times.instant(start)
    series_writes.future(begin, api.call.now(), "event.start_at")
    if event.end_at.WhichOneof("value") != "timestamp":
        raise ProviderError.invalid("event.end_at", "Zoom wants an end, as an instant")
    body["duration"] = meetings.dump_minutes(begin, times.instant(event.end_at), "event.end_at")
    body["topic"] = meetings.dump_text(event.subject, meetings.MAX_TOPIC, "event.subject")
    body["agenda"] = meetings.dump_text(event.description, meetings.MAX_AGENDA, "event.description")
    settings: dict[str, object] = {}
    if event.attendees:
        settings["meeting_invitees"] = meetings.dump_invitees(event.attendees)
    if event.visibility:
        settings["private_meeting"] = meetings.dump_visibility(event.visibility)
    if settings:
        body["settings"] = settings
    if wanted is not None:
        body["recurrence"] = wanted.body
    return body, wanted


def _check_conference(conference: types_pb2.Conference) -> None:
    if conference.join_url:
        raise ProviderError.invalid(
            "event.conference.join_url", "a Zoom meeting is its own call: none can be attached"
        )
    if conference.kind not in _ZOOM:
        raise ProviderError.invalid("event.conference.kind", "Zoom makes Zoom calls only")


async def _settled(api: Api, found: Meeting, wanted: Series) -> tuple[Meeting, bool]:
    """`settle`; when that fails, the new series is deleted, and the failure raised."""
    try:
        return await settle(api, MEETINGS, found, wanted)
    except ProviderError:
        await take_back(api, MEETINGS, series.number(found))
        raise


async def take_back(api: Api, place: series_writes.Place, number: str) -> None:
    """Delete what was made halfway.

    Raises:
        ProviderError: CONFLICT with reason PARTIAL_WRITE and the id, when it is there all the same.
    """
    try:
        await api.send("DELETE", f"{place.path}/{number}")
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND:
            return
        raise ProviderError(
            Kind.CONFLICT,
            "it was made, but not all of it, and could not be taken back: delete it",
            reason="PARTIAL_WRITE",
            metadata={"id": number},
        ) from None


def _note_coerced(
    report: types_pb2.WriteReport, asked: event_pb2.Event, made: event_pb2.Event
) -> None:
    """Note what Zoom keeps in another form."""
    names = report.coerced_fields.paths
    for name in ("start_at", "end_at"):
        wanted, got = getattr(asked, name), getattr(made, name)
        other = times.instant(wanted) != times.instant(got)
        renamed = wanted.time_zone not in ("", got.time_zone)
        if other or (renamed and name == "start_at"):
            names.append(name)
    if meetings.loses_details(asked.attendees):
        names.append("attendees")


# -- deleting


async def delete_event(
    api: Api, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent. Zoom tells hosts and registrants when it is asked to, invitees never."""
    answer = event_pb2.DeleteEventResponse()
    try:
        await _delete(api, request)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
        return answer
    if request.HasField("send_notifications"):
        told = request.send_notifications
        answer.report.notifications = (
            types_pb2.NOTIFICATION_OUTCOME_REQUESTED
            if told
            else types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED
        )
    return answer


async def _delete(api: Api, request: event_pb2.DeleteEventRequest) -> None:
    asked = meeting_id(request.id, EVENT)
    found, _ = await events.fetch(api, MeetingId(asked.number), name=request.id)
    events.check_calendar(found, request.calendar_id, request.id)
    recurring = series.kind(found) in series.FIXED
    series_writes.check_scope(asked, request.scope, recurring=recurring)
    params: dict[str, str] = {}
    if request.HasField("send_notifications"):
        word = str(request.send_notifications).lower()
        params = {"schedule_for_reminder": word, "cancel_meeting_reminder": word}
    if asked.occurrence:
        slot = events.occurrence(asked, found) if recurring else None
        if slot is None or slot.deleted:
            raise ProviderError.not_found(EVENT, request.id)
        if request.scope == types_pb2.UPDATE_SCOPE_THIS_INSTANCE:
            params |= asked.params
    async with api.one_at_a_time(asked.number):
        await api.send(
            "DELETE", f"meetings/{asked.number}", params=params, resource=(EVENT, request.id)
        )
