"""Whether there is a connection, asked with the patience of whoever delivers."""

import asyncio
from typing import Final

from providers.core.errors import Kind, ProviderError
from server.dispatch import Resolver

# Of a store that hangs no more is asked.
_MOST: Final = 500


class Lookups:
    """Questions of deliveries to the store: about one connection one at a time, none cut off."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._asked: dict[str, asyncio.Task[str]] = {}

    async def provider_of(self, connection_id: str, seconds: float) -> str:
        """The provider of the connection; "" if there is no such connection.

        Raises:
            TimeoutError: that cannot be said within `seconds`.
            ProviderError: UNAVAILABLE, it cannot be said now.
        """
        task = self._asked.get(connection_id)
        if task is None:
            if len(self._asked) >= _MOST:
                raise TimeoutError
            task = asyncio.get_running_loop().create_task(self._look(connection_id))
            self._asked[connection_id] = task
            task.add_done_callback(lambda done: self._answered(connection_id, done))
        # Left to itself and not cancelled: a driver that is cut off waits for the store again.
        done, _ = await asyncio.wait([task], timeout=seconds)
        if not done:
            raise TimeoutError
        return task.result()

    async def _look(self, connection_id: str) -> str:
        try:
            resolved = await self._resolver.resolve(connection_id, {})
        except ProviderError as error:
            if error.kind is Kind.UNAVAILABLE:
                raise
            return ""
        return resolved.provider.name

    def _answered(self, connection_id: str, task: asyncio.Task[str]) -> None:
        self._asked.pop(connection_id, None)
        if not task.cancelled():
            task.exception()  # nobody may have waited for it
