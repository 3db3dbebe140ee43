"""Zoom's objects as they come over the wire, in Zoom's spelling; only what is looked at.

developers.zoom.us/docs/api: Meetings API (meetings, webinars, cloud recordings), Users API. Numbers
change their type between endpoints (ids are text in recordings), and answers leave out what they
please, so every field has a default. Mapping lives elsewhere.
"""

import msgspec

Number = int | float | str | None


class Trouble(msgspec.Struct, gc=False):
    """An error; also inside HTTP 200."""

    code: int = 0
    message: str = ""


class Page(msgspec.Struct, gc=False):
    """A page of any list, its items left as they came."""

    next_page_token: str | None = None
    meetings: list[msgspec.Raw] = []
    webinars: list[msgspec.Raw] = []
    registrants: list[msgspec.Raw] = []
    panelists: list[msgspec.Raw] = []
    users: list[msgspec.Raw] = []
    participants: list[msgspec.Raw] = []
    items: list[msgspec.Raw] = []


class User(msgspec.Struct, gc=False):
    """GET /users/{userId}."""

    id: str = ""
    email: str | None = None
    display_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    timezone: str | None = None
    account_id: str | None = None
    created_at: str | None = None
    user_created_at: str | None = None


class Repetition(msgspec.Struct, gc=False):
    """`recurrence` of a meeting or webinar."""

    type: int | None = None
    repeat_interval: int | None = None
    weekly_days: str | None = None
    monthly_day: int | None = None
    monthly_week: int | None = None
    monthly_week_day: int | None = None
    end_times: int | None = None
    end_date_time: str | None = None


class Occurrence(msgspec.Struct, gc=False):
    """One of `occurrences`. The id is the planned start in epoch milliseconds."""

    occurrence_id: str | int = ""
    start_time: str | None = None
    duration: Number = None
    status: str | None = None


class Invitee(msgspec.Struct, gc=False):
    """One of `settings.meeting_invitees`."""

    email: str | None = None


class DialIn(msgspec.Struct, gc=False):
    """One of `settings.global_dial_in_numbers`."""

    number: str | None = None
    country: str | None = None
    city: str | None = None
    country_name: str | None = None


class Switch(msgspec.Struct, gc=False):
    """A setting with an `enable`."""

    enable: bool | None = None


class Settings(msgspec.Struct, gc=False):
    """`settings` of a meeting or webinar."""

    meeting_invitees: list[Invitee] | None = None
    global_dial_in_numbers: list[DialIn] | None = None
    private_meeting: bool | None = None
    approval_type: int | None = None
    registrants_restrict_number: int | None = None
    question_and_answer: Switch | None = None


class Meeting(msgspec.Struct, gc=False):
    """A meeting, or a webinar: lists hold less than GET."""

    id: int | str = ""
    uuid: str | None = None
    host_id: str | None = None
    host_email: str | None = None
    topic: str | None = None
    type: int | str | None = None
    status: str | None = None
    start_time: str | None = None
    duration: Number = None
    timezone: str | None = None
    agenda: str | None = None
    created_at: str | None = None
    join_url: str | None = None
    registration_url: str | None = None
    password: str | None = None
    is_simulive: bool | None = None
    recurrence: Repetition | None = None
    occurrences: list[Occurrence] | None = None
    settings: Settings | None = None


class Registrant(msgspec.Struct, gc=False):
    """A registrant; `registrant_id` in the answer to POST."""

    id: str | int | None = None
    registrant_id: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    status: str | None = None
    join_url: str | None = None
    create_time: str | None = None
    custom_questions: list["Answer"] | None = None


class Answer(msgspec.Struct, gc=False):
    """One of `custom_questions` of a registrant."""

    title: str | None = None
    value: str | None = None


