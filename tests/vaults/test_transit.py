"""The key ring wrapped by a real OpenBao: made, shared, rotated; served while the vault is away."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from sqlalchemy import delete, insert, select

from providers.core.errors import Kind, ProviderError
from server.connections import rotation
from server.connections.facade import Connections
from server.connections.keyring import KeyRingError
from server.connections.store import Store
from server.connections.tables import RING_KEYS
from server.service import running
from server.settings import parse
from server.vaults import transit
from server.vaults.facade import Vaults
from server.vaults.transit import TransitRing
from tests.server.house import basic, house
from tests.server.vendor import VendorServer
from tests.vaults.openbao import OpenBao
from ucal.v1 import event_pb2, event_pb2_grpc

RING = "vault:transit/ucal"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, so that no test waits for seconds."""
    monkeypatch.setattr(rotation, "_TURN_SECONDS", 0.02)
    monkeypatch.setattr(transit, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(transit, "_PROVE_SECONDS", 0.05)


def options(vault: OpenBao, store: str, **more: Any) -> dict[str, Any]:
    return {"store": store, "keyring": RING, "vault": vault.settings(**more)}


@asynccontextmanager
async def ring_of(vault: OpenBao, store: str) -> AsyncIterator[TransitRing]:
    """The ring as an administrator has it."""
    settings = parse(options(vault, store))
    own, vaults = Store(store), Vaults(settings)
    assert vaults.client is not None
    try:
        yield TransitRing(RING, settings.region, own, vaults.client)
    finally:
        await vaults.close()
        await own.close()


async def until(true: Any) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


async def call(found: Connections) -> int:
    resolved = await found.resolve("a", {})
    return (await resolved.call.http.send("GET", "/calendars")).status


async def test_replicas_share_a_ring_that_outlives_them(
    vendor: VendorServer, vault: OpenBao, store: str
) -> None:
    async with house(vendor, **options(vault, store)) as one:
        await one.directory.create(basic(), "")
        async with house(vendor, **options(vault, store)) as other:
            assert other.ring.ids == one.ring.ids
            assert await call(other) == 200
            token = one.sealer("page").seal(b"cursor")
            assert other.sealer("page").open(token) == b"cursor"
    async with house(vendor, **options(vault, store)) as later:
        assert later.sealer("page").open(token) == b"cursor"
        assert await call(later) == 200


async def test_replicas_that_start_at_once_make_one_key(
    vendor: VendorServer, vault: OpenBao, store: str
) -> None:
    settings = parse({**options(vault, store), "providers": vendor.settings()})
    made = [Connections(settings, environment={}) for _ in range(4)]
    try:
        await asyncio.gather(*(each.open() for each in made))
        assert len({each.ring.ids for each in made}) == 1
        assert len(made[0].ring.ids) == 1
    finally:
        for each in made:
            await each.close()


async def test_neither_store_nor_vault_alone_opens_anything(
    vendor: VendorServer, vault: OpenBao, store: str
) -> None:
    async with house(vendor, **options(vault, store)) as one:
        await one.directory.create(basic(), "")
        async with ring_of(vault, store) as ring:
            (key,) = await ring.keys()
    assert key.wrapped.startswith("vault:v1:")
    root = vault.client()
    root.secrets.transit.update_key_configuration("ucal", deletion_allowed=True)
    root.secrets.transit.delete_key("ucal")
    root.secrets.transit.create_key("ucal")
    with pytest.raises(ProviderError):
        async with house(vendor, **options(vault, store)):
            pass


async def test_a_rotation_is_seen_agreed_upon_and_ended(
    vendor: VendorServer, vault: OpenBao, store: str
) -> None:
    """R14."""
    async with (
        house(vendor, **options(vault, store)) as one,
        house(vendor, **options(vault, store)) as other,
        ring_of(vault, store) as ring,
    ):
        await one.directory.create(basic(), "")
        (old,) = one.ring.ids
        before = await one.store.grant("a")
        new = await ring.rotate()
        await until(lambda: {one.ring.primary.id, other.ring.primary.id} == {new})

        async def wrapped() -> bytes:
            row = await one.store.grant("a")
            assert row is not None
            return row.sealed[1:5]

        async with asyncio.timeout(60):
            while await wrapped() != new:
                await asyncio.sleep(0.02)
        await ring.retire([old])
        await until(lambda: one.ring.ids == other.ring.ids == (new,))
        one._resolver.forget("a")
        assert await call(one) == 200
        # The row of before the rotation, put back, does not open any more.
        now = await one.store.grant("a")
        assert before is not None
        assert now is not None
        assert await one.store.save_grant("a", before.sealed, version=now.version)
        one._resolver.forget("a")
        with pytest.raises(ProviderError) as refused:
            await call(one)
        assert refused.value.reason == "CREDENTIALS_UNREADABLE"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_keys_that_are_gone_from_the_store_are_kept_and_told(
    vendor: VendorServer, vault: OpenBao, store: str
) -> None:
    """A table that was emptied, or restored without: a new key would open nothing that there is."""
    async with house(vendor, **options(vault, store)) as one:
        await one.directory.create(basic(), "")
        known = one.ring.ids
        async with one.store.one() as database:
            rows = (await database.execute(select(RING_KEYS))).mappings().all()
            await database.execute(delete(RING_KEYS))
        await until(lambda: one.trouble)
        assert "gone from the store" in one.trouble
        assert one.ring.ids == known
        assert await call(one) == 200
        async with one.store.one() as database:
            assert (await database.execute(select(RING_KEYS))).first() is None
            await database.execute(insert(RING_KEYS).values([dict(row) for row in rows]))
        await until(lambda: not one.trouble)
        assert one.ring.ids == known


async def test_keys_serve_while_the_vault_is_sealed_and_not_for_ever(
    vendor: VendorServer, vault: OpenBao, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R15: cached keys serve for their time; then nothing opens; unsealed, it goes on by itself."""
    async with house(vendor, **options(vault, store)) as one:
        await one.directory.create(basic(), "")
        source = one._rotation._source  # type: ignore[union-attr]
        assert isinstance(source, transit.TransitKeys)
        vault.seal()
        try:
            await until(lambda: "sealed" in one.trouble)
            one._resolver.forget("a")
            assert await call(one) == 200
            source._seconds = 0.0  # the hour is over
            await until(lambda: one.ring.ids == ())
            one._resolver.forget("a")
            with pytest.raises(ProviderError) as failed:
                await call(one)
            assert (failed.value.kind, failed.value.reason) == (
                Kind.UNAVAILABLE,
                "KEYS_UNAVAILABLE",
            )
            source._seconds = 3600.0
        finally:
            vault.unseal()
        await until(lambda: one.trouble == "" and one.ring.ids)
        one._resolver.forget("a")
        assert await call(one) == 200


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_a_vault_that_was_killed_comes_back(
    vendor: VendorServer, vault: OpenBao, store: str
) -> None:
    """R15."""
    async with house(vendor, **options(vault, store)) as one:
        await one.directory.create(basic(), "")
        vault.kill()
        try:
            await until(lambda: "does not answer" in one.trouble)
            one._resolver.forget("a")
            assert await call(one) == 200
        finally:
            vault.start()
        await until(lambda: one.trouble == "")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_a_revoked_token_is_told_and_a_new_one_in_its_file_is_taken(
    vendor: VendorServer, vault: OpenBao, store: str, tmp_path: Path
) -> None:
    """R15: the sink of an agent is read again; nothing is restarted."""
    sink = tmp_path / "token"
    sink.write_text(vault.token)
    settings = options(vault, store, token="", token_file=str(sink))
    async with house(vendor, **settings) as one:
        await one.directory.create(basic(), "")
        vault.client().auth.token.revoke(vault.token)
        await until(lambda: "does not take the service's token" in one.trouble)
        one._resolver.forget("a")
        assert await call(one) == 200
        sink.write_text(vault.fresh_token())
        await until(lambda: one.trouble == "")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_a_service_that_starts_without_its_vault_says_why(
    vendor: VendorServer, vault: OpenBao, store: str
) -> None:
    vault.seal()
    try:
        with pytest.raises(ProviderError) as failed:
            async with house(vendor, **options(vault, store)):
                pass
        assert failed.value.reason == "VAULT_SEALED"
    finally:
        vault.unseal()
    missing = {**options(vault, store), "keyring": "vault:transit/none"}
    with pytest.raises((KeyRingError, ProviderError)):
        async with house(vendor, **missing):
            pass


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_wrapped_keys_that_were_changed_or_are_another_regions_are_refused(
    vendor: VendorServer, vault: OpenBao, store: str
) -> None:
    """R13, of the ring itself."""
    async with house(vendor, **options(vault, store)), ring_of(vault, store) as ring:
        (key,) = await ring.keys()
        body = base64.b64decode(key.wrapped.removeprefix("vault:v1:"))
        flipped = [
            bytes([*body[:at], body[at] ^ 1, *body[at + 1 :]]) for at in range(0, len(body), 3)
        ]
        changed = [f"vault:v1:{base64.b64encode(each).decode()}" for each in flipped]
        for wrapped in (*changed, key.wrapped[:-4], "vault:v1:", ""):
            with pytest.raises((ProviderError, KeyRingError)):
                await ring.unwrapped([replace(key, wrapped=wrapped)])
        with pytest.raises(KeyRingError):
            await ring.unwrapped([replace(key, id=b"\0\0\0\0")])
        settings = parse({**options(vault, store), "region": "eu"})
        vaults = Vaults(settings)
        assert vaults.client is not None
        elsewhere = TransitRing(RING, "eu", Store(store), vaults.client)
        with pytest.raises((ProviderError, KeyRingError)):
            await elsewhere.unwrapped([key])
        await elsewhere._store.close()
        await vaults.close()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_readiness_follows_the_vault(vault: OpenBao, store: str) -> None:
    """R15: degraded while keys serve, 503 when they are gone; a call says why."""
    settings = parse(
        {
            **options(vault, store, keys_seconds=6.0),
            "listen": "127.0.0.1:0",
            "http_listen": "127.0.0.1:0",
            "connections": [{"id": "box", "provider": "sandbox"}],
            "limits": {"drain_delay": 0, "drain_grace": 0},
        }
    )
    async with (
        running(settings) as service,
        httpx.AsyncClient(trust_env=False) as client,
        grpc.aio.insecure_channel(service.address) as channel,
    ):

        async def ready(text: str) -> int:
            async with asyncio.timeout(60):
                while True:
                    answer = await client.get(f"http://{service.http_address}/readyz")
                    if text in answer.text:
                        return answer.status_code
                    await asyncio.sleep(0.02)

        stub: Any = event_pb2_grpc.EventServiceStub(channel)
        page = await stub.ListEvents(
            event_pb2.ListEventsRequest(connection_id="box", page_size=1), timeout=30
        )
        assert await ready("ok") == 200
        vault.seal()
        try:
            assert await ready("degraded: the operator's vault is sealed") == 200
            assert await ready("the keys cannot be had from their vault") == 503
            asked = event_pb2.ListEventsRequest(
                connection_id="box", page_size=1, page_token=page.next_page_token
            )
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await stub.ListEvents(asked, timeout=30)
            assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
            assert "keys cannot be had" in (failed.value.details() or "")
        finally:
            vault.unseal()
        assert await ready("ok") == 200
        await stub.ListEvents(asked, timeout=30)
