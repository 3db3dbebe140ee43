"""Subscriptions at providers: made when the first watch of a topic opens, ended after the last.

One for all replicas: it stands in the store (`subscription_rows`), is wanted for as long as
somebody who watches says so now and then, and is renewed and ended by whoever comes first. A
process that dies leaves nothing behind that another, or its own next life, would not find. A
provider that refuses, or a server without a public URL, leaves the watch to polling, and `Opened`
says why.
"""

import asyncio
import contextlib
import random
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from providers.core.push import Subscription, Topic
from server.connections.store import Store
from server.log import LOG
from server.metrics import PUSH_ENDED, PUSH_RENEWALS, PUSH_SUBSCRIPTIONS
from server.push.book import RETRY_SECONDS, Book, Key, Registration, account_digest
from server.push.calls import PushCalls
from server.push.rounds import Rounds, all_of
from server.push.subscription_rows import Row, SubscriptionRows, is_over
from server.watch.asking import fault
from server.watch.ports import Clock, Target
from server.watch.scope import Unit

_BROUGHT = "-"
# A watch opens with polling rather than wait longer for the provider's yes.
_PATIENCE = 8.0
TICK_SECONDS: Final = 15.0
# A stream that was cut comes back: its subscription is kept so long.
WANTED_SECONDS: Final = 60.0
_MAKING_SECONDS = 30.0
_LOOK_SECONDS = 0.25
_CLAIM_SECONDS = 60.0
_LONGEST_RETRY = 3600.0
_CLOSE_SECONDS = 5.0
# Of those that were refused so many are tried again in one round.
_AGAIN_AT_ONCE = 100


class Pushes(Protocol):
    """The watch engine, as far as it wants to know what is pushed: `Hub`."""

    def push(
        self, connection_id: str, unit: Unit, lost: ProviderError | None, retry: float = 0
    ) -> None:
        """The provider pushes from now on; or no longer, and why."""

    def unpush(self, connection_id: str, unit: Unit) -> None:
        """Nobody watches that here any longer."""


