"""Native push. Zoom's event subscriptions belong to the app, not to a connection.

They are made in the app's settings in the Zoom App Marketplace, with one address for everybody who
has added the app (developers.zoom.us/docs/api/marketplace, Events). So none is made here: watches
poll, and what Zoom delivers all the same makes them look at once: those of the account that a
delivery tells of.
"""

from datetime import datetime

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, Subscription, Topic
from providers.zoom import webhook
from providers.zoom.api import Api, Memory
from ucal.v1 import types_pb2


class ZoomPush:
    """`providers.core.push.Push` of Zoom.

    Args:
        secret: the app's secret token; "": the connection's own.
        memory: the provider's.
    """

    kinds: frozenset[ResourceKind] = frozenset(
        {
            types_pb2.RESOURCE_KIND_EVENT,
            types_pb2.RESOURCE_KIND_WEBINAR,
            types_pb2.RESOURCE_KIND_RECORDING,
        }
    )

    def __init__(self, secret: str, memory: Memory) -> None:
        self._secret = secret
        self._memory = memory

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Refuse: see above.

        Raises:
            ProviderError: PRECONDITION, always.
        """
        raise _made_elsewhere()

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """As `create`."""
        raise _made_elsewhere()

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """There is none to end."""

    async def account(self, call: Call) -> str:
        """See `NamesAccounts.account`."""
        user, _ = await Api(call, self._memory).me()
        return webhook.account_id(user.account_id)

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """See `webhook.verify`."""
        webhook.verify(delivery, self._secret or secret, now)

    def handshake(self, delivery: Delivery, secret: str, now: datetime) -> bytes | None:
        """See `webhook.handshake`."""
        return webhook.handshake(delivery, self._secret or secret, now)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """See `webhook.hints`."""
        return webhook.hints(delivery)


def _made_elsewhere() -> ProviderError:
    return ProviderError(
        Kind.PRECONDITION,
        "Zoom's event subscriptions are made in the settings of the app, for all of its users",
        reason="PUSH_NOT_SUPPORTED",
    )
