"""What comes in by HTTP, from providers, from people's browsers and from nobody in particular."""

import contextlib
import html
import json
import re
from typing import Any
from unittest.mock import patch

from providers.core.push import Push
from providers.registry import provider_class
from tests.conformance.client import CONNECTION
from tests.zero_storage.stage import Stage
from tests.zero_storage.words import CORE, EMAIL, TEXT, URL

_FORM = "application/x-www-form-urlencoded"
_ACTION = re.compile(r'<form method="post" action="([^"]*)"')
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_INPUT = re.compile(r'<input id="[^"]+" name="([^"]+)"')
_KEYS = (
    "id", "event", "type", "action", "trigger", "triggerEvent", "eventType", "event_type",
    "payload", "data", "value", "resource", "subscriptionId", "clientState", "meeting_id",
    "meetingId", "recording_id", "uid", "uri", "email", "subject", "title", "object", "attributes",
)  # fmt: skip


# What vendors call what has happened: without such a word nothing else of a delivery is read.
_HAPPENED: tuple[dict[str, object], ...] = (
    {"triggerEvent": "BOOKING_CREATED", "createdAt": TEXT},
    {"triggerEvent": "MEETING_STARTED", "createdAt": TEXT},
    {"event": "invitee.created"},
    {"event": "meeting.transcribed", "meeting_id": "m1"},
    {"event": "meeting.updated"},
    {"event": "meeting.started"},
    {"event": "recording.completed"},
    {"eventName": "webinar.created", "product": "g2w"},
    {"value": [{"changeType": "created", "id": TEXT, "subscriptionId": TEXT, "resource": TEXT}]},
    {"value": [{"lifecycleEvent": "missed", "subscriptionId": TEXT, "resource": TEXT}]},
    {"recording_id": 7, "title": TEXT, "url": URL},
    {"message": {"data": "e30=", "attributes": {"ce-subject": TEXT, "ce-id": TEXT}}},
)


def bodies() -> list[tuple[str, bytes]]:
    """Deliveries that speak of somebody in every field that any vendor sends, and in no field."""
    flat = dict.fromkeys(_KEYS, TEXT) | {"email": EMAIL, "uri": URL}
    deep = {key: [flat, {key: flat}] for key in _KEYS}
    told = [flat | {"payload": flat | {"object": flat, "event": TEXT}} | each for each in _HAPPENED]
    return [
        *(("application/json", json.dumps(each).encode()) for each in told),
        (_FORM, f"action=changed&id=1&calendarID=1&appointmentTypeID=1&email={CORE}".encode()),
        ("application/json", json.dumps(flat).encode()),
        ("application/json", json.dumps(deep).encode()),
        (
            "application/json",
            json.dumps({"payload": flat, "event": CORE, "value": [flat]}).encode(),
        ),
        ("application/json", f"{TEXT} is no JSON".encode()),
        ("application/json", b'{"' + CORE.encode() + b'": "\xff"'),
        (_FORM, "&".join(f"{key}={CORE}" for key in _KEYS).encode()),
        ("text/plain", TEXT.encode()),
        ("application/json", b""),
    ]


def _headers(kind: str) -> dict[str, str]:
    names = (
        "x-goog-channel-token", "x-goog-channel-id", "x-goog-resource-id", "x-goog-resource-uri",
        "x-cal-signature-256", "calendly-webhook-signature", "x-acuity-signature",
        "x-zm-signature", "x-zm-request-timestamp", "x-hub-signature", "webhook-signature",
        "webhook-id", "authorization", "user-agent", "referer", "cookie", "x-forwarded-for",
    )  # fmt: skip
    return dict.fromkeys(names, CORE) | {"content-type": kind}


async def deliver_all(stage: Stage, *, as_if_signed: bool) -> int:
    """Every body to every address; with `as_if_signed` they are read, whoever sent them.

    How many of them were taken.
    """
    name = stage.client.harness.provider
    provider = provider_class(name)(stage.client.harness.settings)
    found: Push | None = getattr(provider, "push", None)
    paths = [
        f"/webhooks/{name}/{CONNECTION}?validationToken={CORE}&q={CORE}",
        f"/webhooks/{name}/{CORE}?q={CORE}",
        f"/webhooks/{name}?q={CORE}",
        f"/webhooks/{CORE}/{CORE}",
        f"/webhooks/{CORE}",
    ]
    taken = 0
    with _trusting(found) if as_if_signed and found is not None else contextlib.nullcontext():
        for path in paths[: 1 if as_if_signed else None]:
            for kind, body in bodies():
                answer = await stage.http.post(
                    f"{stage.url}{path}", content=body, headers=_headers(kind)
                )
                taken += answer.status_code < 300
                if "validationToken" not in path:
                    stage.pages.append(answer.content + str(answer.headers).encode())
    return taken


def _trusting(push: Push) -> Any:
    """A vendor who has signed whatever comes."""
    return patch.object(type(push), "verify", lambda *_: None)


async def browse(stage: Stage) -> None:
    """Requests that no part of the service has asked for."""
    for method, path in (
        ("GET", f"/oauth/callback?code={CORE}&state={CORE}"),
        ("GET", f"/oauth/callback?error={CORE}&error_description={CORE}"),
        ("GET", f"/connect/{stage.client.harness.provider}?ticket={CORE}&login_hint={EMAIL}"),
        ("POST", f"/connect/{stage.client.harness.provider}"),
        ("GET", f"/connect/{CORE}"),
        ("GET", f"/{CORE}"),
        ("PUT", f"/metrics?{CORE}"),
        ("GET", f"/readyz?{CORE}"),
    ):
        body = (
            f"username={CORE}&password={CORE}&api_key={CORE}".encode() if method != "GET" else b""
        )
        await stage.http.request(
            method, f"{stage.url}{path}", content=body, headers=_headers(_FORM)
        )


async def fill_in(stage: Stage, link: str) -> int:
    """Open the page that `link` leads to, and fill in whatever form it has; the last status.

    What is typed is wrong: the provider is asked, and refuses.
    """
    page = await stage.http.get(link)
    action = _ACTION.search(page.text)
    if action is None:
        return page.status_code
    fields = {name: value or CORE for name, value in _FIELD.findall(page.text)}
    fields |= dict.fromkeys(_INPUT.findall(page.text), CORE)
    fields |= {name: value for name, value in _FIELD.findall(page.text) if value}
    answer = await stage.http.post(
        str(page.url.join(html.unescape(action[1]))),
        data={name: html.unescape(value) for name, value in fields.items()},
        headers={"origin": stage.url, "referer": str(page.url)},
    )
    return answer.status_code
