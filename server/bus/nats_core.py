"""Core NATS: at most once, nothing is kept. JetStream is not used, since it stores."""

import asyncio
import contextlib
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client

from server.bus.outbox import Outbox
from server.bus.ports import Listener
from server.log import LOG

_SUBJECT = "ucal.hints.1"
_BATCH = 200
_PATIENCE = 2
_PAUSE = 1
_PING_SECONDS = 5
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class NatsBus:
    """A bus at one or several servers, "nats://host:port,nats://...", of one cluster."""

    def __init__(self, urls: str) -> None:
        self._servers = [url.strip() for url in urls.split(",") if url.strip()]
        self._outbox = Outbox()
        self._listener: Listener | None = None
        self._task: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._up = False

    @property
    def up(self) -> bool:
        """See `Bus.up`."""
        return self._up

    async def open(self, listener: Listener) -> None:
        """See `Bus.open`."""
        self._listener = listener
        self._task = asyncio.get_running_loop().create_task(self._run())

    def publish(self, data: bytes) -> None:
        """See `Bus.publish`."""
        if self._up:
            self._outbox.put(data)

    async def close(self) -> None:
        """See `Bus.close`."""
        if self._task is None:
            return
        if self._up:
            await self._outbox.sent(1)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._up = False  # an end by plan is no loss
        if self._client is not None:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._client.close()

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
            try:
                client = await nats.connect(
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
                await client.subscribe(_SUBJECT, cb=self._heard)
                await client.flush(_PATIENCE)
            except (nats.errors.Error, OSError, TimeoutError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            self._say(up=True)
            return client

    async def _heard(self, message: Any) -> None:
        if self._listener is not None:
            self._listener.heard(message.data)

    async def _quiet(self, error: Exception) -> None:
        """The library would write the error down with its traceback."""

    async def _lost(self) -> None:
        self._say(up=False)

    async def _back(self) -> None:
        self._outbox.clear()
        self._say(up=True)

    def _say(self, *, up: bool) -> None:
        if up == self._up:
            return
        self._up = up
        if up:
            LOG.info("the bus is up")
        else:
            LOG.warning("the bus is down")
        if self._listener is not None:
            self._listener.changed(up=up)
