"""Google's errors, row by row; answers that are no answers; quotas; lost answers."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.settings import ProviderSettings
from providers.google.api import RATE_LIMIT_SECONDS, Pace, pace_of, quota_user
from providers.google.errors import classify
from tests.providers.google.desk import THIS, WEEKLY, Desk, desk, meeting, refused
from tests.providers.google.double.faults import Fault, NewProblem, Problem
from ucal.v1 import calendar_pb2, event_pb2

SECRET = "Ada's secret meeting"

# Status, reason: kind, our reason. Rows of the error guide of the Calendar API.
ROWS: list[tuple[int, str, Kind, str]] = [
    (400, "required", Kind.INVALID, ""),
    (400, "invalid", Kind.INVALID, ""),
    (400, "badRequest", Kind.INVALID, ""),
    (400, "parseError", Kind.INVALID, ""),
    (400, "invalidParameter", Kind.INVALID, ""),
    (400, "timeRangeEmpty", Kind.INVALID, ""),
    (400, "timeRangeTooLong", Kind.INVALID, "WINDOW_TOO_LARGE"),
    (400, "push.webhookUrlNotHttps", Kind.PRECONDITION, "WATCH_REFUSED"),
    (401, "push.webhookUrlUnauthorized", Kind.PRECONDITION, "WATCH_REFUSED"),
    (400, "channelIdNotUnique", Kind.PRECONDITION, "WATCH_REFUSED"),
    (400, "pushNotSupportedForRequestedResource", Kind.PRECONDITION, "PUSH_NOT_SUPPORTED"),
    (401, "authError", Kind.UNAUTHENTICATED, ""),
    (401, "required", Kind.UNAUTHENTICATED, ""),
    (403, "rateLimitExceeded", Kind.RATE_LIMITED, ""),
    (403, "userRateLimitExceeded", Kind.RATE_LIMITED, ""),
    (403, "quotaExceeded", Kind.QUOTA_EXCEEDED, ""),
    (403, "dailyLimitExceeded", Kind.QUOTA_EXCEEDED, ""),
    (403, "forbiddenForNonOrganizer", Kind.FORBIDDEN, "NOT_ORGANIZER"),
    (403, "insufficientPermissions", Kind.INSUFFICIENT_SCOPE, ""),
    (403, "forbidden", Kind.FORBIDDEN, ""),
    (403, "requiredAccessLevel", Kind.FORBIDDEN, ""),
    (403, "forbiddenForServiceAccounts", Kind.FORBIDDEN, "DELEGATION_REQUIRED"),
    (403, "accessNotConfigured", Kind.PRECONDITION, "API_DISABLED"),
    (404, "notFound", Kind.NOT_FOUND, ""),
    (409, "duplicate", Kind.ALREADY_EXISTS, ""),
    (409, "conflict", Kind.CONFLICT, "CONFLICT"),
    (410, "fullSyncRequired", Kind.CURSOR_EXPIRED, ""),
    (410, "updatedMinTooLongAgo", Kind.PRECONDITION, "UPDATED_AFTER_TOO_OLD"),
    (410, "deleted", Kind.NOT_FOUND, ""),
    (412, "conditionNotMet", Kind.CONFLICT, ""),
    (429, "rateLimitExceeded", Kind.RATE_LIMITED, ""),
    (500, "backendError", Kind.UNAVAILABLE, ""),
    (502, "backendError", Kind.UNAVAILABLE, ""),
    (503, "backendError", Kind.UNAVAILABLE, ""),
]
# Status, canonical code, reason of ErrorInfo. Rows of google.rpc.Code for the newer APIs.
NEW_ROWS: list[tuple[int, str, str, Kind, str]] = [
    (400, "INVALID_ARGUMENT", "", Kind.INVALID, ""),
    (400, "FAILED_PRECONDITION", "", Kind.PRECONDITION, ""),
    (400, "OUT_OF_RANGE", "", Kind.INVALID, ""),
    (401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED", Kind.UNAUTHENTICATED, ""),
    (403, "PERMISSION_DENIED", "", Kind.FORBIDDEN, ""),
    (403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", Kind.INSUFFICIENT_SCOPE, ""),
    (403, "PERMISSION_DENIED", "SERVICE_DISABLED", Kind.PRECONDITION, "API_DISABLED"),
    (404, "NOT_FOUND", "", Kind.NOT_FOUND, ""),
    (409, "ABORTED", "", Kind.CONFLICT, "CONFLICT"),
    (409, "ALREADY_EXISTS", "", Kind.ALREADY_EXISTS, ""),
    (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", Kind.RATE_LIMITED, ""),
    (429, "RESOURCE_EXHAUSTED", "", Kind.RATE_LIMITED, ""),
    (500, "INTERNAL", "", Kind.UNAVAILABLE, ""),
    (503, "UNAVAILABLE", "", Kind.UNAVAILABLE, ""),
    (504, "DEADLINE_EXCEEDED", "", Kind.TIMEOUT, ""),
]


def _reply(status: int, body: object, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, httpx.Headers(headers), content, "https://www.googleapis.com/x")


def _check(error: ProviderError, kind: Kind, reason: str) -> None:
    assert error.kind is kind
    assert error.reason == (reason or kind.value)
    assert SECRET not in f"{error.message} {error.metadata} {error.violations}"


@pytest.mark.parametrize(("status", "reason", "kind", "ours"), ROWS)
def test_rows_of_the_calendar_api(status: int, reason: str, kind: Kind, ours: str) -> None:
    """P62, P63."""
    found = classify(_reply(status, Problem(status, reason, SECRET).body()))
    _check(found, kind, ours)
    assert found.metadata["provider_code"] == reason
    assert found.metadata["provider_status"] == str(status)


@pytest.mark.parametrize(("status", "code", "reason", "kind", "ours"), NEW_ROWS)
def test_rows_of_newer_apis(status: int, code: str, reason: str, kind: Kind, ours: str) -> None:
    body = NewProblem(status, reason, SECRET, domain=code).body()
    _check(classify(_reply(status, body)), kind, ours)


def test_usage_limits_last_for_hours() -> None:
    """P62."""
    found = classify(_reply(403, Problem(403, "quotaExceeded").body()))
    assert found.retry_after is not None
    assert found.retry_after >= 3600
    told = classify(_reply(429, Problem(429, "rateLimitExceeded").body(), **{"retry-after": "7"}))
    assert told.retry_after == 7


@pytest.mark.parametrize(
    "body",
    [
        b"<html><title>Error 400 (Bad Request)!!1</title>",
        b"",
        b"{",
        b'{"error": "invalid_grant"}',
        b'{"error": {"errors": [{"reason": 7}]}}',
        b'{"error": {"errors": {}}}',
        b"[" * 5000,
        b"\xff\xfe",
        json.dumps({"error": {"errors": [{"reason": SECRET}]}}).encode(),
        b'{"error":{"errors":[{"reason":"' + b"x" * 100_000 + b'"}]}}',
    ],
    ids=range(10),
)
@pytest.mark.parametrize("status", [400, 403, 404, 503])
def test_bodies_that_are_none(status: int, body: bytes) -> None:
    found = classify(_reply(status, body))
    kinds = {400: Kind.INVALID, 403: Kind.FORBIDDEN, 404: Kind.NOT_FOUND, 503: Kind.UNAVAILABLE}
    _check(found, kinds[status], "")
    assert len(found.metadata.get("provider_code", "")) <= 64


HOSTILE: dict[str, bytes] = {
    "HTML": b"<html>Sign in</html>",
    "empty": b"",
    "truncated": b'{"items": [{"id": "a", "summary": "Ada',
    "a list": b"[]",
    "null": b"null",
    "wrong types": b'{"items": [{"id": 7}]}',
    "no id": b'{"items": [{"summary": "x"}]}',
    "times that are none": b'{"items": [{"id": "a", "start": {"dateTime": "tomorrow"}}]}',
    "dates that are none": b'{"items": [{"id": "a", "start": {"date": "2026-02-30"}}]}',
    "an offset that is none": b'{"items": [{"id":"a","created":"2026-02-20T10:00:00+99:00"}]}',
    "deep": b'{"items": ' + b"[" * 20_000,
    "a number too large": b'{"items": [{"id": "a", "sequence": 4294967296}]}',
    "half a character": b'{"items": [{"id": "a", "summary": "\\ud800"}]}',
    "not UTF-8": b'{"items": [{"id": "\xff"}]}',
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("raw", [False, True])
async def test_hostile_answers(desk: Desk, case: str, raw: bool) -> None:
    desk.google.faults.queue.append(Fault(200, body=HOSTILE[case]))
    with refused(Kind.PROVIDER_FAULT) as caught:
        await desk.listed(include_raw=raw)
    assert "Ada" not in caught.value.message
    desk.google.journal.clear()


async def test_missing_fields_are_no_fault(desk: Desk) -> None:
    """A vendor's own sample has times spelled wrong: the event is there, without them."""
    body = b'{"items": [{"id": "a", "start": {"dateTimes": "2026"}, "unknown": [1, {}]}], "x": 1}'
    for raw in (False, True):
        desk.google.faults.queue.append(Fault(200, body=body))
        (found,) = await desk.listed(include_raw=raw)
        assert found.id == "a"
        assert not found.start_at.WhichOneof("value")


