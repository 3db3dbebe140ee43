"""Reading JSON of providers: what is wrong with it is told without a word of it."""

import contextlib

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core.errors import Kind, ProviderError
from providers.core.replies import Reply
from providers.core.wire import decode


class Thing(msgspec.Struct, gc=False):
    id: int
    names: list[str] = []


def reply(content: bytes) -> Reply:
    return Reply(200, httpx.Headers({"x-request-id": "r-1"}), content, "https://x.example/")


def test_a_body_becomes_what_was_asked_for() -> None:
    assert decode(reply(b'{"id": 7, "names": ["a"], "new": {}}'), Thing) == Thing(7, ["a"])
    assert decode(reply(b"[1, 2]"), list[int]) == [1, 2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>secret",
        b'{"id": 1',
        b'{"id": "secret"}',
        b'{"names": ["secret"]}',
        b'{"id": 1, "names": {"secret": 1}}',
        b'{"id": NaN}',
        b'{"id": 1, "names": ["\xff"]}',
        b'{"id": 1, "x": ' + b"[" * 200_000,
        b'{"id": 1, "x": ' + b'{"a":' * 200_000,
        b"null",
    ],
)
def test_anything_else_is_the_providers_fault(content: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode(reply(content), Thing)
    error = caught.value
    assert error.kind is Kind.PROVIDER_FAULT
    assert error.metadata == {"provider_status": "200", "provider_request_id": "r-1"}
    assert "secret" not in f"{error!r} {error.message}"
    assert error.__cause__ is None
    assert error.__suppress_context__


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(content: bytes) -> None:
    with contextlib.suppress(ProviderError):
        decode(reply(content), Thing)
