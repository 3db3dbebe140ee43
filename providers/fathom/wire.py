"""What Fathom sends, spelled as Fathom spells it: developers.fathom.ai, external API v1."""

import msgspec


class Person(msgspec.Struct, gc=False):
    """FathomUser, Invitee, assignee: a name and an address, either of which may be missing."""

    name: str | None = None
    email: str | None = None
    is_external: bool = False


class Speaker(msgspec.Struct, gc=False):
    """Who speaks; the address only when Fathom could match an invitee."""

    display_name: str = ""
    matched_calendar_invitee_email: str | None = None


class TranscriptItem(msgspec.Struct, gc=False):
    """One utterance. `timestamp` is HH:MM:SS from the start; there is no end."""

    speaker: Speaker = msgspec.field(default_factory=Speaker)
    text: str = ""
    timestamp: str = ""


class Transcript(msgspec.Struct, gc=False):
    """GET /recordings/{recording_id}/transcript."""

    transcript: list[TranscriptItem] = []


class MeetingSummary(msgspec.Struct, gc=False):
    """A summary, always English Markdown."""

    markdown_formatted: str | None = None


class Summary(msgspec.Struct, gc=False):
    """GET /recordings/{recording_id}/summary."""

    summary: MeetingSummary | None = None


class ActionItem(msgspec.Struct, gc=False):
    """Something to do."""

    description: str = ""
    completed: bool = False
    assignee: Person | None = None


class Meeting(msgspec.Struct, gc=False):
    """A recorded meeting. `title` is Fathom's own, `meeting_title` the calendar's."""

    recording_id: int = 0
    title: str | None = None
    meeting_title: str | None = None
    url: str = ""
    share_url: str | None = None
    meeting_url: str | None = None
    created_at: str = ""
    scheduled_start_time: str | None = None
    scheduled_end_time: str | None = None
    recording_start_time: str | None = None
    recording_end_time: str | None = None
    transcript_language: str | None = None
    calendar_invitees: list[Person] | None = None
    recorded_by: Person | None = None
    action_items: list[ActionItem] | None = None


class Page(msgspec.Struct, gc=False):
    """GET /meetings; each item is read by itself, so that a bad one does not hide the others."""

    items: list[msgspec.Raw] = []
    next_cursor: str | None = None


class Hook(msgspec.Struct, gc=False):
    """Answer of POST /webhooks. The secret is shown this once."""

    id: str
    secret: str = ""
