"""Keys change while the service runs: seen, agreed upon by all replicas, records wrapped anew.

Every second the source of the keys is looked at. A key that is new opens at once, and seals when
all replicas that share the ring have it (`server.connections.replicas`): so no replica meets a
token or a record that it cannot open. Then one of them, by a lease, wraps every record anew, at a
bounded rate. An old key that wraps nothing any more can be taken out (`ucal keys retire`).

A replica that was frozen meanwhile may still have stored something under a key that the others took
for unused. So whoever sees keys go wraps what they wrap once more, before it forgets them.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from providers.core.errors import ProviderError
from server.connections.envelope import Envelope
from server.connections.key_sources import KeySource
from server.connections.keyring import MAX_KEYS, KeyRing, KeyRingError
from server.connections.replicas import SECONDS, Replicas, sealing
from server.connections.sealer import Sealer
from server.connections.store import Store
from server.connections.wrapped import ENVELOPES, TOKENS, Row, Shelf, WrappedRecords
from server.interceptors.errors import unexpected
from server.log import LOG
from server.metrics import KEY_TROUBLE, REWRAPPED

_TURN_SECONDS = 1.0
_ANNOUNCE_SECONDS = SECONDS / 3
_REWRAP_SECONDS = 60.0
# Passes under keys that went: at once, and a minute later for what was just being stored.
_LATE_PASSES = 2
_BATCH = 50
# Records a second: far below what a store writes, so that refreshes go on beside it.
RATE = 500.0
_LEASE_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
# Under which purpose rows of subscriptions are sealed.
SUBSCRIPTIONS = "subscriptions"


class Rewrapper:
    """Wraps records anew that another key than the sealing one wraps.

    Attributes:
        closing: set: a pass under way ends early.
    """

    def __init__(
        self,
        store: Store,
        ring: KeyRing,
        holder: str,
        region: str,
        *,
        rate: float = RATE,
        alone: bool = True,
    ) -> None:
        """Of the records that `ring` opens.

        Args:
            rate: records a second at most.
            alone: no two do it at once; else each holder may.
        """
        self._store = store
        self._records = WrappedRecords(store)
        self._ring = ring
        envelope, sealer = Envelope(ring), Sealer(ring, SUBSCRIPTIONS, region)
        self._anew: dict[Shelf, Callable[[Row], bytes]] = {
            ENVELOPES: lambda row: envelope.rewrap(row.sealed),
            TOKENS: lambda row: _resealed(sealer, row),
        }
        self._lease = (f"rewrap/{region}" if alone else f"rewrap/{region}/{holder}", holder)
        self._rate = rate
        self.closing = asyncio.Event()

    async def run(self) -> int:
        """One pass over the store; how many records it wrapped. One replica at a time does it.

        A record that does not open is left as it is.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be reached, or the ring is closed.
        """
        if not self._old():
            return 0
        if not await self._store.lease(*self._lease, _LEASE_SECONDS):
            return 0
        try:
            return sum([await self._shelf(*each) for each in self._anew.items()])
        finally:
            with contextlib.suppress(ProviderError):
                await self._store.release(*self._lease)

    def _old(self) -> list[bytes]:
        return [each for each in self._ring.ids if each != self._ring.primary.id]

    async def _shelf(self, shelf: Shelf, anew: Callable[[Row], bytes]) -> int:
        after, done = "", 0
        while True:
            rows = await self._records.under(shelf, self._old(), after=after, size=_BATCH)
            for row in rows:
                with contextlib.suppress(ProviderError):
                    done += await self._records.replace(shelf, row, anew(row))
            if len(rows) < _BATCH:
                REWRAPPED.inc(done)
                return done
            after = rows[-1].name
            await self._store.lease(*self._lease, _LEASE_SECONDS)
            if await _within(self.closing, len(rows) / self._rate):
                return done


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether `event` was set within `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def _resealed(sealer: Sealer, row: Row) -> bytes:
    bound = row.name.encode()
    return sealer.seal(sealer.open(row.sealed, bound_to=bound), bound_to=bound)


class Rotation:
    """Keeps the ring of this process in step with its source and with the other replicas.

    `open` first, `close` last.

    Attributes:
        trouble: why the source cannot be used at present; "": all is well.
    """

    def __init__(self, store: Store, ring: KeyRing, source: KeySource, region: str) -> None:
        self._store = store
        self._ring = ring
        self._region = region
        self._source = source
        self._replicas = Replicas(store)
        self._rewrapper = Rewrapper(store, ring, self._replicas.name, region)
        self._tasks: list[asyncio.Task[None]] = []
        self._stale = asyncio.Event()
        self._closing = self._rewrapper.closing
        self._announced: tuple[tuple[bytes, ...], bytes] = ((), b"")
        self._announced_at = 0.0
        self._agreed = False
        self._late: Rewrapper | None = None
        self._late_passes = 0
        self.trouble = ""

    async def open(self) -> None:
        """Fetch the keys, and agree with the other replicas on the one that seals.

        Raises:
            KeyRingError, ProviderError: they cannot be had.
        """
        found = await self._source.changed()
        if found is not None:
            self._ring.replace(found)
        await self._agree()
        self._stale.set()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._watch()), loop.create_task(self._rewrap())]

    async def _watch(self) -> None:
        while not await _within(self._closing, _TURN_SECONDS):
            await self._look()
            if self._ring.ids:
                # While the store is down nobody can seal anything for it either.
                with contextlib.suppress(ProviderError):
                    await self._agree()

    async def _look(self) -> None:
        """Take over what has changed at the source; what cannot be used is told, and waited for."""
        try:
            found = await self._source.changed()
            if found is not None:
                self._replace(found)
                LOG.info("the key ring has changed", extra={"count": len(found)})
        except KeyRingError as error:
            self._say(error.problem)
        except ProviderError as error:
            self._say(error.message)
        except Exception as error:  # noqa: BLE001 - keys that nobody looks after serve for ever
            self._say(unexpected(error, "keys").message)
        else:
            self._say("")
        if self._source.expired() and self._ring.ids:
            self._ring.close()
            self._late = None
            LOG.error("the key ring is closed: its source was away too long")

    def _replace(self, found: Sequence[bytes]) -> None:
        known = [key.material for key in map(self._ring.find, self._ring.ids) if key is not None]
        gone = [each for each in known if each not in found]
        self._ring.replace(found, seals=self._ring.primary.id if known else b"")
        if not gone:
            return
        # With a lease of its own: whoever else is at work does not have these keys.
        both = KeyRing([self._ring.primary.material, *gone][:MAX_KEYS])
        self._late = Rewrapper(self._store, both, self._replicas.name, self._region, alone=False)
        self._late.closing = self._closing
        self._late_passes = _LATE_PASSES
        self._stale.set()

    def _say(self, trouble: str) -> None:
        if trouble and not self.trouble:
            LOG.error("the source of the keys cannot be used", extra={"reason": "KEYS_STALE"})
        elif self.trouble and not trouble:
            LOG.info("the source of the keys is back")
        self.trouble = trouble
        KEY_TROUBLE.set(bool(trouble))

    async def _agree(self) -> None:
        """Tell the others which keys are here; seal with the first that all of them have."""
        await self._announce()
        if self._agreed and self._ring.primary.id == self._ring.ids[0]:
            return
        self._agreed = True
        best = sealing(self._ring.ids, await self._replicas.seen(self._ring.ids))
        if best != self._ring.primary.id:
            self._seal_with(best)
            await self._announce()

    def _seal_with(self, key_id: bytes) -> None:
        self._ring.seal_with(key_id)
        self._stale.set()
        LOG.info("another key seals from now on")

    async def _announce(self) -> None:
        news = (self._ring.ids, self._ring.primary.id)
        now = asyncio.get_running_loop().time()
        if news == self._announced and now - self._announced_at < _ANNOUNCE_SECONDS:
            return
        await self._replicas.announce(*news)
        self._announced, self._announced_at = news, now

    async def _rewrap(self) -> None:
        while not self._closing.is_set():
            # Another replica may have the lease and die with it: look again from time to time.
            await _within(self._stale, _REWRAP_SECONDS)
            self._stale.clear()
            await self._pass(self._rewrapper)
            late = self._late
            if late is not None and await self._pass(late) and late is self._late:
                self._late_passes -= 1
                if not self._late_passes:
                    self._late = None

    async def _pass(self, rewrapper: Rewrapper) -> bool:
        """Whether the store could be gone over."""
        with contextlib.suppress(ProviderError):
            done = await rewrapper.run()
            if done:
                LOG.info("records were wrapped anew", extra={"count": done})
            return True
        return False

    async def close(self) -> None:
        """End what runs, and take the announcement back."""
        self._closing.set()
        self._stale.set()
        if self._tasks:
            # A question to the store that is cut off would leave its connection behind.
            _, left = await asyncio.wait(self._tasks, timeout=_CLOSE_SECONDS)
            for task in left:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            with contextlib.suppress(ProviderError):
                await self._replicas.leave()
