"""Recordings and transcripts of Google Meet: conference records, and what hangs on them."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from providers.core import times
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.google import cursors, meet_links, reading, series
from providers.google.api import Api, together
from providers.google.meet_parse import (
    Conference,
    Link,
    Piece,
    inside,
    name_of,
    parse_call,
    parse_participant,
    parse_recording,
    parse_segment,
    start_of,
)
from providers.google.wire import Event
from providers.google.wire_meet import (
    Artifact,
    Artifacts,
    ConferenceRecord,
    ConferenceRecords,
    Participant,
    Participants,
    TranscriptEntries,
)
from ucal.v1 import recording_pb2

MAX_PAGE = 100
_DEFAULT_PAGE = 25
_RECORDS_PAGE = 25
# Pages of records that one call walks at most: many conferences are never recorded.
_MAX_RECORD_PAGES = 4
_AT_ONCE = 4
_MAX_CHILD_PAGES = 10
# No conference of Meet lasts longer.
_LONGEST = timedelta(hours=24)
# How far from the planned time an instance of a recurring event is held.
_AROUND = timedelta(hours=3)
_KINDS = ("recordings", "transcripts", "smartNotes")
_CALL = re.compile(r"conferenceRecords/[A-Za-z0-9_-]+")
_NAME = re.compile(
    r"(conferenceRecords/[A-Za-z0-9_-]+)/(recordings|transcripts|smartNotes)/[^/?#]+"
)


class _Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a list goes on: in a page of records, at a record, after some of its recordings."""

    page: str = ""
    record: int = 0
    item: int = 0


