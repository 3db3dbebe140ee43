"""What Graph sends: handshakes, notifications of changes, of the life of subscriptions. Pure.

learn.microsoft.com/graph/change-notifications-delivery-webhooks and ...-lifecycle-events. Nothing
is told of what changed but whose it is: changes are asked for by delta.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from providers.microsoft.wire_webhook import Notification

MAX_BODY = 1_048_576
MAX_CLIENT_STATE = 128
_MAX_TOKEN = 4_096

MISSED = "missed"
REMOVED = "subscriptionRemoved"
REAUTHORIZE = "reauthorizationRequired"


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that happened to one subscription.

    Attributes:
        subscription_id: whose.
        lifecycle: "" for a change; "missed": ask by delta; "subscriptionRemoved": subscribe anew,
            then ask by delta; "reauthorizationRequired": renew the subscription (P14).
    """

    subscription_id: str
    lifecycle: str = ""


def validation_token(query: Mapping[str, str]) -> str:
    """What a handshake wants back: 200, text/plain, this text, within ten seconds; "" for none.

    Args:
        query: parameters of the URL, decoded.
    """
    token = query.get("validationToken", "")
    return token if len(token) <= _MAX_TOKEN and token.isprintable() else ""


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> bool:
    """Whether every item of a notification carries the clientState of its subscription (P15).

    Graph signs nothing: the secret that was given to it comes back in each item. Times play no
    part, as notifications have none.

    Args:
        secret: clientState of the subscription; empty never fits.
    """
    del headers, now
    found = _read(body)
    if not secret or found is None or not found.value:
        return False
    wanted = secret.encode()
    # All are compared, so that time does not tell which one is wrong.
    fits = [hmac.compare_digest((each.clientState or "").encode(), wanted) for each in found.value]
    return all(fits)


def hints(body: bytes) -> list[Hint]:
    """What a notification tells, each once; nothing for what is none."""
    found = _read(body)
    if found is None:
        return []
    told = (
        Hint(each.subscriptionId, each.lifecycleEvent or "")
        for each in found.value
        if each.subscriptionId and (each.changeType or each.lifecycleEvent)
    )
    return list(dict.fromkeys(told))


def _read(body: bytes) -> Notification | None:
    if len(body) > MAX_BODY:
        return None
    try:
        return msgspec.json.decode(body, type=Notification)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
