"""Google Meet: conferences, recordings, transcripts, links to events."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from providers.core.errors import Kind
from providers.google.meet_records import record_filter
from tests.providers.google.desk import refused, window
from tests.providers.google.double import events
from tests.providers.google.double.world import ADA
from tests.providers.google.meet_desk import MeetDesk, meet_desk
from ucal.v1 import recording_pb2, types_pb2

START = datetime(2026, 10, 12, 16, 0, 4, 918273, tzinfo=UTC)
RECORDING = types_pb2.RESOURCE_KIND_RECORDING
READY = recording_pb2.MEDIA_STATE_READY


@pytest.fixture
async def md() -> AsyncIterator[MeetDesk]:
    async with meet_desk() as found:
        yield found


async def test_nothing_is_an_empty_object(md: MeetDesk) -> None:
    assert await md.listed() == []
    assert md.google.journal[0].answer == {}
    await md.provider.test_connection(md.call)


async def test_a_recorded_conference(md: MeetDesk) -> None:
    event_id = md.event(START, "abc-mnop-xyz")
    name = md.meet.hold(md.meet.space("abc-mnop-xyz"), START)
    own_id = md.meet.record(name, START + timedelta(seconds=16))
    transcript = md.meet.transcribe(name, START + timedelta(seconds=16))
    md.meet.note(name, START + timedelta(seconds=16))
    ada = md.meet.join(name, "signedinUser", "Ada", START)
    md.meet.join(name, "anonymousUser", "Guest", START)
    md.meet.join(name, "phoneUser", "+49 30 ***", START)
    md.meet.say(transcript, ada, "Good morning", START + timedelta(seconds=20))
    (found,) = await md.listed()
    assert (found.id, found.event_id, found.title) == (own_id, event_id, "Review")
    assert found.state == READY
    assert found.has_transcript
    assert found.duration.ToTimedelta() == timedelta(minutes=40) - timedelta(
        microseconds=START.microsecond // 1000 * 1000
    )
    assert found.start_at.ToDatetime(UTC) == (START + timedelta(seconds=16)).replace(
        microsecond=918000
    )
    assert found.web_url.startswith("https://drive.google.com/file/d/")
    assert [m.kind for m in found.media] == [
        recording_pb2.MEDIA_KIND_VIDEO,
        recording_pb2.MEDIA_KIND_TRANSCRIPT,
        recording_pb2.MEDIA_KIND_SUMMARY,
    ]
    for media in found.media:
        assert media.url.startswith(f"https://drive.example/v3/files/{media.id}")
        assert media.access == recording_pb2.MEDIA_ACCESS_PROVIDER_AUTH
        assert media.state == READY
    assert found.expires_at.ToDatetime(UTC) > found.end_at.ToDatetime(UTC) + timedelta(days=29)
    assert not found.participants
    one = await md.get(own_id, include_raw=True)
    assert [p.name for p in one.participants] == ["Ada", "Guest", "+49 30 ***"]
    assert {p.email for p in one.participants} == {""}
    assert one.raw["__id"] == own_id
    assert one.title == found.title


async def test_nine_digits_of_a_second(md: MeetDesk) -> None:
    name = md.meet.hold(md.meet.space("a"), START)
    md.meet.record(name, START)
    record = md.meet.records[name]
    assert record["startTime"].endswith(".918273645Z")
    who = md.meet.join(name, "signedinUser", "Ada", START)
    found = await md.get(md.meet.children[name]["recordings"][0]["name"])
    assert found.participants[0].joined_at.nanos == 918273000
    assert who


async def test_a_running_recording(md: MeetDesk) -> None:
    """No end, no file: the record itself has no end either."""
    name = md.meet.hold(md.meet.space("a"), START, running=True)
    md.meet.record(name, START, state="STARTED")
    (found,) = await md.listed(window=window(START - timedelta(hours=1), days=1))
    assert found.state == recording_pb2.MEDIA_STATE_RECORDING
    assert not found.HasField("end_at")
    assert not found.HasField("expires_at")
    assert not found.HasField("duration")
    assert found.web_url == found.media[0].url == ""
    md.meet.children[name]["recordings"][0]["state"] = "ENDED"
    assert (await md.listed())[0].state == recording_pb2.MEDIA_STATE_PROCESSING
    md.meet.children[name]["recordings"][0]["state"] = "MELTED"
    assert (await md.listed())[0].state == recording_pb2.MEDIA_STATE_UNSPECIFIED
    md.google.journal.clear()  # the document knows no such state


async def test_a_transcript_without_a_recording_and_the_reverse(md: MeetDesk) -> None:
    space = md.meet.space("a")
    only_text = md.meet.hold(space, START)
    transcript = md.meet.transcribe(only_text, START)
    only_video = md.meet.hold(space, START - timedelta(days=1))
    video = md.meet.record(only_video, START - timedelta(days=1))
    only_notes = md.meet.hold(space, START - timedelta(days=2))
    notes = md.meet.note(only_notes, START - timedelta(days=2))
    md.meet.hold(space, START - timedelta(days=3))
    found = {each.id: each for each in await md.listed()}
    assert set(found) == {transcript, video, notes}
    assert found[transcript].has_transcript
    assert [m.kind for m in found[transcript].media] == [recording_pb2.MEDIA_KIND_TRANSCRIPT]
    assert not found[video].has_transcript
    assert [m.kind for m in found[notes].media] == [recording_pb2.MEDIA_KIND_SUMMARY]
    assert await md.segments(video) == []
    for own_id in found:
        assert (await md.get(own_id)).id == own_id


async def test_two_recordings_of_one_conference(md: MeetDesk) -> None:
    """Each has the transcript that ran beside it."""
    name = md.meet.hold(md.meet.space("a"), START, minutes=120)
    later = START + timedelta(minutes=60)
    one, two = md.meet.record(name, START, 30), md.meet.record(name, later, 30)
    first, second = md.meet.transcribe(name, START, 30), md.meet.transcribe(name, later, 30)
    who = md.meet.join(name, "signedinUser", "Ada", START)
    md.meet.say(first, who, "First", START + timedelta(seconds=5))
    md.meet.say(second, who, "Second", later + timedelta(seconds=7))
    found = await md.listed()
    assert [each.id for each in found] == [one, two]
    assert [s.text for s in await md.segments(one)] == ["First"]
    (segment,) = await md.segments(two)
    assert segment.text == "Second"
    assert segment.start_offset.seconds == 7


async def test_segments(md: MeetDesk) -> None:
    """In pages, counted from the start of the recording; who speaks has a name and no address."""
    name = md.meet.hold(md.meet.space("a"), START)
    own_id = md.meet.record(name, START + timedelta(seconds=10))
    transcript = md.meet.transcribe(name, START)
    ada = md.meet.join(name, "signedinUser", "Ada", START)
    for number in range(5):
        md.meet.say(transcript, ada, f"Word {number}", START + timedelta(seconds=5 + 5 * number))
    md.meet.say(transcript, "conferenceRecords/x/participants/gone", "?", START + timedelta(60))
    whole = await md.segments(own_id)
    assert await md.segments(own_id, page_size=2) == whole
    assert whole[0].start_offset.ToNanoseconds() == 0, "before the recording began"
    assert 9.9 < whole[3].start_offset.ToTimedelta().total_seconds() < 10.1
    assert [s.speaker for s in whole] == ["Ada"] * 5 + [""]
    assert {s.speaker_email for s in whole} == {""}
    assert whole[0].language == "en-US"


async def test_two_transcripts_of_one_recording_follow_each_other(md: MeetDesk) -> None:
    name = md.meet.hold(md.meet.space("a"), START)
    own_id = md.meet.record(name, START)
    for number in range(2):
        transcript = md.meet.transcribe(name, START + timedelta(minutes=number))
        md.meet.say(transcript, "", f"Part {number}", START + timedelta(minutes=number))
    assert [s.text for s in await md.segments(own_id, page_size=1)] == ["Part 0", "Part 1"]


async def test_pages_neither_repeat_nor_lose(md: MeetDesk) -> None:
    """P10: many conferences, some with several recordings, many with none."""
    space = md.meet.space("a")
    expected = []
    for number in range(60):
        start = START - timedelta(hours=number)
        name = md.meet.hold(space, start, 20)
        expected += [md.meet.record(name, start, 5) for _ in range(number % 3)]
    for size in (1, 7, 100):
        assert sorted(r.id for r in await md.listed(page_size=size)) == sorted(expected)


async def test_a_window(md: MeetDesk) -> None:
    space = md.meet.space("a")
    ids = []
    for days in range(4):
        name = md.meet.hold(space, START + timedelta(days=days))
        ids.append(md.meet.record(name, START + timedelta(days=days), 40))
    found = await md.listed(window=window(START + timedelta(days=1, minutes=30), days=1))
    assert sorted(r.id for r in found) == sorted(ids[1:3])
    later = await md.listed(window=window(START + timedelta(days=1, minutes=41), days=0.5))
    assert later == []


async def test_recordings_of_an_event(md: MeetDesk) -> None:
    space = md.meet.space("abc-mnop-xyz")
    event_id = md.event(START, "abc-mnop-xyz")
    own = md.meet.record(md.meet.hold(space, START), START)
    md.meet.record(md.meet.hold(md.meet.space("other-code"), START), START)
    found = await md.listed(event_id=event_id)
    assert [r.id for r in found] == [own]
    asked = [e for e in md.google.journal if e.path == "/v2/conferenceRecords"][-1]
    assert asked.query["filter"] == 'space.meeting_code = "abc-mnop-xyz"'
    plain = events.insert(
        md.google.world,
        md.google.world.calendars[ADA],
        {"start": {"date": "2026-10-12"}, "end": {"date": "2026-10-13"}},
        {},
    )
    assert await md.listed(event_id=plain.data["id"]) == []
    with refused(Kind.NOT_FOUND):
        await md.listed(event_id="nothere")


async def test_a_recurring_event_has_one_room_and_many_records(md: MeetDesk) -> None:
    space = md.meet.space("abc-mnop-xyz")
    series = md.event(START, "abc-mnop-xyz", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    own = []
    for week in range(3):
        start = START + timedelta(weeks=week, minutes=7)
        own.append(md.meet.record(md.meet.hold(space, start), start))
    found = {r.id: r for r in await md.listed(event_id=series)}
    assert set(found) == set(own)
    calendar = md.google.world.calendars[ADA]
    instances = [e.data["id"] for e in events.instances(calendar, calendar.entries[series])]
    assert [found[each].event_id for each in own] == instances
    (second,) = await md.listed(event_id=instances[1])
    assert second.id == own[1]


async def test_a_code_that_was_reused(md: MeetDesk) -> None:
    """The nearest event in time is the one; codes are no keys."""
    md.event(START - timedelta(hours=20), "abc-mnop-xyz", "Old")
    md.event(START, "abc-mnop-xyz", "New")
    md.meet.record(md.meet.hold(md.meet.space("abc-mnop-xyz"), START), START)
    assert [r.title for r in await md.listed()] == ["New"]


async def test_without_a_calendar_scope_there_is_no_link(md: MeetDesk) -> None:
    md.event(START, "abc-mnop-xyz")
    own_id = md.meet.record(md.meet.hold(md.meet.space("abc-mnop-xyz"), START), START)
    calendar = md.google.world.calendars.pop(ADA)
    (found,) = await md.listed()
    assert (found.id, found.event_id, found.title) == (own_id, "", "")
    md.google.world.calendars[ADA] = calendar
    assert (await md.listed())[0].title == "Review"


async def test_an_expired_record(md: MeetDesk) -> None:
    """After 30 days Meet forgets, while the file in Drive lives on."""
    name = md.meet.hold(md.meet.space("a"), START)
    own_id = md.meet.record(name, START)
    md.meet.forget(name)
    for attempt in (md.get, md.segments):
        with refused(Kind.NOT_FOUND) as caught:
            await attempt(own_id)
        assert caught.value.resource == ("recording", own_id)


@pytest.mark.parametrize(
    "own_id",
    ["x", "conferenceRecords/a", "conferenceRecords/a/participants/b", "spaces/a/recordings/b",
     "conferenceRecords/../spaces/a/recordings/b", "conferenceRecords/a/recordings/b?x#y"],
)  # fmt: skip
async def test_foreign_ids_lead_nowhere(md: MeetDesk, own_id: str) -> None:
    with refused(Kind.NOT_FOUND):
        await md.get(own_id)
    assert not [e for e in md.google.journal if "spaces" in e.path]


async def test_a_missing_scope(md: MeetDesk) -> None:
    md.meet.readable = False
    with refused(Kind.INSUFFICIENT_SCOPE):
        await md.listed()


async def test_a_page_token_of_another_list(md: MeetDesk) -> None:
    with refused(Kind.INVALID, field="page_token"):
        await md.listed(page_token="[1")


def test_filters_cannot_be_broken_out_of() -> None:
    found = record_filter('a" OR space.name = "x\\', None, None)
    assert found == 'space.meeting_code = "a OR space.name = x"'


async def test_a_call_by_the_name_that_started_and_ended_tell(md: MeetDesk) -> None:
    event_id = md.event(START, "abc-mnop-xyz", "Weekly")
    name = md.meet.hold(md.meet.space("abc-mnop-xyz"), START, running=True)
    md.meet.join(name, "signedinUser", "Ada", START)
    found = await md.get(name, include_raw=True)
    assert (found.id, found.event_id, found.title) == (name, event_id, "Weekly")
    assert found.raw["__id"] == name
    assert found.start_at.ToDatetime(UTC) == START
    assert not found.HasField("end_at")
    assert [each.name for each in found.participants] == ["Ada"]
    assert not found.media
    md.meet.record(name, START)
    assert (await md.get(name)).id == name
    md.meet.forget(name)
    with refused(Kind.NOT_FOUND):
        await md.get(name)
