"""Answers of a provider, and the errors that HTTP alone tells."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import httpx

from providers.core.errors import Kind, ProviderError

_REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "x-ms-request-id",
    "x-amzn-requestid",
    "x-correlation-id",
    "x-zm-trackingid",
    "cf-ray",
)
_IS_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_MAX_RETRY_AFTER = 24 * 3600.0
_DONE_NEVER = frozenset({501, 505, 507, 511})

# Kind, reason ("" for the kind's own), our sentence.
ERRORS: Mapping[int, tuple[Kind, str, str]] = {
    400: (Kind.INVALID, "", "the provider refuses the request as malformed"),
    401: (Kind.UNAUTHENTICATED, "", "the provider does not take the credentials any more"),
    402: (Kind.PRECONDITION, "PLAN_UPGRADE_REQUIRED", "the account's plan does not include this"),
    403: (Kind.FORBIDDEN, "", "the account may not do this"),
    404: (Kind.NOT_FOUND, "", "the provider does not have it, or this account does not see it"),
    405: (Kind.PROVIDER_FAULT, "", "the provider does not take this method here"),
    408: (Kind.TIMEOUT, "", "the provider gave up waiting"),
    409: (Kind.CONFLICT, "CONFLICT", "it conflicts with what the provider has"),
    410: (Kind.NOT_FOUND, "", "it is gone at the provider"),
    412: (Kind.CONFLICT, "", "it has changed at the provider: read it again"),
    413: (Kind.INVALID, "TOO_LARGE", "the provider refuses it as too large"),
    414: (Kind.INVALID, "TOO_LARGE", "the provider refuses it as too long"),
    415: (Kind.PROVIDER_FAULT, "", "the provider does not take this media type"),
    422: (Kind.INVALID, "", "the provider refuses a value in the request"),
    423: (Kind.PRECONDITION, "LOCKED", "it is locked at the provider"),
    425: (Kind.UNAVAILABLE, "", "the provider does not take this so early"),
    428: (Kind.PRECONDITION, "ETAG_REQUIRED", "the provider wants a version to compare"),
    429: (Kind.RATE_LIMITED, "", "the provider asks for fewer requests"),
    451: (Kind.FORBIDDEN, "", "the provider may not show this"),
    500: (Kind.UNAVAILABLE, "", "the provider failed"),
    501: (Kind.PROVIDER_FAULT, "", "the provider has not implemented this"),
    502: (Kind.UNAVAILABLE, "", "the provider cannot be reached behind its gateway"),
    503: (Kind.UNAVAILABLE, "", "the provider is not available now"),
    504: (Kind.TIMEOUT, "", "the provider did not answer its gateway in time"),
    507: (Kind.QUOTA_EXCEEDED, "STORAGE_QUOTA", "the account has no room left at the provider"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the provider.

    Attributes:
        status: HTTP status.
        headers: case-insensitive.
        content: body, already inflated, at most the cap.
        url: where it came from, after redirects that were allowed. Not for logs or errors.
        repeated: an earlier send of this request may have been carried out: the 409 or 412 of a
            create, or the 404 of a delete, may be our own doing.
    """

    status: int
    headers: httpx.Headers
    content: bytes
    url: str
    repeated: bool = False


Classify: TypeAlias = Callable[[Reply], ProviderError]


def error_for(reply: Reply) -> ProviderError:
    """The error that HTTP alone tells: status, Retry-After, request id; never the body."""
    kind, reason, sentence = ERRORS.get(reply.status) or _of_class(reply.status)
    return ProviderError(
        kind,
        sentence,
        reason=reason,
        retry_after=retry_after(reply.headers),
        metadata=facts(reply),
    )


def _of_class(status: int) -> tuple[Kind, str, str]:
    if 500 <= status < 600:
        return Kind.UNAVAILABLE, "", "the provider failed"
    if 400 <= status < 500:
        return Kind.INVALID, "", "the provider refuses the request"
    if 300 <= status < 400:
        return Kind.PROVIDER_FAULT, "REDIRECT_REFUSED", "the provider redirects a write elsewhere"
    return Kind.PROVIDER_FAULT, "", "the provider's answer is of no use"


def facts(reply: Reply) -> dict[str, str]:
    """What may be told of an answer: its status, and its id for the vendor's support."""
    found = {"provider_status": str(reply.status)}
    for name in _REQUEST_IDS:
        value = reply.headers.get(name, "")
        if value and _IS_REQUEST_ID.fullmatch(value):
            found["provider_request_id"] = value
            break
    return found


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait, from Retry-After in either form (RFC 9110 10.2.3); at most a day.

    A date is read against the answer's own Date where there is one: our clock may be wrong.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        until = _date(text)
        if until is None:
            return None
        now = _date(headers.get("date", "")) or datetime.now(UTC)
        seconds = (until - now).total_seconds()
    if not seconds >= 0:  # NaN too
        return 0.0
    return min(seconds, _MAX_RETRY_AFTER)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def may_be_done(reply: Reply) -> bool:
    """Whether a write that was answered so may have been carried out all the same.

    A 503 that says when to come back refuses before any work; one that does not may come from a
    gateway that lost the answer itself.
    """
    if reply.status == 503:
        return retry_after(reply.headers) is None
    return reply.status == 408 or (reply.status >= 500 and reply.status not in _DONE_NEVER)


def is_outage(status: int) -> bool:
    """Whether an answer speaks of the host's health, and not of this one request."""
    return status in (502, 503, 504) or 520 <= status <= 530
