"""What Fireflies' errors mean: by code, whatever the HTTP status (docs.fireflies.ai, error codes).

A bad key is answered with HTTP 500, many other errors with 200. Nothing of a message is passed on.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for, facts
from providers.fireflies.wire import Answer, Extensions, Trouble, Word

_IS_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")
_IS_CORRELATION = re.compile(r"[A-Za-z0-9_-]{1,128}")
# Undocumented, seen 2026-06: seconds until the budget of a minute begins anew.
_RESET = "x-ratelimit-reset-api"
_WINDOW_SECONDS = 60.0
_DAY_SECONDS = 86_400.0
# A wait that is longer is no matter of the minute: Free and Pro count requests by the day.
_HOUR_SECONDS = 3600.0

_REFUSED = (Kind.INVALID, "", "Fireflies refuses a value in the request")
_NOT_ALLOWED = (Kind.FORBIDDEN, "", "the account may not do this at Fireflies")
_UNFIT = (Kind.PRECONDITION, "", "the Fireflies account is not in a state for this")
_OUR_FAULT = (Kind.ADAPTER_FAULT, "", "Fireflies does not understand the service's query")
_BAD_KEY = (Kind.UNAUTHENTICATED, "", "Fireflies does not take the API key")
_NOT_THERE = (Kind.NOT_FOUND, "", "Fireflies does not have it, or this key does not see it")
_TOO_MANY = (Kind.RATE_LIMITED, "", "Fireflies asks for fewer requests")

# Code: kind, reason ("" for the kind's own), our sentence.
CODES: Mapping[str, tuple[Kind, str, str]] = {
    "auth_failed": _BAD_KEY,
    "invalid_arguments": _REFUSED,
    "args_required": _REFUSED,
    "payload_too_small": _REFUSED,
    "invalid_language_code": _REFUSED,
    "unsupported_platform": _UNFIT,
    "admin_must_exist": _UNFIT,
    "forbidden": _NOT_ALLOWED,
    "not_in_team": _NOT_ALLOWED,
    "require_elevated_privilege": _NOT_ALLOWED,
    "account_cancelled": _NOT_ALLOWED,
    "paid_required": (
        Kind.PRECONDITION,
        "PLAN_UPGRADE_REQUIRED",
        "the account's plan does not include this",
    ),
    "require_ai_credits": (Kind.QUOTA_EXCEEDED, "AI_CREDITS", "the account has no AI credits left"),
    "object_not_found": _NOT_THERE,
    "request_timeout": (Kind.TIMEOUT, "", "Fireflies gave up waiting"),
    "too_many_requests": _TOO_MANY,
    "invariant_violation": (Kind.PROVIDER_FAULT, "", "Fireflies failed on its own data"),
    "GRAPHQL_VALIDATION_FAILED": _OUR_FAULT,
    "GRAPHQL_PARSE_FAILED": _OUR_FAULT,
}
# For errors without a code: words of the message.
_MESSAGES = (
    ("valid api key", _BAD_KEY),
    ("too many requests", _TOO_MANY),
    ("not found", _NOT_THERE),
)


def classify(reply: Reply) -> ProviderError:
    """The error behind an answer whose HTTP status is one."""
    try:
        found = msgspec.json.decode(reply.content, type=Answer).errors
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = None
    if found:
        return error_of(reply, found[0])
    error = error_for(reply)
    if error.kind is Kind.RATE_LIMITED and error.retry_after is None:
        error.retry_after = _reset(reply)
    return error


def error_of(reply: Reply, trouble: Trouble) -> ProviderError:
    """The error that `trouble` speaks of."""
    extensions = trouble.extensions or Extensions()
    code = _text(extensions.code) or _text(trouble.code)
    row = CODES.get(code) or _by_message(trouble.message, code)
    if row is not None:
        error = ProviderError(row[0], row[2], reason=row[1])
    else:
        error = _by_status(reply, extensions.status)
    error.metadata = facts(reply)
    if _IS_CODE.fullmatch(code):
        error.metadata["provider_code"] = code
    if _IS_CORRELATION.fullmatch(correlation := _text(extensions.correlation_id)):
        error.metadata["provider_request_id"] = correlation
    if error.kind is Kind.RATE_LIMITED:
        error.retry_after = _told(extensions.metadata) or error.retry_after or _reset(reply)
        if error.retry_after > _HOUR_SECONDS:
            error.kind, error.reason = Kind.QUOTA_EXCEEDED, Kind.QUOTA_EXCEEDED.value
    return error


def _text(word: Word) -> str:
    return word if isinstance(word, str) else ""


def _by_message(message: Word, code: str) -> tuple[Kind, str, str] | None:
    if code:
        return None
    said = _text(message).lower()
    return next((row for words, row in _MESSAGES if words in said), None)


def _by_status(reply: Reply, status: Word) -> ProviderError:
    """By the status that the error names, else by that of HTTP."""
    if isinstance(status, int) and 400 <= status < 600:
        return error_for(replace(reply, status=status))
    return error_for(reply)


def _told(metadata: object) -> float | None:
    """Seconds until `metadata.retryAfter`, epoch milliseconds; None when it says nothing of use."""
    value = metadata.get("retryAfter") if isinstance(metadata, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    wait = value / 1000 - datetime.now(UTC).timestamp()
    return min(wait, _DAY_SECONDS) if wait > 0 else None


def _reset(reply: Reply) -> float:
    text = reply.headers.get(_RESET, "")
    known = text.isascii() and text.isdigit() and len(text) < 6
    return float(text) if known else _WINDOW_SECONDS
