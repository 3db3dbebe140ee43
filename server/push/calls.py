"""Calls to a provider's push, each with a deadline of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from providers.core.call import Call
from providers.core.push import NamesAccounts, Push, Subscription, Topic
from server.dispatch import Resolver
from server.interceptors.scope import SCOPE, Scope
from server.push.secrets import WebhookSecrets

_CALL_SECONDS = 20.0


def push_of(provider: object) -> Push | None:
    """The provider's native push, if it has one."""
    push: Push | None = getattr(provider, "push", None)
    return push


class PushCalls:
    """Makes, renews and ends subscriptions at providers.

    Every method raises whatever the provider, or the way to it, raises: ProviderError.
    """

    def __init__(self, resolver: Resolver, secrets: WebhookSecrets, public_url: str) -> None:
        """`public_url`: "" when this server cannot be reached by providers."""
        self._resolver = resolver
        self._secrets = secrets
        self.public_url = public_url.rstrip("/")

    def address(self, provider: str, connection_id: str) -> str:
        """Where the provider delivers."""
        return f"{self.public_url}/webhooks/{provider}/{connection_id}"

    @contextlib.asynccontextmanager
    async def push(self, connection_id: str) -> AsyncIterator[tuple[Push | None, Call]]:
        """The connection's push, and a call."""
        deadline = asyncio.get_running_loop().time() + _CALL_SECONDS
        outer = SCOPE.set(Scope(deadline=deadline))
        try:
            resolved = await self._resolver.resolve(connection_id, {})
            yield push_of(resolved.provider), resolved.call
        finally:
            SCOPE.reset(outer)

    async def create(self, provider: str, connection_id: str, topic: Topic) -> Subscription | None:
        """A subscription; None when the provider has no push after all."""
        async with self.push(connection_id) as (push, call):
            if push is None:
                return None
            return await push.create(
                call,
                topic,
                self.address(provider, connection_id),
                self._secrets.newest(connection_id),
            )

    async def renew(
        self, provider: str, connection_id: str, made: Subscription
    ) -> Subscription | None:
        """One that lasts longer."""
        async with self.push(connection_id) as (push, call):
            if push is None:
                return None
            return await push.renew(
                call,
                made,
                self.address(provider, connection_id),
                self._secrets.newest(connection_id),
            )

    async def account(self, connection_id: str) -> str:
        """The account that the connection belongs to; "" where deliveries do not tell accounts."""
        async with self.push(connection_id) as (push, call):
            if push is None or not isinstance(push, NamesAccounts):
                return ""
            return await push.account(call)

    async def delete(self, connection_id: str, made: Subscription) -> None:
        """End it."""
        async with self.push(connection_id) as (push, call):
            if push is not None:
                await push.delete(call, made)
