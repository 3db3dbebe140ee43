"""The same walk through a calendar with `buf curl`, on Radicale and on Xandikos: equal answers.

python -m tests.interop.walk              both, compared
python -m tests.interop.walk ADDRESS ID   one connection of a running service, printed
"""

import difflib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.caldav_servers import radicale, xandikos
from tests.ports import free_port

BUF = str(Path(sys.executable).with_name("buf"))
# Differ from server to server, and from run to run, rightly.
PRIVATE = {
    "calendar_id", "connection_id", "created_at", "etag", "ical_uid", "id", "moved_from_id", "raw",
    "recurring_event_id", "resume_token", "sequence", "updated_at",
}  # fmt: skip
START = "2027-03-15T08:00:00Z"


class Walk:
    """Calls of one connection."""

    def __init__(self, address: str, connection: str) -> None:
        self.address = address
        self.connection = connection

    def call(self, rpc: str, **request: Any) -> dict[str, Any]:
        """The answer of `Service/Method`, by reflection, as JSON."""
        body = json.dumps({"connection_id": self.connection} | request)
        done = subprocess.run(
            [
                BUF, "curl", "--http2-prior-knowledge", "--protocol", "grpc",
                "-d", body, f"http://{self.address}/ucal.v1.{rpc}",
            ],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{rpc} failed on {self.connection}: {done.stderr}{done.stdout}")
        answer: dict[str, Any] = json.loads(done.stdout or "{}", object_hook=_snake)
        return answer


def _snake(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in key)
        if key[0].islower()
        else key: value
        for key, value in found.items()
    }


def normalized(value: Any) -> Any:
    """`value` without what may differ."""
    if isinstance(value, dict):
        return {key: normalized(each) for key, each in value.items() if key not in PRIVATE}
    if isinstance(value, list):
        return [normalized(each) for each in value]
    return value


def walk(calls: Walk) -> str:
    """List, create, read, change one, change this and following, free/busy, delete; as text."""
    told: list[str] = []

    def say(title: str, answer: Any) -> None:
        told.append(f"== {title}\n{json.dumps(normalized(answer), indent=1, sort_keys=True)}")

    made = calls.call("CalendarService/CreateCalendar", calendar={"name": "Walk"})
    calendar = made["calendar"]["id"]
    names = [each.get("name") for each in calls.call("CalendarService/ListCalendars")["calendars"]]
    say("the new calendar is listed", "Walk" in names)
    created = calls.call(
        "EventService/CreateEvent",
        event={
            "calendar_id": calendar,
            "subject": "Weekly",
            "start_at": {"timestamp": START, "time_zone": "Europe/Berlin"},
            "end_at": {"timestamp": "2027-03-15T09:00:00Z", "time_zone": "Europe/Berlin"},
            "recurrence": {
                "rules": [
                    "RRULE:FREQ=WEEKLY;COUNT=6",
                    "EXDATE;TZID=Europe/Berlin:20270322T090000",
                ]
            },
        },
    )
    say("create", created)
    series = created["event"]["id"]
    read = calls.call("EventService/GetEvent", calendar_id=calendar, id=series, include_raw=True)
    say("get", read)
    assert read["event"]["raw"]["__id"], "raw tells the server's own id"
    window = {"start_at": "2027-03-01T00:00:00Z", "end_at": "2027-06-01T00:00:00Z"}
    instances = calls.call(
        "EventService/ListEventInstances",
        calendar_id=calendar,
        recurring_event_id=series,
        window=window,
    )["events"]
    say("instances", instances)
    moved = calls.call(
        "EventService/UpdateEvent",
        calendar_id=calendar,
        id=instances[1]["id"],
        scope="UPDATE_SCOPE_THIS_INSTANCE",
        event={"subject": "Weekly, moved room", "location": "Room 2"},
    )
    say("one instance", moved)
    split = calls.call(
        "EventService/UpdateEvent",
        calendar_id=calendar,
        id=instances[3]["id"],
        scope="UPDATE_SCOPE_THIS_AND_FOLLOWING",
        event={"subject": "Weekly, from here on"},
    )
    say("this and following", split)
    listed = calls.call(
        "EventService/ListEvents", calendar_id=calendar, window=window, expand_recurring=True
    )
    say("list", sorted(listed.get("events", []), key=lambda each: each["start_at"]["timestamp"]))
    busy = calls.call("BusyService/ListBusy", calendar_ids=[calendar], window=window)
    say("busy", [{k: v for k, v in each.items() if k != "id"} for each in busy.get("busy", [])])
    for event in (series, split["event"]["id"]):
        calls.call(
            "EventService/DeleteEvent", calendar_id=calendar, id=event, scope="UPDATE_SCOPE_ALL"
        )
    rest = calls.call(
        "EventService/ListEvents", calendar_id=calendar, window=window, expand_recurring=True
    )
    say("after delete", rest)
    calls.call("CalendarService/DeleteCalendar", id=calendar)
    return "\n".join(told)


SETTINGS = """\
listen = "127.0.0.1:{port}"
http_listen = ""
store = "memory:"
log_level = "warning"
"""
CONNECTION = """
[[connections]]
id = "{id}"
provider = "caldav"
base_url = "{url}"
credentials = {{ username = "{username}", password = "{password}" }}
"""


def compare() -> None:
    """Walk through both servers behind one service; differences end with exit 1."""
    with radicale() as one, xandikos() as other, tempfile.TemporaryDirectory() as folder:
        port = free_port()
        text = SETTINGS.format(port=port)
        for server in (one, other):
            text += CONNECTION.format(
                id=server.name, url=server.url, username=server.username, password=server.password
            )
        settings = Path(folder) / "ucal.toml"
        settings.write_text(text)
        with _service(settings, port) as address:
            answers = {
                server.name: walk(Walk(address, server.name)).splitlines()
                for server in (one, other)
            }
    difference = list(difflib.unified_diff(*answers.values(), *answers, lineterm="", n=1))
    print("\n".join(difference))
    if difference:
        raise SystemExit("Radicale and Xandikos do not come out the same")
    print(f"buf curl: Radicale and Xandikos tell the same {len(answers['radicale'])} lines")


@contextmanager
def _service(settings: Path, port: int) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "server"], env=os.environ | {"UCAL_CONFIG": str(settings)}
    )
    try:
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(walk(Walk(sys.argv[1], sys.argv[2])))
    else:
        compare()
