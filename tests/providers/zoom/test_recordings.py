"""Cloud recordings: months, instances, files on their way, transcripts, what is a secret."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.core.errors import Kind
from providers.zoom.vtt import parse_cues
from tests.providers.desk import refused, window
from tests.providers.zoom.desk import Desk
from tests.providers.zoom.harness import TRANSCRIPT
from ucal.v1 import recording_pb2

NOW = datetime.now(UTC).replace(microsecond=0)
PROCESSING = recording_pb2.MEDIA_STATE_PROCESSING
READY = recording_pb2.MEDIA_STATE_READY
NUMBER = 85_000_000_001
# What Zoom's own clients call the worst of UUIDs (transloadit/uppy#2526).
SLASHES = "/ab//cd+TkGvH8gZ+3FA=="


def _record(desk: Desk, days: float = 2, uuid: str = "", number: int = NUMBER) -> str:
    found = desk.zoom.world.record(number, NOW - timedelta(days=days), uuid=uuid)
    return str(found["uuid"])


def _transcribe(desk: Desk, own_id: str, text: str = TRANSCRIPT) -> None:
    world = desk.zoom.world
    world.add_file(own_id, "TRANSCRIPT", "audio_transcript", done=True, text=text)


async def test_a_year_is_walked_in_months(desk: Desk) -> None:
    """Trap 8: a month at most, UTC dates, and a default of yesterday."""
    ids = [_record(desk, days) for days in (1, 40, 100, 200, 364)]
    _record(desk, 400)
    assert [r.id for r in await desk.recordings()] == ids
    for exchange in desk.zoom.asked("GET", "/recordings"):
        first, last = (datetime.fromisoformat(exchange.query[name]) for name in ("from", "to"))
        assert last - first <= timedelta(days=30)


async def test_a_window_holds_what_overlaps_it(desk: Desk) -> None:
    own_id = _record(desk, 50)
    start = NOW - timedelta(days=50)
    minute = timedelta(minutes=1) / timedelta(days=1)
    inside = window(start + timedelta(minutes=29), days=minute)
    assert [r.id for r in await desk.recordings(window=inside)] == [own_id]
    after = window(start + timedelta(minutes=30), days=minute)
    assert await desk.recordings(window=after) == []


async def test_pages_go_on_in_the_next_month(desk: Desk) -> None:
    """P10."""
    ids = [_record(desk, days) for days in (1, 2, 3, 50, 51)]
    assert [r.id for r in await desk.recordings(page_size=2)] == ids
    request = recording_pb2.ListRecordingsRequest(page_token="soon/")
    with refused(Kind.INVALID, field="page_token"):
        await desk.provider.list_recordings(desk.call, request)


async def test_every_instance_of_a_meeting_is_found(desk: Desk) -> None:
    """P79: the number names the latest instance only."""
    ids = [_record(desk, days) for days in (1, 8, 15)]
    _record(desk, 3, number=NUMBER + 1)
    found = await desk.recordings(event_id=str(NUMBER))
    assert [r.id for r in found] == ids
    assert {r.event_id for r in found} == {str(NUMBER)}
    assert [r.id for r in await desk.recordings(event_id=str(NUMBER), page_size=1)] == ids
    with refused(Kind.INVALID, field="event_id"):
        await desk.recordings(event_id=f"{NUMBER}:1779445800000")
    with refused(Kind.NOT_FOUND):
        await desk.recordings(event_id="99")


async def test_a_number_is_no_recording(desk: Desk) -> None:
    """P79."""
    _record(desk)
    with refused(Kind.NOT_FOUND):
        await desk.recording(str(NUMBER))
    assert desk.zoom.journal == []


@pytest.mark.parametrize("uuid", ["8/1CiislTkGvH8gZ+3Fvgg==", SLASHES, "/x==", "a+b/c=="])
async def test_uuids_are_encoded_as_zoom_wants_them(desk: Desk, uuid: str) -> None:
    """P78."""
    _record(desk, uuid=uuid)
    assert (await desk.recording(uuid)).id == uuid
    path = desk.zoom.asked("GET", "/recordings$")[-1].path
    twice = uuid.startswith("/") or "//" in uuid
    assert ("%252F" in path) is twice


async def test_a_recording_grows(desk: Desk) -> None:
    """P82; issue 5, point 3: in the making, with media, with transcript; each a new version."""
    world = desk.zoom.world
    made = world.record(NUMBER, NOW - timedelta(hours=2), done=False)
    (first,) = await desk.recordings()
    assert first.state == PROCESSING
    assert [m.state for m in first.media] == [PROCESSING]
    assert not first.media[0].url
    world.finish(made["recording_files"][0], "MP4")
    (second,) = await desk.recordings()
    assert second.state == READY
    assert (second.media[0].kind, second.media[0].mime_type) == (
        recording_pb2.MEDIA_KIND_VIDEO,
        "video/mp4",
    )
    assert not second.has_transcript
    _transcribe(desk, made["uuid"])
    (third,) = await desk.recordings()
    assert third.has_transcript
    assert first != second != third
    assert first.id == second.id == third.id


async def test_no_token_is_in_any_answer(desk: Desk) -> None:
    """P82, trap 7."""
    own_id = _record(desk)
    file = desk.zoom.world.recordings[own_id]["recording_files"][0]
    file["download_url"] = "https://zoom.us/rec/download/x?access_token=secret-1&y=2"
    desk.zoom.world.recordings[own_id]["download_access_token"] = "secret-2"
    for found in (
        *await desk.recordings(include_raw=True),
        await desk.recording(own_id, include_raw=True),
    ):
        assert "secret" not in str(found)
        assert found.media[0].url == "https://zoom.us/rec/download/x?y=2"
        assert found.media[0].access == recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH
        assert found.raw.fields["__id"].string_value == own_id


async def test_when_a_recording_expires(desk: Desk) -> None:
    own_id = _record(desk)
    desk.zoom.world.recordings[own_id] |= {"auto_delete": True, "auto_delete_date": "2030-05-15"}
    found = await desk.recording(own_id)
    assert found.expires_at.ToDatetime() == datetime(2030, 5, 15)  # noqa: DTZ001 - protobuf's
    desk.zoom.world.recordings[own_id]["auto_delete"] = False
    assert not (await desk.recording(own_id)).HasField("expires_at")


async def test_summary_and_participants(desk: Desk) -> None:
    own_id = _record(desk, uuid=SLASHES)
    world = desk.zoom.world
    world.summaries[own_id] = {"summary_content": "All went well.", "next_steps": ["Write to Bo"]}
    world.participants[own_id] = [
        {"name": "Ana", "user_email": "ana@example.org", "join_time": "2026-05-15T10:30:12Z"}
    ]
    found = await desk.recording(own_id)
    assert found.summary == "All went well."
    assert [item.text for item in found.action_items] == ["Write to Bo"]
    assert [(p.name, p.email) for p in found.participants] == [("Ana", "ana@example.org")]
    desk.zoom.deny("meeting_summary", 403, 2305, "Not allowed.")
    desk.zoom.deny("participants", 400, 4711, "does not contain scopes:[meeting:read:x].")
    bare = await desk.recording(own_id)
    assert (bare.summary, len(bare.participants)) == ("", 0)


# -- transcripts


async def test_a_transcript_is_read_now(desk: Desk) -> None:
    own_id = _record(desk)
    _transcribe(desk, own_id)
    found = await desk.segments(own_id)
    assert [(s.speaker, s.text) for s in found] == [
        ("Dana Host", "Good morning"),
        ("Ana Ruiz", "Hello, all\nof you"),
        ("", "Let us begin"),
    ]
    assert found[1].start_offset.ToMilliseconds() == 5500
    assert found[1].end_offset.ToMilliseconds() == 7000
    assert await desk.segments(own_id, page_size=1) == found


async def test_files_that_want_the_recordings_own_token(desk: Desk) -> None:
    """P82: 401 on a download with the connection's token."""
    own_id = _record(desk)
    _transcribe(desk, own_id)
    desk.zoom.strict_downloads = True
    assert len(await desk.segments(own_id)) == 3


