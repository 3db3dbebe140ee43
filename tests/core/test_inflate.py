"""Compressed bodies, cut anywhere, broken anywhere."""

import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core.inflate import InflateError, Inflater

# Without the time of packing: it would be in the tests' names, which workers must agree on.
PACKED = gzip.compress(b"x" * 100, mtime=0)


def inflated(coding: str, *chunks: bytes, room: int = 1 << 20) -> bytes:
    stream, found = Inflater(coding), b""
    for chunk in chunks:
        for piece in stream.feed(chunk, room - len(found)):
            found += piece
    if len(found) < room:
        stream.end()
    return found


def raw(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


@given(
    st.binary(max_size=2000),
    st.integers(1, 50),
    st.sampled_from([gzip.compress, zlib.compress, raw]),
)
def test_a_body_cut_into_pieces_comes_out_whole(data: bytes, size: int, pack: object) -> None:
    packed: bytes = pack(data)  # type: ignore[operator]
    coding = "gzip" if pack is gzip.compress else "deflate"
    chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert inflated(coding, *chunks) == data


def test_members_of_gzip_follow_one_another_and_padding_is_no_member() -> None:
    whole = gzip.compress(b"one") + gzip.compress(b"two") + bytes(100)
    assert inflated("gzip", whole) == b"onetwo"
    assert inflated("gzip", *(whole[at : at + 1] for at in range(len(whole)))) == b"onetwo"


def test_nothing_is_larger_than_there_is_room_for() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    pieces = list(Inflater("gzip").feed(bomb, 1000))
    assert sum(map(len, pieces)) == 1000


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"plain"),
        ("gzip", PACKED[:-9]),
        ("gzip", PACKED[:-1]),
        ("gzip", gzip.compress(b"one", mtime=0) + b"rest"),
        ("gzip", PACKED[:-8] + bytes(8)),
        ("gzip", gzip.compress(b"", mtime=0) * 2000),
        ("deflate", b"\xff\xff\xff"),
        ("deflate", zlib.compress(b"x" * 100)[:-5]),
        ("deflate", zlib.compress(b"one") + zlib.compress(b"two")),
        ("deflate", gzip.compress(b"x", mtime=0)),
    ],
)
def test_what_is_broken_or_ends_too_early_is_told(coding: str, body: bytes) -> None:
    with pytest.raises(InflateError):
        inflated(coding, body)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_no_bytes_crash_it(data: bytes, coding: str) -> None:
    with contextlib.suppress(InflateError):
        inflated(coding, data)
