"""Credentials in use: one refresh at a time, stored before use, dead ones said to be dead."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from providers.core.auth import OAuthConfig
from providers.core.errors import Kind, ProviderError
from server.connections.facade import Connections
from server.connections.store import Store
from server.interceptors.scope import SCOPE, Scope
from tests.server.house import call, house, oauth
from tests.server.vendor import Vendor, VendorServer
from ucal.v1 import connection_pb2

DEAD = connection_pb2.CONNECTION_STATE_REAUTHORIZATION_REQUIRED


async def state(found: Connections, connection_id: str = "a") -> int:
    return (await found.directory.get(connection_id)).state


async def test_a_token_that_works_is_used_as_it_is(
    connections: Connections, vendor: VendorServer
) -> None:
    vendor.access.add("good")
    await connections.directory.create(oauth(access_token="good"), "")
    await call(connections)
    assert vendor.calls == {"Bearer good": 1}
    assert vendor.asked == []


@pytest.mark.parametrize("tokens", [{"access_token": "old"}, {}], ids=["refused", "absent"])
async def test_a_refused_or_absent_token_is_refreshed_and_kept(
    connections: Connections, vendor: VendorServer, tokens: dict[str, str]
) -> None:
    vendor.refresh.add("r0")
    await connections.directory.create(oauth(refresh_token="r0", **tokens), "")
    await call(connections)
    await call(connections)
    assert [form["refresh_token"] for form in vendor.asked] == ["r0"]
    assert vendor.asked[0] == {
        "grant_type": "refresh_token",
        "refresh_token": "r0",
        "client_id": "client",
        "client_secret": "client-secret",
        "path": "/oauth/common/token",
    }
    assert vendor.calls["Bearer access-1"] == 2


async def test_a_token_near_its_end_is_refreshed_before_it_is_used(
    connections: Connections, vendor: VendorServer
) -> None:
    vendor.refresh.add("r0")
    vendor.access.add("old")
    made = oauth(access_token="old", refresh_token="r0")
    made.oauth.expires_at.FromSeconds(int(time.time()) + 30)
    await connections.directory.create(made, "")
    await call(connections)
    assert vendor.calls == {"Bearer access-1": 1}


async def test_fifty_calls_refresh_once(connections: Connections, vendor: VendorServer) -> None:
    """P64: given 50 parallel calls on an expired token, then one refresh."""
    vendor.refresh.add("r0")
    await connections.directory.create(oauth(access_token="old", refresh_token="r0"), "")
    await asyncio.gather(*(call(connections) for _ in range(50)))
    assert len(vendor.asked) == 1
    assert vendor.calls["Bearer access-1"] == 50


@contextlib.asynccontextmanager
async def replicas(
    vendor: VendorServer, shared: dict[str, Any], count: int
) -> AsyncIterator[list[Connections]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(house(vendor, **shared)) for _ in range(count)]


async def test_replicas_refresh_a_rotating_token_one_at_a_time(
    vendor: VendorServer, shared: dict[str, Any]
) -> None:
    """P64, and issue 7: two replicas refresh one rotating token under races: it does not die."""
    async with replicas(vendor, shared, 3) as all_of_them:
        vendor.refresh.add("r0")
        await all_of_them[0].directory.create(oauth(access_token="old", refresh_token="r0"), "")
        for number in range(1, 9):
            results = await asyncio.gather(*(call(each) for each in all_of_them * 4))
            assert {reply.status for reply in results} == {200}
            assert len(vendor.asked) == number
            vendor.access.clear()
        assert await state(all_of_them[0]) == connection_pb2.CONNECTION_STATE_ACTIVE


async def test_the_loser_of_a_race_reads_again_before_it_declares_death(
    vendor: VendorServer, shared: dict[str, Any]
) -> None:
    """P64: another replica, which knows no lease, has refreshed meanwhile."""
    async with replicas(vendor, shared, 2) as (one, other):
        vendor.refresh.add("r0")
        await one.directory.create(oauth(access_token="old", refresh_token="r0"), "")
        vendor.hold = asyncio.Event()
        waiting = asyncio.create_task(call(one))
        await vendor.reached.wait()
        vendor.refresh.discard("r0")
        vendor.access.add("theirs")
        await other.directory.update(
            "a", oauth("", access_token="theirs", refresh_token="r9"), None
        )
        vendor.hold.set()
        assert (await waiting).status == 200
        assert vendor.calls["Bearer theirs"] == 1
        assert await state(one) == connection_pb2.CONNECTION_STATE_ACTIVE


async def test_a_dead_refresh_token_is_marked_and_nobody_asks_again(
    connections: Connections, vendor: VendorServer
) -> None:
    await connections.directory.create(oauth(access_token="old", refresh_token="dead"), "")
    results = await asyncio.gather(*(call(connections) for _ in range(20)), return_exceptions=True)
    for result in results:
        assert isinstance(result, ProviderError)
        assert result.kind is Kind.REAUTHORIZATION_REQUIRED
    assert len(vendor.asked) == 1
    assert await state(connections) == DEAD
    with pytest.raises(ProviderError) as refused:
        await connections.resolve("a", {})
    assert refused.value.kind is Kind.REAUTHORIZATION_REQUIRED


async def test_new_credentials_bring_it_back(
    connections: Connections, vendor: VendorServer
) -> None:
    await connections.directory.create(oauth(access_token="old", refresh_token="dead"), "")
    with pytest.raises(ProviderError):
        await call(connections)
    vendor.refresh.add("dead")  # the vendor was wrong: the same token, entered again, is tried
    await connections.directory.update(
        "a", oauth("", access_token="old", refresh_token="dead"), None
    )
    assert (await call(connections)).status == 200
    assert await state(connections) == connection_pb2.CONNECTION_STATE_ACTIVE


async def test_a_test_that_succeeds_brings_it_back(
    connections: Connections, vendor: VendorServer
) -> None:
    await connections.directory.create(oauth(access_token="old", refresh_token="dead"), "")
    with pytest.raises(ProviderError):
        await call(connections)
    tested = await connections.directory.test("a", {})
    assert tested.error is not None
    assert tested.error.kind is Kind.REAUTHORIZATION_REQUIRED
    vendor.access.add("old")
    tested = await connections.directory.test("a", {})
    assert tested.error is None
    assert tested.account.email == "ann@example.com"
    assert (await call(connections)).status == 200


async def test_a_caller_who_gives_up_does_not_lose_the_rotated_token(
    connections: Connections, vendor: VendorServer
) -> None:
    vendor.refresh.add("r0")
    await connections.directory.create(oauth(access_token="old", refresh_token="r0"), "")
    vendor.hold = asyncio.Event()
    hasty = asyncio.create_task(call(connections))
    await vendor.reached.wait()
    hasty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hasty
    vendor.hold.set()
    assert (await call(connections)).status == 200
    assert len(vendor.asked) == 1


async def test_the_deadline_of_a_caller_does_not_end_the_refresh(
    connections: Connections, vendor: VendorServer
) -> None:
    vendor.refresh.add("r0")
    await connections.directory.create(oauth(access_token="old", refresh_token="r0"), "")
    vendor.hold = asyncio.Event()

    async def hasty() -> None:
        SCOPE.set(Scope(deadline=asyncio.get_running_loop().time() + 0.1))
        await call(connections)

    with pytest.raises(ProviderError) as late:
        await asyncio.create_task(hasty())
    assert late.value.kind in {Kind.TIMEOUT, Kind.UNAVAILABLE}
    vendor.hold.set()
    assert (await call(connections)).status == 200
    assert len(vendor.asked) == 1


async def test_a_lost_answer_is_asked_for_again_while_the_vendor_allows_for_it(
    connections: Connections, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who allow for it do so for seconds: the next call may come too late."""
    monkeypatch.setattr("server.connections.grants._PAUSES", (0, 0))
    vendor.refresh.add("r0")
    vendor.grace = True
    await connections.directory.create(oauth(access_token="old", refresh_token="r0"), "")
    vendor.lose = 2
    assert (await call(connections)).status == 200
    assert [form["refresh_token"] for form in vendor.asked] == ["r0", "r0", "r0"]
    assert await state(connections) == connection_pb2.CONNECTION_STATE_ACTIVE


