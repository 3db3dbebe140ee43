"""The vendor's own kit for Node drives the double, and checks signatures as we do.

It is used where `node` and the npm package `acuityscheduling` are (found through NODE_PATH).
"""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from providers.acuity import webhook
from tests.providers.acuity.desk import Desk, booking, instant, monday
from tests.providers.acuity.double import KEY, USER
from tests.providers.acuity.double.world import CALENDAR, QUICK

pytestmark = pytest.mark.stranger
BODY = "action=scheduled&id=54321&calendarID=27238&appointmentTypeID=1"
SIGNATURE = "VDrjU2QQFtsKKM22peXa7a7qqYdYgZEKqXsOshwNR2s="


async def test_acuitys_own_kit_for_node(desk: Desk) -> None:
    """What it books is read here, and what is moved here is read by it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    found = await asyncio.to_thread(_run, node, "-e", "require.resolve('acuityscheduling')")
    if found.returncode:
        pytest.skip("the npm package acuityscheduling is not installed (NODE_PATH)")
    ours = (await desk.create(booking(monday()))).event
    theirs = monday(hour=11)
    order = {
        "base": desk.double.origin,
        "userId": USER,
        "apiKey": KEY,
        "ours": ours.id,
        "body": BODY,
        "signature": SIGNATURE,
        "booking": {
            "datetime": f"{theirs:%Y-%m-%dT%H:%M:%S+0000}",
            "appointmentTypeID": QUICK,
            "calendarID": CALENDAR,
            "firstName": "Node",
            "lastName": "Client",
            "email": "node@example.com",
        },
    }
    script = str(Path(__file__).with_name("node_walk.js"))
    ran = await asyncio.to_thread(_run, node, script, json.dumps(order))
    assert ran.returncode == 0, ran.stderr.decode()
    told = json.loads(ran.stdout)
    assert told["me"] == 30000001
    assert told["read"] == int(ours.id)
    assert told["forged"] == "This message was forged!"
    made = await desk.get(told["made"])
    assert made.start_at == instant(theirs)
    assert made.attendees[0].name == "Node Client"
    webhook.verify_signature({webhook.HEADER: SIGNATURE}, BODY.encode(), KEY)


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, check=False, capture_output=True, timeout=60)
