"""Page tokens: the provider's cursor, sealed to the very question that it continues.

The server keeps nothing between pages. A token opens only for the same connection, the same RPC
and the same request (page_size aside), for a day.
"""

import hashlib
from datetime import timedelta
from typing import Any, Protocol

from google.protobuf.message import Message

from providers.core.errors import ProviderError
from server.connections.sealer import TokenError

_LIFETIME = timedelta(hours=24)


class Sealer(Protocol):
    """Authenticated encryption bound to a context; see server.connections."""

    def seal(self, payload: bytes, *, bound_to: bytes = b"") -> bytes:
        """`payload`, sealed."""

    def open(
        self, token: bytes, *, bound_to: bytes = b"", max_age: timedelta | None = None
    ) -> bytes:
        """What was sealed."""


class Pages:
    """Seals cursors into page tokens and opens them again."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def open(self, request: Any, question: bytes) -> None:
        """Put the provider's own cursor in place of the caller's token.

        Raises:
            ProviderError: INVALID, INVALID_PAGE_TOKEN; UNAVAILABLE while the keys are away.
        """
        if not request.page_token:
            return
        try:
            cursor = self._sealer.open(
                request.page_token.encode(), bound_to=question, max_age=_LIFETIME
            )
            request.page_token = cursor.decode()
        except (TokenError, ValueError):
            raise ProviderError.invalid(
                "page_token",
                "is not a token of this list, or is older than a day; begin the list again",
                reason="INVALID_PAGE_TOKEN",
            ) from None

    def seal(self, answer: Any, question: bytes) -> None:
        """Put a token in place of the provider's own cursor."""
        if answer.next_page_token:
            sealed = self._sealer.seal(answer.next_page_token.encode(), bound_to=question)
            answer.next_page_token = sealed.decode()


def question(request: Any, rpc: str, connection: str) -> bytes:
    """What a page token is bound to: everything asked but the page."""
    asked: Message = type(request)()
    asked.CopyFrom(request)
    for name in ("page_token", "page_size"):
        asked.ClearField(name)
    digest = hashlib.sha256(f"{rpc}\0{connection}\0".encode())
    digest.update(asked.SerializeToString(deterministic=True))
    return digest.digest()
