"""Clients of others drive the double: it must not be bent to fit our adapter.

zoomus comes with the extra `strangers`; Zoom's own client for Node is used where `node` and the
package `@zoom/rivet` are (npm, found through NODE_PATH).
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.providers.desk import window
from tests.providers.zoom.desk import BASE, THIS, Desk, meeting, starts, webinar
from tests.providers.zoom.desk import desk as a_desk
from tests.providers.zoom.double.server import CLIENT, TOKEN
from tests.providers.zoom.double.world import DANA
from ucal.v1 import webinar_pb2

pytestmark = pytest.mark.stranger
WEEK = timedelta(days=7)


async def _client(desk: Desk) -> Any:
    zoomus = pytest.importorskip("zoomus", reason="zoomus is missing (extra: strangers)")
    return await asyncio.to_thread(
        lambda: zoomus.ZoomClient(
            *CLIENT,
            "AAAAAABBBB",
            base_uri=desk.zoom.base_url,
            oauth_uri=f"{desk.zoom.url}/oauth/token",
        )
    )


async def _ask(method: Any, **fields: Any) -> Any:
    reply = await asyncio.to_thread(lambda: method(**fields))
    assert reply.status_code < 300, reply.text
    return reply.json() if reply.content else None


@pytest.fixture
async def unchecked() -> AsyncIterator[Desk]:
    """A desk whose exchanges are a stranger's, who sends what he likes beside."""
    async with a_desk() as found:
        yield found


async def test_what_zoomus_makes_is_read_here(unchecked: Desk) -> None:
    desk = unchecked
    zoom = await _client(desk)
    made = await _ask(
        zoom.meeting.create,
        user_id=DANA,
        topic="Theirs",
        type=8,
        start_time=BASE,
        timezone="Europe/Berlin",
        duration=30,
        recurrence={"type": 2, "repeat_interval": 1, "weekly_days": "3", "end_times": 4},
    )
    found = await desk.get(str(made["id"]))
    assert found.subject == "Theirs"
    assert len(await desk.instances(found.id)) == 4
    occurrence = made["occurrences"][1]["occurrence_id"]
    await _ask(zoom.meeting.delete, id=made["id"], occurrence_id=occurrence)
    assert len(await desk.instances(found.id)) == 3
    await _ask(zoom.meeting.update, id=made["id"], topic="Changed")
    assert (await desk.get(found.id)).subject == "Changed"


async def test_what_is_made_here_is_read_by_zoomus(unchecked: Desk) -> None:
    """P80: one occurrence is moved for everybody."""
    desk = unchecked
    zoom = await _client(desk)
    series = await desk.make(meeting("Ours", rules=("RRULE:FREQ=WEEKLY;COUNT=4",)))
    second = (await desk.instances(series.id))[1]
    moved = meeting(start=second.start_at)
    moved.start_at.timestamp.seconds += 3600
    moved.end_at.timestamp.seconds += 3600
    await desk.update(second.id, moved, "start_at", "end_at", scope=THIS)
    found = await _ask(zoom.meeting.get, id=series.id)
    assert found["topic"] == "Ours"
    assert len(found["occurrences"]) == 4
    planned = int(found["occurrences"][1]["occurrence_id"]) / 1000
    assert planned == (BASE + WEEK).timestamp()
    start = datetime.fromisoformat(found["occurrences"][1]["start_time"])
    assert start.timestamp() == planned + 3600
    listed = await _ask(zoom.meeting.list, user_id=DANA)
    assert [each["id"] for each in listed["meetings"]] == [int(series.id)]


async def test_webinars_and_registrants_of_both(unchecked: Desk) -> None:
    desk = unchecked
    zoom = await _client(desk)
    made = await desk.make_webinar(webinar(approval_mode=webinar_pb2.APPROVAL_MODE_AUTOMATIC))
    await _ask(
        zoom.webinar.register,
        id=made.id,
        email="bo@example.net",
        first_name="Bo",
        last_name="Li",
    )
    await desk.register(made.id, "Cy Ono", "cy@example.net")
    listed = await _ask(zoom.webinar.get_registrants, id=made.id)
    assert [each["first_name"] for each in listed["registrants"]] == ["Bo", "Cy"]
    (bo, cy) = (await desk.webinar(made.id, "registrants")).registrants
    assert (bo.name, cy.name) == ("Bo Li", "Cy Ono")


async def test_recordings_of_both(unchecked: Desk) -> None:
    """P78: zoomus encodes UUIDs itself."""
    desk = unchecked
    zoom = await _client(desk)
    made = desk.zoom.world.record(85_000_000_001, BASE - timedelta(days=60))
    start = datetime.fromisoformat(made["start_time"])
    listed = await _ask(
        zoom.recording.list,
        user_id=DANA,
        start=start - timedelta(days=1),
        end=start + timedelta(days=1),
    )
    assert [each["uuid"] for each in listed["meetings"]] == [made["uuid"]]
    assert (await desk.recording(made["uuid"])).id == made["uuid"]


async def test_zooms_own_client_for_node(unchecked: Desk) -> None:
    """What it makes, moves and deletes is read here as it meant it."""
    desk = unchecked
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    found = await asyncio.to_thread(_run, node, "-e", "require.resolve('@zoom/rivet/meetings')")
    if found.returncode:
        pytest.skip("the npm package @zoom/rivet is not installed (NODE_PATH)")
    desk.zoom.world.record(85_000_000_001, datetime(2026, 5, 15, 10, 30, tzinfo=UTC))
    script = str(Path(__file__).with_name("node_reads.js"))
    ran = await asyncio.to_thread(_run, node, script, desk.zoom.base_url, TOKEN)
    assert ran.returncode == 0, ran.stderr.decode()
    told = json.loads(ran.stdout)
    assert told["listed"] == ["From Node"]
    assert told["states"] == ["available", "available", "deleted"]
    assert told["recordings"] == 1
    assert "[404/3001]" in told["missing"]
    ours = await desk.instances(
        told["id"], window=window(datetime(2040, 10, 1, tzinfo=UTC), days=90)
    )
    assert [f"{when:%m-%d %H:%M}" for when in starts(ours)] == ["10-16 14:10", "10-24 14:10"]
    assert [each.is_exception for each in ours] == [False, True]


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, check=False, capture_output=True, timeout=60)
