"""What Fathom sends when a meeting is ready: Standard Webhooks (standardwebhooks.com). Pure.

Headers `webhook-id`, `webhook-timestamp` (Unix seconds) and `webhook-signature`, one or more
`v1,<base64>` with spaces between; HMAC-SHA256 of `<id>.<timestamp>.<body>` under the key behind
`whsec_`. The body is the meeting itself: there is one event, and it has no name.
"""

import base64
import binascii
import hmac
from datetime import datetime

import msgspec

from providers.core.errors import ProviderError
from providers.core.push import Delivery, Hint, refused
from providers.fathom.mapping import id_of
from providers.fathom.wire import Meeting
from ucal.v1 import types_pb2

_TOLERANCE_SECONDS = 300
_MAX_BODY = 4 * 1024 * 1024
_MAX_SIGNATURES = 10
PREFIX = "whsec_"


def verify(delivery: Delivery, secret: str, now: datetime) -> None:
    """The body was signed with `secret` within five minutes.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    own_id = delivery.headers.get("webhook-id", "")
    sent = delivery.headers.get("webhook-timestamp", "")
    given = delivery.headers.get("webhook-signature", "").split()[:_MAX_SIGNATURES]
    if not own_id or not (sent.isascii() and sent.isdigit() and len(sent) < 16):
        raise refused()
    if len(delivery.body) > _MAX_BODY or abs(now.timestamp() - int(sent)) > _TOLERANCE_SECONDS:
        raise refused()
    signed = f"{own_id}.{sent}.".encode("utf-8", "surrogatepass") + delivery.body
    wanted = base64.b64encode(hmac.digest(_key(secret), signed, "sha256"))
    pairs = [each.partition(",") for each in given]
    # All of them are compared, so that time tells nothing.
    matching = [
        hmac.compare_digest(wanted, text.encode("utf-8", "surrogatepass"))
        for name, _, text in pairs
        if name == "v1"
    ]
    if not any(matching):
        raise refused()


def _key(secret: str) -> bytes:
    """The key behind `whsec_`.

    Raises:
        ProviderError: UNAUTHENTICATED: without a key nothing is believed.
    """
    if not secret.startswith(PREFIX):
        raise refused()
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise refused() from None
    if not key:
        raise refused()
    return key


def hints(delivery: Delivery) -> list[Hint]:
    """A meeting is ready: as Event and as Recording."""
    try:
        meeting = msgspec.json.decode(delivery.body, type=Meeting)
        own_id = str(id_of(meeting))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ProviderError):
        return []
    if not meeting.recording_id:
        return []
    delivery_id = delivery.headers.get("webhook-id", "")
    return [
        Hint(kind, delivery_id=delivery_id, object_id=own_id)
        for kind in (types_pb2.RESOURCE_KIND_EVENT, types_pb2.RESOURCE_KIND_RECORDING)
    ]
