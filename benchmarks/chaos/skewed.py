"""R11: replicas whose clocks are ten minutes ahead and ten behind, on one store.

Each replica is a process whose clock is set back or forth before anything of the service is
imported. They are asked by lines on standard input:

    call 4          so many calls at once, of the connection "a"
    lease NAME 5    take a lease for so many seconds
    seal            a page token
    open TOKEN      whether it opens
    clock           the time of day, as both of Python's clocks have it
"""

import asyncio
import contextlib
import datetime as dt
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MINUTES = 10.0


def set_clock(seconds: float) -> None:
    """Put every clock of Python's that tells the time of day forth by `seconds`."""
    true_time, true_ns, plain = time.time, time.time_ns, dt.datetime
    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: true_ns() + int(seconds * 1e9)

    class Skewed(plain):  # type: ignore[valid-type, misc]
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return plain.now(tz) + dt.timedelta(seconds=seconds)

    dt.datetime = Skewed  # type: ignore[misc]


@dataclass
class Outcome:
    """How two replicas with wrong clocks did.

    Attributes:
        apart: seconds by which the clocks of the two differ.
        codes: of their calls.
        rounds: how often the token was refused to both.
        refreshes: how often it was refreshed for that.
        killed: families of tokens that died.
        leases: whether a lease that one holds was refused to the other, and ended in its time.
        tokens: whether page tokens of each opened at the other.
    """

    apart: float = 0.0
    codes: list[str] = field(default_factory=list)
    rounds: int = 0
    refreshes: int = 0
    killed: int = 0
    leases: bool = False
    tokens: bool = False


class Replica:
    """A process with a clock of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, line: str) -> Any:
        """The answer to a line.

        Raises:
            RuntimeError: the process ended.
        """
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("it has no pipes")
        process.stdin.write(f"{line}\n".encode())
        await process.stdin.drain()
        answer = await process.stdout.readline()
        if not answer:
            raise RuntimeError("the replica ended")
        return json.loads(answer)


@asynccontextmanager
async def replica(config: Path, minutes: float) -> AsyncIterator[Replica]:
    """A replica whose clock is `minutes` ahead."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore::RuntimeWarning",
        "-m", "benchmarks.chaos.skewed", str(config), str(minutes * 60),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["protos", "."])},
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    try:
        yield Replica(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def skewed(folder: Path, store: str, *, rounds: int = 20, life: int = 3600) -> Outcome:
    """Refresh a rotating token from both replicas.

    Args:
        life: of access tokens, seconds.
    """
    from benchmarks.chaos.tampering import key_file
    from tests.vaults.family import FamilyServer

    server = FamilyServer()
    server.life = life
    async with server.running():
        config = folder / "skewed.json"
        keyring = key_file(folder, "skewed.keys", b"s" * 32)
        given = {"store": store, "keyring": keyring, "providers": server.settings()}
        config.write_text(json.dumps(given | {"first": server.found("f")}))
        async with replica(config, MINUTES) as ahead, replica(config, -MINUTES) as behind:
            outcome = Outcome(rounds=rounds)
            fast, slow = await ahead.ask("clock"), await behind.ask("clock")
            outcome.apart = min(map(float.__sub__, fast, slow))
            # One after the other: the first makes the connection.
            outcome.codes += await ahead.ask("call 1") + await behind.ask("call 1")
            before = server.refreshes
            for _ in range(rounds):
                server.access.clear()
                both = await asyncio.gather(ahead.ask("call 3"), behind.ask("call 3"))
                outcome.codes += [code for codes in both for code in codes]
            outcome.refreshes = server.refreshes - before
            outcome.killed = len(server.killed)
            outcome.leases = await _leases(ahead, behind)
            outcome.tokens = await _tokens(ahead, behind) and await _tokens(behind, ahead)
    return outcome


async def _leases(ahead: Replica, behind: Replica) -> bool:
    """By the database's clock: neither the fast nor the slow one takes what the other has."""
    held = [await behind.ask("lease slow 30"), await ahead.ask("lease slow 30")]
    held += [await ahead.ask("lease fast 30"), await behind.ask("lease fast 30")]
    ended = [await ahead.ask("lease short 0.2"), await behind.ask("lease short 5")]
    async with asyncio.timeout(5):
        while not ended[-1]:
            ended.append(await behind.ask("lease short 5"))
    return held == [True, False, True, False] and len(ended) > 2


async def _tokens(one: Replica, other: Replica) -> bool:
    return bool(await other.ask(f"open {await one.ask('seal')}"))


# -- the process


async def _serve(config: Path) -> None:
    from providers.registry import PROVIDERS
    from server.connections.facade import Connections
    from server.settings import parse
    from tests.server.vendor import ROW

    PROVIDERS["vendor"] = ROW
    given = json.loads(config.read_text())
    first = given.pop("first")
    found = Connections(parse(given))
    await found.open()
    try:
        await _make(found, first)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            print(json.dumps(await _answer(found, line.decode().split())), flush=True)
    finally:
        await found.close()


async def _make(found: Any, first: str) -> None:
    from providers.core.errors import Kind, ProviderError
    from ucal.v1 import connection_pb2

    made = connection_pb2.Connection(id="a", provider="vendor")
    made.oauth.access_token, made.oauth.refresh_token = "old", first
    try:
        await found.directory.create(made, "")
    except ProviderError as error:
        if error.kind is not Kind.ALREADY_EXISTS:
            raise


async def _answer(found: Any, words: list[str]) -> Any:
    if words[0] == "call":
        return await asyncio.gather(*(_call(found) for _ in range(int(words[1]))))
    if words[0] == "lease":
        return await found.store.lease(words[1], str(os.getpid()), float(words[2]))
    if words[0] == "clock":
        return [time.time(), dt.datetime.now(dt.UTC).timestamp()]
    sealer = found.sealer("page")
    if words[0] == "seal":
        return sealer.seal(b"cursor").decode()
    return sealer.open(words[1], max_age=dt.timedelta(hours=1)) == b"cursor"


async def _call(found: Any) -> str:
    from providers.core.errors import ProviderError

    try:
        resolved = await found.resolve("a", {})
        return str((await resolved.call.http.send("GET", "/calendars")).status)
    except ProviderError as error:
        return error.kind.name


if __name__ == "__main__":
    set_clock(float(sys.argv[2]))
    asyncio.run(_serve(Path(sys.argv[1])))
