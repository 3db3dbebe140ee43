"""From the page to the vendor and back: PKCE, one browser, one use, exact redirects."""

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, parse_qsl, urlsplit

import grpc
import pytest
from aiohttp import ClientSession
from yarl import URL

from server.access.caller import Caller
from server.access.policy import Policy
from server.interceptors.scope import SCOPE, Scope
from tests.connect.person import back, post, said, text_of, to_the_vendor, token_of
from tests.connect.world import APP, World, browser, pages
from tests.server.house import oauth
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

CALLBACK = "/oauth/callback"
pb = connection_pb2


@pytest.fixture
async def person() -> AsyncIterator[ClientSession]:
    """Somebody's browser."""
    async with browser() as found:
        yield found


async def test_a_dance_ends_on_a_page_with_the_id_and_the_next_command(
    here: World, person: ClientSession
) -> None:
    authorize = await to_the_vendor(person, f"{here.base}/connect/vendor")
    query = parse_qs(urlsplit(authorize).query)
    assert query["redirect_uri"] == [f"{here.base}{CALLBACK}"]
    assert query["code_challenge_method"] == ["S256"]
    answer = await back(person, await said(person, authorize))
    assert answer.status == 303
    done = answer.headers["location"]
    assert "code=" not in done
    assert "state=" not in done
    page = await text_of(person, done)
    (made,) = await here.connections()
    assert list(made.granted_scopes) == ["read", "write"]
    assert f"<code>{made.id}</code>" in page
    assert f"ucal call ListCalendars connection_id={made.id} --address {here.address}" in page
    tested = await here.rpc.TestConnection(pb.TestConnectionRequest(id=made.id))
    assert tested.result.code == 0


async def test_a_no_is_told_and_the_way_back_is_open(here: World, person: ClientSession) -> None:
    link = await here.link(return_uri=APP)
    url = await said(person, await to_the_vendor(person, link), "no")
    page = await text_of(person, url, 403)
    assert "vendor-canary" not in page
    again, back_to_app = re.findall(r'href="(http[^"]+)"', page)[-2:]
    assert html.unescape(back_to_app) == f"{APP}&error=not_connected"
    made = await back(person, await said(person, await to_the_vendor(person, html.unescape(again))))
    assert made.status == 303
    assert len(await here.connections()) == 1


@pytest.mark.parametrize(("error", "status"), [("server_error", 502), ("ACCESS_DENIED", 403)])
async def test_what_the_vendor_calls_an_error(
    here: World, person: ClientSession, error: str, status: int
) -> None:
    here.page.error = error
    url = await said(person, await to_the_vendor(person, f"{here.base}/connect/vendor"), "no")
    assert error not in await text_of(person, url, status)


async def test_an_answer_works_once(here: World, person: ClientSession) -> None:
    url = await said(person, await to_the_vendor(person, await here.link()))
    answers = await asyncio.gather(*(back(person, url) for _ in range(4)))
    assert sorted(each.status for each in answers) == [303, 410, 410, 410]
    assert "has been used" in await text_of(person, url, 410)
    assert len(await here.connections()) == 1


async def test_an_answer_that_another_browser_got_is_not_taken(
    here: World, person: ClientSession
) -> None:
    """RFC 9700 section 4.7: the attacker's own yes, slipped under somebody else."""
    url = await said(person, await to_the_vendor(person, f"{here.base}/connect/vendor"))
    async with browser() as victim:
        assert "began in another browser" in await text_of(victim, url, 403)
        # Nor after the victim has a cookie of its own.
        await text_of(victim, f"{here.base}/connect/vendor")
        await text_of(victim, url, 403)
    assert await here.connections() == []
    assert (await back(person, url)).status == 303


async def test_the_way_to_the_vendor_is_for_the_browser_that_saw_the_page(
    here: World, person: ClientSession
) -> None:
    page = await text_of(person, f"{here.base}/connect/vendor")
    go = re.search(r'class="button"[^>]* href="([^"]+)"', page)
    assert go
    async with browser() as victim:
        await text_of(victim, f"{here.base}/connect/vendor")
        await text_of(victim, html.unescape(go[1]), 403)
    assert here.page.asked == []


