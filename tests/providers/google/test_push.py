"""Notification channels: set-up, greeting, renewal, forgery, refusal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from providers.core.errors import Kind
from providers.core.push import Delivery, Hint, Topic
from tests.loopback import served
from tests.providers.google.desk import CALENDAR, EVENT, Desk, meeting, refused
from tests.providers.google.double.world import ADA

SECRET = "s3cret-of-this-connection"
ADDRESS = "https://hooks.example.com/webhooks/google_calendar/c1"
EVENTS = Topic(EVENT, ADA)


@asynccontextmanager
async def ingress() -> AsyncIterator[tuple[str, list[Delivery]]]:
    """An address on loopback, and what was delivered to it."""
    seen: list[Delivery] = []

    async def handle(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.append(Delivery(headers, await request.read(), dict(request.query)))
        return web.Response()

    app = web.Application()
    app.router.add_post("/{tail:.*}", handle)
    async with served(app) as url:
        yield f"{url}/hook", seen


async def test_a_change_is_told_and_the_greeting_is_none(desk: Desk) -> None:
    """P12."""
    push = desk.provider.push
    async with ingress() as (address, seen):
        made = await push.create(desk.call, EVENTS, address, SECRET)
        await push.create(desk.call, Topic(CALENDAR), address, SECRET)
        await desk.google.delivered()
        assert len(seen) == 2
        for delivery in seen:
            push.verify(delivery, SECRET, datetime.now(UTC))
            assert push.hints(delivery) == []
        await desk.make(meeting())
        await desk.google.delivered()
    (delivery,) = seen[2:]
    assert delivery.body == b""
    push.verify(delivery, SECRET, datetime.now(UTC))
    assert push.hints(delivery) == [Hint(EVENT, made.id, f"{made.id}/2")]


def test_what_a_delivery_says(desk: Desk) -> None:
    hints = desk.provider.push.hints
    base = {"x-goog-channel-id": "c", "x-goog-message-number": "9"}
    lists = base | {
        "x-goog-resource-state": "exists",
        "x-goog-resource-uri": "https://www.googleapis.com/calendar/v3/users/me/calendarList?alt=json",
    }
    assert hints(Delivery(lists)) == [Hint(CALENDAR, "c", "c/9")]
    gone = base | {"x-goog-resource-state": "not_exists"}
    assert hints(Delivery(gone)) == [Hint(EVENT, "c", "c/9")]
    for state in ("sync", "add", "", "EXISTS"):
        assert hints(Delivery(base | {"x-goog-resource-state": state})) == []
    assert hints(Delivery({})) == []


@pytest.mark.parametrize("token", ["", "S3cret", SECRET + "x", SECRET[:-1], "é"])
def test_forged_deliveries_are_refused(desk: Desk, token: str) -> None:
    """P15."""
    headers = {"x-goog-channel-token": token, "x-goog-resource-state": "exists"}
    for given, secret in ((headers, SECRET), ({}, SECRET), (headers, "")):
        with refused(Kind.UNAUTHENTICATED, reason="DELIVERY_REFUSED"):
            desk.provider.push.verify(Delivery(given), secret, datetime.now(UTC))


async def test_the_life_that_google_grants_counts(desk: Desk) -> None:
    """P11: a week as a rule, and time enough to renew."""
    made = await desk.provider.push.create(desk.call, EVENTS, ADDRESS, SECRET)
    assert made.expires_at is not None
    assert made.renew_at is not None
    left = made.expires_at - datetime.now(UTC)
    assert timedelta(days=6.9) < left < timedelta(days=7.1)
    assert made.expires_at - made.renew_at == timedelta(days=1)
    channel = desk.google.channels[made.id]
    assert channel["token"] == SECRET
    assert channel["resourceId"] == made.handle


async def test_renewal_overlaps(desk: Desk) -> None:
    """P16: the new channel is open before the old one is stopped."""
    push = desk.provider.push
    old = await push.create(desk.call, EVENTS, ADDRESS, SECRET)
    new = await push.renew(desk.call, old, ADDRESS, SECRET)
    assert set(desk.google.channels) == {new.id}
    assert new.topic == old.topic
    order = [e.path.rpartition("/")[2] for e in desk.asked("POST")]
    assert order == ["watch", "watch", "stop"]


async def test_an_old_channel_that_cannot_be_stopped(desk: Desk) -> None:
    push = desk.provider.push
    old = await push.create(desk.call, EVENTS, ADDRESS, SECRET)
    made = await push.create(desk.call, EVENTS, ADDRESS, SECRET)
    desk.google.channels.pop(old.id)
    await push.delete(desk.call, old)
    await push.delete(desk.call, made)
    assert desk.google.channels == {}


async def test_a_calendar_that_is_gone_ends_its_channel(desk: Desk) -> None:
    """P13: 404 on renewal is told, not tried for ever."""
    push = desk.provider.push
    desk.google.world.add_calendar("team@group", "Team", "UTC", ADA)
    old = await push.create(desk.call, Topic(EVENT, "team@group"), ADDRESS, SECRET)
    del desk.google.world.calendars["team@group"]
    with refused(Kind.NOT_FOUND):
        await push.renew(desk.call, old, ADDRESS, SECRET)


async def test_what_google_does_not_push_is_polled(desk: Desk) -> None:
    """P17: PRECONDITION is the sign to fall back."""
    push = desk.provider.push
    desk.ada.pushes = False
    with refused(Kind.PRECONDITION, reason="PUSH_NOT_SUPPORTED"):
        await push.create(desk.call, EVENTS, ADDRESS, SECRET)
    desk.ada.pushes = True
    with refused(Kind.PRECONDITION, reason="WATCH_REFUSED"):
        await push.create(desk.call, EVENTS, "http://plain.example.com/", SECRET)
    desk.google.fail(401, "push.webhookUrlUnauthorized")
    with refused(Kind.PRECONDITION, reason="WATCH_REFUSED"):
        await push.create(desk.call, EVENTS, ADDRESS, SECRET)
