"""Where a list of changes goes on: Google's sync token, and its page token in the middle of one."""

import msgspec

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, facts


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """A point between two requests.

    Attributes:
        sync: Google's sync token of the round before; "" in the first round, which lists all.
        page: Google's page token; "" at the beginning of a round.
        baseline: the round only finds out what is there.
    """

    sync: str = ""
    page: str = ""
    baseline: bool = False

    def text(self) -> str:
        """The cursor as text, "" never."""
        return msgspec.json.encode(self).decode()


def read(text: str) -> Cursor:
    """The inverse of `Cursor.text`; "" is the beginning.

    Raises:
        ProviderError: CURSOR_EXPIRED for what was not made here.
    """
    if not text:
        return Cursor()
    try:
        return msgspec.json.decode(text, type=Cursor)
    except (msgspec.MsgspecError, UnicodeError):
        raise ProviderError(
            Kind.CURSOR_EXPIRED, "the point to go on from cannot be read: read everything anew"
        ) from None


def malformed(reply: Reply) -> ProviderError:
    """The error of an answer that has the wrong shape, without a word of it."""
    return ProviderError(
        Kind.PROVIDER_FAULT,
        "the provider's answer is not what its documentation says",
        reason="MALFORMED_ANSWER",
        metadata=facts(reply),
    )
