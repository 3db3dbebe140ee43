"""What is sent again, and what a lost answer means."""

import asyncio

import pytest
from aiohttp import web

from providers.core.errors import Kind
from providers.core.http import Door, Http
from providers.core.retry import Hosts, Policy
from tests.core.upstream import (
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


async def test_retry_after_is_waited_for_when_it_ends_before_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R7: obeyed to within a second."""
    there = Upstream(answer(429, retry_after="1"), 200)
    waits: list[float] = []
    sleep = asyncio.sleep

    async def waited(seconds: float) -> None:
        if seconds:
            waits.append(seconds)
        await sleep(0)

    async with upstream(there) as http:
        monkeypatch.setattr("providers.core.http.asyncio.sleep", waited)
        assert (await http.send("GET", "x")).status == 200
        (wait,) = waits
        assert 1.0 <= wait < 2.0
        there.answers = [answer(429, retry_after="7")]
        error = await failure(http.send("GET", "x"))
    assert waits == [wait], "it waited for what comes too late"
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
