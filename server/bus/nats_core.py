"""Core NATS: at most once, nothing is kept. JetStream is not used, since it stores."""

import asyncio
import contextlib
from typing import Any

import nats.errors
from nats.aio.client import Client

from server.bus.carrier import Carrier
from server.log import LOG

_SUBJECT = "ucal.hints.1"
_BATCH = 200
# NATS takes 1 MiB; frames are far smaller.
_MAX_BYTES = 64 * 1024
_PATIENCE = 2
_PAUSE = 1
_PING_SECONDS = 5
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class NatsBus(Carrier):
    """A bus at one or several servers, "nats://host:port,nats://...", of one cluster."""

    def __init__(self, urls: str) -> None:
        super().__init__(_MAX_BYTES)
        self._servers = [url.strip() for url in urls.split(",") if url.strip()]
        self._client: Client | None = None

    async def close(self) -> None:
        """See `Bus.close`."""
        await super().close()
        if self._client is not None:
            await _closed(self._client)

    async def _run(self) -> None:
        self._client = client = await self._connected()
        while True:
            said = await self._outbox.take(_BATCH)
            if not self._up:
                continue
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                for each in said:
                    await client.publish(_SUBJECT, each)
                await client.flush(_PATIENCE)
            self._outbox.done()

    async def _connected(self) -> Client:
        """The client, once a server has been reached; from then on it reconnects by itself."""
        pause = _SHORTEST_PAUSE
        while True:
            client = Client()
            try:
                await client.connect(
                    self._servers,
                    connect_timeout=_PATIENCE,
                    reconnect_time_wait=_PAUSE,
                    max_reconnect_attempts=-1,
                    ping_interval=_PING_SECONDS,
                    allow_reconnect=True,
                    error_cb=self._quiet,
                    disconnected_cb=self._lost,
                    reconnected_cb=self._back,
                )
                await client.subscribe(_SUBJECT, cb=self._came)
                await client.flush(_PATIENCE)
            except (nats.errors.Error, OSError, TimeoutError):
                # It would reconnect for ever, beside the next one and without an ear.
                await _closed(client)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            self._say(up=True)
            return client

    async def _came(self, message: Any) -> None:
        self._heard(message.data)

    async def _quiet(self, error: Exception) -> None:
        """The library would write the error down with its traceback."""

    async def _lost(self) -> None:
        if self._up and not self._closing:
            LOG.warning("the bus is down")
        self._say(up=False)

    async def _back(self) -> None:
        self._outbox.clear()
        self._say(up=True)


async def _closed(client: Client) -> None:
    with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await client.close()
