"""Meetings as recordings: signed URLs, summaries, what was said, what a plan leaves out."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest

from providers.fireflies import mapping
from tests.providers.fireflies.double import Fireflies, RefusalError
from ucal.v1 import recording_pb2

if TYPE_CHECKING:
    from ucal.v1.recording_pb2_grpc import RecordingServiceAsyncStub as Stub

NOON = datetime(2026, 11, 20, 12, 2, 12, tzinfo=UTC)


async def listed(recordings: "Stub", **fields: object) -> list[recording_pb2.Recording]:
    request = recording_pb2.ListRecordingsRequest(connection_id="c", **fields)  # type: ignore[arg-type]
    return list((await recordings.ListRecordings(request)).recordings)


async def test_a_recording_has_its_parts(fireflies: Fireflies, recordings: "Stub") -> None:
    """Trap 6: the action items are one text."""
    meeting = fireflies.add("Review", NOON)
    meeting["video_url"] = "https://cdn.fireflies.ai/v.mp4"
    (one,) = await listed(recordings)
    assert one.event_id == one.id == meeting["id"]
    assert one.duration.ToTimedelta() == timedelta(minutes=30, seconds=30)
    assert one.state == recording_pb2.MEDIA_STATE_READY
    assert one.has_transcript
    assert one.summary == "They said hello."
    assert [item.text for item in one.action_items] == ["**Dana**\nSend the offer (12:30)"]
    assert [person.email for person in one.participants if person.is_host] == ["dana@example.com"]
    audio, video, words = one.media
    assert audio.access == recording_pb2.MEDIA_ACCESS_SIGNED_URL
    assert audio.expires_at.ToDatetime(UTC) == NOON + timedelta(hours=60)
    assert (video.kind, video.HasField("expires_at")) == (recording_pb2.MEDIA_KIND_VIDEO, False)
    assert words.kind == recording_pb2.MEDIA_KIND_TRANSCRIPT
    request = recording_pb2.GetRecordingRequest(connection_id="c", id=one.id)
    assert (await recordings.GetRecording(request)).recording == one
    assert await listed(recordings, event_id=one.id) == [one]


async def test_a_summary_of_lines_and_one_that_is_not_there_yet(
    fireflies: Fireflies, recordings: "Stub"
) -> None:
    fireflies.add("Before", NOON)["summary"] = None
    lines = {"overview": None, "short_summary": ["One.", None, "Two."], "action_items": []}
    fireflies.add("Lines", NOON + timedelta(hours=1))["summary"] = lines
    after, before = await listed(recordings)
    assert (after.summary, len(after.action_items)) == ("One.\nTwo.", 0)
    assert (before.summary, before.state) == ("", recording_pb2.MEDIA_STATE_READY)


async def test_a_meeting_that_goes_on_is_no_finished_recording(
    fireflies: Fireflies, recordings: "Stub"
) -> None:
    fireflies.add("Now", NOON)["is_live"] = True
    (one,) = await listed(recordings)
    assert one.state == recording_pb2.MEDIA_STATE_RECORDING
    assert not one.media
    assert not one.has_transcript
    assert not one.HasField("end_at")


async def test_a_silent_meeting_has_no_words(fireflies: Fireflies, recordings: "Stub") -> None:
    meeting = fireflies.add("Silence", NOON)
    meeting.update(summary=None, sentences=None)
    meeting["meeting_info"]["silent_meeting"] = True
    (one,) = await listed(recordings)
    assert not one.has_transcript
    assert one.summary == ""
    request = recording_pb2.ListTranscriptSegmentsRequest(connection_id="c", recording_id=one.id)
    assert not (await recordings.ListTranscriptSegments(request)).segments


async def test_what_the_plan_leaves_out_is_empty(fireflies: Fireflies, recordings: "Stub") -> None:
    """Data and errors together: the rest is kept."""
    fireflies.add("Review", NOON)
    fireflies.partial["audio_url"] = RefusalError("paid_required", 403)
    (one,) = await listed(recordings)
    assert [media.kind for media in one.media] == [recording_pb2.MEDIA_KIND_TRANSCRIPT]
    assert one.title == "Review"


async def test_words_that_the_plan_leaves_out_are_no_empty_transcript(
    fireflies: Fireflies, recordings: "Stub"
) -> None:
    meeting = fireflies.add("Review", NOON)
    fireflies.partial["sentences"] = RefusalError("paid_required", 403)
    request = recording_pb2.ListTranscriptSegmentsRequest(
        connection_id="c", recording_id=meeting["id"]
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await recordings.ListTranscriptSegments(request)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_words_come_in_pages(fireflies: Fireflies, recordings: "Stub") -> None:
    """Seconds here, minutes there (trap 3); a name that is missing is found by speaker_id."""
    meeting = fireflies.add("Review", NOON)
    meeting["sentences"].reverse()
    meeting["sentences"].append(meeting["sentences"][0] | {"text": None, "raw_text": None})
    request = recording_pb2.ListTranscriptSegmentsRequest(
        connection_id="c", recording_id=meeting["id"], page_size=2
    )
    first = await recordings.ListTranscriptSegments(request)
    request.page_token = first.next_page_token
    second = await recordings.ListTranscriptSegments(request)
    segments = [*first.segments, *second.segments]
    assert [segment.text for segment in segments] == ["Hello.", "Hello, Dana.", "Bye."]
    assert [segment.speaker for segment in segments] == ["Dana", "Ana", "Dana"]
    offsets = [segment.start_offset.ToTimedelta().total_seconds() for segment in segments]
    assert offsets == [0.24, 2.5, 3723.0]
    assert segments[2].end_offset.ToTimedelta().total_seconds() == 3724.5
    assert second.next_page_token == ""


@pytest.mark.parametrize("answer", ["", '{"data": {"transcript": null}}'])
async def test_a_meeting_that_is_not_there(
    fireflies: Fireflies, recordings: "Stub", answer: str
) -> None:
    """With an error, or with a plain null."""
    get = recording_pb2.GetRecordingRequest(connection_id="c", id="x")
    words = recording_pb2.ListTranscriptSegmentsRequest(connection_id="c", recording_id="x")
    for ask in (
        lambda: recordings.GetRecording(get),
        lambda: recordings.ListTranscriptSegments(words),
        lambda: listed(recordings, event_id="x"),
    ):
        if answer:
            fireflies.fail(200, answer)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask()
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://c.example/a?Expires=1782654734&Policy=x", "2026-06-28T13:52:14+00:00"),
        (
            "https://c.example/a?X-Amz-Date=20260626T015000Z&X-Amz-Expires=86400",
            "2026-06-27T01:50:00+00:00",
        ),
        ("https://c.example/a?X-Amz-Date=20260626T015000Z&X-Amz-Expires=99999999", None),
        ("https://c.example/a?X-Amz-Date=tomorrow&X-Amz-Expires=86400", None),
        ("https://c.example/a?Expires=999999999999999", None),
        ("https://c.example/a?Expires=-5", None),
        ("https://c.example/a", None),
        ("https://[c/a?" + "a=1&" * 60, None),
    ],
)
def test_the_end_of_a_signed_url(url: str, wanted: str | None) -> None:
    assert mapping.expiry(url) == (datetime.fromisoformat(wanted) if wanted else None)
