"""The OAuth dance: sealed state, PKCE, exact redirects, codes and states that work once."""

import asyncio
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from providers.core.errors import Kind, ProviderError
from server.connections.facade import Connections
from tests.server.house import house, oauth
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

BACK = "https://app.example/back"


async def begun(
    found: Connections, vendor: VendorServer, connection_id: str = "", code: str = "code"
) -> tuple[dict[str, str], str]:
    """A dance of which the person has said yes; the query of the vendor's page, and the state."""
    url, state = await found.authorizations.start("vendor", BACK, (), connection_id)
    query = dict(parse_qsl(urlsplit(url).query))
    vendor.codes[code] = (query["redirect_uri"], query["code_challenge"])
    return query, state


async def invalid(work: object, field: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await work  # type: ignore[misc]
    assert caught.value.kind is Kind.INVALID
    assert [path for path, _ in caught.value.violations] == [field]


async def test_a_dance_ends_in_a_connection_that_works(vendor: VendorServer) -> None:
    async with house(vendor, redirect_uris=[BACK]) as found:
        query, state = await begun(found, vendor)
        assert query | {"state": "", "code_challenge": ""} == {
            "response_type": "code",
            "client_id": "client",
            "redirect_uri": BACK,
            "scope": "read write",
            "state": "",
            "code_challenge": "",
            "code_challenge_method": "S256",
        }
        made = await found.authorizations.complete(state, "code")
        assert made.provider == "vendor"
        assert list(made.granted_scopes) == ["read", "write"]
        assert not made.HasField("oauth"), "credentials came out"
        tested = await found.directory.test(made.id, {})
        assert tested.error is None


async def test_a_known_connection_is_authorized_anew_in_place(vendor: VendorServer) -> None:
    async with house(vendor, redirect_uris=[BACK]) as found:
        await found.directory.create(oauth("a", access_token="dead", refresh_token="dead"), "")
        _, state = await begun(found, vendor, "a")
        made = await found.authorizations.complete(state, "code")
        assert made.id == "a"
        assert made.state == connection_pb2.CONNECTION_STATE_ACTIVE
        assert (await found.directory.test("a", {})).error is None


async def test_a_state_works_once_even_in_a_race(vendor: VendorServer) -> None:
    async with house(vendor, redirect_uris=[BACK]) as found:
        _, state = await begun(found, vendor)
        results = await asyncio.gather(
            *(found.authorizations.complete(state, "code") for _ in range(5)),
            return_exceptions=True,
        )
        made = [each for each in results if isinstance(each, connection_pb2.Connection)]
        assert len(made) == 1
        assert all(isinstance(each, ProviderError) for each in results if each is not made[0])
        assert len(vendor.asked) == 1


@pytest.mark.parametrize("uri", ["https://evil.example/", f"{BACK}/more", f"{BACK}?a=b", ""])
async def test_redirects_are_exactly_those_of_the_list(vendor: VendorServer, uri: str) -> None:
    async with house(vendor, redirect_uris=[BACK]) as found:
        await invalid(found.authorizations.start("vendor", uri, (), ""), "redirect_uri")


async def test_a_state_that_was_changed_is_refused(vendor: VendorServer) -> None:
    async with house(vendor, redirect_uris=[BACK]) as found:
        _, state = await begun(found, vendor)
        changed = state[:-2] + ("AA" if state[-2:] != "AA" else "BB")
        await invalid(found.authorizations.complete(changed, "code"), "state")
        page = found.sealer("page").seal(b"x").decode()
        await invalid(found.authorizations.complete(page, "code"), "state")
        assert vendor.asked == []


async def test_a_state_is_too_old_after_ten_minutes(
    vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(vendor, redirect_uris=[BACK]) as found:
        sealer = found.authorizations._sealer
        monkeypatch.setattr(sealer, "_now", lambda: time.time() - 601)
        _, state = await begun(found, vendor)
        monkeypatch.setattr(sealer, "_now", time.time)
        await invalid(found.authorizations.complete(state, "code"), "state")


async def test_a_code_that_the_vendor_does_not_take_is_told_so(vendor: VendorServer) -> None:
    async with house(vendor, redirect_uris=[BACK]) as found:
        _, state = await begun(found, vendor)
        await invalid(found.authorizations.complete(state, "another"), "code")


async def test_without_a_client_the_operator_is_told_what_to_set(vendor: VendorServer) -> None:
    providers = vendor.settings()
    del providers["vendor"]["client_id"]
    async with house(vendor, redirect_uris=[BACK], providers=providers) as found:
        with pytest.raises(ProviderError) as caught:
            await found.authorizations.start("vendor", BACK, (), "")
    assert caught.value.reason == "OAUTH_CLIENT_MISSING"


async def test_another_providers_connection_is_not_authorized_anew(vendor: VendorServer) -> None:
    async with house(vendor, redirect_uris=[BACK]) as found:
        with pytest.raises(ProviderError) as caught:
            await found.authorizations.start("vendor", BACK, (), "unknown")
    assert caught.value.kind is Kind.NOT_FOUND
