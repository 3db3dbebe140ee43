"""What Zoom's errors mean: the code of the body first, then HTTP's status, then words of the text.

Codes are those of developers.zoom.us/docs/api (each operation's responses) and of its error pages.
Nothing of a body's text goes into an error, save names of scopes, which are machine words.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for, facts
from providers.zoom.wire import Trouble

# Kind, reason of ours ("" for the kind's own), sentence.
_Meaning = tuple[Kind, str, str]

_NOT_THERE: _Meaning = (
    Kind.NOT_FOUND,
    "",
    "Zoom does not have it, this user does not see it, or its number has expired",
)
_NOT_ALLOWED: _Meaning = (Kind.FORBIDDEN, "", "the Zoom user may not do this")
_NO_PLAN: _Meaning = (
    Kind.PRECONDITION, "PLAN_UPGRADE_REQUIRED", "the Zoom account's plan does not include this"
)  # fmt: skip
_NOT_NOW: _Meaning = (Kind.PRECONDITION, "", "Zoom cannot do this in the present state")
_DEAD_TOKEN: _Meaning = (Kind.UNAUTHENTICATED, "", "Zoom does not take the access token any more")
_FULL: _Meaning = (Kind.QUOTA_EXCEEDED, "CAPACITY_REACHED", "no more registrants are taken")
_NO_REGISTRATION: _Meaning = (
    Kind.PRECONDITION, "REGISTRATION_OFF", "registration is not on for this meeting or webinar"
)  # fmt: skip

_CODES: Mapping[int, _Meaning] = {
    124: _DEAD_TOKEN,
    303: _NO_REGISTRATION,
    404: _NO_REGISTRATION,
    1001: (Kind.NOT_FOUND, "", "Zoom knows no such user in this account"),
    1010: (Kind.FORBIDDEN, "", "the user does not belong to this Zoom account"),
    2305: _NOT_ALLOWED,
    3001: _NOT_THERE,
    3003: (
        Kind.FORBIDDEN,
        "DOMAIN_BLOCKED",
        "the account's owner has blocked the address's domain",
    ),
    3018: (Kind.PRECONDITION, "PERSONAL_ROOM", "a personal meeting room cannot be deleted"),
    3027: (Kind.INVALID, "HOST_CANNOT_REGISTER", "the host cannot register"),
    3034: (Kind.INVALID, "WORK_ADDRESS_REQUIRED", "only work addresses may register"),
    3035: _FULL,
    3037: (Kind.PRECONDITION, "PERSONAL_ROOM", "a personal audio conference cannot be deleted"),
    3038: (Kind.PRECONDITION, "REGISTRATION_CLOSED", "it is over, registration is closed"),
    3043: _FULL,
    3063: (Kind.PRECONDITION, "ON_PREMISE", "on-premise users cannot be reached through this API"),
    3079: (Kind.NOT_FOUND, "", "Zoom knows no such registrant"),
    3161: (Kind.FORBIDDEN, "HOSTING_NOT_ALLOWED", "the Zoom user may not host or schedule"),
    3301: (Kind.NOT_FOUND, "", "Zoom has no recording of this meeting"),
    3303: (Kind.PRECONDITION, "", "the recording is in use"),
    3309: (Kind.PRECONDITION, "STORAGE_QUOTA", "the account has no room for recordings"),
    3310: (Kind.PRECONDITION, "STORAGE_QUOTA", "the account has no room for recordings"),
    3322: (Kind.NOT_FOUND, "", "Zoom has no transcript of this meeting"),
    4400: (Kind.PRECONDITION, "POLLS_OFF", "polls are off in the Zoom account"),
    4505: (Kind.INVALID, "", "a simulive webinar needs a fixed time"),
    4700: _DEAD_TOKEN,
    4711: (Kind.INSUFFICIENT_SCOPE, "", "the connection lacks an OAuth scope for this"),
    12702: (Kind.INVALID, "TOO_OLD", "Zoom does not reach back more than a year here"),
    12703: _NOT_ALLOWED,
}
# Codes that mean something else with this status.
_CODES_AT: Mapping[tuple[int, int], _Meaning] = {
    (404, 404): _NOT_THERE,
    (404, 300): _NOT_THERE,
    (400, 300): (Kind.INVALID, "", "Zoom refuses a value in the request"),
}
# Code 200 and 3000 say everything and nothing: words of the text tell them apart.
_WORDS: Mapping[int, tuple[tuple[str, _Meaning], ...]] = {
    200: (
        ("webinar plan", _NO_PLAN),
        ("paid account", _NO_PLAN),
        ("paid user", _NO_PLAN),
        ("", _NOT_ALLOWED),
    ),
    3000: (
        ("occurrence does not exist", _NOT_THERE),
        ("cannot access", _NOT_THERE),
        ("does not exist", _NOT_THERE),
        ("reached the limit", (Kind.QUOTA_EXCEEDED, "", "a limit of the Zoom account is reached")),
        ("cannot schedule", _NOT_ALLOWED),
        ("blocked from joining", _NOT_ALLOWED),
        ("registration", _NO_REGISTRATION),
        ("", _NOT_NOW),
    ),
}
_SCOPE = re.compile(r"[a-z][a-z_]{1,40}:[a-z_]{2,40}(?::[a-z_]{1,60}){0,2}")
_MAX_WAIT = 48 * 3600.0
_DAILY = "daily"
# Zoom counts requests of each category by itself, for all apps of an account together.
_CATEGORIES = frozenset({"light", "medium", "heavy", "resource-intensive"})


def classify(reply: Reply) -> ProviderError:
    """The error behind an answer of Zoom's that is not a success, of whatever HTTP status."""
    error = error_for(reply)
    if reply.status == 429:
        return _limited(reply, error)
    found = trouble(reply.content)
    if found is None:
        return error
    meaning = _meaning(reply.status, found.code, found.message.lower())
    if meaning is None:
        return error
    kind, reason, sentence = meaning
    metadata = {**facts(reply), "provider_code": str(found.code)}
    if kind is Kind.INSUFFICIENT_SCOPE:
        needed = _SCOPE.findall(found.message)
        if needed:
            metadata["needed_scope"] = " ".join(dict.fromkeys(needed[:20]))
    return ProviderError(
        kind, sentence, reason=reason, retry_after=error.retry_after, metadata=metadata
    )