async def test_huge_numbers_in_raw(desk: Desk) -> None:
    """Beyond 2^53 a double would lie."""
    body = b'{"items": [{"id": "a", "big": 9007199254740993, "small": 7, "deep": {"n": [1e400]}}]}'
    desk.google.faults.queue.append(Fault(200, body=body.replace(b"1e400", b"-9007199254740993")))
    (found,) = await desk.listed(include_raw=True)
    assert found.raw["big"] == "9007199254740993"
    assert found.raw["small"] == 7
    assert found.raw["deep"]["n"][0] == "-9007199254740993"


@pytest.mark.parametrize(
    "end", [{"end": {"date": "2026-08-30"}}, {"end": {"date": "2026-08-29"}}, {}], ids=range(3)
)
async def test_a_day_lasts_a_day(desk: Desk, end: dict[str, Any]) -> None:
    """P28: whatever is said of its end."""
    item = {"id": "a", "start": {"date": "2026-08-29"}, **end}
    desk.google.faults.queue.append(Fault(200, body=json.dumps({"items": [item]}).encode()))
    (found,) = await desk.listed()
    assert (found.end_at.date.month, found.end_at.date.day) == (8, 30)


async def test_the_last_day_of_all(desk: Desk) -> None:
    body = b'{"items": [{"id": "a", "start": {"date": "9999-12-31"}}]}'
    desk.google.faults.queue.append(Fault(200, body=body))
    with refused(Kind.PROVIDER_FAULT):
        await desk.listed()


