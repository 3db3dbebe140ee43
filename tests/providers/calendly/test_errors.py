"""Calendly's error answers, one by one; answers that are not what they should be."""

import json

import httpx
import pytest

from providers.calendly.errors import classify
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from tests.providers.calendly.desk import Desk, booking, monday, violations
from tests.providers.calendly.double.server import Fault

ROOT = "https://api.calendly.com"


def _reply(
    status: int,
    title: str = "",
    message: str = "",
    *,
    path: str = "/scheduled_events",
    reset: str = "60",
    **body: object,
) -> Reply:
    shown = json.dumps({"title": title, "message": message, **body}).encode()
    return Reply(status, httpx.Headers({"x-ratelimit-reset": reset}), shown, ROOT + path)


TABLE = [
    (_reply(400, "Invalid Argument", "x"), Kind.INVALID, "INVALID_REQUEST"),
    (
        _reply(400, "Invalid Argument", "no longer available", path="/invitees"),
        Kind.PRECONDITION,
        "SLOT_TAKEN",
    ),
    (_reply(400, error="invalid_grant"), Kind.REAUTHORIZATION_REQUIRED, "REAUTHORIZATION_REQUIRED"),
    (_reply(400, "", "Event is already canceled"), Kind.PRECONDITION, "ALREADY_CANCELED"),
    (_reply(401, "Unauthenticated", "token is invalid"), Kind.UNAUTHENTICATED, "TOKEN_EXPIRED"),
    (_reply(401, "Unauthenticated", "token was revoked"), Kind.UNAUTHENTICATED, "TOKEN_REVOKED"),
    (
        _reply(403, "Permission Denied", "Please upgrade your Calendly account to Standard"),
        Kind.PRECONDITION,
        "PLAN_UPGRADE_REQUIRED",
    ),
    (_reply(403, "InsufficientScope", "x"), Kind.INSUFFICIENT_SCOPE, "INSUFFICIENT_SCOPE"),
    (
        _reply(403, "Permission Denied", "This user is not in your organization"),
        Kind.FORBIDDEN,
        "ROLE_OR_ORGANIZATION",
    ),
    (_reply(403, "Permission Denied", "You do not"), Kind.FORBIDDEN, "FORBIDDEN"),
    (_reply(403, "", "Event is already canceled"), Kind.PRECONDITION, "ALREADY_CANCELED"),
    (_reply(404, "Resource Not Found", "x"), Kind.NOT_FOUND, "NOT_FOUND"),
    (_reply(409, "Already Exists", "x", path="/webhook_subscriptions"), Kind.ALREADY_EXISTS, ""),
    (_reply(409, "Conflict", "x", path="/invitees"), Kind.PRECONDITION, "SLOT_TAKEN"),
    (_reply(424, "External Calendar Error"), Kind.UNAVAILABLE, "EXTERNAL_CALENDAR_ERROR"),
    (_reply(429), Kind.RATE_LIMITED, "RATE_LIMITED"),
    (_reply(429, path="/invitees"), Kind.RATE_LIMITED, "RATE_LIMITED"),
    (_reply(429, path="/invitees", reset="4000"), Kind.QUOTA_EXCEEDED, "DAILY_QUOTA"),
    (_reply(500, "Internal Server Error"), Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
    (_reply(502), Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
    (_reply(503), Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
    (_reply(504), Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
]


@pytest.mark.parametrize(("reply", "kind", "reason"), TABLE, ids=range(len(TABLE)))
def test_the_error_table(reply: Reply, kind: Kind, reason: str) -> None:
    error = classify(reply)
    assert error.kind is kind
    assert error.reason == (reason or kind.value)
    assert error.metadata["provider_status"] == str(reply.status)


@pytest.mark.parametrize(
    ("reset", "seconds"), [("7", 7.0), ("", 60.0), ("soon", 60.0), ("1" * 40, 60.0), ("-5", 60.0)]
)
def test_a_limit_says_when_it_ends(reset: str, seconds: float) -> None:
    """There is no Retry-After; the body may be empty."""
    assert classify(_reply(429, reset=reset)).retry_after == seconds


def test_a_daily_limit_asks_for_no_waiting() -> None:
    assert classify(_reply(429, path="/invitees", reset="4000")).retry_after is None


def test_details_name_our_fields_and_none_of_their_words() -> None:
    details = [
        {"parameter": "invitee.email", "message": "secret@example.com is invalid"},
        {"parameter": "start_time", "message": "must be in the future"},
        {"parameter": "location.location", "message": "x"},
        {"parameter": "questions_and_answers[0].answer", "message": "x"},
        {"parameter": "something_new", "message": "x"},
        {"message": "no parameter"},
    ]
    error = classify(_reply(400, "Invalid Argument", "x", path="/invitees", details=details))
    assert violations(error) == [
        "event.attendees[0].email",
        "event.start_at",
        "event.location",
        "event.booking_answers",
    ]
    assert "secret" not in str(error.violations) + error.message


def test_a_bad_page_token_is_told_as_one() -> None:
    error = classify(_reply(400, details=[{"parameter": "page_token"}]))
    assert error.reason == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize(
    "body", [b"<html>502</html>", b"", b"[]", b"null", b'{"title": 5}', b"\xff\xfe", b"[" * 5000]
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
def test_errors_without_sense_are_told_by_status(status: int, body: bytes) -> None:
    error = classify(Reply(status, httpx.Headers(), body, f"{ROOT}/scheduled_events"))
    assert isinstance(error, ProviderError)
    assert error.metadata["provider_status"] == str(status)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>",
        b'{"collection": [',
        b'{"collection": {}}',
        b'{"collection": [{"name": "no uri"}], "pagination": {}}',
        b'{"collection": [{"uri": 5}], "pagination": {}}',
        b'{"collection": [{"uri": "u", "start_time": "yesterday", "end_time": "x"}]}',
        b'{"collection": [{"uri": "u", "start_time": "2026-09-10T13:00:00", "end_time": "x"}]}',
        b'{"resource": {}}',
        b"\xff",
        b"",
    ],
    ids=range(10),
)
async def test_answers_without_sense_are_a_fault_of_theirs(desk: Desk, body: bytes) -> None:
    await desk.listed()
    desk.account = "known"
    await desk.listed()
    desk.double.faults.append(Fault(status=200, body=body))
    with pytest.raises(ProviderError) as caught:
        await desk.listed()
    assert caught.value.kind is Kind.PROVIDER_FAULT


async def test_an_unreadable_answer_to_a_write_is_an_unknown_outcome(desk: Desk) -> None:
    desk.double.garble_writes = True
    with pytest.raises(ProviderError) as caught:
        await desk.create(booking(monday()))
    assert caught.value.kind is Kind.OUTCOME_UNKNOWN
    desk.double.garble_writes = False
    assert len(await desk.listed()) == 1
