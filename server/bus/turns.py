"""Of all replicas one asks the provider for a feed; the others wait for its word.

Whose turn it is stands in the store (`turn_rows`), and counts only while its holder is heard on
the bus: who cannot hear the holder, or cannot read the store, asks for itself. So nothing hangs on
the bus or on the store but how often a provider is asked. Whoever's state changes looks at once,
from where its own watchers stand: nothing is handed over, and nothing can be lost on the way.
"""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from providers.core.errors import Kind, ProviderError
from server.bus.frames import Body, Freed, Moved, Taken
from server.bus.replicas import Replicas
from server.bus.turn_rows import TurnRows
from server.log import LOG
from server.metrics import LEASE_TAKEOVERS, RESYNCS, TURNS_HELD
from server.watch.alone import OWN
from server.watch.asking import fault
from server.watch.ports import Clock, Looks, Target, Turn
from server.watch.scope import Unit

_BROUGHT = "-"
TICK_SECONDS: Final = 1.0
LEASE_SECONDS: Final = 6.0
# What was said on the bus is held against the store once in so many ticks.
_CHECK_TICKS = 30
_SWEEP_TICKS = 60
# Many feeds that all must look at once do so within so many seconds.
_SPREAD = 3.0
_MOST_NAMES = 60
_LATE = ProviderError(
    Kind.UNAVAILABLE,
    "replicas do not hear one another: each asks the provider by itself, and what is pushed may "
    "come late",
    reason="BUS_UNAVAILABLE",
)


class SharedTurn:
    """The turn of one feed.

    Attributes:
        name: of the feed, the same on every replica.
        feed: whom to wake.
        every: seconds between two questions; 0 while nobody listens.
        holder: replica that asks, "" when it is not known.
    """

    __slots__ = ("_turns", "covered", "every", "feed", "holder", "name")

    def __init__(self, turns: "SharedTurns", name: bytes, feed: Looks) -> None:
        self._turns = turns
        self.name = name
        self.feed = feed
        self.every = 0.0
        self.holder = ""
        self.covered = False

    @property
    def mine(self) -> bool:
        """See `Turn.mine`."""
        return not self.covered

    @property
    def hears(self) -> bool:
        """See `Turn.hears`."""
        return self._turns.hears

    def want(self, every: float) -> None:
        """See `Turn.want`."""
        if every != self.every:
            self._turns.want(self, every)

    def rest(self) -> None:
        """See `Turn.rest`."""
        if self.every:
            self._turns.rest(self)

    def moved(self, point: bytes) -> None:
        """See `Turn.moved`."""
        self._turns.say_moved(self, point)


