"""The door against a real upstream: what is sent, what is followed, what a lost answer means."""

import asyncio

import httpx
import pytest
from aiohttp import web

from providers.core.auth import basic
from providers.core.errors import Kind, ProviderError
from providers.core.guard import Guard
from providers.core.http import Door, Http, Reply, quote
from providers.core.retry import Hosts, Policy
from tests.core.upstream import (
    QUICK,
    Answer,
    Upstream,
    answer,
    door,
    failure,
    loses,
    serving,
    to,
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


# -- where it goes


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


# -- what is sent again


@pytest.mark.parametrize("trouble", [500, 502, 503, 504, loses])
async def test_a_read_is_sent_again_and_a_write_is_not(trouble: int | Answer) -> None:
    """P59: a write whose answer is lost is done once, and told honestly."""
    there = Upstream(trouble, trouble, 200)
    async with upstream(there) as http:
        assert (await http.send("GET", "x")).status == 200
        there.answers = [trouble, 200]
        error = await failure(http.send("POST", "x"))
    assert error.kind is Kind.OUTCOME_UNKNOWN
    assert error.retry_after is None
    assert there.lines == ["GET /v1/x"] * 3 + ["POST /v1/x"]


async def test_p59_no_write_is_doubled_by_a_thousand_lost_answers() -> None:
    """R8: each of them reached the provider exactly once."""
    done: dict[str, int] = {}

    async def handler(request: web.Request) -> web.Response:
        done[request.path] = done.get(request.path, 0) + 1
        return loses(request) if len(done) % 3 else web.Response(status=504)

    async with upstream(handler, seconds=60) as http:
        for begin in range(0, 1000, 50):
            sent = (http.send("POST", f"e{number}") for number in range(begin, begin + 50))
            errors = await asyncio.gather(*map(failure, sent))
            assert {error.kind for error in errors} == {Kind.OUTCOME_UNKNOWN}
    assert len(done) == 1000
    assert set(done.values()) == {1}


async def test_a_write_that_may_be_repeated_is_and_says_so() -> None:
    """P60: the 409 after a lost answer may be our own doing, and the provider can tell."""
    there = Upstream(loses, 409)
    async with upstream(there) as http:
        reply = await http.send("POST", "x", retry_safe=True, expect=(409,))
        assert reply.repeated
        there.answers = [429, 409]
        reply = await http.send("POST", "x", retry_safe=True, expect=(409,))
        assert not reply.repeated
    assert len(there.seen) == 4


async def test_a_write_stays_in_doubt_whatever_the_last_answer_says() -> None:
    there = Upstream(loses)
    async with upstream(there) as http:
        error = await failure(http.send("PUT", "x", retry_safe=True))
        assert (error.kind, len(there.seen)) == (Kind.OUTCOME_UNKNOWN, 3)
        for last in (429, 401, 403, answer(503, retry_after="99"), to("https://evil.example/")):
            there.answers = [loses, last]
            error = await failure(http.send("PUT", "x", retry_safe=True))
            assert error.kind is Kind.OUTCOME_UNKNOWN, last
        for last, kind in [(404, Kind.NOT_FOUND), (412, Kind.CONFLICT)]:
            there.answers = [loses, last]
            error = await failure(http.send("DELETE", "x", retry_safe=True))
            assert error.kind is kind


async def test_a_query_by_post_is_a_read() -> None:
    there = Upstream(503, 200, 503)
    async with upstream(there) as http:
        assert (await http.send("POST", "freeBusy", reads=True)).status == 200
        assert (await failure(http.send("POST", "freeBusy", reads=True))).kind is Kind.UNAVAILABLE
    assert len(there.seen) == 5


async def test_a_write_that_was_refused_before_any_work_is_sent_again() -> None:
    there = Upstream(answer(429, retry_after="0"), answer(503, retry_after="0"), 201)
    async with upstream(there) as http:
        assert (await http.send("POST", "x")).status == 201
    assert len(there.seen) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 413, 422, 501, 507])
async def test_what_no_repetition_would_mend_is_sent_once(status: int) -> None:
    """P63: a 403 is final."""
    there = Upstream(status)
    async with upstream(there) as http:
        error = await failure(http.send("GET", "x"))
    assert error.metadata["provider_status"] == str(status)
    assert len(there.seen) == 1


async def test_retry_after_is_waited_for_when_it_ends_before_the_deadline() -> None:
    """R7: obeyed to within a second."""
    there = Upstream(answer(429, retry_after="1"), 200)
    loop = asyncio.get_running_loop()
    async with upstream(there) as http:
        begun = loop.time()
        assert (await http.send("GET", "x")).status == 200
        assert 1.0 <= loop.time() - begun < 2.0
        there.answers = [answer(429, retry_after="7")]
        begun = loop.time()
        error = await failure(http.send("GET", "x"))
    assert loop.time() - begun < 1.0
    assert (error.kind, error.retry_after) == (Kind.RATE_LIMITED, 7.0)
    assert len(there.seen) == 3


async def test_r7_a_storm_is_met_with_one_tenth_more_requests_and_then_with_silence() -> None:
    there = Upstream(503)
    policy = Policy(base=0.0, reserve=10.0, rest=60.0, least=20)
    async with upstream(there, policy=policy, seconds=60) as http:
        for _ in range(20):
            assert (await failure(http.send("GET", "x"))).kind is Kind.UNAVAILABLE
        at_opening = len(there.seen)
        assert at_opening <= 20 + 12
        for _ in range(500):
            error = await failure(http.send("GET", "x"))
            assert error.kind is Kind.UNAVAILABLE
            assert error.retry_after is not None
        assert len(there.seen) == at_opening
    there = Upstream(429)
    async with upstream(there, policy=policy, seconds=60) as http:
        for _ in range(500):
            assert (await failure(http.send("GET", "x"))).kind is Kind.RATE_LIMITED
    assert len(there.seen) <= 500 * 1.1 + 10


async def test_one_host_that_fails_leaves_the_others_alone() -> None:
    bad, good = Upstream(503), Upstream(200)
    clock = iter(range(10_000_000)).__next__
    async with serving(bad) as one, serving(good) as two, door() as way:
        hosts = Hosts(Policy(base=0.0, least=5, window=1e9, rest=1e9), lambda: float(clock()))
        shared = Door(way.transport, hosts)
        for _ in range(10):
            await failure(Http(shared, one, provider="a").send("GET", "/"))
        blocked = len(bad.seen)
        await failure(Http(shared, one, provider="a").send("GET", "/"))
        assert len(bad.seen) == blocked
        assert (await Http(shared, two, provider="a").send("GET", "/")).status == 200
        await failure(Http(shared, one, provider="b").send("GET", "/"))
        assert len(bad.seen) > blocked


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
