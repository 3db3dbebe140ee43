"""Calendly API v2 as Calendly spells it, reduced to what is read. No mapping lives here.

Reference: developer.calendly.com/api-docs, the OpenAPI document "Calendly API 2.0.0". Answers of
2020 to 2022 lack many of today's fields, and messages are wider than the documented words: all but
`uri` may be missing, and enumerations are plain text.
"""

from typing import Any

import msgspec


class Pagination(msgspec.Struct, gc=False):
    """Pagination; `next_page_token` is missing in older answers, `next_page` holds it too."""

    next_page: str | None = None
    next_page_token: str | None = None


class Collection(msgspec.Struct, gc=False):
    """Any list."""

    collection: list[msgspec.Raw]
    pagination: Pagination = msgspec.field(default_factory=Pagination)


class Resource(msgspec.Struct, gc=False):
    """Any single object."""

    resource: msgspec.Raw


class User(msgspec.Struct, gc=False):
    """User."""

    uri: str
    name: str | None = None
    email: str | None = None
    slug: str | None = None
    timezone: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    current_organization: str | None = None


class Location(msgspec.Struct, gc=False):
    """Event.location: what the fields mean depends on `type`."""

    type: str | None = None
    location: str | None = None
    status: str | None = None
    join_url: str | None = None
    data: Any = None


class Counter(msgspec.Struct, gc=False):
    """Event.invitees_counter."""

    total: int = 0
    active: int = 0
    limit: int = 0


class Membership(msgspec.Struct, gc=False):
    """Event.event_memberships: the hosts."""

    user: str | None = None
    user_email: str | None = None
    user_name: str | None = None


class Guest(msgspec.Struct, gc=False):
    """Event.event_guests."""

    email: str = ""


class Cancellation(msgspec.Struct, gc=False):
    """Cancellation."""

    reason: str | None = None


class Event(msgspec.Struct, gc=False):
    """Scheduled event."""

    uri: str
    start_time: str
    end_time: str
    name: str | None = None
    status: str | None = None
    event_type: str | None = None
    location: Location | None = None
    invitees_counter: Counter | None = None
    event_memberships: list[Membership] | None = None
    event_guests: list[Guest] | None = None
    cancellation: Cancellation | None = None
    meeting_notes_plain: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class Answer(msgspec.Struct, gc=False):
    """Invitee.questions_and_answers."""

    question: str | None = None
    answer: str | None = None


class Invitee(msgspec.Struct, gc=False):
    """Invitee."""

    uri: str
    email: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    status: str | None = None
    timezone: str | None = None
    event: str | None = None
    old_invitee: str | None = None
    new_invitee: str | None = None
    questions_and_answers: list[Answer] | None = None


class Profile(msgspec.Struct, gc=False):
    """EventType.profile: whose page it is on."""

    type: str | None = None
    name: str | None = None
    owner: str | None = None


class LocationConfiguration(msgspec.Struct, gc=False):
    """EventType.locations."""

    kind: str | None = None
    location: str | None = None
    phone_number: str | int | None = None


class Question(msgspec.Struct, gc=False):
    """EventType.custom_questions."""

    name: str | None = None
    type: str | None = None
    enabled: bool | None = True
    required: bool | None = False
    answer_choices: list[str] | None = None


class EventType(msgspec.Struct, gc=False):
    """Event type."""

    uri: str
    name: str | None = None
    active: bool | None = None
    slug: str | None = None
    scheduling_url: str | None = None
    duration: int | None = None
    duration_options: list[int] | None = None
    kind: str | None = None
    pooling_type: str | None = None
    type: str | None = None
    color: str | None = None
    description_plain: str | None = None
    profile: Profile | None = None
    locations: list[LocationConfiguration] | None = None
    custom_questions: list[Question] | None = None
    deleted_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class AvailableTime(msgspec.Struct, gc=False):
    """EventTypeAvailableTime."""

    start_time: str
    status: str | None = None
    invitees_remaining: int | None = None
    scheduling_url: str | None = None


class EventRef(msgspec.Struct, gc=False):
    """UserBusyTime.event."""

    uri: str | None = None


class BusyTime(msgspec.Struct, gc=False):
    """UserBusyTime."""

    start_time: str
    end_time: str
    type: str | None = None
    event: EventRef | None = None


class SchedulingLink(msgspec.Struct, gc=False):
    """Answer of POST /scheduling_links, and a part of that of POST /shares."""

    booking_url: str


class Share(msgspec.Struct, gc=False):
    """Answer of POST /shares."""

    scheduling_links: list[SchedulingLink]


class RecapAttendee(msgspec.Struct, gc=False):
    """MeetingRecap.attendees."""

    host: bool | None = False
    user_email: str | None = None
    user_name: str | None = None


class Recap(msgspec.Struct, gc=False):
    """Meeting recap."""

    uri: str
    app_url: str | None = None
    event: str | None = None
    status: str | None = None
    name: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    attendees: list[RecapAttendee] | None = None
    summary_md: str | None = None
    action_items_md: str | None = None
    transcript: str | None = None
    share_link: str | None = None


class Transcript(msgspec.Struct, gc=False):
    """MeetingTranscript."""

    text: str | None = None


class Detail(msgspec.Struct, gc=False):
    """ErrorResponse.details."""

    parameter: str | None = None


class Problem(msgspec.Struct, gc=False):
    """ErrorResponse; `error` is what the OAuth host says instead."""

    title: str | None = None
    message: str | None = None
    details: list[Detail] | None = None
    error: str | None = None


class UriRef(msgspec.Struct, gc=False):
    """An object of which the URI alone is read."""

    uri: str | None = None


class Payload(msgspec.Struct, gc=False):
    """WebhookPayload.payload, of any event; `event` is a URI, or an object that holds one."""

    uri: str | None = None
    event: str | UriRef | None = None
    invitee: str | None = None
    recap: UriRef | None = None


class Delivered(msgspec.Struct, gc=False):
    """WebhookPayload."""

    event: str
    payload: Payload


class Hook(msgspec.Struct, gc=False):
    """WebhookSubscription."""

    uri: str
    callback_url: str | None = None
