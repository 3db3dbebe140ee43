"""Fathom: meetings as events and recordings, ids that say where to look, words as segments."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import msgspec
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp
from jsonschema import Draft202012Validator

from providers.core.errors import ProviderError
from providers.core.push import Delivery
from providers.core.settings import ProviderSettings
from providers.fathom import mapping, webhook
from providers.fathom.wire import Meeting
from tests.providers.fathom.double import KEY, TOKEN, Fathom
from tests.serving import serving
from ucal.v1 import (
    connection_pb2,
    event_pb2,
    event_pb2_grpc,
    recording_pb2,
    recording_pb2_grpc,
    types_pb2,
)

SPECS = Path(__file__).resolve().parents[4] / "shared/specs/fathom"
needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason="no ../shared/specs/fathom")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
async def fathom() -> AsyncIterator[Fathom]:
    async with Fathom() as double:
        yield double


@pytest.fixture
async def channel(fathom: Fathom) -> AsyncIterator[grpc.aio.Channel]:
    keyed = connection_pb2.Connection(id="c", provider="fathom")
    keyed.api_key.api_key = KEY
    app = connection_pb2.Connection(id="app", provider="fathom")
    app.oauth.access_token = TOKEN
    settings = {"fathom": ProviderSettings(base_url=fathom.url)}
    async with serving([keyed, app], settings) as found:
        yield found


@pytest.fixture
def events(channel: grpc.aio.Channel) -> event_pb2_grpc.EventServiceStub:
    return event_pb2_grpc.EventServiceStub(channel)


@pytest.fixture
def recordings(channel: grpc.aio.Channel) -> recording_pb2_grpc.RecordingServiceStub:
    return recording_pb2_grpc.RecordingServiceStub(channel)


async def test_a_meeting_is_an_event(
    fathom: Fathom, events: event_pb2_grpc.EventServiceStub
) -> None:
    meeting = fathom.add("Acme <> Us: intro", NOON)
    answer = await events.ListEvents(event_pb2.ListEventsRequest(connection_id="c"))
    (event,) = answer.events
    assert event.subject == "Acme <> Us: intro"
    assert event.start_at.timestamp.ToDatetime(UTC) == NOON - timedelta(minutes=30)
    assert event.organizer.email == "dana@example.com"
    assert [person.email for person in event.attendees] == ["jane@client.example", ""]
    assert event.conference.kind == types_pb2.CONFERENCE_KIND_ZOOM
    assert event.web_url == meeting["url"]
    read = await events.GetEvent(
        event_pb2.GetEventRequest(connection_id="c", id=event.id, include_raw=True)
    )
    assert read.event.raw["__id"] == str(meeting["recording_id"])
    read.event.ClearField("raw")
    assert read.event == event


async def test_a_meeting_without_link_and_calendar_title(
    fathom: Fathom, events: event_pb2_grpc.EventServiceStub
) -> None:
    """Trap 5: Fathom's own title stands in where the calendar has none."""
    fathom.add("x", NOON).update(meeting_title=None, title="Impromptu", meeting_url=None)
    answer = await events.ListEvents(event_pb2.ListEventsRequest(connection_id="c"))
    assert answer.events[0].subject == "Impromptu"
    assert not answer.events[0].has_conference


@pytest.mark.parametrize("empty_end", [True, False])
async def test_pages_end_with_null_or_an_empty_text(
    fathom: Fathom, events: event_pb2_grpc.EventServiceStub, *, empty_end: bool
) -> None:
    """Trap 3; and a wish smaller than Fathom's own page loses nothing."""
    fathom.empty_end = empty_end
    wanted = {f"m{n}": fathom.add(f"m{n}", NOON + timedelta(hours=n)) for n in range(23)}
    seen: list[str] = []
    token = ""
    while True:
        answer = await events.ListEvents(
            event_pb2.ListEventsRequest(connection_id="c", page_size=4, page_token=token)
        )
        seen += [event.subject for event in answer.events]
        token = answer.next_page_token
        if not token:
            break
    assert sorted(seen) == sorted(wanted)


