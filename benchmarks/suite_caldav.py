"""A month of a CalDAV calendar: through the service, and by the `caldav` library in-process."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import caldav
import grpc
import httpx

from benchmarks.paired import Measure, Ratio, interleaved, ratio
from benchmarks.processes import started
from benchmarks.suite_service import service
from tests.caldav_servers import DavServer, radicale
from ucal.v1 import calendar_pb2, calendar_pb2_grpc, event_pb2, event_pb2_grpc

_EVENTS = 250
_FIRST, _LAST = datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
_SETTINGS = """\
listen = "127.0.0.1:0"
http_listen = ""
store = "memory:"
log_level = "warning"

[[connections]]
id = "bench"
provider = "caldav"
base_url = "http://127.0.0.1:{port}/"
credentials = {{ username = "{username}", password = "{password}" }}
"""
_ICS = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//bench//EN
BEGIN:VEVENT
UID:e{number}
DTSTAMP:20270101T000000Z
DTSTART;TZID=Europe/Berlin:202702{day:02}T{hour:02}0000
DTEND;TZID=Europe/Berlin:202702{day:02}T{hour:02}4500
SUMMARY:Meeting {number} about the state of things
DESCRIPTION:A few lines\\, as people write them.\\nAgenda: what was done\\; what comes.
LOCATION:Room {hour}
ORGANIZER;CN=Ann Example:mailto:ann@example.com
ATTENDEE;CN=Ben Example;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT:mailto:ben@example.com
ATTENDEE;CN=Cleo Example;PARTSTAT=NEEDS-ACTION:mailto:cleo@example.com
SEQUENCE:1
END:VEVENT
END:VCALENDAR
"""


@contextmanager
def _filled() -> Iterator[tuple[DavServer, str]]:
    """A server with a calendar of 250 events, and the calendar's path."""
    with radicale() as server:
        user = server.username
        with httpx.Client(auth=(user, server.password), trust_env=False) as client:
            home = httpx.URL(server.url).join(f"/{user}/bench/")
            client.request("MKCALENDAR", home).raise_for_status()
            for number in range(_EVENTS):
                text = _ICS.format(number=number, day=number % 28 + 1, hour=number % 12 + 8)
                client.put(home.join(f"e{number}.ics"), content=text).raise_for_status()
        yield server, f"/{user}/bench/"


def _library(url: str, server: DavServer) -> Measure:
    client = caldav.DAVClient(url, username=server.username, password=server.password)

    def listed() -> float:
        begin = time.perf_counter()
        calendar = next(c for c in client.principal().calendars() if "bench" in str(c.url))
        found = calendar.search(start=_FIRST, end=_LAST, event=True)
        titles = [event.icalendar_component["SUMMARY"] for event in found]
        seconds = time.perf_counter() - begin
        if len(titles) != _EVENTS:
            raise RuntimeError("the library lost events")
        return seconds

    async def measure() -> float:
        return await asyncio.to_thread(listed)

    return measure


def _through(channel: grpc.aio.Channel, calendar: str) -> Measure:
    stub = event_pb2_grpc.EventServiceStub(channel)
    request = event_pb2.ListEventsRequest(
        connection_id="bench", calendar_id=calendar, page_size=_EVENTS
    )
    request.window.start_at.FromDatetime(_FIRST)
    request.window.end_at.FromDatetime(_LAST)

    async def measure() -> float:
        begin = time.perf_counter()
        answer = await stub.ListEvents(request)
        titles = [event.subject for event in answer.events]
        seconds = time.perf_counter() - begin
        if len(titles) != _EVENTS:
            raise RuntimeError(f"the service told {len(titles)} events")
        return seconds

    return measure


async def run(rounds: int) -> list[Ratio]:
    """The figures."""
    with _filled() as (server, _):
        async with started("benchmarks.replay", server.url) as upstream:
            settings = _SETTINGS.format(
                port=upstream.port, username=server.username, password=server.password
            )
            async with (
                service(settings) as ours,
                grpc.aio.insecure_channel(f"127.0.0.1:{ours.port}") as channel,
            ):
                listed = await calendar_pb2_grpc.CalendarServiceStub(channel).ListCalendars(
                    calendar_pb2.ListCalendarsRequest(connection_id="bench")
                )
                calendar = listed.calendars[0].id
                library = _library(f"http://127.0.0.1:{upstream.port}/", server)
                through = _through(channel, calendar)
                await library()
                await through()
                times = await interleaved(
                    {"library": library, "ours": through, "again": through}, rounds
                )
    milliseconds = {name: [1000 * one for one in found] for name, found in times.items()}
    return [
        ratio(
            "250 events: caldav library / service",
            milliseconds["library"],
            milliseconds["ours"],
            ">= 12",
            "ms",
        ),
        ratio("A/A: service / service", milliseconds["ours"], milliseconds["again"]),
    ]
