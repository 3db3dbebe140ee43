"""One open stream: turns what feeds leave in the inbox into the messages of the contract.

Opened comes first; then the state and Synced if they were asked for; then changes, with a token in
every message that ends a consistent point. The stream is never silent for longer than promised.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from providers.core.errors import Kind, ProviderError
from server.metrics import RESETS
from server.watch.alarms import Alarm, Alarms
from server.watch.asking import Trouble
from server.watch.batch import Batch, Variant
from server.watch.inbox import Inbox, Late, Lost, Tip, slow_consumer
from server.watch.messages import Writer
from server.watch.ports import Clock, WatchSettings
from server.watch.position import Position
from server.watch.scope import Scope
from server.watch.subscription import Subscription
from server.watch.token import Tokens

Send = Callable[[bytes], Awaitable[None]]


def rotated(retry_after: float) -> ProviderError:
    """The end of a stream that is to come back with its token."""
    return ProviderError(
        Kind.UNAVAILABLE,
        "the stream is closed by plan; come back with the last resume token",
        reason="STREAM_ROTATED",
        retry_after=retry_after,
    )


class _ExpiredError(Exception):
    """The provider no longer knows a position of this stream."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(error.reason)
        self.error = error


class Session:
    """See the module.

    Attributes:
        opened: the first message, encoded; empty once `run` has begun.
    """

    __slots__ = (
        "_alarm",
        "_alarms",
        "_beat_at",
        "_chance",
        "_clock",
        "_close_at",
        "_grace",
        "_heartbeat",
        "_inbox",
        "_initial",
        "_lost",
        "_news",
        "_positions",
        "_reset",
        "_rotate_at",
        "_scope",
        "_send",
        "_subscriptions",
        "_tokens",
        "_told_trouble",
        "_variant",
        "_waiter",
        "_writer",
        "opened",
    )  # fmt: skip

    def __init__(
        self,
        scope: Scope,
        *,
        clock: Clock,
        alarms: Alarms,
        tokens: Tokens,
        settings: WatchSettings,
        chance: random.Random,
        provider: str,
        variant: Variant,
        heartbeat: float,
        initial: bool,
        reset: bool,
    ) -> None:
        self.opened = b""
        self._scope = scope
        self._clock = clock
        self._tokens = tokens
        self._grace = settings.closing_grace
        self._chance = chance
        self._writer = Writer(provider)
        self._variant = variant
        self._heartbeat = heartbeat
        self._initial = initial
        self._reset = reset
        self._lost: ProviderError | None = None
        self._news = False
        self._alarms = alarms
        self._alarm: Alarm | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._inbox = Inbox(settings.max_queued_changes, settings.max_queued_bytes, self._wake)
        self._subscriptions: Sequence[Subscription] = ()
        self._positions: Sequence[Position] = ()
        self._told_trouble: dict[Subscription, Trouble] = {}
        now = clock.time()
        spread = chance.uniform(1 - settings.age_jitter, 1 + settings.age_jitter)
        self._rotate_at = now + settings.max_age * spread
        self._close_at: float | None = None
        self._beat_at = now + heartbeat

    @property
    def inbox(self) -> Inbox:
        """Where feeds leave what is to be told."""
        return self._inbox

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """One for each unit of the scope."""
        return self._subscriptions

    def attend(
        self,
        subscriptions: Sequence[Subscription],
        positions: Sequence[Position],
        lost: ProviderError | None = None,
    ) -> None:
        """Take over the feeds.

        Args:
            subscriptions: one for each unit of the scope.
            positions: those of the resume token; empty without one.
            lost: why the resume token is too old to be read.
        """
        self._subscriptions = subscriptions
        self._positions = positions
        self._lost = lost
        for subscription, position in zip(subscriptions, positions, strict=False):
            subscription.sent = position

    def token(self) -> bytes:
        """Everything up to here has been sent; empty before the first point is known."""
        positions = tuple(subscription.position() for subscription in self._subscriptions)
        known = tuple(position for position in positions if position is not None)
        if len(known) < len(positions):
            return b""
        return self._tokens.seal(self._scope, known)

    def rotate(self, grace: float) -> None:
        """Send Closing now, and end within `grace` seconds."""
        now = self._clock.time()
        self._rotate_at = min(self._rotate_at, now)
        if self._close_at is not None:
            self._close_at = min(self._close_at, now + grace)
        self._grace = grace
        self._wake()

    def close(self) -> None:
        """Nothing is sent any more."""
        self._inbox.clear()
        if self._alarm is not None:
            self._alarms.cancel(self._alarm)

    # -- the course of a stream

    async def run(self, send: Send) -> None:
        """Everything after `opened`, until the stream is cancelled or ends with an error.

        Raises:
            ProviderError: the reason for the end.
        """
        self._send = send
        self.opened = b""
        while True:
            try:
                if self._lost is not None:
                    raise _ExpiredError(self._lost)
                await self._course()
            except _ExpiredError as lost:
                if not self._reset:
                    raise lost.error from None
                for subscription in self._subscriptions:
                    subscription.stop()
                self._inbox.clear()
                self._lost = None
                self._positions = ()
                self._initial = True
                RESETS.labels(self._writer.provider).inc()
                await self._say(self._writer.reset(lost.error, self._clock.now()))

    async def _course(self) -> None:
        fresh = not self._positions
        if fresh:
            await self._begin()
        positions, self._positions = self._positions, ()
        for subscription, position in zip(self._subscriptions, positions, strict=True):
            feed = subscription.feed
            subscription.run(feed.follow(subscription, position, fresh=fresh))
        while True:
            subscription, item = await self._next()
            if isinstance(item, Batch):
                await self._tell(subscription, item)

    async def _begin(self) -> None:
        """Find the first point of every unit, with the present state on the way if it is wanted."""
        positions: list[Position] = []
        for subscription in self._subscriptions:
            feed = subscription.feed
            subscription.run(feed.begin(subscription, state=self._initial))
            while len(positions) < len(self._subscriptions):
                owner, item = await self._next()
                if isinstance(item, Batch):
                    await self._tell(owner, item)
                elif isinstance(item, Tip):
                    positions.append(item.position)
                    break
        for subscription, position in zip(self._subscriptions, positions, strict=True):
            subscription.sent = position
        self._positions = positions
        write = self._writer.synced if self._initial else self._writer.heartbeat
        await self._say(write(self.token(), self._clock.now()))

    async def _tell(self, subscription: Subscription, batch: Batch) -> None:
        parts = batch.parts(self._variant)
        for part in parts[:-1]:
            await self._say(part.body)
        subscription.settle(batch.position if subscription.sent is not None else None)
        if parts:
            await self._say(parts[-1].with_token(self.token()))
        if batch.cause:
            self._writer.measure(batch, self._clock)

    async def _next(self) -> tuple[Subscription, Batch | Tip]:
        """The next item of the inbox; what is due meanwhile is sent."""
        while True:
            self._news = False
            await self._attend()
            found = self._inbox.pop()
            if found is None:
                # What arrived while something was being sent has rung no bell.
                if not self._news:
                    self._set_alarm()
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
                continue
            subscription, item = found
            if isinstance(item, Late):
                await self._say(
                    self._writer.degraded(item.trouble, self.token(), self._clock.now())
                )
                continue
            if not isinstance(item, Lost):
                return subscription, item
            if item.error.kind is Kind.CURSOR_EXPIRED:
                raise _ExpiredError(item.error)
            raise item.error

    async def _attend(self) -> None:
        """Send what is due whether or not something has changed.

        Raises:
            ProviderError: the stream is over.
        """
        if self._inbox.overflown:
            raise slow_consumer()
        now = self._clock.time()
        if self._close_at is not None and now >= self._close_at:
            raise rotated(self._chance.uniform(0.1, 2.0))
        if self._close_at is None and now >= self._rotate_at:
            self._close_at = now + self._grace
            await self._say(self._writer.closing(self.token(), self._clock.now()))
        if self._told_trouble or any(s.feed.trouble is not None for s in self._subscriptions):
            await self._tell_trouble()
        if self._clock.time() >= self._beat_at:
            await self._say(self._writer.heartbeat(self.token(), self._clock.now()))

    async def _tell_trouble(self) -> None:
        """Degraded after failures at the provider, and a heartbeat when all is well again."""
        told = self._told_trouble
        newest: Trouble | None = None
        for subscription in self._subscriptions:
            trouble = subscription.feed.trouble
            if trouble is told.get(subscription):
                continue
            if trouble is None:
                del told[subscription]
                if not told:
                    message = self._writer.heartbeat(self.token(), self._clock.now())
                    await self._say(message)
            else:
                told[subscription] = trouble
                if newest is None or trouble.until < newest.until:
                    newest = trouble
        if newest is not None:
            message = self._writer.degraded(newest, self.token(), self._clock.now())
            await self._say(message)

    async def _say(self, message: bytes) -> None:
        await self._send(message)
        self._beat_at = self._clock.time() + self._heartbeat

    def _wake(self) -> None:
        self._news = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _set_alarm(self) -> None:
        """Wake up when something is due, if nothing wakes the stream before."""
        due = min(self._beat_at, self._rotate_at if self._close_at is None else self._close_at)
        if self._alarm is not None:
            if self._alarm.when <= due:
                return
            self._alarms.cancel(self._alarm)
        self._alarm = self._alarms.set(due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._wake()
