"""What Dialpad sends to an event subscription, and what a delivery hints at. Pure.

With a secret the body of a delivery is a JWT signed with HS256 (RFC 7515), and not JSON; a
subscription without one is never made. The only time in it is that of the event. There are no
deliveries for meetings being planned or recorded: what comes is about calls
(developers.dialpad.com/docs/call-events-logging).
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
# After these the history may hold a recording or a transcript that it did not hold before.
STATES = ("hangup", "recording", "call_transcription")


def verify(delivery: Delivery, secret: str, _now: datetime) -> None:
    """The body is a JWT that was signed with `secret`, with HS256 and nothing else.

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
    parts = delivery.body.strip().split(b".")
    try:
        found = msgspec.json.decode(_decoded(parts[1]), type=Delivered)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, IndexError, RecursionError):
        return []
    if found.state not in STATES:
        return []
    own = f"{text(found.call_id)[:32]}/{found.state}/{text(found.event_timestamp)[:32]}"
    return [Hint(types_pb2.RESOURCE_KIND_RECORDING, delivery_id=own)]
