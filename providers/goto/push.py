"""Webhooks of GoTo Webinar: how it is asked to tell an organizer's webinars. Meetings have none.

developer.goto.com, Webhooks of GoToWebinarV2: a webhook is an address and an event; a user's
subscription to it has that user's events sent there. Neither ends by itself. Whenever one is made
or changed GoTo probes the address with a GET that wants 200.

The key that deliveries are signed with is one for all of an app's users, and a new one replaces it
for everybody (`POST /webhooks/secretkey`). So the operator makes it, once, and sets it as
`webhook_secret`; the service makes none. What tells connections apart, with that key or without, is
a token in the address, derived from the connection's secret.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, Subscription, Topic, addressed, tokened
from providers.core.wire import decode
from providers.goto import webhook
from providers.goto.api import WEBINARS, Api, text
from providers.goto.wire import Hook, Hooks, UserSubscription, UserSubscriptions
from ucal.v1 import types_pb2

_HOOKS = f"{WEBINARS}/webhooks"
_USERS = f"{WEBINARS}/userSubscriptions"
_PRODUCT: Mapping[str, str] = {"product": "g2w"}
_ACTIVE = "ACTIVE"
# Nothing ends, but GoTo does not say what becomes of addresses that it could not reach.
_LOOKED_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GoToPush:
    """`providers.core.push.Push` of GoTo.

    Attributes:
        app_key: value of the app's secret key; "": deliveries are told by their address alone.
        pauses: seconds to wait for a new webhook that GoTo does not know yet (seen 2026-11 in
            public clients, which wait two seconds).
    """

    kinds: ClassVar[frozenset[ResourceKind]] = frozenset({types_pb2.RESOURCE_KIND_WEBINAR})
    api: Callable[[Call], Api]
    app_key: str = field(repr=False)
    pauses: Sequence[float] = (0.5, 1.0, 2.0)

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of Push. What is there already for this address is used again."""
        api = self.api(call)
        await api.calendar(topic.calendar_id)
        url = tokened(address, secret)
        keys = await self._hooked(api, address, url)
        await _subscribed(api, keys, url)
        return Subscription(
            f"{call.connection_id}:webinars",
            topic,
            ",".join(sorted(keys)),
            renew_at=call.now() + _LOOKED_AFTER,
        )

    async def _hooked(self, api: Api, address: str, url: str) -> set[str]:
        """Keys of active webhooks at `url`, one an event; those with an older token go."""
        ours = [each for each in await _hooks(api) if each.at(address)]
        kept = {each.eventName: each for each in ours if each.callbackUrl == url}
        kept = {name: each for name, each in kept.items() if name in webhook.EVENTS}
        await _remove(api, {text(each.webhookKey) for each in ours if each not in kept.values()})
        missing = [name for name in webhook.EVENTS if name not in kept]
        if missing:
            made = await api.send("POST", _HOOKS, json=[_definition(name, url) for name in missing])
            kept |= {each.eventName: each for each in decode(made, Hooks).found}
        keys = {text(each.webhookKey) for each in kept.values()} - {""}
        asleep = {text(each.webhookKey) for each in kept.values() if each.state != _ACTIVE} - {""}
        await self._activate(api, asleep)
        return keys

    async def _activate(self, api: Api, keys: Iterable[str]) -> None:
        """Switch webhooks on. GoTo knows new ones only after a while."""
        body = [{"webhookKey": key, "state": _ACTIVE} for key in sorted(keys)]
        pauses = list(self.pauses)
        while body:
            try:
                await api.send("PUT", _HOOKS, json=body)
                return
            except ProviderError as error:
                if error.kind is not Kind.NOT_FOUND or not pauses:
                    raise
            await asyncio.sleep(pauses.pop(0))

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of Push: make sure that all of it is there and active."""
        return await self.create(call, subscription.topic, address, secret)

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """Part of Push."""
        await _remove(self.api(call), set(subscription.handle.split(",")) - {""})

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """Part of Push: its address holds the token; with a key it is signed, and lately, too."""
        if secret:
            addressed(delivery, secret)
        if self.app_key or not secret:
            webhook.verify(delivery, self.app_key, now)

    def handshake(self, delivery: Delivery, secret: str, _now: datetime) -> bytes | None:
        """Part of Greets: a GET to an address of ours is answered with nothing."""
        if delivery.method != "GET":
            return None
        addressed(delivery, secret)
        return b""

    def hints(self, delivery: Delivery) -> list[Hint]:
        """See `webhook.hints`."""
        return webhook.hints(delivery)


def _definition(event: str, url: str) -> dict[str, str]:
    version = webhook.EVENTS[event]
    return {"callbackUrl": url, "eventName": event, "eventVersion": version, **_PRODUCT}


async def _hooks(api: Api) -> list[Hook]:
    reply = await api.send("GET", _HOOKS, params=_PRODUCT, expect=(404,))
    return [] if reply.status == 404 else decode(reply, Hooks).found


async def _subscriptions(api: Api) -> list[UserSubscription]:
    reply = await api.send("GET", _USERS, params=_PRODUCT, expect=(404,))
    return [] if reply.status == 404 else decode(reply, UserSubscriptions).found


async def _subscribed(api: Api, keys: set[str], url: str) -> None:
    """The user has these webhooks' events sent to `url`."""
    known = {text(each.webhookKey): each for each in await _subscriptions(api)}
    asleep = [
        {
            "webhookKey": key,
            "userSubscriptionKey": text(known[key].userSubscriptionKey),
            "userSubscriptionState": _ACTIVE,
        }
        for key in sorted(keys & known.keys())
        if known[key].userSubscriptionState != _ACTIVE
    ]
    if asleep:
        await api.send("PUT", _USERS, json=asleep)
    missing = [
        {"webhookKey": key, "callbackUrl": url, "userSubscriptionState": _ACTIVE}
        for key in sorted(keys - known.keys())
    ]
    if missing:
        await api.send("POST", _USERS, json=missing)


async def _remove(api: Api, keys: set[str]) -> None:
    """End the user's subscriptions to these webhooks, then the webhooks. Those that are not there
    are left out: what GoTo does to a list that names one of them is not documented.
    """
    if not keys:
        return
    users = [
        text(each.userSubscriptionKey)
        for each in await _subscriptions(api)
        if text(each.webhookKey) in keys
    ]
    if users:
        await api.send("DELETE", _USERS, json=users, expect=(404,))
    hooks = [text(each.webhookKey) for each in await _hooks(api) if text(each.webhookKey) in keys]
    if hooks:
        await api.send("DELETE", _HOOKS, json=hooks, expect=(404,))
