"""What Fireflies sends, spelled as Fireflies spells it: docs.fireflies.ai, GraphQL API.

Everything may be null: GraphQL puts null where it could not fill a field.
"""

from typing import Any, TypeAlias

import msgspec

Word: TypeAlias = str | int | float | None
Text: TypeAlias = str | list[str | None] | None


class Extensions(msgspec.Struct, gc=False):
    """What an error says beside its message. `status` need not be the HTTP status."""

    code: Word = None
    status: Word = None
    correlation_id: Word = msgspec.field(default=None, name="correlationId")
    metadata: Any = None


class Trouble(msgspec.Struct, gc=False):
    """One of `errors`. `path` says what is missing in `data`; without it nothing is there."""

    message: Word = None
    code: Word = None
    path: list[str | int] | None = None
    extensions: Extensions | None = None


class Answer(msgspec.Struct, gc=False):
    """Every answer, whatever its HTTP status. Data and errors may come together."""

    data: dict[str, msgspec.Raw] | None = None
    errors: list[Trouble] | None = None


class Attendee(msgspec.Struct, gc=False):
    """Of the calendar event."""

    display_name: str | None = msgspec.field(default=None, name="displayName")
    name: str | None = None
    email: str | None = None


class Summary(msgspec.Struct, gc=False):
    """Texts of headings and lines; older pages say lists of lines."""

    overview: Text = None
    short_summary: Text = None
    action_items: Text = None


class MeetingInfo(msgspec.Struct, gc=False):
    """How the recording went. Silent meetings have no sentences and no summary."""

    silent_meeting: bool | None = None


class Sentence(msgspec.Struct, gc=False):
    """Times are seconds from the start."""

    speaker_name: str | None = None
    speaker_id: Word = None
    text: str | None = None
    raw_text: str | None = None
    start_time: float | None = None
    end_time: float | None = None


class Speaker(msgspec.Struct, gc=False):
    """Who speaks."""

    id: Word = None
    name: str | None = None


class Transcript(msgspec.Struct, gc=False):
    """A meeting that was, or is being, transcribed.

    `date` is epoch milliseconds, rounded down to five minutes (seen 2026-06); `dateString` is
    exact. `duration` is minutes, with a fraction. An entry of `participants` may hold several
    addresses with commas between.
    """

    id: str
    title: str | None = None
    date: Word = None
    date_string: str | None = msgspec.field(default=None, name="dateString")
    duration: float | None = None
    organizer_email: str | None = None
    host_email: str | None = None
    participants: list[str | None] | None = None
    meeting_attendees: list[Attendee | None] | None = None
    meeting_link: str | None = None
    transcript_url: str | None = None
    audio_url: str | None = None
    video_url: str | None = None
    is_live: bool | None = None
    meeting_info: MeetingInfo | None = None
    summary: Summary | None = None


class Words(msgspec.Struct, gc=False):
    """A transcript of which only what was said is asked for."""

    sentences: list[Sentence | None] | None = None
    speakers: list[Speaker | None] | None = None


class Running(msgspec.Struct, gc=False):
    """A meeting that the notetaker sits in now. `end_time` is the planned one."""

    id: str
    title: str | None = None
    organizer_email: str | None = None
    meeting_link: str | None = None
    start_time: Word = None
    end_time: Word = None


class User(msgspec.Struct, gc=False):
    """The owner of the key."""

    name: str | None = None
    email: str | None = None
