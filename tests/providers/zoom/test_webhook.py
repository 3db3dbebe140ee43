"""Webhooks: signatures, the handshake that must sign nothing else, hints without people."""

import hmac
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Topic
from providers.core.settings import ProviderSettings
from providers.zoom import webhook
from providers.zoom.provider import Zoom as Provider
from tests.providers.desk import refused
from tests.providers.zoom import spec
from tests.providers.zoom.desk import Desk
from ucal.v1 import types_pb2, watch_pb2

SECRET = "zoom-secret-token-1"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
EVENT = types_pb2.RESOURCE_KIND_EVENT
WEBINAR = types_pb2.RESOURCE_KIND_WEBINAR
RECORDING = types_pb2.RESOURCE_KIND_RECORDING


# Said by name, also where a test without samples would be skipped for having no parameters.
NEEDS_SPECS = pytest.mark.skipif(
    not spec.there(), reason="the project's shared specs/zoom is missing"
)


def signed(body: Any, *, at: datetime = NOW, secret: str = SECRET) -> Delivery:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    sent = str(int(at.timestamp()))
    digest = hmac.digest(secret.encode(), f"v0:{sent}:".encode() + raw, "sha256").hex()
    headers = {"x-zm-request-timestamp": sent, "x-zm-signature": f"v0={digest}"}
    return Delivery(headers, raw)


def _vectors(name: str) -> list[Any]:
    if not spec.there():
        return []
    return list(spec.sample("signature-vectors")[name])


@NEEDS_SPECS
def test_the_vectors_are_there() -> None:
    assert _vectors("cases")
    assert _vectors("url_validation")


@NEEDS_SPECS
@pytest.mark.parametrize("case", _vectors("cases"), ids=lambda c: str(c["name"])[:40])
def test_signature_vectors(case: dict[str, Any]) -> None:
    delivery = Delivery(case["headers"], case["raw_body"].encode())
    now = datetime.fromtimestamp(case["now"], UTC)
    if case["expect"] == "accept":
        webhook.verify(delivery, SECRET, now)
        return
    with refused(Kind.UNAUTHENTICATED):
        webhook.verify(delivery, SECRET, now)


@NEEDS_SPECS
@pytest.mark.parametrize("case", _vectors("url_validation"), ids=lambda c: str(c["name"])[:40])
def test_handshake_vectors(case: dict[str, Any]) -> None:
    delivery = Delivery(case["headers"], case["raw_body"].encode())
    now = datetime.fromtimestamp(case["now"], UTC)
    if "expect_body" in case:
        answer = webhook.handshake(delivery, SECRET, now)
        assert answer is not None
        assert json.loads(answer) == case["expect_body"]
        return
    with refused(Kind.UNAUTHENTICATED):
        webhook.handshake(delivery, SECRET, now)


def _challenge(token: object) -> dict[str, Any]:
    return {"event": "endpoint.url_validation", "event_ts": 1, "payload": {"plainToken": token}}


@pytest.mark.parametrize("token", ["v0:1763801000:{}", "a b", "", "x" * 129, "a:b", "ä", "a\n"])
def test_the_handshake_signs_nothing_but_tokens(token: str) -> None:
    """The trap: its answer is made with the key of all deliveries."""
    with refused(Kind.UNAUTHENTICATED):
        webhook.handshake(signed(_challenge(token)), SECRET, NOW)


def test_a_plain_delivery_is_no_handshake() -> None:
    assert webhook.handshake(signed({"event": "meeting.created"}), SECRET, NOW) is None
    assert webhook.handshake(signed(b"not json"), SECRET, NOW) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-zm-signature": "v0="},
        {"x-zm-request-timestamp": "soon"},
        {"x-zm-request-timestamp": "٣"},
        {"x-zm-request-timestamp": "9" * 400},
        {"x-zm-request-timestamp": "-1"},
        {"x-zm-signature": "ü"},
        {"x-zm-signature": "v0=\udcff"},
    ],
)
def test_forged_headers(headers: dict[str, str]) -> None:
    """P15."""
    good = signed({"event": "meeting.created"})
    delivery = Delivery({**(good.headers if headers else {}), **headers}, good.body)
    with refused(Kind.UNAUTHENTICATED):
        webhook.verify(delivery, SECRET, NOW)


def test_a_window_of_five_minutes_and_a_bounded_body() -> None:
    body = {"event": "meeting.created"}
    webhook.verify(signed(body), SECRET, datetime.fromtimestamp(NOW.timestamp() + 300, UTC))
    for seconds in (301, -301):
        with refused(Kind.UNAUTHENTICATED):
            later = datetime.fromtimestamp(NOW.timestamp() + seconds, UTC)
            webhook.verify(signed(body), SECRET, later)
    for secret in ("", "another"):
        with refused(Kind.UNAUTHENTICATED):
            webhook.verify(signed(body), secret, NOW)
    with refused(Kind.UNAUTHENTICATED):
        webhook.verify(signed(b" " * (1024 * 1024 + 1)), SECRET, NOW)


