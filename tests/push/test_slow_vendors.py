"""Subscriptions at vendors that answer late or not at all, and watches that end before they do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from providers.core.errors import Kind, ProviderError
from providers.core.push import Subscription, Topic
from server.connections.store import Store
from server.push import registrations
from tests.push.test_registrations import DAY, UNIT, Target, Vendor, World


class SlowVendor(Vendor):
    """Says yes when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    async def create(self, provider: str, connection_id: str, topic: Topic) -> Subscription:
        self.asked.set()
        await self.let.wait()
        return await super().create(provider, connection_id, topic)

    async def renew(self, provider: str, connection_id: str, made: Subscription) -> Subscription:
        self.asked.set()
        await self.let.wait()
        return await super().renew(provider, connection_id, made)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = Store(f"sqlite:///{tmp_path}/ucal.db")
    await store.open()
    found = World(store)
    found.vendor = SlowVendor()
    yield found
    await store.close()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_watch_that_ends_while_it_is_made_is_not_counted(world: World) -> None:
    replica, vendor = world.replica("a"), world.vendor
    assert isinstance(vendor, SlowVendor)
    opening = asyncio.create_task(replica.attend())
    await vendor.asked.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert replica.registrations.watched("vendor", UNIT.kind) == set()
    vendor.let.set()
    await until(lambda: not replica.registrations.making)
    assert "pushed" not in replica.said, "nobody watches it"
    await world.shift(wanted_until=61_000)
    await replica.later(15)
    assert vendor.there == set(), "what was made for nobody is ended"


async def test_a_late_yes_is_still_a_yes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registrations, "_PATIENCE", 0.05)
    replica, vendor = world.replica("a"), world.vendor
    assert isinstance(vendor, SlowVendor)
    assert "asked meanwhile" in await replica.attend()
    vendor.let.set()
    await until(lambda: not replica.registrations.making)
    assert replica.said == ["pushed"]
    assert vendor.calls == ["create"]
    assert vendor.there == {"sub-1"}
    assert await replica.attend() == ""


async def test_a_late_no_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registrations, "_PATIENCE", 0.05)
    replica, vendor = world.replica("a"), world.vendor
    assert isinstance(vendor, SlowVendor)
    await replica.attend()
    vendor.error = ProviderError(Kind.UNAVAILABLE, "not now")
    vendor.let.set()
    await until(lambda: not replica.registrations.making)
    vendor.error = None
    await replica.later(80)
    assert replica.said == ["pushed"]


async def test_a_vendor_that_hangs_at_renewal_lets_nothing_lapse(world: World) -> None:
    replica, vendor = world.replica("a"), world.vendor
    assert isinstance(vendor, SlowVendor)
    vendor.let.set()
    await replica.attend()
    await world.shift(renew_at=DAY)
    vendor.let.clear()
    vendor.asked.clear()
    keeping = asyncio.create_task(replica.registrations.keep())
    await vendor.asked.wait()
    await world.shift(wanted_until=59_000)
    before = (await world.row())["wanted_until"]
    await replica.registrations.want()
    assert (await world.row())["wanted_until"] > before + 50_000
    vendor.let.set()
    await keeping
    assert "delete" not in vendor.calls


async def test_renewals_do_not_wait_for_one_another(world: World) -> None:
    replica, vendor = world.replica("a"), world.vendor
    assert isinstance(vendor, SlowVendor)
    vendor.let.set()
    await replica.attend()
    other = Target("d")
    await replica.registrations.attend(other, [UNIT])  # type: ignore[arg-type]
    await world.shift(renew_at=DAY)
    vendor.let.clear()
    waiting: list[str] = []

    async def renew(provider: str, connection_id: str, made: Subscription) -> Subscription:
        waiting.append(connection_id)
        await vendor.let.wait()
        return made

    vendor.renew = renew  # type: ignore[method-assign]
    keeping = asyncio.create_task(replica.registrations.keep())
    await until(lambda: len(waiting) == 2)
    vendor.let.set()
    await keeping


async def test_a_plea_to_renew_outlives_a_store_that_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P14: a paused subscription is silent until it is renewed."""
    replica, vendor = world.replica("a"), world.vendor
    assert isinstance(vendor, SlowVendor)
    vendor.let.set()
    await replica.attend()
    replica.registrations.hurry("c", "sub-1")
    rows = replica.registrations._rows

    async def away(*_: object) -> None:
        raise ProviderError(Kind.UNAVAILABLE, "the store is away")

    with monkeypatch.context() as patched:
        patched.setattr(rows, "hurry", away)
        with pytest.raises(ProviderError):
            await replica.later(15)
    await replica.later(15)
    assert vendor.calls.count("renew") == 1


async def test_what_cannot_be_written_down_is_ended_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica, vendor = world.replica("a"), world.vendor
    assert isinstance(vendor, SlowVendor)
    vendor.let.set()

    async def away(*_: object) -> int:
        raise ProviderError(Kind.UNAVAILABLE, "the store is away")

    monkeypatch.setattr(replica.registrations._rows, "put", away)
    assert "cannot be had" in await replica.attend()
    assert vendor.calls == ["create", "delete"]
    assert vendor.there == set()


async def test_one_made_while_the_store_is_asked_is_not_taken_for_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica, vendor = world.replica("a"), world.vendor
    assert isinstance(vendor, SlowVendor)
    opening = asyncio.create_task(replica.attend())
    await vendor.asked.wait()
    rows = replica.registrations._rows
    want = rows.want

    async def late(names: Any, seconds: float) -> dict[str, int]:
        found = await want(names, seconds)
        vendor.let.set()
        await until(lambda: replica.said)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(rows, "want", late)
        await replica.registrations.want()
    assert await opening == ""
    assert replica.said == ["pushed"]
