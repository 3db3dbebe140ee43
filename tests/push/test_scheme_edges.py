"""R12: each vendor's scheme at its edges: what is just taken, and what is just not.

`tests/push/test_forgery.py` alters what a double has sent; here deliveries are made by hand, as the
vendors' pages say, so that a boundary can be met exactly.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.acuity import webhook as acuity
from providers.calcom import webhook as calcom
from providers.calendly import webhook as calendly
from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery
from providers.dialpad import webhook as dialpad
from providers.fathom import webhook as fathom
from providers.fireflies import webhook as fireflies
from providers.google import webhook as google
from providers.goto import webhook as goto
from providers.microsoft import webhook as microsoft
from providers.zoom import webhook as zoom

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"a key of the vendor's, 32 bytes.").decode()
KIB, MIB = 1024, 1024 * 1024


def digest(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def in_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _acuity(body: bytes, sent: str, secret: str) -> Delivery:
    return Delivery({"x-acuity-signature": in_base64(digest(secret.encode(), body))}, body)


def _acuity_app(body: bytes, sent: str, secret: str) -> Delivery:
    return Delivery({}, body, {"token": secret})


def _calcom(body: bytes, sent: str, secret: str) -> Delivery:
    return Delivery({"x-cal-signature-256": digest(secret.encode(), body).hex()}, body)


def _calendly(body: bytes, sent: str, secret: str) -> Delivery:
    mark = digest(secret.encode(), sent.encode() + b"." + body).hex()
    return Delivery({"calendly-webhook-signature": f"t={sent},v1={mark}"}, body)


def _unpadded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _dialpad(body: bytes, sent: str, secret: str) -> Delivery:
    """A JWT of an event at `sent`; what `body` is longer than it is blank at its end."""
    told = json.dumps({"event_timestamp": sent, "state": "hangup"}).encode()
    signed = _unpadded(b'{"alg":"HS256"}') + b"." + _unpadded(told)
    jwt = signed + b"." + _unpadded(digest(secret.encode(), signed))
    return Delivery({}, jwt.ljust(len(body)))


def _fathom(body: bytes, sent: str, secret: str) -> Delivery:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mark = in_base64(digest(key, b"d1." + sent.encode("utf-8", "replace") + b"." + body))
    headers = {"webhook-id": "d1", "webhook-timestamp": sent, "webhook-signature": f"v1,{mark}"}
    return Delivery(headers, body)


def _fireflies(body: bytes, sent: str, secret: str) -> Delivery:
    return Delivery({"x-hub-signature": "sha256=" + digest(secret.encode(), body).hex()}, body)


def _google(body: bytes, sent: str, secret: str) -> Delivery:
    return Delivery({"x-goog-channel-token": secret}, body)


def _goto(body: bytes, sent: str, secret: str) -> Delivery:
    mark = in_base64(digest(secret.encode(), sent.encode() + b":" + body))
    return Delivery({goto.TIMESTAMP: sent, goto.SIGNATURE: mark}, body)


def _microsoft(body: bytes, sent: str, secret: str) -> Delivery:
    found = {"value": [{"changeType": "created", "clientState": microsoft.client_state(secret)}]}
    query = {"topic": "t", "mark": microsoft.mark(secret, "t")}
    return Delivery({}, json.dumps(found).encode().ljust(len(body)), query)


def _zoom(body: bytes, sent: str, secret: str) -> Delivery:
    mark = digest(secret.encode(), b"v0:" + sent.encode() + b":" + body).hex()
    return Delivery({zoom.TIMESTAMP: sent, zoom.SIGNATURE: f"v0={mark}"}, body)


@dataclass(frozen=True)
class Scheme:
    """How a vendor's deliveries are made and verified.

    Attributes:
        largest: bytes of a body that is still taken; 0: the ingress's own bound is the only one.
        late: seconds for which a delivery is good; 0: there is no time in it.
        ahead: seconds that it may come from the future.
        unit: a second, in what the vendor counts.
    """

    name: str
    make: Callable[[bytes, str, str], Delivery]
    verify: Callable[[Delivery, str, datetime], object]
    largest: int = 0
    late: int = 0
    ahead: int = 0
    unit: int = 1

    def sent(self, ago: float = 0) -> str:
        return str(int((NOW.timestamp() - ago) * self.unit))


SCHEMES = [
    Scheme("acuity", _acuity,
           lambda d, secret, _: acuity.verify_signature(d.headers, d.body, secret), 64 * KIB),
    Scheme("acuity_app", _acuity_app,
           lambda d, secret, _: acuity.verify_token(d, secret), 64 * KIB),
    Scheme("calcom", _calcom, lambda d, secret, _: calcom.verify(d, secret)),
    Scheme("calendly", _calendly, calendly.verify, MIB, 180, 180),
    Scheme("dialpad", _dialpad, dialpad.verify, MIB, 3600, 300, 1000),
    Scheme("fathom", _fathom, fathom.verify, 4 * MIB, 300, 300),
    Scheme("fireflies", _fireflies, lambda d, secret, _: fireflies.verify(d, secret), 64 * KIB),
    Scheme("google", _google, lambda d, secret, _: google.verify_channel(d, secret)),
    Scheme("goto", _goto, goto.verify, MIB, 300, 300, 1000),
    Scheme("microsoft", _microsoft, lambda d, secret, _: microsoft.verify(d, secret), MIB),
    Scheme("zoom", _zoom, zoom.verify, MIB, 300, 300),
]  # fmt: skip
EACH = pytest.mark.parametrize("scheme", SCHEMES, ids=lambda each: each.name)
SIZED = pytest.mark.parametrize(
    "scheme", [each for each in SCHEMES if each.largest], ids=lambda each: each.name
)
TIMED = pytest.mark.parametrize(
    "scheme", [each for each in SCHEMES if each.late], ids=lambda each: each.name
)


def refused(scheme: Scheme, delivery: Delivery, secret: str = SECRET, now: datetime = NOW) -> None:
    with pytest.raises(ProviderError) as caught:
        scheme.verify(delivery, secret, now)
    assert (caught.value.kind, caught.value.reason) == (Kind.UNAUTHENTICATED, "DELIVERY_REFUSED")


@EACH
def test_what_is_signed_with_the_secret_is_taken_and_with_none_it_is_not(scheme: Scheme) -> None:
    genuine = scheme.make(b"{}", scheme.sent(), SECRET)
    scheme.verify(genuine, SECRET, NOW)
    refused(scheme, genuine, secret=f"{SECRET[:-4]}QQ==")
    refused(scheme, genuine, secret="")
    # Who has no secret set must not be open to whoever signs with none.
    refused(scheme, scheme.make(b"{}", scheme.sent(), ""), secret="")


@EACH
def test_whatever_vouches_has_to_be_there(scheme: Scheme) -> None:
    genuine = scheme.make(b"{}", scheme.sent(), SECRET)
    for name in genuine.headers:
        left = {key: value for key, value in genuine.headers.items() if key != name}
        refused(scheme, replace(genuine, headers=left))
        for junk in ("", "XXXX", ",", "=", "\udcff", "v1,\udcff"):
            refused(scheme, replace(genuine, headers={**genuine.headers, name: junk}))
    for name in genuine.query:
        without: Mapping[str, str] = {
            key: value for key, value in genuine.query.items() if key != name
        }
        refused(scheme, replace(genuine, query=without))
        refused(scheme, replace(genuine, query={**genuine.query, name: ""}))


@SIZED
def test_the_largest_body_is_taken_and_no_larger_one(scheme: Scheme) -> None:
    largest = scheme.make(b" " * scheme.largest, scheme.sent(), SECRET)
    assert len(largest.body) == scheme.largest
    scheme.verify(largest, SECRET, NOW)
    refused(scheme, scheme.make(b" " * (scheme.largest + 1), scheme.sent(), SECRET))


@TIMED
def test_a_delivery_is_good_for_its_time_to_the_second(scheme: Scheme) -> None:
    """R11: and clocks may differ."""
    for ago in (scheme.late, -scheme.ahead):
        scheme.verify(scheme.make(b"{}", scheme.sent(ago), SECRET), SECRET, NOW)
    for ago in (scheme.late + 1, -scheme.ahead - 1):
        refused(scheme, scheme.make(b"{}", scheme.sent(ago), SECRET))


@TIMED
def test_a_time_has_fifteen_digits_at_most(scheme: Scheme) -> None:
    """An int of foreign length is not made: digits cost more than they say."""
    scheme.verify(scheme.make(b"{}", scheme.sent().zfill(15), SECRET), SECRET, NOW)
    if scheme.name == "dialpad":  # one without a time is taken by its signature alone
        refused(scheme, scheme.make(b"{}", scheme.sent(scheme.late + 60).zfill(15), SECRET))
        return
    for sent in (scheme.sent().zfill(16), "soon", "", "²", "٣", "-1", "1.0", " 1", "1_0"):
        refused(scheme, scheme.make(b"{}", sent, SECRET))


@pytest.mark.parametrize(
    ("scheme", "first", "right"),
    [(calendly, "t={sent}", "v1={mark}"), (fathom, "", "v1,{mark}")],
    ids=["calendly", "fathom"],
)
def test_ten_signatures_are_looked_at_and_no_more(scheme: Any, first: str, right: str) -> None:
    """While a key is changed there are several; whoever sends thousands is not served."""
    genuine = (_calendly if scheme is calendly else _fathom)(
        b"{}", str(int(NOW.timestamp())), SECRET
    )
    name = "calendly-webhook-signature" if scheme is calendly else "webhook-signature"
    mark = genuine.headers[name].rpartition("v1")[2][1:]
    joint = "," if scheme is calendly else " "
    begins = [first.format(sent=int(NOW.timestamp()))] if first else []
    for others, taken in [(9, True), (10, False)]:
        wrong = [right.format(mark="0" * len(mark))] * others
        header = joint.join([*begins, *wrong, right.format(mark=mark)])
        delivery = replace(genuine, headers={**genuine.headers, name: header})
        if taken:
            scheme.verify(delivery, SECRET, NOW)
        else:
            with pytest.raises(ProviderError):
                scheme.verify(delivery, SECRET, NOW)


def test_base64_with_signs_that_are_none_is_not_read_as_if_without_them() -> None:
    jwt = _dialpad(b"", SCHEMES[4].sent(), SECRET)
    dialpad.verify(jwt, SECRET, NOW)
    refused(SCHEMES[4], replace(jwt, body=jwt.body + b"!!!!"))
    signed = _fathom(b"{}", str(int(NOW.timestamp())), SECRET)
    refused(SCHEMES[5], signed, secret=f"{SECRET}!")


def test_graph_is_answered_for_a_thousand_items_that_all_have_the_state() -> None:
    state = {"clientState": microsoft.client_state(SECRET), "changeType": "created"}

    def sent(*items: Mapping[str, str], **query: str) -> Delivery:
        address = {"topic": "t", "mark": microsoft.mark(SECRET, "t")} | query
        return Delivery({}, json.dumps({"value": items}).encode(), address)

    microsoft.verify(sent(*[state] * 1000), SECRET)
    scheme = SCHEMES[9]
    refused(scheme, sent(*[state] * 1001))
    refused(scheme, sent())
    refused(scheme, sent(state, {**state, "clientState": "other"}))
    refused(scheme, sent(state, {"changeType": "created"}))
    refused(scheme, sent(state, topic="u"))
    for length, answered in [(4096, True), (4097, False)]:
        token = "x" * length
        found = sent(state, validationToken=token)
        if answered:
            assert microsoft.handshake(found, SECRET) == token.encode()
        else:
            with pytest.raises(ProviderError):
                microsoft.handshake(found, SECRET)
