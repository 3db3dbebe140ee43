"""What Calendly's error answers mean: status, title, and for some the sense of the message.

Bodies are `{"title", "message", "details"}`; `details` is often missing, the body of a 429 may be
`{}`, and gateways answer HTML. No word of a body is passed on.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from providers.calendly.wire import Problem
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for, facts

# Seconds until Calendly's window of a minute begins anew, when it does not say.
_WINDOW_SECONDS = 60.0
# A longer wait is that of the daily limit of bookings.
_LONGEST_WAIT = 120.0
_BOOKING = "/invitees"

# Calendly's parameters and our field paths; the longest name that fits counts.
FIELDS: Mapping[str, str] = {
    "start_time": "event.start_at",
    "event_type": "event.link_id",
    "event_guests": "event.attendees",
    "invitee": "event.attendees[0]",
    "invitee.email": "event.attendees[0].email",
    "invitee.name": "event.attendees[0].name",
    "invitee.first_name": "event.attendees[0].name",
    "invitee.last_name": "event.attendees[0].name",
    "invitee.timezone": "event.timezone",
    "location": "event.location",
    "questions_and_answers": "event.booking_answers",
    "name": "link.name",
    "duration": "link.duration",
    "duration_options": "link.duration_options",
    "description": "link.description",
    "color": "link.color",
    "locations": "link.locations",
    "active": "link.is_active",
    "page_token": "page_token",
    "count": "page_size",
    "min_start_time": "window",
    "max_start_time": "window",
    "reason": "reason",
}
_TAKEN = ("no longer available", "not available", "unavailable", "already taken", "already booked")
_PLAN = ("upgrade your", "paid calendly plan", "paid plan")
_ROLE = ("organization", "role", "admin", "owner")


def classify(reply: Reply) -> ProviderError:
    """The error behind an answer that is no success."""
    problem = _problem(reply)
    words = f"{problem.title or ''} {problem.message or ''}".lower()
    if reply.status == 429:
        return _limited(reply)
    if reply.status in (400, 403) and "already" in words and "cancel" in words:
        return _precondition(reply, "ALREADY_CANCELED", "the event is canceled already")
    if reply.status == 409 and _books(reply):
        return _taken(reply)
    if reply.status == 400:
        return _refused(reply, problem, words)
    if reply.status == 401:
        return _unauthenticated(reply, words)
    if reply.status == 403:
        return _forbidden(reply, words)
    if reply.status == 409:
        return _error(reply, Kind.ALREADY_EXISTS, "", "it is there already")
    if reply.status == 504:
        return _error(
            reply, Kind.UNAVAILABLE, "", "the provider did not answer its gateway in time"
        )
    if reply.status == 424:
        return _error(
            reply,
            Kind.UNAVAILABLE,
            "EXTERNAL_CALENDAR_ERROR",
            "Calendly cannot read a calendar of this user: the user has to connect it anew",
        )
    return error_for(reply)


def _problem(reply: Reply) -> Problem:
    try:
        return msgspec.json.decode(reply.content, type=Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Problem()


def _books(reply: Reply) -> bool:
    path = urlsplit(reply.url).path
    return path.endswith(_BOOKING) and "/scheduled_events/" not in path


def _error(reply: Reply, kind: Kind, reason: str, sentence: str) -> ProviderError:
    return ProviderError(kind, sentence, reason=reason, metadata=facts(reply))


def _precondition(reply: Reply, reason: str, sentence: str) -> ProviderError:
    return _error(reply, Kind.PRECONDITION, reason, sentence)


def _taken(reply: Reply) -> ProviderError:
    error = _precondition(reply, "SLOT_TAKEN", "this slot cannot be booked: see ListLinkSlots")
    error.violations = (("event.start_at", "is not a free slot of the link"),)
    return error


def _limited(reply: Reply) -> ProviderError:
    """Calendly tells the seconds until its window ends, and nothing else."""
    error = error_for(reply)
    if error.retry_after is None:
        error.retry_after = _seconds(reply.headers.get("x-ratelimit-reset", ""))
    if _books(reply) and error.retry_after > _LONGEST_WAIT:
        return _error(
            reply,
            Kind.QUOTA_EXCEEDED,
            "",
            "the account has made all the bookings that its plan allows for now",
        )
    return error


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else _WINDOW_SECONDS


def _refused(reply: Reply, problem: Problem, words: str) -> ProviderError:
    if problem.error == "invalid_grant":
        return _error(
            reply, Kind.REAUTHORIZATION_REQUIRED, "", "the refresh token is spent or revoked"
        )
    if _books(reply) and any(word in words for word in _TAKEN):
        return _taken(reply)
    error = error_for(reply)
    named = [_field(detail.parameter or "") for detail in problem.details or ()]
    error.violations = tuple((path, "the provider refuses it") for path in named if path)
    if any(path == "page_token" for path, _ in error.violations):
        error.reason = "INVALID_PAGE_TOKEN"
    return error


def _field(parameter: str) -> str:
    """Our path for Calendly's parameter; "" for one that is not ours."""
    name = parameter.partition("[")[0]
    while name:
        if name in FIELDS:
            return FIELDS[name]
        name = name.rpartition(".")[0]
    return ""


def _unauthenticated(reply: Reply, words: str) -> ProviderError:
    error = error_for(reply)
    if "revoked" in words:
        error.reason = "TOKEN_REVOKED"
    return error


def _forbidden(reply: Reply, words: str) -> ProviderError:
    if any(word in words for word in _PLAN):
        return _precondition(
            reply, "PLAN_UPGRADE_REQUIRED", "the account's Calendly plan does not include this"
        )
    if "scope" in words:
        return _error(
            reply,
            Kind.INSUFFICIENT_SCOPE,
            "",
            "the token has not the scope for this: authorize the connection anew",
        )
    if any(word in words for word in _ROLE):
        return _error(
            reply,
            Kind.FORBIDDEN,
            "ROLE_OR_ORGANIZATION",
            "this user's role does not allow it, or it belongs to another organization",
        )
    return error_for(reply)