async def test_a_window_is_cut_after_fathom_was_asked_for_more(
    fathom: Fathom, events: event_pb2_grpc.EventServiceStub
) -> None:
    for hours in range(-30, 31, 6):
        fathom.add(f"{hours}", NOON + timedelta(hours=hours))
    window = types_pb2.TimeRange(
        start_at=Timestamp(seconds=int((NOON - timedelta(minutes=30)).timestamp())),
        end_at=Timestamp(seconds=int(NOON.timestamp()) + 6 * 3600),
    )
    answer = await events.ListEvents(event_pb2.ListEventsRequest(connection_id="c", window=window))
    assert sorted(event.subject for event in answer.events) == ["0", "6"]


async def test_a_recording_has_its_parts(
    fathom: Fathom, recordings: recording_pb2_grpc.RecordingServiceStub
) -> None:
    meeting = fathom.add("Review", NOON)
    listed = await recordings.ListRecordings(recording_pb2.ListRecordingsRequest(connection_id="c"))
    (one,) = listed.recordings
    assert one.duration.ToTimedelta() == timedelta(minutes=29)
    assert one.web_url == meeting["share_url"]
    assert [media.kind for media in one.media] == [
        recording_pb2.MEDIA_KIND_VIDEO,
        recording_pb2.MEDIA_KIND_TRANSCRIPT,
    ]
    assert one.summary == ""
    read = await recordings.GetRecording(
        recording_pb2.GetRecordingRequest(connection_id="c", id=one.id)
    )
    assert read.recording.summary.startswith("## Summary")
    (todo,) = read.recording.action_items
    assert (todo.text, todo.is_completed) == ("Send the offer", True)
    assert todo.assignee.email == "dana@example.com"


async def test_an_oauth_app_gets_the_recording_without_action_items(
    fathom: Fathom, recordings: recording_pb2_grpc.RecordingServiceStub
) -> None:
    """Trap 2: OAuth cannot include anything in lists."""
    fathom.add("Review", NOON)
    listed = await recordings.ListRecordings(
        recording_pb2.ListRecordingsRequest(connection_id="app")
    )
    read = await recordings.GetRecording(
        recording_pb2.GetRecordingRequest(connection_id="app", id=listed.recordings[0].id)
    )
    assert read.recording.summary
    assert not read.recording.action_items


async def test_words_come_in_pages_with_starts_and_ends(
    fathom: Fathom, recordings: recording_pb2_grpc.RecordingServiceStub
) -> None:
    fathom.add("Review", NOON)
    listed = await recordings.ListRecordings(recording_pb2.ListRecordingsRequest(connection_id="c"))
    request = recording_pb2.ListTranscriptSegmentsRequest(
        connection_id="c", recording_id=listed.recordings[0].id, page_size=2
    )
    first = await recordings.ListTranscriptSegments(request)
    request.page_token = first.next_page_token
    second = await recordings.ListTranscriptSegments(request)
    segments = [*first.segments, *second.segments]
    assert [segment.text for segment in segments] == ["Hello.", "Hello, Dana.", "Bye."]
    assert [segment.start_offset.seconds for segment in segments] == [2, 5, 3723]
    assert [segment.end_offset.seconds for segment in segments] == [5, 3723, 0]
    assert segments[1].speaker_email == "jane@client.example"
    assert second.next_page_token == ""


@pytest.mark.parametrize("id", ["94413018", "x", "0-1", "1-99999999999999", "1-1'"])
async def test_ids_that_are_none_of_ours_are_not_found(
    fathom: Fathom, events: event_pb2_grpc.EventServiceStub, id: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events.GetEvent(event_pb2.GetEventRequest(connection_id="c", id=id))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert fathom.journal == []


async def test_a_limit_tells_when_to_come_back(
    fathom: Fathom, events: event_pb2_grpc.EventServiceStub
) -> None:
    fathom.fail(429, reset=40, times=5)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events.ListEvents(event_pb2.ListEventsRequest(connection_id="c"), timeout=5)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    "body", ["<html>", '{"items": 7}', '{"items": [', "", '{"items": [{"recording_id": "x"}]}']
)
async def test_answers_that_are_none(
    fathom: Fathom, events: event_pb2_grpc.EventServiceStub, body: str
) -> None:
    """P70: one item that cannot be read is passed over, a page that cannot be read is an error."""
    fathom.fail(200, body=body)
    request = event_pb2.ListEventsRequest(connection_id="c")
    if body.endswith("]}"):
        assert not (await events.ListEvents(request)).events
        return
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await events.ListEvents(request)
    assert caught.value.code() is grpc.StatusCode.INTERNAL


