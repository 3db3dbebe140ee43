"""What Cal.com sends to a webhook: whether it is Cal.com's, and what it hints at.

cal.com/docs/developing/guides/automation/webhooks. The signature is an HMAC of the raw body; there
is no time in it, so that a delivery can be played again: it is only a hint to ask. Without a secret
the header holds the words `no-secret-provided`. Names in a payload differ from those of the API,
and of MEETING_STARTED and MEETING_ENDED there is no payload: the booking lies flat in the body.
Those two are told by a timer at the planned times, whoever has come.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from providers.core.push import Delivery, Hint, refused, same_secret
from ucal.v1 import types_pb2, watch_pb2

HEADER = "x-cal-signature-256"
_EVENT = types_pb2.RESOURCE_KIND_EVENT
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
_TOLD = watch_pb2.CHANGE_TYPE_UNSPECIFIED
_MAX_ID = 200

# Trigger: kind of object, and what only the delivery tells.
TRIGGERS: Mapping[str, tuple[types_pb2.ResourceKind.ValueType, watch_pb2.ChangeType.ValueType]] = {
    "BOOKING_CREATED": (_EVENT, _TOLD),
    "BOOKING_REQUESTED": (_EVENT, _TOLD),
    "BOOKING_RESCHEDULED": (_EVENT, _TOLD),
    "BOOKING_CANCELLED": (_EVENT, _TOLD),
    "BOOKING_REJECTED": (_EVENT, _TOLD),
    "BOOKING_PAYMENT_INITIATED": (_EVENT, _TOLD),
    "BOOKING_PAID": (_EVENT, _TOLD),
    "BOOKING_NO_SHOW_UPDATED": (_EVENT, _TOLD),
    "MEETING_STARTED": (_EVENT, watch_pb2.CHANGE_TYPE_STARTED),
    "MEETING_ENDED": (_EVENT, watch_pb2.CHANGE_TYPE_ENDED),
    "RECORDING_READY": (_RECORDING, _TOLD),
    "RECORDING_TRANSCRIPTION_GENERATED": (_RECORDING, _TOLD),
}


def verify(delivery: Delivery, secret: str) -> None:
    """Make sure that whoever knows `secret` sent exactly this body.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    if not secret:
        raise refused()
    wanted = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
    if not same_secret(delivery.headers.get(HEADER, "").strip().lower(), wanted):
        raise refused()


def hints(body: bytes) -> list[Hint]:
    """What a verified body says; [] for forms, and for what is not known."""
    found = _mapping(body)
    trigger = found.get("triggerEvent")
    if not isinstance(trigger, str) or trigger not in TRIGGERS:
        return []
    kind, change = TRIGGERS[trigger]
    payload = found.get("payload")
    inside = payload if isinstance(payload, dict) else found
    uid = _id(inside.get("uid")) or _id(inside.get("bookingUid"))
    made = found.get("createdAt")
    text = f"{uid}\n{trigger}\n{made if isinstance(made, str) else ''}"
    return [
        Hint(
            kind,
            delivery_id=hashlib.sha256(text.encode()).hexdigest()[:32],
            object_id=uid,
            change=change,
        )
    ]


def _mapping(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _id(value: object) -> str:
    """An id that may travel on: short, and of signs that ids are made of."""
    if isinstance(value, str) and len(value) <= _MAX_ID and value.isascii():
        return value if value.replace("-", "").replace("_", "").isalnum() else ""
    return ""
