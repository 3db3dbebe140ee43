"""What verified deliveries are understood to say: the whole hint, and what is junk to each vendor.

Hints travel over the bus: ids are short and of the signs that ids are made of, or left out.
"""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from providers.acuity import webhook as acuity
from providers.calcom import webhook as calcom
from providers.calendly import webhook as calendly
from providers.core.push import Delivery, Hint
from providers.dialpad import webhook as dialpad
from providers.fathom import webhook as fathom
from providers.fireflies import webhook as fireflies
from providers.google import webhook as google
from providers.goto import webhook as goto
from providers.microsoft import webhook as microsoft
from providers.zoom import webhook as zoom
from ucal.v1 import types_pb2, watch_pb2

EVENT = types_pb2.RESOURCE_KIND_EVENT
RECORDING = types_pb2.RESOURCE_KIND_RECORDING
WEBINAR = types_pb2.RESOURCE_KIND_WEBINAR
CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR


def told(hints: Callable[..., list[Hint]], body: Any, **rest: Any) -> list[Hint]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return hints(Delivery(rest.get("headers", {}), raw, rest.get("query", {})))


def _jwt(body: bytes) -> bytes:
    return b"e30." + base64.urlsafe_b64encode(body).rstrip(b"=") + b".x"


@pytest.mark.parametrize(
    "hints",
    [
        acuity.hints,
        lambda d: calcom.hints(d.body),
        calendly.hints,
        dialpad.hints,
        lambda d: dialpad.hints(Delivery({}, _jwt(d.body))),
        fathom.hints,
        fireflies.hints,
        google.channel_hints,
        goto.hints,
        lambda d: microsoft.hints(d, EVENT),
        zoom.hints,
    ],
    ids=["acuity", "calcom", "calendly", "dialpad", "dialpad_jwt", "fathom", "fireflies", "google",
         "goto", "microsoft", "zoom"],
)  # fmt: skip
@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"event":1}', b"[" * 5000, b"{}"],
    ids=["empty", "cut", "list", "null", "text", "bytes", "number", "deep", "nothing"],
)  # fmt: skip
def test_junk_says_nothing(hints: Callable[[Delivery], list[Hint]], junk: bytes) -> None:
    """R20: it has the right signature and is junk all the same."""
    assert hints(Delivery({}, junk)) == []


def test_acuity() -> None:
    form = b"action=scheduled&id=54321&calendarID=1"
    assert told(acuity.hints, form) == [Hint(EVENT, "", object_id="54321")]
    [hint] = told(acuity.hints, form, query={acuity.PARAMETER: "s1"})
    assert hint.subscription_id == "s1"
    assert told(acuity.hints, b"action=changed&id=" + b"9" * 18)
    for body in (
        b"action=changed&id=" + b"9" * 19,
        b"action=changed&id=-1",
        b"action=changed",
        b"id=1",
        b"action=order.completed&id=1",
        b"action=changed&id=1" + b"&a=b" * 49,
        "action=changed&id=1&a=ä".encode(),
    ):
        assert told(acuity.hints, body) == [], body


def _calcom(**fields: Any) -> Hint:
    body = {"triggerEvent": "BOOKING_CREATED", "createdAt": "t1", "payload": {"uid": "u"}} | fields
    [hint] = calcom.hints(json.dumps(body).encode())
    return hint


@pytest.mark.parametrize(
    ("payload", "own_id"),
    [
        ({"uid": "a-b_C9"}, "a-b_C9"),
        ({"bookingUid": "b1"}, "b1"),
        ({"uid": "u1", "bookingUid": "b1"}, "u1"),
        ({"uid": "x" * 200}, "x" * 200),
        ({"uid": "x" * 201}, ""),
        ({"uid": "someone@example.com"}, ""),
        ({"uid": "ä"}, ""),
        ({"uid": "--"}, ""),
        ({"uid": "__"}, ""),
        ({"uid": 7}, ""),
    ],
)
def test_calcom(payload: dict[str, Any], own_id: str) -> None:
    assert _calcom(payload=payload).object_id == own_id


def test_calcom_tells_deliveries_apart_and_repetitions_not() -> None:
    known = _calcom().delivery_id
    assert len(known) == 32
    assert _calcom().delivery_id == known
    for other in ({"createdAt": "t2"}, {"payload": {"uid": "v"}}, {"triggerEvent": "BOOKING_PAID"}):
        assert _calcom(**other).delivery_id != known
    assert _calcom(createdAt=1).delivery_id == _calcom(createdAt=2).delivery_id


