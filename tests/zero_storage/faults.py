"""An exception at each await: every task of the loop is driven by hand, and thrown into once.

A place is where a task lets go of the loop: the lines of the service and of a provider that wait
for one another there. Places are found while calls run; one that is armed raises, in place of what
is awaited, an exception that nobody expects and whose message holds the word.
"""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.zero_storage.words import CORE

_ROOT = f"{Path(__file__).resolve().parents[2]}/"
_OURS = (f"{_ROOT}server/", f"{_ROOT}providers/")
# The last step of a failed call: what gRPC itself raises there has no further line behind it.
_LAST = {("server/interceptors/errors.py", "_abort")}

Place = tuple[tuple[str, str, int], ...]


class UnexpectedError(Exception):
    """Of no kind that anybody handles."""


def place_of(coroutine: Any) -> Place:
    """The lines of ours through which `coroutine` waits, the outermost first."""
    found = []
    node = coroutine
    while node is not None:
        frame, node = _step(node)
        if frame is not None and frame.f_code.co_filename.startswith(_OURS):
            name = frame.f_code.co_filename.removeprefix(_ROOT)
            found.append((name, frame.f_code.co_name, frame.f_lineno))
    return () if found and found[-1][:2] in _LAST else tuple(found)


def _step(node: Any) -> tuple[Any, Any]:
    """The frame of `node`, and what it waits for."""
    if hasattr(node, "cr_await"):
        return getattr(node, "cr_frame", None), node.cr_await
    if hasattr(node, "ag_await"):
        return node.ag_frame, node.ag_await
    if hasattr(node, "gi_yieldfrom"):
        return node.gi_frame, node.gi_yieldfrom
    if type(node).__name__ in {"async_generator_asend", "coroutine_wrapper"}:
        inner = [each for each in gc.get_referents(node) if hasattr(each, "ag_await")]
        inner += [each for each in gc.get_referents(node) if hasattr(each, "cr_await")]
        return None, inner[0] if inner else None
    return None, None


class Faults:
    """What is seen, and what is thrown.

    Attributes:
        seen: places, while `watching`.
        fired: places that have raised.
    """

    def __init__(self) -> None:
        self.seen: dict[Place, None] = {}
        self.fired: set[Place] = set()
        self._armed: Place | None = None
        self._watching = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note places meanwhile."""
        self._watching = True
        try:
            yield
        finally:
            self._watching = False

    @contextmanager
    def armed(self, place: Place) -> Iterator[None]:
        """The next task that waits at `place` fails there."""
        self._armed = place
        try:
            yield
        finally:
            self._armed = None

    def due(self, coroutine: Any) -> bool:
        """Whether the task of `coroutine`, which has just let go, is to fail here."""
        if self._armed is None and not self._watching:
            return False
        place = place_of(coroutine)
        if not place:
            return False
        if self._watching:
            self.seen[place] = None
        if place != self._armed:
            return False
        self._armed = None
        self.fired.add(place)
        return True

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Drive every task that begins meanwhile."""
        loop = asyncio.get_running_loop()

        def made(
            loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **more: Any
        ) -> asyncio.Task[Any]:
            return asyncio.Task(Driven(coroutine, self.due), loop=loop, **more)

        loop.set_task_factory(made)  # type: ignore[arg-type]  # of any coroutine
        try:
            yield
        finally:
            loop.set_task_factory(None)


class Driven(Coroutine[Any, Any, Any]):
    """A coroutine that is asked about each time it has let go of the loop."""

    def __init__(self, inner: Coroutine[Any, Any, Any], due: Callable[[Any], bool]) -> None:
        self._inner = inner
        self._due = due

    def send(self, value: Any) -> Any:
        return self._after(self._inner.send(value))

    def throw(self, *error: Any) -> Any:
        return self._after(self._inner.throw(*error))

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()

    def _after(self, awaited: Any) -> Any:
        if not self._due(self._inner):
            return awaited
        if getattr(awaited, "_asyncio_future_blocking", None):
            awaited._asyncio_future_blocking = False
        return self._after(self._inner.throw(UnexpectedError(f"{CORE} in a message")))
