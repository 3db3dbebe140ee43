"""Signing: headers, renewal before the end and after a refusal, and never more than once."""

import asyncio
import time

import httpx
import pytest
from aiohttp import web

from providers.core.auth import ApiKeyHeader, BearerAuth, Credentials, auth_for
from providers.core.errors import Kind, ProviderError
from providers.core.http import Door, Http
from tests.core.upstream import failure, upstream
from ucal.v1 import connection_pb2


class Grant:
    """Credentials of a connection, with tokens that are renewed as "new-1", "new-2" ..."""

    def __init__(self, credentials: Credentials | None, error: ProviderError | None = None) -> None:
        self.credentials = credentials
        self.error = error
        self.stale: list[str] = []

    async def renew(self, stale: str) -> str:
        self.stale.append(stale)
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        token = f"new-{len(self.stale)}"
        if isinstance(self.credentials, connection_pb2.OAuthCredentials):
            self.credentials.access_token = token
            self.credentials.expires_at.FromSeconds(int(time.time()) + 3600)
        return token


def oauth(token: str = "old", *, refresh: str = "r", left: int | None = 3600) -> Grant:
    credentials = connection_pb2.OAuthCredentials(access_token=token, refresh_token=refresh)
    if left is not None:
        credentials.expires_at.FromSeconds(int(time.time()) + left)
    return Grant(credentials)


class Api:
    """Takes the tokens it knows."""

    def __init__(self, *good: str, refusal: int = 401) -> None:
        self.good = good
        self.refusal = refusal
        self.seen: list[str] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.seen.append(request.headers.get("authorization", ""))
        fine = self.seen[-1].removeprefix("Bearer ") in self.good
        return web.Response(status=200 if fine else self.refusal)


def signed(http: Http, auth: httpx.Auth) -> Http:
    return http.at(http.base_url, auth=auth)


@pytest.mark.parametrize(
    ("credentials", "place", "header", "value"),
    [
        (
            connection_pb2.BasicCredentials(username="ü", password="p:w"),
            None,
            "authorization",
            "Basic w7w6cDp3",
        ),
        (connection_pb2.ApiKeyCredentials(api_key="k"), None, "authorization", "Bearer k"),
        (
            connection_pb2.ApiKeyCredentials(api_key="k"),
            ApiKeyHeader("X-Api-Key", ""),
            "x-api-key",
            "k",
        ),
        (connection_pb2.OAuthCredentials(access_token="t"), None, "authorization", "Bearer t"),
        (
            connection_pb2.ServiceAccountCredentials(client_id="c"),
            None,
            "authorization",
            "Bearer new-1",
        ),
    ],
)
async def test_every_kind_of_credentials_has_its_header(
    credentials: Credentials, place: ApiKeyHeader | None, header: str, value: str
) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    auth = auth_for(Grant(credentials), api_key=place)
    await Http(Door(httpx.MockTransport(handler)), "https://x.example", auth).send("GET", "/")
    assert seen[0].headers[header] == value


async def test_no_credentials_no_header() -> None:
    api = Api("")
    async with upstream(api) as http:
        await signed(http, auth_for(Grant(None))).send("GET", "x")
    assert api.seen == [""]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_p64_a_refused_token_is_renewed_once_and_the_request_sent_once_more(
    method: str,
) -> None:
    """A 401 comes before any work: a write is sent again too."""
    api, grant = Api("new-1"), oauth()
    async with upstream(api) as http:
        mine = signed(http, auth_for(grant))
        assert (await mine.send(method, "x")).status == 200
        assert (await mine.send(method, "x")).status == 200
    assert api.seen == ["Bearer old", "Bearer new-1", "Bearer new-1"]
    assert grant.stale == ["old"]


async def test_a_new_token_that_is_refused_too_ends_it() -> None:
    api, grant = Api(), oauth()
    async with upstream(api) as http:
        error = await failure(signed(http, auth_for(grant)).send("GET", "x"))
    assert error.kind is Kind.UNAUTHENTICATED
    assert (len(api.seen), len(grant.stale)) == (2, 1)


@pytest.mark.parametrize("left", [-5, 0, 30])
async def test_a_token_that_is_about_to_end_is_renewed_before_it_is_used(left: int) -> None:
    api, grant = Api("new-1"), oauth(left=left)
    async with upstream(api) as http:
        await signed(http, auth_for(grant)).send("POST", "x")
    assert (api.seen, grant.stale) == (["Bearer new-1"], ["old"])


