"""Errors, hostile answers, deliveries, samples."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.push import Delivery
from providers.goto import meetings, webhook, webinar_parse
from providers.goto.api import convert
from providers.goto.errors import classify
from providers.goto.wire import Registrant, Webinar
from tests.providers.desk import refused
from tests.providers.goto import spec
from tests.providers.goto.desk import Desk, meeting
from tests.providers.goto.double.server import Exchange
from ucal.v1 import event_pb2, types_pb2, webinar_pb2

CANARY = "canary-7f3a9d"
_OLD = {"int_err_code": "InvalidToken", "msg": CANARY}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"errorCode": "BAD", "message": CANARY}, Kind.INVALID),
        (400, {"errorCode": "BAD", "message": f"{CANARY} is in progress"}, Kind.PRECONDITION),
        (400, {"error": "invalid_grant", "error_description": CANARY},
         Kind.REAUTHORIZATION_REQUIRED),
        (401, {"error": "invalid_client"}, Kind.PRECONDITION),
        (401, {}, Kind.UNAUTHENTICATED),
        (403, _OLD, Kind.UNAUTHENTICATED),
        (403, {"errorCode": "Forbidden", "message": CANARY}, Kind.FORBIDDEN),
        (404, {"errorCode": "NOT_FOUND", "message": CANARY}, Kind.NOT_FOUND),
        (409, {}, Kind.CONFLICT),
        (429, {}, Kind.RATE_LIMITED),
        (500, {}, Kind.UNAVAILABLE),
        (502, "<html>", Kind.UNAVAILABLE),
        (503, [], Kind.UNAVAILABLE),
        (403, {"errorCode": 7, "message": None}, Kind.FORBIDDEN),
    ],
)  # fmt: skip
def test_errors_of_the_sheet(status: int, body: Any, kind: Kind) -> None:
    content = json.dumps(body).encode() if not isinstance(body, str) else body.encode()
    error = classify(Reply(status, httpx.Headers(), content, "https://api.getgo.com/"))
    assert error.kind is kind
    assert CANARY not in f"{error} {error.metadata}"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b'[{"meetingId": 1, "subject": ',
        b'{"meetings": []}',
        b"[1, 2]",
        b'[{"meetingId": 1, "startTime": "yesterday"}]',
        b'[{"meetingId": {"a": 1}}]',
        b'[{"meetingId": 1.5e300}]',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
async def test_hostile_answers(desk: Desk, body: bytes) -> None:
    desk.account = "a1"
    await desk.listed()
    desk.goto.fail(200, body=body, times=2)
    with refused(Kind.PROVIDER_FAULT):
        await desk.listed()


async def test_strange_members_fail_no_list(desk: Desk) -> None:
    """Unknown types and states, missing fields, huge numbers."""
    desk.account = "a1"
    await desk.listed()
    odd = [
        {"meetingId": 10**19, "meetingType": "hologram", "status": "MELTED", "new": [{}]},
        {"subject": "no id"},
        {"meetingId": "7", "startTime": "2030-01-01T00:00:00Z", "endTime": "2029-01-01T00:00:00Z"},
    ]
    desk.goto.fail(200, body=b"[]")
    desk.goto.fail(200, body=json.dumps(odd).encode())
    found = await desk.listed()
    assert [event.id for event in found] == [str(10**19), "7"]
    assert found[1].start_at == found[1].end_at


async def test_a_lost_answer_of_a_write_is_not_sent_again(desk: Desk) -> None:
    """P59."""
    await desk.listed()
    desk.goto.lose()
    with refused(Kind.OUTCOME_UNKNOWN):
        await desk.create(meeting())
    assert len(desk.goto.world.meetings) == 1


# -- deliveries

_NOW = datetime.fromtimestamp(1763801000, UTC)


def _vectors() -> list[Any]:
    if not spec.present():
        return []
    found = json.loads((spec.FOLDER / "samples/signature-vectors.json").read_text())
    return [{**case, "secret": found["secret"]} for case in found["cases"] if "expect" in case]


@pytest.mark.skipif(not spec.present(), reason="needs the samples in ../shared/specs/goto")
def test_signature_vectors() -> None:
    cases = _vectors()
    assert {case["expect"] for case in cases} == {"accept", "reject"}
    for case in cases:
        headers = {name.lower(): value for name, value in case["headers"].items()}
        delivery = Delivery(headers, case["raw_body"].encode())
        if case["expect"] == "accept":
            webhook.verify(delivery, case["secret"], _NOW)
            with refused(Kind.UNAUTHENTICATED):
                webhook.verify(delivery, case["secret"], datetime.fromtimestamp(1763801301, UTC))
            with refused(Kind.UNAUTHENTICATED):
                webhook.verify(delivery, "another", _NOW)
            with refused(Kind.UNAUTHENTICATED):
                webhook.verify(delivery, "", _NOW)
        else:
            with refused(Kind.UNAUTHENTICATED):
                webhook.verify(delivery, case["secret"], _NOW)


@pytest.mark.parametrize("stamp", ["", "soon", "-1", "١٢", "9" * 400])
def test_timestamps_that_are_none(stamp: str) -> None:
    headers = {webhook.TIMESTAMP: stamp, webhook.SIGNATURE: "x"}
    with refused(Kind.UNAUTHENTICATED):
        webhook.verify(Delivery(headers, b"{}"), "s", _NOW)


def test_hints() -> None:
    """Trap 2 and de-duplication: keys are exact, one eventKey is one delivery."""
    body = {"eventName": "webinar.changed", "product": "g2w", "eventKey": "e1",
            "webinarKey": 374018008058773913, "status": "DELETED"}  # fmt: skip
    (hint,) = webhook.hints(Delivery({}, json.dumps(body).encode()))
    assert (hint.kind, hint.delivery_id) == (types_pb2.RESOURCE_KIND_WEBINAR, "e1")
    assert hint.object_id == "374018008058773913"
    others: list[Any] = [{**body, "eventName": "survey.submitted"}, {**body, "product": "g2m"}, []]
    for other in others:
        assert webhook.hints(Delivery({}, json.dumps(other).encode())) == []
    assert webhook.hints(Delivery({}, b"<html>")) == []


# -- samples


def _sample(name: str) -> Any:
    return json.loads((spec.FOLDER / f"samples/{name}.json").read_text())


@pytest.mark.skipif(not spec.present(), reason="needs the samples in ../shared/specs/goto")
def test_samples_are_read() -> None:
    (raw,) = _sample("g2m-upcomingMeetings-GET")["response"]["body"]
    event = event_pb2.Event()
    meetings.parse(event, meetings.read(raw), "c1", "1")
    assert (event.id, event.subject) == ("123456789", "Sync")
    assert event.end_at.timestamp.seconds - event.start_at.timestamp.seconds == 3600
    body = _sample("g2w-webinars-GET")["response"]["body"]
    (listed,) = body["_embedded"]["webinars"]
    webinar = webinar_pb2.Webinar()
    webinar_parse.parse(webinar, convert(listed, Webinar), "c1", "1", listed)
    assert webinar.id == "7878787878787878"
    assert webinar.approval_mode == webinar_pb2.APPROVAL_MODE_AUTOMATIC
    people = _sample("g2w-registrants-GET-array")["response"]["body"]
    found = [convert(each, Registrant) for each in people]
    assert [each.status for each in found] == ["APPROVED", "WAITING"]
    for name in ("hook-webinar.created", "hook-registrant.joined"):
        hook = _sample(name)["body"]
        (hint,) = webhook.hints(Delivery({}, json.dumps(hook).encode()))
        assert hint.object_id == str(hook["webinarKey"])


@pytest.mark.skipif(not spec.present(), reason="needs the documents in ../shared/specs/goto")
def test_the_documents_bite() -> None:
    exchange = Exchange("PATCH", "/G2M/rest/meetings", {}, None, 200, None)
    with pytest.raises(AssertionError, match="no such operation"):
        spec.check(exchange)


def test_unreadable_is_told_without_a_word() -> None:
    with pytest.raises(ProviderError) as caught:
        convert({"webinarKey": [CANARY]}, Webinar)
    assert CANARY not in caught.value.message
