"""Secrets in memory for a while: so that a vault is asked seldom, and may be away for an hour.

Nothing of it is ever written anywhere.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from providers.core.errors import Kind, ProviderError
from server.connections.bounded import Bounded
from server.log import LOG
from server.metrics import SECRETS_STALE

_ENTRIES = 10_000


class SecretCache:
    """Secrets by key. One look-up at a time for each."""

    def __init__(
        self,
        fresh_seconds: float,
        stale_seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """A secret is used for `fresh_seconds` without asking, and for `stale_seconds`, all in all,
        while its vault cannot be asked.
        """
        self._fresh = fresh_seconds
        self._now = now
        self._held: Bounded[str, tuple[float, str]] = Bounded(
            _ENTRIES, seconds=stale_seconds, now=now
        )
        self._flights: dict[str, asyncio.Task[str]] = {}

    async def get(self, key: str, fetch: Callable[[], Awaitable[str]]) -> str:
        """The secret at `key`, out of memory or from `fetch`.

        Raises:
            ProviderError: what `fetch` raises, when there is nothing in memory to serve instead.
        """
        held = self._held.get(key)
        if held is not None and self._now() - held[0] < self._fresh:
            return held[1]
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(self._fetched(key, fetch))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def _landed(self, key: str, flight: "asyncio.Task[str]") -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # those who wait have got it; nobody may be left

    async def _fetched(self, key: str, fetch: Callable[[], Awaitable[str]]) -> str:
        try:
            secret = await fetch()
        except ProviderError as error:
            held = self._held.get(key)
            if error.kind is Kind.UNAVAILABLE and held is not None:
                SECRETS_STALE.inc()
                LOG.warning(
                    "a secret is served from memory: its vault cannot be asked",
                    extra={"reason": error.reason},
                )
                return held[1]
            # It is gone, or denied: that is obeyed at once.
            self._held.drop(key)
            raise
        self._held.put(key, (self._now(), secret))
        return secret

    async def close(self) -> None:
        """Wait for no look-up any more."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
