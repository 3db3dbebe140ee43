"""What a connection's webhooks are verified by: derived, so that nothing is stored.

Or, where providers make the secrets of subscriptions, looked up; many deliveries at once ask once.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence

from server.connections.bounded import Bounded
from server.connections.keyring import Key, KeyRing, derive

_BYTES = 24
_MOST = 1_000
_SECONDS = 5.0


class WebhookSecrets:
    """One secret a connection and key of the ring."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def newest(self, connection_id: str) -> str:
        """The one that new subscriptions are given."""
        return _derived(self._ring.primary, connection_id)

    def accepted(self, connection_id: str) -> list[str]:
        """Those that deliveries may be signed with, while keys are being changed."""
        keys = [self._ring.find(key_id) for key_id in self._ring.ids]
        return [_derived(key, connection_id) for key in keys if key is not None]


def _derived(key: Key, connection_id: str) -> str:
    secret = derive(key.material, b"webhook\0" + connection_id.encode(), _BYTES)
    return base64.urlsafe_b64encode(secret).decode()


class MadeSecrets:
    """Secrets that providers made, by connection; those that are there are known for a while."""

    def __init__(self, look_up: Callable[[str], Awaitable[Sequence[str]]]) -> None:
        """`look_up`: asks the store; raises ProviderError UNAVAILABLE."""
        self._look_up = look_up
        self._known: Bounded[str, Sequence[str]] = Bounded(_MOST, seconds=_SECONDS)
        self._asked: dict[str, asyncio.Task[Sequence[str]]] = {}

    async def of(self, connection_id: str) -> Sequence[str]:
        """Those of the subscriptions of a connection.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be asked.
        """
        known = self._known.get(connection_id)
        if known:
            return known
        task = self._asked.get(connection_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(connection_id))
            self._asked[connection_id] = task
            task.add_done_callback(lambda done: self._answered(connection_id, done))
        # Who waits no longer leaves it to the others.
        return await asyncio.shield(task)

    async def _ask(self, connection_id: str) -> Sequence[str]:
        found = await self._look_up(connection_id)
        self._known.put(connection_id, found)
        return found

    def _answered(self, connection_id: str, task: "asyncio.Task[Sequence[str]]") -> None:
        self._asked.pop(connection_id, None)
        if not task.cancelled():
            task.exception()  # nobody may have waited for it
