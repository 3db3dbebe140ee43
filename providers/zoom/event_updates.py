"""Changing meetings: one that takes place once, a whole series, one occurrence."""

from providers.core import times
from providers.zoom import events, meetings, retiming, series, series_writes
from providers.zoom.api import Api
from providers.zoom.events import EVENT
from providers.zoom.ids import MeetingId, meeting_id
from providers.zoom.retiming import Wish
from providers.zoom.series_writes import MEETINGS, settle
from providers.zoom.wire import Meeting
from ucal.v1 import event_pb2, types_pb2

WRITABLE_ON_UPDATE = (
    "subject",
    "description",
    "start_at",
    "end_at",
    "attendees",
    "recurrence",
    "visibility",
)


async def update_event(
    api: Api, request: event_pb2.UpdateEventRequest
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent."""
    asked = meeting_id(request.id, EVENT)
    roots = frozenset(path.partition(".")[0] for path in request.update_mask.paths)
    wish = Wish(request.event, roots, MEETINGS, api.call.now())
    async with api.one_at_a_time(asked.number):
        found, _ = await events.fetch(api, asked, name=request.id)
        events.check_calendar(found, request.calendar_id, request.id)
        recurring = series.kind(found) in series.FIXED
        series_writes.check_scope(asked, request.scope, recurring=recurring)
        answer = event_pb2.UpdateEventResponse()
        answer.report.notifications = types_pb2.NOTIFICATION_OUTCOME_NONE
        if request.scope == types_pb2.UPDATE_SCOPE_THIS_INSTANCE and asked.occurrence:
            await _update_occurrence(api, request, asked, found, wish)
        elif await _update_whole(api, request, asked, found, wish):
            answer.report.coerced_fields.paths.append("recurrence")
        found, _ = await events.fetch(api, asked, name=request.id)
    events.fill_event(answer.event, api, asked, found)
    _note_coerced(answer.report, request, answer.event, roots)
    return answer


def _note_coerced(
    report: types_pb2.WriteReport,
    request: event_pb2.UpdateEventRequest,
    made: event_pb2.Event,
    roots: frozenset[str],
) -> None:
    names = report.coerced_fields.paths
    if meetings.loses_details([*request.event.attendees, *request.add_attendees]):
        names.append("attendees")
    for name in ("start_at", "end_at"):
        if name not in roots:
            continue
        wanted, got = getattr(request.event, name), getattr(made, name)
        other = times.instant(wanted) != times.instant(got)
        renamed = name == "start_at" and wanted.time_zone not in ("", got.time_zone)
        if other or renamed:
            names.append(name)


# -- what to ask of Zoom


async def _update_occurrence(
    api: Api, request: event_pb2.UpdateEventRequest, asked: MeetingId, found: Meeting, wish: Wish
) -> None:
    """Change one occurrence; Zoom lets start, length and agenda differ, nothing else."""
    if request.add_attendees or request.remove_attendees:
        series_writes.refuse_fields_of_occurrence(("attendees",), "add_attendees")
    body = retiming.occurrence_body(wish, asked, found)
    if body:
        await api.send("PATCH", f"meetings/{asked.number}", params=asked.params, json=body)


async def _update_whole(
    api: Api, request: event_pb2.UpdateEventRequest, asked: MeetingId, found: Meeting, wish: Wish
) -> bool:
    """Change a whole meeting or series; whether occurrences became other ones than was asked."""
    body = wish.texts()
    settings = _settings(request, found, wish.roots)
    if settings:
        body["settings"] = settings
    change = retiming.retiming(wish, found, asked)
    if change is not None:
        body |= change.body()
    if body:
        await api.send("PATCH", f"meetings/{asked.number}", json=body)
    if change is None or change.wanted is None:
        return False
    fresh, _ = await events.fetch(api, MeetingId(asked.number))
    _, other = await settle(api, MEETINGS, fresh, change.wanted)
    return other or change.loses


def _settings(
    request: event_pb2.UpdateEventRequest, found: Meeting, roots: frozenset[str]
) -> dict[str, object]:
    settings: dict[str, object] = {}
    if "attendees" in roots:
        settings["meeting_invitees"] = meetings.dump_invitees(request.event.attendees)
    elif request.add_attendees or request.remove_attendees:
        settings["meeting_invitees"] = _invitees(request, found)
    if "visibility" in roots:
        settings["private_meeting"] = meetings.dump_visibility(request.event.visibility)
    return settings


def _invitees(request: event_pb2.UpdateEventRequest, found: Meeting) -> list[dict[str, str]]:
    """The list as it is with some added and some taken out: Zoom replaces it as a whole (P50)."""
    there = (found.settings and found.settings.meeting_invitees) or ()
    kept = {each.email.lower(): each.email for each in there if each.email}
    for attendee in request.add_attendees:
        kept.setdefault(attendee.email.lower(), attendee.email)
    for address in request.remove_attendees:
        kept.pop(address.lower(), None)
    return [{"email": address} for address in kept.values()]
