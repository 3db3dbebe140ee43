"""Subscriptions at Graph: set-up, renewal, take-over, lifecycle, refusals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery, Hint, Topic
from providers.microsoft.provider_outlook import Outlook
from providers.microsoft.provider_teams import Teams
from tests.loopback import served
from tests.providers.microsoft.desk import EVENT, Desk, application, desk, refused
from tests.providers.microsoft.double.problems import Problem
from tests.providers.microsoft.double.world import ADA, BEN
from ucal.v1 import types_pb2

SECRET = "s3cret-of-this-connection"
EVENTS = Topic(EVENT)
RECORDINGS = Topic(types_pb2.RESOURCE_KIND_RECORDING)
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@dataclass
class Ingress:
    """An address on loopback that does as the ingress does, and what was delivered to it."""

    push: Any
    secrets: list[str] = field(default_factory=lambda: [SECRET])
    url: str = ""
    seen: list[Delivery] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    silent: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.Response:
        if self.silent is not None:
            await self.silent.wait()
        headers = {name.lower(): value for name, value in request.headers.items()}
        delivery = Delivery(headers, await request.read(), dict(request.query))
        for secret in self.secrets:
            try:
                greeting = self.push.handshake(delivery, secret, NOW)
                if greeting is not None:
                    return web.Response(body=greeting, content_type="text/plain")
                self.push.verify(delivery, secret, NOW)
            except ProviderError:
                continue
            self.seen.append(delivery)
            self.hints += self.push.hints(delivery)
            return web.Response()
        return web.Response(status=401)


@asynccontextmanager
async def ingress(push: Any) -> AsyncIterator[Ingress]:
    found = Ingress(push)
    app = web.Application()
    app.router.add_post("/{tail:.*}", found.handle)
    async with served(app) as url:
        found.url = f"{url.replace('http:', 'https:')}/hook"
        yield found


@asynccontextmanager
async def scene(provider: type[Any] = Outlook) -> AsyncIterator[tuple[Desk, Ingress]]:
    async with desk(provider) as found, ingress(found.provider.push) as hook:
        yield found, hook


def only(d: Desk) -> dict[str, Any]:
    """The one subscription that there is."""
    (found,) = d.graph.subscriptions.table.values()
    return dict(found)


async def test_a_change_is_told() -> None:
    async with scene() as (d, hook):
        made = await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)
        for change in ("created", "updated", "deleted"):
            d.graph.subscriptions.changed("AAMkAD", change)
        assert await d.graph.subscriptions.delivered() == [200] * 3
        kept = only(d)
    assert {(h.kind, h.subscription_id, h.renew) for h in hook.hints} == {(EVENT, made.id, False)}
    assert len({h.delivery_id for h in hook.hints} - {""}) == 3
    assert kept["resource"] == "me/events"
    assert kept["notificationUrl"] == kept["lifecycleNotificationUrl"]
    assert not kept.get("includeResourceData")
    assert SECRET not in repr(kept)


async def test_forged_notifications_are_refused() -> None:
    """P15."""
    async with scene() as (d, hook):
        await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)
        (kept,) = d.graph.subscriptions.table.values()
        kept["clientState"] = "guess"
        d.graph.subscriptions.changed()
        kept["notificationUrl"] = kept["notificationUrl"].replace("mark=", "mark=0")
        d.graph.subscriptions.changed()
        assert await d.graph.subscriptions.delivered() == [401, 401]
    assert hook.hints == []


async def test_the_life_that_graph_grants_counts() -> None:
    """P11: a week, and time enough to renew."""
    async with scene() as (d, hook):
        made = await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)
        assert made.expires_at is not None
        assert made.renew_at is not None
        left = made.expires_at - datetime.now(UTC)
        assert timedelta(days=6.9) < left < timedelta(days=7)
        assert made.expires_at - made.renew_at == timedelta(days=1)
        kept = next(iter(d.graph.subscriptions.table.values()))
        kept["expirationDateTime"] = "2036-01-01T00:00:00Z"  # what PATCH is to shorten
        renewed = await d.provider.push.renew(d.call, made, hook.url, SECRET)
        assert renewed.id == made.id
        assert renewed.expires_at is not None
        assert renewed.expires_at - datetime.now(UTC) < timedelta(days=7)
        assert len(d.graph.subscriptions.table) == 1


@pytest.mark.parametrize("status", [404, 410])
async def test_one_that_is_gone_is_made_again(status: int) -> None:
    async with scene() as (d, hook):
        push = d.provider.push
        made = await push.create(d.call, EVENTS, hook.url, SECRET)
        old = only(d)
        if status == 404:
            d.graph.subscriptions.table.clear()
        else:
            d.graph.fail(410)
            await push.delete(d.call, made)
            d.graph.subscriptions.table.clear()
            d.graph.fail(410)
        renewed = await push.renew(d.call, made, hook.url, SECRET)
        assert renewed.id == made.id
        assert only(d)["id"] != old["id"]
        await push.delete(d.call, renewed)
        await push.delete(d.call, renewed)
        assert d.graph.subscriptions.table == {}


@pytest.mark.parametrize("event", ["missed", "subscriptionRemoved", "reauthorizationRequired"])
async def test_lifecycle_events_are_answered_as_they_want(event: str) -> None:
    """P14."""
    async with scene() as (d, hook):
        made = await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)
        old = only(d)
        d.graph.subscriptions.tell(old["id"], event)
        assert await d.graph.subscriptions.delivered() == [200]
        (hint,) = hook.hints
        assert (hint.subscription_id, hint.renew) == (made.id, event != "missed")
        if hint.renew:
            await d.provider.push.renew(d.call, made, hook.url, SECRET)
        assert (only(d)["id"] == old["id"]) == (event != "subscriptionRemoved")


async def test_what_an_earlier_process_left_is_taken_over() -> None:
    """One subscription to a resource for an app: another attempt is a 409."""
    async with scene() as (d, hook):
        push = d.provider.push
        other = d.box.add_calendar("Other")
        for calendar in ("", other.id, d.calendar.id):
            await push.create(d.call, Topic(EVENT, calendar), hook.url, SECRET)
        before = {own: each["expirationDateTime"] for own, each in _table(d).items()}
        again = await push.create(d.call, EVENTS, hook.url, SECRET)
        assert _table(d).keys() == before.keys()
        assert again.handle.split(" ")[1] in before
        # With another secret its address is another: it is made anew.
        hook.secrets = ["the next secret", SECRET]
        renewed = await push.renew(d.call, again, hook.url, "the next secret")
        assert renewed.id == again.id
        assert renewed.handle != again.handle
        assert len(_table(d)) == 3
        d.graph.subscriptions.changed()
        assert set(await d.graph.subscriptions.delivered()) == {200}


def _table(d: Desk) -> dict[str, Any]:
    return dict(d.graph.subscriptions.table)


async def test_one_that_goes_elsewhere_is_left_alone() -> None:
    async with scene() as (d, hook):
        await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)
        before = _table(d)
        with refused_here():
            await d.provider.push.create(d.call, EVENTS, f"{hook.url}/another", SECRET)
        assert _table(d) == before


def refused_here() -> Any:
    return pytest.raises(ProviderError, match="makes no subscription")


async def test_single_calendars() -> None:
    async with scene() as (d, hook):
        push, other = d.provider.push, d.box.add_calendar("Other")
        made = await push.create(d.call, Topic(EVENT, other.id), hook.url, SECRET)
        assert only(d)["resource"] == f"me/calendars/{other.id}/events"
        await push.delete(d.call, made)
        # An id is one segment, and leads nowhere else.
        with refused(Kind.NOT_FOUND):
            await push.create(d.call, Topic(EVENT, "../../messages?x"), hook.url, SECRET)
        assert d.graph.asked("POST", "/subscriptions")[-1].body["resource"].count("/") == 3
        # P13: gone for good.
        del d.box.calendars[other.id]
        d.graph.subscriptions.table.clear()
        with refused(Kind.NOT_FOUND):
            await push.renew(d.call, made, hook.url, SECRET)


@pytest.mark.parametrize(
    "problem",
    [
        Problem(403, "ExtensionError", "Operation: Create; Exception: [Status Code: Forbidden]"),
        Problem(403, "ErrorAccessDenied"),
        Problem(403, "Authorization_RequestDenied"),
        Problem(403, "Forbidden", "maximum number of subscriptions"),
        Problem(400, "ExtensionError", "Unsupported resource"),
        Problem(405, "Request_BadRequest"),
        Problem(501, "NotImplemented"),
        Problem(404, "MailboxNotEnabledForRESTAPI"),
    ],
    ids=lambda problem: f"{problem.status}-{problem.code}",
)
async def test_what_graph_does_not_push_is_polled(problem: Problem) -> None:
    """P17: PRECONDITION is the sign to fall back."""
    async with scene() as (d, hook):
        made = await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)
        d.graph.subscriptions.table.clear()
        d.graph.subscriptions.refused["events"] = problem
        with refused(Kind.PRECONDITION):
            await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)
        with refused(Kind.PRECONDITION):
            await d.provider.push.renew(d.call, made, hook.url, SECRET)


async def test_a_full_mailbox_is_polled() -> None:
    async with scene() as (d, hook):
        d.graph.subscriptions.quota = 0
        with refused(Kind.PRECONDITION):
            await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)


async def test_an_address_that_cannot_be_checked() -> None:
    async with scene() as (d, hook):
        push = d.provider.push
        hook.secrets = ["another"]
        with refused(Kind.PRECONDITION, reason="WATCH_REFUSED"):
            await push.create(d.call, EVENTS, hook.url, SECRET)
        hook.silent, d.graph.subscriptions.patience = asyncio.Event(), 0.05
        with refused(Kind.PRECONDITION, reason="WATCH_REFUSED"):
            await push.create(d.call, EVENTS, hook.url, SECRET)
        hook.silent.set()
        with refused(Kind.PRECONDITION):
            await push.create(d.call, EVENTS, "http://plain.example.com/", SECRET)


async def test_trouble_is_no_refusal() -> None:
    """What may go by is told as it is."""
    async with scene() as (d, hook):
        made = await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)
        d.graph.fail(429, times=9, headers={"Retry-After": "700"})
        with refused(Kind.RATE_LIMITED):
            await d.provider.push.renew(d.call, made, hook.url, SECRET)


async def test_an_application_subscribes_for_its_mailbox() -> None:
    async with scene() as (d, hook):
        d.grant = application()
        await d.provider.push.create(d.call, EVENTS, hook.url, SECRET)
        assert only(d)["resource"] == f"users/{ADA}/events"
        assert [e.path for e in d.graph.asked("POST")] == ["/subscriptions"]


# -- teams


@pytest.mark.parametrize("by_app", [False, True])
async def test_recordings_and_transcripts(*, by_app: bool) -> None:
    async with scene(Teams) as (d, hook):
        if by_app:
            d.grant = application()
        push = d.provider.push
        made = await push.create(d.call, RECORDINGS, hook.url, SECRET)
        kept = _table(d)
        own = f"users/{d.box.id}/onlineMeetings"
        assert sorted(each["resource"] for each in kept.values()) == [
            f"{own}/getAllRecordings", f"{own}/getAllTranscripts",
        ]  # fmt: skip
        assert made.expires_at is not None
        assert made.expires_at - datetime.now(UTC) < timedelta(days=3)
        d.graph.subscriptions.ready("Recordings")
        d.graph.subscriptions.ready("Transcripts")
        assert await d.graph.subscriptions.delivered() == [200, 200]
        assert {h.subscription_id for h in hook.hints} == {made.id}
        assert {h.kind for h in hook.hints} == {RECORDINGS.kind}
        # One of the two is gone, the other is kept.
        first = made.handle.split(" ")[1]
        del d.graph.subscriptions.table[first]
        renewed = await push.renew(d.call, made, hook.url, SECRET)
        assert len(_table(d)) == 2
        assert len(set(_table(d)) & set(kept)) == 1
        await push.delete(d.call, renewed)
        assert _table(d) == {}


async def test_without_the_permission_for_transcripts() -> None:
    async with scene(Teams) as (d, hook):
        d.graph.subscriptions.refused["getAllTranscripts"] = Problem(403, "Forbidden")
        made = await d.provider.push.create(d.call, RECORDINGS, hook.url, SECRET)
        assert len(made.handle.split(" ")) == 2
        d.graph.subscriptions.refused["getAllRecordings"] = Problem(403, "Forbidden")
        d.graph.subscriptions.table.clear()
        with refused(Kind.PRECONDITION, reason="PUSH_NOT_SUPPORTED"):
            await d.provider.push.renew(d.call, made, hook.url, SECRET)


async def test_an_application_that_may_not_look_up_its_mailbox() -> None:
    async with scene(Teams) as (d, hook):
        d.grant = application(BEN)
        d.graph.fail(403)
        with refused(Kind.PRECONDITION, reason="PUSH_NOT_SUPPORTED"):
            await d.provider.push.create(d.call, RECORDINGS, hook.url, SECRET)
        d.grant = application(d.box.id)
        await d.provider.push.create(d.call, RECORDINGS, hook.url, SECRET)
        assert d.graph.asked("GET", d.box.id) == []
