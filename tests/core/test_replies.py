"""What HTTP alone tells of a failure, and what it must not tell."""

import time
from email.utils import formatdate

import httpx
import pytest

from providers.core.errors import Kind
from providers.core.replies import Reply, error_for, is_outage, may_be_done, retry_after


def reply(status: int, content: bytes = b"", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, httpx.Headers(named), content, "https://x.example/secret")


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (300, Kind.PROVIDER_FAULT, "REDIRECT_REFUSED"),
        (302, Kind.PROVIDER_FAULT, "REDIRECT_REFUSED"),
        (400, Kind.INVALID, "INVALID_REQUEST"),
        (401, Kind.UNAUTHENTICATED, "TOKEN_EXPIRED"),
        (402, Kind.PRECONDITION, "PLAN_UPGRADE_REQUIRED"),
        (403, Kind.FORBIDDEN, "FORBIDDEN"),
        (404, Kind.NOT_FOUND, "NOT_FOUND"),
        (405, Kind.PROVIDER_FAULT, "PROVIDER_ERROR"),
        (408, Kind.TIMEOUT, "PROVIDER_TIMEOUT"),
        (409, Kind.CONFLICT, "CONFLICT"),
        (410, Kind.NOT_FOUND, "NOT_FOUND"),
        (412, Kind.CONFLICT, "ETAG_MISMATCH"),
        (413, Kind.INVALID, "TOO_LARGE"),
        (422, Kind.INVALID, "INVALID_REQUEST"),
        (423, Kind.PRECONDITION, "LOCKED"),
        (429, Kind.RATE_LIMITED, "RATE_LIMITED"),
        (499, Kind.INVALID, "INVALID_REQUEST"),
        (500, Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
        (501, Kind.PROVIDER_FAULT, "PROVIDER_ERROR"),
        (502, Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
        (503, Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
        (504, Kind.TIMEOUT, "PROVIDER_TIMEOUT"),
        (507, Kind.QUOTA_EXCEEDED, "STORAGE_QUOTA"),
        (599, Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
        (999, Kind.PROVIDER_FAULT, "PROVIDER_ERROR"),
    ],
)
def test_a_status_is_an_error(status: int, kind: Kind, reason: str) -> None:
    """P21: a 500 with a page of HTML is an outage, not a crash."""
    error = error_for(reply(status, b"<html>secret", x_request_id="r-1"))
    assert (error.kind, error.reason) == (kind, reason)
    assert error.metadata == {"provider_status": str(status), "provider_request_id": "r-1"}
    assert "secret" not in f"{error.message} {error!r} {error.metadata}"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"request_id": "a-b_c:1/2=="}, "a-b_c:1/2=="),
        ({"x_zm_trackingid": "v=2.0;clid=us"}, None),
        ({"cf_ray": "8f-FRA"}, "8f-FRA"),
        ({"x_request_id": "ana@example.com"}, None),
        ({"x_request_id": "a" * 129}, None),
        ({"x_request_id": "two words", "request_id": "one"}, "one"),
        ({}, None),
    ],
)
def test_only_what_looks_like_a_request_id_is_told(
    headers: dict[str, str], found: str | None
) -> None:
    assert error_for(reply(500, b"", **headers)).metadata.get("provider_request_id") == found


def test_retry_after_is_read_in_both_forms() -> None:
    def read(text: str, **more: str) -> float | None:
        return retry_after(httpx.Headers({"retry-after": text, **more}))

    assert read("120") == 120.0
    assert read(" 0.5 ") == 0.5
    assert read("-3") == 0.0
    assert read("99999999999") == 86400.0
    assert read("inf") == 86400.0
    for text in ("nan", ""):
        assert not read(text)
    for text in ("soon", "Wed, 99 Foo 2026", "2026-11-25T00:00:00Z"):
        assert read(text) is None
    soon = read(formatdate(time.time() + 30, usegmt=True))
    assert soon is not None
    assert 28 <= soon <= 30
    assert read("Wed, 25 Nov 2020 10:00:00 GMT") == 0.0
    # R11: our clock may be wrong; the answer's own date is not.
    assert read("Wed, 25 Nov 2020 10:00:07 GMT", date="Wed, 25 Nov 2020 10:00:00 GMT") == 7.0
    assert retry_after(httpx.Headers()) is None
    assert error_for(reply(429, retry_after="5")).retry_after == 5.0


@pytest.mark.parametrize(
    ("status", "doubt"),
    [
        (200, False),
        (400, False),
        (408, True),
        (429, False),
        (500, True),
        (501, False),
        (502, True),
        (503, True),
        (504, True),
        (507, False),
        (520, True),
    ],
)
def test_a_write_is_in_doubt_after_these(status: int, doubt: bool) -> None:
    """P59."""
    assert may_be_done(reply(status)) is doubt


def test_a_503_that_says_when_to_come_back_has_done_nothing() -> None:
    assert not may_be_done(reply(503, retry_after="3"))
    assert may_be_done(reply(504, retry_after="3"))


def test_an_outage_is_not_the_fault_of_one_request() -> None:
    assert [status for status in range(200, 600) if is_outage(status)] == [
        502,
        503,
        504,
        *range(520, 531),
    ]
