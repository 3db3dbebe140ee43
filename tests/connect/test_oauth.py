"""From the page to the vendor and back: PKCE, one browser, one use, exact redirects."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientResponse, ClientSession
from yarl import URL

from tests.connect.world import APP, World, browser, world
from tests.server.house import oauth
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

CALLBACK = "/oauth/callback"


async def text_of(person: ClientSession, url: str, status: int = 200) -> str:
    async with person.get(URL(url, encoded=True)) as answer:
        assert answer.status == status, await answer.text()
        return await answer.text()


async def to_the_vendor(person: ClientSession, page: str) -> str:
    """Where the page's button leads."""
    html = await text_of(person, page)
    go = re.search(r'class="button"[^>]* href="([^"]+)"', html)
    assert go, html
    target = URL(go[1].replace("&amp;", "&"), encoded=True)
    async with person.get(target, allow_redirects=False) as answer:
        assert answer.status == 303
        return answer.headers["location"]


async def said(person: ClientSession, authorize: str, answer: str = "yes") -> str:
    """Where the vendor sends a person back to, who answered so."""
    async with person.get(URL(authorize, encoded=True)) as login:
        assert login.status == 200, await login.text()
        url = login.url
    async with person.post(url, data={"say": answer}, allow_redirects=False) as back:
        return back.headers["location"]


async def back(person: ClientSession, url: str) -> ClientResponse:
    return await person.get(URL(url, encoded=True), allow_redirects=False)


async def test_a_dance_ends_on_a_page_with_the_id_and_the_next_command(here: World) -> None:
    async with browser() as person:
        authorize = await to_the_vendor(person, f"{here.base}/connect/vendor")
        query = parse_qs(urlsplit(authorize).query)
        assert query["redirect_uri"] == [f"{here.base}{CALLBACK}"]
        assert query["code_challenge_method"] == ["S256"]
        answer = await back(person, await said(person, authorize))
        assert answer.status == 303
        done = answer.headers["location"]
        assert "code=" not in done
        assert "state=" not in done
        html = await text_of(person, done)
    (made,) = await here.connections()
    assert list(made.granted_scopes) == ["read", "write"]
    assert f"<code>{made.id}</code>" in html
    assert f"ucal call ListCalendars connection_id={made.id} --address {here.address}" in html
    assert here.address in html
    tested = await here.rpc.TestConnection(connection_pb2.TestConnectionRequest(id=made.id))
    assert tested.result.code == 0
