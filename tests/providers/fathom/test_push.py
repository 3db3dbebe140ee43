"""Webhooks that are made, signed by Fathom and ended; forged, swapped, stale ones are refused."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from providers.core.auth import HeaderAuth
from providers.core.errors import Kind
from providers.core.push import Delivery, MakesSecrets, Subscription, Topic
from providers.core.settings import ProviderSettings
from providers.fathom.provider import Fathom as Provider
from tests.providers.desk import Caller, door, refused
from tests.providers.fathom.double import KEY, Fathom, Letter
from ucal.v1 import types_pb2

RECORDINGS = Topic(types_pb2.RESOURCE_KIND_RECORDING)
ADDRESS = "https://ucal.example.com/webhooks/fathom/c1"
DERIVED = "bm90IEZhdGhvbSdzIGJ1dCBvdXJz"


@pytest.fixture
async def fathom() -> AsyncIterator[Fathom]:
    async with Fathom() as double:
        yield double


@pytest.fixture
async def desk(fathom: Fathom) -> AsyncIterator[Caller]:
    async with door() as out:
        provider = Provider(ProviderSettings(base_url=fathom.url))
        yield Caller(out=out, provider=provider, url=fathom.url, auth=HeaderAuth("x-api-key", KEY))


async def subscribed(desk: Caller) -> Subscription:
    found: Subscription = await desk.provider.push.create(desk.call, RECORDINGS, ADDRESS, DERIVED)
    return found


def delivered(letter: Letter) -> Delivery:
    return Delivery(letter.headers, letter.body.encode())


async def test_a_webhook_is_made_renewed_and_ended(desk: Caller, fathom: Fathom) -> None:
    """P16: the new one is there before the old one goes."""
    made = await subscribed(desk)
    (hook,) = fathom.hooks.values()
    assert hook["url"].startswith(f"{ADDRESS}?token=")
    assert DERIVED not in hook["url"]
    assert made.secret == hook["secret"]
    assert len(hook["triggered_for"]) == 4
    assert made.secret not in repr(made)
    renewed = await desk.provider.push.renew(desk.call, made, ADDRESS, DERIVED)
    assert list(fathom.hooks) == [renewed.handle]
    assert [each.method for each in fathom.journal] == ["POST", "POST", "DELETE"]
    assert renewed.secret != made.secret
    await desk.provider.push.delete(desk.call, renewed)
    assert not fathom.hooks
    await desk.provider.push.delete(desk.call, renewed)


async def test_without_a_plan_of_teams_it_is_for_ones_own(desk: Caller, fathom: Fathom) -> None:
    fathom.teams = False
    await subscribed(desk)
    (hook,) = fathom.hooks.values()
    assert hook["triggered_for"] == ["my_recordings", "shared_external_recordings"]


async def test_calendars_are_not_there(desk: Caller, fathom: Fathom) -> None:
    topic = Topic(types_pb2.RESOURCE_KIND_EVENT, "work")
    with refused(Kind.NOT_FOUND):
        await desk.provider.push.create(desk.call, topic, ADDRESS, DERIVED)
    assert not fathom.hooks


async def test_a_lost_answer_is_not_asked_for_again(desk: Caller, fathom: Fathom) -> None:
    """A second webhook could never be found, and so never be ended."""
    fathom.fail(502)
    with refused(Kind.OUTCOME_UNKNOWN):
        await subscribed(desk)
    assert not fathom.hooks


async def test_deliveries_are_told_by_the_secret_of_their_webhook(
    desk: Caller, fathom: Fathom
) -> None:
    first, second = await subscribed(desk), await subscribed(desk)
    meeting = fathom.add("Review")
    push = desk.provider.push
    letter = fathom.letter(fathom.hooks[first.handle], meeting)
    now = datetime.now(UTC)
    push.verify(delivered(letter), first.secret, now)
    assert {hint.object_id.partition("-")[0] for hint in push.hints(delivered(letter))} == {
        str(meeting["recording_id"])
    }
    other = fathom.letter(fathom.hooks[first.handle], fathom.add("Another"))
    changed = {**letter.headers, "webhook-id": "msg_x"}
    for forged, secret, when in (
        (delivered(letter), second.secret, now),
        (delivered(letter), DERIVED, now),
        (delivered(letter), "", now),
        (delivered(letter), first.secret, now + timedelta(seconds=302)),
        (delivered(letter), first.secret, now - timedelta(seconds=302)),
        (Delivery(letter.headers, other.body.encode()), first.secret, now),
        (Delivery(other.headers, letter.body.encode()), first.secret, now),
        (Delivery(changed, letter.body.encode()), first.secret, now),
        (Delivery({}, letter.body.encode()), first.secret, now),
    ):
        with refused(Kind.UNAUTHENTICATED):
            push.verify(forged, secret, when)


async def test_the_address_is_looked_at_before_a_secret_is_looked_for(
    desk: Caller, fathom: Fathom
) -> None:
    made = await subscribed(desk)
    query = dict(parse_qsl(urlsplit(fathom.hooks[made.handle]["url"]).query))
    assert isinstance(desk.provider.push, MakesSecrets)
    desk.provider.push.addressed(Delivery({}, query=query), DERIVED)
    guesses: list[dict[str, str]] = [{}, {"token": ""}, {"token": DERIVED}, {"token": "\udcff"}]
    for guess in guesses:
        with refused(Kind.UNAUTHENTICATED):
            desk.provider.push.addressed(Delivery({}, query=guess), DERIVED)
    for secret in ("", "another"):
        with refused(Kind.UNAUTHENTICATED):
            desk.provider.push.addressed(Delivery({}, query=query), secret)


async def test_a_webhook_made_by_hand_is_believed_too(fathom: Fathom) -> None:
    secret = "whsec_c3RlZXJpbmctc2FtcGxlLXNlY3JldCE="
    hook = {"url": ADDRESS, "secret": secret}
    letter = fathom.letter(hook, fathom.add("Review"))
    push = Provider(ProviderSettings(webhook_secret=secret)).push
    push.verify(delivered(letter), "", datetime.now(UTC))
    with refused(Kind.UNAUTHENTICATED):
        Provider(ProviderSettings()).push.verify(delivered(letter), "", datetime.now(UTC))


# -- Fathom's own SDK


@pytest.fixture
def sdk(fathom: Fathom) -> Any:
    """fathom-python, pointed at the double."""
    module = pytest.importorskip(
        "fathom_python", reason="fathom-python is missing (extra: strangers)"
    )
    with module.Fathom(module.models.Security(api_key_auth=KEY), server_url=fathom.url) as found:
        yield found


@pytest.mark.stranger
async def test_the_vendors_sdk_makes_and_believes_the_same(fathom: Fathom, sdk: Any) -> None:
    made = await asyncio.to_thread(
        sdk.create_webhook,
        destination_url=ADDRESS,
        triggered_for=["my_recordings"],
        include_summary=True,
    )
    letter = fathom.letter(fathom.hooks[made.id], fathom.add("Review"))
    Provider(ProviderSettings()).push.verify(delivered(letter), made.secret, datetime.now(UTC))
    told = sdk.verify_webhook(made.secret, letter.headers, letter.body)
    assert told["meeting_title"] == "Review"
    with pytest.raises(Exception, match="No matching signature"):
        sdk.verify_webhook(made.secret, letter.headers, letter.body + " ")
    await asyncio.to_thread(sdk.delete_webhook, id=made.id)
    assert not fathom.hooks