def _calendly(event: str, payload: dict[str, Any], sent: str = "1", **query: str) -> Hint:
    headers = {calendly.HEADER: f"t={sent},v1=x"}
    body = {"event": event, "payload": payload}
    [hint] = told(calendly.hints, body, headers=headers, query=query)
    return hint


def test_calendly() -> None:
    root = "https://api.calendly.com"
    for payload, own_id in [
        ({"event": f"{root}/scheduled_events/E1", "uri": f"{root}/scheduled_events/E2/invitees/I"},
         "E1"),
        ({"uri": f"{root}/scheduled_events/E2/invitees/I"}, "E2"),
        ({"invitee": f"{root}/scheduled_events/E3/invitees/I"}, "E3"),
        ({"event": {"uri": f"{root}/scheduled_events/E4"}, "uri": "x"}, ""),
    ]:  # fmt: skip
        hint = _calendly("invitee.created", payload)
        assert (hint.kind, hint.object_id, hint.subscription_id) == (EVENT, own_id, "")
    recap = _calendly("meeting_recap.created", {"recap": {"uri": f"{root}/recaps/R1"}, "uri": "u"})
    assert (recap.kind, recap.object_id) == (RECORDING, "R1")
    about = {"uri": f"{root}/event_types/T1"}
    link = _calendly("event_type.updated", about, subscription="s1")
    assert (link.object_id, link.subscription_id) == ("T1", "s1")
    assert len(link.delivery_id) == 32
    assert _calendly("event_type.updated", about).delivery_id == link.delivery_id
    assert _calendly("event_type.updated", about, "2").delivery_id != link.delivery_id
    assert _calendly("event_type.deleted", about).delivery_id != link.delivery_id
    assert told(calendly.hints, {"event": "routing_form.created", "payload": {}}) == []


def test_dialpad() -> None:
    def hint(**fields: Any) -> list[Hint]:
        found = {"call_id": 9, "state": "recording", "event_timestamp": 17} | fields
        return dialpad.hints(Delivery({}, _jwt(json.dumps(found).encode())))

    assert hint() == [Hint(RECORDING, delivery_id="9/recording/17")]
    long = hint(call_id="1" * 40, event_timestamp="2" * 40)
    assert long == [Hint(RECORDING, delivery_id=f"{'1' * 32}/recording/{'2' * 32}")]
    assert hint(state="ringing") == []


def test_fathom() -> None:
    meeting = {"recording_id": 7, "created_at": "2026-11-25T10:00:00Z", "title": "t", "url": "u"}
    headers = {"webhook-id": "msg_1"}
    found = told(fathom.hints, meeting, headers=headers)
    assert [(each.kind, each.delivery_id) for each in found] == [
        (EVENT, "msg_1"), (RECORDING, "msg_1"),
    ]  # fmt: skip
    assert len({each.object_id for each in found}) == 1
    assert found[0].object_id.startswith("7")
    assert [each.delivery_id for each in told(fathom.hints, meeting)] == ["", ""]
    for broken in ({"recording_id": 0}, {"created_at": "yesterday"}):
        assert told(fathom.hints, meeting | broken, headers=headers) == []


def test_fireflies() -> None:
    first = {"eventType": "Transcription completed", "meetingId": "M_1"}
    assert told(fireflies.hints, first) == [
        Hint(EVENT, object_id="M_1"), Hint(RECORDING, object_id="M_1"),
    ]  # fmt: skip
    assert told(fireflies.hints, first | {"eventType": "Something else"}) == []
    assert told(fireflies.hints, first | {"meetingId": "a b"}) == []
    second = {"event": "meeting.summarized", "meeting_id": "M2", "timestamp": 1763.0}
    assert told(fireflies.hints, second) == [
        Hint(RECORDING, delivery_id="meeting.summarized:M2:1763", object_id="M2")
    ]


def test_google() -> None:
    there = {
        "x-goog-resource-state": "exists",
        "x-goog-channel-id": "c1",
        "x-goog-message-number": "4",
        "x-goog-resource-uri": "https://www.googleapis.com/x/calendarList?a=/?b=1",
    }
    assert told(google.channel_hints, b"", headers=there) == [Hint(CALENDAR, "c1", "c1/4")]
    few = {"x-goog-resource-state": "not_exists"}
    assert told(google.channel_hints, b"", headers=few) == [Hint(EVENT, "", "")]
    for state in ("sync", "", "XXXX"):
        changed = there | {"x-goog-resource-state": state}
        assert told(google.channel_hints, b"", headers=changed) == []


