"""Webhook subscriptions: how Calendly is asked to tell of changes. They do not end by themselves.

A subscription signs with a key of its own when it was made with a personal token; apps have one key
for all of theirs, which the operator sets as `webhook_secret`. Paid plans only.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode

from providers.calendly import ids, webhook
from providers.calendly.api import MAX_PAGE, Api, Me
from providers.calendly.wire import Hook
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, Subscription, Topic

_PATH = "webhook_subscriptions"
_MAX_PAGES = 20


@dataclass(frozen=True, slots=True)
class CalendlyPush:
    """`providers.core.push.Push` of Calendly.

    Attributes:
        app_key: signing key of the operator's OAuth app; "" where personal tokens are used.
    """

    kinds: ClassVar[frozenset[ResourceKind]] = frozenset(webhook.EVENTS)
    api: Callable[[Call], Api]
    app_key: str

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of Push. An earlier one to the same address is replaced: its key may be another."""
        api = self.api(call)
        me = await api.me()
        if topic.calendar_id not in ("", "primary", me.id):
            raise ProviderError(
                Kind.PRECONDITION, "Calendly tells of the connection's own user only"
            )
        own_id = _own_id(address, topic)
        url = f"{address}{'&' if '?' in address else '?'}{urlencode({webhook.PARAMETER: own_id})}"
        body: dict[str, object] = {
            "url": url,
            "events": webhook.EVENTS[topic.kind],
            "organization": me.organization,
            "user": me.user,
            "scope": "user",
        }
        if not self.app_key:
            body["signing_key"] = secret
        try:
            hook = (await api.one(Hook, _PATH, method="POST", json=body)).it
        except ProviderError as error:
            if error.kind is not Kind.ALREADY_EXISTS:
                raise
            await self._remove_old(api, me, url)
            hook = (await api.one(Hook, _PATH, method="POST", json=body)).it
        return Subscription(own_id, topic, ids.tail(hook.uri))

    async def _remove_old(self, api: Api, me: Me, url: str) -> None:
        params: dict[str, str | int | Sequence[str]] = {
            "organization": me.organization,
            "user": me.user,
            "scope": "user",
            "count": MAX_PAGE,
        }
        for _ in range(_MAX_PAGES):
            page = await api.page(Hook, _PATH, params)
            for found in page.items:
                if found.it.callback_url == url:
                    await _delete(api, ids.tail(found.it.uri))
            if not page.following:
                return
            params["page_token"] = page.following

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of Push. Nothing ends, but Calendly disables what it could not deliver for a day."""
        return await self.create(call, subscription.topic, address, secret)

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """Part of Push."""
        await _delete(self.api(call), subscription.handle)

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """Part of Push."""
        webhook.verify(delivery, self.app_key or secret, now)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """Part of Push."""
        return webhook.hints(delivery)


async def _delete(api: Api, own_id: str) -> None:
    path = f"{_PATH}/{ids.checked('subscription', own_id)}"
    await api.http.send("DELETE", path, expect=(404,))


def _own_id(address: str, topic: Topic) -> str:
    """The same for the same topic at the same address, so that restarts leave nothing behind."""
    text = f"{address}\n{topic.kind}\n{topic.calendar_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]
