"""Handing changes on to a command: at least once, in order, with patience.

An attempt takes one change and raises `RefusedError` when it was not taken. Posting is in
`server.cli.webhooks`.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import click

from server.cli.client import to_json
from server.cli.lines import word
from ucal.v1 import types_pb2, watch_pb2

Attempt: TypeAlias = Callable[[watch_pb2.Change], Awaitable[None]]

_LONGEST_PAUSE = 60.0


class RefusedError(Exception):
    """A change was not taken.

    Attributes:
        is_final: it is of no use to try again.
        retry_after: seconds that the receiver asks for; 0: it does not say.
    """

    def __init__(self, why: str, *, is_final: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.is_final = is_final
        self.retry_after = retry_after


class GivenUpError(Exception):
    """A change was not taken after all attempts; nothing behind it was handed on."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a change is tried.

    Attributes:
        attempts: in all.
        delay: seconds before the second one; doubled each time, up to a minute, with jitter.
    """

    attempts: int = 8
    delay: float = 1.0


async def deliver(change: watch_pb2.Change, attempt: Attempt, patience: Patience) -> None:
    """Try until `change` is taken.

    Raises:
        GivenUpError: it was not.
    """
    for number in range(1, patience.attempts + 1):
        try:
            await attempt(change)
        except RefusedError as error:
            if error.is_final or number == patience.attempts:
                raise GivenUpError(f"{error}; given up after {number} attempt(s)") from None
            pause = min(patience.delay * 2 ** (number - 1), _LONGEST_PAUSE)
            pause = max(pause * random.uniform(0.75, 1.25), error.retry_after)  # noqa: S311
            click.echo(f"{error}; trying again in {pause:.1f} s", err=True)
            await asyncio.sleep(pause)
        else:
            return


class Command:
    """Runs a command for each change, with the change as JSON on its standard input."""

    def __init__(self, words: Sequence[str], seconds: float) -> None:
        """`seconds`: how long one run may take; then it is killed and counts as failed."""
        self._words = words
        self._seconds = seconds

    async def __call__(self, change: watch_pb2.Change) -> None:
        """Run it once.

        Raises:
            RefusedError: it cannot be started, takes too long, or does not exit with 0.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.PIPE,
                env=os.environ | _facts(change),
                start_new_session=True,  # so that what it starts ends with it
            )
        except OSError as error:
            why = f"cannot run {self._words[0]}: {error.strerror}"
            raise RefusedError(why, is_final=True) from None
        try:
            async with asyncio.timeout(self._seconds):
                await process.communicate(f"{to_json(change, indent=None)}\n".encode())
        except TimeoutError:
            raise RefusedError(f"{self._words[0]}: longer than {self._seconds:g} s") from None
        finally:
            await _end(process)
        if process.returncode:
            raise RefusedError(f"{self._words[0]}: exit code {process.returncode}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of `process` and of its children."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _facts(change: watch_pb2.Change) -> dict[str, str]:
    """What a script wants to switch on, as variables; nothing personal."""
    return {
        "UCAL_CHANGE_TYPE": word(watch_pb2.ChangeType.Name(change.type)),
        "UCAL_CHANGE_KIND": word(types_pb2.ResourceKind.Name(change.kind)),
        "UCAL_DEDUP_KEY": change.dedup_key,
    }
