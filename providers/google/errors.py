"""What Google's errors mean: by their reason, then by their canonical code, then by their status.

Table of developers.google.com/workspace/calendar/api/guides/errors and of google.rpc.Code (Meet,
Workspace Events, Directory). Of a body only its machine-readable words are looked at.
"""

import re
from collections.abc import Mapping

import msgspec

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for
from providers.google.wire import ErrorAnswer

# What the challenge of RFC 6750 section 3 says is missing.
_SCOPE = re.compile(r'scope="([\x21\x23-\x5b\x5d-\x7e ]{1,2000})"')
_HOURS = 3 * 3600.0
# Abuse limits ("Calendar usage limits exceeded.") last for hours, and daily ones for the day.
_LONG = {"quotaExceeded": _HOURS, "dailyLimitExceeded": _HOURS}

# Reason: kind, reason of ours ("" for the kind's own), sentence.
_REASONS: Mapping[str, tuple[Kind, str, str]] = {
    "rateLimitExceeded": (Kind.RATE_LIMITED, "", "Google asks for fewer requests"),
    "userRateLimitExceeded": (Kind.RATE_LIMITED, "", "Google asks this user for fewer requests"),
    "RATE_LIMIT_EXCEEDED": (Kind.RATE_LIMITED, "", "Google asks for fewer requests"),
    "quotaExceeded": (
        Kind.QUOTA_EXCEEDED, "", "Google's usage limits for this account are used up for hours"
    ),
    "dailyLimitExceeded": (
        Kind.QUOTA_EXCEEDED, "", "the daily quota of the Google project is used up"
    ),
    "authError": (Kind.UNAUTHENTICATED, "", "Google does not take the access token any more"),
    "insufficientPermissions": (
        Kind.INSUFFICIENT_SCOPE, "", "the connection lacks an OAuth scope for this"
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (
        Kind.INSUFFICIENT_SCOPE, "", "the connection lacks an OAuth scope for this"
    ),
    "forbiddenForNonOrganizer": (
        Kind.FORBIDDEN, "NOT_ORGANIZER", "only the organizer can change this of an event"
    ),
    "forbiddenForServiceAccounts": (
        Kind.FORBIDDEN,
        "DELEGATION_REQUIRED",
        "a service account needs domain-wide delegation to invite people",
    ),
    "accessNotConfigured": (
        Kind.PRECONDITION, "API_DISABLED", "the API is not enabled in the Google Cloud project"
    ),
    "SERVICE_DISABLED": (
        Kind.PRECONDITION, "API_DISABLED", "the API is not enabled in the Google Cloud project"
    ),
    "duplicate": (Kind.ALREADY_EXISTS, "", "Google has used this id already"),
    "conflict": (Kind.CONFLICT, "CONFLICT", "it was changed at the same time: read it again"),
    "fullSyncRequired": (
        Kind.CURSOR_EXPIRED, "", "Google no longer knows this point: read everything anew"
    ),
    "updatedMinTooLongAgo": (
        Kind.PRECONDITION,
        "UPDATED_AFTER_TOO_OLD",
        "Google no longer knows what changed since then: list without updated_after",
    ),
    "channelIdNotUnique": (
        Kind.PRECONDITION, "WATCH_REFUSED", "Google knows a channel of this id already"
    ),
    "pushNotSupportedForRequestedResource": (
        Kind.PRECONDITION, "PUSH_NOT_SUPPORTED", "Google does not push changes of this calendar"
    ),
    "backendError": (Kind.UNAVAILABLE, "", "Google is not available now"),
    "timeRangeTooLong": (
        Kind.INVALID, "WINDOW_TOO_LARGE", "the window is longer than Google allows"
    ),
}  # fmt: skip

# google.rpc.Code by name, for bodies without a reason that is known.
_STATUSES: Mapping[str, tuple[Kind, str, str]] = {
    "FAILED_PRECONDITION": (Kind.PRECONDITION, "", "Google cannot do this in the present state"),
    "OUT_OF_RANGE": (Kind.INVALID, "", "Google refuses a value as out of range"),
    "ALREADY_EXISTS": (Kind.ALREADY_EXISTS, "", "Google has it already"),
    "ABORTED": (Kind.CONFLICT, "CONFLICT", "it was changed at the same time: try again"),
    "RESOURCE_EXHAUSTED": (Kind.RATE_LIMITED, "", "Google asks for fewer requests"),
    "DEADLINE_EXCEEDED": (Kind.TIMEOUT, "", "Google did not answer in time"),
    "UNAVAILABLE": (Kind.UNAVAILABLE, "", "Google is not available now"),
}

_BY_STATUS: Mapping[int, tuple[Kind, str, str]] = {
    500: (Kind.UNAVAILABLE, "", "Google failed"),
}


def classify(reply: Reply) -> ProviderError:
    """The error behind an answer of any of Google's APIs that is not a success."""
    words, status = _words(reply)
    reason = next((word for word in words if word in _REASONS or word.startswith("push.")), "")
    found = _of(reason, status, reply.status)
    error = error_for(reply)
    if words and words[0].isascii() and words[0].replace(".", "").replace("_", "").isalnum():
        error.metadata["provider_code"] = words[0][:64]
    if found is None:
        return error
    kind, own_reason, sentence = found
    if kind is Kind.INSUFFICIENT_SCOPE:
        needed = _SCOPE.search(reply.headers.get("www-authenticate", ""))
        if needed is not None:
            error.metadata["needed_scope"] = needed[1]
    after = error.retry_after
    if after is None:
        after = _LONG.get(reason)
    return ProviderError(
        kind, sentence, reason=own_reason, retry_after=after, metadata=error.metadata
    )


def _of(reason: str, status: str, code: int) -> tuple[Kind, str, str] | None:
    if reason.startswith("push."):
        return Kind.PRECONDITION, "WATCH_REFUSED", "Google refuses the address for notifications"
    if reason in _REASONS and not (code == 401 and reason != "authError"):
        return _REASONS[reason]
    if status in _STATUSES and code not in {401, 404}:
        return _STATUSES[status]
    if code == 429:
        return Kind.RATE_LIMITED, "", "Google asks for fewer requests"
    return _BY_STATUS.get(code)


def _words(reply: Reply) -> tuple[list[str], str]:
    """Reasons that the body gives, most telling first, and its canonical code; none for HTML."""
    try:
        body = msgspec.json.decode(reply.content, type=ErrorAnswer).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [], ""
    found = [each.reason for each in body.errors] + [each.reason for each in body.details]
    return [reason for reason in found if reason], body.status
