"""What `ucal doctor` finds about the bus: whether what is said there is heard again."""

import asyncio
import secrets

from server.bus.opening import bus_of
from server.bus.ports import Bus
from server.cli.reach import Finding
from server.settings import Settings, SettingsError

_SECONDS = 3.0
_ADVICE = "check the setting `bus`; while it is down every replica asks the providers for itself"


class _Ear:
    """Waits for one word. Replicas that hear it too drop it: it is sealed by nobody."""

    def __init__(self, word: bytes) -> None:
        self._word = word
        self.up = asyncio.Event()
        self.heard_it = asyncio.Event()

    def heard(self, data: bytes) -> None:
        """Part of `Listener`."""
        if data == self._word:
            self.heard_it.set()

    def changed(self, *, up: bool) -> None:
        """Part of `Listener`."""
        if up:
            self.up.set()


async def bus_check(settings: Settings) -> list[Finding]:
    """Say a word on the bus and listen for it; nothing for a bus within the process."""
    kind = settings.bus.partition(":")[0]
    if kind == "memory":
        return []
    try:
        bus = bus_of(settings)
    except SettingsError as error:
        return [Finding("fail", "bus", str(error))]
    return [await _tried(bus, kind)]


async def _tried(bus: Bus, kind: str) -> Finding:
    word = f"doctor-{secrets.token_hex(8)}".encode()
    ear = _Ear(word)
    await bus.open(ear)
    try:
        async with asyncio.timeout(_SECONDS):
            await ear.up.wait()
        bus.publish(word)
        async with asyncio.timeout(_SECONDS):
            await ear.heard_it.wait()
    except TimeoutError:
        problem = "is up, but carries nothing" if ear.up.is_set() else "cannot be reached"
        return Finding("fail", f"bus: {kind} {problem}", _ADVICE)
    finally:
        await bus.close()
    return Finding("ok", f"bus: {kind} carries what is said")
