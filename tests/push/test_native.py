"""Native push: subscriptions while somebody watches, deliveries that wake it, forged ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest

from providers.core.operations import ResourceKind
from providers.registry import provider_class
from tests.conformance.subjects import Subject, subjects
from tests.ports import free_port
from tests.push.bells import BELLS, ONLY_HTTPS
from tests.serving import serving
from ucal.v1 import connection_pb2, types_pb2, watch_pb2, watch_pb2_grpc

EVENT = types_pb2.RESOURCE_KIND_EVENT
PUSHING = [subject for subject in subjects() if subject.provider in BELLS]


def kind_of(subject: Subject) -> ResourceKind:
    """What its provider pushes; events where it does."""
    pushed = provider_class(subject.provider).pushed_kinds
    return EVENT if EVENT in pushed else min(pushed)


@dataclass
class Scene:
    """A service that providers can reach, and the other side of one provider."""

    harness: Any
    kind: ResourceKind
    channel: grpc.aio.Channel
    client: httpx.AsyncClient
    url: str

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[AsyncIterator[watch_pb2.WatchEventsResponse]]:
        """A watch of the harness's calendar, ended with the block."""
        scope = watch_pb2.WatchScope(connection_id="c", kinds=[self.kind])
        if self.harness.calendar_id and self.kind == EVENT:
            scope.calendar_ids.append(self.harness.calendar_id)
        stub = watch_pb2_grpc.WatchServiceStub(self.channel)
        stream = stub.WatchEvents(watch_pb2.WatchEventsRequest(scope=scope))
        try:
            yield aiter(stream)
        finally:
            stream.cancel()

    async def ring(self) -> list[int]:
        """What the vendor sends after a change; the statuses that it is answered with."""
        return await BELLS[self.harness.provider](self.harness, self.client)


@asynccontextmanager
async def scene(subject: Subject) -> AsyncIterator[Scene]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with subject.make() as harness, httpx.AsyncClient(trust_env=False) as client:
        connection = connection_pb2.Connection()
        connection.CopyFrom(harness.connection)
        connection.id = "c"
        settings = {harness.provider: harness.settings}
        if hasattr(harness, "deliver_to"):
            harness.deliver_to(f"{url}/webhooks/{harness.provider}")
        public = url.replace("http:", "https:") if harness.provider in ONLY_HTTPS else url
        async with serving(
            [connection], settings, http_listen=f"127.0.0.1:{port}", public_url=public
        ) as channel:
            yield Scene(harness, kind_of(subject), channel, client, url)


@pytest.mark.parametrize("subject", PUSHING, ids=lambda subject: subject.id)
async def test_a_delivery_wakes_a_watch_long_before_its_poll(subject: Subject) -> None:
    async with scene(subject) as found, found.watching() as stream:
        opened = (await anext(stream)).opened
        assert opened.source == watch_pb2.WATCH_SOURCE_NATIVE, opened.reason
        assert opened.poll_interval.seconds >= 60
        await anext(stream)  # the point from which it watches is known
        planted = await found.harness.plant(found.kind)
        async with asyncio.timeout(15):
            assert set(await found.ring()) == {200}
            while True:
                message = await anext(stream)
                told = [change.id for change in message.changes.changes]
                if planted in told:
                    return


@pytest.mark.parametrize("subject", PUSHING, ids=lambda subject: subject.id)
async def test_forged_and_unknown_deliveries_learn_nothing(subject: Subject) -> None:
    async with scene(subject) as found:
        provider = found.harness.provider
        for path, status in (
            (f"/webhooks/{provider}/c", 401),
            (f"/webhooks/{provider}/nobody", 401),
            ("/webhooks/sandbox/c", 404),
            ("/webhooks/nowhere", 404),
        ):
            answer = await found.client.post(
                f"{found.url}{path}",
                content=b'{"triggerEvent": "BOOKING_CREATED"}',
                headers={"x-cal-signature-256": "0" * 64, "x-goog-channel-token": "guess"},
            )
            assert (answer.status_code, answer.content) == (status, b""), path


async def test_without_a_public_url_watches_poll_and_say_so() -> None:
    (subject,) = [each for each in PUSHING if each.provider == "google_calendar"]
    async with subject.make() as harness:
        connection = connection_pb2.Connection()
        connection.CopyFrom(harness.connection)
        connection.id = "c"
        async with serving([connection], {harness.provider: harness.settings}) as channel:
            stub = watch_pb2_grpc.WatchServiceStub(channel)
            stream = stub.WatchEvents(
                watch_pb2.WatchEventsRequest(scope=watch_pb2.WatchScope(connection_id="c"))
            )
            opened = (await anext(aiter(stream))).opened
            stream.cancel()
    assert opened.source == watch_pb2.WATCH_SOURCE_POLLING
    assert "push" in opened.reason