async def test_a_token_endpoint_that_stays_silent_leaves_the_connection_as_it_is(
    connections: Connections, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.connections.grants._PAUSES", (0, 0))
    vendor.refresh.add("r0")
    vendor.grace = True
    await connections.directory.create(oauth(access_token="old", refresh_token="r0"), "")
    vendor.lose = 3
    with pytest.raises(ProviderError) as lost:
        await call(connections)
    assert lost.value.kind is Kind.UNAVAILABLE
    assert lost.value.reason == "TOKEN_ENDPOINT_UNAVAILABLE"
    assert await state(connections) == connection_pb2.CONNECTION_STATE_ACTIVE
    assert (await call(connections)).status == 200


async def test_rotated_tokens_wait_in_memory_while_the_store_is_down(
    connections: Connections, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.refresh.add("r0")
    await connections.directory.create(oauth(access_token="old", refresh_token="r0"), "")
    save, down = Store.save_grant, [True]

    async def failing(self: Store, *args: Any, **options: Any) -> int:
        if down:
            raise ProviderError(Kind.UNAVAILABLE, "down")
        return await save(self, *args, **options)

    monkeypatch.setattr(Store, "save_grant", failing)
    monkeypatch.setattr("server.connections.keeper._SAVE_PAUSE", 0)
    monkeypatch.setattr("server.connections.keeper._LATER_SECONDS", 0)
    assert (await call(connections)).status == 200
    vendor.access.clear()  # the next refresh grows out of what is in memory alone
    assert (await call(connections)).status == 200
    assert [form["refresh_token"] for form in vendor.asked] == ["r0", "refresh-1"]
    down.clear()
    async with asyncio.timeout(5):
        while True:
            row = await connections.store.grant("a")
            connections._resolver.forget("a")
            entry = await connections._resolver.entry("a", {})
            assert row is not None
            if entry.held.version == row.version:
                break
            await asyncio.sleep(0)
    held = entry.held.credentials
    assert isinstance(held, connection_pb2.OAuthCredentials)
    assert held.refresh_token == "refresh-2"


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        ((400, {"error": "invalid_client"}), Kind.PRECONDITION, "OAUTH_CLIENT_REFUSED"),
        ((401, {"error": "unauthorized_client"}), Kind.PRECONDITION, "OAUTH_CLIENT_REFUSED"),
        ((400, {"error": "temporarily_unavailable"}), Kind.UNAVAILABLE, ""),
        ((400, {"error": "canary"}), Kind.PROVIDER_FAULT, "TOKEN_ENDPOINT_FAULT"),
        ((400, ["canary"]), Kind.PROVIDER_FAULT, "TOKEN_ENDPOINT_FAULT"),
        ((200, {"canary": 1}), Kind.PROVIDER_FAULT, "TOKEN_ENDPOINT_FAULT"),
        ((200, {"access_token": 5}), Kind.PROVIDER_FAULT, "TOKEN_ENDPOINT_FAULT"),
        ((200, {"access_token": "x" * 70_000}), Kind.PROVIDER_FAULT, "TOKEN_ENDPOINT_FAULT"),
        ((200, {"error": "invalid_grant"}), Kind.REAUTHORIZATION_REQUIRED, ""),
        ((400, {"error": "interaction_required"}), Kind.REAUTHORIZATION_REQUIRED, ""),
        ((503, {}), Kind.UNAVAILABLE, ""),
        ((429, {}), Kind.RATE_LIMITED, ""),
    ],
)
async def test_what_the_token_endpoint_says(
    connections: Connections,
    vendor: VendorServer,
    answer: tuple[int, Any],
    kind: Kind,
    reason: str,
) -> None:
    vendor.answer = answer
    await connections.directory.create(oauth(access_token="old", refresh_token="r0"), "")
    with pytest.raises(ProviderError) as failed:
        await call(connections)
    assert failed.value.kind is kind
    assert reason in {"", failed.value.reason}
    assert "canary" not in f"{failed.value} {failed.value.metadata} {failed.value.violations}"
    assert (await state(connections) == DEAD) is (kind is Kind.REAUTHORIZATION_REQUIRED)


