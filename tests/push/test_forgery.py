"""R12: for each provider that pushes, what it sends is believed, and nothing that looks like it.

A genuine delivery is caught on its way and altered, so that no provider is forgotten and no scheme
is told here. What the vendors' schemes cannot tell, for they sign no body or no time, is declared
below, and held to that: a scheme that gets better, or worse, fails here.
"""

import asyncio
import dataclasses
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import grpc
import httpx
import pytest

from providers.registry import provider_class
from server.watch.hub import Hub
from tests.conformance.subjects import Subject, subjects
from tests.ports import free_port
from tests.push.bells import APP_SECRET, BELLS, BELLS_BY_HAND, ONLY_HTTPS
from tests.push.recorder import Letter, Recorder
from tests.push.test_native import kind_of
from tests.serving import serving
from ucal.v1 import connection_pb2, types_pb2, watch_pb2, watch_pb2_grpc

ALL = {**BELLS, **BELLS_BY_HAND}
# One of each provider: variants differ in what is behind them, not in what they are sent.
PUSHING = list({each.provider: each for each in subjects() if each.provider in ALL}.values())
# The vendor vouches for the sender alone: by a token in a header or in the address.
BODY_NOT_SIGNED = {"acuity", "google_calendar", "google_meet", "goto", "outlook", "teams"}
# Nothing that is vouched for says when.
TIME_NOT_SIGNED = BODY_NOT_SIGNED | {"calcom", "fireflies"}
# What is signed is when the thing happened, not when it was sent; it is remembered as long.
LATE = {"dialpad": 3600}
# Nothing tells a delivery that comes again from the next one; feeds look once for both.
NOT_NUMBERED = {"acuity"}
EVENT = types_pb2.RESOURCE_KIND_EVENT
JUNK = 150
# Seconds, on a machine that is busy with other tests; `make chaos` measures how soon it is.
IN_TIME = 10


@dataclass
class Scene:
    """A service that one provider has delivered to, and what it was sent.

    Attributes:
        woken: how often watches were told to look.
    """

    provider: str
    recorder: Recorder
    genuine: Letter
    woken: list[Any]

    async def refused(self, letter: Letter) -> None:
        """That `letter` is told nothing and wakes nobody."""
        self.woken.clear()
        answer = await self.recorder.send(letter)
        assert answer.status_code in (401, 404), (letter, answer.status_code)
        assert answer.content == b"", "it was told something"
        assert self.woken == [], letter

    async def taken(self, letter: Letter) -> bool:
        return (await self.recorder.send(letter)).status_code == 200


@contextmanager
def _woken() -> Iterator[list[Any]]:
    found: list[Any] = []
    nudge = Hub.nudge

    def told(hub: Hub, *args: Any) -> int:
        found.append(args)
        return nudge(hub, *args)

    with patch.object(Hub, "nudge", told):
        yield found


@asynccontextmanager
async def scene(subject: Subject) -> AsyncIterator[Scene]:
    """A watch is open, the provider has told of a change, and the watch is still open."""
    port, name = free_port(), subject.provider
    async with (
        subject.make() as any_harness,
        httpx.AsyncClient(trust_env=False) as client,
        Recorder(f"http://127.0.0.1:{port}", client).running() as recorder,
    ):
        harness: Any = any_harness
        address = f"{recorder.url}/webhooks/{name}"
        if hasattr(harness, "deliver_to"):
            harness.deliver_to(address)
        settings = harness.settings
        if name in BELLS_BY_HAND:
            harness.address = address
            settings = dataclasses.replace(settings, webhook_secret=APP_SECRET)
        public = recorder.url.replace("http:", "https:") if name in ONLY_HTTPS else recorder.url
        with _woken() as woken:
            async with serving(
                [_named(harness.connection, "c"), _named(harness.connection, "other")],
                {name: settings}, http_listen=f"127.0.0.1:{port}", public_url=public,
            ) as channel, _watching(channel, subject, harness.calendar_id):  # fmt: skip
                await harness.plant(kind_of(subject) if name in BELLS else _some(subject))
                recorder.letters.clear()
                assert 200 in await ALL[name](harness, client)
                genuine = [each for each in recorder.letters if woken]
                assert genuine, "nothing was delivered, or it woke nobody"
                yield Scene(name, recorder, genuine[0], woken)


