"""A server that is killed loses nothing: the client's token is the whole state of a watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import grpc
import httpx
import pytest
from google.protobuf.duration_pb2 import Duration

from tests.caldav_servers import DavServer, radicale
from tests.system.processes import CALDAV, service
from ucal.v1 import calendar_pb2, calendar_pb2_grpc, watch_pb2, watch_pb2_grpc

CHANGES = 500
SETTINGS = 'store = "memory:"\nkeyring = "env:UCAL_TEST_KEYS"\nlog_level = "warning"\n'
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n"
    "DTSTAMP:20270101T000000Z\r\nDTSTART:20270102T{hour:02}0000Z\r\nDURATION:PT1H\r\n"
    "SUMMARY:{subject}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


class Writer:
    """Another client of the CalDAV server: makes, changes and deletes events, 500 in all."""

    def __init__(self, server: DavServer, calendar: str) -> None:
        self._root = str(httpx.URL(server.url).join(calendar))
        self._auth = (server.username, server.password)
        self.final: dict[str, str] = {}
        self.done = 0

    async def run(self) -> None:
        async with httpx.AsyncClient(auth=self._auth, trust_env=False) as client:
            for number in range(CHANGES):
                await self._change(client, number)
                self.done = number + 1

    async def _change(self, client: httpx.AsyncClient, number: int) -> None:
        uid = f"e{number % 125}"
        if number >= 375 and number % 5 == 0:
            answer = await client.delete(f"{self._root}{uid}.ics")
            self.final.pop(uid, None)
        else:
            subject = f"version {number}"
            text = EVENT.format(uid=uid, hour=number % 24, subject=subject)
            answer = await client.put(
                f"{self._root}{uid}.ics", content=text, headers={"content-type": "text/calendar"}
            )
            self.final[uid] = subject
        answer.raise_for_status()


class Reader:
    """A client of ours: applies changes, commits the token after each message."""

    def __init__(self, calendar: str) -> None:
        self.held: dict[str, str] = {}
        self.versions: dict[str, list[int]] = {}
        self.token = b""
        self._calendar = calendar

    async def follow(self, address: str) -> AsyncIterator[None]:
        """One step per message, until the stream breaks."""
        request = watch_pb2.WatchEventsRequest(
            scope=watch_pb2.WatchScope(connection_id="local", calendar_ids=[self._calendar]),
            resume_token=self.token,
            start=watch_pb2.WATCH_START_UNSPECIFIED
            if self.token
            else watch_pb2.WATCH_START_INITIAL_STATE,
            poll_interval=Duration(seconds=2),
        )
        async with grpc.aio.insecure_channel(address) as channel:
            async for message in watch_pb2_grpc.WatchServiceStub(channel).WatchEvents(request):
                for change in message.changes.changes:
                    self._apply(change)
                if message.resume_token:
                    self.token = message.resume_token
                yield

    def _apply(self, change: watch_pb2.Change) -> None:
        if change.type == watch_pb2.CHANGE_TYPE_DELETED:
            self.held.pop(change.id, None)
            return
        self.held[change.id] = change.event.subject
        number = int(change.event.subject.rpartition(" ")[2])
        self.versions.setdefault(change.id, []).append(number)


async def _calendar(address: str) -> str:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = calendar_pb2_grpc.CalendarServiceStub(channel)
        made = await stub.CreateCalendar(
            calendar_pb2.CreateCalendarRequest(
                connection_id="local", calendar=calendar_pb2.Calendar(name="Kill")
            )
        )
    return made.calendar.id


@pytest.mark.timeout(180)
async def test_kill_9_in_the_middle_of_500_changes_loses_nothing(tmp_path: Path) -> None:
    keys = {"UCAL_TEST_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
    with radicale() as server:
        settings = SETTINGS + CALDAV.format(
            url=server.url, username=server.username, password=server.password
        )
        with service(settings, tmp_path, keys) as first:
            calendar = await _calendar(first.address)
            writer, reader = Writer(server, calendar), Reader(calendar)
            writing = asyncio.create_task(writer.run())
            with suppress(grpc.aio.AioRpcError):
                async for _ in reader.follow(first.address):
                    if reader.held and writer.done > CHANGES // 4:
                        first.kill()
        assert len(reader.held) > 0, "the first server told nothing before it died"
        assert not writing.done(), "the changes were over before the kill"
        with service(settings, tmp_path, keys) as second:
            async with asyncio.timeout(90):
                async for _ in reader.follow(second.address):
                    if writing.done() and _same(reader, writer):
                        break
            await writing
    assert _same(reader, writer)
    for resource, numbers in reader.versions.items():
        assert numbers == sorted(numbers), f"{resource} went back in time: {numbers}"


def _same(reader: Reader, writer: Writer) -> bool:
    return sorted(reader.held.values()) == sorted(writer.final.values())
