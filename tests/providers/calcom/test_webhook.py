"""Webhooks: signatures, what a delivery hints at, subscriptions; against the recorded samples."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from providers.calcom import webhook
from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery, Topic
from tests.providers.calcom.desk import EVENT, Desk, refused
from ucal.v1 import types_pb2, watch_pb2

SAMPLES = Path(__file__).resolve().parents[4] / "shared/specs/calcom/samples"
SECRET = "cal_secret_0123"
BODY = (
    b'{"triggerEvent":"BOOKING_CREATED","createdAt":"2026-09-01T08:15:31.000Z",'
    b'"payload":{"uid":"abc"}}'
)
# HMAC-SHA256 of BODY under SECRET, by OpenSSL.
SIGNATURE = "9877edf74b38f70ca10961ad59a5b6f1cdbf2b8c481051d0f634db086e13c2f8"
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def _delivery(body: bytes, signature: str | None) -> Delivery:
    headers = {} if signature is None else {webhook.HEADER: signature}
    return Delivery(headers, body)


def test_a_signature_of_the_raw_body() -> None:
    webhook.verify(_delivery(BODY, SIGNATURE), SECRET)
    webhook.verify(_delivery(BODY, SIGNATURE.upper()), SECRET)


@pytest.mark.parametrize(
    ("body", "signature", "secret"),
    [
        (BODY, "no-secret-provided", SECRET),
        (BODY, "no-secret-provided", ""),
        (BODY, None, SECRET),
        (BODY, "", SECRET),
        (BODY, SIGNATURE[:-1], SECRET),
        (BODY, "ü" + SIGNATURE[1:], SECRET),
        (BODY + b" ", SIGNATURE, SECRET),
        (BODY, SIGNATURE, "other"),
        (BODY, SIGNATURE, ""),
    ],
)
def test_p15_anything_else_is_refused(body: bytes, signature: str | None, secret: str) -> None:
    with pytest.raises(ProviderError) as caught:
        webhook.verify(_delivery(body, signature), secret)
    assert caught.value.kind is Kind.UNAUTHENTICATED


def _hint(body: dict[str, Any]) -> Any:
    (found,) = webhook.hints(json.dumps(body).encode())
    return found


def test_flat_bodies_of_started_and_ended() -> None:
    """They have no payload."""
    for trigger, change in (
        ("MEETING_STARTED", watch_pb2.CHANGE_TYPE_STARTED),
        ("MEETING_ENDED", watch_pb2.CHANGE_TYPE_ENDED),
    ):
        found = _hint({"triggerEvent": trigger, "uid": "abc", "id": 7, "createdAt": "x"})
        assert (found.kind, found.object_id, found.change) == (EVENT, "abc", change)


def test_a_delivery_that_comes_twice_is_one() -> None:
    first = {"triggerEvent": "BOOKING_PAID", "createdAt": "1", "payload": {"uid": "abc"}}
    later = {**first, "createdAt": "2"}
    assert _hint(first).delivery_id == _hint(dict(first)).delivery_id
    assert _hint(first).delivery_id != _hint(later).delivery_id


def test_p85_a_requested_reschedule_hints_at_the_booking() -> None:
    body = {
        "triggerEvent": "BOOKING_CANCELLED",
        "createdAt": "1",
        "payload": {"uid": "abc", "requestReschedule": True},
    }
    assert _hint(body).object_id == "abc"


def test_nothing_personal_travels_on() -> None:
    body = {"triggerEvent": "BOOKING_CREATED", "payload": {"uid": "ada@example.com"}}
    assert _hint(body).object_id == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b"{" * 3_000,
        b"name=Ada&triggerEvent=BOOKING_CREATED",
        b'{"triggerEvent":"FORM_SUBMITTED","payload":{},"name":"John Doe"}',
        b'{"triggerEvent":"INSTANT_MEETING","payload":{"uid":"a"}}',
        b'{"triggerEvent":["BOOKING_CREATED"]}',
        b'{"payload":{"uid":"a"}}',
    ],
)
def test_what_is_not_known_hints_at_nothing(body: bytes) -> None:
    assert webhook.hints(body) == []


def _samples() -> list[Path]:
    return sorted(SAMPLES.glob("webhook-*.json")) if SAMPLES.is_dir() else []


@pytest.mark.parametrize("path", _samples() or [None], ids=lambda p: p.stem if p else "none")
def test_recorded_deliveries(path: Path | None) -> None:
    if path is None:
        pytest.skip("the recorded samples are missing: ../shared/specs/calcom/samples")
    sample = json.loads(path.read_text())
    if "webhook" not in sample:
        return
    delivery = sample["webhook"]
    raw = delivery.get("body_raw") or json.dumps(delivery["body"])
    found = webhook.hints(raw.encode())
    if "FORM_SUBMITTED" in raw:
        assert found == []
    else:
        assert len(found) == 1
        dynamic = "[redacted/dynamic]" in raw  # a key set, not data
        assert found[0].object_id or dynamic
    if "RECORDING" in raw:
        assert found[0].kind == types_pb2.RESOURCE_KIND_RECORDING
    if "expect_valid" not in delivery:
        return
    signed = _delivery(raw.encode(), delivery["headers"]["x-cal-signature-256"])
    if delivery["expect_valid"]:
        webhook.verify(signed, delivery["secret"])
    else:
        with pytest.raises(ProviderError):
            webhook.verify(signed, SECRET)


# -- subscriptions


async def test_a_webhook_is_made_and_ended(desk: Desk) -> None:
    push, topic = desk.provider.push, Topic(EVENT)
    address = "https://hooks.example.com/calcom"
    made = await push.create(desk.call, topic, address, SECRET)
    (kept,) = desk.cal.world.webhooks.values()
    assert kept["subscriberUrl"] == address
    assert kept["secret"] == SECRET
    assert "BOOKING_RESCHEDULED" in kept["triggers"]
    assert "payloadTemplate" not in kept, "with one, the body may be anything"
    assert made.expires_at is None
    assert await push.renew(desk.call, made, address, SECRET) == made
    with refused(Kind.PRECONDITION, reason="WATCH_REFUSED"):
        await push.create(desk.call, topic, address, SECRET)
    await push.delete(desk.call, made)
    await push.delete(desk.call, made)
    assert not desk.cal.world.webhooks


def test_the_provider_verifies_and_hints(desk: Desk) -> None:
    push = desk.provider.push
    delivery = _delivery(BODY, SIGNATURE)
    push.verify(delivery, SECRET, NOW)
    assert [h.object_id for h in push.hints(delivery)] == ["abc"]
