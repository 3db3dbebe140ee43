"""Acuity's error answers, one by one; answers that are not what they should be; the pace."""

import asyncio
import json

import httpx
import pytest

from providers.acuity import errors
from providers.acuity.pace import Pace
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from tests.providers.acuity.desk import Desk, violations
from tests.providers.acuity.desk import desk as a_desk
from tests.providers.acuity.double.server import Fault
from ucal.v1 import calendar_pb2, connection_pb2

URL = "https://acuityscheduling.com/api/v1/appointments"


def _reply(status: int, error: str = "", message: str = "secret@example.com") -> Reply:
    shown = {"status_code": status, "message": message, "error": error}
    return Reply(status, httpx.Headers(), json.dumps(shown).encode(), URL)


TABLE = [
    (400, "bad_request", Kind.INVALID, "INVALID_REQUEST"),
    (400, "something_new", Kind.INVALID, "INVALID_REQUEST"),
    (400, "not_available", Kind.PRECONDITION, "SLOT_TAKEN"),
    (400, "no_available_calendar", Kind.PRECONDITION, "SLOT_TAKEN"),
    (400, "not_available_min_hours_in_advance", Kind.PRECONDITION, "OUT_OF_BOUNDS"),
    (400, "not_available_max_days_in_advance", Kind.PRECONDITION, "OUT_OF_BOUNDS"),
    (400, "invalid_certificate", Kind.PRECONDITION, "CERTIFICATE_REJECTED"),
    (400, "expired_certificate", Kind.PRECONDITION, "CERTIFICATE_REJECTED"),
    (400, "certificate_uses", Kind.PRECONDITION, "CERTIFICATE_REJECTED"),
    (400, "invalid_certificate_type", Kind.PRECONDITION, "CERTIFICATE_REJECTED"),
    (400, "cancel_not_allowed", Kind.PRECONDITION, "NOT_CANCELABLE"),
    (400, "cancel_too_close", Kind.PRECONDITION, "NOT_CANCELABLE"),
    (400, "reschedule_not_allowed", Kind.PRECONDITION, "NOT_MOVABLE"),
    (400, "reschedule_too_close", Kind.PRECONDITION, "NOT_MOVABLE"),
    (400, "reschedule_series", Kind.PRECONDITION, "NOT_MOVABLE"),
    (400, "reschedule_canceled", Kind.PRECONDITION, "NOT_MOVABLE"),
    (401, "unauthorized", Kind.REAUTHORIZATION_REQUIRED, "REAUTHORIZATION_REQUIRED"),
    (403, "forbidden", Kind.FORBIDDEN, "FORBIDDEN"),
    (404, "not_found", Kind.NOT_FOUND, "NOT_FOUND"),
    (405, "method_not_allowed", Kind.PROVIDER_FAULT, "PROVIDER_ERROR"),
    (429, "too_many_requests", Kind.RATE_LIMITED, "RATE_LIMITED"),
    (500, "", Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
    (502, "", Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
    (503, "", Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
    (504, "", Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
]


@pytest.mark.parametrize(("status", "code", "kind", "reason"), TABLE)
def test_the_error_table(status: int, code: str, kind: Kind, reason: str) -> None:
    error = errors.classify(_reply(status, code))
    assert (error.kind, error.reason) == (kind, reason)
    assert error.metadata.get("provider_code", "") == code
    assert "secret" not in f"{error.message}{error.violations}{error.metadata}"


@pytest.mark.parametrize(("code", "field"), errors.FIELDS.items())
def test_fields_are_named(code: str, field: str) -> None:
    error = errors.classify(_reply(400, code))
    assert error.kind is Kind.INVALID
    assert violations(error) == [field]


def test_an_unknown_route_is_a_fault_of_ours() -> None:
    error = errors.classify(_reply(404, "not_found", 'No route found for "GET /x"'))
    assert error.kind is Kind.PROVIDER_FAULT


def test_a_limit_says_to_come_back_soon() -> None:
    """There are no headers."""
    assert errors.classify(_reply(429, "too_many_requests")).retry_after == 1.0


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"", b"[]", b'{"error": 5}', b"\xff", b"[" * 5000, b'{"error": "Ada <a@b.c>"}'],
    ids=range(7),
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_errors_without_sense_are_told_by_status(status: int, body: bytes) -> None:
    error = errors.classify(Reply(status, httpx.Headers(), body, URL))
    assert error.metadata == {"provider_status": str(status)}


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"", b"{}", b"null", b'[{"name": "no id"}]', b'[{"id": "5"}]', b"[1]", b"\xff"],
    ids=range(8),
)
async def test_answers_without_sense_are_a_fault_of_theirs(desk: Desk, body: bytes) -> None:
    desk.double.faults.append(Fault(200, None, body))
    with pytest.raises(ProviderError) as caught:
        await desk.listed()
    assert caught.value.kind is Kind.PROVIDER_FAULT


@pytest.mark.parametrize(
    "fields",
    [
        {"datetime": "July 15, 2026"},
        {"datetime": "2026-07-15T10:00:00"},
        {"duration": "half an hour"},
        {"duration": -5},
        {"duration": "9" * 30},
    ],
)
async def test_appointments_without_sense(desk: Desk, fields: dict[str, object]) -> None:
    from tests.providers.acuity.desk import monday

    planted = desk.plant(monday())
    planted.update(fields)
    with pytest.raises(ProviderError) as caught:
        await desk.get(planted["id"])
    assert caught.value.kind is Kind.PROVIDER_FAULT


# -- the pace, which all connections of the process share


def test_ten_a_second() -> None:
    pace = Pace()
    waits = [pace.wait(100.0) for _ in range(30)]
    assert waits[:10] == [0.0] * 10
    assert waits[10:] == pytest.approx([(n + 1) / 10 for n in range(20)])
    assert pace.wait(200.0) == 0.0


async def test_a_turn_that_comes_too_late_is_a_limit() -> None:
    pace = Pace(per_second=1.0)
    loop = asyncio.get_running_loop()
    async with pace.turn(loop.time() + 1):
        pass
    with pytest.raises(ProviderError) as caught:
        async with pace.turn(loop.time() + 0.01):
            raise AssertionError("too early")
    assert caught.value.kind is Kind.RATE_LIMITED
    assert caught.value.retry_after


async def test_twenty_at_once() -> None:
    pace = Pace(per_second=0)
    inside, most = 0, 0
    done = asyncio.Event()

    async def ask() -> None:
        nonlocal inside, most
        async with pace.turn(float("inf")):
            inside += 1
            most = max(most, inside)
            if most == 20:
                done.set()
            await done.wait()
            inside -= 1

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(ask())
    assert most == 20


async def test_the_pace_is_kept() -> None:
    async with a_desk(requests_per_second="20") as desk:
        request = calendar_pb2.ListCalendarsRequest()
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*(desk.provider.list_calendars(desk.call, request) for _ in range(30)))
        assert asyncio.get_running_loop().time() - begun >= 0.45


# -- signing in


class _Grant:
    def __init__(self, credentials: object) -> None:
        self.credentials = credentials

    async def renew(self, stale: str) -> str:
        raise AssertionError("nothing can be renewed")


@pytest.mark.parametrize(
    "credentials",
    [
        connection_pb2.ApiKeyCredentials(account_id="1", api_key="k"),
        connection_pb2.BasicCredentials(username="1", password="k"),
    ],
    ids=["api key", "basic"],
)
async def test_a_key_is_a_password(desk: Desk, credentials: object) -> None:
    auth = desk.provider.auth(_Grant(credentials))  # type: ignore[arg-type]
    flow = auth.async_auth_flow(httpx.Request("GET", URL))
    assert (await anext(flow)).headers["authorization"] == "Basic MTpr"
    await flow.aclose()


async def test_an_oauth_token_is_a_bearer(desk: Desk) -> None:
    credentials = connection_pb2.OAuthCredentials(access_token="t")
    auth = desk.provider.auth(_Grant(credentials))  # type: ignore[arg-type]
    flow = auth.async_auth_flow(httpx.Request("GET", URL))
    assert (await anext(flow)).headers["authorization"] == "Bearer t"
    await flow.aclose()