def test_goto() -> None:
    created = {
        "eventName": "webinar.created", "product": "g2w",
        "eventKey": "e" * 130, "webinarKey": 9007199254740993,
    }  # fmt: skip
    assert told(goto.hints, created) == [
        Hint(WEBINAR, delivery_id="e" * 128, object_id="9007199254740993")
    ]
    [long] = told(goto.hints, created | {"webinarKey": "1" * 40})
    assert long.object_id == "1" * 32
    assert told(goto.hints, created | {"product": "g2m"}) == []
    assert told(goto.hints, created | {"eventName": "webinar.deleted"}) == []


def test_microsoft_addresses_are_of_their_topic() -> None:
    """P15: who reads an address in a log cannot make another, nor the state."""
    for base in ("https://u.example/w", "https://u.example/w?a=1"):
        address = microsoft.address_of(base, "t 1", "secret")
        assert address.startswith(microsoft.begin_of(base, "t 1"))
        query = dict(parse_qsl(urlsplit(address).query))
        assert query == ({"a": "1"} if "?" in base else {}) | {
            "topic": "t 1", "mark": microsoft.mark("secret", "t 1"),
        }  # fmt: skip
    made = {microsoft.mark(secret, topic) for secret in ("a", "b") for topic in ("t", "u")}
    made |= {microsoft.client_state("a"), microsoft.client_state("b")}
    assert len(made) == 6
    assert {len(each) for each in made} == {64}


def _graph(**item: Any) -> list[Hint]:
    body = json.dumps({"value": [{"subscriptionId": "s", **item}]}).encode()
    return microsoft.hints(Delivery({}, body, {"topic": "t"}), EVENT)


def test_microsoft() -> None:
    [hint] = _graph(changeType="created", resourceData={"@odata.etag": "1"})
    assert (hint.kind, hint.subscription_id, hint.renew) == (EVENT, "t", False)
    assert len(hint.delivery_id) == 32
    assert _graph(changeType="created", resourceData={"@odata.etag": "2"}) != [hint]
    # Of a change, when its subscription ends says nothing: a repetition may tell another time.
    later = {"subscriptionExpirationDateTime": "2026-12-01T00:00:00Z"}
    assert _graph(changeType="created", resourceData={"@odata.etag": "1"}, **later) == [hint]
    ends = [_graph(lifecycleEvent="reauthorizationRequired", **each) for each in (later, {})]
    assert ends[0] != ends[1]
    assert all(hint.renew for [hint] in ends)
    assert [hint.renew for hint in _graph(lifecycleEvent="missed")] == [False]
    assert [hint.renew for hint in _graph(lifecycleEvent="subscriptionRemoved")] == [True]
    assert _graph() == []


def _zoom(event: str, **about: Any) -> list[Hint]:
    body = {"event": event, "event_ts": 1, "payload": {"object": about}}
    return told(zoom.hints, body)


def test_zoom() -> None:
    [hint] = _zoom("meeting.started", id=123)
    assert (hint.kind, hint.object_id, hint.change) == (EVENT, "123", watch_pb2.CHANGE_TYPE_STARTED)
    assert (hint.subscription_id, len(hint.delivery_id)) == ("", 32)
    [changed] = _zoom("meeting.updated", id="x")
    assert (changed.object_id, changed.change) == ("", watch_pb2.CHANGE_TYPE_UNSPECIFIED)
    for uuid, own_id in [("aB3+/=", "aB3+/="), ("a b", ""), ("x" * 65, ""), (7, "")]:
        if isinstance(uuid, str):
            [recording] = _zoom("recording.completed", uuid=uuid, id=5)
            assert (recording.kind, recording.object_id) == (RECORDING, own_id)
    both = _zoom("meeting.converted_to_webinar", id=1)
    assert [each.kind for each in both] == [EVENT, WEBINAR]
    assert both[0].delivery_id != both[1].delivery_id


def test_zoom_bookings_are_of_the_meeting_that_was_made() -> None:
    def booked(meeting: Any, event_id: str = "e1") -> Hint:
        place = {"external_location": {"meeting_id": meeting}}
        about = {"event_id": event_id, **(place if meeting else {})}
        [hint] = _zoom("scheduler.scheduled_event_created", scheduled_event=about)
        return hint

    assert booked(987).object_id == "987"
    assert booked(None).object_id == ""
    assert booked(987).delivery_id != booked(987, "e2").delivery_id
    occurrences = [
        _zoom("meeting.deleted", id=1, occurrences=[{"occurrence_id": each}])[0].delivery_id
        for each in ("1", "1", "2")
    ]
    assert occurrences[0] == occurrences[1] != occurrences[2]