def test_the_missing_scope_is_named() -> None:
    challenge = 'Bearer realm="x", error="insufficient_scope", scope="https://a/b https://a/c"'
    body = Problem(403, "insufficientPermissions").body()
    found = classify(_reply(403, body, **{"www-authenticate": challenge}))
    assert found.metadata["needed_scope"] == "https://a/b https://a/c"
    assert "needed_scope" not in classify(_reply(403, body)).metadata


# -- quotas


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
async def test_a_403_for_the_rate_is_tried_again(desk: Desk, reason: str) -> None:
    """P62: not taken for a missing permission."""
    desk.google.fail(403, reason, times=2)
    assert await desk.listed() == []
    desk.google.fail(403, reason, times=20)
    with refused(Kind.RATE_LIMITED) as caught:
        await desk.listed()
    assert caught.value.retry_after == RATE_LIMIT_SECONDS


@pytest.mark.parametrize("reason", ["forbidden", "insufficientPermissions", "quotaExceeded"])
async def test_a_403_for_anything_else_is_not(desk: Desk, reason: str) -> None:
    """P62, P63."""
    desk.google.fail(403, reason, times=2)
    with pytest.raises(ProviderError):
        await desk.listed()
    assert len(desk.google.faults.queue) == 1


async def test_writes_refused_for_the_rate_are_done_once(desk: Desk) -> None:
    desk.google.fail(429, times=2)
    await desk.make(meeting())
    assert len(desk.ada.entries) == 1


def test_a_connection_keeps_to_its_share() -> None:
    pace = Pace(per_minute=60)
    assert [pace.wait("c1", 0.0) for _ in range(60)] == [0.0] * 60
    assert pace.wait("c1", 0.0) == pytest.approx(1.0)
    assert pace.wait("c2", 0.0) == 0.0
    assert pace.wait("c1", 120.0) == 0.0
    assert Pace(per_minute=0).wait("c1", 0.0) == 0.0
    strangers = Pace(per_minute=1)
    assert [strangers.wait("-", 0.0) for _ in range(9)] == [0.0] * 9


