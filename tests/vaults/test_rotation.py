"""Keys change while serving: agreed upon by replicas, records wrapped anew, trouble told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.chaos.tampering import account, key_file
from providers.core.errors import ProviderError
from server.cli.key_file import add_key, drop_keys
from server.connections import rotation
from server.connections.envelope import Envelope
from server.connections.facade import Connections
from server.connections.keyring import KeyRing
from server.connections.replicas import Replicas, sealing
from server.connections.rotation import Rewrapper
from server.connections.sealer import Sealer
from server.connections.store import Store
from server.connections.tables import SUBSCRIPTIONS
from server.connections.wrapped import ENVELOPES, Row, WrappedRecords
from server.service import running
from server.settings import parse

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "_TURN_SECONDS", 0.02)


@asynccontextmanager
async def replica(store: str, keys: str, **more: Any) -> AsyncIterator[Connections]:
    found = Connections(parse({"store": store, "keyring": keys, **more}))
    try:
        await found.open()
        yield found
    finally:
        await found.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


# -- agreement


def test_the_first_key_that_all_have_seals() -> None:
    a, b, c = b"aaaa", b"bbbb", b"cccc"
    assert sealing([a, b], {}) == a
    assert sealing([a, b], {"1": {a: True, b: False}, "2": {b: True}}) == b
    assert sealing([a, b, c], {"1": {b: True, c: False}, "2": {c: True, b: False}}) == b
    assert sealing([a], {"1": {b: True}}) == a


async def test_a_new_key_seals_once_every_replica_has_it(store: str, tmp_path: Path) -> None:
    """Files on two machines: while one has the new key alone, nothing is sealed by it."""
    here, there = key_file(tmp_path, "here", OLD), key_file(tmp_path, "there", OLD)
    async with replica(store, here) as one, replica(store, there) as other:
        old = one.ring.primary.id
        new = add_key(Path(here)).ids[0]
        await until(lambda: new in one.ring.ids)
        await asyncio.gather(*(one._rotation._agree() for _ in range(3)))  # type: ignore[union-attr]
        assert one.ring.primary.id == old
        token = one.sealer("page").seal(b"x")
        assert other.sealer("page").open(token) == b"x"
        Path(there).write_text(Path(here).read_text())
        await until(lambda: {one.ring.primary.id, other.ring.primary.id} == {new})
        assert other.sealer("page").open(one.sealer("page").seal(b"y")) == b"y"


async def test_a_replica_that_starts_with_a_newer_ring_waits_for_the_older_ones(
    store: str, tmp_path: Path
) -> None:
    """A roll-out with keys in the environment: pods of before have the old ring alone."""
    keys = key_file(tmp_path, "old", OLD)
    newer = tmp_path / "newer"
    newer.write_text(Path(keys).read_text())
    newer.chmod(0o600)
    new = add_key(newer).ids[0]
    async with replica(store, keys) as before:
        old = before.ring.primary.id
        async with replica(store, str(newer)) as after:
            assert after.ring.primary.id == old
            await before.close()
            await until(lambda: after.ring.primary.id == new)


async def test_replicas_that_share_no_key_have_no_say(store: str, tmp_path: Path) -> None:
    ours, theirs = key_file(tmp_path, "us", OLD), key_file(tmp_path, "eu", NEW)
    async with replica(store, theirs, region="eu"), replica(store, ours) as one:
        new = add_key(Path(ours)).ids[0]
        await until(lambda: one.ring.primary.id == new)


async def test_replicas_of_other_regions_that_share_the_ring_have(
    store: str, tmp_path: Path
) -> None:
    """Whoever wraps records anew wraps those of all regions."""
    ours, theirs = key_file(tmp_path, "us", OLD), key_file(tmp_path, "eu", OLD)
    async with replica(store, theirs, region="eu") as there, replica(store, ours) as here:
        old = here.ring.primary.id
        new = add_key(Path(ours)).ids[0]
        await until(lambda: new in here.ring.ids)
        await here._rotation._agree()  # type: ignore[union-attr]
        assert here.ring.primary.id == old
        Path(theirs).write_text(Path(ours).read_text())
        await until(lambda: {here.ring.primary.id, there.ring.primary.id} == {new})


@pytest.mark.parametrize("name", ["keys/x", "keys/x/zz"])
async def test_a_lease_that_no_replica_wrote_ends_nothing(
    store: str, tmp_path: Path, name: str
) -> None:
    """Rows of the store are not believed: none of them keeps keys from being looked after."""
    keys = key_file(tmp_path, "here", OLD)
    async with replica(store, keys) as one:
        assert await one.store.lease(name, "seals", 600)
        new = add_key(Path(keys)).ids[0]
        await until(lambda: one.ring.primary.id == new)


async def test_a_dead_replica_has_no_say_for_long(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.connections.replicas.SECONDS", 0.5)
    own = Store(store)
    await own.open()
    await Replicas(own).announce([b"gone"], b"gone")
    keys = Replicas(own)
    async with asyncio.timeout(60):
        while await keys.seen([b"gone"]):
            await asyncio.sleep(0.05)
    await own.close()


async def test_what_a_replica_stored_that_was_away_while_its_key_was_retired_is_not_lost(
    store: str, tmp_path: Path
) -> None:
    """Frozen for half a minute it counts for gone. The first thing that it does when it goes on may
    be to store a token that nobody else has.
    """
    keys = key_file(tmp_path, "ring", OLD)
    async with replica(store, keys) as one, replica(store, keys) as away:
        frozen: Any = away._rotation
        for task in frozen._tasks:
            task.cancel()
        await asyncio.gather(*frozen._tasks, return_exceptions=True)
        await frozen._replicas.leave()
        old, new = one.ring.primary.id, add_key(Path(keys)).ids[0]
        await until(lambda: one.ring.primary.id == new)
        drop_keys(Path(keys), [old])
        await until(lambda: one.ring.ids == (new,))
        await away.directory.create(account("late"), "")
        with pytest.raises(ProviderError, match="do not open"):
            await one.resolve("late", {})
        # Another replica is at work on the store.
        assert await one.store.lease("rewrap/us", "somebody", 30)
        loop = asyncio.get_running_loop()
        frozen._tasks = [loop.create_task(each()) for each in (frozen._watch, frozen._rewrap)]
        await until(lambda: away.ring.ids == (new,))
        counts = WrappedRecords(one.store).counts
        async with asyncio.timeout(20):
            while (await counts())[old]:
                await asyncio.sleep(0.01)
        assert (await one.resolve("late", {})).connection_id == "late"
        assert frozen._late is not None, "what is being stored right now would be lost"
        frozen._stale.set()
        await until(lambda: frozen._late is None)


async def test_leases_that_ended_long_ago_are_cleared(store: str) -> None:
    own = Store(store)
    await own.open()
    assert await own.lease("oauth:old", "a", -2 * 86_400)
    assert await own.lease("oauth:new", "a", 60)
    await Replicas(own).announce([b"keys"], b"keys")
    assert await own.lease("oauth:old", "b", 60)
    assert not await own.lease("oauth:new", "b", 60)
    await own.close()


# -- records


async def test_credentials_and_subscriptions_are_sealed_anew(store: str) -> None:
    """R14: also those of static connections, whose place nobody can know without their secret."""
    own = Store(store)
    await own.open()
    before, both = KeyRing([OLD]), KeyRing([NEW, OLD])
    place = ("us", "zoom", "static/a", "digest of a secret")
    await own.save_grant("static/a", Envelope(before).seal(b"tokens", place), version=0)
    sealed = Sealer(before, "subscriptions", "us").seal(b"topic", bound_to=b"row")
    row = {
        "name": "row", "connection_id": "a", "provider": "zoom", "sealed": sealed,
        "renew_at": None, "wanted_until": 0, "version": 1,
    }  # fmt: skip
    async with own.one() as database:
        await database.execute(own.inserting(SUBSCRIPTIONS, row))
    records = WrappedRecords(own)
    assert await records.counts() == {before.primary.id: 2}
    assert await Rewrapper(own, both, "here", "us").run() == 2
    assert await records.counts() == {both.primary.id: 2}
    after = KeyRing([NEW])
    grant = await own.grant("static/a")
    assert grant is not None
    assert Envelope(after).open(grant.sealed, place) == b"tokens"
    async with own.one() as database:
        (found,) = (await database.execute(SUBSCRIPTIONS.select())).mappings()
    assert Sealer(after, "subscriptions", "us").open(found["sealed"], bound_to=b"row") == b"topic"
    with pytest.raises(ProviderError):
        Envelope(before).open(grant.sealed, place)
    assert await Rewrapper(own, both, "here", "us").run() == 0
    await own.close()


async def test_a_record_that_does_not_open_stands_in_nobodys_way(store: str) -> None:
    own = Store(store)
    await own.open()
    before = Envelope(KeyRing([OLD]))
    for number in range(120):
        sealed = before.seal(b"x", ("us", "zoom", f"c{number:03}", ""))
        changed = sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]
        await own.save_grant(f"c{number:03}", changed if number % 10 else sealed, version=0)
    ring = KeyRing([NEW, OLD])
    assert await Rewrapper(own, ring, "here", "us", rate=1e6).run() == 12
    assert (await WrappedRecords(own).counts())[KeyRing([OLD]).primary.id] == 108
    await own.close()


async def test_a_row_that_was_written_meanwhile_is_left_alone(store: str) -> None:
    own = Store(store)
    await own.open()
    version = await own.save_grant("a", b"first", version=0)
    records = WrappedRecords(own)
    assert await records.replace(ENVELOPES, Row("a", version, b"first"), b"first, anew")
    # A refresh that read before that still writes: what it brings must not be lost.
    newer = await own.save_grant("a", b"second", version=version)
    assert newer
    assert not await records.replace(ENVELOPES, Row("a", version, b"first"), b"too late")
    assert not await records.replace(ENVELOPES, Row("a", newer, b"first"), b"too late")
    found = await own.grant("a")
    assert found is not None
    assert found.sealed == b"second"
    await own.close()


async def test_one_replica_at_a_time_wraps(store: str) -> None:
    own = Store(store)
    await own.open()
    sealed = Envelope(KeyRing([OLD])).seal(b"x", ("us", "zoom", "a", ""))
    await own.save_grant("a", sealed, version=0)
    ring = KeyRing([NEW, OLD])
    assert await own.lease("rewrap/us", "somebody", 60)
    assert await Rewrapper(own, ring, "here", "us").run() == 0
    await own.release("rewrap/us", "somebody")
    assert await Rewrapper(own, ring, "here", "us").run() == 1
    await own.close()


# -- trouble


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_a_key_file_that_is_spoilt_is_told_and_keys_stay(store: str, tmp_path: Path) -> None:
    keys = Path(key_file(tmp_path, "keys", OLD))
    good = keys.read_text()
    async with replica(store, str(keys)) as one:
        await one.directory.create(account("ann"), "")
        for text, told in (("rubbish!", "no base64"), ("", "holds no keys")):
            keys.write_text(text)
            await until(lambda told=told: told in one.trouble)  # type: ignore[misc]
            one._resolver.forget("ann")
            await one.resolve("ann", {})
        keys.unlink()
        await until(lambda: "No such file" in one.trouble)
        keys.write_text(good)
        keys.chmod(0o600)
        await until(lambda: one.trouble == "")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
class _Spoilt:
    """A source that fails as nobody expects; its keys are over by then."""

    def __init__(self) -> None:
        self.asked = 0

    async def changed(self) -> None:
        self.asked += 1
        if self.asked > 1:
            raise ValueError("canary")

    def expired(self) -> bool:
        return self.asked > 2


async def test_keys_end_in_time_whatever_their_source_does(
    store: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = Store(store)
    await found.open()
    ring = KeyRing([OLD])
    looked = rotation.Rotation(found, ring, _Spoilt(), "us")
    try:
        await looked.open()
        await until(lambda: not ring.ids)
        assert looked.trouble
        assert "canary" not in caplog.text
    finally:
        await looked.close()
        await found.close()


async def test_readiness_and_a_metric_tell_of_trouble(store: str, tmp_path: Path) -> None:
    keys = Path(key_file(tmp_path, "keys", OLD))
    settings = parse(
        {
            "store": store, "keyring": str(keys), "listen": "127.0.0.1:0",
            "http_listen": "127.0.0.1:0", "limits": {"drain_delay": 0, "drain_grace": 0},
        }
    )  # fmt: skip
    async with running(settings) as service, httpx.AsyncClient(trust_env=False) as client:

        async def told(path: str) -> tuple[int, str]:
            answer = await client.get(f"http://{service.http_address}{path}")
            return answer.status_code, answer.text

        assert await told("/readyz") == (200, "ok\n")
        keys.unlink()
        async with asyncio.timeout(60):
            while (await told("/readyz"))[1] == "ok\n":
                await asyncio.sleep(0.02)
        status, text = await told("/readyz")
        assert status == 200
        assert text.startswith("degraded: cannot read the key file")
        assert "ucal_key_source_trouble 1.0" in (await told("/metrics"))[1]


def test_dropping_keys_keeps_the_others_and_comments(tmp_path: Path) -> None:
    path = Path(key_file(tmp_path, "keys", OLD))
    add_key(path)
    ring = add_key(path)
    path.write_text(f"# ours\n{path.read_text().replace(chr(10), ',', 1)}")
    left = drop_keys(path, [ring.ids[1]])
    assert left.ids == (ring.ids[0], ring.ids[2])
    assert path.read_text().startswith("# ours\n")
