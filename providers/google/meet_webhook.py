"""What Cloud Pub/Sub brings of Google Meet: CloudEvents of Workspace Events, one a request. Pure.

cloud.google.com/pubsub/docs/push and developers.google.com/workspace/events/guides/events-meet,
.../events-lifecycle. The address of the operator's push subscription ends with `?token=<secret>`,
which is what is verified. The OIDC token that Pub/Sub can send besides is not looked at: its keys
change by the week and would have to be fetched, and nothing is fetched here.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping

import msgspec

from providers.core.push import Delivery, Hint, refused, same_secret
from providers.google.wire_meet import Named, PubsubMessage, PubsubPush, Told
from ucal.v1 import types_pb2, watch_pb2

TOKEN = "token"
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
_MAX_BODY = 64 * 1024
_UNSPECIFIED = watch_pb2.CHANGE_TYPE_UNSPECIFIED
_MEET = "google.workspace.meet."
_LIFE = "google.workspace.events.subscription.v1."
_SOURCE = "//workspaceevents.googleapis.com/"
_SUBSCRIPTION = re.compile(r"subscriptions/[A-Za-z0-9_.~-]{1,200}")
_CONFERENCE = re.compile(r"conferenceRecords/[A-Za-z0-9_-]{1,128}")
_PIECE = re.compile(_CONFERENCE.pattern + r"/recordings/[A-Za-z0-9_-]{1,128}")

# What happens to a conference, and what is told of it.
CHANGES: Mapping[str, watch_pb2.ChangeType.ValueType] = {
    f"{_MEET}conference.v2.started": watch_pb2.CHANGE_TYPE_STARTED,
    f"{_MEET}conference.v2.ended": watch_pb2.CHANGE_TYPE_ENDED,
}
# What recordings come from. Notes are not subscribed to, see `meet_push`.
_PIECES = frozenset(
    f"{_MEET}{piece}.v2.{what}"
    for piece in ("recording", "transcript", "smartNote")
    for what in ("started", "ended", "fileGenerated")
)
# What a subscription says of itself; all are answered by renewing it.
_LIVES = frozenset(f"{_LIFE}{what}" for what in ("suspended", "expirationReminder", "expired"))


def verify(delivery: Delivery, secret: str) -> None:
    """The push subscription's address has the secret that its operator gave it.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    if len(delivery.body) > _MAX_BODY or not same_secret(delivery.query.get(TOKEN, ""), secret):
        raise refused()


def hints(delivery: Delivery) -> list[Hint]:
    """What a CloudEvent of Meet says: that the recordings of one account may have changed.

    A conference that began or ended is told by its own name, which the names of its recordings
    begin with.
    """
    try:
        message = msgspec.json.decode(delivery.body, type=PubsubPush).message
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    kind = message.attributes.get("ce-type", "")
    if kind not in CHANGES and kind not in _PIECES and kind not in _LIVES:
        return []
    change = CHANGES.get(kind, _UNSPECIFIED)
    hint = Hint(
        _RECORDING,
        _subscription(message),
        (message.attributes.get("ce-id") or message.messageId)[:256],
        _object(message, conference=kind in CHANGES),
        change,
        renew=kind in _LIVES,
    )
    return [hint]


def _subscription(message: PubsubMessage) -> str:
    source = message.attributes.get("ce-source", "").rpartition(_SOURCE)[2]
    return source if _SUBSCRIPTION.fullmatch(source) else ""


def _object(message: PubsubMessage, *, conference: bool) -> str:
    """Name of the conference, or of the recording; transcripts are parts of recordings."""
    try:
        told = msgspec.json.decode(b64decode(message.data, validate=True), type=Told)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, binascii.Error, ValueError):
        return ""
    found: Named | None = told.conferenceRecord if conference else told.recording
    name = found.name if found is not None else ""
    return name if (_CONFERENCE if conference else _PIECE).fullmatch(name) else ""
