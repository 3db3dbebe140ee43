"""Webhooks that are made, switched on, subscribed to and ended; what is sent there is verified."""

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web

from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery, Subscription, Topic
from providers.core.settings import ProviderSettings
from providers.goto.provider import GoTo as Provider
from providers.goto.push import GoToPush
from tests.loopback import served
from tests.providers.desk import refused
from tests.providers.goto import spec
from tests.providers.goto.desk import Desk, launch
from tests.providers.goto.double import hooks
from tests.providers.goto.double.hooks import Letter
from ucal.v1 import types_pb2

WEBINARS = Topic(types_pb2.RESOURCE_KIND_WEBINAR)
SECRET = "b25lIGNvbm5lY3Rpb24ncyBvd24gc2VjcmV0"
OLDER = "YW4gb2xkZXIga2V5IG9mIHRoZSByaW5n"


def present() -> datetime:
    return datetime.now(UTC)


def push(app_key: str = "") -> GoToPush:
    """As an operator has it who set `webhook_secret` to that."""
    return Provider(ProviderSettings(webhook_secret=app_key)).push


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Where GoTo delivers to; its probes are answered as the ingress does."""

    async def probed(request: web.Request) -> web.Response:
        found = Delivery({}, b"", dict(request.query), "GET")
        for secret in (SECRET, OLDER):
            with contextlib.suppress(ProviderError):
                return web.Response(body=push().handshake(found, secret, present()))
        return web.Response(status=401)

    app = web.Application()
    app.router.add_get("/webhooks/goto/c1", probed)
    async with served(app) as url:
        yield f"{url.replace('http:', 'https:')}/webhooks/goto/c1"


async def subscribed(desk: Desk, address: str, secret: str = SECRET) -> Subscription:
    found: Subscription = await desk.provider.push.create(desk.call, WEBINARS, address, secret)
    return found


async def letter(desk: Desk, event: str = "webinar.created") -> Letter:
    await desk.plan(launch())
    webinar = list(desk.goto.world.webinars.values())[-1]
    (found,) = hooks.letters(desk.goto.world, event, webinar)
    return found


def delivered(letter: Letter, **changes: object) -> Delivery:
    headers = {name.lower(): value for name, value in letter.headers.items()}
    query = dict(parse_qsl(urlsplit(letter.url).query))
    found = Delivery(headers, letter.body, query)
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]


async def test_webhooks_are_made_switched_on_and_ended(desk: Desk, address: str) -> None:
    made = await subscribed(desk, address)
    world = desk.goto.world
    assert {each["eventName"] for each in world.hooks.values()} == {
        "webinar.created", "webinar.changed", "registrant.added", "registrant.joined",
    }  # fmt: skip
    assert {each["activationState"] for each in world.users.values()} == {"ACTIVE"}
    assert len(world.users) == 4
    assert made.renew_at is not None
    assert made.renew_at > present()
    assert made.expires_at is None
    await desk.provider.push.delete(desk.call, made)
    assert (world.hooks, world.users) == ({}, {})
    await desk.provider.push.delete(desk.call, made)


async def test_what_is_there_is_used_again(desk: Desk, address: str) -> None:
    """P11: a renewal, or a second attempt after a lost answer, leaves nothing behind."""
    made = await subscribed(desk, address)
    keys = set(desk.goto.world.hooks)
    next(iter(desk.goto.world.hooks.values()))["state"] = "INACTIVE"
    next(iter(desk.goto.world.users.values()))["userSubscriptionState"] = "INACTIVE"
    renewed = await desk.provider.push.renew(desk.call, made, address, SECRET)
    assert renewed.handle == made.handle
    assert set(desk.goto.world.hooks) == keys
    assert {each["state"] for each in desk.goto.world.hooks.values()} == {"ACTIVE"}
    states = {each["userSubscriptionState"] for each in desk.goto.world.users.values()}
    assert states == {"ACTIVE"}


async def test_a_new_key_of_the_ring_replaces_the_address(desk: Desk, address: str) -> None:
    older = await subscribed(desk, address, OLDER)
    foreign = {"callbackUrl": "https://example.com/x", "eventName": "webinar.created"}
    foreign |= {"webhookKey": "f1", "state": "ACTIVE", "eventVersion": "1.0.0", "product": "g2w"}
    desk.goto.world.hooks["f1"] = foreign
    newer = await desk.provider.push.renew(desk.call, older, address, SECRET)
    assert not set(newer.handle.split(",")) & set(older.handle.split(","))
    assert set(desk.goto.world.hooks) == {"f1", *newer.handle.split(",")}
    assert len(desk.goto.world.users) == 4


async def test_new_webhooks_are_not_known_at_once(desk: Desk, address: str) -> None:
    desk.provider.push = dataclasses.replace(desk.provider.push, pauses=(0, 0))
    desk.goto.world.unready = 2
    await subscribed(desk, address)
    assert {each["state"] for each in desk.goto.world.hooks.values()} == {"ACTIVE"}
    await desk.provider.push.delete(desk.call, await subscribed(desk, address))
    desk.goto.world.unready = 4
    with refused(Kind.NOT_FOUND):
        await subscribed(desk, address)


async def test_an_address_that_is_not_ours_is_not_taken(desk: Desk, address: str) -> None:
    """The probe learns whether the token is right, and GoTo sends nothing where it is not."""
    with refused(Kind.INVALID):
        await subscribed(desk, address, "another secret")
    assert desk.goto.world.hooks == {}
    with refused(Kind.NOT_FOUND):
        topic = Topic(types_pb2.RESOURCE_KIND_WEBINAR, "123")
        await desk.provider.push.create(desk.call, topic, address, SECRET)


async def test_without_the_product_nothing_is_pushed(desk: Desk, address: str) -> None:
    await desk.provider.push.api(desk.call).keys()
    desk.goto.fail(403)
    with refused(Kind.FORBIDDEN):
        await subscribed(desk, address)


async def test_the_token_tells_deliveries_where_no_key_was_made(desk: Desk, address: str) -> None:
    await subscribed(desk, address)
    sent = delivered(await letter(desk))
    push().verify(sent, SECRET, present())
    (hint,) = push().hints(sent)
    assert hint.object_id in desk.goto.world.webinars
    token = sent.query["token"]
    assert SECRET not in token
    for query in ({}, {"token": ""}, {"token": SECRET}, {"token": token[:-1]}, {"t": token}):
        with refused(Kind.UNAUTHENTICATED):
            push().verify(dataclasses.replace(sent, query=query), SECRET, present())
    for secret in (OLDER, ""):
        with refused(Kind.UNAUTHENTICATED):
            push().verify(sent, secret, present())


async def test_with_the_apps_key_they_are_signed_too(desk: Desk, address: str) -> None:
    """Forged, swapped and stale ones are refused, whatever their token."""
    api = desk.provider.push.api(desk.call)
    reply = await api.send("POST", "G2W/rest/v2/webhooks/secretkey", json={})
    key = json.loads(reply.content)["value"]
    await subscribed(desk, address)
    sent, other = delivered(await letter(desk)), delivered(await letter(desk))
    push(key).verify(sent, SECRET, present())
    push(key).verify(sent, "", present())
    late = timedelta(seconds=320)
    for found, app_key, now in (
        (sent, "another", present()),
        (sent, key, present() + late),
        (sent, key, present() - late),
        (dataclasses.replace(sent, body=other.body), key, present()),
        (dataclasses.replace(sent, headers={}), key, present()),
        (dataclasses.replace(sent, query={}), key, present()),
    ):
        with refused(Kind.UNAUTHENTICATED):
            push(app_key).verify(found, SECRET, now)


def test_probes() -> None:
    for found in (Delivery({}), Delivery({}, method="GET"), Delivery({}, query={"token": "x"})):
        if found.method == "POST":
            assert push().handshake(found, SECRET, present()) is None
            continue
        with refused(Kind.UNAUTHENTICATED):
            push().handshake(found, SECRET, present())
        with refused(Kind.UNAUTHENTICATED):
            push().handshake(found, "", present())


@pytest.mark.skipif(not spec.present(), reason="needs the samples in ../shared/specs/goto")
def test_the_double_signs_as_the_vectors_do() -> None:
    found = json.loads((spec.FOLDER / "samples/signature-vectors.json").read_text())
    (case,) = [each for each in found["cases"] if each.get("expect") == "accept"]
    sent = case["headers"]["X-Webhook-Signature-Timestamp"]
    signed = hooks.signature(found["secret"], sent, case["raw_body"].encode())
    assert signed == case["headers"]["X-Webhook-Signature"]
