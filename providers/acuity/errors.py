"""What Acuity's error answers mean: `{"status_code", "message", "error"}`, by the word in `error`.

Gateways answer HTML. No word of a message is passed on; `error` is one of Acuity's codes, and is
told as provider_code when it looks like one.
"""

import re
from collections.abc import Mapping

import msgspec

from providers.acuity.wire import Problem
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for, facts

_CODE = re.compile(r"[a-z_]{1,64}")
_SOON_SECONDS = 1.0

# Acuity's code, and the field of ours that it is about.
FIELDS: Mapping[str, str] = {
    "required_first_name": "event.attendees[0].name",
    "required_last_name": "event.attendees[0].name",
    "required_email": "event.attendees[0].email",
    "invalid_email": "event.attendees[0].email",
    "invalid_fields": "event.booking_answers",
    "required_field": "event.booking_answers",
    "required_appointment_type_id": "event.link_id",
    "invalid_appointment_type": "event.link_id",
    "invalid_calendar": "event.calendar_id",
    "required_datetime": "event.start_at",
    "invalid_datetime": "event.start_at",
    "invalid_timezone": "event.timezone",
}
_TAKEN = ("SLOT_TAKEN", "this slot cannot be booked: see ListLinkSlots")
_BOUNDS = ("OUT_OF_BOUNDS", "it is too soon or too far ahead for this link")
_CERTIFICATE = ("CERTIFICATE_REJECTED", "Acuity does not take the certificate")
_STAYS = ("NOT_CANCELABLE", "Acuity does not let it be canceled")
_STUCK = ("NOT_MOVABLE", "Acuity does not let it be moved")
# Acuity's code, our reason, our sentence.
CONDITIONS: Mapping[str, tuple[str, str]] = {
    "not_available": _TAKEN,
    "no_available_calendar": _TAKEN,
    "not_available_min_hours_in_advance": _BOUNDS,
    "not_available_max_days_in_advance": _BOUNDS,
    "invalid_certificate": _CERTIFICATE,
    "expired_certificate": _CERTIFICATE,
    "certificate_uses": _CERTIFICATE,
    "invalid_certificate_type": _CERTIFICATE,
    "cancel_not_allowed": _STAYS,
    "cancel_too_close": _STAYS,
    "reschedule_not_allowed": _STUCK,
    "reschedule_too_close": _STUCK,
    "reschedule_series": _STUCK,
    "reschedule_canceled": _STUCK,
}
_STARTS = frozenset({"SLOT_TAKEN", "OUT_OF_BOUNDS"})


def classify(reply: Reply) -> ProviderError:
    """The error behind an answer that is no success."""
    problem = _problem(reply)
    error = _error(reply, problem)
    code = problem.error or ""
    if _CODE.fullmatch(code):
        error.metadata["provider_code"] = code
    return error


def _problem(reply: Reply) -> Problem:
    try:
        return msgspec.json.decode(reply.content, type=Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Problem()


def _error(reply: Reply, problem: Problem) -> ProviderError:
    code = problem.error or ""
    if reply.status == 400 and code in CONDITIONS:
        reason, sentence = CONDITIONS[code]
        named = [("event.start_at", "is not a free slot of the link")] if reason in _STARTS else ()
        return ProviderError(
            Kind.PRECONDITION, sentence, reason=reason, violations=named, metadata=facts(reply)
        )
    error = error_for(reply)
    if reply.status == 400 and code in FIELDS:
        error.violations = ((FIELDS[code], "the provider refuses it"),)
    elif reply.status == 401:
        # Neither keys nor tokens can be renewed.
        error.kind, error.reason = Kind.REAUTHORIZATION_REQUIRED, "REAUTHORIZATION_REQUIRED"
    elif reply.status == 404 and "no route found" in (problem.message or "").lower():
        error.kind, error.reason = Kind.PROVIDER_FAULT, "PROVIDER_ERROR"
    elif reply.status == 429 and error.retry_after is None:
        error.retry_after = _SOON_SECONDS
    elif reply.status == 504:
        error.kind, error.reason = Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"
    return error