@pytest.mark.parametrize("change", ["", "x", "cut", "page"])
async def test_a_state_that_is_not_ours_is_not_taken(
    here: World, person: ClientSession, change: str
) -> None:
    url = await said(person, await to_the_vendor(person, f"{here.base}/connect/vendor"))
    state = dict(parse_qsl(urlsplit(url).query))["state"]
    forged = {"": "", "x": f"{state}x", "cut": state[:-3], "page": state[:60]}[change]
    page = await text_of(person, f"{here.base}{CALLBACK}?state={forged}&code=c", 400)
    assert "nothing to finish here" in page
    assert await here.connections() == []


async def test_a_dance_that_took_too_long(vendor: VendorServer, person: ClientSession) -> None:
    async with pages(vendor) as (base, found):
        sealer = found.authorizations._sealer
        sealer._now = lambda: time.time() - 601
        authorize = await to_the_vendor(person, f"{base}/connect/vendor")
        sealer._now = time.time
        state = dict(parse_qsl(urlsplit(authorize).query))["state"]
        assert "took too long" in await text_of(
            person, f"{base}{CALLBACK}?state={state}&code=c", 410
        )


async def test_a_code_that_the_vendor_does_not_take(here: World, person: ClientSession) -> None:
    link = await here.link()
    authorize = await to_the_vendor(person, link)
    state = dict(parse_qsl(urlsplit(authorize).query))["state"]
    await text_of(person, f"{here.base}{CALLBACK}?state={state}&code=stolen", 400)
    # The link is good yet.
    assert (await back(person, await said(person, await to_the_vendor(person, link)))).status == 303


async def test_a_link_carries_what_the_connection_gets(here: World, person: ClientSession) -> None:
    link = await here.link(
        labels={"team": "a"}, display_name="Ann's desk", return_uri=APP, scopes=["write"]
    )
    page = await text_of(person, link)
    assert "Ann&#39;s desk" in page
    assert "127.0.0.1:9" in page
    authorize = await to_the_vendor(person, link)
    assert parse_qs(urlsplit(authorize).query)["scope"] == ["write"]
    answer = await back(person, await said(person, authorize))
    (made,) = await here.connections()
    assert (dict(made.labels), made.display_name) == ({"team": "a"}, "Ann's desk")
    assert answer.headers["location"] == f"{APP}&connection_id={made.id}"


async def test_the_largest_link_goes_to_the_vendor_and_back(
    here: World, person: ClientSession
) -> None:
    labels = {f"k{n}": "v" * 256 for n in range(7)}
    authorize = await to_the_vendor(person, await here.link(labels=labels))
    assert (await back(person, await said(person, authorize))).status == 303
    (made,) = await here.connections()
    assert dict(made.labels) == labels


async def test_a_link_makes_one_connection(here: World, person: ClientSession) -> None:
    link = await here.link()
    async with browser() as other:
        first = await said(person, await to_the_vendor(person, link))
        second = await said(other, await to_the_vendor(other, link))
        answers = await asyncio.gather(back(person, first), back(other, second))
        assert sorted(each.status for each in answers) == [303, 410]
        assert "has been used" in await text_of(other, link, 410)
    assert len(await here.connections()) == 1


async def test_a_known_connection_is_renewed_in_place_with_all_its_scopes(
    here: World, person: ClientSession
) -> None:
    dead = oauth("mine", access_token="dead", refresh_token="dead", scopes=["old", "read"])
    await here.rpc.CreateConnection(pb.CreateConnectionRequest(connection=dead))
    link = await here.link(connection_id="mine", scopes=["more"])
    assert "Renew your Vendor connection" in await text_of(person, link)
    authorize = await to_the_vendor(person, link)
    # Those that it has and those that are wanted; "write" is tied to nothing and always asked for.
    assert parse_qs(urlsplit(authorize).query)["scope"] == ["more old read write"]
    answer = await back(person, await said(person, authorize))
    page = await text_of(person, answer.headers["location"])
    assert "connected again" in page
    (made,) = await here.connections()
    assert made.id == "mine"
    assert made.state == pb.CONNECTION_STATE_ACTIVE
    tested = await here.rpc.TestConnection(pb.TestConnectionRequest(id="mine"))
    assert tested.result.code == 0


