"""Webhook subscriptions: how Acuity is asked to tell of changes. They do not end by themselves.

An account has at most 25, each for one event: "appointment.changed" tells of everything that
happens to appointments, and is the only one that is made here.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode

from providers.acuity import webhook
from providers.acuity.api import Api, number
from providers.acuity.wire import Webhook
from providers.core.call import Call
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, Subscription, Topic
from ucal.v1 import types_pb2

_EVENT = "appointment.changed"


@dataclass(frozen=True, slots=True)
class AcuityPush:
    """`providers.core.push.Push` of Acuity.

    Attributes:
        api_key: of the account that all connections belong to, when the operator sets it: then
            deliveries are held to their signature, else to the secret in their address.
    """

    kinds: ClassVar[frozenset[ResourceKind]] = frozenset({types_pb2.RESOURCE_KIND_EVENT})
    api: Callable[[Call], Api]
    api_key: str

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of Push. Earlier ones to the same address are ended: their secret may be another."""
        api = self.api(call)
        text = f"{address}\n{topic.calendar_id}"
        own_id = hashlib.sha256(text.encode()).hexdigest()[:24]
        join = "&" if "?" in address else "?"
        begin = f"{address}{join}{urlencode({webhook.PARAMETER: own_id})}"
        for found in await api.all(Webhook, "webhooks"):
            if (found.it.target or "").startswith(begin):
                await _delete(api, found.it.id)
        target = f"{begin}&{urlencode({webhook.SECRET: secret})}"
        body = {"event": _EVENT, "target": target}
        made = await api.one(Webhook, "webhooks", method="POST", json=body)
        return Subscription(own_id, topic, str(made.it.id))

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of Push. Nothing ends, but Acuity stops what it could not deliver for a day."""
        return await self.create(call, subscription.topic, address, secret)

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """Part of Push."""
        await _delete(self.api(call), number("subscription", subscription.handle))

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """Part of Push."""
        if self.api_key:
            webhook.verify_signature(delivery.headers, delivery.body, self.api_key)
        else:
            webhook.verify_token(delivery, secret)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """Part of Push."""
        return webhook.hints(delivery)


async def _delete(api: Api, own_id: int) -> None:
    await api.send("DELETE", f"webhooks/{own_id}", expect=(404,))
