"""Asking the provider: each question once at a time, again after trouble, never in a storm."""

import asyncio
import random
import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from providers.core.errors import Kind, ProviderError
from server.log import LOG
from server.watch.batch import Batch
from server.watch.clock import sleep_until
from server.watch.fetched import Fetched, Source
from server.watch.ports import Clock, Timer, WatchSettings
from server.watch.position import Position

_RECENT_SECONDS = 1.0

Purpose: TypeAlias = Literal["baseline", "state", "follow"]

# The watch goes on through these; whatever else the provider answers ends it.
_PASSING = frozenset(
    {
        Kind.RATE_LIMITED,
        Kind.UNAVAILABLE,
        Kind.TIMEOUT,
        Kind.PROVIDER_FAULT,
        Kind.OUTCOME_UNKNOWN,
        Kind.CONFLICT,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Trouble:
    """The provider answers with errors.

    Attributes:
        error: what it answered last.
        until: when it is asked again, on the engine's clock.
        next_attempt: the same as an instant.
    """

    error: ProviderError
    until: float
    next_attempt: datetime


class Asking:
    """The one way from a feed to its provider.

    Attributes:
        trouble: what the provider answers at present instead of changes.
    """

    def __init__(
        self,
        source: Source,
        clock: Clock,
        settings: WatchSettings,
        chance: random.Random,
        say: Callable[[], None],
    ) -> None:
        self._source = source
        self._clock = clock
        self._settings = settings
        self._chance = chance
        self._say = say
        self._failures = 0
        self._gate = asyncio.Lock()
        self._recent: dict[Hashable, tuple[Batch, Timer]] = {}
        self._under_way: dict[Hashable, asyncio.Task[Batch]] = {}
        self.trouble: Trouble | None = None

    async def step(self, purpose: Purpose, position: Position, *, raw: bool) -> Batch:
        """One step from `position`; who asks the same meanwhile shares the answer.

        Raises:
            ProviderError: what ends a watch; CURSOR_EXPIRED too.
        """
        key = (purpose, raw, position.key)
        if key in self._recent:
            return self._recent[key][0]
        task = self._under_way.get(key)
        if task is None:
            work = self._step(purpose, position, raw)
            task = asyncio.get_running_loop().create_task(work)
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._landed(purpose, key, done))
        return await asyncio.shield(task)

    def _landed(self, purpose: Purpose, key: Hashable, task: asyncio.Task[Batch]) -> None:
        self._under_way.pop(key, None)
        # The exception is read even if whoever asked has gone.
        if task.cancelled() or task.exception() is not None or purpose == "follow":
            return
        # Watchers who begin together share every page, though they do not read in step.
        due = self._clock.time() + _RECENT_SECONDS
        timer = self._clock.call_at(due, lambda: self._recent.pop(key, None))
        self._recent[key] = (task.result(), timer)

    async def _step(self, purpose: Purpose, position: Position, raw: bool) -> Batch:
        fetched = await self.ask(position, raw=raw, baseline=purpose == "baseline")
        return self._source.tell(position, fetched)

    async def ask(self, position: Position, *, raw: bool, baseline: bool = False) -> Fetched:
        """The provider's answer, however long it takes it to give one.

        Raises:
            ProviderError: what ends a watch.
        """
        while True:
            if self.trouble is None:
                fetched = await self._attempt(position, raw, baseline)
            else:
                # One at a time tries whether the trouble is over; the others wait for its answer.
                async with self._gate:
                    if self.trouble is not None:
                        await sleep_until(self._clock, self.trouble.until)
                    fetched = await self._attempt(position, raw, baseline)
            if fetched is not None:
                return fetched

    async def _attempt(self, position: Position, raw: bool, baseline: bool) -> Fetched | None:
        try:
            fetched = await self._source.fetch(position, baseline=baseline, raw=raw)
        except ProviderError as error:
            if error.kind not in _PASSING:
                raise
            self._fail(error)
            return None
        except Exception as error:  # noqa: BLE001 - a fault of ours must end one watch, not all
            raise fault(error) from None
        self._recover()
        return fetched

    def _fail(self, error: ProviderError) -> None:
        settings = self._settings
        pause = min(settings.retry_base * 2 ** min(self._failures, 16), settings.retry_cap)
        pause = max(pause * self._chance.uniform(0.5, 1), error.retry_after or 0)
        self._failures += 1
        self.trouble = Trouble(
            error,
            self._clock.time() + pause,
            self._clock.now() + timedelta(seconds=pause),
        )
        self._say()

    def _recover(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            self._failures = 0
            self._say()

    def close(self) -> None:
        """Nobody waits any longer."""
        for task in list(self._under_way.values()):
            task.cancel()
        for _, timer in self._recent.values():
            timer.cancel()
        self._recent.clear()


def fault(error: Exception) -> ProviderError:
    """Our own fault; its text may quote a calendar, so only its type is logged."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    LOG.error(
        "unexpected exception in a watch",
        extra={"exception": type(error).__name__, "at": f"{frame.name}:{frame.lineno}"},
    )
    return ProviderError(
        Kind.ADAPTER_FAULT, "the service failed on this watch; this is a bug, please report it"
    )
