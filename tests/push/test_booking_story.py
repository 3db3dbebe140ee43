"""One script for three booking providers: book, reschedule, cancel, and a watch that tells of it.

The calls are the same at all of them; where a provider has no way to reschedule, UpdateEvent says
so, and the story goes on without it. The watch is told natively, by deliveries, or by polling.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from server.service import Service, running
from server.settings import Settings
from server.settings_model import Limits
from tests.conformance.subjects import Subject, subjects
from tests.ports import free_port
from tests.push.bells import BELLS, ONLY_HTTPS
from tests.serving import static
from ucal.v1 import (
    connection_pb2,
    event_pb2,
    event_pb2_grpc,
    link_pb2,
    link_pb2_grpc,
    types_pb2,
    watch_pb2,
    watch_pb2_grpc,
)

BOOKING = [each for each in subjects() if each.provider in {"acuity", "calcom", "calendly"}]
EVENT = types_pb2.RESOURCE_KIND_EVENT
Wake = Callable[[], Awaitable[None]]


@dataclass
class Script:
    """The calls, in the words of the contract alone."""

    channel: grpc.aio.Channel
    link: str
    calendar: str

    async def slots(self) -> list[Timestamp]:
        """Free starts of the next days, soonest first."""
        now = datetime.now(UTC)
        window = types_pb2.TimeRange()
        window.start_at.FromDatetime(now + timedelta(days=1))
        window.end_at.FromDatetime(now + timedelta(days=6))
        answer = await link_pb2_grpc.LinkServiceStub(self.channel).ListLinkSlots(
            link_pb2.ListLinkSlotsRequest(connection_id="c", link_id=self.link, window=window)
        )
        return [slot.start_at for slot in answer.slots]

    @property
    def _events(self) -> event_pb2_grpc.EventServiceStub:
        return event_pb2_grpc.EventServiceStub(self.channel)

    async def book(self, start: Timestamp) -> event_pb2.Event:
        answer = await self._events.CreateEvent(
            event_pb2.CreateEventRequest(
                connection_id="c",
                event=event_pb2.Event(
                    link_id=self.link,
                    start_at=types_pb2.EventTime(timestamp=start, time_zone="Europe/Berlin"),
                    attendees=[types_pb2.Attendee(name="Ada Byron", email="ada@example.com")],
                ),
            )
        )
        return answer.event

    async def reschedule(self, event: event_pb2.Event, start: Timestamp) -> event_pb2.Event | None:
        """The event at its new time; None where the provider cannot, and says so."""
        when = types_pb2.EventTime(timestamp=start, time_zone="Europe/Berlin")
        try:
            answer = await self._events.UpdateEvent(
                event_pb2.UpdateEventRequest(
                    connection_id="c",
                    id=event.id,
                    calendar_id=event.calendar_id,
                    event=event_pb2.Event(start_at=when),
                )
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
            return None
        return answer.event

    async def cancel(self, event: event_pb2.Event) -> None:
        await self._events.DeleteEvent(
            event_pb2.DeleteEventRequest(
                connection_id="c", id=event.id, calendar_id=event.calendar_id, reason="ill"
            )
        )


@asynccontextmanager
async def stage(subject: Subject, *, native: bool) -> AsyncIterator[tuple[Script, Service, Wake]]:
    """The service before one provider, and what makes its watches look."""
    port = free_port()
    async with subject.make() as harness, httpx.AsyncClient(trust_env=False) as client:
        connection = connection_pb2.Connection()
        connection.CopyFrom(harness.connection)
        connection.id = "c"
        scheme = "https" if harness.provider in ONLY_HTTPS else "http"
        settings = Settings(
            listen="127.0.0.1:0",
            http_listen=f"127.0.0.1:{port}",
            public_url=f"{scheme}://127.0.0.1:{port}" if native else "",
            store="memory:",
            log_level="warning",
            providers={harness.provider: harness.settings},
            connections=(static(connection),),
            limits=Limits(drain_delay=0, drain_grace=1),
        )
        async with (
            running(settings) as service,
            grpc.aio.insecure_channel(service.address) as channel,
        ):

            async def wake() -> None:
                if native:
                    assert set(await BELLS[harness.provider](harness, client)) == {200}
                else:
                    service.hub.nudge("c")  # the next poll, now

            yield Script(channel, harness.link_id, harness.calendar_id), service, wake


def telling(change: watch_pb2.Change) -> tuple[str, str]:
    """Type of a change, and where it stands: as the story's hearer needs it."""
    name = watch_pb2.ChangeType.Name(change.type).removeprefix("CHANGE_TYPE_")
    canceled = change.event.status == event_pb2.EVENT_STATUS_CANCELED
    return name, "canceled" if canceled else "on"


async def heard(stream: Any, wake: Wake, until: Callable[[watch_pb2.Change], bool]) -> list[Any]:
    """Wake the watch, and listen until `until` holds; every change that was told."""
    told: list[watch_pb2.Change] = []
    async with asyncio.timeout(20):
        await wake()
        while not any(until(change) for change in told):
            told += (await anext(stream)).changes.changes
    return told


@pytest.mark.parametrize("native", [True, False], ids=["native", "polling"])
@pytest.mark.parametrize("subject", BOOKING, ids=lambda subject: subject.id)
async def test_a_booking_is_made_moved_and_canceled(subject: Subject, *, native: bool) -> None:
    """P84, P85: a move is UPDATED with its lineage, never a stray CREATED and DELETED."""
    async with stage(subject, native=native) as (script, _, wake):
        scope = watch_pb2.WatchScope(connection_id="c", kinds=[EVENT])
        if script.calendar:
            scope.calendar_ids.append(script.calendar)
        stub = watch_pb2_grpc.WatchServiceStub(script.channel)
        call = stub.WatchEvents(watch_pb2.WatchEventsRequest(scope=scope))
        stream = aiter(call)
        opened = (await anext(stream)).opened
        wanted = watch_pb2.WATCH_SOURCE_NATIVE if native else watch_pb2.WATCH_SOURCE_POLLING
        assert opened.source == wanted, opened.reason
        await anext(stream)

        first, *_, last = await script.slots()
        event = await script.book(first)
        told = await heard(stream, wake, lambda change: change.id == event.id)
        assert [telling(c) for c in told] in ([("CREATED", "on")], [("UPSERTED", "on")])

        moved = await script.reschedule(event, last)
        if moved is not None:
            assert moved.start_at.timestamp == last
            told = await heard(stream, wake, lambda change: change.event.start_at.timestamp == last)
            assert {telling(c)[0] for c in told} <= {"UPDATED", "UPSERTED"}, told
            if moved.id != event.id:
                assert moved.moved_from_id == event.id
                assert event.id in {c.previous_id or c.event.moved_from_id for c in told}
            event = moved

        await script.cancel(event)
        told = await heard(
            stream,
            wake,
            lambda c: c.id == event.id and telling(c) != ("UPDATED", "on"),
        )
        assert telling(told[-1]) in {
            ("UPDATED", "canceled"), ("UPSERTED", "canceled"), ("DELETED", "on"),
        }  # fmt: skip
        call.cancel()
