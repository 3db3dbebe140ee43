"""What Calendly sends to a webhook: its signature, and what a delivery hints at. Pure.

developer.calendly.com, "Webhook signatures": `Calendly-Webhook-Signature: t=<seconds>,v1=<hex>`,
where v1 is HMAC-SHA256 of `<t>.<body>` with the signing key. While a key is changed there may be
several v1. Deliveries come at least once, in no order, and again for a day while they fail.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import msgspec

from providers.calendly import ids
from providers.calendly.wire import Delivered
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, refused
from ucal.v1 import types_pb2

HEADER = "calendly-webhook-signature"
# Parameter of the address by which a delivery tells its subscription; Calendly has none.
PARAMETER = "subscription"
_TOLERANCE_SECONDS = 180
_MAX_BODY = 1024 * 1024
_MAX_SIGNATURES = 10

EVENTS: Mapping[ResourceKind, tuple[str, ...]] = {
    types_pb2.RESOURCE_KIND_EVENT: (
        "invitee.created",
        "invitee.canceled",
        "invitee_no_show.created",
        "invitee_no_show.deleted",
    ),
    types_pb2.RESOURCE_KIND_LINK: (
        "event_type.created",
        "event_type.updated",
        "event_type.deleted",
    ),
    types_pb2.RESOURCE_KIND_RECORDING: (
        "meeting_recap.created",
        "meeting_recap.updated",
        "meeting_recap.deleted",
    ),
}
_KINDS: Mapping[str, ResourceKind] = {
    name: kind for kind, names in EVENTS.items() for name in names
}


def verify(delivery: Delivery, secret: str, now: datetime) -> None:
    """The body was signed with `secret`, within the last three minutes.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    sent, signatures = _signature(delivery.headers.get(HEADER, ""))
    if not secret or not signatures or len(delivery.body) > _MAX_BODY:
        raise refused()
    if abs(now.timestamp() - int(sent)) > _TOLERANCE_SECONDS:
        raise refused()
    wanted = hmac.digest(secret.encode(), sent.encode() + b"." + delivery.body, "sha256").hex()
    # All of them are compared, so that time tells nothing.
    if not sum(hmac.compare_digest(wanted.encode(), each.encode()) for each in signatures):
        raise refused()


def _signature(header: str) -> tuple[str, list[str]]:
    """`t` and each `v1` of the header; none when it is malformed."""
    pairs = [part.strip().partition("=") for part in header.split(",")[: _MAX_SIGNATURES + 1]]
    sent = [value for name, _, value in pairs if name == "t"]
    if len(sent) != 1 or not (sent[0].isascii() and sent[0].isdigit() and len(sent[0]) < 16):
        return "", []
    return sent[0], [value for name, _, value in pairs if name == "v1"]


def hints(delivery: Delivery) -> list[Hint]:
    """What a delivery says. A move comes as two, of which each hints at one half."""
    try:
        found = msgspec.json.decode(delivery.body, type=Delivered)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    kind = _KINDS.get(found.event)
    if kind is None:
        return []
    payload = found.payload
    if kind == types_pb2.RESOURCE_KIND_EVENT:
        uri = payload.event if isinstance(payload.event, str) else None
        own_id = ids.tail(uri) or ids.event_of(payload.uri) or ids.event_of(payload.invitee)
    else:
        recap = payload.recap.uri if payload.recap is not None else None
        own_id = ids.tail(recap or payload.uri)
    subscription = delivery.query.get(PARAMETER, "")
    return [Hint(kind, subscription, _delivery_id(delivery), object_id=own_id)]


def _delivery_id(delivery: Delivery) -> str:
    """A digest of what was signed: Calendly numbers none; others may repeat it, not alter it."""
    sent, _ = _signature(delivery.headers.get(HEADER, ""))
    return hashlib.sha256(sent.encode() + b"." + delivery.body).hexdigest()[:32]
