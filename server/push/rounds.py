"""Work that comes round again and again, and work of which much is done at once."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterable

from providers.core.errors import ProviderError
from server.log import LOG
from server.watch.asking import fault


class Rounds:
    """Does each of some works every so many seconds, one not waiting for another."""

    def __init__(self, seconds: float, *works: Callable[[], Awaitable[None]]) -> None:
        self._seconds = seconds
        self._works = works
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def are_open(self) -> bool:
        """Whether `open` has been called."""
        return bool(self._tasks)

    def open(self) -> None:
        """Begin."""
        start = asyncio.get_running_loop().create_task
        self._tasks = [start(self._run(work)) for work in self._works]

    async def close(self, patience: float, others: Iterable[asyncio.Task[None]]) -> None:
        """Begin no further round; what is under way, `others` too, has `patience` seconds to end.

        A question to the store is not cut off, and what a provider has made is written down.
        """
        self._closing.set()
        under_way = [*self._tasks, *others]
        await asyncio.wait(under_way, timeout=patience)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            pause = self._seconds * random.uniform(0.8, 1.2)  # noqa: S311
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()
            if self._closing.is_set():
                return
            try:
                await work()
            except ProviderError as error:
                LOG.warning("subscriptions cannot be kept", extra={"reason": error.reason})
            except Exception as error:  # noqa: BLE001 - the next round must come all the same
                fault(error)


async def all_of(works: Iterable[Awaitable[None]]) -> None:
    """Wait for all of `works`, each of which may take its time.

    Raises:
        ProviderError: what one of them raised, once all have ended.
    """
    for error in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(error, BaseException):
            raise error
