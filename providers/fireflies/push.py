"""Native push. Fireflies' webhooks are pasted into its dashboard by hand; no API makes them.

So none is made here: watches poll, and what Fireflies delivers makes them look at once.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, Subscription, Topic
from providers.fireflies import webhook
from ucal.v1 import types_pb2


@dataclass(frozen=True, slots=True)
class FirefliesPush:
    """`providers.core.push.Push` of Fireflies.

    Attributes:
        secret: what was entered in the dashboard; "": the connection's own.
    """

    kinds: ClassVar[frozenset[ResourceKind]] = frozenset(
        {types_pb2.RESOURCE_KIND_EVENT, types_pb2.RESOURCE_KIND_RECORDING}
    )
    secret: str = field(repr=False)

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Refuse: see above.

        Raises:
            ProviderError: PRECONDITION, always.
        """
        raise _made_by_hand()

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """As `create`."""
        raise _made_by_hand()

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """There is none to end."""

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """See `webhook.verify`; there is no time to compare with `now`."""
        webhook.verify(delivery, self.secret or secret)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """See `webhook.hints`."""
        return webhook.hints(delivery)


def _made_by_hand() -> ProviderError:
    return ProviderError(
        Kind.PRECONDITION,
        "Fireflies' webhooks are set up in its dashboard only",
        reason="PUSH_NOT_SUPPORTED",
    )
