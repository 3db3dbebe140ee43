"""What Acuity sends to a webhook: its signature, and what a delivery hints at. Pure.

developers.acuityscheduling.com/docs/webhooks: a form, `action=scheduled&id=54321&calendarID=…`,
signed by `X-Acuity-Signature`, base64 of HMAC-SHA256 of the body with the API key of whoever
subscribed. There is no time in it, so a delivery can be repeated by who saw it; as nothing of it is
believed but that it is worth asking, that does no harm. Subscriptions made over the API were
reported (2026) to send "appointment.scheduled" where the pages say "scheduled".
"""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from providers.core.push import Delivery, Hint, refused, same_secret
from ucal.v1 import types_pb2

HEADER = "x-acuity-signature"
# Parameters of the address by which a delivery tells its subscription, and that it is meant.
PARAMETER = "subscription"
SECRET = "token"
_MAX_BODY = 64 * 1024
_MAX_FIELDS = 50
_ACTIONS = frozenset({"scheduled", "rescheduled", "canceled", "changed"})


def verify_signature(headers: Mapping[str, str], body: bytes, api_key: str) -> None:
    """The body was signed with `api_key`.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    wanted = base64.b64encode(hmac.digest(api_key.encode(), body, "sha256")).decode()
    if not api_key or len(body) > _MAX_BODY or not same_secret(headers.get(HEADER, ""), wanted):
        raise refused()


def verify_token(delivery: Delivery, secret: str) -> None:
    """The address is the one that was given to Acuity: for apps, who do not know the API key.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    token = delivery.query.get(SECRET, "")
    if len(delivery.body) > _MAX_BODY or not same_secret(token, secret):
        raise refused()


def hints(delivery: Delivery) -> list[Hint]:
    """What a delivery says. One change comes as two: its own action, and "changed"."""
    try:
        pairs = parse_qsl(delivery.body.decode("ascii"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return []
    fields = dict(pairs)
    action = fields.get("action", "").removeprefix("appointment.")
    own_id = fields.get("id", "")
    if action not in _ACTIONS or not (own_id.isdigit() and len(own_id) <= 18):
        return []
    subscription = delivery.query.get(PARAMETER, "")
    return [Hint(types_pb2.RESOURCE_KIND_EVENT, subscription, object_id=own_id)]
