"""What Cal.com's errors mean: by words in their text where a status says too little.

The texts are those of the open-source server (state 2025-09). They are looked at, and never handed
on. A taken slot is a plain 400, or even a 500, told apart by its text alone.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from providers.calcom.wire import Failure
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for

Meaning: TypeAlias = tuple[Kind, str, str]

_BLOCK_SECONDS = 60.0
_TAKEN: Meaning = (
    Kind.PRECONDITION, "SLOT_TAKEN", "this time cannot be booked any more: see ListLinkSlots"
)  # fmt: skip
_GONE: Meaning = (Kind.NOT_FOUND, "", "Cal.com does not have it, or this account does not see it")
_PAYMENT: Meaning = (
    Kind.PRECONDITION, "PAYMENT_FAILED", "the payment that this link asks for could not be made"
)  # fmt: skip
_WRONG_VERSION: Meaning = (
    Kind.PROVIDER_FAULT,
    "WRONG_API_VERSION",
    "this server does not know the call in the version that is spoken here",
)

# Words of Cal.com, in lower case: what they mean, whatever the status. The first that fits counts.
_WORDS: Mapping[str, Meaning] = {
    "already has booking at this time": _TAKEN,
    "no_available_users_found_error": _TAKEN,
    "hosts_unavailable_for_booking": _TAKEN,
    "booking_seats_full_error": _TAKEN,
    "not_enough_available_seats_error": _TAKEN,
    "booking_conflict_error": _TAKEN,
    "booking_time_out_of_bounds": (
        Kind.PRECONDITION, "OUT_OF_BOUNDS", "the link cannot be booked so far ahead or so soon"
    ),
    "book a meeting in the past": (
        Kind.PRECONDITION, "IN_THE_PAST", "a time in the past cannot be booked"
    ),
    "invalid event length": (Kind.INVALID, "", "the link offers no booking of this length"),
    "already_signed_up_for_this_booking": (
        Kind.ALREADY_EXISTS, "ALREADY_BOOKED", "this person has booked the same time already"
    ),
    "cancelled_bookings_cannot_be_rescheduled": (
        Kind.PRECONDITION, "NOT_MOVABLE", "a canceled booking cannot be moved"
    ),
    "availability_not_found_in_schedule": (
        Kind.PRECONDITION, "NO_AVAILABILITY", "the host's schedule has no available time"
    ),
    "payment_not_created_error": _PAYMENT,
    "couldnt_charge_card_error": _PAYMENT,
    "missing_payment_credential_error": _PAYMENT,
    "missing_payment_app_id_error": _PAYMENT,
    "event_type_not_found_error": _GONE,
    "booking_not_found_error": _GONE,
    "already been rescheduled": (
        Kind.PRECONDITION, "ALREADY_MOVED", "the booking was moved: go on with the new one"
    ),
    "already rescheduled": (
        Kind.PRECONDITION, "ALREADY_MOVED", "the booking was moved: go on with the new one"
    ),
    "already been cancelled": (
        Kind.PRECONDITION, "ALREADY_CANCELED", "the booking is canceled already"
    ),
    "already cancelled": (
        Kind.PRECONDITION, "ALREADY_CANCELED", "the booking is canceled already"
    ),
    "already canceled": (
        Kind.PRECONDITION, "ALREADY_CANCELED", "the booking is canceled already"
    ),
    "cancelling": (Kind.PRECONDITION, "NOT_CANCELABLE", "bookings of this link cannot be canceled"),
    "cancellation is disabled": (
        Kind.PRECONDITION, "NOT_CANCELABLE", "bookings of this link cannot be canceled"
    ),
    "has ended": (Kind.PRECONDITION, "NOT_CANCELABLE", "the booking is over"),
    "event type with this slug": (
        Kind.ALREADY_EXISTS, "SLUG_EXISTS", "another link has this slug: choose another one"
    ),
    "webhook with this subscriber url": (
        Kind.ALREADY_EXISTS, "WEBHOOK_EXISTS", "a webhook to this address exists already"
    ),
    "no authentication provided": (
        Kind.UNAUTHENTICATED, "TOKEN_MISSING", "the request carried no credentials"
    ),
}  # fmt: skip

_REVOKED: Meaning = (
    Kind.UNAUTHENTICATED, "TOKEN_REVOKED", "Cal.com does not know the API key (any more)"
)  # fmt: skip
_FAULTY_PROPERTY = re.compile(r"(\w{1,40})[\w.]{0,80} property is wrong")
# Properties of a booking's body, and where they come from.
_FIELDS: Mapping[str, str] = {
    "start": "event.start_at",
    "attendee": "event.attendees",
    "guests": "event.attendees",
    "location": "event.location",
    "metadata": "event.metadata",
    "lengthInMinutes": "event.end_at",
    "bookingFieldsResponses": "event.booking_answers",
    "title": "link.name",
    "slug": "link.slug",
}


def classify(reply: Reply) -> ProviderError:
    """The error behind an answer that is not a success."""
    error = error_for(reply)
    text = " ".join(_texts(reply))
    if reply.status == 429:
        after = error.retry_after if error.retry_after is not None else _reset(reply)
        return ProviderError(
            Kind.RATE_LIMITED, error.message, retry_after=after, metadata=error.metadata
        )
    found = _meaning(reply.status, text.lower())
    if found is not None:
        kind, reason, sentence = found
        return ProviderError(kind, sentence, reason=reason, metadata=error.metadata)
    if error.kind is Kind.INVALID:
        error.violations = _violations(text)
    return error


def _meaning(status: int, text: str) -> Meaning | None:
    if status == 401:
        return _REVOKED if "not valid" in text else None
    if status == 404 and "cannot " in text:
        return _WRONG_VERSION
    if not 400 <= status <= 500:
        return None
    for words, meaning in _WORDS.items():
        if words in text:
            return meaning
    if status == 400 and "bad request exception" in text:
        return _WRONG_VERSION
    return None


def _violations(text: str) -> tuple[tuple[str, str], ...]:
    found = [_FIELDS.get(word, "") for word in _FAULTY_PROPERTY.findall(text[:4_000])]
    return tuple((field, "is refused by Cal.com") for field in dict.fromkeys(found) if field)


def _texts(reply: Reply) -> list[str]:
    """The texts of a body; none for HTML."""
    try:
        body = msgspec.json.decode(reply.content, type=Failure)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    found = _flat(body.message)
    if isinstance(body.error, dict):
        found += _flat(body.error.get("message")) + _flat(body.error.get("code"))
        details = body.error.get("details")
        found += _flat(details.get("message") if isinstance(details, dict) else details)
    return found


def _flat(value: Any) -> list[str]:
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str)]
    return [value] if isinstance(value, str) else []


def _reset(reply: Reply) -> float:
    """Seconds until Cal.com takes requests again; its headers end in the name of a limiter.

    The server tells seconds, one page of its documentation shows a unix time.
    """
    for name, value in reply.headers.items():
        if name.lower().startswith("x-ratelimit-reset") and value.strip().isdecimal():
            seconds = float(value.strip()[:15])
            if seconds > 1e6:
                seconds -= time.time()
            return min(max(seconds, 0.0), 24 * 3600.0)
    return _BLOCK_SECONDS
