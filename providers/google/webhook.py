"""What Google Calendar sends to a notification channel. Pure.

developers.google.com/workspace/calendar/api/guides/push. Meet's is in `meet_webhook`.
"""

from collections.abc import Mapping

from providers.core.push import Delivery, Hint, refused, same_secret
from ucal.v1 import types_pb2

_EVENT = types_pb2.RESOURCE_KIND_EVENT
_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR

# `sync` greets a new channel and tells of no change (P12).
_CHANGED = frozenset({"exists", "not_exists"})


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
