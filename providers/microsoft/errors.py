"""What Graph's errors mean: by their code, innermost known one first, then by their status.

learn.microsoft.com/graph/errors, and codes of Exchange and Teams seen in answers up to November
2026. Of a body only its codes are looked at: messages hold names and addresses.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for
from providers.microsoft.auth import challenge_of

Meaning: TypeAlias = tuple[Kind, str, str]

# What the next authorization request has to ask for: a policy, in base64, nothing of a person.
_CLAIMS = re.compile(r'claims="([A-Za-z0-9+/_=-]{1,2048})"')

_NO_MAILBOX = (
    Kind.PRECONDITION, "NO_MAILBOX", "the account has no mailbox in Exchange Online"
)  # fmt: skip
_EXPIRED = (
    Kind.CURSOR_EXPIRED, "", "Microsoft no longer knows this point: read everything anew"
)  # fmt: skip
_MALFORMED = (Kind.INVALID, "", "Microsoft refuses a value in the request")
_STALE = (Kind.CONFLICT, "", "it has changed at Microsoft: read it again")
_BUSY = (Kind.RATE_LIMITED, "", "Microsoft asks for fewer requests")
_DOWN = (Kind.UNAVAILABLE, "", "Microsoft is not available now")
_DENIED = (Kind.FORBIDDEN, "", "the account may not do this")

# Codes in lower case: Graph spells the same one in several ways.
CODES: Mapping[str, Meaning] = {
    "syncstatenotfound": _EXPIRED,
    "syncstateinvalid": _EXPIRED,
    "resyncrequired": _EXPIRED,
    "erroritemnotfound": (Kind.NOT_FOUND, "", "Microsoft does not have it"),
    "resourcenotfound": (Kind.NOT_FOUND, "", "Microsoft does not have it"),
    "itemnotfound": (Kind.NOT_FOUND, "", "Microsoft does not have it"),
    "request_resourcenotfound": (Kind.NOT_FOUND, "", "Microsoft does not have it"),
    "mailboxnotenabledforrestapi": _NO_MAILBOX,
    "mailboxnotsupportedforrestapi": _NO_MAILBOX,
    "mailboxnothostedinexchangeonline": _NO_MAILBOX,
    "errornonexistentmailbox": _NO_MAILBOX,
    "erroraccessdenied": _DENIED,
    "accessdenied": _DENIED,
    "authorization_requestdenied": (
        Kind.INSUFFICIENT_SCOPE, "", "the connection lacks a permission for this"
    ),
    "errorinvalididmalformed": (Kind.INVALID, "", "an id is none that Microsoft gave"),
    "erroroccurrencecrossingboundary": (
        Kind.INVALID,
        "OCCURRENCE_CROSSING",
        "an instance cannot be moved to or across the day of its neighbour",
    ),
    "errorcalendarviewrangetoobig": (
        Kind.INVALID, "WINDOW_TOO_LARGE", "the window is longer than Microsoft allows"
    ),
    "errorcalendarinvalidrecurrence": (
        Kind.INVALID, "", "Microsoft cannot keep a recurrence like this"
    ),
    "timezonenotsupportedexception": (
        Kind.INVALID, "TIME_ZONE_NOT_SUPPORTED", "Microsoft does not know the time zone"
    ),
    "validationerror": (
        Kind.PRECONDITION, "WATCH_REFUSED", "Microsoft refuses the address for notifications"
    ),
    "errorirresolvableconflict": _STALE,
    "resourcemodified": _STALE,
    "errorfolderexists": (Kind.ALREADY_EXISTS, "", "there is one of this name already"),
    "namealreadyexists": (Kind.ALREADY_EXISTS, "", "there is one of this name already"),
    "errorduplicatetransactionid": (
        Kind.ALREADY_EXISTS, "", "the same request has been carried out before"
    ),
    "errordeletedistinguishedfolder": (
        Kind.FORBIDDEN, "PRIMARY_CALENDAR", "the primary calendar cannot be deleted"
    ),
    "errorquotaexceeded": (Kind.QUOTA_EXCEEDED, "STORAGE_QUOTA", "the mailbox is full"),
    "toomanyrequests": _BUSY,
    "applicationthrottled": _BUSY,
    "activitylimitreached": _BUSY,
    "errorserverbusy": _BUSY,
    "serviceunavailable": _DOWN,
    "servicenotavailable": _DOWN,
}  # fmt: skip

# Where the status tells more than the table of the house.
_STATUSES: Mapping[int, Meaning] = {
    402: (Kind.PRECONDITION, "PLAN_UPGRADE_REQUIRED", "Microsoft wants payment for this API"),
    405: (Kind.UNSUPPORTED, "", "Microsoft does not do this for such an account"),
    409: (Kind.CONFLICT, "CONFLICT", "it was changed at the same time: read it again"),
    410: _EXPIRED,
    412: _STALE,
    501: (Kind.UNSUPPORTED, "", "Microsoft has not implemented this"),
    509: _BUSY,
}  # fmt: skip


class _Words(msgspec.Struct, gc=False):
    """An error, or one inside it (learn.microsoft.com/graph/errors#inner-error)."""

    code: str | None = None
    within: "_Words | None" = msgspec.field(default=None, name="innerError")
    within_too: "_Words | None" = msgspec.field(default=None, name="innererror")


class ErrorAnswer(msgspec.Struct, gc=False):
    """Body of an answer that is not a success; some gateways write the error as a bare word."""

    error: _Words | str | None = None


def codes_of(content: bytes) -> list[str]:
    """Codes that a body gives, innermost first; none for HTML."""
    try:
        found = msgspec.json.decode(content, type=ErrorAnswer).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    codes: list[str] = []
    while isinstance(found, _Words) and len(codes) < 8:
        codes.insert(0, found.code or "")
        found = found.within or found.within_too
    return [code for code in codes if code]


def classify(reply: Reply) -> ProviderError:
    """The error behind an answer of Graph that is not a success."""
    codes = codes_of(reply.content)
    error = error_for(reply)
    if codes and codes[-1].isascii() and codes[-1].replace("_", "").isalnum():
        error.metadata["provider_code"] = codes[-1][:64]
    if reply.status == 401:
        return _unauthenticated(reply, error)
    found = _meaning(reply, codes)
    if found is None:
        return error
    kind, reason, sentence = found
    return ProviderError(
        kind, sentence, reason=reason, retry_after=error.retry_after, metadata=error.metadata
    )


def _meaning(reply: Reply, codes: list[str]) -> Meaning | None:
    known = next((CODES[code.lower()] for code in codes if code.lower() in CODES), None)
    if reply.status == 403:
        return _forbidden(reply.content) or known
    if known is not None and reply.status < 500:
        return known
    if reply.status >= 500 and known in {_BUSY, _DOWN}:
        return known
    return _STATUSES.get(reply.status)


# Two refusals that have no code of their own: these words are Microsoft's, and not about people.
_FORBIDDEN_WORDS: Mapping[bytes, Meaning] = {
    b"No application access policy found": (
        Kind.PRECONDITION,
        "APPLICATION_ACCESS_POLICY_MISSING",
        "the tenant has granted this app no application access policy for the user",
    ),
    b"ubscription request quota": (
        Kind.QUOTA_EXCEEDED, "SUBSCRIPTION_QUOTA", "the mailbox has as many subscriptions as it can"
    ),
    b"maximum number of subscriptions": (
        Kind.QUOTA_EXCEEDED, "SUBSCRIPTION_QUOTA", "the mailbox has as many subscriptions as it can"
    ),
}  # fmt: skip


def _forbidden(content: bytes) -> Meaning | None:
    return next((found for words, found in _FORBIDDEN_WORDS.items() if words in content), None)


def _unauthenticated(reply: Reply, error: ProviderError) -> ProviderError:
    if not challenge_of(reply.headers):
        return error
    claims = _CLAIMS.search(reply.headers.get("www-authenticate", ""))
    if claims:
        error.metadata["claims"] = claims[1]
    return ProviderError(
        Kind.REAUTHORIZATION_REQUIRED,
        "the organization's policy wants the person to sign in again",
        reason="CLAIMS_CHALLENGE",
        metadata=error.metadata,
    )
