"""The door's hosts: where requests and their redirects may go, and what goes along."""

import httpx
import pytest
from aiohttp import web

from providers.core.auth import basic
from providers.core.errors import Kind, ProviderError
from providers.core.http import Door, Http, Reply
from tests.core.upstream import (
    Upstream,
    door,
    failure,
    serving,
    to,
    upstream,
)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://127.0.0.1:1/x",
        "http://127.0.0.1/x",
        "https://user@{host}/x",
        "http://{host}@evil.example/x",
        "https://evil{host}/x",
    ],
)
async def test_other_hosts_are_not_called(url: str) -> None:
    there = Upstream()
    async with upstream(there) as http:
        host = http.base_url.split("/")[2]
        error = await failure(http.send("GET", url.format(host=host)))
    assert error.kind is Kind.INVALID
    assert there.seen == []


async def test_a_path_never_becomes_a_host() -> None:
    there = Upstream()
    async with upstream(there) as http:
        for path in ("//evil.example/x", "@evil.example", ":80/x", "\\\\evil.example", "x://y"):
            await http.send("GET", path)
    assert all(each.startswith("GET /v1/") for each in there.lines), there.lines


async def test_hosts_that_the_provider_names_are_called() -> None:
    here, there = Upstream(), Upstream()
    async with serving(here) as one, serving(there) as two, door() as way:
        host = two.removeprefix("http://")
        http = Http(way, one, auth=basic("u", "p"), allowed_hosts=(host,))
        await http.send("GET", f"{two}/x")
        assert there.seen[0].headers["authorization"] == "Basic dTpw"
        other = Http(way, one).at(two)
        await other.send("GET", "/y")
        await other.send("GET", f"{one}/back")
    assert there.lines == ["GET /x", "GET /y"]
    assert here.lines == ["GET /back"]
    for allowed, url, fine in [
        ((".example.com",), "https://a.example.com/", True),
        ((".example.com",), "https://example.com/", False),
        ((".example.com",), "https://aexample.com/", False),
        ((".example.com",), "https://a.example.com:8443/", False),
        (("a.example.com",), "https://A.EXAMPLE.com/", True),
        (("a.example.com",), "http://a.example.com/", False),
        (("a.example.com:8443",), "https://a.example.com:8443/", True),
    ]:
        transport = httpx.MockTransport(lambda request: httpx.Response(200))
        asked = Http(Door(transport), "https://api.example.org/", allowed_hosts=allowed)
        if fine:
            assert (await asked.send("GET", url)).status == 200
        else:
            assert (await failure(asked.send("GET", url))).reason == "HOST_NOT_ALLOWED"


async def test_redirects_are_followed_on_allowed_hosts_only() -> None:
    there = Upstream(
        to("/v1/there"),
        to("there?x=1", 307),
        200,
        to("https://evil.example/"),
        to("http://169.254.169.254/"),
    )
    async with upstream(there) as http:
        reply = await http.send("GET", "near")
        assert reply.url.endswith("/v1/there?x=1")
        for _ in range(2):
            error = await failure(http.send("GET", "away"))
            assert (error.kind, error.reason) == (Kind.PROVIDER_FAULT, "REDIRECT_REFUSED")


async def test_redirects_end_after_five() -> None:
    there = Upstream(*[to("/v1/next")] * 5, 200, to("/v1/next"))
    async with upstream(there) as http:
        assert (await http.send("GET", "first")).status == 200
        assert (await failure(http.send("GET", "first"))).reason == "REDIRECT_REFUSED"
    assert len(there.seen) == 12


async def test_https_stays_https() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "http://api.example.org/x"})

    http = Http(Door(httpx.MockTransport(handler)), "https://api.example.org/")
    assert (await failure(http.send("GET", "/"))).reason == "REDIRECT_REFUSED"


async def test_credentials_do_not_follow_a_redirect_to_another_host() -> None:
    here, there = Upstream(), Upstream()
    async with serving(here) as one, serving(there) as two, door() as way:
        here.answers = [to("/again"), to(f"{two}/x")]
        signed = Http(way, one, basic("u", "p"), allowed_hosts=(two.removeprefix("http://"),))
        await signed.send("GET", "/", headers={"X-Mine": "1", "Authorization": "x", "Cookie": "y"})
    assert [each.headers.get("authorization") for each in here.seen] == ["Basic dTpw"] * 2
    assert there.seen[0].headers.get("authorization") is None
    assert there.seen[0].headers.get("cookie") is None
    assert there.seen[0].headers["x-mine"] == "1"


@pytest.mark.parametrize(
    ("method", "status", "becomes"),
    [
        ("POST", 307, "POST"),
        ("PUT", 308, "PUT"),
        ("POST", 303, "GET"),
        ("PROPFIND", 301, "PROPFIND"),
        ("REPORT", 302, "REPORT"),
        ("HEAD", 303, "HEAD"),
        ("POST", 301, ""),
        ("DELETE", 302, ""),
    ],
)
async def test_what_a_redirect_makes_of_a_method(method: str, status: int, becomes: str) -> None:
    """P73: discovery keeps its method. A write never becomes a GET whose success would be a lie."""
    there = Upstream(to("/v1/there", status), 200)
    async with upstream(there) as http:
        if not becomes:
            error = await failure(http.send(method, "x", content=b"body"))
            assert (error.kind, error.reason) == (Kind.PROVIDER_FAULT, "REDIRECT_REFUSED")
            assert len(there.seen) == 1
            return
        await http.send(method, "x", content=b"body")
    assert there.lines[1] == f"{becomes} /v1/there"
    assert there.bodies[1] == (b"" if becomes == "GET" else b"body")


async def test_statuses_that_are_expected_are_returned_and_not_followed() -> None:
    there = Upstream(to("/v1/there"), 404, 500, 401)
    async with upstream(there) as http:
        for status, expect in [(302, (302,)), (404, [404]), (500, range(200, 600)), (401, {401})]:
            assert (await http.send("POST", "x", expect=expect)).status == status
    assert len(there.seen) == 4


async def test_the_provider_classifies_and_its_error_is_raised() -> None:
    seen: list[Reply] = []

    def classify(reply: Reply) -> ProviderError:
        seen.append(reply)
        return ProviderError(Kind.PRECONDITION, "as the vendor says")

    there = Upstream(lambda request: web.Response(status=418, text="teapot"))
    async with upstream(there) as http:
        own = Http(http.door, http.base_url, classify=classify)
        assert (await failure(own.send("POST", "x"))).kind is Kind.PRECONDITION
    assert (seen[0].status, seen[0].content) == (418, b"teapot")
