"""Objects of one kind, held as bytes that can go straight into an answer.

Every answer of the contract has its resource, or its resources, in field 1. An object is therefore
kept framed as that field: `GetEventResponse.FromString(framed)` is the answer of a get, and the
frames of fifty events joined are the answer of a list, read in one pass of the C parser. Held as
bytes, no object can be changed behind the world's back.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from providers.core.errors import ProviderError

M = TypeVar("M", bound=Message)

DEFAULT_PAGE = 50

Row = tuple[int, str]


def frame(message: Message) -> bytes:
    """`message` as field 1 of an enclosing message."""
    return enclose(message.SerializeToString())


def enclose(body: bytes) -> bytes:
    """A serialized message as field 1 of an enclosing message."""
    length = len(body)
    head = bytearray(b"\x0a")
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def unframe(framed: bytes, type: type[M]) -> M:
    """A fresh message out of `framed`."""
    head = 1
    while framed[head] & 0x80:
        head += 1
    return type.FromString(framed[head + 1 :])


@dataclass(slots=True)
class Record:
    """One object.

    Attributes:
        order: place in lists: seconds since 1970, or a serial number.
        version: grows with every write; the etag, where the kind has one.
        framed: the object.
    """

    id: str
    order: int
    version: str
    framed: bytes


class Shelf(Generic[M]):
    """Objects of one kind in one world, ordered for lists.

    Attributes:
        name: of the kind, as errors call it.
        type: class of the message.
    """

    def __init__(self, name: str, type: type[M], order: Callable[[M], int]) -> None:
        self.name = name
        self.type = type
        self._order = order
        self.records: dict[str, Record] = {}
        self.rows: list[Row] = []

    def __len__(self) -> int:
        return len(self.records)

    def __contains__(self, id: str) -> bool:
        return id in self.records

    def __iter__(self) -> Iterator[M]:
        for _, own_id in self.rows:
            yield unframe(self.records[own_id].framed, self.type)

    def record(self, id: str) -> Record:
        """The record of `id`.

        Raises:
            ProviderError: NOT_FOUND.
        """
        found = self.records.get(id)
        if found is None:
            raise ProviderError.not_found(self.name, id)
        return found

    def get(self, id: str) -> M:
        """A copy of the object.

        Raises:
            ProviderError: NOT_FOUND.
        """
        return unframe(self.record(id).framed, self.type)

    def put(self, id: str, message: M, version: str) -> int:
        """Keep a copy of `message`; the number of bytes by which the shelf has grown."""
        framed = frame(message)
        grown = len(framed) - self.remove(id)
        order = self._order(message)
        self.records[id] = Record(id, order, version, framed)
        insort(self.rows, (order, id))
        return grown

    def remove(self, id: str) -> int:
        """Forget `id`, which need not be there; the number of bytes set free."""
        record = self.records.pop(id, None)
        if record is None:
            return 0
        del self.rows[bisect_left(self.rows, (record.order, id))]
        return len(record.framed)

    def page(
        self, cursor: str, size: int, keep: Callable[[M], bool] | None = None
    ) -> tuple[list[bytes], str]:
        """Frames of one page, and the cursor of the next one ("" at the end)."""
        rows: Iterable[Row] = self.rows
        if keep is not None:
            rows = [
                row for row in self.rows if keep(unframe(self.records[row[1]].framed, self.type))
            ]
        chosen, following = cut(list(rows), cursor, size)
        return [self.records[own_id].framed for _, own_id in chosen], following


def cut(rows: Sequence[Row], cursor: str, size: int) -> tuple[Sequence[Row], str]:
    """The rows of one page after `cursor`, and the next cursor.

    The cursor names the last row that was given, so that what is written between two pages makes
    no row come twice and hides none (P10).

    Raises:
        ProviderError: INVALID for a cursor that is none.
    """
    begin = bisect_right(rows, row_of(cursor)) if cursor else 0
    end = begin + (size or DEFAULT_PAGE)
    chosen = rows[begin:end]
    return chosen, f"{chosen[-1][0]}:{chosen[-1][1]}" if end < len(rows) else ""


def row_of(cursor: str) -> Row:
    """The row that a page cursor names.

    Raises:
        ProviderError: INVALID for a cursor that is none.
    """
    order, colon, own_id = cursor.partition(":")
    try:
        if colon:
            return int(order[:24]), own_id
    except ValueError:
        pass
    raise ProviderError.invalid(
        "page_token", "not a page of the sandbox", reason="INVALID_PAGE_TOKEN"
    )
