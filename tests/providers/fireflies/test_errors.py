"""Errors by code, whatever the HTTP status; nothing of their words is passed on."""

import json
import time
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest

from providers.core.errors import Kind
from providers.core.http import Reply
from providers.fireflies.errors import CODES, classify
from tests.providers.fireflies.double import Fireflies, RefusalError
from ucal.v1 import event_pb2

if TYPE_CHECKING:
    from ucal.v1.event_pb2_grpc import EventServiceAsyncStub as Stub

TABLE = [
    ("auth_failed", 500, Kind.UNAUTHENTICATED),
    ("invalid_arguments", 400, Kind.INVALID),
    ("args_required", 400, Kind.INVALID),
    ("payload_too_small", 400, Kind.INVALID),
    ("invalid_language_code", 400, Kind.INVALID),
    ("unsupported_platform", 400, Kind.PRECONDITION),
    ("admin_must_exist", 400, Kind.PRECONDITION),
    ("forbidden", 403, Kind.FORBIDDEN),
    ("not_in_team", 403, Kind.FORBIDDEN),
    ("require_elevated_privilege", 403, Kind.FORBIDDEN),
    ("account_cancelled", 403, Kind.FORBIDDEN),
    ("paid_required", 403, Kind.PRECONDITION),
    ("require_ai_credits", 402, Kind.QUOTA_EXCEEDED),
    ("object_not_found", 404, Kind.NOT_FOUND),
    ("request_timeout", 408, Kind.TIMEOUT),
    ("too_many_requests", 429, Kind.RATE_LIMITED),
    ("invariant_violation", 500, Kind.PROVIDER_FAULT),
    ("GRAPHQL_VALIDATION_FAILED", 400, Kind.ADAPTER_FAULT),
    ("GRAPHQL_PARSE_FAILED", 400, Kind.ADAPTER_FAULT),
    ("some_new_code", 503, Kind.UNAVAILABLE),
    ("some_new_code", 500, Kind.UNAVAILABLE),
    ("some_new_code", 403, Kind.FORBIDDEN),
]


def reply(status: int, body: object, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Reply(status, fields, content, "")


@pytest.mark.parametrize("http", [200, 400, 500])
@pytest.mark.parametrize(("code", "status", "kind"), TABLE)
def test_the_code_decides(code: str, status: int, kind: Kind, http: int) -> None:
    entry = RefusalError(code, status).entry(["transcripts"])
    error = classify(reply(http, {"errors": [entry], "data": None}))
    assert error.kind is kind
    assert error.metadata["provider_code"] == code
    assert error.metadata["provider_request_id"] == "corr-1"
    assert "secret words" not in error.message + str(error.metadata)


def test_the_table_is_whole() -> None:
    assert set(CODES) == {code for code, _, _ in TABLE if code != "some_new_code"}


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"code": "auth_failed"}, Kind.UNAUTHENTICATED),
        ({"message": "Please provide a valid API key"}, Kind.UNAUTHENTICATED),
        ({"message": "Too many requests. Please retry"}, Kind.RATE_LIMITED),
        ({"message": "Transcript not found"}, Kind.NOT_FOUND),
        ({"message": 7, "extensions": {"code": 12, "status": "x"}}, Kind.PROVIDER_FAULT),
        ({"code": "<script>", "extensions": {"correlationId": "a b"}}, Kind.PROVIDER_FAULT),
    ],
)
def test_errors_that_lack_parts(entry: object, kind: Kind) -> None:
    error = classify(reply(200, {"errors": [entry]}))
    assert error.kind is kind
    assert "<script>" not in str(error.metadata)
    assert "a b" not in str(error.metadata)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Kind.UNAUTHENTICATED),
        (403, Kind.FORBIDDEN),
        (429, Kind.RATE_LIMITED),
        (500, Kind.UNAVAILABLE),
        (502, Kind.UNAVAILABLE),
        (503, Kind.UNAVAILABLE),
        (504, Kind.TIMEOUT),
    ],
)
@pytest.mark.parametrize("body", [b"<html>", b"{}", b"", b'{"errors": 5}', b"[" * 5000])
def test_without_errors_the_status_decides(status: int, kind: Kind, body: bytes) -> None:
    """P21 too: HTML is no crash."""
    assert classify(reply(status, body)).kind is kind


def test_the_wait_is_told_in_epoch_milliseconds() -> None:
    def waiting(value: object, **headers: str) -> tuple[Kind, float | None]:
        entry = RefusalError("too_many_requests", 429, retryAfter=value).entry(None)
        error = classify(reply(200, {"errors": [entry]}, **headers))
        return error.kind, error.retry_after

    kind, wait = waiting((time.time() + 40) * 1000)
    assert kind is Kind.RATE_LIMITED
    assert wait == pytest.approx(40, abs=2)
    kind, wait = waiting((time.time() + 5 * 3600) * 1000)
    assert kind is Kind.QUOTA_EXCEEDED, "plans that count by the day"
    assert wait == pytest.approx(5 * 3600, abs=2)
    assert waiting(1e300) == (Kind.QUOTA_EXCEEDED, 86_400)
    for useless in (None, "soon", True, -5, 0):
        assert waiting(useless) == (Kind.RATE_LIMITED, 60)
        assert waiting(useless, x_ratelimit_reset_api="38") == (Kind.RATE_LIMITED, 38)
    assert classify(reply(429, b"", x_ratelimit_reset_api="21")).retry_after == 21


async def test_a_bad_key_is_not_tried_again(fireflies: Fireflies, events: "Stub") -> None:
    """Trap 1: it comes as HTTP 500."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events.ListEvents(event_pb2.ListEventsRequest(connection_id="bad"))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert len(fireflies.journal) == 1
    assert "secret words" not in str(caught.value)


async def test_a_limit_that_comes_with_http_200(fireflies: Fireflies, events: "Stub") -> None:
    until = (time.time() + 40) * 1000
    fireflies.refuse(RefusalError("too_many_requests", 429, retryAfter=until))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events.ListEvents(event_pb2.ListEventsRequest(connection_id="c"))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