async def test_a_token_of_unknown_life_is_used_until_it_is_refused() -> None:
    api, grant = Api("old"), oauth(left=None)
    async with upstream(api) as http:
        await signed(http, auth_for(grant)).send("GET", "x")
    assert grant.stale == []


async def test_a_missing_token_is_fetched() -> None:
    api, grant = Api("new-1"), oauth("", left=None)
    async with upstream(api) as http:
        await signed(http, auth_for(grant)).send("GET", "x")
    assert (api.seen, grant.stale) == (["Bearer new-1"], [""])


async def test_without_a_refresh_token_nothing_is_renewed() -> None:
    api, grant = Api(), oauth(refresh="", left=5)
    async with upstream(api) as http:
        error = await failure(signed(http, auth_for(grant)).send("GET", "x"))
    assert (error.kind, api.seen, grant.stale) == (Kind.UNAUTHENTICATED, ["Bearer old"], [])


async def test_p63_a_403_renews_nothing_unless_the_vendor_means_a_401_by_it() -> None:
    api, grant = Api("new-1", refusal=403), oauth()
    async with upstream(api) as http:
        error = await failure(signed(http, auth_for(grant)).send("GET", "x"))
        assert (error.kind, grant.stale) == (Kind.FORBIDDEN, [])
        await signed(http, BearerAuth(grant, refused=(401, 403))).send("GET", "x")
    assert grant.stale == ["old"]


@pytest.mark.parametrize(("left", "kind"), [(30, None), (-1, Kind.UNAVAILABLE)])
async def test_a_token_that_lives_outlasts_a_token_endpoint_that_is_down(
    left: int, kind: Kind | None
) -> None:
    api, grant = Api("old"), oauth(left=left)
    grant.error = ProviderError(Kind.UNAVAILABLE, "down")
    async with upstream(api) as http:
        sent = signed(http, auth_for(grant)).send("GET", "x")
        if kind is None:
            assert (await sent).status == 200
        else:
            assert (await failure(sent)).kind is kind


@pytest.mark.parametrize("left", [3600, 5])
async def test_a_dead_grant_is_told_as_one(left: int) -> None:
    api, grant = Api(), oauth(left=left)
    grant.error = ProviderError(Kind.REAUTHORIZATION_REQUIRED, "dead")
    async with upstream(api) as http:
        error = await failure(signed(http, auth_for(grant)).send("POST", "x"))
    assert error.kind is Kind.REAUTHORIZATION_REQUIRED


async def test_a_deadline_during_a_renewal_leaves_no_doubt_about_a_write() -> None:
    """Refused with 401, and not sent again: nothing was done."""
    api, grant = Api(), oauth()
    over = asyncio.Event()

    async def renew(stale: str) -> str:
        await over.wait()
        return ""

    grant.renew = renew  # type: ignore[method-assign]
    async with upstream(api, seconds=0.2) as http:
        error = await failure(signed(http, auth_for(grant)).send("POST", "x"))
        over.set()
    assert error.kind is Kind.UNAVAILABLE
    assert api.seen == ["Bearer old"]


async def test_a_service_account_asks_for_one_token_and_keeps_it() -> None:
    api = Api("new-1", "new-2")
    grant = Grant(connection_pb2.ServiceAccountCredentials(client_id="c"))
    async with upstream(api) as http:
        mine = signed(http, auth_for(grant))
        await mine.send("GET", "x")
        await mine.send("GET", "x")
        api.good = ("new-2",)
        await mine.send("GET", "x")
    assert grant.stale == ["", "new-1"]


@pytest.mark.parametrize("text", ["a\r\nb", "é", "a\0", "\x7f"])
async def test_credentials_that_no_header_can_carry_are_the_connections_fault(text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        auth_for(Grant(connection_pb2.ApiKeyCredentials(api_key=text)))
    assert caught.value.kind is Kind.UNAUTHENTICATED
    assert text not in str(caught.value)
    api = Api()
    async with upstream(api) as http:
        error = await failure(signed(http, auth_for(oauth(text))).send("GET", "x"))
    assert (error.kind, api.seen) == (Kind.UNAUTHENTICATED, [])
