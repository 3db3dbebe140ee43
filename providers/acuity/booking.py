"""Creating an event: booking an appointment type, one client at one time.

Acuity checks that the slot is free unless it is asked as an administrator, so bookings are not made
as one. Notes are an administrator's: they follow in a second request.
"""

from collections.abc import Mapping

from google.protobuf.field_mask_pb2 import FieldMask

from providers.acuity import calendars, events, links
from providers.acuity.api import Api, Found, number
from providers.acuity.event_parse import NO_LAST_NAME, minutes, parse_event
from providers.acuity.wire import Appointment, AppointmentType
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import event_pb2, types_pb2

WRITABLE = (
    "calendar_id",
    "start_at",
    "end_at",
    "timezone",
    "description",
    "attendees",
    "link_id",
    "booking_answers",
    "send_notifications",
)
AS_ADMIN: Mapping[str, str] = {"admin": "true"}
_ROLES = (types_pb2.ATTENDEE_ROLE_UNSPECIFIED, types_pb2.ATTENDEE_ROLE_REQUIRED)


async def create_event(
    api: Api, call: Call, request: event_pb2.CreateEventRequest
) -> event_pb2.CreateEventResponse:
    """CreateEvent."""
    event = request.event
    if not event.link_id:
        raise ProviderError.invalid("event.link_id", "every appointment comes from a link")
    kind = await _type(api, event.link_id)
    known = await events.by_id(api)
    if event.calendar_id not in calendars.PRIMARY and _calendar(event) not in known:
        raise ProviderError.invalid("event.calendar_id", "names no calendar of this connection")
    check(event, kind)
    coerced = ["attendees"] if event.attendees[0].role not in _ROLES else []
    if request.strict and coerced:
        raise ProviderError(
            Kind.PRECONDITION,
            "Acuity has one client for each appointment, and no roles",
            reason="FIELDS_NOT_SUPPORTED",
            violations=[("event.attendees", "cannot be kept as it is")],
        )
    body = dump_booking(event, kind)
    if event.booking_answers or kind.formIDs:
        fields = await dump_answers(api, event, kind, complete=True)
        if fields:
            body["fields"] = fields
    silent = event.HasField("send_notifications") and not event.send_notifications
    made = await api.one(
        Appointment, "appointments", method="POST", params=quietly(silent=silent), json=body
    )
    answer = event_pb2.CreateEventResponse()
    made, lost = await _note(api, made, event.description)
    parse_event(answer.event, made, call.connection_id, known, forms=True)
    answer.report.dropped_fields.CopyFrom(FieldMask(paths=lost))
    answer.report.coerced_fields.CopyFrom(FieldMask(paths=coerced))
    answer.report.notifications = outcome(silent=silent)
    return answer


def quietly(*, silent: bool) -> dict[str, str]:
    """Parameters of a write that Acuity would tell of by mail and text message."""
    return {"noEmail": "true"} if silent else {}


def outcome(*, silent: bool) -> types_pb2.NotificationOutcome.ValueType:
    """What happens to notifications."""
    if silent:
        return types_pb2.NOTIFICATION_OUTCOME_SUPPRESSED
    return types_pb2.NOTIFICATION_OUTCOME_REQUESTED


async def _type(api: Api, own_id: str) -> AppointmentType:
    try:
        kind = await links.read_type(api, own_id)
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND:
            raise ProviderError.invalid(
                "event.link_id", "names no link of this connection"
            ) from None
        raise
    if not links.active(kind):
        raise ProviderError(
            Kind.PRECONDITION, "this link cannot be booked any more", reason="LINK_INACTIVE"
        )
    return kind


def _calendar(event: event_pb2.Event) -> int:
    try:
        return number("calendar", event.calendar_id)
    except ProviderError:
        return 0


def check(event: event_pb2.Event, kind: AppointmentType) -> None:
    """Hold the booking against its type.

    Raises:
        ProviderError: INVALID, naming the field.
    """
    if event.start_at.WhichOneof("value") != "timestamp":
        raise ProviderError.invalid("event.start_at", "an appointment begins at an instant")
    if event.end_at.WhichOneof("value"):
        check_length(event, minutes(kind.duration))
    if not event.attendees:
        raise ProviderError.invalid("event.attendees", "somebody has to book: name one attendee")
    if len(event.attendees) > 1:
        raise ProviderError.invalid("event.attendees", "an appointment is one client at one time")
    if not event.attendees[0].name.strip():
        raise ProviderError.invalid("event.attendees[0].name", "is required of whoever books")


def check_length(event: event_pb2.Event, wanted: int) -> None:
    """The end fits to the start.

    Raises:
        ProviderError: INVALID.
    """
    found = times.instant(event.end_at) - times.instant(event.start_at)
    if found.total_seconds() != 60 * wanted:
        raise ProviderError.invalid(
            "event.end_at", "the length of an appointment is the link's duration: leave it out"
        )


def dump_booking(event: event_pb2.Event, kind: AppointmentType) -> dict[str, object]:
    """The body of POST /appointments, without the answers to forms."""
    client = event.attendees[0]
    first, _, last = client.name.strip().rpartition(" ")
    body: dict[str, object] = {
        "datetime": instant_text(event),
        "appointmentTypeID": kind.id,
        "firstName": first.strip() or last,
        "lastName": last if first else NO_LAST_NAME,
        "email": client.email,
    }
    if event.calendar_id not in calendars.PRIMARY:
        body["calendarID"] = number("calendar", event.calendar_id)
    if zone := event.timezone or event.start_at.time_zone:
        body["timezone"] = zone
    return body


def instant_text(event: event_pb2.Event) -> str:
    """The start, for `strtotime`: without an offset it would be read in the calendar's zone."""
    when = times.instant(event.start_at).replace(microsecond=0)
    return when.strftime("%Y-%m-%dT%H:%M:%S+0000")


async def dump_answers(
    api: Api, event: event_pb2.Event, kind: AppointmentType, *, complete: bool
) -> list[dict[str, object]]:
    """Answers by the ids of what is asked.

    Args:
        complete: what must be answered is.

    Raises:
        ProviderError: INVALID for an answer to what is not asked, or for one that is missing.
    """
    asked = {each.name: each for each in links.fields_of(kind, await links.all_forms(api))}
    for given in event.booking_answers:
        if given not in asked:
            raise ProviderError.invalid(
                "event.booking_answers", "answers a question that the link does not ask"
            )
    for index, (name, each) in enumerate(asked.items()):
        if complete and each.required and not event.booking_answers.get(name or "", ""):
            raise ProviderError.invalid(
                "event.booking_answers", f"questions[{index}] of the link must be answered"
            )
    return [{"id": asked[name].id, "value": value} for name, value in event.booking_answers.items()]


async def _note(
    api: Api, made: Found[Appointment], notes: str
) -> tuple[Found[Appointment], list[str]]:
    """Add the notes; the booking stands without them too, and what is lost is told."""
    if not notes:
        return made, []
    path = f"appointments/{made.it.id}"
    try:
        noted = await api.one(
            Appointment, path, method="PUT", params=AS_ADMIN, json={"notes": notes}
        )
    except ProviderError:
        return made, ["description"]
    return noted, []