class Meet:
    """Google Meet on behalf of one call."""

    def __init__(self, meet: Api, calendar: Api, drive_url: str) -> None:
        self._meet = meet
        self._calendar = calendar
        self._drive_url = drive_url

    # -- reading conferences

    async def _conference(self, record: ConferenceRecord, link: Link) -> Conference:
        recordings, transcripts, notes = await together(
            self._pieces(record.name, kind) for kind in _KINDS
        )
        return Conference(record, recordings, transcripts, notes, link, self._drive_url)

    async def _pieces(self, record: str, kind: str) -> list[Piece]:
        params: dict[str, str | int] = {"pageSize": MAX_PAGE}
        found: list[Piece] = []
        for _ in range(_MAX_CHILD_PAGES):
            reply = await self._meet.send("GET", f"{record}/{kind}", params=params)
            page = decode(reply, Artifacts)
            found += [Piece(_artifact(reply, item), item) for item in getattr(page, kind)]
            if not page.nextPageToken:
                break
            params["pageToken"] = page.nextPageToken
        return found

    async def _one(self, own_id: str) -> tuple[Conference, Piece]:
        """A recording by its id, with the conference it belongs to.

        Raises:
            ProviderError: NOT_FOUND.
        """
        match = _NAME.fullmatch(own_id)
        if match is None:
            raise ProviderError.not_found("recording", own_id)
        reply = await self._meet.send("GET", match[1], resource=("recording", own_id))
        record = decode(reply, ConferenceRecord)
        links = await meet_links.links_of(self._meet, self._calendar, [record])
        conference = await self._conference(record, links.get(record.name, Link()))
        for piece in conference.pieces():
            if piece.found.name == own_id:
                return conference, piece
        raise ProviderError.not_found("recording", own_id)

    async def _participants(self, record: str) -> list[Participant]:
        params: dict[str, str | int] = {"pageSize": 250}
        found: list[Participant] = []
        for _ in range(_MAX_CHILD_PAGES):
            reply = await self._meet.send("GET", f"{record}/participants", params=params)
            page = decode(reply, Participants)
            found += page.participants
            if not page.nextPageToken:
                break
            params["pageToken"] = page.nextPageToken
        return found

    # -- operations

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        """ListRecordings."""
        low, high = times.bounds(request.window)
        code = ""
        if request.event_id:
            code, near = await self._of_event(request.event_id)
            if not code:
                return recording_pb2.ListRecordingsResponse()
            low, high = _both(low, near[0], max), _both(high, near[1], min)
        walk = _Walk(low, high, record_filter(code, low, high), request.page_size or _DEFAULT_PAGE)
        answer = recording_pb2.ListRecordingsResponse()
        place: _Place | None = _read_place(request.page_token)
        for _ in range(_MAX_RECORD_PAGES):
            if place is None:
                break
            place = await self._walk_page(call, request, walk, place, answer)
            if len(answer.recordings) >= walk.size:
                break
        if place is not None:
            answer.next_page_token = msgspec.json.encode(place).decode()
        return answer

    async def _walk_page(
        self,
        call: Call,
        request: recording_pb2.ListRecordingsRequest,
        walk: "_Walk",
        place: _Place,
        answer: recording_pb2.ListRecordingsResponse,
    ) -> _Place | None:
        """Add what is left of one page of records; where to go on, None at the end."""
        params: dict[str, str | int] = {"pageSize": _RECORDS_PAGE}
        params |= {"filter": walk.filter} if walk.filter else {}
        params |= {"pageToken": place.page} if place.page else {}
        page = decode(
            await self._meet.send("GET", "conferenceRecords", params=params), ConferenceRecords
        )
        records = page.conferenceRecords
        links = await meet_links.links_of(self._meet, self._calendar, records[place.record :])
        for at in range(place.record, len(records), _AT_ONCE):
            group = records[at : at + _AT_ONCE]
            conferences = await together(
                self._conference(each, links.get(each.name, Link())) for each in group
            )
            for index, conference in enumerate(conferences, at):
                pieces = [p for p in conference.pieces() if inside(p, walk.low, walk.high)]
                skip = place.item if index == place.record else 0
                for number, piece in enumerate(pieces[skip:], skip):
                    if len(answer.recordings) == walk.size:
                        return _Place(place.page, index, number)
                    parse_recording(
                        answer.recordings.add(),
                        conference,
                        piece,
                        call.connection_id,
                        raw=request.include_raw,
                    )
        return _Place(page.nextPageToken) if page.nextPageToken else None

    async def _of_event(self, event_id: str) -> tuple[str, tuple[datetime | None, datetime | None]]:
        """Meeting code of an event, and when an instance of a series can have been held."""
        reply = await reading.read(self._calendar, "primary", event_id)
        event = decode(reply, Event)
        if not event.recurringEventId or event.start is None or event.end is None:
            return meet_links.code_of(event), (None, None)
        start = times.instant(series.event_time(event.start))
        end = times.instant(series.event_time(event.end))
        return meet_links.code_of(event), (start - _AROUND, end + _AROUND)

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        """GetRecording, with who took part."""
        answer = recording_pb2.GetRecordingResponse()
        target = answer.recording
        if _CALL.fullmatch(request.id):
            await self._get_call(call, request, target)
            return answer
        conference, piece = await self._one(request.id)
        parse_recording(target, conference, piece, call.connection_id, raw=request.include_raw)
        for each in await self._participants(conference.record.name):
            parse_participant(target.participants.add(), each)
        return answer

    async def _get_call(
        self,
        call: Call,
        request: recording_pb2.GetRecordingRequest,
        target: recording_pb2.Recording,
    ) -> None:
        """A call by the name that STARTED and ENDED tell, whether it is recorded or not."""
        reply = await self._meet.send("GET", request.id, resource=("recording", request.id))
        record = decode(reply, ConferenceRecord)
        links = await meet_links.links_of(self._meet, self._calendar, [record])
        parse_call(
            target, Conference(record, link=links.get(record.name, Link())), call.connection_id
        )
        if request.include_raw:
            fill_raw(target.raw, decode(reply, dict[str, Any]), record.name)
        for each in await self._participants(record.name):
            parse_participant(target.participants.add(), each)

    async def list_transcript_segments(
        self, call: Call, request: recording_pb2.ListTranscriptSegmentsRequest
    ) -> recording_pb2.ListTranscriptSegmentsResponse:
        """ListTranscriptSegments: one transcript after the other."""
        conference, piece = await self._one(request.recording_id)
        transcripts = conference.transcripts_of(piece)
        place = _read_place(request.page_token)
        answer = recording_pb2.ListTranscriptSegmentsResponse()
        if place.record >= len(transcripts):
            return answer
        params: dict[str, str | int] = {"pageSize": request.page_size or MAX_PAGE}
        params |= {"pageToken": place.page} if place.page else {}
        name = transcripts[place.record].found.name
        reply = await self._meet.send("GET", f"{name}/entries", params=params)
        page = decode(reply, TranscriptEntries)
        people = await self._participants(conference.record.name)
        speakers = {each.name: name_of(each) for each in people}
        begun = start_of(piece)
        for entry in page.transcriptEntries:
            parse_segment(answer.segments.add(), entry, begun, speakers)
        if page.nextPageToken:
            place = _Place(page.nextPageToken, place.record)
        else:
            place = _Place("", place.record + 1)
        if place.record < len(transcripts):
            answer.next_page_token = msgspec.json.encode(place).decode()
        return answer


def _artifact(reply: Reply, item: dict[str, object]) -> Artifact:
    try:
        return msgspec.convert(item, Artifact)
    except msgspec.ValidationError:
        raise cursors.malformed(reply) from None


class _Walk(msgspec.Struct, frozen=True):
    """What one list looks for."""

    low: datetime | None
    high: datetime | None
    filter: str
    size: int


def _both(
    one: datetime | None,
    other: datetime | None,
    choose: Callable[[datetime, datetime], datetime],
) -> datetime | None:
    if one is None or other is None:
        return one or other
    return choose(one, other)


def record_filter(code: str, low: datetime | None, high: datetime | None) -> str:
    """A filter of conference records; a record that began before `low` may reach into it."""
    parts = []
    if code:
        escaped = code.replace("\\", "").replace('"', "")
        parts.append(f'space.meeting_code = "{escaped}"')
    if low is not None and low - times.EPOCH > _LONGEST:
        parts.append(f'start_time>="{times.format_rfc3339(low - _LONGEST)}"')
    if high is not None:
        parts.append(f'start_time<="{times.format_rfc3339(high)}"')
    return " AND ".join(parts)


def _read_place(token: str) -> _Place:
    if not token:
        return _Place()
    try:
        return msgspec.json.decode(token, type=_Place)
    except (msgspec.MsgspecError, UnicodeError):
        raise ProviderError.invalid("page_token", "is none of this list") from None