def _some(subject: Subject) -> Any:
    return min(provider_class(subject.provider).delta_kinds or {EVENT})


def _named(connection: connection_pb2.Connection, own_id: str) -> connection_pb2.Connection:
    found = connection_pb2.Connection()
    found.CopyFrom(connection)
    found.id = own_id
    return found


@asynccontextmanager
async def _watching(
    channel: grpc.aio.Channel, subject: Subject, calendar: str
) -> AsyncIterator[None]:
    kinds = [kind_of(subject)] if subject.provider in BELLS else []
    scope = watch_pb2.WatchScope(connection_id="c", kinds=kinds)
    if calendar and kinds == [EVENT]:
        scope.calendar_ids.append(calendar)
    stub = watch_pb2_grpc.WatchServiceStub(channel)
    stream = stub.WatchEvents(watch_pb2.WatchEventsRequest(scope=scope))
    async with asyncio.timeout(20):
        messages = aiter(stream)
        await anext(messages)
        await anext(messages)
    try:
        yield
    finally:
        stream.cancel()


@contextmanager
def skewed(seconds: float) -> Iterator[None]:
    """The service's clock is that much ahead of the delivery's."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=seconds)

    with patch("server.push.ingress.datetime", Later):
        yield


async def marks(found: Scene) -> list[tuple[str, str, str]]:
    """Which headers and parameters vouch for the delivery: it is not taken without them."""
    there = [("header", *each) for each in found.genuine.headers]
    there += [("query", *each) for each in found.genuine.query]
    return [each for each in there if not await found.taken(_with(found.genuine, *each[:2], None))]


def _with(letter: Letter, place: str, name: str, value: str | None) -> Letter:
    return letter.with_header(name, value) if place == "header" else letter.with_query(name, value)


def altered(value: str) -> set[str]:
    """`value`, almost."""
    found = {"", "x", value[:-1], value[1:], f"{value}x", f"x{value}"}
    for place in {0, len(value) // 2, len(value) - 1}:
        other = "b" if value[place] == "a" else "a"
        found.add(f"{value[:place]}{other}{value[place + 1 :]}")
    return found - {value}


EACH = pytest.mark.parametrize("subject", PUSHING, ids=lambda each: each.provider)


def test_every_provider_that_pushes_is_here() -> None:
    from providers.core.settings import ProviderSettings
    from providers.registry import PROVIDERS

    with_push = {
        name
        for name in PROVIDERS
        if getattr(provider_class(name)(ProviderSettings()), "push", None) is not None
    }
    assert {each.provider for each in PUSHING} == with_push


@EACH
async def test_an_altered_delivery_is_refused(subject: Subject) -> None:
    """Bad signature, wrong channel, body swapped, another connection, another provider."""
    async with scene(subject) as found:
        vouching = await marks(found)
        assert vouching or subject.provider not in BODY_NOT_SIGNED, "it is taken whoever sends it"
        for place, name, value in vouching:
            for other in altered(value):
                letter = _with(found.genuine, place, name, other)
                if _same_meaning(name, value, other):
                    continue
                await found.refused(letter)
        if vouching:
            await found.refused(dataclasses.replace(found.genuine, headers=(), query=()))
        swapped = dataclasses.replace(found.genuine, body=b'{"event": "x"}')
        # A body that is no JSON is one signed text of base64.
        body = found.genuine.body.replace(b":", b" :", 1)
        if body == found.genuine.body:
            body = body.swapcase() or b" "
        changed = dataclasses.replace(found.genuine, body=body)
        if subject.provider not in BODY_NOT_SIGNED:
            await found.refused(swapped)
            await found.refused(changed)
        else:
            assert await found.taken(changed), "its body is signed now: say so above"
        await _elsewhere(found)


def _same_meaning(name: str, value: str, other: str) -> bool:
    """A header may list several signatures, of which one must hold; times have leading zeros."""
    return value in other.replace(",", " ").split()


async def _elsewhere(found: Scene) -> None:
    path = found.genuine.path
    if path.endswith("/c"):
        for connection in ("other", "nobody", "C", "c%20", "..%2Fc"):
            await found.refused(found.genuine.to(path.removesuffix("c") + connection))
    for each in PUSHING:
        if each.provider != found.provider:
            other = path.replace(f"/{found.provider}", f"/{each.provider}")
            await found.refused(found.genuine.to(other))
    await found.refused(found.genuine.to(path.replace(f"/{found.provider}", "/nowhere")))


@EACH
async def test_who_forges_cannot_tell_what_there_is(subject: Subject) -> None:
    """A connection that is there and one that is not answer a forger alike, byte by byte."""
    async with scene(subject) as found:
        letter = Letter(
            f"/webhooks/{subject.provider}/c", headers=(("authorization", "x"),), body=b"{}"
        )
        answers = set()
        for connection in ("c", "other", "nobody"):
            answer = await found.recorder.send(
                letter.to(f"/webhooks/{subject.provider}/{connection}")
            )
            headers = {k: v for k, v in answer.headers.items() if k.lower() != "date"}
            answers.add((answer.status_code, answer.content, str(headers)))
        assert len(answers) == 1


@EACH
async def test_an_old_and_a_future_delivery_are_refused(subject: Subject) -> None:
    """300 seconds either way, where the vendor signs the time."""
    async with scene(subject) as found:
        for seconds in (LATE.get(subject.provider, 300) + 1, -302, 86_400, -86_400):
            with skewed(seconds):
                if subject.provider in TIME_NOT_SIGNED:
                    assert await found.taken(found.genuine), "its time is signed now: say so above"
                else:
                    await found.refused(found.genuine)
        for seconds in (120, -120):
            with skewed(seconds):
                assert await found.taken(found.genuine)


@EACH
async def test_a_replay_wakes_nobody_again(subject: Subject) -> None:
    async with scene(subject) as found:
        found.woken.clear()
        answers = []
        for _ in range(10):
            answers += await asyncio.gather(*(found.taken(found.genuine) for _ in range(10)))
        assert all(answers), "a vendor who repeats itself is told that it was taken"
        if subject.provider in NOT_NUMBERED:
            assert found.woken, "it is numbered now: say so above"
        else:
            assert found.woken == []


@EACH
async def test_ten_megabytes_are_not_read(subject: Subject) -> None:
    async with scene(subject) as found:
        found.woken.clear()
        began = time.perf_counter()
        huge = dataclasses.replace(found.genuine, body=b"x" * 10_000_000)
        try:
            answer = await found.recorder.send(huge)
        except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            pass  # it hung up in the middle
        else:
            assert answer.status_code in (401, 404, 413)
            assert b"x" not in answer.content
        assert time.perf_counter() - began < IN_TIME
        assert found.woken == []
        assert await found.taken(found.genuine)


@EACH
async def test_junk_keeps_nobody_from_being_heard(subject: Subject) -> None:
    """Many forged deliveries at once; a genuine one among them is taken in time."""
    chance = random.Random(12)
    async with scene(subject) as found:
        found.woken.clear()
        vouching = await marks(found)
        found.woken.clear()
        junk = [_junk(found.genuine, vouching, chance) for _ in range(JUNK)]
        gate = asyncio.Semaphore(50)

        async def one(letter: Letter) -> int:
            async with gate:
                return (await found.recorder.send(letter)).status_code

        begun = asyncio.gather(*map(one, junk))
        await asyncio.sleep(0)
        began = time.perf_counter()
        assert await found.taken(found.genuine)
        assert time.perf_counter() - began < IN_TIME
        assert set(await begun) <= {401, 404, 413}
        if subject.provider not in NOT_NUMBERED:
            assert found.woken == []


def _junk(genuine: Letter, vouching: list[tuple[str, str, str]], chance: random.Random) -> Letter:
    body = chance.randbytes(chance.randrange(2000))
    if not vouching:
        return dataclasses.replace(genuine, body=body)
    place, name, value = chance.choice(vouching)
    noise = "".join(chance.choices("abcdef0123456789=,+/", k=max(8, len(value))))
    return dataclasses.replace(_with(genuine, place, name, noise), body=body)
