"""What travels on the bus: sealed, numbered, bounded, and of no use to whoever listens there."""

import pytest

from server.bus.frames import MAX_BYTES, Beat, Codec, Frame, Hinted, Moved
from server.bus.memory import MemoryBus
from server.bus.replicas import SILENCE_SECONDS, Replicas
from server.connections.keyring import KeyRing
from server.connections.sealer import Sealer
from tests.watch.world import ManualClock
from ucal.v1 import watch_pb2

RING = KeyRing.generate()
HINT = Hinted("zoom", "people", 3, "sub-1", b"mark", watch_pb2.CHANGE_TYPE_STARTED, "85000000001")


class Line:
    """Replicas on one line."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.line: list[MemoryBus] = []

    async def join(self, ring: KeyRing = RING) -> "Listening":
        found = Listening(MemoryBus(self.line), ring, self.clock)
        await found.replicas._bus.open(found.replicas)
        return found


class Listening:
    def __init__(self, bus: MemoryBus, ring: KeyRing, clock: ManualClock) -> None:
        self.bus = bus
        self.replicas = Replicas(bus, Sealer(ring, "bus"), clock)
        self.heard: list[object] = []
        self.gaps: list[str] = []
        self.replicas.listen(lambda sender, body: self.heard.append(body), self.gaps.append)


def test_a_frame_comes_back_as_it_was_and_shows_nothing() -> None:
    codec = Codec(Sealer(RING, "bus"))
    data = codec.write(Frame(1, "me", 7, HINT))
    assert len(data) < MAX_BYTES
    assert data.isascii()
    for shown in (b"zoom", b"people", b"sub-1", b"85000000001"):
        assert shown not in data
    found = codec.read(data)
    assert found is not None
    assert (found.sender, found.number, found.body) == ("me", 7, HINT)


@pytest.mark.parametrize("how", ["flipped", "cut", "other key", "other purpose", "huge", "old"])
def test_what_none_of_us_wrote_is_not_read(how: str) -> None:
    codec = Codec(Sealer(RING, "bus"))
    data = codec.write(Frame(1, "me", 1, HINT))
    if how == "flipped":
        data = data[:-3] + (b"A" if data[-3:-2] != b"A" else b"B") + data[-2:]
    elif how == "cut":
        data = data[:40]
    elif how == "other key":
        data = Codec(Sealer(KeyRing.generate(), "bus")).write(Frame(1, "me", 1, HINT))
    elif how == "other purpose":
        data = Codec(Sealer(RING, "page")).write(Frame(1, "me", 1, HINT))
    elif how == "huge":
        data += b"A" * MAX_BYTES
    else:
        past = Sealer(RING, "bus", now=lambda: 1_000_000.0)
        data = Codec(past).write(Frame(1, "me", 1, HINT))
    assert codec.read(data) is None


def test_another_version_is_not_read() -> None:
    codec = Codec(Sealer(RING, "bus"))
    assert codec.read(codec.write(Frame(2, "me", 1, Beat()))) is None


async def test_others_hear_and_whoever_speaks_does_not_hear_itself() -> None:
    line = Line()
    one, two = await line.join(), await line.join()
    one.replicas.say(HINT)
    assert two.heard == [HINT]
    assert one.heard == []


async def test_a_frame_that_is_played_again_is_dropped() -> None:
    line = Line()
    one, two = await line.join(), await line.join()
    tape: list[bytes] = []
    spy = MemoryBus(line.line)
    spy.deliver = tape.append  # type: ignore[method-assign]
    line.line.append(spy)
    one.replicas.say(Moved(b"feed", b"point"))
    for _ in range(3):
        two.bus.deliver(tape[0])
    assert two.heard == [Moved(b"feed", b"point")]


async def test_a_frame_that_is_lost_is_noticed() -> None:
    line = Line()
    one, two = await line.join(), await line.join()
    one.replicas.say(Beat())
    two.bus._up = False
    one.replicas.say(HINT)
    two.bus._up = True
    assert "missed" not in two.gaps
    one.replicas.say(Beat())
    assert two.gaps[-1] == "missed"
    assert two.heard == []


async def test_who_is_silent_is_not_relied_upon() -> None:
    line = Line()
    one, two = await line.join(), await line.join()
    assert not two.replicas.hears(one.replicas.name)
    one.replicas.say(Beat())
    assert two.replicas.hears(one.replicas.name)
    await line.clock.advance(SILENCE_SECONDS + 0.1)
    assert not two.replicas.hears(one.replicas.name)
    one.replicas.say(Beat())
    two.bus.switch(up=False)
    assert not two.replicas.hears(one.replicas.name)


async def test_strangers_on_the_bus_say_nothing() -> None:
    line = Line()
    one = await line.join()
    stranger = await line.join(KeyRing.generate())
    stranger.replicas.say(HINT)
    one.bus.deliver(b"")
    one.bus.deliver(b"\xff" * 100)
    assert one.heard == []
    assert one.gaps == ["up"]
