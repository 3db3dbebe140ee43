"""Deliveries and subscriptions: signatures, secrets in addresses, both spellings of actions."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.acuity import webhook
from providers.acuity.provider import Acuity
from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery, Topic
from providers.core.settings import ProviderSettings
from tests.providers.acuity.desk import Desk
from ucal.v1 import types_pb2

SAMPLES = Path(__file__).resolve().parents[4] / "shared/specs/acuity/samples"
EVENT = types_pb2.RESOURCE_KIND_EVENT
KEY = "0123456789abcdef0123456789abcdef"
BODY = b"action=scheduled&id=54321&calendarID=27238&appointmentTypeID=1"
SIGNATURE = "VDrjU2QQFtsKKM22peXa7a7qqYdYgZEKqXsOshwNR2s="
ADDRESS = "https://hooks.example.com/acuity/c1"


def _refused(headers: dict[str, str], body: bytes, key: str) -> None:
    with pytest.raises(ProviderError) as caught:
        webhook.verify_signature(headers, body, key)
    assert caught.value.kind is Kind.UNAUTHENTICATED


def test_a_signature_is_taken_and_any_other_refused() -> None:
    webhook.verify_signature({webhook.HEADER: SIGNATURE}, BODY, KEY)
    for signature in ("", "x", SIGNATURE.lower(), SIGNATURE + "=", "é"):
        _refused({webhook.HEADER: signature}, BODY, KEY)
    _refused({}, BODY, KEY)
    _refused({webhook.HEADER: SIGNATURE}, BODY + b"&x=1", KEY)
    _refused({webhook.HEADER: SIGNATURE}, BODY, "another")
    _refused({webhook.HEADER: SIGNATURE}, BODY, "")


def _samples() -> list[Any]:
    if not SAMPLES.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no ../shared/specs/acuity"))]
    return [
        pytest.param(json.loads(path.read_text())["webhook"], id=path.stem)
        for path in sorted(SAMPLES.glob("webhook-signed-*.json"))
    ]


@pytest.mark.parametrize("sample", _samples())
def test_signed_samples(sample: dict[str, Any]) -> None:
    body = sample["body_raw"].encode()
    if sample["expect_valid"]:
        webhook.verify_signature(sample["headers"], body, sample["api_key"])
        (hint,) = webhook.hints(Delivery(sample["headers"], body))
        assert (hint.kind, hint.object_id) == (EVENT, "54321")
    else:
        _refused(sample["headers"], body, sample["api_key"])


@pytest.mark.parametrize(
    ("body", "hinted"),
    [
        (b"action=scheduled&id=1", True),
        (b"action=rescheduled&id=1", True),
        (b"action=canceled&id=1", True),
        (b"action=changed&id=1", True),
        (b"action=appointment.changed&id=1", True),
        (b"action=order.completed&id=1", False),
        (b"action=changed", False),
        (b"action=changed&id=1/../2", False),
        (b"action=changed&id=" + b"9" * 50, False),
        (b"", False),
        (b"{}", False),
        (b"\xff\xfe", False),
        (b"a=1&" * 1000, False),
    ],
    ids=range(13),
)
def test_both_spellings_hint_and_nonsense_does_not(body: bytes, hinted: bool) -> None:
    found = webhook.hints(Delivery({}, body, {"subscription": "s"}))
    assert [(h.object_id, h.subscription_id) for h in found] == ([("1", "s")] if hinted else [])


async def test_a_subscription_is_known_by_the_secret_in_its_address(desk: Desk) -> None:
    push, world = desk.provider.push, desk.double.world
    made = await push.create(desk.call, Topic(EVENT), ADDRESS, "se cret&")
    (hook,) = world.hooks.values()
    assert hook["event"] == "appointment.changed"  # which tells of everything
    query = {k: v[0] for k, v in parse_qs(urlsplit(hook["target"]).query).items()}
    now = datetime.now(UTC)
    push.verify(Delivery({}, BODY, query), "se cret&", now)
    with pytest.raises(ProviderError):
        push.verify(Delivery({}, BODY, query), "other", now)
    with pytest.raises(ProviderError):
        push.verify(Delivery({}, BODY), "", now)
    assert push.hints(Delivery({}, BODY, query))[0].subscription_id == made.id
    # After a restart nothing is known of it: it is replaced, as there may be 25 at most.
    again = await push.create(desk.call, Topic(EVENT), ADDRESS, "new")
    assert again.id == made.id
    assert len(world.hooks) == 1
    renewed = await push.renew(desk.call, again, ADDRESS, "newer")
    await push.delete(desk.call, renewed)
    await push.delete(desk.call, renewed)
    assert world.hooks == {}


def test_with_the_accounts_key_the_signature_counts() -> None:
    push = Acuity(ProviderSettings(webhook_secret=KEY)).push
    now = datetime.now(UTC)
    push.verify(Delivery({webhook.HEADER: SIGNATURE}, BODY), "unused", now)
    with pytest.raises(ProviderError):
        push.verify(Delivery({}, BODY, {"token": "secret"}), "secret", now)
