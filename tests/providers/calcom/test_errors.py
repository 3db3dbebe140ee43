"""Cal.com's errors: the whole table, hostile answers, versions, tokens."""

import json
from typing import Any

import httpx
import pytest

from providers.calcom.errors import classify
from providers.core.auth import HeaderAuth
from providers.core.errors import Kind
from providers.core.http import Reply
from tests.providers.calcom.desk import Desk, monday, refused
from ucal.v1 import event_pb2, link_pb2

_TEXT = "SECRET person@example.com "


def _reply(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, httpx.Headers(headers or {}), content, "https://api.cal.com/v2/x")


def _enveloped(status: int, message: Any, **details: Any) -> dict[str, Any]:
    return {
        "status": "error",
        "path": "/v2/bookings",
        "error": {
            "code": "BadRequestException",
            "message": message,
            "details": details or {"message": message, "statusCode": status},
        },
    }


TABLE = [
    (400, "start property is wrong,start must be ISO", Kind.INVALID, "INVALID_REQUEST"),
    (
        400,
        "User either already has booking at this time or is not available",
        Kind.PRECONDITION,
        "SLOT_TAKEN",
    ),
    (400, "no_available_users_found_error", Kind.PRECONDITION, "SLOT_TAKEN"),
    (500, "no_available_users_found_error", Kind.PRECONDITION, "SLOT_TAKEN"),
    (500, "hosts_unavailable_for_booking", Kind.PRECONDITION, "SLOT_TAKEN"),
    (400, "booking_seats_full_error", Kind.PRECONDITION, "SLOT_TAKEN"),
    (400, "not_enough_available_seats_error", Kind.PRECONDITION, "SLOT_TAKEN"),
    (409, "booking_conflict_error", Kind.PRECONDITION, "SLOT_TAKEN"),
    (400, "booking_time_out_of_bounds_error", Kind.PRECONDITION, "OUT_OF_BOUNDS"),
    (400, "Attempting to book a meeting in the past.", Kind.PRECONDITION, "IN_THE_PAST"),
    (400, "Invalid event length without multiple", Kind.INVALID, "INVALID_REQUEST"),
    (400, "Booking has already been cancelled", Kind.PRECONDITION, "ALREADY_CANCELED"),
    (400, "because it has been already cancelled", Kind.PRECONDITION, "ALREADY_CANCELED"),
    (400, "has already been rescheduled", Kind.PRECONDITION, "ALREADY_MOVED"),
    (400, "does not allow cancelling", Kind.PRECONDITION, "NOT_CANCELABLE"),
    (400, "because the booking has ended", Kind.PRECONDITION, "NOT_CANCELABLE"),
    (
        400,
        "User already has an event type with this slug.",
        Kind.ALREADY_EXISTS,
        "SLUG_EXISTS",
    ),
    (400, "already_signed_up_for_this_booking_error", Kind.ALREADY_EXISTS, "ALREADY_BOOKED"),
    (400, "cancelled_bookings_cannot_be_rescheduled", Kind.PRECONDITION, "NOT_MOVABLE"),
    (400, "availability_not_found_in_schedule_error", Kind.PRECONDITION, "NO_AVAILABILITY"),
    (500, "payment_not_created_error", Kind.PRECONDITION, "PAYMENT_FAILED"),
    (500, "couldnt_charge_card_error", Kind.PRECONDITION, "PAYMENT_FAILED"),
    (400, "missing_payment_credential_error", Kind.PRECONDITION, "PAYMENT_FAILED"),
    (400, "missing_payment_app_id_error", Kind.PRECONDITION, "PAYMENT_FAILED"),
    (400, "event_type_not_found_error", Kind.NOT_FOUND, "NOT_FOUND"),
    (500, "booking_not_found_error", Kind.NOT_FOUND, "NOT_FOUND"),
    (400, "Bad Request Exception", Kind.PROVIDER_FAULT, "WRONG_API_VERSION"),
    (401, "Your api key is not valid", Kind.UNAUTHENTICATED, "TOKEN_REVOKED"),
    (401, "Your api key is expired", Kind.UNAUTHENTICATED, "TOKEN_EXPIRED"),
    (
        403,
        "PermissionsGuard - no authentication provided.",
        Kind.UNAUTHENTICATED,
        "TOKEN_MISSING",
    ),
    (403, "Forbidden", Kind.FORBIDDEN, "FORBIDDEN"),
    (404, "Booking with uid=x was not found in the database", Kind.NOT_FOUND, "NOT_FOUND"),
    (404, "Event type with id 9 not found.", Kind.NOT_FOUND, "NOT_FOUND"),
    (404, "Event Type not found", Kind.NOT_FOUND, "NOT_FOUND"),
    (404, "Cannot POST /v2/bookings/x/location", Kind.PROVIDER_FAULT, "WRONG_API_VERSION"),
    (
        409,
        "Webhook with this subscriber url already exists for this user",
        Kind.ALREADY_EXISTS,
        "WEBHOOK_EXISTS",
    ),
    (422, "some property is bad", Kind.INVALID, "INVALID_REQUEST"),
    (429, "ThrottlerException: Too Many Requests", Kind.RATE_LIMITED, "RATE_LIMITED"),
    (500, "INTERNAL_SERVER_ERROR", Kind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
]


@pytest.mark.parametrize(("status", "text", "kind", "reason"), TABLE)
@pytest.mark.parametrize("bare", [False, True], ids=["enveloped", "bare"])
def test_the_table(status: int, text: str, kind: Kind, reason: str, bare: bool) -> None:
    message = f"{_TEXT}{text}"
    body = {"statusCode": status, "message": message} if bare else _enveloped(status, message)
    error = classify(_reply(status, body))
    assert (error.kind, error.reason) == (kind, reason)
    told = f"{error.message} {error.metadata} {error.violations} {error.resource}"
    assert "SECRET" not in told
    assert "person@" not in told


@pytest.mark.parametrize("status", [502, 503, 504, 520, 524])
def test_pages_of_proxies(status: int) -> None:
    error = classify(_reply(status, b"<html>bad gateway, booking_conflict_error</html>"))
    assert error.kind in (Kind.UNAVAILABLE, Kind.TIMEOUT)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b'{"error": 7}', b'{"message": {"a": 1}}', b"\xff", b"9" * 99],
)
def test_bodies_that_are_none(body: bytes) -> None:
    for status in (400, 401, 403, 404, 409, 500):
        assert classify(_reply(status, body)).message


