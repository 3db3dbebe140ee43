"""What GoTo's errors mean. No schema of error bodies is published; two forms are seen (2026-11).

The status decides, save where a word of the body tells what it cannot. No text of a body goes on.
"""

from collections.abc import Mapping

import msgspec

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for, facts
from providers.goto.wire import Trouble

_DEAD_TOKENS = frozenset({"invalidtoken", "invalid_token", "tokenexpired", "auth_token_expired"})
# Of a webinar that can no longer be changed: words of the message of a 400.
_TOO_LATE = ("in progress", "in session", "ended", "has started", "is over")
_OAUTH: Mapping[str, tuple[Kind, str, str]] = {
    "invalid_grant": (Kind.REAUTHORIZATION_REQUIRED, "", "the user has to sign in to GoTo again"),
    "invalid_client": (Kind.PRECONDITION, "OAUTH_CLIENT_REFUSED", "GoTo refuses the OAuth client"),
}


def classify(reply: Reply) -> ProviderError:
    """The error behind an answer that is not a success.

    A dead token is answered with 403 (no operation of the specification has a 401).
    """
    error = error_for(reply)
    code, text = _said(reply.content)
    if reply.status in (400, 401) and code in _OAUTH:
        return _error(reply, *_OAUTH[code])
    if reply.status == 403 and code in _DEAD_TOKENS:
        return _error(
            reply, Kind.UNAUTHENTICATED, "", "GoTo does not take the access token any more"
        )
    if reply.status == 400 and any(word in text for word in _TOO_LATE):
        return _error(
            reply,
            Kind.PRECONDITION,
            "TOO_LATE",
            "GoTo changes nothing that is running or over",
        )
    return error


def _error(reply: Reply, kind: Kind, reason: str, sentence: str) -> ProviderError:
    return ProviderError(kind, sentence, reason=reason, metadata=facts(reply))


def _said(content: bytes) -> tuple[str, str]:
    """Code and message of a body in lower case, of whichever form; "" when there are none."""
    try:
        found = msgspec.json.decode(content, type=Trouble)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", ""
    code = found.errorCode or found.int_err_code or found.error
    text = found.message or found.msg or found.description
    return (
        code.lower() if isinstance(code, str) else "",
        text.lower() if isinstance(text, str) else "",
    )
