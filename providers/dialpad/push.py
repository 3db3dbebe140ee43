"""Call event subscriptions: how Dialpad is asked to tell of calls that have ended or are recorded.

developers.dialpad.com: a webhook is an address with a secret, a subscription has the call events of
a user (for a company's key: of everybody) sent there. Neither ends by itself; a company may have
100 subscriptions, so that what is there for an address is used again.

That events of Dialpad Meetings come too, to who has the scope conference:all, the vendor's Python
SDK says (3.2), and no text says what they hold. So a delivery is no more than a reason to look.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import quote
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, Subscription, Topic
from providers.core.wire import decode
from providers.dialpad import webhook
from providers.dialpad.api import NO_USER, Api, Params, convert, text
from providers.dialpad.wire import CallSubscription, Json, Webhook
from ucal.v1 import types_pb2

_HOOKS = "webhooks"
_CALLS = "subscriptions/call"
# Nothing ends, but an administrator may switch it off.
_LOOKED_AFTER = timedelta(days=1)
# After these another attempt would end the same; after others it finds the webhook again.
_FINAL = frozenset({Kind.INVALID, Kind.FORBIDDEN, Kind.INSUFFICIENT_SCOPE, Kind.PRECONDITION})


@dataclass(frozen=True, slots=True)
class DialpadPush:
    """`providers.core.push.Push` of Dialpad."""

    kinds: ClassVar[frozenset[ResourceKind]] = frozenset({types_pb2.RESOURCE_KIND_RECORDING})
    api: Callable[[Call], Api]

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of Push. What is there already for this address is used again."""
        api = self.api(call)
        target = await _target(api)
        hook = await _hooked(api, address, secret)
        try:
            own_id = await _subscribed(api, hook, target)
        except ProviderError as error:
            if error.kind in _FINAL:
                await _gone(api, f"{_HOOKS}/{quote(hook)}")
            raise
        return Subscription(own_id, topic, f"{own_id} {hook}", renew_at=call.now() + _LOOKED_AFTER)

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of Push: make sure that all of it is there, and enabled."""
        return await self.create(call, subscription.topic, address, secret)

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """Part of Push."""
        api = self.api(call)
        own_id, _, hook = subscription.handle.partition(" ")
        await _gone(api, f"{_CALLS}/{quote(own_id)}")
        await _gone(api, f"{_HOOKS}/{quote(hook)}")

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """See `webhook.verify`."""
        webhook.verify(delivery, secret, now)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """See `webhook.hints`."""
        return webhook.hints(delivery)


async def _target(api: Api) -> Params:
    """Whose calls: the user's who signed in; everybody's for a key of a whole company."""
    try:
        user, _ = await api.me()
    except ProviderError as error:
        if error.reason != NO_USER:
            raise
        return {}
    return {"target_type": "user", "target_id": convert(text(user.id), int)}


async def _hooked(api: Api, address: str, secret: str) -> str:
    """Id of the webhook at `address`, which signs with `secret`."""
    async for page in api.walk(_HOOKS):
        for raw in page:
            found = convert(raw, Webhook)
            if found.hook_url != address:
                continue
            if found.signature is None or found.signature.secret != secret:
                await api.send(
                    "PATCH", f"{_HOOKS}/{quote(text(found.id))}", json={"secret": secret}
                )
            return text(found.id)
    body = {"hook_url": address, "secret": secret}
    return text(decode(await api.send("POST", _HOOKS, json=body), Webhook).id)


async def _subscribed(api: Api, hook: str, target: Params) -> str:
    """Id of an enabled subscription that sends to the webhook."""
    wanted: Json = {"call_states": list(webhook.STATES), "enabled": True}
    async for page in api.walk(_CALLS, target):
        for raw in page:
            found = convert(raw, CallSubscription)
            if found.webhook is None or text(found.webhook.id) != hook:
                continue
            if not found.enabled or set(found.call_states or ()) != set(webhook.STATES):
                await api.send("PATCH", f"{_CALLS}/{quote(text(found.id))}", json=wanted)
            return text(found.id)
    body = {"endpoint_id": convert(hook, int), **wanted, **target}
    return text(decode(await api.send("POST", _CALLS, json=body), CallSubscription).id)


async def _gone(api: Api, path: str) -> None:
    """Delete what may be gone already."""
    try:
        await api.send("DELETE", path)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
