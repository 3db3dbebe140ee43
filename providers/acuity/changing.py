"""Changing an appointment: its time and calendar by one request, its details by another.

An appointment that is moved keeps its id. With both kinds of change it is moved first: that is what
can be refused. If the details fail then, the error says that it has moved.
"""

from collections.abc import Container

from providers.acuity import booking, calendars, events, links
from providers.acuity.api import Api, Found, number
from providers.acuity.event_parse import minutes, parse_event, starts
from providers.acuity.wire import Appointment
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import event_pb2

WRITABLE = (
    "calendar_id",
    "start_at",
    "end_at",
    "timezone",
    "description",
    "booking_answers",
    "send_notifications",
)
_MOVES = frozenset({"calendar_id", "start_at", "end_at", "timezone"})


async def update_event(
    api: Api, call: Call, request: event_pb2.UpdateEventRequest
) -> event_pb2.UpdateEventResponse:
    """UpdateEvent."""
    event = request.event
    names = {path.partition(".")[0] for path in request.update_mask.paths}
    found = await events.read_one(api, request.id, request.calendar_id)
    if found.it.canceled:
        raise ProviderError(
            Kind.PRECONDITION, "a canceled appointment is final", reason="ALREADY_CANCELED"
        )
    known = await events.by_id(api)
    move = _move(event, found.it, names, known)
    details = await _details(api, event, found.it, names)
    silent = event.HasField("send_notifications") and not event.send_notifications
    path = f"appointments/{found.it.id}"
    if move:
        params = booking.quietly(silent=silent)
        found = await api.one(
            Appointment, f"{path}/reschedule", method="PUT", params=params, json=move
        )
    if details:
        found = await _write_details(api, path, details, moved=bool(move))
    answer = event_pb2.UpdateEventResponse()
    parse_event(answer.event, found, call.connection_id, known, forms=True)
    answer.report.notifications = booking.outcome(silent=silent)
    return answer


async def _write_details(
    api: Api, path: str, details: dict[str, object], *, moved: bool
) -> Found[Appointment]:
    try:
        return await api.one(Appointment, path, method="PUT", params=booking.AS_ADMIN, json=details)
    except ProviderError as error:
        if moved:
            error.metadata["moved"] = "true"
        raise


def _move(
    event: event_pb2.Event, found: Appointment, names: set[str], known: Container[int]
) -> dict[str, object]:
    """The body of the request that moves; empty when nothing moves.

    Raises:
        ProviderError: INVALID, naming the field.
    """
    if not names & _MOVES:
        return {}
    wanted = event_pb2.Event()
    wanted.CopyFrom(event)
    if "start_at" not in names:
        times.set_instant(wanted.start_at, starts(found))
    elif event.start_at.WhichOneof("value") != "timestamp":
        raise ProviderError.invalid("event.start_at", "an appointment begins at an instant")
    if "end_at" in names:
        if event.end_at.WhichOneof("value") != "timestamp":
            raise ProviderError.invalid("event.end_at", "an appointment ends at an instant")
        booking.check_length(wanted, minutes(found.duration))
    body: dict[str, object] = {"datetime": booking.instant_text(wanted)}
    if "calendar_id" in names and event.calendar_id not in calendars.PRIMARY:
        chosen = number("calendar", event.calendar_id)
        if chosen not in known:
            raise ProviderError.invalid("event.calendar_id", "names no calendar of this connection")
        body["calendarID"] = chosen
    zone = event.timezone if "timezone" in names else ""
    if zone or (found.timezone and "timezone" not in names):
        body["timezone"] = zone or found.timezone
    return body


async def _details(
    api: Api, event: event_pb2.Event, found: Appointment, names: set[str]
) -> dict[str, object]:
    body: dict[str, object] = {}
    if "description" in names:
        body["notes"] = event.description
    if "booking_answers" in names:
        kind = await links.read_type(api, str(found.appointmentTypeID or 0))
        body["fields"] = await booking.dump_answers(api, event, kind, complete=False)
    return body
