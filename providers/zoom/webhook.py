"""What Zoom sends to an event subscription: its signature, its handshake, what it hints at. Pure.

developers.zoom.us/docs/api/webhooks: `x-zm-signature: v0=<hex>`, HMAC-SHA256 of
`v0:<x-zm-request-timestamp>:<body>` with the app's secret token. Deliveries have no id, come in no
order, and again after 5, 20 and 60 minutes while they fail.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, refused, same_secret
from providers.zoom.wire import Delivered
from ucal.v1 import types_pb2, watch_pb2

SIGNATURE = "x-zm-signature"
TIMESTAMP = "x-zm-request-timestamp"
_TOLERANCE_SECONDS = 300
_MAX_BODY = 1024 * 1024
_VALIDATION = "endpoint.url_validation"
# No colon: the answer must not be the signature of anything.
_PLAIN_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_OBJECT_ID = re.compile(r"[0-9]{1,19}")
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9+/=_-]{1,64}")
_UUID = re.compile(r"[A-Za-z0-9+/_-]{1,64}={0,2}")

_EVENT = types_pb2.RESOURCE_KIND_EVENT
_WEBINAR = types_pb2.RESOURCE_KIND_WEBINAR
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING

_OF_MEETINGS = (
    "created",
    "updated",
    "deleted",
    "permanently_deleted",
    "recovered",
    "started",
    "ended",
    "registration_created",
    "registration_approved",
    "registration_cancelled",
    "registration_denied",
)
_OF_RECORDINGS = (
    "stopped",
    "completed",
    "transcript_completed",
    "renamed",
    "recovered",
    "trashed",
    "deleted",
    "batch_trashed",
    "batch_deleted",
    "batch_recovered",
)
_KINDS: Mapping[str, tuple[ResourceKind, ...]] = {
    **{f"meeting.{name}": (_EVENT,) for name in _OF_MEETINGS},
    **{f"webinar.{name}": (_WEBINAR,) for name in _OF_MEETINGS},
    **{f"recording.{name}": (_RECORDING,) for name in _OF_RECORDINGS},
    "meeting.converted_to_webinar": (_EVENT, _WEBINAR),
    "webinar.converted_to_meeting": (_WEBINAR, _EVENT),
    "meeting.summary_completed": (_RECORDING,),
    "meeting.summary_updated": (_RECORDING,),
    "meeting.aic_transcript_completed": (_RECORDING,),
    # Booked through a schedule; the meeting itself is told besides.
    "scheduler.scheduled_event_created": (_EVENT,),
    "scheduler.scheduled_event_canceled": (_EVENT,),
}
_CHANGES: Mapping[str, watch_pb2.ChangeType.ValueType] = {
    "started": watch_pb2.CHANGE_TYPE_STARTED,
    "ended": watch_pb2.CHANGE_TYPE_ENDED,
}


def verify(delivery: Delivery, secret: str, now: datetime) -> None:
    """The raw body was signed with `secret`, within five minutes of `now`.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    sent = delivery.headers.get(TIMESTAMP, "")
    given = delivery.headers.get(SIGNATURE, "")
    if not secret or len(delivery.body) > _MAX_BODY:
        raise refused()
    if not (sent.isascii() and sent.isdigit() and len(sent) < 16):
        raise refused()
    if abs(now.timestamp() - int(sent)) > _TOLERANCE_SECONDS:
        raise refused()
    signed = b"v0:" + sent.encode() + b":" + delivery.body
    wanted = "v0=" + hmac.digest(secret.encode(), signed, "sha256").hex()
    if not same_secret(given, wanted):
        raise refused()


def handshake(delivery: Delivery, secret: str, now: datetime) -> bytes | None:
    """The JSON that answers Zoom's check of the address; None when the delivery is no such check.

    Zoom asks for a signature with the very key of its deliveries. It is given only to a request
    that carries a valid one itself, and only for a token that can be no signed text.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    verify(delivery, secret, now)
    found = _read(delivery)
    if found is None or found.event != _VALIDATION:
        return None
    token = found.payload.plainToken or ""
    if not _PLAIN_TOKEN.fullmatch(token):
        raise refused()
    encrypted = hmac.digest(secret.encode(), token.encode(), "sha256").hex()
    return msgspec.json.encode({"plainToken": token, "encryptedToken": encrypted})


def hints(delivery: Delivery) -> list[Hint]:
    """What a verified delivery says; nothing of what it holds about people goes on.

    `meeting.updated` names only what has changed, so that everything is read anew anyway.
    """
    found = _read(delivery)
    if found is None:
        return []
    kinds = _KINDS.get(found.event, ())
    own_id = _object_id(found, kinds)
    change = _CHANGES.get(found.event.partition(".")[2], watch_pb2.CHANGE_TYPE_UNSPECIFIED)
    account = account_id(found.payload.account_id)
    return [
        Hint(kind, "", _delivery_id(found, kind), own_id, change, account=account) for kind in kinds
    ]


def account_id(told: str | None) -> str:
    """An id of an account as deliveries and users have it, or ""."""
    return told if told and _ACCOUNT_ID.fullmatch(told) else ""


def _read(delivery: Delivery) -> Delivered | None:
    try:
        return msgspec.json.decode(delivery.body, type=Delivered)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _object_id(found: Delivered, kinds: tuple[ResourceKind, ...]) -> str:
    """Meetings by their number, recordings by the UUID of the instance."""
    if _RECORDING in kinds:
        uuid = found.payload.object.uuid
        return uuid if isinstance(uuid, str) and _UUID.fullmatch(uuid) else ""
    about = found.payload.object
    place = about.scheduled_event.external_location if about.scheduled_event else None
    number = str((place.meeting_id if place else about.id) or "")
    return number if _OBJECT_ID.fullmatch(number) else ""


def _delivery_id(found: Delivered, kind: ResourceKind) -> str:
    """Equal for a delivery that comes again: Zoom numbers none."""
    about = found.payload.object
    occurrences = [str(each.occurrence_id) for each in about.occurrences or ()]
    booked = about.scheduled_event.event_id if about.scheduled_event else None
    parts = (found.event, found.event_ts, about.id, about.uuid, booked, kind, *occurrences)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