class Registrations:
    """Subscriptions that are wanted here, and those that are."""

    def __init__(
        self,
        calls: PushCalls,
        rows: SubscriptionRows,
        store: Store,
        pushes: Pushes,
        *,
        clock: Clock,
        holder: str,
        lasting: bool,
    ) -> None:
        """Registrations of one process.

        Args:
            calls: to providers.
            rows: of all replicas.
            store: has leases.
            pushes: told what is pushed.
            clock: of the engine.
            holder: name of this process in leases.
            lasting: the store outlives this process.
        """
        self._calls = calls
        self._rows = rows
        self._store = store
        self._pushes = pushes
        self._clock = clock
        self._holder = holder
        self._lasting = lasting
        self._known = Book()
        self._hurried: dict[str, int] = {}
        self._making: dict[str, asyncio.Task[None]] = {}
        # Two: a provider that hangs at a renewal must not let lapse what is wanted.
        self._rounds = Rounds(TICK_SECONDS, self.want, self.keep)

    async def open(self) -> None:
        """Begin to look after what stands in the store."""
        if self._calls.public_url:
            self._rounds.open()

    async def close(self) -> None:
        """Leave subscriptions to others, or to the next start; end them where there is neither."""
        if not self._rounds.are_open:
            return
        await self._rounds.close(_CLOSE_SECONDS, self._making.values())
        if self._lasting:
            return
        with contextlib.suppress(TimeoutError, ProviderError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                made = [(c, f) for (c, _), f in self._known.items() if f.made is not None]
                await asyncio.gather(*(self._end_at(c, f.provider, f.made) for c, f in made))

    # -- for watches

    async def attend(self, target: Target, units: Sequence[Unit]) -> Mapping[Unit, str]:
        """Count one more watch of `units`; those that can be pushed, with "" or why they are not.

        `leave` must be called with the same in the end.
        """
        connection_id = target.connection_id
        wanted = await self._pushable(target, units)
        making = []
        for unit in wanted:
            key = (connection_id, unit)
            found = self._known.get(key)
            if found is None:
                name = self._rows.name(connection_id, unit)
                topic = Topic(unit.kind, unit.calendar_id)
                found = self._known.add(key, Registration(target.provider, name, topic))
            found.watchers += 1
            if found.made is None:
                making.append(self._make(key, found))
        try:
            if making:
                # Whoever waits no longer leaves it under way: it may be made by then.
                await asyncio.wait(making, timeout=_PATIENCE)
        except asyncio.CancelledError:
            self.leave(target, wanted)
            raise
        return {unit: self._reason((connection_id, unit)) for unit in wanted}

    async def _pushable(self, target: Target, units: Sequence[Unit]) -> list[Unit]:
        if not self._calls.public_url or target.connection_id == _BROUGHT:
            return []
        async with self._calls.push(target.connection_id) as (push, _):
            return [unit for unit in units if push is not None and unit.kind in push.kinds]

    def _reason(self, key: Key) -> str:
        found = self._known.get(key)
        if found is None or found.made is not None:
            return ""
        return found.refused or "the provider has not said yes to push; it is asked meanwhile"

    def leave(self, target: Target, units: Sequence[Unit]) -> None:
        """Count one watch less; who else wants it keeps the subscription, or nobody does."""
        for unit in units:
            key = (target.connection_id, unit)
            found = self._known.get(key)
            if found is None:
                continue
            found.watchers -= 1
            if found.watchers <= 0:
                self._known.remove(key)
                if found.made is not None:
                    PUSH_SUBSCRIPTIONS.labels(found.provider).dec()
                self._pushes.unpush(*key)

    def watched(self, provider: str, kind: ResourceKind, account: bytes = b"") -> Collection[str]:
        """Connections of `provider` where `kind` is watched, for deliveries that name none."""
        return self._known.connections(provider, kind, account)

    def calendar_of(self, connection_id: str, subscription_id: str) -> str | None:
        """The calendar that a subscription is about; None when it is not known here."""
        if not subscription_id:
            return None
        for found in self._known.at(connection_id):
            if found.made is not None and found.made.id == subscription_id:
                return found.topic.calendar_id
        return None

    def hurry(self, connection_id: str, subscription_id: str) -> None:
        """Renew it at the next tick: the provider says that it is paused, gone or about to end."""
        for found in self._known.at(connection_id):
            if found.made is not None and found.made.id == subscription_id:
                self._hurried[found.name] = found.version

    # -- making

    @property
    def making(self) -> int:
        """How many are being made."""
        return len(self._making)

    def _make(self, key: Key, found: Registration) -> asyncio.Task[None]:
        """Have a subscription: the one that is there, or a new one; raises nothing."""
        if found.making is None:
            before = self._making.get(found.name)
            task = asyncio.get_running_loop().create_task(self._have(key, found, before))
            self._making[found.name] = found.making = task
            task.add_done_callback(lambda _: self._had(found, task))
        return found.making

    def _had(self, found: Registration, task: asyncio.Task[None]) -> None:
        found.making = None
        if self._making.get(found.name) is task:
            del self._making[found.name]

    async def _have(self, key: Key, found: Registration, before: asyncio.Task[None] | None) -> None:
        """`before`: makes the same for watches that have ended since."""
        if before is not None:
            await asyncio.wait([before])
        if self._known.get(key) is not found:
            return
        await self._learn(found.provider, key[0])
        try:
            while not await self._adopt(key, found):
                if await self._create(key, found):
                    return
                # Another replica is about to.
                await asyncio.sleep(_LOOK_SECONDS)
        except ProviderError as error:
            self._refuse(found, f"push cannot be had: {error.message}")
        except Exception as error:  # noqa: BLE001 - the watch goes on by polling
            self._refuse(found, f"push cannot be had: {fault(error).message}")

    async def _learn(self, provider: str, connection_id: str) -> None:
        """Learn its account, anew with each try: credentials may be another account's by now."""
        account = ""
        with contextlib.suppress(ProviderError):  # unknown, it is woken by deliveries for anybody
            account = await self._calls.account(connection_id)
        self._known.belongs(connection_id, account_digest(provider, account))

    async def _adopt(self, key: Key, found: Registration) -> bool:
        """Take what another replica, or an earlier life of this one, has made."""
        row = await self._rows.find(found.name)
        if row is None or row.made is None or is_over(row.made):
            return False
        await self._rows.want([found.name], WANTED_SECONDS)
        self._take(key, found, row.made, row.version)
        return True

    async def _create(self, key: Key, found: Registration) -> bool:
        """Make one, if nobody else does; whether all is done that can be."""
        connection_id, _ = key
        lease = f"subscribe/{found.name}"
        if not await self._store.lease(lease, self._holder, _MAKING_SECONDS):
            return False
        try:
            if await self._adopt(key, found):
                return True
            made = await self._calls.create(found.provider, connection_id, found.topic)
            if made is None:
                return True
            try:
                version = await self._rows.put(
                    found.name, connection_id, found.provider, made, WANTED_SECONDS
                )
            except ProviderError:
                # Nobody would find it again.
                await self._end_at(connection_id, found.provider, made)
                raise
            self._take(key, found, made, version)
        finally:
            with contextlib.suppress(ProviderError):
                await self._store.release(lease, self._holder)
        return True

    def _take(self, key: Key, found: Registration, made: Subscription, version: int) -> None:
        if found.made is None and self._known.get(key) is found:
            PUSH_SUBSCRIPTIONS.labels(found.provider).inc()
            self._pushes.push(*key, None)
        found.made, found.version = made, version
        found.refused, found.retry_at, found.pause = "", float("inf"), RETRY_SECONDS

    def _refuse(self, found: Registration, why: str) -> None:
        found.refused = why
        found.retry_at = self._clock.time() + found.pause * random.uniform(0.8, 1.2)  # noqa: S311
        found.pause = min(found.pause * 4, _LONGEST_RETRY)

    def _lose(self, key: Key, found: Registration, error: ProviderError) -> None:
        """What was there is there no longer: watches poll, and are told so."""
        PUSH_SUBSCRIPTIONS.labels(found.provider).dec()
        found.made = None
        self._refuse(found, f"the provider pushes no longer: {error.message}")
        self._pushes.push(*key, error, found.retry_at - self._clock.time())

    # -- keeping

    async def tick(self) -> None:
        """`want`, then `keep`.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be asked.
        """
        await self.want()
        await self.keep()

    async def keep(self) -> None:
        """Renew what is due; end what nobody wants; try again to have what was refused.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be asked.
        """
        while self._hurried:
            name, version = next(iter(self._hurried.items()))
            # Of replicas that have heard it, the first one's version fits.
            await self._rows.hurry(name, version)
            if self._hurried.get(name) == version:
                del self._hurried[name]
        await all_of(self._renew(row) for row in await self._rows.due())
        await all_of(self._end(row) for row in await self._rows.unwanted())
        now = self._clock.time()
        again = [each for each in self._known.items() if each[1].retry_at <= now]
        await all_of(self._make(*each) for each in again[:_AGAIN_AT_ONCE])

    async def want(self) -> None:
        """Say what is watched here, and see what others have made of it.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be asked.
        """
        mine = {found.name: key for key, found in self._known.items()}
        had = {found.name for _, found in self._known.items() if found.made is not None}
        versions = await self._rows.want(list(mine), WANTED_SECONDS)
        for name, key in mine.items():
            found = self._known.get(key)
            if found is None:
                continue
            if name not in versions:
                if found.made is not None and name in had:
                    self._lose(key, found, _gone())
                    found.retry_at = self._clock.time()
            elif versions[name] != found.version or found.made is None:
                row = await self._rows.find(name)
                if row is not None and row.made is not None and not is_over(row.made):
                    self._take(key, found, row.made, row.version)

    async def _renew(self, row: Row) -> None:
        """Renew `row`, unless another replica does."""
        if not await self._rows.claim(row, _CLAIM_SECONDS):
            return
        if row.made is None:
            await self._rows.remove(row)
            return
        try:
            made = await self._calls.renew(row.provider, row.connection_id, row.made)
        except ProviderError as error:
            PUSH_RENEWALS.labels(row.provider, error.reason).inc()
            if is_over(row.made) or error.kind in _FINAL:
                await self._rows.remove(row)
                self._each(row, error)
            return
        PUSH_RENEWALS.labels(row.provider, "ok").inc()
        if made is not None:
            await self._rows.renewed(row, made)
            for key, found in self._known.items():
                if found.name == row.name:
                    self._take(key, found, made, row.version + 2)

    def _each(self, row: Row, error: ProviderError) -> None:
        for key, found in list(self._known.items()):
            if found.name == row.name and found.made is not None:
                self._lose(key, found, error)

    async def _end(self, row: Row) -> None:
        if await self._rows.remove(row, unwanted=True) and row.made is not None:
            await self._end_at(row.connection_id, row.provider, row.made)

    async def _end_at(self, connection_id: str, provider: str, made: Subscription | None) -> None:
        """End it at the provider, as far as the provider lets us."""
        if made is None:
            return
        try:
            await self._calls.delete(connection_id, made)
        except ProviderError as error:
            PUSH_ENDED.labels(provider, error.reason).inc()
            LOG.info(
                "a subscription could not be ended",
                extra={"provider": provider, "reason": error.reason},
            )
        else:
            PUSH_ENDED.labels(provider, "ok").inc()


# There is no use in trying to renew again.
_FINAL = frozenset({Kind.NOT_FOUND, Kind.PRECONDITION, Kind.REAUTHORIZATION_REQUIRED})


def _gone() -> ProviderError:
    return ProviderError(Kind.UNAVAILABLE, "the subscription has ended", reason="PUSH_ENDED")
