"""Nothing of a calendar, and no credential, is in any file, log line or error of a run."""

import asyncio
import base64
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_status import rpc_status

from tests.caldav_servers import DavServer, radicale
from tests.system.processes import Process, service
from ucal.v1 import (
    busy_pb2,
    busy_pb2_grpc,
    calendar_pb2,
    calendar_pb2_grpc,
    connection_pb2,
    connection_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    types_pb2,
    watch_pb2,
    watch_pb2_grpc,
)

CANARY = "Kanarienvogel7391"
MAIL = "kanarienvogel7391@example.com"
PASSWORD = "Kohlmeise4417"
WORDS = (CANARY, MAIL, PASSWORD)
SETTINGS = """\
store = "sqlite:///{folder}/ucal.db"
keyring = "{folder}/keys"
log_level = "debug"
allowed_networks = ["127.0.0.0/8"]

[[connections]]
id = "sandbox"
provider = "sandbox"
"""


def at(hour: int) -> types_pb2.EventTime:
    return types_pb2.EventTime(
        timestamp=Timestamp(seconds=1_800_000_000 + hour * 3600), time_zone="Europe/Berlin"
    )


def marked(**fields: Any) -> event_pb2.Event:
    event = event_pb2.Event(
        subject=f"{CANARY} subject",
        description=f"{CANARY} text",
        location=f"{CANARY} place",
        start_at=at(0),
        end_at=at(1),
        attendees=[types_pb2.Attendee(name=CANARY, email=MAIL)],
    )
    event.MergeFrom(event_pb2.Event(**fields))
    return event


class Caller:
    """Makes calls of every kind, and keeps the text of every failure."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.failures: list[str] = []
        self.calendars = calendar_pb2_grpc.CalendarServiceStub(channel)
        self.connections = connection_pb2_grpc.ConnectionServiceStub(channel)
        self.events = event_pb2_grpc.EventServiceStub(channel)
        self.busy = busy_pb2_grpc.BusyServiceStub(channel)
        self.watches = watch_pb2_grpc.WatchServiceStub(channel)

    async def failing(self, work: Awaitable[Any]) -> None:
        """That `work` fails; what it says is kept."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await work
        status = rpc_status.from_call(caught.value)
        self.failures.append(f"{caught.value.details()} {status!s}")
        for _, value in caught.value.trailing_metadata() or ():
            self.failures.append(value if isinstance(value, str) else repr(value))

    async def connect(self, server: DavServer, password: str, own_id: str) -> None:
        await self.connections.CreateConnection(
            connection_pb2.CreateConnectionRequest(
                connection=connection_pb2.Connection(
                    id=own_id,
                    provider="caldav",
                    base_url=server.url,
                    basic=connection_pb2.BasicCredentials(
                        username=server.username, password=password
                    ),
                )
            )
        )


async def good_calls(caller: Caller, connection: str) -> None:
    """A calendar full of canaries, read in every way, changed, watched and deleted."""
    made = await caller.calendars.CreateCalendar(
        calendar_pb2.CreateCalendarRequest(
            connection_id=connection, calendar=calendar_pb2.Calendar(name=f"{CANARY} calendar")
        )
    )
    calendar = made.calendar.id
    created = await caller.events.CreateEvent(
        event_pb2.CreateEventRequest(connection_id=connection, event=marked(calendar_id=calendar))
    )
    one = created.event.id
    await caller.events.GetEvent(
        event_pb2.GetEventRequest(
            connection_id=connection, calendar_id=calendar, id=one, include_raw=True
        )
    )
    window = types_pb2.TimeRange(
        start_at=Timestamp(seconds=1_799_000_000), end_at=Timestamp(seconds=1_801_000_000)
    )
    listed = await caller.events.ListEvents(
        event_pb2.ListEventsRequest(connection_id=connection, calendar_id=calendar, window=window)
    )
    assert CANARY in str(listed), "the canary did not come back: nothing is proven"
    await caller.busy.ListBusy(
        busy_pb2.ListBusyRequest(connection_id=connection, calendar_ids=[calendar], window=window)
    )
    stream = caller.watches.WatchEvents(
        watch_pb2.WatchEventsRequest(
            scope=watch_pb2.WatchScope(connection_id=connection, calendar_ids=[calendar]),
            start=watch_pb2.WATCH_START_INITIAL_STATE,
        )
    )
    async for message in stream:
        if message.WhichOneof("message") == "synced":
            break
    stream.cancel()
    await caller.failing(
        caller.events.UpdateEvent(
            event_pb2.UpdateEventRequest(
                connection_id=connection,
                calendar_id=calendar,
                id=one,
                event=event_pb2.Event(subject=f"{CANARY} again", etag='"wrong"'),
            )
        )
    )
    await caller.events.DeleteEvent(
        event_pb2.DeleteEventRequest(connection_id=connection, calendar_id=calendar, id=one)
    )


