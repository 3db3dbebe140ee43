"""Two replicas refresh one rotating token a thousand times under races: it must not die."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos.tampering import key_file
from providers.core.errors import ProviderError
from providers.registry import PROVIDERS
from server.connections.facade import Connections
from tests.server.house import house, oauth
from tests.server.vendor import ROW
from tests.vaults.family import FamilyServer


@dataclass
class Outcome:
    """How it went.

    Attributes:
        answers: of calls, by status or kind of error.
        rounds: how often the token was refused to both replicas.
        refreshes: pairs of tokens that the vendor handed out.
        killed: families of tokens that died.
        state: of the connection in the end, a ConnectionState.
    """

    rounds: int
    answers: Counter[str] = field(default_factory=Counter)
    refreshes: int = 0
    killed: int = 0
    state: int = 0


async def _call(found: Connections) -> str:
    try:
        resolved = await found.resolve("a", {})
        return str((await resolved.call.http.send("GET", "/calendars")).status)
    except ProviderError as error:
        return error.kind.name


async def raced(folder: Path, store: str, *, rounds: int, server: FamilyServer) -> Outcome:
    """Refuse the token to two replicas at once, again and again.

    Args:
        server: the vendor, not started yet.
    """
    outcome = Outcome(rounds)
    keyring = key_file(folder, "race.keys", b"r" * 32)
    before = PROVIDERS.get("vendor")
    PROVIDERS["vendor"] = ROW
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(server.running())
            replicas = [
                await stack.enter_async_context(house(server, store=store, keyring=keyring))
                for _ in range(2)
            ]
            made = oauth(access_token="old", refresh_token=server.found("f"))
            await replicas[0].directory.create(made, "")
            for _ in range(rounds):
                server.access.clear()
                outcome.answers.update(
                    await asyncio.gather(*(_call(each) for each in replicas * 2))
                )
            outcome.refreshes, outcome.killed = server.refreshes, len(server.killed)
            outcome.state = (await replicas[0].directory.get("a")).state
    finally:
        if before is None:
            del PROVIDERS["vendor"]
        else:
            PROVIDERS["vendor"] = before
    return outcome
