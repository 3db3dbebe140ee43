"""Zoom's webinars as webinars of the contract. Pure mapping; requests live elsewhere.

developers.zoom.us/docs/api, operations webinar, webinars, webinarPanelists. Webinars have no status
at Zoom: what is cancelled vanishes, what is over stays as it was.
"""

from collections.abc import Mapping

import msgspec

from providers.core import times
from providers.core.errors import ProviderError
from providers.zoom import secrets, series
from providers.zoom.ids import MeetingId
from providers.zoom.wire import Meeting, Panelist, Questions
from ucal.v1 import event_pb2, webinar_pb2

# `settings.approval_type`.
APPROVALS: Mapping[int, webinar_pb2.ApprovalMode.ValueType] = {
    0: webinar_pb2.APPROVAL_MODE_AUTOMATIC,
    1: webinar_pb2.APPROVAL_MODE_MANUAL,
    2: webinar_pb2.APPROVAL_MODE_NONE,
}
APPROVAL_TYPES = {mode: number for number, mode in APPROVALS.items()}
NO_REGISTRATION = 2
_UNSET = webinar_pb2.APPROVAL_MODE_UNSPECIFIED
MAX_CAPACITY = 20_000
MAX_PASSWORD = 10
WEBINAR = "webinar"
READABLE = (
    "calendar_id",
    "created_at",
    "subject",
    "description",
    "start_at",
    "end_at",
    "status",
    "join_url",
    "panelists",
    "registrants",
    "recurrence",
    "capacity",
    "has_recording",
    "registration_url",
    "is_registration_required",
    "is_q_and_a_enabled",
    "is_polling_enabled",
    "password",
    "organizer",
    "registration_fields",
    "approval_mode",
    "is_webcast",
    "recurring_webinar_id",
    "tracking_urls",
    "raw",
)


def parse_webinar(
    target: webinar_pb2.Webinar,
    found: Meeting,
    connection_id: str,
    *,
    raw: bytes | msgspec.Raw | None = None,
) -> None:
    """Write a webinar, or a whole series, into `target`; lists hold less than GET."""
    own_id = series.number(found)
    target.connection_id = connection_id
    target.id = own_id
    target.calendar_id = found.host_id or ""
    target.subject = found.topic or ""
    target.description = found.agenda or ""
    target.status = event_pb2.EVENT_STATUS_CONFIRMED
    target.join_url = found.join_url or ""
    target.registration_url = found.registration_url or ""
    target.password = found.password or ""
    target.is_webcast = bool(found.is_simulive)
    if found.host_email:
        target.organizer.email = found.host_email
    created = series.instant(found.created_at)
    if created is not None:
        times.timestamp(target.created_at, created)
    series.fill_span(target.start_at, target.end_at, found)
    if series.kind(found) in series.FIXED and found.recurrence:
        series.fill_recurrence(target.recurrence, found, target.start_at)
    _parse_settings(target, found)
    if raw is not None:
        secrets.fill(target.raw, raw, own_id)


def _parse_settings(target: webinar_pb2.Webinar, found: Meeting) -> None:
    settings = found.settings
    if settings is None:
        return
    if settings.approval_type is not None and settings.approval_type in APPROVALS:
        target.approval_mode = APPROVALS[settings.approval_type]
        target.is_registration_required = settings.approval_type != NO_REGISTRATION
    target.capacity = min(max(settings.registrants_restrict_number or 0, 0), 2**31 - 1)
    if settings.question_and_answer and settings.question_and_answer.enable is not None:
        target.is_q_and_a_enabled = settings.question_and_answer.enable


def parse_instance(target: webinar_pb2.Webinar, slot: series.Slot) -> None:
    """Make one occurrence of the series in `target`."""
    zone = target.start_at.time_zone
    target.recurring_webinar_id = target.id
    target.id = str(MeetingId(target.id, slot.id))
    target.ClearField("recurrence")
    times.set_instant(target.start_at, slot.start, zone)
    times.set_instant(target.end_at, slot.end, zone)
    if slot.deleted:
        target.status = event_pb2.EVENT_STATUS_CANCELED