# -- webhooks


SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()


def delivery(body: bytes, sent: int, own_id: str = "msg_1") -> Delivery:
    signed = f"{own_id}.{sent}.".encode() + body
    text = base64.b64encode(hmac.digest(b"0123456789abcdef", signed, "sha256")).decode()
    return Delivery(
        {
            "webhook-id": own_id,
            "webhook-timestamp": str(sent),
            "webhook-signature": f"v2,zzz v1,{text}",
        },
        body,
    )


def test_a_signed_delivery_hints_at_event_and_recording() -> None:
    now = datetime.fromtimestamp(1_800_000_000, UTC)
    body = b'{"recording_id": 7, "created_at": "2026-11-20T12:00:00Z"}'
    webhook.verify(delivery(body, 1_800_000_000), SECRET, now)
    found = webhook.hints(delivery(body, 1_800_000_000))
    assert [hint.object_id for hint in found] == ["7-1795176000"] * 2
    assert {hint.delivery_id for hint in found} == {"msg_1"}


@pytest.mark.parametrize(
    ("late", "secret"), [(301, SECRET), (-301, SECRET), (0, ""), (0, "whsec_!")]
)
def test_old_deliveries_and_missing_secrets_are_refused(late: int, secret: str) -> None:
    now = datetime.fromtimestamp(1_800_000_000 + late, UTC)
    with pytest.raises(ProviderError):
        webhook.verify(delivery(b"{}", 1_800_000_000), secret, now)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"recording_id": 0}', b"[" * 5000])
def test_bodies_that_say_nothing(body: bytes) -> None:
    assert webhook.hints(delivery(body, 1)) == []


@needs_specs
def test_the_vectors_of_the_specification() -> None:
    vectors = json.loads((SPECS / "samples/signature-vectors.json").read_text())
    for case in vectors["cases"]:
        sent = Delivery(case["headers"], case["raw_body"].encode())
        now = datetime.fromtimestamp(case["now"], UTC)
        if case["expect"] == "accept":
            webhook.verify(sent, vectors["secret"], now)
            continue
        with pytest.raises(ProviderError):
            webhook.verify(sent, vectors["secret"], now)


# -- the specification and the samples


@needs_specs
async def test_every_exchange_is_as_the_document_says(
    fathom: Fathom,
    events: event_pb2_grpc.EventServiceStub,
    recordings: recording_pb2_grpc.RecordingServiceStub,
) -> None:
    fathom.add("Review", NOON)
    listed = await events.ListEvents(event_pb2.ListEventsRequest(connection_id="c"))
    own = listed.events[0].id
    await recordings.GetRecording(recording_pb2.GetRecordingRequest(connection_id="c", id=own))
    await recordings.ListTranscriptSegments(
        recording_pb2.ListTranscriptSegmentsRequest(connection_id="c", recording_id=own)
    )
    spec = json.loads((SPECS / "fathom-external-v1.openapi.json").read_text())
    judged = set()
    for exchange in fathom.journal:
        template = exchange.path.removeprefix("/external/v1")
        parts = template.split("/")
        if len(parts) > 3:
            parts[2] = "{recording_id}"
        operation = spec["paths"]["/".join(parts)][exchange.method.lower()]
        names = {parameter["name"] for parameter in operation["parameters"]}
        assert set(exchange.query) <= names
        answer = operation["responses"][str(exchange.status)]["content"]["application/json"]
        schema = {**answer["schema"], "components": spec["components"]}
        errors = [
            error.message for error in Draft202012Validator(schema).iter_errors(exchange.answer)
        ]
        assert errors == [], exchange.path
        judged.add("/".join(parts))
    assert len(judged) == 3


@needs_specs
def test_samples_map_without_loss() -> None:
    sample = json.loads((SPECS / "samples/meetings-GET-page1.json").read_text())
    for item in sample["response"]["body"]["items"]:
        meeting = msgspec.convert({"recording_id": 1, **item}, Meeting)
        event = event_pb2.Event()
        mapping.parse_event(event, meeting, "c")
        told = MessageToDict(event, preserving_proto_field_name=True)
        assert told["subject"] == item["meeting_title"]
        assert told["web_url"] == item["url"]
        assert told["start_at"]["timestamp"] == item["scheduled_start_time"]
