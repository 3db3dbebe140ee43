"""Zoom's error table: code first, then status, then words; nothing of a body in an error."""

from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from providers.core.errors import Kind
from providers.core.http import Reply
from providers.zoom.errors import classify
from tests.providers.desk import refused
from tests.providers.zoom.desk import Desk

CANARY = "canary-7f3a9d"


def reply(status: int, code: int, text: str, **headers: str) -> Reply:
    body = msgspec.json.encode({"code": code, "message": f"{text} {CANARY}"})
    return Reply(status, httpx.Headers(headers), body, "https://api.zoom.us/v2/x")


TABLE = [
    (401, 124, "Invalid access token.", Kind.UNAUTHENTICATED, ""),
    (401, 124, "Access token is expired.", Kind.UNAUTHENTICATED, ""),
    (400, 4700, "Token cannot be empty.", Kind.UNAUTHENTICATED, ""),
    (401, 4700, "Revoked.", Kind.UNAUTHENTICATED, ""),
    (400, 4711, "does not contain scopes:[meeting:read:meeting].", Kind.INSUFFICIENT_SCOPE, ""),
    (200, 200, "No permission.", Kind.FORBIDDEN, ""),
    (400, 200, "You do not have the right permissions.", Kind.FORBIDDEN, ""),
    (200, 200, "Webinar plan is missing.", Kind.PRECONDITION, "PLAN_UPGRADE_REQUIRED"),
    (400, 200, "Only available for Paid account.", Kind.PRECONDITION, "PLAN_UPGRADE_REQUIRED"),
    (400, 300, "Validation Failed.", Kind.INVALID, ""),
    (404, 300, "Invalid meeting id.", Kind.NOT_FOUND, ""),
    (400, 3000, "Meeting occurrence does not exist.", Kind.NOT_FOUND, ""),
    (400, 3000, "Cannot access meeting information.", Kind.NOT_FOUND, ""),
    (400, 3000, "You have reached the limit for the number of", Kind.QUOTA_EXCEEDED, ""),
    (400, 3000, "You cannot schedule a meeting for", Kind.FORBIDDEN, ""),
    (400, 3000, "This user has been blocked from joining", Kind.FORBIDDEN, ""),
    (400, 3000, "Meeting does not have registration.", Kind.PRECONDITION, "REGISTRATION_OFF"),
    (400, 3000, "Simulive webinars cannot.", Kind.PRECONDITION, ""),
    (400, 303, "Batch registration.", Kind.PRECONDITION, "REGISTRATION_OFF"),
    (400, 404, "Registration has not been enabled.", Kind.PRECONDITION, "REGISTRATION_OFF"),
    (400, 1010, "User does not belong to this account.", Kind.FORBIDDEN, ""),
    (401, 1010, "User does not belong to this account.", Kind.FORBIDDEN, ""),
    (404, 1001, "User does not exist.", Kind.NOT_FOUND, ""),
    (404, 3001, "Meeting does not exist.", Kind.NOT_FOUND, ""),
    (404, 3301, "There is no recording.", Kind.NOT_FOUND, ""),
    (404, 3322, "Transcript does not exist.", Kind.NOT_FOUND, ""),
    (404, 404, "Meeting polls not found.", Kind.NOT_FOUND, ""),
    (400, 3003, "Domains blocked.", Kind.FORBIDDEN, "DOMAIN_BLOCKED"),
    (400, 3018, "Not allowed to delete PMI.", Kind.PRECONDITION, "PERSONAL_ROOM"),
    (400, 3037, "Not allowed to delete PAC.", Kind.PRECONDITION, "PERSONAL_ROOM"),
    (400, 3027, "Host cannot register.", Kind.INVALID, "HOST_CANNOT_REGISTER"),
    (400, 3034, "Work email required.", Kind.INVALID, "WORK_ADDRESS_REQUIRED"),
    (400, 3035, "Maximum attendee capacity.", Kind.QUOTA_EXCEEDED, "CAPACITY_REACHED"),
    (400, 3043, "Maximum attendee capacity.", Kind.QUOTA_EXCEEDED, "CAPACITY_REACHED"),
    (400, 3038, "Meeting is over.", Kind.PRECONDITION, "REGISTRATION_CLOSED"),
    (400, 3063, "On-premise.", Kind.PRECONDITION, "ON_PREMISE"),
    (400, 3079, "Registrant unknown.", Kind.NOT_FOUND, ""),
    (400, 3161, "Hosting not allowed.", Kind.FORBIDDEN, "HOSTING_NOT_ALLOWED"),
    (400, 3303, "In use.", Kind.PRECONDITION, ""),
    (400, 3309, "Storage.", Kind.PRECONDITION, "STORAGE_QUOTA"),
    (400, 3310, "Storage.", Kind.PRECONDITION, "STORAGE_QUOTA"),
    (400, 4400, "Polls disabled.", Kind.PRECONDITION, "POLLS_OFF"),
    (400, 4505, "Simulive with no fixed time.", Kind.INVALID, ""),
    (400, 12702, "Older than one year.", Kind.INVALID, "TOO_OLD"),
    (403, 2305, "Summary not allowed.", Kind.FORBIDDEN, ""),
    (403, 12703, "Report not allowed.", Kind.FORBIDDEN, ""),
    (403, 99, "Transcript not allowed.", Kind.FORBIDDEN, ""),
    (409, 409, "conflict", Kind.CONFLICT, "CONFLICT"),
    (413, 1, "Too big.", Kind.INVALID, "TOO_LARGE"),
    (414, 1, "Too long.", Kind.INVALID, "TOO_LARGE"),
    (429, 429, "Rate limit.", Kind.RATE_LIMITED, ""),
    (429, 429, "Too many concurrent requests.", Kind.RATE_LIMITED, ""),
    (500, 500, "Internal.", Kind.UNAVAILABLE, ""),
    (502, 1, "Bad gateway.", Kind.UNAVAILABLE, ""),
    (503, 1, "Unavailable.", Kind.UNAVAILABLE, ""),
    (504, 1, "Timeout.", Kind.TIMEOUT, ""),
    (400, 77_777, "A code of next year.", Kind.INVALID, ""),
]


