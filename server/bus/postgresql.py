"""LISTEN and NOTIFY of PostgreSQL, over a connection of its own beside the store's pool.

NOTIFY is a statement of its own and commits by itself: in a transaction it would wait for the
commit and take a lock that all of the cluster's notifying commits share.
"""

import asyncio
from typing import Any

import asyncpg

from server.bus.carrier import Carrier
from server.log import LOG

_CHANNEL = "ucal_hints_1"
_SEND = "SELECT pg_notify($1, said) FROM unnest($2::text[]) AS said"
_BATCH = 200
# PostgreSQL takes 8,000 bytes; frames are far smaller.
MAX_BYTES = 7_900
_PATIENCE = 5.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class PostgresBus(Carrier):
    """A bus at `url`, which is the store's."""

    def __init__(self, url: str) -> None:
        super().__init__(MAX_BYTES)
        self._url = url

    async def _run(self) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            try:
                async with asyncio.timeout(_PATIENCE):
                    connection = await asyncpg.connect(self._url, timeout=_PATIENCE)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _SHORTEST_PAUSE
            try:
                await self._serve(connection)
            finally:
                self._say(up=False)
                connection.terminate()

    async def _serve(self, connection: Any) -> None:
        """Listen and notify until the connection ends."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await connection.add_listener(_CHANNEL, self._notified)
            # An end is noticed at once: there is something to send, and it fails.
            connection.add_termination_listener(lambda _: self._outbox.put(b""))
            self._outbox.clear()
            self._say(up=True)
            while True:
                said = await self._outbox.take(_BATCH)
                # A peer that vanished without a word is found out by whatever is sent next.
                async with asyncio.timeout(_PATIENCE):
                    await connection.execute(_SEND, _CHANNEL, [each.decode() for each in said])
                self._outbox.done()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            LOG.warning("the bus is down", extra={"kind": type(error).__name__})

    def _notified(self, connection: object, pid: int, channel: str, payload: str) -> None:
        del connection, pid, channel
        self._heard(payload.encode())