# -- hints


def _body(event: str, **about: Any) -> dict[str, Any]:
    return {"event": event, "event_ts": 1763800000123, "payload": {"object": about}}


@pytest.mark.parametrize(
    ("event", "kinds"),
    [
        ("meeting.created", [EVENT]),
        ("meeting.updated", [EVENT]),
        ("meeting.deleted", [EVENT]),
        ("meeting.permanently_deleted", [EVENT]),
        ("meeting.recovered", [EVENT]),
        ("meeting.registration_approved", [EVENT]),
        ("webinar.created", [WEBINAR]),
        ("webinar.registration_created", [WEBINAR]),
        ("meeting.converted_to_webinar", [EVENT, WEBINAR]),
        ("recording.completed", [RECORDING]),
        ("recording.transcript_completed", [RECORDING]),
        ("recording.trashed", [RECORDING]),
        ("meeting.summary_completed", [RECORDING]),
        ("recording.started", []),
        ("scheduler.scheduled_event_canceled", [EVENT]),
        ("calendar.event_create", []),
        ("meeting.participant_joined", []),
        ("app_deauthorized", []),
        ("something.new", []),
    ],
)
def test_what_events_hint_at(event: str, kinds: list[ResourceKind]) -> None:
    found = webhook.hints(signed(_body(event, id=85361420174, uuid="aBcD1234EFgh==")))
    assert [hint.kind for hint in found] == kinds
    for hint in found:
        wanted = "aBcD1234EFgh==" if hint.kind == RECORDING else "85361420174"
        assert hint.object_id == wanted


def test_only_a_delivery_tells_that_a_meeting_ended() -> None:
    """Its id is text there (P83)."""
    (begun,) = webhook.hints(signed(_body("meeting.started", id="85361420174")))
    (over,) = webhook.hints(signed(_body("webinar.ended", id="85361420174")))
    assert begun.change == watch_pb2.CHANGE_TYPE_STARTED
    assert over.change == watch_pb2.CHANGE_TYPE_ENDED


def test_a_delivery_that_comes_again_is_known() -> None:
    first, again = (webhook.hints(signed(_body("meeting.deleted", id=1)))[0] for _ in range(2))
    other = webhook.hints(
        signed(_body("meeting.deleted", id=1, occurrences=[{"occurrence_id": "5"}]))
    )[0]
    assert first.delivery_id == again.delivery_id != other.delivery_id


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"event": 5}',
        b'{"event": "meeting.created", "payload": []}',
        b'{"event": "meeting.created", "payload": {"object": {"id": {}}}}',
        b"[" * 100_000,
    ],
)
def test_bodies_that_are_none(body: bytes) -> None:
    assert webhook.hints(Delivery({}, body)) == []


def test_no_person_is_in_a_hint() -> None:
    about = {"id": "ana@example.org", "topic": "Secret", "host_id": "x"}
    (found,) = webhook.hints(signed(_body("meeting.created", **about)))
    assert found.object_id == ""
    assert "ana" not in repr(found)


HOOKS = sorted(path.stem for path in spec.SAMPLES.glob("hook-*.json")) if spec.there() else []


@NEEDS_SPECS
@pytest.mark.parametrize("name", HOOKS)
def test_samples_of_webhooks(name: str) -> None:
    body = spec.sample(name)["body"]
    found = webhook.hints(signed(body))
    known = body["event"].partition(".")[0] in ("meeting", "webinar", "recording", "scheduler")
    assert bool(found) is known
    assert all(hint.object_id for hint in found)


async def test_subscriptions_are_made_in_the_apps_settings(desk: Desk) -> None:
    """P17: a watch polls, and what comes all the same is checked with the app's secret."""
    provider = Provider(ProviderSettings(webhook_secret=SECRET))
    call: Call = desk.call
    with refused(Kind.PRECONDITION, reason="PUSH_NOT_SUPPORTED"):
        await provider.push.create(call, Topic(EVENT), "https://ucal.example/x", "own")
    delivery = signed(_challenge("abc"))
    assert provider.push.handshake(delivery, "own", NOW)
    provider.push.verify(delivery, "own", NOW)
    with pytest.raises(ProviderError):
        Provider(ProviderSettings()).push.verify(delivery, "own", NOW)
    assert provider.push.hints(signed(_body("meeting.created", id=7)))[0].object_id == "7"