def trouble(content: bytes) -> Trouble | None:
    """What a body says of an error; None when it says nothing of the kind."""
    if not content:
        return None
    try:
        found = msgspec.json.decode(content, type=Trouble)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.code and found.message else None


def _meaning(status: int, code: int, text: str) -> _Meaning | None:
    if status == 401 and code not in (1010, 4711):
        return _DEAD_TOKEN
    if status >= 500:
        return None
    for word, meaning in _WORDS.get(code, ()):
        if word in text:
            return meaning
    return _CODES_AT.get((status, code)) or _CODES.get(code)


def _limited(reply: Reply, error: ProviderError) -> ProviderError:
    """A rate limit. On a daily one Retry-After is an ISO 8601 time, not seconds (Zoom's page on
    rate limits, seen in November 2026).
    """
    category = reply.headers.get("x-ratelimit-category", "").lower()
    if category in _CATEGORIES:
        error.metadata["rate_limit_category"] = category
    after = error.retry_after
    if after is None:
        after = _iso_wait(reply.headers.get("retry-after", ""))
    if _DAILY in reply.headers.get("x-ratelimit-type", "").lower():
        return ProviderError(
            Kind.QUOTA_EXCEEDED,
            "the Zoom account's requests of this kind are used up for today",
            retry_after=after,
            metadata=error.metadata,
        )
    error.retry_after = after
    return error


def _iso_wait(text: str) -> float | None:
    try:
        until = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), _MAX_WAIT)
