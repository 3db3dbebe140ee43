"""What a CalDAV server's refusal means: by status, and by the precondition in its body.

Preconditions are named by RFC 4791 (sections 1.3, 5.3), 6578 (3.2), 6638 (3.2.4) and 3744 (7).
"""

from providers.caldav.dav import condition_of
from providers.core.errors import Kind, ProviderError
from providers.core.replies import Reply, error_for

_INVALID = (Kind.INVALID, "INVALID_REQUEST", "the server does not accept this as calendar data")
_LIMIT = (Kind.INVALID, "INVALID_REQUEST", "the server's limits do not allow this")
_TAKEN = (Kind.ALREADY_EXISTS, "ALREADY_EXISTS", "an event with the same UID is there already")
_DENIED = (Kind.FORBIDDEN, "FORBIDDEN", "this account may not do that here")
_WINDOW = (
    Kind.PRECONDITION,
    "WINDOW_TOO_LARGE",
    "the server will not answer for so many events: ask for a shorter window",
)

CONDITIONS: dict[str, tuple[Kind, str, str]] = {
    "attendee-allowed": _DENIED,
    "calendar-collection-location-ok": _INVALID,
    "initialize-calendar-collection": _INVALID,
    "max-attachment-size": _LIMIT,
    "max-attachments-per-resource": _LIMIT,
    "max-attendees-per-instance": _LIMIT,
    "max-date-time": _LIMIT,
    "max-instances": _LIMIT,
    "max-resource-size": _LIMIT,
    "min-date-time": _LIMIT,
    "need-privileges": _DENIED,
    "allowed-attendee-scheduling-object-change": _DENIED,
    "allowed-organizer-scheduling-object-change": _DENIED,
    "organizer-allowed": _DENIED,
    "no-uid-conflict": _TAKEN,
    "unique-scheduling-object-resource": _TAKEN,
    "same-organizer-in-all-components": _INVALID,
    "number-of-matches-within-limits": _WINDOW,
    "resource-must-be-null": (Kind.ALREADY_EXISTS, "ALREADY_EXISTS", "the name is taken"),
    "supported-calendar-component": _INVALID,
    "supported-calendar-component-set": _INVALID,
    "supported-calendar-data": _INVALID,
    "supported-collation": _INVALID,
    "supported-filter": _INVALID,
    "valid-calendar-data": _INVALID,
    "valid-calendar-object-resource": _INVALID,
    "valid-calendar-timezone": _INVALID,
    "valid-filter": _INVALID,
    "valid-organizer": _INVALID,
    "valid-sync-token": (
        Kind.CURSOR_EXPIRED,
        "RESUME_TOKEN_EXPIRED",
        "the server no longer knows this point: begin anew",
    ),
    "quota-not-exceeded": (
        Kind.QUOTA_EXCEEDED,
        "STORAGE_QUOTA",
        "the account's storage is full",
    ),
}

STATUSES: dict[int, tuple[Kind, str, str]] = {
    400: (Kind.INVALID, "INVALID_REQUEST", "the server does not accept the request"),
    405: (Kind.UNSUPPORTED, "UNSUPPORTED_BY_PROVIDER", "this server cannot do that here"),
    409: (Kind.PRECONDITION, "PRECONDITION_FAILED", "the calendar around it does not exist"),
    410: (Kind.NOT_FOUND, "NOT_FOUND", "it does not exist any more"),
    412: (Kind.CONFLICT, "ETAG_MISMATCH", "it has changed meanwhile: read it again"),
    413: _LIMIT,
    415: _INVALID,
    423: (Kind.CONFLICT, "LOCKED", "it is locked: try again later"),
    501: (Kind.UNSUPPORTED, "UNSUPPORTED_BY_PROVIDER", "this server cannot do that"),
    507: (Kind.QUOTA_EXCEEDED, "STORAGE_QUOTA", "the account's storage is full"),
}


def classify(reply: Reply) -> ProviderError:
    """The error behind an answer that is not a success; 401, 403, 404, 429 and 5xx as anywhere."""
    condition = condition_of(reply.content)
    found = CONDITIONS.get(condition) or STATUSES.get(reply.status)
    if found is None:
        return error_for(reply)
    kind, reason, message = found
    metadata = {"provider_status": str(reply.status)}
    if condition in CONDITIONS:
        metadata["provider_code"] = condition
    return ProviderError(kind, message, reason=reason, metadata=metadata)


def of_status(status: int, condition: str = "") -> ProviderError:
    """The error behind one part of a multistatus."""
    kind, reason, message = (
        CONDITIONS.get(condition)
        or STATUSES.get(status)
        or _PARTS.get(status)
        or (Kind.PROVIDER_FAULT, "", "the server could not do a part of the request")
    )
    return ProviderError(kind, message, reason=reason, metadata={"provider_status": str(status)})


_PARTS: dict[int, tuple[Kind, str, str]] = {
    401: (Kind.FORBIDDEN, "FORBIDDEN", "this account may not do that here"),
    403: _DENIED,
    404: (Kind.NOT_FOUND, "NOT_FOUND", "it does not exist"),
    424: (Kind.PRECONDITION, "PRECONDITION_FAILED", "another part of the request failed"),
    503: (Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE", "the server is not available: try again"),
}
