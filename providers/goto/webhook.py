"""What GoTo Webinar sends to a webhook: its signature, and what a delivery hints at. Pure.

The vendor names the header `X-Webhook-Signature` alone. How it is made two public receivers agree
upon (a Drupal module, an Express server; 2026-11), and no text of the vendor's confirms it: base64
of HMAC-SHA256 of `<timestamp>:<body>` with the value of the app's secret key, the timestamp being
that of `X-Webhook-Signature-Timestamp`, in milliseconds. Meetings have no webhooks.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime

import msgspec

from providers.core.push import Delivery, Hint, refused, same_secret
from providers.goto.api import text
from providers.goto.wire import Delivered
from ucal.v1 import types_pb2

SIGNATURE = "x-webhook-signature"
TIMESTAMP = "x-webhook-signature-timestamp"
_TOLERANCE_SECONDS = 300
_MAX_BODY = 1024 * 1024
_WEBINAR = types_pb2.RESOURCE_KIND_WEBINAR
# What was changed is read from GoTo; a delivery only says that it is worth asking.
EVENTS: Mapping[str, str] = {
    "webinar.created": "1.0.0",
    "webinar.changed": "1.0.0",
    "registrant.added": "1.0.0",
    "registrant.joined": "1.0.0",
}


def verify(delivery: Delivery, secret: str, now: datetime) -> None:
    """The body was signed with `secret`, within the last five minutes.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    sent = delivery.headers.get(TIMESTAMP, "")
    if not secret or len(delivery.body) > _MAX_BODY:
        raise refused()
    if not (sent.isascii() and sent.isdigit() and len(sent) < 16):
        raise refused()
    if abs(now.timestamp() - int(sent) / 1000) > _TOLERANCE_SECONDS:
        raise refused()
    made = hmac.digest(secret.encode(), sent.encode() + b":" + delivery.body, "sha256")
    if not same_secret(delivery.headers.get(SIGNATURE, ""), base64.b64encode(made).decode()):
        raise refused()


def hints(delivery: Delivery) -> list[Hint]:
    """What a verified delivery says; registrants are a webinar's. One that comes twice has one
    eventKey.
    """
    try:
        found = msgspec.json.decode(delivery.body, type=Delivered)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    if found.eventName not in EVENTS or found.product != "g2w":
        return []
    return [
        Hint(
            _WEBINAR,
            delivery_id=text(found.eventKey)[:128],
            object_id=text(found.webinarKey)[:32],
        )
    ]
