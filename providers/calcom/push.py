"""Webhooks of the account, made and ended for watches.

Deliveries are not repeated, and get lost (state of the server in 2025-09): a watch asks from time
to time all the same. A webhook does not end by itself.
"""

from datetime import datetime

from providers.calcom import webhook
from providers.calcom.api import ask, data_of
from providers.calcom.wire import Webhook
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import quote
from providers.core.push import Delivery, Hint, Subscription, Topic
from ucal.v1 import types_pb2

_EVENT = types_pb2.RESOURCE_KIND_EVENT


class CalComPush:
    """One webhook per watched account; it tells of bookings."""

    kinds = frozenset({_EVENT})

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of `Push`. Cal.com takes an address once only for an account."""
        triggers = [name for name, (kind, _) in webhook.TRIGGERS.items() if kind == topic.kind]
        body = {
            "active": True,
            "subscriberUrl": address,
            "triggers": triggers,
            "secret": secret,
        }
        try:
            reply = await ask(call, "POST", "webhooks", json=body)
        except ProviderError as error:
            if error.kind in (Kind.ALREADY_EXISTS, Kind.FORBIDDEN):
                raise ProviderError(
                    Kind.PRECONDITION,
                    "Cal.com makes no webhook for this address",
                    reason="WATCH_REFUSED",
                    metadata=error.metadata,
                ) from None
            raise
        own_id = str(data_of(reply, Webhook).id)
        return Subscription(own_id, topic, own_id)

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of `Push`: there is nothing to prolong."""
        return subscription

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """Part of `Push`."""
        path = f"webhooks/{quote(subscription.handle)}"
        await ask(call, "DELETE", path, expect=(404,))

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """Part of `Push`."""
        webhook.verify(delivery, secret)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """Part of `Push`."""
        return webhook.hints(delivery.body)
