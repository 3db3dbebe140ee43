"""R15: a real OpenBao is sealed, killed, takes the token away; the service serves and recovers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos.tampering import account
from providers.core.errors import ProviderError
from server.connections.facade import Connections
from server.settings import parse
from tests.vaults.openbao import OpenBao, openbao

_PATIENCE = 60.0


@dataclass
class Outcome:
    """How it went.

    Attributes:
        opened: records opened while the vault was away, by what was done to it.
        told: what readiness said meanwhile.
        after: reason of the error once the time of the keys was over.
        seconds: until all was well again, by what was done.
    """

    opened: dict[str, bool] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    after: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not true():
            await asyncio.sleep(0.02)


async def _opens(found: Connections) -> str:
    """ "" when the record opens, read anew; else why not."""
    found._resolver.forget("ann")  # noqa: SLF001
    try:
        await found.resolve("ann", {})
    except ProviderError as error:
        return error.reason
    return ""


async def vault_away(folder: Path) -> Outcome:
    """Take the vault away in three ways, and bring it back."""
    outcome = Outcome()
    async with AsyncExitStack() as stack:
        (folder / "bao").mkdir()
        bao = stack.enter_context(openbao(folder / "bao"))
        token = folder / "token"
        token.write_text(bao.token)
        settings = {
            "store": f"sqlite:///{folder}/sealed.db",
            "keyring": "vault:transit/ucal",
            "vault": {"address": bao.address, "token_file": str(token), "keys_seconds": 6.0},
        }
        found = Connections(parse(settings))
        stack.push_async_callback(found.close)
        await found.open()
        await found.directory.create(account("ann"), "")

        async def restart() -> None:
            await asyncio.to_thread(bao.start)

        async def unseal() -> None:
            await asyncio.to_thread(bao.unseal)

        async def renew() -> None:
            token.write_text(await asyncio.to_thread(bao.fresh_token))

        await asyncio.to_thread(bao.kill)
        await _one(outcome, found, "down", restart)
        await asyncio.to_thread(_revoke, bao)
        await _one(outcome, found, "token revoked", renew)
        await asyncio.to_thread(bao.seal)
        await _one(outcome, found, "sealed", unseal, expire=True)
    return outcome


def _revoke(bao: OpenBao) -> None:
    bao.client().auth.token.revoke(bao.token)


async def _one(
    outcome: Outcome,
    found: Connections,
    what: str,
    back: Callable[[], Awaitable[None]],
    *,
    expire: bool = False,
) -> None:
    await _until(lambda: found.trouble != "")
    outcome.told[what] = found.trouble
    outcome.opened[what] = await _opens(found) == ""
    if expire:
        await _until(lambda: not found.ring.ids)
        outcome.after = await _opens(found)
    await back()
    began = time.monotonic()
    await _until(lambda: found.trouble == "" and bool(found.ring.ids))
    outcome.seconds[what] = time.monotonic() - began
    if await _opens(found):
        outcome.opened[what] = False
