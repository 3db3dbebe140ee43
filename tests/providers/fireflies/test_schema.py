"""Queries and the double against the schema; recorded answers against the mapping."""

import json
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from google.protobuf.json_format import MessageToDict
from graphql import GraphQLSchema, build_schema, execute_sync, parse, validate

from providers.fireflies import api, mapping
from providers.fireflies.wire import Answer, Transcript, User, Words
from tests.providers.fireflies.double import Fireflies
from ucal.v1 import (
    connection_pb2,
    connection_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    recording_pb2,
    recording_pb2_grpc,
)

SPECS = Path(__file__).resolve().parents[4] / "shared/specs/fireflies"
pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="no ../shared/specs/fireflies")


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((SPECS / "fireflies.graphql").read_text())


def recorded(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((SPECS / f"samples/{name}.json").read_text())
    found: dict[str, Any] = body["response"]["body"]
    return found


QUERIES = {
    name: value
    for name, value in vars(api).items()
    if isinstance(value, str) and value.startswith(("query", "mutation"))
}


@pytest.mark.parametrize("name", QUERIES)
def test_queries_are_valid(schema: GraphQLSchema, name: str) -> None:
    """Traps 7 and 8: nothing that the schema does not have; and no mutation."""
    assert validate(schema, parse(QUERIES[name])) == []
    assert QUERIES[name].startswith("query")


async def test_every_exchange_is_as_the_schema_says(
    schema: GraphQLSchema, fireflies: Fireflies, channel: grpc.aio.Channel
) -> None:
    """Variables are taken, and the double's answers are what a server with this schema sends."""
    own_id = fireflies.add("Review")["id"]
    fireflies.run("Now")
    events = event_pb2_grpc.EventServiceStub(channel)
    recordings = recording_pb2_grpc.RecordingServiceStub(channel)
    connections = connection_pb2_grpc.ConnectionServiceStub(channel)
    await connections.TestConnection(connection_pb2.TestConnectionRequest(id="c"))
    await events.ListEvents(event_pb2.ListEventsRequest(connection_id="c"))
    await events.ListEvents(event_pb2.ListEventsRequest(connection_id="c", query="hello"))
    await events.GetEvent(event_pb2.GetEventRequest(connection_id="c", id=own_id))
    await events.GetEvent(
        event_pb2.GetEventRequest(connection_id="c", id=fireflies.running[0]["id"])
    )
    await recordings.ListRecordings(recording_pb2.ListRecordingsRequest(connection_id="c"))
    await recordings.GetRecording(recording_pb2.GetRecordingRequest(connection_id="c", id=own_id))
    await recordings.ListTranscriptSegments(
        recording_pb2.ListTranscriptSegmentsRequest(connection_id="c", recording_id=own_id)
    )
    assert {exchange.query for exchange in fireflies.journal} == set(QUERIES.values())
    for exchange in fireflies.journal:
        document = parse(exchange.query)
        assert validate(schema, document) == []
        data = exchange.answer["data"]
        told = execute_sync(schema, document, data, variable_values=exchange.variables)
        assert told.errors is None
        assert told.data == data


def test_recorded_lists_map_without_loss() -> None:
    """Found 2026-06: no dateString was asked for, so the rounded date has to do."""
    for item in recorded("rec-transcripts-list")["data"]["transcripts"]:
        meeting = msgspec.convert(item, Transcript)
        recording = recording_pb2.Recording()
        mapping.parse_recording(recording, meeting, "c")
        told = MessageToDict(recording, preserving_proto_field_name=True)
        assert told["title"] == item["title"]
        assert told["web_url"] == item["transcript_url"]
        assert told["owner"] == {"email": item["organizer_email"]}
        assert recording.start_at.ToMilliseconds() == item["date"]
        assert recording.duration.ToMilliseconds() == pytest.approx(item["duration"] * 60_000, 1)
        assert recording.media[0].url == item["audio_url"]
        assert f"Expires={recording.media[0].expires_at.seconds}&" in item["audio_url"]
        assert recording.has_transcript is not item["meeting_info"]["silent_meeting"]


def test_recorded_sentences_map_without_loss() -> None:
    found = recorded("rec-transcript-sentences")["data"]["transcript"]
    words = msgspec.convert(found, Words)
    segments = mapping.utterances(words.sentences or (), ())
    assert len(segments) == len(found["sentences"])
    for segment, item in zip(segments, found["sentences"], strict=True):
        assert (segment.speaker, segment.text) == (item["speaker_name"], item["text"])
        assert segment.start_offset.ToMicroseconds() == round(item["start_time"] * 1e6)
        assert segment.end_offset.ToMicroseconds() == round(item["end_time"] * 1e6)


def test_other_recorded_answers_are_read() -> None:
    user = msgspec.convert(recorded("rec-user")["data"]["user"], User)
    assert user.email == "host@example.com"
    sent = json.dumps(recorded("rec-active-meetings-empty")).encode()
    nobody = msgspec.json.decode(sent, type=Answer)
    assert nobody.errors is None
    assert nobody.data == {"active_meetings": msgspec.Raw(b"[]")}
