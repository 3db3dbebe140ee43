"""`ucal connect` and `ucal connections`, against the vendor with OAuth, a service in the test."""

import asyncio
import json
import shlex
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from server.cli.loopback import DeclinedError, listening
from server.service import running
from server.settings import parse
from tests.loopback import served
from tests.ports import free_port
from tests.server.terminal import ended, started, typed, ucal
from tests.server.vendor import VendorServer
from tests.serving import QUICK

# Goes where it is sent, as a browser does, and says what the last page said.
BROWSER = "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=30)"


def browser() -> str:
    """BROWSER, as Python's webbrowser reads it; in the background."""
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(BROWSER)} %s"


@asynccontextmanager
async def consent(vendor: VendorServer, *, says_yes: bool = True) -> AsyncIterator[str]:
    """The vendor's page, where the person says yes or no; its URL."""

    async def authorize(request: web.Request) -> web.Response:
        query = request.query
        answer = {"state": query["state"]}
        if says_yes:
            vendor.codes["code"] = (query["redirect_uri"], query["code_challenge"])
            answer["code"] = "code"
        else:
            answer["error"] = "access_denied"
        back = URL(f"{query['redirect_uri']}?{urlencode(answer)}", encoded=True)
        return web.Response(status=302, headers={"location": str(back)})

    app = web.Application()
    app.router.add_get("/authorize", authorize)
    async with served(app) as url:
        yield f"{url}/authorize"


@asynccontextmanager
async def service(
    vendor: VendorServer, authorize_url: str = "", redirects: tuple[str, ...] = ()
) -> AsyncIterator[str]:
    """A service with the vendor; its address."""
    providers = vendor.settings()
    providers["selfhosted"] = {}
    if authorize_url:
        providers["vendor"]["authorize_url"] = authorize_url
    settings = parse(
        {
            "listen": "127.0.0.1:0",
            "http_listen": "",
            "store": "memory:",
            "log_level": "error",
            "limits": QUICK,
            "allowed_hosts": ["127.0.0.1"],
            "redirect_uris": list(redirects),
            "providers": providers,
        }
    )
    async with running(settings) as found:
        yield found.address


async def test_oauth_by_the_browser(vendor: VendorServer) -> None:
    port = free_port()
    back = f"http://127.0.0.1:{port}/callback"
    async with consent(vendor) as page, service(vendor, page, (back,)) as address:
        words = ("connect", "vendor", "--port", str(port), "--address", address)
        ran = await ucal(*words, BROWSER=browser())
        assert ran.code == 0, ran.err
        first, following, *_ = ran.out.splitlines()
        own_id = first.removeprefix("connection: ")
        assert following == f"try next: ucal connections test {own_id} --address {address}"
        assert "state=" not in ran.out
        tested = await ucal("connections", "test", own_id, "--address", address)
        assert tested.out == f"works: {own_id} (Ann ann@example.com)\n"
        again = await ucal(*words, "--again", own_id, BROWSER=browser())
        assert again.out.splitlines()[0] == first


async def test_a_no_at_the_vendor_is_told(vendor: VendorServer) -> None:
    port = free_port()
    back = f"http://127.0.0.1:{port}/callback"
    async with consent(vendor, says_yes=False) as page, service(vendor, page, (back,)) as address:
        ran = await ucal(
            *("connect", "vendor", "--port", str(port), "--address", address), BROWSER=browser()
        )
    assert ran.code == 1
    assert ran.out == ""
    assert "not connected; the provider says: access_denied" in ran.err


async def test_an_operator_is_told_what_to_set(vendor: VendorServer) -> None:
    port = str(free_port())
    async with service(vendor) as address:
        ran = await ucal("connect", "vendor", "--port", port, "--address", address)
    assert ran.code == 3
    assert f'Set redirect_uris = ["http://127.0.0.1:{port}/callback"]' in ran.err