async def test_no_token_goes_to_a_strange_host(desk: Desk) -> None:
    own_id = _record(desk)
    _transcribe(desk, own_id)
    for file in desk.zoom.world.recordings[own_id]["recording_files"]:
        file["download_url"] = "https://evil.example.com/rec/download/x"
    with refused(Kind.PROVIDER_FAULT, reason="REDIRECT_REFUSED"):
        await desk.segments(own_id)


async def test_a_transcript_on_its_way(desk: Desk) -> None:
    own_id = _record(desk)
    file = desk.zoom.world.add_file(own_id, "TRANSCRIPT", "audio_transcript", done=False)
    file["file_type"] = "TRANSCRIPT"
    with refused(Kind.PRECONDITION, reason="TRANSCRIPT_NOT_READY"):
        await desk.segments(own_id)


async def test_no_transcript(desk: Desk) -> None:
    with refused(Kind.NOT_FOUND):
        await desk.segments(_record(desk))


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("", []),
        ("WEBVTT\n\n", []),
        ("no cues at all", []),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nHi", [(1.0, "", "Hi")]),
        ("\ufeffWEBVTT\r\n\r\n1\r\n00:00:01.000 --> 00:00:02.000\r\nHi\r\n", [(1.0, "", "Hi")]),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ana Ruiz>Hi &amp; bye",
            [(1.0, "Ana Ruiz", "Hi & bye")],
        ),
        ("WEBVTT\n\n00:01.000 --> 00:02.000 align:start\nAna: Hi", [(1.0, "Ana", "Hi")]),
        (
            "WEBVTT\n\n00:05.000 --> 00:06.000\nB\n\n00:01.000 --> 00:02.000\nA",
            [(1.0, "", "A"), (5.0, "", "B")],
        ),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\nSee https://example.org",
            [(1.0, "", "See https://example.org")],
        ),
        ("WEBVTT\n\nNOTE nothing\n\n00:01.000 --> 00:02.000\n\n", []),
        ("WEBVTT\n\n99:99:99.000 --> soon\nHi", []),
        ("<html><body>Sign in</body></html>", []),
    ],
)  # fmt: skip
def test_cues(text: str, cues: list[tuple[float, str, str]]) -> None:
    found = [(c.start.total_seconds(), c.speaker, c.text) for c in parse_cues(text)]
    assert found == cues


def test_a_long_hostile_transcript_takes_no_time() -> None:
    text = "WEBVTT\n\n" + "<v " * 200_000 + "\n\n" + "00:01.000 --> " * 50_000
    assert parse_cues(text) == []
