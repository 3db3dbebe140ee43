"""Push of Google Meet: subscriptions of Workspace Events, what Pub/Sub brings of them."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core.errors import Kind
from providers.core.push import Delivery, Hint, Topic
from providers.core.settings import ProviderSettings
from providers.google import meet_push, meet_webhook
from providers.google.provider_meet import GoogleMeet
from tests.providers.google.desk import refused
from tests.providers.google.double.workspace import USER, pushed
from tests.providers.google.meet_desk import SECRET, TOPIC, MeetDesk, meet_desk
from ucal.v1 import types_pb2, watch_pb2

RECORDING = types_pb2.RESOURCE_KIND_RECORDING
RECORDINGS = Topic(RECORDING)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
SOURCE = "subscriptions/meet-spaces-123"
CONFERENCE = "conferenceRecords/7e1f0c4a"
MEET = "google.workspace.meet."
LIFE = "google.workspace.events.subscription.v1."
PUSH = GoogleMeet(ProviderSettings(webhook_secret=SECRET, extra={"pubsub_topic": TOPIC})).push


@pytest.fixture
async def md() -> AsyncIterator[MeetDesk]:
    async with meet_desk() as found:
        yield found


async def create(md: MeetDesk, provider: Any = None) -> Any:
    push = (provider or md.provider).push
    return await push.create(md.call, RECORDINGS, "https://unused.example", "the connection's")


def only(md: MeetDesk) -> dict[str, Any]:
    (found,) = md.google.workspace.subscriptions.values()
    return dict(found)


async def test_a_subscription(md: MeetDesk) -> None:
    """P11: a week, which is as long as Google grants, and time enough to renew."""
    push = md.provider.push
    made = await create(md)
    kept = only(md)
    assert made.id == kept["name"]
    assert kept["targetResource"] == f"//cloudidentity.googleapis.com/users/{USER}"
    assert kept["notificationEndpoint"] == {"pubsubTopic": TOPIC}
    assert "includeResource" not in kept["payloadOptions"]
    assert set(meet_webhook.CHANGES) < set(kept["eventTypes"])
    assert made.expires_at - datetime.now(UTC) > timedelta(days=6.9)
    assert made.expires_at - made.renew_at == timedelta(days=1)
    md.google.workspace.subscriptions[made.id]["expireTime"] = "2036-01-01T00:00:00Z"
    renewed = await push.renew(md.call, made, "", "")
    assert renewed.id == made.id
    assert renewed.expires_at is not None
    assert renewed.expires_at - datetime.now(UTC) < timedelta(days=7.1)
    await push.delete(md.call, made)
    await push.delete(md.call, made)
    again = await push.renew(md.call, made, "", "")
    assert again.id != made.id
    assert only(md)["name"] == again.id


async def test_an_operation_that_takes_its_time(
    md: MeetDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meet_push, "_WAITS", (0.0, 0.0, 0.0))
    md.google.workspace.slow = 2
    assert (await create(md)).id == only(md)["name"]
    md.google.workspace.slow = 9
    md.google.workspace.subscriptions.clear()
    with refused(Kind.UNAVAILABLE):
        await create(md)


async def test_an_operation_that_fails(md: MeetDesk) -> None:
    md.google.workspace.broken = True
    with refused(Kind.PRECONDITION):
        await create(md)


async def test_one_that_was_suspended_goes_on(md: MeetDesk) -> None:
    """P14."""
    made = await create(md)
    workspace = md.google.workspace
    workspace.suspend(made.id)
    assert (await md.provider.push.renew(md.call, made, "", "")).id == made.id
    assert only(md)["state"] == "ACTIVE"
    workspace.suspend(made.id)
    workspace.reactivated = False
    with refused(Kind.PRECONDITION, reason="PUSH_NOT_SUPPORTED"):
        await md.provider.push.renew(md.call, made, "", "")


async def test_what_an_earlier_process_left_is_taken_over(md: MeetDesk) -> None:
    """One subscription to an account for an app: another attempt is a 409."""
    made = await create(md)
    assert (await create(md)).id == made.id
    assert only(md)["name"] == made.id
    another = md.make(pubsub_topic="projects/p/topics/another")
    with refused(Kind.PRECONDITION, reason="PUSH_NOT_SUPPORTED"):
        await create(md, another)
    assert only(md)["notificationEndpoint"] == {"pubsubTopic": TOPIC}


@pytest.mark.parametrize(
    ("topic", "secret", "missing"),
    [("", SECRET, "pubsub_topic"), (TOPIC, "", "webhook_secret"), ("", "", "pubsub_topic")],
)
async def test_without_settings_it_is_polled(
    md: MeetDesk, topic: str, secret: str, missing: str
) -> None:
    """P17. The reason says what to set."""
    with refused(Kind.PRECONDITION, reason="PUSH_NOT_SUPPORTED") as caught:
        await create(md, md.make(secret, pubsub_topic=topic))
    assert f"set {missing} in [providers.google_meet]" in caught.value.message
    assert md.google.journal == []


@pytest.mark.parametrize("topic", ["projects/p/topics/meet", "meet"])
async def test_a_topic_that_google_cannot_use(md: MeetDesk, topic: str) -> None:
    md.google.workspace.topic_allowed = False
    with refused(Kind.PRECONDITION, reason="PUSH_NOT_SUPPORTED"):
        await create(md, md.make(pubsub_topic=topic))


async def test_without_the_scope_for_the_id(md: MeetDesk) -> None:
    md.google.fail(403, "insufficientPermissions")
    with refused(Kind.PRECONDITION) as caught:
        await create(md)
    assert "userinfo.profile" in caught.value.message


async def test_trouble_is_no_refusal(md: MeetDesk) -> None:
    made = await create(md)
    md.google.fail(429, times=9, retry_after=700)
    with refused(Kind.RATE_LIMITED):
        await md.provider.push.renew(md.call, made, "", "")


# -- deliveries


def delivery(body: bytes, token: str = SECRET) -> Delivery:
    return Delivery({}, body, {"token": token})


@pytest.mark.parametrize(
    ("kind", "name", "told", "change"),
    [
        ("conference.v2.started", CONFERENCE, CONFERENCE, watch_pb2.CHANGE_TYPE_STARTED),
        ("conference.v2.ended", CONFERENCE, CONFERENCE, watch_pb2.CHANGE_TYPE_ENDED),
        ("recording.v2.started", f"{CONFERENCE}/recordings/b", f"{CONFERENCE}/recordings/b", 0),
        ("recording.v2.fileGenerated", f"{CONFERENCE}/recordings/b",
         f"{CONFERENCE}/recordings/b", 0),
        ("transcript.v2.fileGenerated", f"{CONFERENCE}/transcripts/t", "", 0),
        ("smartNote.v2.fileGenerated", f"{CONFERENCE}/smartNotes/n", "", 0),
    ],
)  # fmt: skip
def test_what_a_delivery_says(
    kind: str, name: str, told: str, change: watch_pb2.ChangeType.ValueType
) -> None:
    found = delivery(pushed(f"{MEET}{kind}", name))
    PUSH.verify(found, "the connection's", NOW)
    (hint,) = PUSH.hints(found)
    assert hint == Hint(RECORDING, SOURCE, hint.delivery_id, told, change)
    assert hint.delivery_id
    assert PUSH.hints(found) == [hint]  # R12: known when it comes again


@pytest.mark.parametrize("what", ["suspended", "expirationReminder", "expired"])
def test_lifecycle_events_want_a_renewal(what: str) -> None:
    """P14."""
    (hint,) = PUSH.hints(delivery(pushed(f"{LIFE}{what}", SOURCE)))
    assert (hint.renew, hint.subscription_id, hint.object_id) == (True, SOURCE, "")


def test_forged_deliveries_are_refused() -> None:
    """P15. The secret is the operator's; the connection's own opens nothing."""
    body = pushed(f"{MEET}conference.v2.started", CONFERENCE)
    for token in ("", "guess", SECRET[:-1], SECRET + "x", "é", "\ud800", "the connection's"):
        with refused(Kind.UNAUTHENTICATED, reason="DELIVERY_REFUSED"):
            PUSH.verify(delivery(body, token), "the connection's", NOW)
    with refused(Kind.UNAUTHENTICATED):
        PUSH.verify(Delivery({"authorization": "Bearer x"}, body), SECRET, NOW)
    with refused(Kind.UNAUTHENTICATED):
        PUSH.verify(delivery(b"x" * 100_000), SECRET, NOW)
    with refused(Kind.UNAUTHENTICATED):
        GoogleMeet(ProviderSettings()).push.verify(delivery(body, ""), "", NOW)


@pytest.mark.parametrize(
    "name",
    ["", "people/ada", "conferenceRecords/", "conferenceRecords/a b", "conferenceRecords/a/../b",
     "conferenceRecords/" + "a" * 400, "ada@example.com"],
)  # fmt: skip
def test_only_names_of_meet_are_told(name: str) -> None:
    for kind in ("conference.v2.started", "recording.v2.fileGenerated"):
        (hint,) = PUSH.hints(delivery(pushed(f"{MEET}{kind}", name)))
        assert hint.object_id == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"message": 7}', b"\xff", b'{"message": {"attributes": {"ce-type": 7}}}',
     b"[" * 50_000, pushed("google.chat.v1.x", "y"), pushed(f"{MEET}participant.v2.joined", "y")],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_what_is_not_known_says_nothing(body: bytes) -> None:
    assert PUSH.hints(delivery(body)) == []


@settings(max_examples=200, deadline=None)
@given(st.text(), st.binary(max_size=200) | st.just(b'{"conferenceRecord": 7}'), st.text())
def test_no_message_does_harm(source: str, data: bytes, text: str) -> None:
    """R20."""
    attributes = {"ce-type": f"{MEET}conference.v2.ended", "ce-source": source, "ce-id": text}
    for inside in (base64.b64encode(data).decode(), text):
        body = json.dumps({"message": {"attributes": attributes, "data": inside}}).encode()
        for hint in PUSH.hints(delivery(body)):
            assert hint.kind == RECORDING
            assert hint.object_id == "" or hint.object_id.startswith("conferenceRecords/")
