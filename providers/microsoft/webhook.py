"""What Graph sends: handshakes, notifications of changes, of the life of subscriptions. Pure.

learn.microsoft.com/graph/change-notifications-delivery-webhooks and ...-lifecycle-events. Graph
signs nothing. Two secrets come back to us: the mark, in the address that a subscription was made
with, which is looked at before anything is read or answered; and the clientState, in every item.
Nothing is told of what changed but whose it is: changes are asked for by delta.
"""

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, refused, same_secret
from providers.microsoft.wire_webhook import Item, Notification

MAX_BODY = 1_048_576
MAX_ITEMS = 1_000
TOPIC = "topic"
MARK = "mark"
VALIDATION = "validationToken"
_MAX_TOKEN = 4_096

MISSED = "missed"
REMOVED = "subscriptionRemoved"
REAUTHORIZE = "reauthorizationRequired"


def mark(secret: str, own_id: str) -> str:
    """What the address of a topic ends with. Whoever reads it cannot tell the clientState."""
    return _derived(secret, f"mark {own_id}")


def client_state(secret: str) -> str:
    """What each item carries: 64 characters, where Graph takes 128."""
    return _derived(secret, "clientState")


def _derived(secret: str, purpose: str) -> str:
    return hmac.digest(secret.encode(), f"graph {purpose}".encode(), "sha256").hex()


def begin_of(address: str, own_id: str) -> str:
    """What the addresses of a topic begin with, whatever the secret is."""
    join = "&" if "?" in address else "?"
    return f"{address}{join}{urlencode({TOPIC: own_id})}&"


def address_of(address: str, own_id: str, secret: str) -> str:
    """Where Graph delivers what it has to say of a topic."""
    return f"{begin_of(address, own_id)}{urlencode({MARK: mark(secret, own_id)})}"


def handshake(delivery: Delivery, secret: str) -> bytes | None:
    """What a check of the address wants back, within ten seconds: 200, text/plain, its own words.

    Only who knows the mark gets an answer, so that nobody else can have this server say anything.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    token = delivery.query.get(VALIDATION)
    if token is None:
        return None
    _check_mark(delivery, secret)
    if not token or len(token) > _MAX_TOKEN or not token.isprintable():
        raise refused()
    return token.encode()


def verify(delivery: Delivery, secret: str) -> None:
    """The address has its mark, and every item the clientState of its subscription (P15).

    Times play no part, as notifications have none.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    if len(delivery.body) > MAX_BODY:
        raise refused()
    _check_mark(delivery, secret)
    items = _read(delivery.body)
    if not 0 < len(items) <= MAX_ITEMS:
        raise refused()
    wanted = client_state(secret)
    # All are compared, so that time does not tell which one is wrong.
    fits = [same_secret(each.clientState or "", wanted) for each in items]
    if not all(fits):
        raise refused()


def _check_mark(delivery: Delivery, secret: str) -> None:
    wanted = mark(secret, delivery.query.get(TOPIC, ""))
    if not secret or not same_secret(delivery.query.get(MARK, ""), wanted):
        raise refused()


def hints(delivery: Delivery, kind: ResourceKind) -> list[Hint]:
    """What a verified notification tells: one thing of its topic, however many items it has (P14).

    "missed" is answered by asking for changes, as every hint is; a removed subscription and one
    whose authorization ends want to be renewed besides. Other words of lifecycles are hints too.
    """
    items = [each for each in _read(delivery.body) if each.changeType or each.lifecycleEvent]
    if not items:
        return []
    renew = any(each.lifecycleEvent in (REMOVED, REAUTHORIZE) for each in items)
    return [Hint(kind, delivery.query.get(TOPIC, ""), _delivery_id(items), renew=renew)]


def _delivery_id(items: Sequence[Item]) -> str:
    """Equal for a delivery that comes again; Graph repeats for four hours what was not taken."""
    about: list[object] = []
    for each in items:
        etag = each.resourceData.etag if each.resourceData else None
        if each.changeType == "updated" and not (etag or each.id):
            return ""  # another update of the same object would look the same
        about.append(
            (
                each.id,
                each.subscriptionId,
                each.changeType,
                each.lifecycleEvent,
                each.lifecycleEvent and each.subscriptionExpirationDateTime,
                each.resource,
                etag,
            )
        )
    return hashlib.sha256(repr(about).encode("utf-8", "replace")).hexdigest()[:32]


def _read(body: bytes) -> list[Item]:
    try:
        return msgspec.json.decode(body, type=Notification).value
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
