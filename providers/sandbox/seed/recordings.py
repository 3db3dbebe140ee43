"""Recordings of past meetings, with what was said in them."""

from datetime import UTC, date, datetime, timedelta

from providers.sandbox.seed import people
from providers.sandbox.seed.drafts import local
from providers.sandbox.seed.work import STANDUP
from providers.sandbox.store import frame
from providers.sandbox.world import World
from ucal.v1 import recording_pb2

_READY = recording_pb2.MEDIA_STATE_READY
_PROCESSING = recording_pb2.MEDIA_STATE_PROCESSING
_FILES = "https://files.sandbox.example/recordings"

_TALK = (
    (people.ACCOUNT, "Good morning. Shall we begin?"),
    (people.PRIYA, "Yes. The import is done, two bugs are left."),
    (people.JONAS, "I can take the one with the time zones."),
    (people.PRIYA, "Thank you. It only happens when the clocks change."),
    (people.AIKO, "The release notes need a second pair of eyes."),
    (people.ACCOUNT, "I will read them after lunch."),
    (people.SAM, "Nothing from me today."),
    (people.ACCOUNT, "Then that is all. See you tomorrow."),
)


def plant(world: World, monday: date) -> None:
    """Plant them: one for each day of last week's standup, one still being processed."""
    for day in (1, 2, 4):
        when = local(monday - timedelta(days=7 - day), "09:30")
        recording = _recording(world, f"rec-standup-{day}", "Standup", when, 14)
        recording.event_id = f"{STANDUP}_{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        recording.ical_uid = f"{STANDUP}@sandbox.example"
        recording.summary = "The import is done. Two bugs are left; release notes need review."
        recording.action_items.add(text="Fix the bug with the time zones", assignee=people.JONAS)
        recording.action_items.add(
            text="Read the release notes", assignee=people.ACCOUNT, is_completed=True
        )
        _transcribe(world, recording, ready=True)
        world.save(world.recordings, recording)
    long = _recording(
        world, "rec-workshop", "Workshop", local(monday - timedelta(days=12), "13:00"), 95
    )
    _transcribe(world, long, ready=True, rounds=30)
    world.save(world.recordings, long)
    silent = _recording(
        world, "rec-call", "Customer call", local(monday - timedelta(days=9), "16:00"), 31
    )
    world.save(world.recordings, silent)
    begin = world.born - timedelta(minutes=50)
    fresh = _recording(world, "rec-fresh", "Design review", begin, 40)
    fresh.state = _PROCESSING
    for media in fresh.media:
        media.state = _PROCESSING
    _transcribe(world, fresh, ready=False)
    world.save(world.recordings, fresh)


def _recording(
    world: World, own_id: str, title: str, begin: datetime, minutes: int
) -> recording_pb2.Recording:
    recording = recording_pb2.Recording(id=own_id, title=title, state=_READY, language="en")
    end = begin + timedelta(minutes=minutes)
    recording.start_at.FromDatetime(begin)
    recording.end_at.FromDatetime(end)
    recording.created_at.FromDatetime(end)
    recording.expires_at.FromDatetime(end + timedelta(days=180))
    recording.duration.FromTimedelta(timedelta(minutes=minutes))
    recording.web_url = f"{_FILES}/{own_id}"
    recording.owner.CopyFrom(world.account)
    for person in (people.ACCOUNT, people.PRIYA, people.JONAS, people.AIKO, people.SAM):
        seat = recording.participants.add(name=person.name, email=person.email)
        seat.is_host = person.email == world.account.email
        seat.joined_at.FromDatetime(begin)
        seat.left_at.FromDatetime(end)
    _media(recording, recording_pb2.MEDIA_KIND_VIDEO, "video/mp4", minutes * 4_200_000)
    _media(recording, recording_pb2.MEDIA_KIND_AUDIO, "audio/mp4", minutes * 480_000)
    return recording


def _media(
    recording: recording_pb2.Recording,
    kind: recording_pb2.MediaKind.ValueType,
    mime_type: str,
    size: int,
) -> None:
    name = recording_pb2.MediaKind.Name(kind).removeprefix("MEDIA_KIND_").lower()
    media = recording.media.add(kind=kind, mime_type=mime_type, state=_READY, size_bytes=size)
    media.id = f"{recording.id}-{name}"
    media.url = f"{_FILES}/{recording.id}/{name}"
    media.access = recording_pb2.MEDIA_ACCESS_WEB_LOGIN
    media.language = "en"
    media.provider_kind = name


def _transcribe(
    world: World, recording: recording_pb2.Recording, *, ready: bool, rounds: int = 1
) -> None:
    """Put words to a recording; they can be read once it is `ready`."""
    segments: list[bytes] = []
    offset = timedelta(seconds=3)
    for person, text in _TALK * rounds:
        length = timedelta(milliseconds=900 + 60 * len(text))
        segment = recording_pb2.TranscriptSegment(speaker=person.name, text=text, language="en")
        segment.speaker_email = person.email
        segment.start_offset.FromTimedelta(offset)
        segment.end_offset.FromTimedelta(offset + length)
        segments.append(frame(segment))
        offset += length + timedelta(milliseconds=700)
    world.transcripts[recording.id] = segments
    recording.has_transcript = ready
    _media(recording, recording_pb2.MEDIA_KIND_TRANSCRIPT, "text/vtt", 90 * len(segments))
    if not ready:
        recording.media[-1].state = _PROCESSING
