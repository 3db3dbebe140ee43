"""The other processes, as far as the bus knows them: who is heard, and whether all was heard.

Frames of a sender are numbered. One that has come before is dropped, whoever sent it again; a
number that is missing means that something was lost, and so does a bus that was down: then
everybody who listens is told to look at everything anew.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from providers.core.errors import ProviderError
from server.bus.frames import VERSION, Beat, Body, Codec, Frame, FrameSealer
from server.bus.ports import Bus
from server.metrics import BUS_FRAMES, BUS_UP
from server.watch.ports import Clock

BEAT_SECONDS = 1.0
# Three beats lost: the sender cannot be relied upon.
SILENCE_SECONDS = 3.5
_FORGET_SECONDS = 600.0
_MOST_PEERS = 1_000


@dataclass(slots=True)
class Peer:
    """Another process.

    Attributes:
        number: of its last frame.
        heard_at: when that came, on the loop's clock.
    """

    number: int
    heard_at: float


class Replicas:
    """What this process says to the others, and hears of them.

    Attributes:
        name: of this process, random.
        alone: nobody else can be there: the bus ends in this process.
    """

    def __init__(self, bus: Bus, sealer: FrameSealer, clock: Clock, *, alone: bool = False) -> None:
        self.name = secrets.token_hex(8)
        self.alone = alone
        self._bus = bus
        self._codec = Codec(sealer)
        self._clock = clock
        self._number = 0
        self._peers: dict[str, Peer] = {}
        self._listeners: list[Callable[[str, Body], None]] = []
        self._gaps: list[Callable[[str], None]] = []
        self._task: asyncio.Task[None] | None = None

    # -- for the parts of this process

    def listen(
        self, said: Callable[[str, Body], None], gap: Callable[[str], None] | None = None
    ) -> None:
        """From now on: `said(sender, body)` for what others say; `gap(why)` when some was lost.

        `why`: "down", "up" or "missed".
        """
        self._listeners.append(said)
        if gap is not None:
            self._gaps.append(gap)

    def say(self, body: Body) -> None:
        """Tell the others."""
        if self.alone:
            return
        self._number += 1
        try:
            data = self._codec.write(Frame(VERSION, self.name, self._number, body))
        except ProviderError:
            return  # the keys cannot be had; the missing number tells the others
        BUS_FRAMES.labels("sent").inc()
        self._bus.publish(data)

    @property
    def up(self) -> bool:
        """Whether what others say reaches this process."""
        return self.alone or self._bus.up

    def hears(self, name: str) -> bool:
        """Whether the process `name` has spoken lately."""
        peer = self._peers.get(name)
        lately = self._clock.time() - SILENCE_SECONDS
        return self._bus.up and peer is not None and peer.heard_at >= lately

    async def open(self) -> None:
        """Begin to speak and to listen."""
        await self._bus.open(self)
        if not self.alone:
            self._task = asyncio.get_running_loop().create_task(self._beat())

    async def close(self) -> None:
        """Fall silent."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._bus.close()

    async def _beat(self) -> None:
        while True:
            self.say(Beat())
            await asyncio.sleep(BEAT_SECONDS)

    # -- for the bus

    def heard(self, data: bytes) -> None:
        """See `Listener.heard`."""
        frame = self._codec.read(data)
        if frame is None:
            BUS_FRAMES.labels("refused").inc()
            return
        if frame.sender == self.name:
            return
        peer = self._peers.get(frame.sender)
        now = self._clock.time()
        if peer is None:
            self._meet(frame, now)
        elif frame.number <= peer.number:
            BUS_FRAMES.labels("repeated").inc()
            return
        else:
            missed = frame.number > peer.number + 1
            peer.number, peer.heard_at = frame.number, now
            if missed:
                BUS_FRAMES.labels("missed").inc()
                self._tell_gap("missed")
        BUS_FRAMES.labels("heard").inc()
        if not isinstance(frame.body, Beat):
            for said in self._listeners:
                said(frame.sender, frame.body)

    def _meet(self, frame: Frame, now: float) -> None:
        """A process that is new here; those that are long gone make room."""
        if len(self._peers) >= _MOST_PEERS:
            self._peers.clear()
        for name, peer in list(self._peers.items()):
            if peer.heard_at < now - _FORGET_SECONDS:
                del self._peers[name]
        self._peers[frame.sender] = Peer(frame.number, now)

    def changed(self, *, up: bool) -> None:
        """See `Listener.changed`."""
        BUS_UP.set(int(up))
        if not self.alone:
            self._tell_gap("up" if up else "down")

    def _tell_gap(self, why: str) -> None:
        for gap in self._gaps:
            gap(why)