async def test_a_dance_that_a_program_began_asks_the_person_first(
    vendor: VendorServer, person: ClientSession
) -> None:
    async with pages(vendor, public_url="http://127.0.0.1:1") as (base, found):
        dances = found.authorizations
        url, state = await dances.start("vendor", dances.callback, (), "")
        query = dict(parse_qsl(urlsplit(url).query))
        vendor.codes["code"] = (query["redirect_uri"], query["code_challenge"])
        came = f"{base}{CALLBACK}?state={state}&code=code"
        assert "A program began this" in await text_of(person, came)
        assert vendor.asked == []
        token = await token_of(person, came)
        async with browser() as other:
            await text_of(other, came)
            async with other.post(f"{base}{CALLBACK}", data={"form": token}) as answer:
                assert answer.status == 403
        async with person.post(
            f"{base}{CALLBACK}", data={"form": token}, allow_redirects=False
        ) as answer:
            assert answer.status == 303
        listed, _ = await found.directory.list(after="", provider="", size=9)
        assert len(listed) == 1


async def test_what_a_caller_began_is_ended_by_it_or_by_a_person_at_our_page(
    vendor: VendorServer, person: ClientSession
) -> None:
    async with pages(vendor, public_url="http://127.0.0.1:1") as (base, found):
        dances = found.authorizations
        SCOPE.set(Scope(caller="api_key:a", access=Caller("api_key:a", Policy(()))))
        for uri, status in ((dances.callback, 303), (APP, 403)):
            url, state = await dances.start("vendor", uri, (), "")
            query = dict(parse_qsl(urlsplit(url).query))
            vendor.codes["code"] = (query["redirect_uri"], query["code_challenge"])
            token = await token_of(person, f"{base}{CALLBACK}?state={state}&code=code")
            answer = await post(person, f"{base}{CALLBACK}", {"form": token})
            assert answer.status == status


async def test_a_program_cannot_end_what_a_browser_began(
    here: World, person: ClientSession
) -> None:
    url = await said(person, await to_the_vendor(person, f"{here.base}/connect/vendor"))
    query = dict(parse_qsl(urlsplit(url).query))
    request = pb.CompleteAuthorizationRequest(state=query["state"], code=query["code"])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await here.rpc.CompleteAuthorization(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (await back(person, url)).status == 303


async def test_the_last_page_is_for_the_browser_that_got_there(
    here: World, person: ClientSession
) -> None:
    answer = await back(
        person, await said(person, await to_the_vendor(person, f"{here.base}/connect/vendor"))
    )
    done = answer.headers["location"]
    async with browser() as other:
        await text_of(other, done, 410)
    await text_of(person, done)
    await text_of(person, f"{done}x", 410)


async def test_a_vendor_whose_token_endpoint_is_down(
    here: World, person: ClientSession, vendor: VendorServer
) -> None:
    link = await here.link()
    vendor.answer = (503, {"error": "canary"})
    url = await said(person, await to_the_vendor(person, link))
    page = await text_of(person, url, 503)
    assert "canary" not in page
    vendor.answer = None
    assert (await back(person, await said(person, await to_the_vendor(person, link)))).status == 303


async def test_a_provider_that_is_not_set_up(vendor: VendorServer, person: ClientSession) -> None:
    providers = vendor.settings()
    del providers["vendor"]["client_id"]
    async with pages(vendor, providers=providers) as (base, _):
        # There are forms yet.
        assert "User name" in await text_of(person, f"{base}/connect/vendor")
        page = await text_of(person, f"{base}/connect/zoom", 503)
        assert "not set up" in page


async def test_open_redirects_are_none(here: World, person: ClientSession) -> None:
    for uri in ("https://evil.example/", f"{APP}x", APP.replace("ucal", "evil"), "//evil.example"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await here.link(return_uri=uri)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    evil = "https%3A%2F%2Fevil.example"
    for path in (
        f"/connect/vendor?return_uri={evil}",
        f"/connect/vendor/done?receipt={evil}&return_uri={evil}",
        f"{CALLBACK}?return_uri={evil}&redirect_uri={evil}",
        f"/connect/vendor/go?form={evil}&to={evil}",
    ):
        async with person.get(
            URL(f"{here.base}{path}", encoded=True), allow_redirects=False
        ) as answer:
            assert "location" not in answer.headers
            assert "evil.example" not in await answer.text()
