"""What Dialpad sends to an event subscription, and what a delivery hints at. Pure.

With a secret the body of a delivery is a JWT signed with HS256 (RFC 7515), and not JSON; a
subscription without one is never made. The only time in it is that of the event; a delivery that
failed comes again after 2, 4 and 8 seconds. There are no deliveries for meetings being planned or
changed: what comes is about calls (developers.dialpad.com/docs/call-events).
"""

import base64
import binascii
import hmac
from datetime import datetime

import msgspec

from providers.core.push import Delivery, Hint, refused
from providers.dialpad.api import text
from providers.dialpad.wire import Delivered, JwtHeader
from ucal.v1 import types_pb2

_MAX_BODY = 1024 * 1024
# As long as deliveries are remembered that must not come twice.
_TOLERANCE_SECONDS = 3600
_AHEAD_SECONDS = 300
# After these the history may hold a recording or a transcript that it did not hold before.
STATES = ("hangup", "recording", "admin_recording", "call_transcription")


def verify(delivery: Delivery, secret: str, now: datetime) -> None:
    """The body is a JWT that was signed with `secret`, with HS256 and nothing else, of an event
    that happened within an hour.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    parts = delivery.body.strip().split(b".")
    if not secret or len(delivery.body) > _MAX_BODY or len(parts) != 3:
        raise refused()
    try:
        header = msgspec.json.decode(_decoded(parts[0]), type=JwtHeader)
        given = _decoded(parts[2])
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        raise refused() from None
    wanted = hmac.digest(secret.encode(), parts[0] + b"." + parts[1], "sha256")
    if not hmac.compare_digest(wanted, given) or header.alg != "HS256":
        raise refused()
    happened = _happened(_read(delivery))
    if happened is not None and not (
        -_AHEAD_SECONDS <= now.timestamp() - happened <= _TOLERANCE_SECONDS
    ):
        raise refused()


def _happened(found: Delivered | None) -> float | None:
    """When, in Unix time; None when it is not told."""
    stamp = text(found.event_timestamp) if found is not None else ""
    return int(stamp) / 1000 if stamp.isascii() and stamp.isdigit() and len(stamp) < 16 else None


def _decoded(part: bytes) -> bytes:
    """Base64 for URLs, without padding.

    Raises:
        ValueError: it is none.
    """
    try:
        padded = part + b"=" * (-len(part) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError from error


def hints(delivery: Delivery) -> list[Hint]:
    """What a verified delivery says: that the history is worth a look. One that comes twice is
    told by its call, state and time: Dialpad gives deliveries no id.
    """
    found = _read(delivery)
    if found is None or found.state not in STATES:
        return []
    own = f"{text(found.call_id)[:32]}/{found.state}/{text(found.event_timestamp)[:32]}"
    return [Hint(types_pb2.RESOURCE_KIND_RECORDING, delivery_id=own)]


def _read(delivery: Delivery) -> Delivered | None:
    parts = delivery.body.strip().split(b".")
    try:
        return msgspec.json.decode(_decoded(parts[1]), type=Delivered)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, IndexError, RecursionError):
        return None
