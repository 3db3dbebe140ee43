"""The strings that must be nowhere, and what finds them however they were written down."""

import base64
import contextlib
import math
import re
import zlib
from collections.abc import Iterable, Iterator

# Lower case, letters and digits: what changes its writing are encodings, and those are searched.
CORE = "kanarienvogel7391"
TEXT = f"{CORE} ✓ <é> & 50 %"
EMAIL = f"{CORE}@example.com"
URL = f"https://{CORE}.example.com/{CORE}?q={CORE}"
_GZIP = b"\x1f\x8b\x08"
_LARGEST = 64 * 1024 * 1024


def _base64(word: bytes) -> Iterator[bytes]:
    """`word` inside of base64, at each of the three places where it can begin."""
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + word + b"\0" * 2)
        inner = whole[math.ceil(offset * 8 / 6) : (offset + len(word)) * 8 // 6]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def encodings(word: str) -> dict[str, list[bytes]]:
    """Every writing of `word` that is searched; those of "exact" with their case."""
    plain = word.encode()
    return {
        "any case": [
            plain,
            plain.hex().encode(),
            b"".join(b"%%%02x" % byte for byte in plain),
            b"".join(b"\\x%02x" % byte for byte in plain),
            b"".join(b"\\u%04x" % byte for byte in plain),
            word.encode("utf-16-le"),
            word.encode("utf-16-be"),
            word.encode("utf-32-le"),
        ],
        "exact": [*_base64(plain), base64.b32encode(plain)[: len(plain) * 8 // 5]],
    }


class Searcher:
    """Finds words in bytes."""

    def __init__(self, words: Iterable[str] = (CORE,)) -> None:
        found = [encodings(word) for word in dict.fromkeys(words)]
        self._loose = self._any([each for one in found for each in one["any case"]], re.IGNORECASE)
        self._exact = self._any([each for one in found for each in one["exact"]])

    @staticmethod
    def _any(parts: list[bytes], flags: int = 0) -> re.Pattern[bytes]:
        return re.compile(b"|".join(map(re.escape, dict.fromkeys(parts))), flags)

    def hits(self, content: bytes | str) -> list[str]:
        """What stands around each hit; packed content is looked into."""
        data = content.encode() if isinstance(content, str) else content
        return [
            repr(layer[max(0, match.start() - 60) : match.end() + 40])
            for layer in _layers(data)
            for pattern in (self._loose, self._exact)
            for match in pattern.finditer(layer)
        ]


def _layers(data: bytes) -> Iterator[bytes]:
    yield data
    begin = data.find(_GZIP)
    while begin >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(wbits=31).decompress(data[begin:], _LARGEST)
        begin = data.find(_GZIP, begin + 1)
