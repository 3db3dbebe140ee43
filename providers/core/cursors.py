"""Cursors of lists as text: a msgspec Struct in JSON. The server seals it into the page token."""

from typing import TypeVar

import msgspec

from providers.core.errors import ProviderError

T = TypeVar("T", bound=msgspec.Struct)


def read_cursor(text: str, kind: type[T]) -> T:
    """The cursor in `text`; "" is the beginning, a `kind` with its defaults.

    Raises:
        ProviderError: INVALID, it is no page of this list.
    """
    if not text:
        return kind()
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError):
        raise ProviderError.invalid(
            "page_token", "is no page of this list", reason="INVALID_PAGE_TOKEN"
        ) from None


def write_cursor(cursor: msgspec.Struct) -> str:
    """The inverse of `read_cursor`."""
    return msgspec.json.encode(cursor).decode()
