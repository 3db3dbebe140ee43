"""Making, changing and deleting meetings."""

from providers.core.errors import ProviderError
from providers.goto import meetings
from providers.goto.api import MEETINGS, Api, rows, segment
from providers.goto.events import planned
from providers.goto.meetings import EVENT
from providers.goto.moments import coerced, instant, moment, spell
from providers.goto.wire import Json, Meeting
from ucal.v1 import event_pb2, types_pb2

_NONE = types_pb2.NOTIFICATION_OUTCOME_NONE
_TIMES = {"start_at": "starttime", "end_at": "endtime"}


async def create_event(
    api: Api, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent. The answer is made of what was sent and what GoTo added to it."""
    event = request.event
    _check_call(event)
    body = meetings.dump_new(
        event, instant(event.start_at, "event.start_at"), instant(event.end_at, "event.end_at")
    )
    own = await api.calendar(event.calendar_id)
    made = rows(await api.send("POST", f"{MEETINGS}/meetings", json=body))
    answer = event_pb2.CreateEventResponse()
    found = meetings.read({**body, **(made[0] if made else {})})
    meetings.parse(answer.event, found, api.call.connection_id, own)
    answer.event.unknown_fields.paths.append("organizer")
    _report(answer.report, event, list(_TIMES))
    return answer


def _check_call(event: event_pb2.Event) -> None:
    call = event.conference
    if call.join_url or call.kind not in (
        types_pb2.CONFERENCE_KIND_UNSPECIFIED,
        types_pb2.CONFERENCE_KIND_GOTO,
    ):
        raise ProviderError.invalid(
            "event.conference", "a meeting of GoTo's has GoTo's own call and no other"
        )


async def update_event(
    api: Api, request: event_pb2.UpdateEventRequest
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent: GoTo replaces the whole meeting, so it is read, changed and written."""
    own = await api.calendar(request.calendar_id)
    found, _ = await planned(api, request.id)
    body = meetings.dump_whole(found)
    paths = {path.partition(".")[0] for path in request.update_mask.paths}
    _change(body, request.event, paths, found)
    path = f"{MEETINGS}/meetings/{segment(EVENT, request.id)}"
    await api.send("PUT", path, json=body, resource=(EVENT, request.id))
    answer = event_pb2.UpdateEventResponse()
    changed = meetings.read({**_kept(found), **body, "meetingid": request.id})
    meetings.parse(answer.event, changed, api.call.connection_id, own)
    answer.event.unknown_fields.paths.append("organizer")
    _report(answer.report, request.event, sorted(paths & _TIMES.keys()))
    return answer


def _change(body: Json, event: event_pb2.Event, paths: set[str], found: Meeting) -> None:
    if "subject" in paths:
        body["subject"] = meetings.checked_subject(event.subject)
    for name in sorted(paths & _TIMES.keys()):
        if found.meetingtype == meetings.ROOM:
            raise ProviderError.invalid(f"event.{name}", "a reusable room of GoTo's has no time")
        body[_TIMES[name]] = spell(instant(getattr(event, name), f"event.{name}"))
    if paths & _TIMES.keys() and moment(body["endtime"]) <= moment(body["starttime"]):
        raise ProviderError.invalid("event.end_at", "the meeting would end before it starts")


def _kept(found: Meeting) -> Json:
    return {"createtime": found.createtime, "joinurl": found.joinurl}


def _report(report: types_pb2.WriteReport, event: event_pb2.Event, names: list[str]) -> None:
    """GoTo keeps instants, to the second, without a zone; and it tells nobody anything."""
    report.coerced_fields.paths.extend(n for n in names if coerced(getattr(event, n)))
    report.notifications = _NONE


async def delete_event(
    api: Api, request: event_pb2.DeleteEventRequest
) -> event_pb2.DeleteEventResponse:
    """DeleteEvent."""
    await api.calendar(request.calendar_id)
    path = f"{MEETINGS}/meetings/{segment(EVENT, request.id)}"
    expect = (404,) if request.allow_missing else ()
    reply = await api.send("DELETE", path, expect=expect, resource=(EVENT, request.id))
    answer = event_pb2.DeleteEventResponse(already_absent=reply.status == 404)
    answer.report.notifications = _NONE
    return answer