def test_a_share_that_is_no_number() -> None:
    for text in ("many", "-1", "1.5"):
        with pytest.raises(ValueError, match="requests_per_minute"):
            pace_of(ProviderSettings(extra={"requests_per_minute": text}))


async def test_who_would_wait_beyond_the_deadline_is_told() -> None:
    async with desk(requests_per_minute="1") as one:
        one.patience = 5.0
        await one.listed()
        with refused(Kind.RATE_LIMITED) as caught:
            await one.listed()
        assert caught.value.retry_after == pytest.approx(60, abs=2)
        assert len(one.google.journal) == 1


async def test_requests_say_whose_quota_they_use(desk: Desk) -> None:
    await desk.listed()
    told = desk.google.journal[-1].query["quotaUser"]
    assert told == quota_user("c1")
    assert len(told) <= 40
    assert "c1" not in told


# -- lost answers, repeated requests


def _request_id() -> str:
    return str(uuid.uuid4())


async def test_a_lost_create_is_found_again_by_its_request_id(desk: Desk) -> None:
    """P59."""
    desk.google.lose("POST")
    answer = await desk.create(meeting("Once"), request_id=_request_id())
    assert answer.event.subject == "Once"
    assert len(desk.ada.entries) == 1


async def test_a_lost_create_without_request_id_is_unknown(desk: Desk) -> None:
    """P59: never sent twice."""
    desk.google.lose("POST")
    with refused(Kind.OUTCOME_UNKNOWN):
        await desk.make(meeting("Once"))
    assert len(desk.ada.entries) == 1


async def test_a_create_that_fails_for_good_is_unknown(desk: Desk) -> None:
    """P59: never UNAVAILABLE, which invites to try blindly."""
    desk.google.fail(503, times=20, only=["POST"])
    with refused(Kind.OUTCOME_UNKNOWN):
        await desk.create(meeting("Once"), request_id=_request_id())


async def test_one_request_id_is_one_event(desk: Desk) -> None:
    """P60: the existing event is the answer."""
    own = _request_id()
    first = await desk.create(meeting("Once"), request_id=own)
    again = await desk.create(meeting("Once"), request_id=own)
    assert again.event == first.event
    assert first.event.id.isalnum()
    assert set(first.event.id) <= set("0123456789abcdef")


async def test_a_slot_that_was_cancelled_is_booked_again(desk: Desk) -> None:
    """P61: another request has another id; a used one stays used."""
    own = _request_id()
    first = await desk.create(meeting("Once"), request_id=own)
    await desk.delete(first.event.id)
    with refused(Kind.ALREADY_EXISTS) as caught:
        await desk.create(meeting("Once"), request_id=own)
    assert caught.value.resource == ("event", first.event.id)
    second = await desk.create(meeting("Once"), request_id=_request_id())
    assert second.event.id != first.event.id


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_other_lost_writes_are_unknown(desk: Desk, method: str) -> None:
    made = await desk.make(meeting(rules=WEEKLY))
    one = (await desk.instances(made.id))[0].id
    desk.google.lose(method)
    with refused(Kind.OUTCOME_UNKNOWN):
        if method == "PATCH":
            await desk.update(one, event_pb2.Event(subject="x"), "subject", scope=THIS)
        else:
            await desk.delete(one, scope=THIS)
    writes = [e for e in desk.google.journal if e.method == method]
    assert len(writes) == 1


async def test_parallel_calls_share_nothing(desk: Desk) -> None:
    async def one(number: int) -> Any:
        return await desk.create(meeting(f"N{number}"), request_id=_request_id())

    found = await asyncio.gather(*(one(n) for n in range(20)))
    assert len({answer.event.id for answer in found}) == 20


async def test_an_unknown_calendar_is_named(desk: Desk) -> None:
    with refused(Kind.NOT_FOUND) as caught:
        await desk.listed(calendar_id="nobody@example.com")
    assert caught.value.resource == ("calendar", "nobody@example.com")
    with refused(Kind.NOT_FOUND) as caught:
        request = calendar_pb2.GetCalendarRequest(id="x")
        await desk.provider.get_calendar(desk.call, request)
    assert caught.value.resource == ("calendar", "x")
