"""PollEvents: one bounded step of the engine, with nothing kept on the server between calls."""

import asyncio
from dataclasses import dataclass

from providers.core.errors import Kind, ProviderError
from server.watch.batch import PART_BYTES, Batch, Variant, fitting
from server.watch.hub import Hub
from server.watch.inbox import Inbox, Late, Lost, slow_consumer
from server.watch.messages import weakest
from server.watch.ports import Target
from server.watch.position import Position
from server.watch.scope import Scope
from server.watch.subscription import Subscription
from server.watch.variant import variant_of
from ucal.v1 import watch_pb2

# Answers stay below the 4 MiB that clients take by default.
_ANSWER_BYTES = 3 * PART_BYTES


async def poll(
    hub: Hub,
    request: watch_pb2.PollEventsRequest,
    target: Target,
    scope: Scope,
    *,
    most_wait: float = float("inf"),
) -> watch_pb2.PollEventsResponse:
    """What came after the token, or a token of now.

    Args:
        hub: the engine.
        request: what is asked.
        target: connection to ask, and
        scope: what to ask it for, both from `Hub.target`.
        most_wait: seconds that the caller's deadline leaves for waiting.

    Raises:
        ProviderError: whatever is wrong with the request, or at the provider.
    """
    variant = variant_of(request)
    capabilities = [target.capability(unit.kind) for unit in scope.units]
    positions = hub.tokens.open(request.resume_token, scope) if request.resume_token else ()
    call = _Poll(hub, target, scope, variant)
    try:
        if positions:
            wait = min(request.wait.ToNanoseconds() / 1e9, most_wait)
            await call.gather(positions, hub.clock.time() + max(wait, 0))
        else:
            await call.begin()
        answer = call.answer()
    finally:
        call.close()
    answer.deletions = weakest(
        [c.deletions or watch_pb2.DELETION_SUPPORT_RECONCILED for c in capabilities]
    )
    if not answer.has_more:
        seconds = max(hub.interval(capability, 0) for capability in capabilities)
        answer.retry_after.FromNanoseconds(int(seconds * 1e9))
    return answer


@dataclass(slots=True)
class _Taken:
    """The part of a batch that goes into the answer."""

    batch: Batch
    count: int


class _Poll:
    """One call of PollEvents."""

    def __init__(self, hub: Hub, target: Target, scope: Scope, variant: Variant) -> None:
        self._hub = hub
        self._scope = scope
        self._variant = variant
        self._room = variant.max_changes
        self._bytes = _ANSWER_BYTES
        self._taken: list[_Taken] = []
        self._full = False
        self._bell = asyncio.Event()
        settings = hub.settings
        self._inbox = Inbox(settings.max_queued_changes, settings.max_queued_bytes, self._bell.set)
        self._subscriptions: list[Subscription] = [
            hub.enter(
                target,
                unit,
                scope.horizon,
                self._inbox,
                raw=variant.raw,
                wish=hub.interval(target.capability(unit.kind), 0),
            )
            for unit in scope.units
        ]

    def close(self) -> None:
        """Take no further part in any feed."""
        self._hub.leave(self._subscriptions)
        self._inbox.clear()

    async def begin(self) -> None:
        """Find the present point."""
        for subscription in self._subscriptions:
            subscription.run(subscription.feed.begin(subscription, state=False))
        await self._until_tips()

    async def gather(self, positions: tuple[Position, ...], until: float) -> None:
        """Take what came after `positions`; if it is nothing, wait for something."""
        for subscription, position in zip(self._subscriptions, positions, strict=True):
            subscription.sent = position
            subscription.run(subscription.feed.sweep(subscription, position))
        await self._until_tips()
        if self._taken or self._hub.clock.time() >= until:
            return
        for subscription in self._subscriptions:
            position = subscription.sent or Position()
            subscription.run(subscription.feed.follow(subscription, position, fresh=True))
        while not self._taken and self._hub.clock.time() < until:
            item = self._inbox.pop()
            if item is None:
                await self._ring(until)
            else:
                self._take(*item)
        while (item := self._inbox.pop()) is not None:
            self._take(*item)

    async def _until_tips(self) -> None:
        """Take until every unit has told all there is, or the answer is full."""
        missing = len(self._subscriptions)
        while missing and not self._full:
            item = self._inbox.pop()
            if item is None:
                await self._ring(None)
            elif self._take(*item):
                missing -= 1

    def _take(self, subscription: Subscription, item: object) -> bool:
        """Take an item of the inbox; tells whether it was the tip of a unit."""
        if isinstance(item, Lost):
            raise item.error
        if isinstance(item, Late):
            return False
        if not isinstance(item, Batch):
            subscription.sent = getattr(item, "position", None)
            return True
        if self._full:
            return False
        count = fitting(item.told, 0, self._room, self._bytes) if item.told else 0
        if item.told and self._taken and item.told[0].size > self._bytes:
            count = 0
        subscription.settle(item.cut(count))
        if count:
            self._taken.append(_Taken(item, count))
            self._room -= count
            self._bytes -= sum(told.size for told in item.told[:count])
        self._full = count < len(item.told) or (item.more and self._room <= 0)
        return False

    async def _ring(self, until: float | None) -> None:
        """Wait until something arrives, but not for a provider in trouble."""
        if self._inbox.overflown:
            raise slow_consumer()
        for subscription in self._subscriptions:
            trouble = subscription.feed.trouble
            if trouble is None:
                continue
            if not self._taken:
                raise _again(trouble.error, trouble.until - self._hub.clock.time())
            self._full = True
            return
        self._bell.clear()
        timer = None
        if until is not None:
            timer = self._hub.clock.call_at(until, self._bell.set)
        try:
            await self._bell.wait()
        finally:
            if timer is not None:
                timer.cancel()

    def answer(self) -> watch_pb2.PollEventsResponse:
        """What was taken, and the token of where that leads."""
        answer = watch_pb2.PollEventsResponse(has_more=self._full)
        for taken in self._taken:
            taken.batch.write(answer.changes, taken.batch.told[: taken.count], self._variant)
        # Not `position()`: a feed may stand further on than what fitted into the answer.
        positions = tuple(subscription.sent for subscription in self._subscriptions)
        known = tuple(position for position in positions if position is not None)
        if len(known) < len(positions):
            raise ProviderError(Kind.ADAPTER_FAULT, "the watch found no point to go on from")
        answer.resume_token = self._hub.tokens.seal(self._scope, known)
        return answer


def _again(error: ProviderError, pause: float) -> ProviderError:
    """`error` with the time at which the provider is asked again."""
    return ProviderError(
        error.kind,
        error.message,
        reason=error.reason,
        retry_after=max(pause, 0),
        metadata=error.metadata,
    )
