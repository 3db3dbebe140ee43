"""Webinars of GoTo Webinar and of the contract, into one another. No requests here."""

from collections.abc import Mapping, Sequence

from providers.core import times, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.raw import fill_raw
from providers.goto import sequences
from providers.goto.api import text
from providers.goto.moments import moment_or_none, spell
from providers.goto.sequences import Span
from providers.goto.wire import Form, Json, Panelist, Session, Webinar
from ucal.v1 import event_pb2, webinar_pb2

WEBINAR = "webinar"
READABLE = (
    "calendar_id", "subject", "description", "start_at", "end_at", "status", "join_url",
    "panelists", "recurrence", "capacity", "has_recording", "registration_url",
    "is_registration_required", "organizer", "registration_fields", "approval_mode", "is_webcast",
    "raw",
)  # fmt: skip
WRITABLE = ("subject", "description", "start_at", "end_at")
MAX_SUBJECT = 128
MAX_DESCRIPTION = 2048
_APPROVAL: Mapping[str, webinar_pb2.ApprovalMode.ValueType] = {
    "AUTOMATIC": webinar_pb2.APPROVAL_MODE_AUTOMATIC,
    "MANUAL": webinar_pb2.APPROVAL_MODE_MANUAL,
}
# A prepared video is shown.
_PREPARED = "SIMULIVE"


def spans(sessions: Sequence[Session] | None) -> list[Span]:
    """Start and end of each session, in order."""
    found = []
    for session in sessions or ():
        start, end = moment_or_none(session.startTime), moment_or_none(session.endTime)
        if start is not None:
            found.append((start, end if end is not None and end >= start else start))
    return sorted(found)


def zone_of(found: Webinar) -> str:
    """IANA name of the webinar's zone; "" when it is none that we know."""
    return timezones.iana_name(found.timeZone or "") or ""


def parse(
    target: webinar_pb2.Webinar, found: Webinar, connection_id: str, own: str, raw: Json | None
) -> None:
    """A webinar of a list, or of GET, which tell different things."""
    target.connection_id = connection_id
    target.id = text(found.webinarKey)
    target.calendar_id = text(found.organizerKey) or own
    target.subject = found.subject or ""
    target.description = found.description or ""
    target.status = event_pb2.EVENT_STATUS_CONFIRMED
    target.join_url = target.registration_url = found.registrationUrl or ""
    target.is_registration_required = True
    target.capacity = min(max(found.registrationLimit or 0, 0), 2**31 - 1)
    target.approval_mode = _APPROVAL.get(
        (found.approvalType or "").upper(), webinar_pb2.APPROVAL_MODE_UNSPECIFIED
    )
    target.is_webcast = (found.experienceType or "").upper() == _PREPARED
    if found.organizerEmail or found.organizerName:
        target.organizer.name = found.organizerName or ""
        target.organizer.email = found.organizerEmail or ""
    planned, zone = spans(found.times), zone_of(found)
    if planned:
        times.set_instant(target.start_at, planned[0][0], zone)
        times.set_instant(target.end_at, planned[0][1], zone)
        sequences.parse(target, planned, zone)
    if raw is not None:
        fill_raw(target.raw, raw, target.id)


def parse_panelist(target: webinar_pb2.WebinarPanelist, found: Panelist) -> None:
    """The panelistId of lists and the panelistKey of creation are one id (trap 10 of the sheet)."""
    target.id = text(found.panelistId) or text(found.panelistKey)
    target.name = found.name or " ".join(p for p in (found.firstName, found.lastName) if p)
    target.email = found.email or ""
    target.join_url = found.joinLink or ""


def parse_form(target: webinar_pb2.Webinar, found: Form) -> None:
    """The registration form: GoTo's own fields by name, the host's questions by key."""
    for field in found.fields or ():
        target.registration_fields.add(name=field.field or "", is_required=bool(field.required))
    for question in found.questions or ():
        target.registration_fields.add(
            name=text(question.questionKey),
            is_required=bool(question.required),
            label=question.question or "",
        )


def dump_session(span: Span) -> Json:
    """DateTimeRange."""
    return {"startTime": spell(span[0]), "endTime": spell(span[1])}


def dump_whole(found: Webinar) -> Json:
    """Body of PUT, which replaces the whole definition: what is there, to be changed.

    Raises:
        ProviderError: PRECONDITION, when GoTo does not tell what it wants to be told again.
    """
    planned = spans(found.times)
    if not planned:
        raise ProviderError(
            Kind.PRECONDITION,
            "GoTo shows no session of this webinar that is ahead, and changes none that is over",
            reason="TOO_LATE",
        )
    body: Json = {
        "subject": found.subject or "",
        "description": found.description or "",
        "times": [dump_session(span) for span in planned],
    }
    if found.timeZone:
        body["timeZone"] = found.timeZone
    if found.locale:
        body["locale"] = found.locale
    return body


def checked(name: str, value: str) -> str:
    """Subject or description, if GoTo takes it.

    Raises:
        ProviderError: INVALID.
    """
    most = MAX_SUBJECT if name == "subject" else MAX_DESCRIPTION
    if len(value) > most:
        raise ProviderError.invalid(
            f"webinar.{name}", f"GoTo takes {most} characters at most, not {len(value)}"
        )
    if name == "subject" and not value.strip():
        raise ProviderError.invalid("webinar.subject", "is required by GoTo")
    return value