async def test_a_taken_port_is_told(vendor: VendorServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with service(vendor) as address:
            ran = await ucal("connect", "vendor", "--port", port, "--address", address)
    assert ran.code == 1
    assert "choose another with --port" in ran.err


async def test_without_a_browser_the_address_is_printed(vendor: VendorServer) -> None:
    port = free_port()
    back = f"http://127.0.0.1:{port}/callback"
    async with consent(vendor) as page, service(vendor, page, (back,)) as address:
        process = await started(
            *("connect", "vendor", "--no-browser", "--port", str(port), "--address", address)
        )
        try:
            assert process.stderr is not None
            async with asyncio.timeout(40), ClientSession() as person:
                url = ""
                while not url.startswith("http"):
                    url = (await process.stderr.readline()).decode().strip()
                async with person.get(URL(url, encoded=True)) as answer:
                    text = await answer.text()
                assert answer.status == 200
                assert "<h1>Connected</h1>" in text
                assert "default-src 'none'" in answer.headers["content-security-policy"]
                out, _ = await process.communicate()
        finally:
            await ended(process)
    assert out.startswith(b"connection: ")


async def test_the_listener_takes_the_one_answer_that_is_awaited() -> None:
    async with listening(0) as loopback, ClientSession() as person:
        waiting = asyncio.create_task(loopback.code("right"))
        await asyncio.sleep(0)
        for query in ("?state=wrong&code=evil", "?code=evil", "?state=&code=evil", ""):
            async with person.get(f"{loopback.redirect_uri}{query}") as answer:
                assert answer.status == 400
        assert not waiting.done()
        loopback.tell("<Connected>", "done")
        async with person.get(f"{loopback.redirect_uri}?state=right&code=c") as answer:
            assert "&lt;Connected&gt;" in await answer.text()
        assert await waiting == "c"
        async with person.get(f"{loopback.redirect_uri}?state=right&code=other") as answer:
            assert answer.status == 400


async def test_what_stands_for_an_error_is_not_repeated() -> None:
    async with listening(0) as loopback, ClientSession() as person:
        waiting = asyncio.create_task(loopback.code("right"))
        await asyncio.sleep(0)
        loopback.tell("No", "no")
        async with person.get(f"{loopback.redirect_uri}?state=right&error=%1b[2Jcall+us"):
            pass
        with pytest.raises(DeclinedError, match=r"^no code came back$"):
            await waiting


async def test_a_password_is_asked_for_without_echo(vendor: VendorServer) -> None:
    async with service(vendor) as address:
        made = await typed(
            *("connect", "vendor", "--auth", "password", "--id", "mine", "--address", address),
            answers=[("User name: ", "ann"), ("Password", "secret")],
        )
        assert made.code == 0, made.out
        assert "connection: mine" in made.out
        assert "secret" not in made.out
        tested = await ucal("connections", "test", "mine", "--address", address)
        assert tested.out.startswith("works: mine")


async def test_the_life_of_a_connection(vendor: VendorServer) -> None:
    basic = json.dumps({"basic": {"username": "ann", "password": "wrong"}})
    async with service(vendor) as address:
        here = ("--address", address)
        made = await typed(
            *("connections", "create", "vendor", "--id", "mine", "--label", "team=a", *here),
            *("--credentials-file", "-"),
            answers=[("", f"{basic}\n\x04")],
        )
        assert made.code == 0, made.out
        got = json.loads((await ucal("connections", "get", "mine", *here)).out)
        assert got["labels"] == {"team": "a"}
        assert "basic" not in got
        listed = json.loads((await ucal("connections", "list", *here)).out)
        assert [each["id"] for each in listed["connections"]] == ["mine"]
        tested = await ucal("connections", "test", "mine", *here)
        assert tested.code == 1
        assert tested.err.startswith("UNAUTHENTICATED")
        kept = await ucal("connections", "delete", "mine", *here)
        assert kept.code == 1
        gone = await ucal("connections", "delete", "mine", "--yes", *here)
        assert gone.out == "forgotten: mine\n"
        missing = await ucal("connections", "get", "mine", *here)
        assert missing.code == 5
        assert missing.err.startswith("NOT_FOUND")


async def test_credentials_that_are_none_are_not_repeated(vendor: VendorServer) -> None:
    async with service(vendor) as address:
        ran = await typed(
            *("connections", "create", "vendor", "--credentials-file", "-", "--address", address),
            answers=[("", '{"basic": {"pass": "hunter2"}}\n\x04')],
        )
    assert ran.code == 2
    assert "no credentials in JSON" in ran.out


async def test_ctrl_c_ends_a_question(vendor: VendorServer) -> None:
    async with service(vendor) as address:
        ran = await typed(
            *("connect", "vendor", "--auth", "password", "--address", address),
            answers=[("User name: ", "ann"), ("Password", "half\x03")],
        )
        assert ran.code == 1
        listed = await ucal("connections", "list", "--address", address)
        assert listed.out.strip() == "{}"
