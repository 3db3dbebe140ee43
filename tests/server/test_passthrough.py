"""Passthrough: the provider's own words, within the connection's host and the allow-lists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from aiohttp import web

from tests.loopback import served
from tests.serving import serving
from ucal.v1 import connection_pb2, passthrough_pb2, passthrough_pb2_grpc

GET = passthrough_pb2.HTTP_METHOD_GET
Call = passthrough_pb2.CallRequest


@asynccontextmanager
async def vendor() -> AsyncIterator[tuple[str, list[web.Request]]]:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        if request.path.endswith("large"):
            return web.Response(body=b"x" * 5_000_000)
        if request.path.endswith("away"):
            return web.Response(status=302, headers={"location": "http://169.254.169.254/"})
        status = 418 if request.path.endswith("teapot") else 200
        headers = {"etag": '"1"', "set-cookie": "a=b", "x-ratelimit-left": "9"}
        return web.Response(status=status, text="own words", headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with served(app) as url:
        yield f"{url}/dav/", seen


@asynccontextmanager
async def passing(
    url: str, *, enabled: bool = True
) -> AsyncIterator[passthrough_pb2_grpc.PassthroughServiceStub]:
    connection = connection_pb2.Connection(
        id="c",
        provider="caldav",
        base_url=url,
        basic=connection_pb2.BasicCredentials(username="u", password="p"),
    )
    async with serving([connection], passthrough=enabled) as channel:
        yield passthrough_pb2_grpc.PassthroughServiceStub(channel)


async def code_of(work: object) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await work  # type: ignore[misc]
    return caught.value.code()


async def streamed(
    stub: passthrough_pb2_grpc.PassthroughServiceStub, call: Call
) -> list[passthrough_pb2.CallStreamingResponse]:
    request = passthrough_pb2.CallStreamingRequest(call=call)
    return [piece async for piece in stub.CallStreaming(request, timeout=20)]


async def test_a_call_is_signed_and_its_failure_is_data() -> None:
    async with vendor() as (url, seen), passing(url) as stub:
        answer = await stub.Call(
            Call(
                connection_id="c",
                method=GET,
                path="/teapot",
                query=[passthrough_pb2.HttpQueryParameter(name="a", value="b c")],
                headers=[passthrough_pb2.HttpHeader(name="Depth", value="1")],
            )
        )
    assert (answer.status_code, answer.body) == (418, b"own words")
    found = {header.name: header.value for header in answer.headers}
    assert found["etag"] == '"1"'
    assert found["x-ratelimit-left"] == "9"
    assert "set-cookie" not in found
    assert seen[0].path_qs == "/dav/teapot?a=b%20c"
    assert seen[0].headers["depth"] == "1"
    assert seen[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "Host", "X-Forwarded-For"])
async def test_headers_off_the_list_are_refused(name: str) -> None:
    async with vendor() as (url, seen), passing(url) as stub:
        header = passthrough_pb2.HttpHeader(name=name, value="v")
        call = Call(connection_id="c", method=GET, path="/x", headers=[header])
        assert await code_of(stub.Call(call)) is grpc.StatusCode.INVALID_ARGUMENT
    assert seen == []


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/x", "/../x", "x", "/a?b", "/a\\b", "http://e/", "/a/../../x", "/a#b",
        "/%2e%2e/x", "/%2E%2e/x", "/.%2e/x", "/a/%2e%2e%2f%2e%2e/x",
    ],
)  # fmt: skip
async def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    async with vendor() as (url, seen), passing(url) as stub:
        call = Call(connection_id="c", method=GET, path=path)
        assert await code_of(stub.Call(call)) is grpc.StatusCode.INVALID_ARGUMENT
        assert await code_of(streamed(stub, call)) is grpc.StatusCode.INVALID_ARGUMENT
    assert seen == []


async def test_an_id_with_a_slash_stays_one_segment() -> None:
    async with vendor() as (url, seen), passing(url) as stub:
        await stub.Call(Call(connection_id="c", method=GET, path="/team%2Fa b/x.ics"))
    assert seen[0].raw_path == "/dav/team%2Fa%20b/x.ics"


@pytest.mark.parametrize("value", ["text/plain\r\nX-More: 1", "text/plain\x00", "tëxt/plain"])
async def test_a_media_type_is_one_header(value: str) -> None:
    async with vendor() as (url, seen), passing(url) as stub:
        call = Call(connection_id="c", method=GET, path="/x", content_type=value)
        assert await code_of(stub.Call(call)) is grpc.StatusCode.INVALID_ARGUMENT
    assert seen == []


async def test_a_stream_is_refused_and_fails_like_a_call() -> None:
    """The provider's failure and redirect are data; a header off the list is refused."""
    async with vendor() as (url, seen), passing(url) as stub:
        for path, status in (("/teapot", 418), ("/away", 302)):
            call = Call(connection_id="c", method=GET, path=path)
            pieces = await streamed(stub, call)
            assert pieces[0].status_code == status
            assert "set-cookie" not in {header.name for header in pieces[0].headers}
            assert b"".join(piece.body_chunk for piece in pieces) == (
                b"own words" if status == 418 else b""
            )
        assert [request.path for request in seen] == ["/dav/teapot", "/dav/away"]
        header = passthrough_pb2.HttpHeader(name="Authorization", value="v")
        call = Call(connection_id="c", method=GET, path="/x", headers=[header])
        assert await code_of(streamed(stub, call)) is grpc.StatusCode.INVALID_ARGUMENT
    async with vendor() as (url, _), passing(url, enabled=False) as stub:
        call = Call(connection_id="c", method=GET, path="/x")
        assert await code_of(streamed(stub, call)) is grpc.StatusCode.UNIMPLEMENTED


async def test_a_redirect_is_data_and_is_not_followed() -> None:
    async with vendor() as (url, seen), passing(url) as stub:
        answer = await stub.Call(Call(connection_id="c", method=GET, path="/away"))
    assert answer.status_code == 302
    assert len(seen) == 1


async def test_a_large_answer_is_refused_whole_and_comes_in_pieces() -> None:
    async with vendor() as (url, _), passing(url) as stub:
        call = Call(connection_id="c", method=GET, path="/large")
        assert await code_of(stub.Call(call)) is grpc.StatusCode.FAILED_PRECONDITION
        pieces = await streamed(stub, call)
    assert pieces[0].status_code == 200
    assert sum(len(piece.body_chunk) for piece in pieces) == 5_000_000
    assert max(len(piece.body_chunk) for piece in pieces) <= 256 * 1024


async def test_it_is_off_unless_the_operator_says_so() -> None:
    async with vendor() as (url, seen), passing(url, enabled=False) as stub:
        call = Call(connection_id="c", method=GET, path="/x")
        assert await code_of(stub.Call(call)) is grpc.StatusCode.UNIMPLEMENTED
    assert seen == []