class SharedTurns:
    """Gives out turns among replicas; `server.watch.ports.Turns`."""

    def __init__(
        self, rows: TurnRows, replicas: Replicas, clock: Clock, key: Callable[[], bytes]
    ) -> None:
        """`key`: for names of feeds, which stand in the store and must tell nothing."""
        self._rows = rows
        self._replicas = replicas
        self._clock = clock
        self._key = key
        self._turns: dict[bytes, SharedTurn] = {}
        self._pending: set[SharedTurn] = set()
        self._freed: set[bytes] = set()
        self._live: set[str] = set()
        self._live_until = 0.0
        self._ticks = 0
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        replicas.listen(self._said, self._gap)

    async def open(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Give every turn back, so that others need not wait for the leases to end."""
        if self._task is None:
            return
        self._closing.set()
        # A question to the store is let end, not cut off; it has a bound of its own.
        await self._task
        held = self._freed | {t.name for t in self._turns.values() if t.holder == self._me}
        with contextlib.suppress(ProviderError):
            await self._rows.leave()
        self._say(Freed, sorted(held))

    # -- for feeds

    def of(self, target: Target, unit: Unit, horizon: int, feed: Looks) -> Turn:
        """See `Turns.of`."""
        if target.connection_id == _BROUGHT or not target.shared:
            return OWN
        text = f"{target.key!r}\0{unit.kind}\0{unit.calendar_id}\0{horizon}"
        try:
            key = self._key()
        except ProviderError:
            return OWN  # the keys cannot be had, and the others cannot be talked to
        name = hmac.digest(key, text.encode(), hashlib.sha256)[:16]
        return SharedTurn(self, name, feed)

    @property
    def hears(self) -> bool:
        """Whether deliveries that others take are heard of here."""
        return self._replicas.up

    def want(self, turn: SharedTurn, every: float) -> None:
        """See `Turn.want`."""
        turn.every = every
        self._turns[turn.name] = turn
        self._freed.discard(turn.name)
        self._pending.add(turn)

    def rest(self, turn: SharedTurn) -> None:
        """See `Turn.rest`."""
        turn.every = 0.0
        self._pending.discard(turn)
        if self._turns.get(turn.name) is turn:
            del self._turns[turn.name]
        if turn.holder == self._replicas.name:
            self._freed.add(turn.name)
        turn.holder, turn.covered = "", False

    def say_moved(self, turn: SharedTurn, point: bytes) -> None:
        """See `Turn.moved`."""
        self._replicas.say(Moved(turn.name, point))

    # -- what others say

    def _said(self, sender: str, body: Body) -> None:
        if isinstance(body, Moved):
            turn = self._turns.get(body.feed)
            if turn is not None and not turn.feed.stands_at(body.point):
                turn.feed.nudge("peer")
        elif isinstance(body, Taken):
            for name in body.feeds:
                turn = self._turns.get(name)
                if turn is not None:
                    turn.holder = sender
                    self._live.add(sender)
                    self._judge(turn)
        elif isinstance(body, Freed):
            self._pending.update(
                turn
                for name in body.feeds
                if (turn := self._turns.get(name)) is not None and turn.holder == sender
            )

    def _gap(self, why: str) -> None:
        """Something was not heard: look at everything, and say so where it will go on."""
        if why == "down":
            for turn in self._turns.values():
                turn.feed.degrade(_LATE, TICK_SECONDS)
        self._judge_all()
        if why != "down":
            for turn in self._turns.values():
                RESYNCS.inc()
                turn.feed.nudge("resync", within=_SPREAD)

    # -- whose turn it is

    @property
    def _me(self) -> str:
        return self._replicas.name

    def _judge_all(self) -> None:
        for turn in self._turns.values():
            self._judge(turn)

    def _judge(self, turn: SharedTurn) -> None:
        """Find out whether somebody else asks for this feed; if no longer, look now."""
        holder = turn.holder
        covered = (
            holder not in {"", self._me}
            and holder in self._live
            and self._clock.time() < self._live_until
            and self._replicas.hears(holder)
        )
        if turn.covered and not covered:
            turn.feed.nudge("failover", within=_SPREAD if len(self._turns) > 50 else 0)
        turn.covered = covered

    async def _run(self) -> None:
        while not self._closing.is_set():
            began = self._clock.time()
            try:
                async with asyncio.timeout(LEASE_SECONDS / 2):
                    await self._tick(began)
            except ProviderError as error:
                LOG.warning("turns cannot be kept", extra={"reason": error.reason})
            except TimeoutError:
                LOG.warning("turns cannot be kept", extra={"reason": "STORE_UNAVAILABLE"})
            except Exception as error:  # noqa: BLE001 - the next round must come all the same
                fault(error)
            self._judge_all()
            TURNS_HELD.set(sum(turn.holder == self._me for turn in self._turns.values()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._closing.wait()

    async def _tick(self, began: float) -> None:
        """Live; free what is to be freed; take what nobody has."""
        lapsed = began > self._live_until
        self._live = await self._rows.live(LEASE_SECONDS)
        self._live_until = began + LEASE_SECONDS
        if freed := list(self._freed):
            await self._rows.free([name.hex() for name in freed])
            self._freed.difference_update(freed)
            self._say(Freed, freed)
        self._ticks += 1
        if lapsed or self._ticks % _CHECK_TICKS == 0:
            self._pending.update(self._turns.values())
        dead = [t for t in self._turns.values() if t.holder not in self._live]
        self._pending.update(dead)
        if self._pending:
            await self._take(self._pending.copy())
        if self._ticks % _SWEEP_TICKS == 0:
            await self._rows.sweep()

    async def _take(self, turns: set[SharedTurn]) -> None:
        wanted = {turn.name.hex(): int(turn.every * 1000) for turn in turns}
        taken = await self._rows.take(wanted)
        others = await self._rows.holders([name for name in wanted if name not in taken])
        news: list[bytes] = []
        for turn in turns:
            self._pending.discard(turn)
            if self._turns.get(turn.name) is not turn:
                if turn.name.hex() in taken and turn.name not in self._turns:
                    self._freed.add(turn.name)
                continue
            name = turn.name.hex()
            before, turn.holder = turn.holder, self._me if name in taken else others.get(name, "")
            if turn.holder == self._me and before != self._me:
                news.append(turn.name)
                if before:
                    LEASE_TAKEOVERS.inc()
        self._say(Taken, news)

    def _say(self, form: type[Taken] | type[Freed], names: list[bytes]) -> None:
        for at in range(0, len(names), _MOST_NAMES):
            self._replicas.say(form(names[at : at + _MOST_NAMES]))
