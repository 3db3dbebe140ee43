"""What Fireflies sends when a meeting is ready: signature, and what a delivery hints at. Pure.

docs.fireflies.ai, webhooks V2 and V1. `X-Hub-Signature: sha256=<hex>`, HMAC-SHA256 of the body.
There is no time in the signature, so a delivery can be repeated by who saw it: nothing of it is
believed but that it is worth asking, and `Hint.delivery_id` tells repetitions. Webhooks are set up
in the dashboard only; no API makes them.
"""

import hmac
import re

import msgspec

from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, refused, same_secret
from ucal.v1 import types_pb2

HEADER = "x-hub-signature"
_PREFIX = "sha256="
_MAX_BODY = 64 * 1024
_IS_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

_EVENT = types_pb2.RESOURCE_KIND_EVENT
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
# Event of V2: kinds that it speaks of.
_KINDS: dict[str, tuple[ResourceKind, ...]] = {
    "meeting.transcribed": (_EVENT, _RECORDING),
    "meeting.summarized": (_RECORDING,),
    "meeting.bot_joined": (_EVENT,),
}
_V1_EVENT = "Transcription completed"


class _Body(msgspec.Struct, gc=False):
    """V2: `event`, `meeting_id`, `timestamp` (epoch ms). V1: `eventType`, `meetingId`."""

    event: str = ""
    meeting_id: str = ""
    timestamp: int | float | None = None
    event_type: str = msgspec.field(default="", name="eventType")
    meeting_id_v1: str = msgspec.field(default="", name="meetingId")


def verify(delivery: Delivery, secret: str) -> None:
    """The body was signed with `secret`.

    Some pages show V1 without "sha256=": so it is taken for bodies of V1 only.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    if not secret or len(delivery.body) > _MAX_BODY:
        raise refused()
    given = next((v for name, v in delivery.headers.items() if name.lower() == HEADER), "")
    wanted = hmac.digest(secret.encode(), delivery.body, "sha256").hex()
    if not same_secret(given.removeprefix(_PREFIX), wanted):
        raise refused()
    if not given.startswith(_PREFIX) and not _is_v1(delivery.body):
        raise refused()


def _is_v1(body: bytes) -> bool:
    found = _read(body)
    return found is not None and not found.event and found.event_type == _V1_EVENT


def _read(body: bytes) -> _Body | None:
    try:
        return msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def hints(delivery: Delivery) -> list[Hint]:
    """What a verified delivery says; [] for events that are not known."""
    body = _read(delivery.body)
    if body is None:
        return []
    if body.event:
        event, own_id, kinds = body.event, body.meeting_id, _KINDS.get(body.event, ())
    else:
        event, own_id = body.event_type, body.meeting_id_v1
        kinds = _KINDS["meeting.transcribed"] if event == _V1_EVENT else ()
    if not _IS_ID.fullmatch(own_id):
        return []
    # Without a time, two deliveries of V1 cannot be told from one that is repeated.
    delivery_id = f"{event}:{own_id}:{body.timestamp:.0f}" if body.timestamp is not None else ""
    return [Hint(kind, delivery_id=delivery_id, object_id=own_id) for kind in kinds]
