"""What Google sends: channel notifications of Calendar, Pub/Sub pushes of Workspace Events. Pure.

developers.google.com/workspace/calendar/api/guides/push and cloud.google.com/pubsub/docs/push.
"""

from collections.abc import Mapping

import msgspec

from providers.core.push import Delivery, Hint, refused, same_secret
from providers.google.wire_meet import PubsubPush
from ucal.v1 import types_pb2

_EVENT = types_pb2.RESOURCE_KIND_EVENT
_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
_MAX_BODY = 64 * 1024

# `sync` greets a new channel and tells of no change (P12).
_CHANGED = frozenset({"exists", "not_exists"})
# CloudEvents of Meet that a recording or a transcript follows from.
_MEET_EVENTS = frozenset(
    {
        "google.workspace.meet.recording.v2.fileGenerated",
        "google.workspace.meet.recording.v2.started",
        "google.workspace.meet.recording.v2.ended",
        "google.workspace.meet.transcript.v2.fileGenerated",
        "google.workspace.meet.transcript.v2.started",
        "google.workspace.meet.transcript.v2.ended",
        "google.workspace.meet.smartNote.v2.fileGenerated",
        "google.workspace.meet.conference.v2.ended",
    }
)


def verify_channel(delivery: Delivery, secret: str) -> None:
    """The channel's token is the one that was set (P15).

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    if not same_secret(delivery.headers.get("x-goog-channel-token", ""), secret):
        raise refused()


def channel_hints(delivery: Delivery) -> list[Hint]:
    """What a notification says. It has no body, and its headers do not tell what changed."""
    headers: Mapping[str, str] = delivery.headers
    if headers.get("x-goog-resource-state", "") not in _CHANGED:
        return []
    channel = headers.get("x-goog-channel-id", "")
    number = headers.get("x-goog-message-number", "")
    path = headers.get("x-goog-resource-uri", "").partition("?")[0]
    kind = _CALENDAR if path.endswith("/calendarList") else _EVENT
    return [Hint(kind, channel, f"{channel}/{number}" if number else "")]


def verify_pubsub(delivery: Delivery, secret: str) -> None:
    """The push subscription's URL ends with `?token=<secret>`, as its operator set it up.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    if len(delivery.body) > _MAX_BODY or not same_secret(delivery.query.get("token", ""), secret):
        raise refused()


def pubsub_hints(delivery: Delivery) -> list[Hint]:
    """What a CloudEvent of Meet says: that the recordings of this user may have changed."""
    try:
        message = msgspec.json.decode(delivery.body, type=PubsubPush).message
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    attributes = message.attributes
    if attributes.get("ce-type", "") not in _MEET_EVENTS:
        return []
    source = attributes.get("ce-source", "").rpartition("//workspaceevents.googleapis.com/")[2]
    return [Hint(_RECORDING, source, attributes.get("ce-id", "") or message.messageId)]