class Panelist(msgspec.Struct, gc=False):
    """GET /webinars/{id}/panelists."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    join_url: str | None = None


class Question(msgspec.Struct, gc=False):
    """One of `questions`, or of `custom_questions`, of a registration form."""

    field_name: str | None = None
    title: str | None = None
    required: bool | None = None


class Questions(msgspec.Struct, gc=False):
    """GET /webinars/{id}/registrants/questions."""

    questions: list[Question] | None = None
    custom_questions: list[Question] | None = None


class Polls(msgspec.Struct, gc=False):
    """GET /webinars/{id}/polls."""

    polls: list[msgspec.Raw] | None = None


class TrackingSource(msgspec.Struct, gc=False):
    """One of `tracking_sources`."""

    source_name: str | None = None
    tracking_url: str | None = None


class TrackingSources(msgspec.Struct, gc=False):
    """GET /webinars/{id}/tracking_sources."""

    tracking_sources: list[TrackingSource] | None = None


class File(msgspec.Struct, gc=False):
    """One of `recording_files`."""

    id: str | None = None
    recording_start: str | None = None
    recording_end: str | None = None
    file_type: str | None = None
    file_extension: str | None = None
    file_size: Number = None
    recording_type: str | None = None
    status: str | None = None
    download_url: str | None = None
    deleted_time: str | None = None


class Recording(msgspec.Struct, gc=False):
    """The recording of one instance of a meeting or webinar."""

    uuid: str = ""
    id: int | str = ""
    host_id: str | None = None
    host_email: str | None = None
    topic: str | None = None
    start_time: str | None = None
    duration: Number = None
    share_url: str | None = None
    auto_delete: bool | None = None
    auto_delete_date: str | None = None
    download_access_token: str | None = None
    recording_files: list[File] | None = None


class Instance(msgspec.Struct, gc=False):
    """One of the past instances of a meeting."""

    uuid: str = ""
    start_time: str | None = None


class Summary(msgspec.Struct, gc=False):
    """GET /meetings/{uuid}/meeting_summary."""

    summary_overview: str | None = None
    summary_content: str | None = None
    next_steps: list[str] | None = None


class Participant(msgspec.Struct, gc=False):
    """GET /past_meetings/{uuid}/participants."""

    name: str | None = None
    user_email: str | None = None
    join_time: str | None = None
    leave_time: str | None = None


class Transcript(msgspec.Struct, gc=False):
    """GET /meetings/{uuid}/transcript."""

    can_download: bool | None = None
    download_url: str | None = None
    download_restriction_reason: str | None = None


class Buffer(msgspec.Struct, gc=False):
    """`buffer` of a schedule, in minutes."""

    before: Number = None
    after: Number = None


class Organizer(msgspec.Struct, gc=False):
    """`organizer` of a schedule."""

    email: str | None = None
    display_name: str | None = None


class CustomField(msgspec.Struct, gc=False):
    """One of `custom_fields` of a schedule."""

    custom_field_id: str | None = None
    name: str | None = None
    format: str | None = None
    required: bool | None = None
    answer_choices: list[str] | None = None


class Schedule(msgspec.Struct, gc=False):
    """GET /scheduler/schedules/{scheduleId}."""

    schedule_id: str = ""
    summary: str | None = None
    description: str | None = None
    location: str | None = None
    slug: str | None = None
    color: str | None = None
    duration: Number = None
    active: bool | None = None
    status: str | None = None
    add_on_type: str | None = None
    scheduling_url: str | None = None
    capacity: Number = None
    cushion: Number = None
    buffer: Buffer | None = None
    updated: str | None = None
    organizer: Organizer | None = None
    custom_fields: list[CustomField] | None = None


class Availability(msgspec.Struct, gc=False):
    """One of the items of GET /scheduler/availability."""

    availability_id: str | None = None
    default: bool | None = None


class BookedPlace(msgspec.Struct, gc=False):
    """`external_location` of what was booked: the meeting that was made for it."""

    meeting_id: int | str | None = None


class Booked(msgspec.Struct, gc=False):
    """`scheduled_event` of Zoom Scheduler's webhooks."""

    event_id: str | None = None
    external_location: BookedPlace | None = None


class DeliveredObject(msgspec.Struct, gc=False):
    """`payload.object` of a webhook."""

    id: int | str | None = None
    scheduled_event: Booked | None = None
    uuid: str | None = None
    occurrences: list[Occurrence] | None = None


class DeliveredPayload(msgspec.Struct, gc=False):
    """`payload` of a webhook; `account_id` is that of the object's host."""

    account_id: str | None = None
    object: DeliveredObject = msgspec.field(default_factory=DeliveredObject)
    plainToken: str | None = None


class Delivered(msgspec.Struct, gc=False):
    """A webhook. `event_ts` is text in some."""

    event: str = ""
    event_ts: int | str = 0
    payload: DeliveredPayload = msgspec.field(default_factory=DeliveredPayload)
