"""What Graph sends: handshakes, marks and clientStates, hints."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery, Hint
from providers.core.settings import ProviderSettings
from providers.microsoft import webhook
from providers.microsoft.provider_outlook import Outlook
from tests.providers.microsoft.desk import EVENT

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SECRET = "only-we-know-this"
TOPIC = "a-topic"
STATE = webhook.client_state(SECRET)
PUSH = Outlook(ProviderSettings()).push


def item(**fields: Any) -> dict[str, Any]:
    return {
        "subscriptionId": "s1",
        "changeType": "updated",
        "resource": "Users/1/Events/2",
        "resourceData": {"@odata.etag": 'W/"1"', "id": "2"},
        "clientState": STATE,
        "tenantId": "t",
        **fields,
    }


def delivery(*items: Any, body: bytes | None = None, **query: str) -> Delivery:
    """As Graph sends it to the address of the topic."""
    text = json.dumps({"value": items}).encode() if body is None else body
    address = {webhook.TOPIC: TOPIC, webhook.MARK: webhook.mark(SECRET, TOPIC)}
    return Delivery({}, text, address | query)


def refuses(found: Delivery, secret: str = SECRET) -> bool:
    """Whether it is refused, in words that tell nothing."""
    with pytest.raises(ProviderError) as caught:
        PUSH.verify(found, secret, NOW)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    assert caught.value.reason == "DELIVERY_REFUSED"
    return True


def test_every_item_has_to_carry_the_client_state() -> None:
    """P15: compared in constant time, one wrong item spoils the lot."""
    PUSH.verify(delivery(item(), item()), SECRET, NOW)
    for state in ("guess", STATE[:-1], "ünïcode", "", None, SECRET):
        assert refuses(delivery(item(), item(clientState=state)))
    without = item()
    del without["clientState"]
    assert refuses(delivery(without))
    assert refuses(delivery())


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<xml/>", b'{"value": [{"subscriptionId": "s1"}]}', b'{"value": {}}', b"\xff",
        b"null", b'{"value": [' + b"[" * 100_000, b'{"value": [{"clientState": 7}]}',
        b" " * (webhook.MAX_BODY + 1),
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_hostile_bodies_are_refused(body: bytes) -> None:
    assert refuses(delivery(body=body))
    assert PUSH.hints(delivery(body=body)) == []


def test_a_body_has_a_bound_of_items() -> None:
    PUSH.verify(delivery(*[item()] * webhook.MAX_ITEMS), SECRET, NOW)
    assert refuses(delivery(*[item()] * (webhook.MAX_ITEMS + 1)))


def test_the_mark_is_of_the_topic_and_of_the_secret() -> None:
    """The address is looked at before the body is: its secret is not the items'."""
    good = delivery(item())
    assert refuses(good, "another")
    assert refuses(good, "")
    for query in (
        {webhook.MARK: ""}, {webhook.MARK: STATE}, {webhook.MARK: "é\ud800"},
        {webhook.TOPIC: "another"}, {webhook.MARK: webhook.mark("", TOPIC)},
    ):  # fmt: skip
        assert refuses(delivery(item(), **query))
    assert refuses(Delivery({}, good.body))
    empty = Delivery({}, good.body, {webhook.TOPIC: TOPIC, webhook.MARK: webhook.mark("", TOPIC)})
    assert refuses(empty, "")
    assert STATE not in webhook.address_of("https://x.example/hook", TOPIC, SECRET)


@pytest.mark.parametrize(
    ("event", "renew"),
    [(webhook.MISSED, False), (webhook.REMOVED, True), (webhook.REAUTHORIZE, True)],
)
def test_lifecycles_are_told_apart(event: str, *, renew: bool) -> None:
    """P14: resync, recreate, reauthorize; every one is a reason to ask, not all to renew."""
    told = {"subscriptionId": "s1", "clientState": STATE, "lifecycleEvent": event}
    found = delivery(told)
    PUSH.verify(found, SECRET, NOW)
    (hint,) = PUSH.hints(found)
    assert hint == Hint(EVENT, TOPIC, hint.delivery_id, renew=renew)


def test_a_body_is_one_hint_however_much_it_tells() -> None:
    """Several changes, of several subscriptions and tenants: all are of the address's topic."""
    found = delivery(
        item(),
        item(subscriptionId="s2", changeType="deleted", tenantId="u"),
        item(changeType=None, lifecycleEvent=webhook.REMOVED),
    )
    PUSH.verify(found, SECRET, NOW)
    (hint,) = PUSH.hints(found)
    assert (hint.subscription_id, hint.renew) == (TOPIC, True)
    assert "Users/1" not in repr(hint)
    for nothing in ((), ({},), ({"clientState": STATE},)):
        assert PUSH.hints(delivery(*nothing)) == []


def test_a_delivery_that_comes_again_is_known() -> None:
    """R12. Two changes of one object are two; a change that cannot be told apart is never lost."""
    (first,) = PUSH.hints(delivery(item()))
    assert first.delivery_id
    assert PUSH.hints(delivery(item())) == [first]
    others = [
        item(resourceData={"@odata.etag": 'W/"2"'}), item(changeType="deleted"), item(id="n1"),
        item(resource="Users/1/Events/3"), item(subscriptionId="s2"),
    ]  # fmt: skip
    ids = {PUSH.hints(delivery(each))[0].delivery_id for each in others} | {first.delivery_id}
    assert len(ids) == 1 + len(others)
    for data in (None, {}, {"id": "2"}):
        assert PUSH.hints(delivery(item(resourceData=data)))[0].delivery_id == ""


def test_a_handshake_is_answered_with_its_own_words() -> None:
    token = "Validation: Testing & <b>more</b>"
    assert PUSH.handshake(delivery(validationToken=token), SECRET, NOW) == token.encode()
    assert PUSH.handshake(delivery(item()), SECRET, NOW) is None


@pytest.mark.parametrize("token", ["", "x" * 5000, "a\r\nSet-Cookie: b", "\x00"])
def test_not_everything_is_echoed(token: str) -> None:
    with pytest.raises(ProviderError) as caught:
        PUSH.handshake(delivery(validationToken=token), SECRET, NOW)
    assert caught.value.kind is Kind.UNAUTHENTICATED


def test_strangers_have_nothing_echoed() -> None:
    for query in ({webhook.MARK: "guess"}, {webhook.TOPIC: "another"}):
        with pytest.raises(ProviderError):
            PUSH.handshake(delivery(validationToken="hello", **query), SECRET, NOW)
    with pytest.raises(ProviderError):
        PUSH.handshake(Delivery({}, b"", {webhook.VALIDATION: "hello"}), SECRET, NOW)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["value", "clientState", "changeType", "resourceData", "id"]), inner),
    max_leaves=12,
).map(lambda found: json.dumps(found).encode()))  # fmt: skip
def test_no_body_does_more_than_be_refused(body: bytes) -> None:
    """R20."""
    assert refuses(delivery(body=body))
    for hint in PUSH.hints(delivery(body=body)):
        assert hint.kind == EVENT
