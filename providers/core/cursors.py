"""Cursors of lists as text: a msgspec Struct in JSON, or a place in a list that is there whole.

The server seals them into the page token.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from providers.core.errors import ProviderError

T = TypeVar("T", bound=msgspec.Struct)
Item = TypeVar("Item")
_MOST_DIGITS = 19


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


def cut(
    items: Iterable[Item], place: Callable[[Item], tuple[int, str]], size: int, token: str
) -> tuple[list[Item], str]:
    """A page of a list that is there whole, in the order of `place`, and where to go on.

    The cursor is the place of the last item, so that what comes or goes in between shifts nothing.

    Raises:
        ProviderError: INVALID, `token` is no page of such a list.
    """
    after: tuple[int, str] | None = None
    if token:
        number, _, name = token.partition("|")
        after = number_of(number), name
    ordered = sorted((item for item in items if after is None or place(item) > after), key=place)
    page = ordered[:size]
    if len(ordered) <= size:
        return page, ""
    last, name = place(page[-1])
    return page, f"{last}|{name}"


def number_of(digits: str) -> int:
    """A number of a cursor, not negative.

    Raises:
        ProviderError: INVALID, it is none.
    """
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise ProviderError.invalid("page_token", "is not one of this list")
    return int(digits)
