"""How each vendor's double tells its subscribers: what the vendor would send, signed as it does."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.providers.dialpad.double import hooks as dialpad_hooks
from tests.providers.goto.double import hooks as goto_hooks

Bell = Callable[[Any, httpx.AsyncClient], Awaitable[list[int]]]


async def _calendly(harness: Any, client: httpx.AsyncClient) -> list[int]:
    statuses = []
    for uri, hook in harness.double.world.hooks.items():
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        told: dict[str, Any] = {"event": hook["events"][0], "created_at": now}
        told |= {"payload": {"uri": "https://api.calendly.com/x"}}
        body = json.dumps(told).encode()
        sent = str(int(time.time()))
        key = harness.double.world.keys[uri]
        mark = hmac.digest(key.encode(), sent.encode() + b"." + body, "sha256").hex()
        answer = await client.post(
            hook["callback_url"].replace("https:", "http:"),
            content=body,
            headers={"Calendly-Webhook-Signature": f"t={sent},v1={mark}"},
        )
        statuses.append(answer.status_code)
    return statuses


async def _calcom(harness: Any, client: httpx.AsyncClient) -> list[int]:
    statuses = []
    for hook in harness.cal.world.webhooks.values():
        fields = {"triggerEvent": "BOOKING_CREATED", "createdAt": f"{time.time_ns()}"}
        body = json.dumps(fields | {"payload": {"uid": "u"}}).encode()
        mark = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
        answer = await client.post(
            hook["subscriberUrl"], content=body, headers={"x-cal-signature-256": mark}
        )
        statuses.append(answer.status_code)
    return statuses


async def _acuity(harness: Any, client: httpx.AsyncClient) -> list[int]:
    statuses = []
    for hook in harness.double.world.hooks.values():
        body = b"action=changed&id=1&calendarID=1&appointmentTypeID=1"
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-acuity-signature": base64.b64encode(b"unknown").decode(),
        }
        answer = await client.post(hook["target"], content=body, headers=headers)
        statuses.append(answer.status_code)
    return statuses


async def _google(harness: Any, client: httpx.AsyncClient) -> list[int]:
    """The double delivers by itself what comes through its API; harnesses plant behind its back."""
    for channel in list(harness.google.channels.values()):
        harness.google.changed(channel["resource"])
    await harness.google.delivered()
    return [200]


async def _fathom(harness: Any, client: httpx.AsyncClient) -> list[int]:
    statuses = []
    for hook in harness.double.hooks.values():
        letter = harness.double.letter(hook, harness.double.meetings[-1])
        answer = await client.post(letter.url, content=letter.body, headers=letter.headers)
        statuses.append(answer.status_code)
    return statuses


async def _meet(harness: Any, client: httpx.AsyncClient) -> list[int]:
    """Google publishes, and Pub/Sub pushes to the operator's address."""
    workspace = harness.google.workspace
    workspace.statuses.clear()
    kind = "google.workspace.meet.recording.v2.fileGenerated"
    workspace.happened(kind, "conferenceRecords/a/recordings/b")
    return list(await workspace.delivered())


async def _dialpad(harness: Any, client: httpx.AsyncClient) -> list[int]:
    statuses = []
    for letter in dialpad_hooks.letters(harness.dialpad.world, "recording"):
        answer = await client.post(letter.url, content=letter.body)
        statuses.append(answer.status_code)
    return statuses


async def _goto(harness: Any, client: httpx.AsyncClient) -> list[int]:
    world = harness.goto.world
    webinar = list(world.webinars.values())[-1]
    statuses = []
    for letter in goto_hooks.letters(world, "webinar.created", webinar, status="NEW"):
        url = letter.url.replace("https:", "http:")
        answer = await client.post(url, content=letter.body, headers=letter.headers)
        statuses.append(answer.status_code)
    return statuses


async def _outlook(harness: Any, client: httpx.AsyncClient) -> list[int]:
    harness.graph.subscriptions.changed()
    return await _told_by_graph(harness)


async def _teams(harness: Any, client: httpx.AsyncClient) -> list[int]:
    harness.graph.subscriptions.ready()
    return await _told_by_graph(harness)


async def _told_by_graph(harness: Any) -> list[int]:
    """The double delivers by itself; the statuses of this time."""
    harness.graph.subscriptions.statuses.clear()
    return list(await harness.graph.subscriptions.delivered())


async def _zoom(harness: Any, client: httpx.AsyncClient) -> list[int]:
    statuses = []
    for event in ("meeting.updated", "webinar.updated", "recording.renamed"):
        fields = {"event": event, "event_ts": time.time_ns(), "payload": {}}
        body, sent = json.dumps(fields).encode(), str(int(time.time()))
        signed = b"v0:" + sent.encode() + b":" + body
        mark = hmac.digest(APP_SECRET.encode(), signed, "sha256").hex()
        headers = {"x-zm-request-timestamp": sent, "x-zm-signature": f"v0={mark}"}
        answer = await client.post(harness.address, content=body, headers=headers)
        statuses.append(answer.status_code)
    return statuses


async def _fireflies(harness: Any, client: httpx.AsyncClient) -> list[int]:
    fields = {"event": "meeting.transcribed", "meeting_id": "m", "timestamp": time.time_ns()}
    body = json.dumps(fields).encode()
    mark = hmac.digest(APP_SECRET.encode(), body, "sha256").hex()
    headers = {"x-hub-signature": f"sha256={mark}"}
    return [(await client.post(harness.address, content=body, headers=headers)).status_code]


# Take no other addresses; what stands in front of this server would end TLS.
ONLY_HTTPS = frozenset({"calendly", "goto", "outlook", "teams"})
BELLS: Mapping[str, Bell] = {
    "acuity": _acuity,
    "calcom": _calcom,
    "calendly": _calendly,
    "dialpad": _dialpad,
    "fathom": _fathom,
    "google_calendar": _google,
    "goto": _goto,
    "google_meet": _meet,
    "outlook": _outlook,
    "teams": _teams,
}
# Of vendors where the operator enters the address by hand, with `APP_SECRET`; `harness.address` is
# that address. Watches poll, and what is delivered makes them look at once.
APP_SECRET = "the app's own secret"
BELLS_BY_HAND: Mapping[str, Bell] = {"fireflies": _fireflies, "zoom": _zoom}
