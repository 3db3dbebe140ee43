"""Deliveries and subscriptions: the signature, what is read of a body, keys, doubles."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from providers.calendly import webhook
from providers.calendly.provider import Calendly
from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery, Topic
from providers.core.settings import ProviderSettings
from tests.providers.calendly.desk import Desk
from ucal.v1 import types_pb2

SAMPLES = Path(__file__).resolve().parents[4] / "shared/specs/calendly/samples"
EVENT = types_pb2.RESOURCE_KIND_EVENT
NOW = datetime.fromtimestamp(1788250536, UTC)
BODY = b"{}"


def _signed(body: bytes, secret: str = "key", at: int = 1788250531, extra: str = "") -> Delivery:
    import hashlib
    import hmac

    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    header = f"t={at},{extra}v1={mac}"
    return Delivery({"calendly-webhook-signature": header}, body, {"subscription": "s-1"})


def _refused(delivery: Delivery, secret: str = "key", now: datetime = NOW) -> None:
    with pytest.raises(ProviderError) as caught:
        webhook.verify(delivery, secret, now)
    assert caught.value.kind is Kind.UNAUTHENTICATED


def test_a_signature_is_taken_and_any_other_refused() -> None:
    webhook.verify(_signed(BODY), "key", NOW)
    webhook.verify(_signed(BODY, extra=f"v1={'0' * 64},"), "key", NOW)  # while a key changes
    _refused(_signed(BODY), "other key")
    _refused(_signed(BODY, secret=""), "")
    _refused(_signed(BODY, at=1788250536 - 181))
    _refused(_signed(BODY, at=1788250536 + 181))
    good = _signed(BODY)
    _refused(Delivery(good.headers, b"{} "))
    _refused(_signed(b"x" * (1024 * 1024 + 1)))


@pytest.mark.parametrize(
    "header",
    ["", "v1=00", "t=,v1=00", "t=1788250531", "t=x,v1=00", "t=1788250531,v0=00", "t=²,v1=0",
     "t=1,t=2,v1=00", "t=1788250531,v1=é", "t=" + "9" * 400 + ",v1=0", "," * 10_000],
)  # fmt: skip
def test_a_malformed_header_is_refused(header: str) -> None:
    _refused(Delivery({"calendly-webhook-signature": header}, BODY))


def _samples() -> list[Any]:
    if not SAMPLES.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no ../shared/specs/calendly"))]
    return [
        pytest.param(json.loads(path.read_text())["webhook"], id=path.stem)
        for path in sorted(SAMPLES.glob("webhook-signed-*.json"))
    ]


@pytest.mark.parametrize("sample", _samples())
def test_signed_samples(sample: dict[str, Any]) -> None:
    delivery = Delivery(sample["headers"], sample["body_raw"].encode())
    now = datetime.fromtimestamp(sample["now"], UTC)
    if sample["expect_valid"]:
        webhook.verify(delivery, sample["signing_key"], now)
        assert webhook.hints(delivery)
    else:
        _refused(delivery, sample["signing_key"], now)


def _hint(event: str, payload: dict[str, Any]) -> tuple[int, str, str] | None:
    body = json.dumps({"event": event, "created_at": "x", "payload": payload}).encode()
    found = webhook.hints(Delivery({}, body, {"subscription": "s-1"}))
    if not found:
        return None
    (hint,) = found
    return hint.kind, hint.object_id, hint.subscription_id


ROOT = "https://api.calendly.com"


def test_hints() -> None:
    """P86: both halves of a move hint, in any order."""
    link, recording = types_pb2.RESOURCE_KIND_LINK, types_pb2.RESOURCE_KIND_RECORDING
    invitee = f"{ROOT}/scheduled_events/e-1/invitees/i-1"
    for name in ("invitee.created", "invitee.canceled"):
        payload = {"uri": invitee, "event": f"{ROOT}/scheduled_events/e-1"}
        assert _hint(name, payload) == (EVENT, "e-1", "s-1")
        assert _hint(name, {"uri": invitee}) == (EVENT, "e-1", "s-1")  # before late 2022
    no_show = {"uri": f"{ROOT}/invitee_no_shows/n-1", "invitee": invitee}
    assert _hint("invitee_no_show.created", no_show) == (EVENT, "e-1", "s-1")
    assert _hint("event_type.updated", {"uri": f"{ROOT}/event_types/t-1"}) == (link, "t-1", "s-1")
    gone = {"event": {"uri": f"{ROOT}/scheduled_events/e-1"}, "recap": {"uri": f"{ROOT}/x/r-1"}}
    assert _hint("meeting_recap.deleted", gone) == (recording, "r-1", "s-1")
    assert _hint("routing_form_submission.created", {}) is None
    assert _hint("something.new", {}) is None


@pytest.mark.parametrize("body", [b"", b"[]", b'{"event": 5}', b"\xff", b"[" * 100_000])
def test_bodies_without_sense_hint_at_nothing(body: bytes) -> None:
    assert webhook.hints(Delivery({}, body)) == []


# -- subscriptions


async def test_a_subscription_signs_with_the_key_that_it_was_given(desk: Desk) -> None:
    push = desk.provider.push
    world = desk.double.world
    address = "https://hooks.example.com/calendly/c1"
    made = await push.create(desk.call, Topic(EVENT), address, "secret")
    (hook,) = world.hooks.values()
    assert hook["callback_url"] == f"{address}?subscription={made.id}"
    assert hook["scope"] == "user"
    assert world.keys[hook["uri"]] == "secret"
    assert made.expires_at is None
    # After a restart nothing is known of it: it is replaced, not doubled.
    again = await push.create(desk.call, Topic(EVENT), address, "another")
    assert again.id == made.id
    assert [world.keys[uri] for uri in world.hooks] == ["another"]
    links = await push.create(desk.call, Topic(types_pb2.RESOURCE_KIND_LINK), address, "secret")
    assert links.id != made.id
    assert len(world.hooks) == 2
    renewed = await push.renew(desk.call, again, address, "third")
    await push.delete(desk.call, renewed)
    await push.delete(desk.call, renewed)  # gone is gone
    assert len(world.hooks) == 1


async def test_a_free_plan_has_no_webhooks(desk: Desk) -> None:
    desk.double.world.free_plan = True
    with pytest.raises(ProviderError) as caught:
        await desk.provider.push.create(desk.call, Topic(EVENT), "https://x.example.com", "s")
    assert caught.value.kind is Kind.PRECONDITION
    topic = Topic(EVENT, "somebody-else")
    with pytest.raises(ProviderError) as caught:
        await desk.provider.push.create(desk.call, topic, "https://x.example.com", "s")
    assert caught.value.kind is Kind.PRECONDITION


async def test_an_app_has_one_key_for_all(desk: Desk) -> None:
    """`signing_key` is for personal tokens only."""
    app = Calendly(ProviderSettings(base_url=desk.double.url, webhook_secret="app-key"))
    await app.push.create(desk.call, Topic(EVENT), "https://x.example.com/h?c=1", "secret")
    (asked,) = desk.asked("POST", "/webhook_subscriptions")
    assert "signing_key" not in asked.body
    assert "?c=1&subscription=" in asked.body["url"]
    app.push.verify(_signed(BODY, secret="app-key"), "secret", NOW)
    with pytest.raises(ProviderError):
        app.push.verify(_signed(BODY, secret="secret"), "secret", NOW)