async def bad_calls(caller: Caller) -> None:
    """Every kind of failure, with canaries in what was sent."""
    refused = [
        marked(end_at=at(-1)),
        marked(attendees=[types_pb2.Attendee(email=f"{CANARY} no address")]),
        marked(recurrence=types_pb2.Recurrence(rules=[f"RRULE:FREQ={CANARY}"])),
        marked(start_at=types_pb2.EventTime(time_zone=f"{CANARY}/Zone")),
        marked(color=CANARY),
        marked(metadata={f"{CANARY} key": "v"}),
    ]
    for event in refused:
        await caller.failing(
            caller.events.CreateEvent(
                event_pb2.CreateEventRequest(connection_id="sandbox", event=event)
            )
        )
    for token in (CANARY, base64.b64encode(CANARY.encode()).decode()):
        await caller.failing(
            caller.events.ListEvents(
                event_pb2.ListEventsRequest(connection_id="sandbox", page_token=token)
            )
        )
    await caller.failing(
        caller.watches.PollEvents(
            watch_pb2.PollEventsRequest(
                scope=watch_pb2.WatchScope(connection_id="sandbox"), resume_token=CANARY.encode()
            )
        )
    )


async def drive(process: Process, server: DavServer) -> list[str]:
    """Everything; the texts of all failures."""
    async with grpc.aio.insecure_channel(process.address) as channel:
        caller = Caller(channel)
        await caller.connect(server, server.password, "good")
        await caller.connect(server, PASSWORD, "bad")
        await good_calls(caller, "good")
        await bad_calls(caller)
        await caller.failing(
            caller.events.ListEvents(event_pb2.ListEventsRequest(connection_id="bad"))
        )
        asleep = asyncio.create_task(
            caller.failing(
                caller.events.CreateEvent(
                    event_pb2.CreateEventRequest(connection_id="sandbox", event=marked()),
                    metadata=(("ucal-sandbox-latency-ms", "10000"),),
                    timeout=1,
                )
            )
        )
        await asleep
        return caller.failures


@pytest.mark.timeout(120)
async def test_no_canary_in_any_file_log_line_or_error(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    keys = tmp_path / "keys"
    keys.write_text(base64.b64encode(bytes(range(32))).decode())
    keys.chmod(0o600)
    environment = {"TMPDIR": str(temporary), "HOME": str(tmp_path)}
    with (
        radicale() as server,
        service(SETTINGS.format(folder=tmp_path), tmp_path, environment) as process,
    ):
        failures = await drive(process, server)
        process.kill()
    assert len(failures) > 10
    for text in failures:
        assert not [word for word in WORDS if word.lower() in text.lower()], text
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".db", ".log"}, "the run wrote no store or no log"
    assert any('"event": "call"' in path.read_text() for path in files if path.suffix == ".log")
    for path in files:
        content = path.read_bytes().lower()
        assert not [word for word in WORDS if word.lower().encode() in content], path.name