@pytest.mark.parametrize(("status", "code", "text", "kind", "reason"), TABLE)
def test_the_table(status: int, code: int, text: str, kind: Kind, reason: str) -> None:
    error = classify(reply(status, code, text))
    assert error.kind is kind
    assert error.reason == (reason or kind.value)
    assert CANARY not in f"{error} {error.metadata} {error.violations}"
    assert error.metadata["provider_status"] == str(status)


def test_missing_scopes_are_named() -> None:
    """P63."""
    text = "Invalid access token, does not contain scopes:[meeting:read:a:admin, meeting:read:b]."
    error = classify(reply(400, 4711, text))
    assert error.metadata["needed_scope"] == "meeting:read:a:admin meeting:read:b"
    assert error.retry_after is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": "x"}', b'{"code": 1e400}'])
def test_bodies_that_are_none(body: bytes) -> None:
    """P21: the status is told, and nothing breaks."""
    error = classify(Reply(404, httpx.Headers(), body, ""))
    assert error.kind is Kind.NOT_FOUND


# -- rate limits


def test_a_limit_by_the_second() -> None:
    headers = {"X-RateLimit-Type": "QPS", "X-RateLimit-Category": "Light", "Retry-After": "3"}
    found = classify(reply(429, 429, "", **headers))
    assert (found.kind, found.retry_after) == (Kind.RATE_LIMITED, 3)
    assert found.metadata["rate_limit_category"] == "light"


def test_a_daily_limit_ends_at_a_time_of_its_own() -> None:
    """P62: Retry-After is an ISO time then, and the wait is long."""
    end = datetime.now(UTC) + timedelta(hours=5)
    for text in (f"{end:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%S}"):
        headers = {"X-RateLimit-Type": "Daily-limit", "Retry-After": text}
        found = classify(
            reply(429, 429, "You have reached the maximum daily rate limit", **headers)
        )
        assert found.kind is Kind.QUOTA_EXCEEDED
        assert found.retry_after == pytest.approx(5 * 3600, abs=5)


@pytest.mark.parametrize("text", ["", "soon", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"])
def test_a_wait_is_bounded(text: str) -> None:
    headers = {"X-RateLimit-Type": "Daily-limit", "Retry-After": text}
    wait = classify(reply(429, 429, "", **headers)).retry_after
    assert wait is None or 0 <= wait <= 48 * 3600


async def test_a_short_limit_of_a_read_is_waited_for(desk: Desk) -> None:
    desk.zoom.fail(429, headers={"Retry-After": "0"})
    assert await desk.listed() == []


async def test_a_forbidden_read_is_not_tried_again(desk: Desk) -> None:
    """P63."""
    desk.zoom.fail(403, times=3)
    with refused(Kind.FORBIDDEN):
        await desk.listed()
    assert len(desk.zoom.faults) == 2