def parse_panelist(target: webinar_pb2.WebinarPanelist, found: Panelist) -> None:
    """Write a panelist. The link makes whoever has it that panelist."""
    target.id = found.id or ""
    target.name = found.name or ""
    target.email = found.email or ""
    target.join_url = found.join_url or ""


def parse_questions(target: webinar_pb2.Webinar, found: Questions) -> None:
    """Write the fields of the registration form, but those that every form has."""
    for question in found.questions or ():
        if question.field_name:
            target.registration_fields.add(
                name=question.field_name, is_required=bool(question.required)
            )
    for question in found.custom_questions or ():
        if question.title:
            target.registration_fields.add(
                name=question.title, label=question.title, is_required=bool(question.required)
            )


# -- writing

# Fields of the form that Zoom knows by name; anything else is a question of the host's own.
FORM_FIELDS = frozenset(
    {
        "last_name",
        "address",
        "city",
        "country",
        "zip",
        "state",
        "phone",
        "industry",
        "org",
        "job_title",
        "purchasing_time_frame",
        "role_in_purchase_process",
        "no_of_employees",
        "comments",
    }
)


def dump_settings(webinar: webinar_pb2.Webinar, paths: frozenset[str]) -> dict[str, object]:
    """`settings` for the fields in `paths`.

    Raises:
        ProviderError: INVALID, for values that contradict one another or are too large.
    """
    found: dict[str, object] = {}
    if paths & {"approval_mode", "is_registration_required"}:
        approval = _approval(webinar, paths)
        if approval is not None:
            found["approval_type"] = approval
    if "capacity" in paths:
        if webinar.capacity > MAX_CAPACITY:
            raise ProviderError.invalid("webinar.capacity", f"Zoom takes {MAX_CAPACITY} at most")
        found["registrants_restrict_number"] = webinar.capacity
    if "is_q_and_a_enabled" in paths:
        found["question_and_answer"] = {"enable": webinar.is_q_and_a_enabled}
    return found


def _approval(webinar: webinar_pb2.Webinar, paths: frozenset[str]) -> int | None:
    """`approval_type`; None when the mode is to stay and is one with registration."""
    required: bool | None = None
    if "is_registration_required" in paths and webinar.HasField("is_registration_required"):
        required = webinar.is_registration_required
    mode = webinar.approval_mode if "approval_mode" in paths else _UNSET
    if mode == _UNSET:
        if required is None:
            return NO_REGISTRATION
        return 0 if required else NO_REGISTRATION
    none = mode == webinar_pb2.APPROVAL_MODE_NONE
    if required is not None and required is none:
        raise ProviderError.invalid("webinar.approval_mode", "contradicts is_registration_required")
    return APPROVAL_TYPES[mode]


def dump_password(password: str) -> str:
    """`password`.

    Raises:
        ProviderError: INVALID, when it is too long.
    """
    if len(password) > MAX_PASSWORD:
        raise ProviderError.invalid(
            "webinar.password", f"Zoom takes {MAX_PASSWORD} characters at most"
        )
    return password


def dump_questions(webinar: webinar_pb2.Webinar) -> dict[str, object]:
    """Body of PATCH /webinars/{id}/registrants/questions."""
    fields = [f for f in webinar.registration_fields if f.name not in ("email", "first_name")]
    return {
        "questions": [
            {"field_name": f.name, "required": f.is_required}
            for f in fields
            if f.name in FORM_FIELDS
        ],
        "custom_questions": [
            {"title": f.label or f.name, "type": "short", "required": f.is_required}
            for f in fields
            if f.name not in FORM_FIELDS
        ],
    }


def has_registration(target: webinar_pb2.Webinar) -> bool:
    """Whether there is a form at all."""
    return target.approval_mode != webinar_pb2.APPROVAL_MODE_NONE
