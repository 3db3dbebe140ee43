"""Dialpad's messages, as its API v2 spells them (developers.dialpad.com); mapping lives elsewhere.

Integers of 64 bits are text in answers, and either in requests. Nearly every field may be null.
"""

from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = dict[str, Any]
Key: TypeAlias = int | str | None


class User(msgspec.Struct, gc=False):
    """UserProto, as far as it is used."""

    id: Key = None
    display_name: str | None = None
    emails: list[str] | None = None
    timezone: str | None = None


class Room(msgspec.Struct, gc=False):
    """RoomProto: `path` is the URL of the room."""

    id: Key = None
    display_name: str | None = None
    email: str | None = None
    path: str | None = None


class Participant(msgspec.Struct, gc=False):
    """MeetingParticipantProto."""

    display_name: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    is_organizer: bool | None = None


class Meeting(msgspec.Struct, gc=False):
    """MeetingsProto. `duration` is milliseconds by its description and seconds by its example."""

    id: Key = None
    instance_id: Key = None
    title: str | None = None
    meeting_type: str | None = None
    start_datetime: str | None = None
    end_datetime: str | None = None
    duration: Key = None
    timezone: str | None = None
    recurrence: str | None = None
    recurrence_end_date: str | None = None
    meeting_url: str | None = None
    dial_in_number: str | None = None
    organizer_pin: str | None = None
    participant_pin: str | None = None
    call_out: bool | None = None
    participants_info: list[Participant] | None = None


class File(msgspec.Struct, gc=False):
    """MeetingRecordingProto and MeetingVideoRecordingProto. `size` is for people: "14.3MB"."""

    url: str | None = None
    size: str | None = None


class Summary(msgspec.Struct, gc=False):
    """MeetingSummaryProto: a meeting that took place."""

    id: Key = None
    title: str | None = None
    host_name: str | None = None
    room_id: Key = None
    start_time: str | None = None
    end_time: str | None = None
    duration_ms: Key = None
    participants: list[Participant] | None = None
    recordings: list[File] | None = None
    video_recordings: list[File] | None = None
    transcript_url: str | None = None


class Page(msgspec.Struct, gc=False):
    """Any list. Meetings are under `data`, all others under `items`."""

    cursor: str | None = None
    data: list[Json] | None = None
    items: list[Json] | None = None


class Delivered(msgspec.Struct, gc=False):
    """A call event, as far as it is used."""

    call_id: Key = None
    state: str | None = None
    event_timestamp: Key = None


class JwtHeader(msgspec.Struct, gc=False):
    """Header of a JWT: nothing but its algorithm is believed."""

    alg: str = ""


class Signature(msgspec.Struct, gc=False):
    """SignatureProto. Dialpad shows the secret in clear text, in every list."""

    secret: str | None = None


class Webhook(msgspec.Struct, gc=False):
    """WebhookProto."""

    id: Key = None
    hook_url: str | None = None
    signature: Signature | None = None


class CallSubscription(msgspec.Struct, gc=False):
    """CallEventSubscriptionProto."""

    id: Key = None
    call_states: list[str] | None = None
    enabled: bool | None = None
    webhook: Webhook | None = None
