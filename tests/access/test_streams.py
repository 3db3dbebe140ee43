"""Open watches end when their caller is let in no more: revoked, expired, moved out of sight."""

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from providers.core.errors import Kind, ProviderError
from server.access.key_format import parse
from server.access.standing import Standing
from tests.access.door import Place, grant, opened, place, refusal_of
from ucal.v1 import connection_pb2, watch_pb2


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Looks happen often, and what is remembered grows old fast."""
    monkeypatch.setattr("server.access.key_check.FRESH_SECONDS", 0.05)
    monkeypatch.setattr("server.access.build.EVERY_SECONDS", 0.05)
    return place(tmp_path)


async def begun(call: Any) -> None:
    first = await call.read()
    assert first.HasField("opened")


async def end_of(call: Any) -> tuple[str, str]:
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return refusal_of(error).short
    return "OK", ""


def watch(connection_id: str) -> Any:
    return watch_pb2.WatchEventsRequest(scope=watch_pb2.WatchScope(connection_id=connection_id))


def new(tenant: str) -> Any:
    made = connection_pb2.Connection(provider="sandbox", labels={"tenant": tenant})
    return connection_pb2.CreateConnectionRequest(connection=made)


async def test_a_watch_ends_when_its_key_is_revoked_and_others_go_on(where: Place) -> None:
    root, key = await where.key(grant("admin")), await where.key(grant("read"))
    async with opened(where) as door:
        made = (await door.call("CreateConnection", new("acme"), root)).connection
        ended = door.call("WatchEvents", watch(made.id), key)
        stays = door.call("WatchEvents", watch(made.id), root)
        await begun(ended)
        await begun(stays)
        async with where.keys() as keys:
            await keys.revoke(parse(key).id)  # type: ignore[union-attr]
        assert await end_of(ended) == ("UNAUTHENTICATED", "CALLER_CREDENTIALS_REVOKED")
        assert not stays.done()
        stays.cancel()


async def test_a_long_poll_ends_when_its_key_is_revoked(where: Place) -> None:
    root, key = await where.key(grant("admin")), await where.key(grant("read"))
    async with opened(where) as door:
        made = (await door.call("CreateConnection", new("acme"), root)).connection
        scope = watch_pb2.WatchScope(connection_id=made.id)
        begun_at = await door.call("PollEvents", watch_pb2.PollEventsRequest(scope=scope), key)
        waiting = watch_pb2.PollEventsRequest(scope=scope, resume_token=begun_at.resume_token)
        waiting.wait.seconds = 15
        call = asyncio.ensure_future(door.refusal("PollEvents", waiting, key))
        async with where.keys() as keys:
            await keys.revoke(parse(key).id)  # type: ignore[union-attr]
        refusal = await asyncio.wait_for(call, 10)
    assert refusal.short == ("UNAUTHENTICATED", "CALLER_CREDENTIALS_REVOKED")


async def test_a_watch_ends_when_its_key_expires(where: Place) -> None:
    key = await where.key(grant("*"), expires_at=time.time() + 1.5)
    async with opened(where) as door:
        made = (await door.call("CreateConnection", new("acme"), key)).connection
        call = door.call("WatchEvents", watch(made.id), key)
        await begun(call)
        assert await end_of(call) == ("UNAUTHENTICATED", "CALLER_CREDENTIALS_EXPIRED")


async def test_a_watch_ends_when_its_connection_becomes_another_tenants(where: Place) -> None:
    root = await where.key(grant("admin"))
    key = await where.key(grant("read", labels={"tenant": "acme"}))
    async with opened(where) as door:
        made = (await door.call("CreateConnection", new("acme"), root)).connection
        call = door.call("WatchEvents", watch(made.id), key)
        await begun(call)
        move = connection_pb2.UpdateConnectionRequest(
            id=made.id, connection=connection_pb2.Connection(labels={"tenant": "globex"})
        )
        await door.call("UpdateConnection", move, root)
        assert await end_of(call) == ("NOT_FOUND", "NOT_FOUND")


# -- the keeper of streams by itself


@pytest.fixture
async def standing() -> Standing:
    return Standing(every=0.01)


async def test_a_block_that_ends_by_itself_leaves_nothing_running(standing: Standing) -> None:
    async def good() -> None:
        return None

    async with standing.kept(good):
        await asyncio.sleep(0.03)
    assert not standing._streams
    assert standing._task is None


async def test_a_store_that_is_away_ends_no_stream(standing: Standing) -> None:
    asked = asyncio.Event()

    async def away() -> None:
        asked.set()
        raise ProviderError(Kind.UNAVAILABLE, "away", reason="STORE_UNAVAILABLE")

    async with standing.kept(away):
        await asked.wait()
        await asyncio.sleep(0.05)


async def test_the_blocks_own_timeout_stays_its_own(standing: Standing) -> None:
    async def good() -> None:
        return None

    with pytest.raises(TimeoutError):
        async with standing.kept(good):
            raise TimeoutError


async def test_a_stream_that_ends_slowly_is_told_once(standing: Standing) -> None:
    """And the others are looked at all the same, whatever a look runs into."""
    looks = 0

    async def bad() -> None:
        nonlocal looks
        looks += 1
        raise ProviderError(Kind.UNAUTHENTICATED, "no", reason="CALLER_CREDENTIALS_REVOKED")

    async def broken() -> None:
        raise ZeroDivisionError

    async def slow() -> None:
        async with standing.kept(bad):
            try:
                await asyncio.sleep(10)
            finally:
                await asyncio.sleep(0.1)

    async def other() -> None:
        async with standing.kept(broken):
            await asyncio.sleep(10)

    first, second = await asyncio.gather(slow(), other(), return_exceptions=True)
    assert isinstance(first, ProviderError)
    assert isinstance(second, ProviderError)
    assert looks == 1
    assert second.kind is Kind.ADAPTER_FAULT


async def test_one_bad_look_ends_one_stream(standing: Standing) -> None:
    bad = asyncio.Event()

    async def good() -> None:
        return None

    async def checked() -> None:
        if bad.is_set():
            raise ProviderError(Kind.UNAUTHENTICATED, "no", reason="CALLER_CREDENTIALS_REVOKED")

    over = asyncio.Event()

    async def other() -> None:
        async with standing.kept(good):
            await over.wait()

    async def ended() -> None:
        async with standing.kept(checked):
            bad.set()
            await asyncio.sleep(10)

    task = asyncio.ensure_future(other())
    with pytest.raises(ProviderError):
        await ended()
    assert not task.done()
    over.set()
    await task
