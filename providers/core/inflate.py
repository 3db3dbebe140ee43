"""Bodies that arrive compressed, inflated piece by piece: no piece is larger than was asked for."""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

# isal inflates twice as fast; where it has no wheel, the standard library does it.
_zlib: Any = zlib
with suppress(ImportError):
    from isal import isal_zlib as _zlib

_GZIP = 16 + zlib.MAX_WBITS
_MAX_MEMBERS = 1_000
CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})


class InflateError(Exception):
    """The body is not what its content coding says, or ends too early."""


class Inflater:
    """One body in the content coding "gzip" or "deflate" (RFC 9110 section 8.4.1).

    "deflate" without its zlib header, which some servers send, is understood too.
    """

    def __init__(self, coding: str) -> None:
        self._gzip = coding != "deflate"
        self._stream: Any = None
        self._members = 0

    def feed(self, data: bytes, room: int) -> Iterator[bytes]:
        """The inflated pieces of `data`; none, nor all together, are longer than `room`.

        Raises:
            InflateError: it cannot be inflated.
        """
        while data and room > 0:
            if self._stream is None or self._stream.eof:
                data = data.lstrip(b"\0") if self._members else data  # padding of a gzip file
                if not data:
                    return
                self._begin(data[0])
            try:
                piece = self._stream.decompress(data, room)
            except (zlib.error, _zlib.error):
                raise InflateError("the body cannot be inflated") from None
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            room -= len(piece)
            if piece:
                yield piece

    def _begin(self, first: int) -> None:
        self._members += 1
        if self._members > (_MAX_MEMBERS if self._gzip else 1):
            raise InflateError("the body has too many parts")
        raw = not self._gzip and first & 0x0F != 8  # RFC 1950 section 2.2: CM is 8
        bits = _GZIP if self._gzip else -zlib.MAX_WBITS if raw else zlib.MAX_WBITS
        self._stream = _zlib.decompressobj(wbits=bits)

    def end(self) -> None:
        """The body is over.

        Raises:
            InflateError: too early.
        """
        if self._stream is not None and not self._stream.eof:
            raise InflateError("the body ends too early")
