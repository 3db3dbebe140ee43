"""The door against a real upstream: what is sent, how long it takes, what streams."""

import asyncio

import httpx
import pytest
from aiohttp import web

from providers.core.auth import basic
from providers.core.errors import Kind, ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http, quote
from providers.core.retry import Hosts
from tests.core.upstream import (
    QUICK,
    Upstream,
    door,
    failure,
    loses,
    upstream,
)

# -- what is sent


async def test_a_request_is_signed_joined_and_quoted() -> None:
    there = Upstream()
    async with upstream(there) as http:
        signed = http.at(http.base_url, auth=basic("u", "p"))
        await signed.send("get", "things/a%2Fb", params={"q": "x y&z", "n": ["1", "2"], "m": 3})
        await signed.send("GET", "/things?a=b", params=[("a", "c+d"), ("é", "€")])
        await signed.send("GET", "", auth=False)
    assert there.lines == [
        "GET /v1/things/a%2Fb?q=x%20y%26z&n=1&n=2&m=3",
        "GET /v1/things?a=b&a=c%2Bd&%C3%A9=%E2%82%AC",
        "GET /v1/",
    ]
    assert [each.headers.get("authorization") for each in there.seen] == [
        "Basic dTpw",
        "Basic dTpw",
        None,
    ]


async def test_bodies_have_their_types() -> None:
    there = Upstream()
    async with upstream(there) as http:
        await http.send("POST", "a", json={"ä": [1, None]})
        await http.send("POST", "a", form={"x y": "1&2"})
        await http.send("PUT", "a", content=b"BEGIN", headers={"Content-Type": "text/calendar"})
        await http.send("POST", "a")
        await http.send("PUT", "a", content=b"<x/>", json=None)
    assert there.bodies == ['{"ä":[1,null]}'.encode(), b"x+y=1%262", b"BEGIN", b"", b"<x/>"]
    assert [each.headers.get("content-type") for each in there.seen] == [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/calendar",
        None,
        None,
    ]
    assert there.seen[3].headers["content-length"] == "0"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "é", "a\x7f"])
async def test_no_header_takes_a_line_break_of_a_caller(value: str) -> None:
    there = Upstream()
    async with upstream(there) as http:
        error = await failure(http.send("PUT", "x", headers={"If-Match": value}))
        assert (error.kind, error.violations[0][0]) == (Kind.INVALID, "request")
        error = await failure(http.send("PUT", "x", headers={"Transfer-Encoding": "chunked"}))
        assert error.kind is Kind.INVALID
    assert there.seen == []


def test_ids_are_one_segment() -> None:
    """P69: nothing of an id is normalised or lost."""
    assert quote("a/b#c?d@e.f_-~ ä%") == "a%2Fb%23c%3Fd%40e.f_-~%20%C3%A4%25"
    for other in ("", ".", ".."):
        with pytest.raises(ProviderError) as caught:
            quote(other)
        assert caught.value.kind is Kind.INVALID


@pytest.mark.parametrize(
    "identifier",
    ["a/b", "..%2f", "../x", "@evil.example", "//evil.example", "é", "%2e%2e", "?", "#"],
)
async def test_a_quoted_id_arrives_as_it_was(identifier: str) -> None:
    there = Upstream()
    async with upstream(there) as http:
        await http.send("GET", f"calendars/{quote(identifier)}/events")
    raw = there.seen[0].raw_path
    assert raw.startswith("/v1/calendars/")
    assert raw.endswith("/events")
    assert raw.count("/") == 4
    assert there.seen[0].path.removeprefix("/v1/calendars/").removesuffix("/events") == identifier


# -- time


async def test_the_deadline_is_asked_for_at_every_request() -> None:
    there = Upstream()
    loop = asyncio.get_running_loop()
    ends = [loop.time() - 1, loop.time() - 1, loop.time() + 5]
    async with upstream(there) as http:
        asking = Http(http.door, http.base_url, deadline=lambda: ends.pop(0))
        assert (await failure(asking.send("POST", "x"))).kind is Kind.UNAVAILABLE
        assert (await failure(asking.send("GET", "x"))).kind is Kind.TIMEOUT
        assert there.seen == []
        assert (await asking.send("POST", "x")).status == 200


async def test_a_cancelled_call_is_cancelled() -> None:
    arrived, over = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        arrived.set()
        await over.wait()
        return web.Response()

    async with upstream(handler) as http:
        call = asyncio.create_task(http.send("GET", "x"))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        over.set()


# -- streams


async def test_a_stream_hands_out_pieces_as_they_come() -> None:
    go_on = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"x-kind": "video"})
        await response.prepare(request)
        await response.write(b"one")
        await go_on.wait()
        await response.write(b"two")
        return response

    async with upstream(handler) as http:  # noqa: SIM117
        async with http.stream("GET", "media") as stream:
            assert (stream.status, stream.headers["x-kind"]) == (200, "video")
            pieces = []
            async for piece in stream.chunks():
                pieces.append(piece)
                go_on.set()
    assert pieces == [b"one", b"two"]


async def test_a_stream_that_goes_wrong_raises_as_send_does() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "1000"})
        await response.prepare(request)
        await response.write(b"one")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with upstream(half) as http:
        assert (await failure(_drink(http))).kind is Kind.UNAVAILABLE
    there = Upstream(404, loses, 403)
    async with upstream(there) as http:
        for method, kind in [("GET", Kind.NOT_FOUND), ("POST", Kind.OUTCOME_UNKNOWN)]:
            with pytest.raises(ProviderError) as caught:
                async with http.stream(method, "x"):
                    raise AssertionError("there is no stream")
            assert caught.value.kind is kind
        async with http.stream("GET", "x", expect=(403,)) as stream:
            assert stream.status == 403


async def _drink(http: Http) -> None:
    async with http.stream("GET", "x") as stream:
        async for _ in stream.chunks():
            pass


async def test_a_stream_that_is_left_early_frees_its_connection() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(65536))

    async with upstream(endless, max_connections=1) as http:
        for _ in range(3):
            async with http.stream("GET", "x") as stream:
                async for _ in stream.chunks():
                    break


# -- construction


@pytest.mark.parametrize(
    "base", ["", "no url", "https://", "ftp://x/", "https://u:p@x.example/", "https://[::1"]
)
async def test_a_base_url_that_is_none_is_the_callers_mistake(base: str) -> None:
    async with door(guard=Guard()) as way:
        error = await failure(Http(way, base).send("GET", "/x"))
    assert (error.kind, error.violations[0][0]) == (Kind.INVALID, "base_url")


async def test_the_outcome_of_httpx_transports_is_understood_too() -> None:
    """Tests of providers may hand in httpx's own."""

    def refuses(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("no")

    def breaks(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    for handler, kind in [(refuses, Kind.UNAVAILABLE), (breaks, Kind.OUTCOME_UNKNOWN)]:
        http = Http(Door(httpx.MockTransport(handler), Hosts(QUICK)), "https://x.example/")
        assert (await failure(http.send("POST", "/"))).kind is kind
