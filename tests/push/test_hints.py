"""A delivery that one replica takes: what it becomes here, and on the other replicas."""

from typing import Any

import pytest

from providers.core.push import Hint
from server.bus.memory import MemoryBus
from server.bus.replicas import Replicas
from server.connections.keyring import KeyRing
from server.connections.sealer import Sealer
from server.push.hints import Hints
from server.watch.happenings import Happening
from tests.watch.world import CALENDAR, EVENT, ManualClock
from ucal.v1 import watch_pb2

RING = KeyRing.generate()
STARTED = watch_pb2.CHANGE_TYPE_STARTED


class Replica:
    """A hub and registrations that note what they are told."""

    def __init__(self, line: list[MemoryBus]) -> None:
        self.bus = MemoryBus(line)
        self.replicas = Replicas(self.bus, Sealer(RING, "bus"), ManualClock())
        self.hints = Hints(self, self, self.replicas)  # type: ignore[arg-type]
        self.woken: list[tuple[Any, ...]] = []
        self.happened_all: list[tuple[str, Happening]] = []
        self.calendars: dict[str, str] = {}
        self.users: dict[tuple[str, int], list[str]] = {}
        self.within = 0.0

    def nudge(self, connection: str, kind: int, calendar: str | None, within: float) -> int:
        self.woken.append((connection, kind, calendar))
        self.within = within
        return 1

    def happened(self, connection: str, happening: Happening, calendar: str | None) -> None:
        self.happened_all.append((connection, happening))

    def calendar_of(self, connection: str, subscription: str) -> str | None:
        return self.calendars.get(subscription)

    def watched(self, provider: str, kind: int, account: bytes) -> list[str]:
        return self.users.get((provider, kind), [])

    def hurry(self, connection: str, subscription: str) -> None:
        """Of no interest here."""


@pytest.fixture
async def pair() -> tuple[Replica, Replica]:
    line: list[MemoryBus] = []
    one, two = Replica(line), Replica(line)
    for each in (one, two):
        await each.bus.open(each.replicas)
    return one, two


async def test_it_wakes_both_each_by_what_it_knows(pair: tuple[Replica, Replica]) -> None:
    one, two = pair
    two.calendars["sub"] = "ada@example.com"
    one.hints.take("vendor", "c", Hint(EVENT, "sub", "1"))
    assert one.woken == [("c", EVENT, None)], "which calendar is not known here: all of them"
    assert two.woken == [("c", EVENT, "ada@example.com")]


async def test_the_same_again_wakes_nobody_wherever_it_comes(
    pair: tuple[Replica, Replica],
) -> None:
    one, two = pair
    one.hints.take("vendor", "c", Hint(EVENT, "sub", "1"))
    for each in (one, two):
        each.hints.take("vendor", "c", Hint(EVENT, "sub", "1"))
    assert len(one.woken) == len(two.woken) == 1
    two.hints.take("vendor", "c", Hint(EVENT, "sub", "2"))
    two.hints.take("vendor", "other", Hint(EVENT, "sub", "1"))
    two.hints.take("vendor", "c", Hint(CALENDAR, "sub", "1"))
    assert len(one.woken) == len(two.woken) == 4


async def test_without_a_name_every_delivery_counts(pair: tuple[Replica, Replica]) -> None:
    one, two = pair
    for _ in range(3):
        one.hints.take("vendor", "c", Hint(EVENT))
    assert len(one.woken) == len(two.woken) == 3


async def test_a_meeting_that_began_is_told_on_both_and_once(
    pair: tuple[Replica, Replica],
) -> None:
    one, two = pair
    one.users["zoom", EVENT] = ["a"]
    two.users["zoom", EVENT] = ["b", "c"]
    for _ in range(2):
        one.hints.take("zoom", "", Hint(EVENT, "", "1", "850", STARTED))
    assert [name for name, _ in one.happened_all] == ["a"]
    assert [name for name, _ in two.happened_all] == ["b", "c"]
    (mark,) = {found.mark for each in pair for _, found in each.happened_all}
    assert mark
    assert {found.object_id for _, found in two.happened_all} == {"850"}


async def test_an_app_of_many_users_does_not_wake_all_at_once(
    pair: tuple[Replica, Replica],
) -> None:
    one, _ = pair
    one.users["zoom", EVENT] = [f"c{number}" for number in range(1_000)]
    one.hints.take("zoom", "", Hint(EVENT))
    assert len(one.woken) == 1_000
    assert one.within == 20
    one.hints.take("zoom", "c7", Hint(EVENT))
    assert one.within == 0


async def test_ids_that_are_too_long_do_not_travel(pair: tuple[Replica, Replica]) -> None:
    one, two = pair
    one.hints.take("vendor", "c", Hint(EVENT, "s" * 5_000, "d" * 5_000, "o" * 5_000, STARTED))
    assert two.woken == [("c", EVENT, None)]
    assert two.happened_all == []


async def test_a_bus_that_is_down_keeps_nobody_here_from_being_woken(
    pair: tuple[Replica, Replica],
) -> None:
    one, two = pair
    one.bus.switch(up=False)
    one.hints.take("vendor", "c", Hint(EVENT, "sub", "1"))
    assert len(one.woken) == 1
    assert two.woken == []