def test_a_property_names_the_field() -> None:
    text = "attendee.email property is wrong,must be an email,guests property is wrong"
    error = classify(_reply(400, _enveloped(400, text)))
    assert [field for field, _ in error.violations] == ["event.attendees"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset-default": "37"}, 37.0),
        ({"x-ratelimit-reset-burst": "5"}, 5.0),
        ({"x-ratelimit-reset-default": "99999999999999999999"}, 86_400.0),
        ({"x-ratelimit-reset-default": "1000001"}, 0.0),  # a time long ago
        ({"x-ratelimit-reset-default": "soon"}, 60.0),
        ({"retry-after": "9", "x-ratelimit-reset-default": "37"}, 9.0),
        ({}, 60.0),
    ],
)
def test_when_to_come_back(headers: dict[str, str], seconds: float) -> None:
    """Cal.com sends no Retry-After; its headers carry seconds, or, in one page, a time."""
    assert classify(_reply(429, _enveloped(429, "Too Many"), headers)).retry_after == seconds


async def test_a_wrong_key(desk: Desk) -> None:
    desk.auth = HeaderAuth("authorization", "Bearer cal_other")
    with refused(Kind.UNAUTHENTICATED, reason="TOKEN_REVOKED"):
        await desk.listed()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Cal.com is down for maintenance</html>",
        b'{"status":"success","data":[{"uid":"x"',
        b'{"status":"success"}',
        b'{"status":"success","data":null}',
        b'{"status":"success","data":[7]}',
        b'{"status":"success","data":[{"uid":7,"start":"x","end":"y"}]}',
        b'{"status":"success","data":[{"uid":"x","start":"yesterday","end":"now"}]}',
        b'{"status":"success","data":[{"uid":"x","start":"2026-01-01T00:00","end":"now"}]}',
        b'{"status":"success","data":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
async def test_hostile_answers(desk: Desk, body: bytes) -> None:
    desk.cal.fail(200, body=body)
    with refused(Kind.PROVIDER_FAULT) as caught:
        await desk.listed()
    assert "maintenance" not in caught.value.message


async def test_what_is_new_at_cal_com_does_not_break_a_page(desk: Desk) -> None:
    """P70, P71: unknown words, missing titles, numbers beyond every limit."""
    kind = desk.kind()
    booking = desk.put(
        kind,
        monday(),
        status="awaiting_host",
        title=None,
        attendees=None,
        hosts=[],
        rating=10**30,
        novelty={"a": [1]},
        metadata={"n": 5, "text": "x"},
    )
    found = await desk.get(booking["uid"], include_raw=True)
    booking["status"] = "accepted"
    assert [e.id for e in await desk.listed()] == [booking["uid"]]
    assert found.status == event_pb2.EVENT_STATUS_UNSPECIFIED
    assert found.raw["rating"] == str(10**30)
    assert dict(found.metadata) == {"text": "x"}
    kind.update(locations=[{"type": "teleport"}], bookingFields=[{"type": "hologram"}], seats=None)
    link = await desk.link(kind["id"])
    assert link.locations[0].provider_kind == "teleport"


@pytest.mark.parametrize("link_id", ["9" * 40, "1/../../me", "１２", "-1", "1/", "/abc", "1.5"])
async def test_ids_of_links_never_break_out_of_the_path(desk: Desk, link_id: str) -> None:
    with refused(Kind.NOT_FOUND):
        await desk.link(link_id)
    with refused(Kind.NOT_FOUND):
        await desk.provider.delete_link(desk.call, link_pb2.DeleteLinkRequest(id=link_id))
    assert desk.asked() == []


async def test_ids_of_bookings_are_quoted(desk: Desk) -> None:
    for own_id in ("by-seat/abc", "a?b=c", "x/../../me"):
        with refused(Kind.NOT_FOUND) as caught:
            await desk.get(own_id)
        assert caught.value.resource == ("event", own_id)


async def test_a_wrong_version_is_our_fault(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.calcom.links.EVENT_TYPES", "")
    with refused(Kind.PROVIDER_FAULT, reason="WRONG_API_VERSION"):
        await desk.link(1)
