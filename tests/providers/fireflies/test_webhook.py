"""Deliveries: signatures of both versions, and what they hint at."""

import hmac
import json
from pathlib import Path

import pytest

from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery
from providers.fireflies import webhook
from ucal.v1 import types_pb2

SAMPLES = Path(__file__).resolve().parents[4] / "shared/specs/fireflies/samples"
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="no ../shared/specs/fireflies/samples"
)
SECRET = "fireflies-secret-1"
EVENT = types_pb2.RESOURCE_KIND_EVENT
RECORDING = types_pb2.RESOURCE_KIND_RECORDING
V1 = b'{"meetingId": "ASxwZxCstx", "eventType": "Transcription completed"}'


def v2(event: str, **more: object) -> bytes:
    return json.dumps(
        {"event": event, "timestamp": 1763800000000, "meeting_id": "ASxwZxCstx", **more}
    ).encode()


def signed(body: bytes, prefix: str = "sha256=", secret: str = SECRET) -> Delivery:
    found = hmac.digest(secret.encode(), body, "sha256").hex()
    return Delivery({"x-hub-signature": prefix + found}, body)


@pytest.mark.parametrize(
    ("event", "kinds"),
    [
        ("meeting.transcribed", [EVENT, RECORDING]),
        ("meeting.summarized", [RECORDING]),
        ("meeting.bot_joined", [EVENT]),
        ("meeting.renamed", []),
        ("Transcription completed", []),
    ],
)
def test_what_a_delivery_hints_at(event: str, kinds: list[int]) -> None:
    delivery = signed(v2(event, client_reference_id="ref"))
    webhook.verify(delivery, SECRET)
    found = webhook.hints(delivery)
    assert [hint.kind for hint in found] == kinds
    assert {hint.object_id for hint in found} <= {"ASxwZxCstx"}


def test_repetitions_can_be_told() -> None:
    """There is no time in the signature: the same delivery has the same id, another has another."""
    once, again = (webhook.hints(signed(v2("meeting.summarized"))) for _ in range(2))
    later = webhook.hints(signed(v2("meeting.summarized", timestamp=1763800000001)))
    assert once[0].delivery_id == again[0].delivery_id != later[0].delivery_id
    assert once[0].delivery_id


@pytest.mark.parametrize("prefix", ["sha256=", ""])
def test_version_1_with_and_without_prefix(prefix: str) -> None:
    delivery = signed(V1, prefix)
    webhook.verify(delivery, SECRET)
    assert [hint.kind for hint in webhook.hints(delivery)] == [EVENT, RECORDING]
    assert webhook.hints(delivery)[0].delivery_id == ""


@pytest.mark.parametrize(
    ("delivery", "secret"),
    [
        (signed(v2("meeting.transcribed"), ""), SECRET),
        (signed(v2("meeting.transcribed"), "sha1="), SECRET),
        (signed(v2("meeting.transcribed"), secret="another"), SECRET),
        (signed(v2("meeting.transcribed"), secret=""), ""),
        (signed(b"x" * 70_000), SECRET),
        (signed(b"{", ""), SECRET),
        (Delivery({}, V1), SECRET),
        (Delivery({"x-hub-signature": "sha256="}, V1), SECRET),
        (Delivery({"x-hub-signature": "sha256=é"}, V1), SECRET),
    ],
)
def test_what_is_not_signed_is_refused(delivery: Delivery, secret: str) -> None:
    """P15."""
    with pytest.raises(ProviderError) as caught:
        webhook.verify(delivery, secret)
    assert caught.value.kind is Kind.UNAUTHENTICATED


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"\xff", b"[" * 5000, b"{}", b'{"event": 7}',
        v2("meeting.transcribed", meeting_id="a b"),
        v2("meeting.transcribed", meeting_id="x" * 200),
        v2("meeting.transcribed", meeting_id=""),
    ],
)  # fmt: skip
def test_bodies_that_say_nothing(body: bytes) -> None:
    assert webhook.hints(Delivery({}, body)) == []


@needs_samples
def test_the_vectors() -> None:
    vectors = json.loads((SAMPLES / "signature-vectors.json").read_text())
    assert vectors["cases"]
    for case in vectors["cases"]:
        delivery = Delivery(case["headers"], case["raw_body"].encode())
        if case["expect"] == "accept":
            webhook.verify(delivery, vectors["secret"])
            continue
        with pytest.raises(ProviderError):
            webhook.verify(delivery, vectors["secret"])


@needs_samples
@pytest.mark.parametrize("name", ["hook-v1-transcription-completed", "hook-v2-meeting.summarized"])
def test_the_vendors_examples_hint_at_recordings(name: str) -> None:
    body = json.loads((SAMPLES / f"{name}.json").read_text())["body"]
    found = webhook.hints(Delivery({}, json.dumps(body).encode()))
    assert RECORDING in [hint.kind for hint in found]