@pytest.mark.parametrize("life", [3600, "3600", 3600.5, None, "soon", 1e300, -5])
async def test_expires_in_as_vendors_write_it(
    connections: Connections, vendor: VendorServer, life: Any
) -> None:
    vendor.refresh.add("r0")
    vendor.life = life
    await connections.directory.create(oauth(access_token="old", refresh_token="r0"), "")
    assert (await call(connections)).status == 200
    assert (await call(connections)).status == 200
    assert len(vendor.asked) == 1


async def test_clients_sign_in_by_header_where_the_vendor_wants_it(
    connections: Connections, vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined."""
    monkeypatch.setattr(
        Vendor,
        "oauth",
        OAuthConfig("https://a.example", "https://b.example", tenant="common", client_auth="basic"),
    )
    vendor.refresh.add("r0")
    made = oauth(refresh_token="r0", client_id="a:b", client_secret="c d")
    await connections.directory.create(made, "")
    await call(connections)
    header = vendor.asked[0]["authorization"].removeprefix("Basic ")
    assert base64.b64decode(header) == b"a%3Ab:c+d"
    assert "client_secret" not in vendor.asked[0]


async def test_without_a_client_nobody_is_asked(vendor: VendorServer) -> None:
    settings = vendor.settings()
    del settings["vendor"]["client_id"]
    async with house(vendor, providers=settings) as found:
        await found.directory.create(oauth(access_token="old", refresh_token="r0"), "")
        with pytest.raises(ProviderError) as failed:
            await call(found)
    assert failed.value.reason == "OAUTH_CLIENT_MISSING"
    assert vendor.asked == []


async def test_a_token_without_refresh_is_used_until_it_is_refused(
    connections: Connections, vendor: VendorServer
) -> None:
    vendor.access.add("good")
    made = oauth(access_token="good")
    made.oauth.expires_at.FromSeconds(int(time.time()) - 5)
    await connections.directory.create(made, "")
    assert (await call(connections)).status == 200
    vendor.access.clear()
    with pytest.raises(ProviderError) as refused:
        await call(connections)
    assert refused.value.kind is Kind.UNAUTHENTICATED
    assert await state(connections) == connection_pb2.CONNECTION_STATE_ACTIVE


async def test_revocation(connections: Connections, vendor: VendorServer) -> None:
    """RFC 7009."""
    await connections.directory.create(oauth(access_token="old", refresh_token="r0"), "")
    await connections.directory.delete("a", etag="", revoke=True, allow_missing=False)
    assert vendor.revoked == ["r0"]
