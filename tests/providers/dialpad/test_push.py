"""Call event subscriptions that are made and ended; forged and stale tokens are refused."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from providers.core.errors import Kind
from providers.core.push import Delivery, Subscription, Topic
from tests.providers.desk import refused
from tests.providers.dialpad.desk import Desk
from tests.providers.dialpad.double import hooks
from tests.providers.dialpad.double.world import USER
from ucal.v1 import types_pb2

RECORDINGS = Topic(types_pb2.RESOURCE_KIND_RECORDING)
ADDRESS = "https://ucal.example.com/webhooks/dialpad/c1"
SECRET = "b25lIGNvbm5lY3Rpb24ncyBvd24gc2VjcmV0"


def present() -> datetime:
    return datetime.now(UTC)


async def subscribed(desk: Desk, secret: str = SECRET) -> Subscription:
    found: Subscription = await desk.provider.push.create(desk.call, RECORDINGS, ADDRESS, secret)
    return found


async def test_a_subscription_is_made_and_ended(desk: Desk) -> None:
    made = await subscribed(desk)
    world = desk.dialpad.world
    (hook,), (call,) = world.hooks.values(), world.calls.values()
    assert (hook["hook_url"], hook["signature"]["secret"]) == (ADDRESS, SECRET)
    assert (call["target_type"], call["target_id"]) == ("user", int(USER))
    assert made.renew_at is not None
    assert made.renew_at > present()
    assert SECRET not in f"{made.id} {made.handle}"
    await desk.provider.push.delete(desk.call, made)
    assert (world.hooks, world.calls) == ({}, {})
    await desk.provider.push.delete(desk.call, made)


async def test_what_is_there_is_used_again(desk: Desk) -> None:
    """P11: after a restart, a lost answer, a new key of the ring, an administrator's doubts."""
    world = desk.dialpad.world
    world.page = 1
    other = {"hook_url": "https://example.com/", "id": "1", "signature": {"secret": "x"}}
    world.hooks["1"] = other
    made = await subscribed(desk)
    (call,) = world.calls.values()
    call["enabled"] = False
    renewed = await desk.provider.push.renew(desk.call, made, ADDRESS, "a newer secret")
    assert (renewed.id, renewed.handle) == (made.id, made.handle)
    assert call["enabled"]
    assert {hook["signature"]["secret"] for hook in world.hooks.values()} == {
        "x",
        "a newer secret",
    }
    assert len(world.calls) == 1


async def test_the_key_of_a_company_hears_of_everybody(desk: Desk) -> None:
    desk.dialpad.world.me = ""
    await subscribed(desk)
    (call,) = desk.dialpad.world.calls.values()
    assert not {"target_type", "target_id"} & set(call)


async def test_a_refusal_leaves_nothing_behind(desk: Desk) -> None:
    desk.dialpad.fail(403, method="POST")
    with refused(Kind.FORBIDDEN):
        await subscribed(desk)
    await subscribed(desk)
    desk.dialpad.world.calls.clear()
    desk.dialpad.fail(403, method="POST")  # the webhook is there, the subscription is not
    with refused(Kind.FORBIDDEN):
        await subscribed(desk)
    assert desk.dialpad.world.hooks == {}


async def test_a_lost_answer_keeps_the_webhook(desk: Desk) -> None:
    await subscribed(desk)
    desk.dialpad.world.calls.clear()
    desk.dialpad.lose()
    with refused(Kind.OUTCOME_UNKNOWN):
        await subscribed(desk)
    await subscribed(desk)
    assert (len(desk.dialpad.world.hooks), len(desk.dialpad.world.calls)) == (1, 1)


async def test_deliveries(desk: Desk) -> None:
    await subscribed(desk)
    push = desk.provider.push
    (letter,) = hooks.letters(desk.dialpad.world, "recording")
    sent = Delivery({}, letter.body)
    push.verify(sent, SECRET, present())
    (hint,) = push.hints(sent)
    assert (hint.kind, hint.object_id) == (types_pb2.RESOURCE_KIND_RECORDING, "")
    assert hint.delivery_id.split("/")[1] == "recording"
    (again,) = hooks.letters(desk.dialpad.world, "hangup")
    head, _, mark = letter.body.split(b".")
    swapped = b".".join((head, again.body.split(b".")[1], mark))
    unsigned = b".".join(
        (base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"="), swapped[:9], b"")
    )
    for body in (swapped, unsigned, letter.body[:-2], letter.body + b"x", b"{}", b""):
        with refused(Kind.UNAUTHENTICATED):
            push.verify(Delivery({}, body), SECRET, present())
    for secret in ("another", ""):
        with refused(Kind.UNAUTHENTICATED):
            push.verify(sent, secret, present())


@pytest.mark.parametrize("alg", ["HS384", "HS512"])
def test_other_algorithms_are_refused(desk: Desk, alg: str) -> None:
    body = hooks.token("s" * 64, {"call_id": 1, "state": "hangup"}, alg)
    with refused(Kind.UNAUTHENTICATED):
        desk.provider.push.verify(Delivery({}, body), "s" * 64, present())


@pytest.mark.parametrize(
    ("late", "taken"), [(3500, True), (3700, False), (-200, True), (-400, False)]
)
def test_what_happened_long_ago_is_stale(desk: Desk, late: int, *, taken: bool) -> None:
    """The time is within what is signed; deliveries are remembered for as long."""
    begin = present()
    stamp = int(begin.timestamp() * 1000)
    for shown in (stamp, str(stamp)):
        payload = {"call_id": 1, "state": "hangup", "event_timestamp": shown}
        sent = Delivery({}, hooks.token(SECRET, payload))
        now = begin + timedelta(seconds=late)
        if taken:
            desk.provider.push.verify(sent, SECRET, now)
            continue
        with refused(Kind.UNAUTHENTICATED):
            desk.provider.push.verify(sent, SECRET, now)


def test_states_that_say_nothing_of_recordings(desk: Desk) -> None:
    for state in ("ringing", "connected", "voicemail", "", None, 7):
        body = hooks.token(SECRET, {"call_id": 1, "state": state})
        desk.provider.push.verify(Delivery({}, body), SECRET, present())
        assert desk.provider.push.hints(Delivery({}, body)) == []
