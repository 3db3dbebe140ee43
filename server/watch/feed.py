"""A feed: one unit of one connection, asked once for everybody in this process who watches it.

Watchers come with positions of their own. Each is led along the feed (by what others were told
already, by questions shared with others that stand at the same point) until it stands where the
feed stands; from then on one poll serves all.
"""

import asyncio
import random
from datetime import timedelta

from providers.core.errors import Kind, ProviderError
from server.metrics import POLLS, POLLS_SAVED
from server.watch.alone import OWN
from server.watch.asking import Asking, Purpose, Trouble, fault
from server.watch.batch import Batch, Told
from server.watch.fetched import Source
from server.watch.happenings import happening_at
from server.watch.history import History
from server.watch.inbox import Inbox, Late, Lost, Tip
from server.watch.pace import Pace
from server.watch.ports import Clock, Timer, Turn, WatchSettings
from server.watch.position import Position
from server.watch.subscription import Subscription

# Of a provider that always has more; half a million changes at the usual size of a page.
_MOST_PAGES = 2_000
# Shortest time between two polls for the sake of callers who come back, in seconds.
_REFRESH_SPACING = 5.0


def _endless() -> ProviderError:
    return ProviderError(Kind.PROVIDER_FAULT, "the provider tells of changes without end")


class Feed:
    """See the module.

    Attributes:
        source: how it is asked.
        position: up to where its watchers have been told, or None while nobody has joined.
        subscriptions: of everybody who takes part, joined or on the way.
        turn: whether it is this process that asks at the usual times.
        pushed: the provider tells when something has changed.
    """

    def __init__(
        self,
        source: Source,
        clock: Clock,
        settings: WatchSettings,
        chance: random.Random,
        provider: str = "",
    ) -> None:
        self.source = source
        self.turn: Turn = OWN
        self.pushed = False
        self.position: Position | None = None
        self.subscriptions: dict[Subscription, None] = {}
        self._clock = clock
        self._settings = settings
        self._asking = Asking(source, clock, settings, chance, self._say_trouble)
        self._history = History(clock)
        self._lock = asyncio.Lock()
        self._timer: Timer | None = None
        self._poll: asyncio.Task[None] | None = None
        self._due = 0.0
        self._pace = Pace(clock, chance, settings.nudge_spacing)
        self._provider = provider
        # Why the present poll is made, and since when.
        self._cause = self._asked_for = ("interval", clock.time())

    # -- taking part

    @property
    def trouble(self) -> Trouble | None:
        """What the provider answers at present instead of changes."""
        return self._asking.trouble

    def enter(self, inbox: Inbox, *, raw: bool, wish: float, patient: bool = False) -> Subscription:
        """Take part, still without a position; `patient`: see `Subscription`."""
        subscription = Subscription(self, inbox, raw=raw, wish=wish, patient=patient)
        self.subscriptions[subscription] = None
        return subscription

    def exit(self, subscription: Subscription) -> None:
        """Take part no longer."""
        subscription.stop()
        self.subscriptions.pop(subscription, None)
        if any(other.joined for other in self.subscriptions):
            self.turn.want(self.interval)
        else:
            self._rest()
        if not self.subscriptions:
            self._asking.close()
            self._history.clear()
            if self._poll is not None:
                self._poll.cancel()

    def _rest(self) -> None:
        """Nobody listens: ask no more, and forget the point, which would only age."""
        self.turn.rest()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._poll is None or self._poll.done():
            self.position = None

    # -- leading a subscription along

    async def begin(self, subscription: Subscription, *, state: bool) -> None:
        """Find the present point; with `state` tell the present state on the way."""
        inbox = subscription.inbox
        if not state and self.position is not None:
            inbox.put(subscription, Tip(self.position))
            return
        position = self.source.start()
        purpose: Purpose = "state" if state else "baseline"
        for _ in range(_MOST_PAGES):
            batch = await self._asking.step(purpose, position, raw=subscription.raw and state)
            position = batch.position
            if state:
                await inbox.room()
                inbox.put(subscription, batch)
            if not batch.more:
                inbox.put(subscription, Tip(position))
                return
        raise _endless()

    async def sweep(self, subscription: Subscription, position: Position) -> None:
        """Tell what came after `position`, up to an answer that the provider gives now."""
        inbox = subscription.inbox
        for _ in range(_MOST_PAGES):
            batch = await self._asking.step("follow", position, raw=subscription.raw)
            await inbox.room()
            inbox.put(subscription, batch)
            position = batch.position
            if not batch.more:
                break
        inbox.put(subscription, Tip(position))

    async def follow(self, subscription: Subscription, position: Position, *, fresh: bool) -> None:
        """Tell what came after `position`, and then whatever comes.

        Args:
            subscription: whom to tell.
            position: where it stands.
            fresh: the provider has just said that this is the present point.
        """
        inbox = subscription.inbox
        seen = pages = 0
        while not self._join(subscription, position, fresh=fresh):
            remembered = self._history.after(position, seen, raw=subscription.raw)
            if remembered is not None:
                batch, seen = remembered
                fresh = False
            elif fresh:
                await self._merge(subscription, position)
                return
            elif pages == _MOST_PAGES:
                raise _endless()
            else:
                pages += 1
                batch = await self._asking.step("follow", position, raw=subscription.raw)
                self._history.add(batch, raw=subscription.raw)
                fresh = not batch.more
            await inbox.room()
            inbox.put(subscription, batch)
            position = batch.position
        if not fresh:
            self._refresh()

    def _join(self, subscription: Subscription, position: Position, *, fresh: bool) -> bool:
        """Let the feed's polls be told from here, if `position` is where the feed stands."""
        mine = self.position
        if mine is None:
            if not fresh:
                return False
            self.position = position
        elif mine.key != position.key:
            same = (mine.cursor, mine.anchor) == (position.cursor, position.anchor)
            if self.source.cumulative or not same or not (fresh or position.known.complete):
                return False
            known = mine.known.joined(position.known)
            self.position = Position(mine.cursor, known, mine.anchor, mine.at)
        subscription.joined = True
        self.turn.want(self.interval)
        if not subscription.queued:
            subscription.sent = position
        if self._timer is None and (self._poll is None or self._poll.done()):
            self._schedule()
        elif self._timer is not None:
            self._call_at(min(self._due, self._pace.after(self.interval)))
        return True

    async def _merge(self, subscription: Subscription, position: Position) -> None:
        """Bring a subscription and the feed, both up to date, to one and the same point.

        One answer to a question from the subscription's point is told to it and, as the feed was
        asked just before and so stands no earlier, to the feed's watchers.
        """
        async with self._lock:
            self._cause = ("joined", self._clock.time())
            if self.position is not None and not self.source.cumulative:
                await self._advance()
            fresh = self.position is None
            while not self._join(subscription, position, fresh=fresh):
                origin = position
                if self.position is not None and self.position.anchor < position.anchor:
                    origin = self.position
                fetched = await self._asking.ask(origin, raw=self._wants_raw())
                mine = self.source.tell(position, fetched)
                if self.position is not None:
                    batch = self.source.tell(self.position, fetched)
                    self._publish(batch)
                    self._history.add(batch, raw=self._wants_raw())
                subscription.inbox.put(subscription, mine)
                position = mine.position
                fresh = not mine.more

    # -- polling

    def _wants_raw(self) -> bool:
        return any(subscription.raw for subscription in self.subscriptions)

    @property
    def interval(self) -> float:
        """Seconds between polls: the shortest wish of all who have joined."""
        seldom = self._settings.pushed_factor if self.pushed and self.turn.hears else 1.0
        return min(
            (s.wish * (seldom if s.patient else 1.0) for s in self.subscriptions if s.joined),
            default=60.0,
        )

    def _schedule(self) -> None:
        self._call_at(self._pace.next(self.interval))

    def _call_at(self, when: float) -> None:
        self._due = when
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(when, self._start_poll)

    def _refresh(self) -> None:
        """Somebody came back and was told what is remembered: look soon, for all who come back."""
        if self._timer is not None:
            soon = self._pace.polled_at + min(self.interval / 4, _REFRESH_SPACING)
            self._call_at(min(self._due, max(soon, self._clock.time())))

    def nudge(self, cause: str = "hint", *, within: float = 0) -> None:
        """Something may have changed: ask as soon as the spacing of nudges allows (`Looks`)."""
        when = self._pace.nudge(cause, within)
        if self._timer is not None and when < self._due:
            self._call_at(when)

    def stands_at(self, point: bytes) -> bool:
        """Whether everything up to `point` has been told here."""
        return self.position is not None and self.position.digest == point

    def _start_poll(self) -> None:
        self._timer = None
        nudge = self._pace.take()
        if nudge is None and not self.turn.mine:
            POLLS_SAVED.labels(self._provider, "lease").inc()
            self._schedule()
            return
        self._asked_for = nudge or ("interval", self._clock.time())
        POLLS.labels(self._provider, self._asked_for[0]).inc()
        if self.pushed and self.turn.mine:
            wish = min((s.wish for s in self.subscriptions if s.joined), default=60.0)
            POLLS_SAVED.labels(self._provider, "push").inc(self._pace.saved(wish))
        self._poll = asyncio.get_running_loop().create_task(self._run_poll())
        self._poll.add_done_callback(self._polled)

    def _polled(self, task: asyncio.Task[None]) -> None:
        if self._poll is task:
            self._poll = None
        if not task.cancelled():
            task.result()  # it raises nothing of its own

    async def _run_poll(self) -> None:
        try:
            async with self._lock:
                self._cause = self._asked_for
                if self.position is not None:
                    await self._advance()
        except ProviderError as error:
            self._lose(error)
            return
        except Exception as error:  # noqa: BLE001 - the callers must learn that they wait in vain
            self._lose(fault(error))
            return
        finally:
            self._pace.polled_at = self._clock.time()
        if not any(subscription.joined for subscription in self.subscriptions):
            self.position = None
            return
        self._schedule()

    async def _advance(self) -> None:
        """Ask until the provider has no more, and tell everybody who has joined."""
        for _ in range(_MOST_PAGES):
            if self.position is None:
                return
            raw = self._wants_raw()
            try:
                fetched = await self._asking.ask(self.position, raw=raw)
            except ProviderError as error:
                if error.kind is not Kind.CURSOR_EXPIRED:
                    raise
                self._lose(error)
                return
            batch = self.source.tell(self.position, fetched)
            self._publish(batch)
            self._history.add(batch, raw=raw)
            if not batch.more:
                return
            await self._settled()

    def _publish(self, batch: Batch) -> None:
        self.position = batch.position
        if not batch.told:
            return
        batch.cause, batch.since = self._cause
        # Whoever looked because of another's word, or of a delivery, is not the only one who did.
        if batch.cause != "peer" and (batch.cause != "hint" or self.turn.mine):
            self.turn.moved(batch.position.digest)
        self._hand_out(batch)

    def _hand_out(self, batch: Batch) -> None:
        for subscription in self.subscriptions:
            if subscription.joined:
                subscription.inbox.put(subscription, batch)

    async def _settled(self) -> None:
        """Wait between two pages until everybody has room, but not for ever for anybody."""
        rooms = [
            subscription.inbox.room()
            for subscription in self.subscriptions
            if subscription.joined and not subscription.inbox.roomy
        ]
        if not rooms:
            return
        waiting = asyncio.gather(*rooms)
        timer = self._clock.call_at(self._clock.time() + self._settings.drain_wait, waiting.cancel)
        try:
            await waiting
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        finally:
            timer.cancel()

    async def happened(self, told: Told) -> None:
        """Tell what came from a delivery alone; the feed stands where it stood."""
        async with self._lock:
            if self.position is not None:
                self._hand_out(happening_at(self.position, told, self.source, self._clock))

    # -- trouble

    def degrade(self, error: ProviderError, seconds: float) -> None:
        """Tell everybody that changes may come late, and that it is tried again in `seconds`.

        From now on the provider is asked as often as if nobody told anything.
        """
        if self._timer is not None:
            self._call_at(min(self._due, self._pace.after(self.interval)))
        when = self._clock.now() + timedelta(seconds=seconds)
        late = Late(Trouble(error, self._clock.time() + seconds, when))
        for subscription in self.subscriptions:
            if subscription.joined:
                subscription.inbox.put(subscription, late)

    def _say_trouble(self) -> None:
        for subscription in self.subscriptions:
            subscription.inbox.wake()

    def _lose(self, error: ProviderError) -> None:
        """Nobody can go on from here."""
        self.turn.rest()
        self._history.clear()
        self.position = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for subscription in list(self.subscriptions):
            if subscription.joined:
                subscription.joined = False
                subscription.inbox.put(subscription, Lost(error))
