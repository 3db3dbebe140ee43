"""What Graph sends: handshakes, clientState, hints."""

import json
from datetime import UTC, datetime

import pytest

from providers.microsoft import webhook
from providers.microsoft.webhook import Hint

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SECRET = "only-we-know-this"


def _body(*states: str, **fields: str) -> bytes:
    item = {"subscriptionId": "s1", "changeType": "updated", "resource": "Users/1/Events/2",
            "tenantId": "t", **fields}  # fmt: skip
    return json.dumps({"value": [{**item, "clientState": s} for s in states]}).encode()


def test_every_item_has_to_carry_the_client_state() -> None:
    """P15: compared in constant time, one wrong item spoils the lot."""
    assert webhook.verify({}, _body(SECRET, SECRET), SECRET, NOW)
    for bad in (
        _body(SECRET, "guess"), _body(SECRET[:-1]), _body("ünïcode"), _body(""), _body(),
        b"", b"<xml/>", b'{"value": [{"subscriptionId": "s1"}]}', b'{"value": {}}', b"\xff",
        b" " * (webhook.MAX_BODY + 1),
    ):  # fmt: skip
        assert not webhook.verify({}, bad, SECRET, NOW)
    assert not webhook.verify({}, _body(""), "", NOW)


@pytest.mark.parametrize("event", [webhook.MISSED, webhook.REMOVED, webhook.REAUTHORIZE])
def test_lifecycles_are_told_apart(event: str) -> None:
    """P14: resync, recreate, reauthorize: three things, not one."""
    item = {"subscriptionId": "s1", "clientState": SECRET, "lifecycleEvent": event}
    body = json.dumps({"value": [item]}).encode()
    assert webhook.hints(body) == [Hint("s1", event)]


def test_several_changes_of_one_subscription_are_one_hint() -> None:
    body = json.loads(_body(SECRET, SECRET))
    body["value"].append({**body["value"][0], "subscriptionId": "s2", "changeType": "deleted"})
    assert webhook.hints(json.dumps(body).encode()) == [Hint("s1"), Hint("s2")]
    for nothing in (b"", b"[]", b'{"value": [{"changeType": "updated"}]}', b'{"value": [{}]}'):
        assert webhook.hints(nothing) == []


def test_a_handshake_is_answered_with_its_own_words() -> None:
    token = "Validation: Testing & more"
    assert webhook.validation_token({"validationToken": token}) == token
    assert webhook.validation_token({}) == ""
    assert webhook.validation_token({"validationToken": "x" * 5000}) == ""
    assert webhook.validation_token({"validationToken": "a\r\nSet-Cookie: b"}) == ""
