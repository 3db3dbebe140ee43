"""Native push: how a provider that can tell of changes is asked to, and how its word is checked.

A provider offers an object of `Push` as its attribute `push`. The watch engine makes a subscription
when the first watch of a topic opens, renews it from `renew_at` on, ends it when nobody watches; it
falls back to polling when `create` raises. The ingress calls `verify` with every delivery before
anything of it is parsed, then `hints`. A hint says that it is worth asking for changes now, and
holds nothing personal: it may travel over the bus. What changed is always read from the provider.

Nothing here does I/O on its own, and nothing here is a vendor's.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from ucal.v1 import watch_pb2

_TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Topic:
    """What a subscription is about.

    Attributes:
        kind: kind of object; one of `Push.kinds`.
        calendar_id: "" for the primary calendar, or for kinds that hang on no calendar.
    """

    kind: ResourceKind
    calendar_id: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A registration at the provider. Holds nothing personal but its topic.

    Attributes:
        id: comes back in deliveries, see `Hint.subscription_id`.
        topic: what it is about.
        handle: what the provider wants to see when it is renewed or ended; opaque.
        expires_at: aware; None: it does not end by itself.
        renew_at: when to renew it, early enough for several attempts.
        secret: what its deliveries are signed with, where the provider makes that itself and shows
            it once (`MakesSecrets`). Kept sealed; "": the connection's own.
    """

    id: str
    topic: Topic
    handle: str = ""
    expires_at: datetime | None = None
    renew_at: datetime | None = None
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request of the provider's to the ingress.

    Attributes:
        headers: names in lower case.
        query: of the URL.
        method: POST, or GET where a provider probes the address that way (`Greets`).
    """

    headers: Mapping[str, str]
    body: bytes = b""
    query: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hint:
    """Something may have changed.

    Attributes:
        kind: of what.
        subscription_id: which subscription told; "" when the delivery does not say.
        delivery_id: equal for one delivery that comes twice; "" when the provider has none.
        object_id: the object, where the provider names it and its id is not personal.
        change: STARTED or ENDED, which only the delivery tells; else UNSPECIFIED.
        renew: the subscription is paused, gone or about to end: call `Push.renew` now (P14).
        account: the provider's own id of the account that it is about, where a delivery to an app
            tells (`NamesAccounts`); never a person's. It is compared by its digest alone.
    """

    kind: ResourceKind
    subscription_id: str = ""
    delivery_id: str = ""
    object_id: str = ""
    change: watch_pb2.ChangeType.ValueType = watch_pb2.CHANGE_TYPE_UNSPECIFIED
    renew: bool = False
    account: str = ""


class Push(Protocol):
    """What a provider with native push offers.

    Attributes:
        kinds: kinds of objects that it can tell of.
    """

    kinds: frozenset[ResourceKind]

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Have changes of `topic` told to `address`.

        Args:
            address: URL of the ingress, https.
            secret: the connection's own, known to `verify`; at most 200 printable characters.

        Raises:
            ProviderError: PRECONDITION when the provider does not push this: poll. NOT_FOUND when
                the topic is not there.
        """

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """A subscription that lasts longer, in place of `subscription`; the two may overlap.

        Raises:
            ProviderError: as `create`; NOT_FOUND when the topic is gone for good (P13).
        """

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """End it. One that is not there is no error."""

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """Make sure that the provider sent it, before a byte of the body is parsed. Pure.

        Called with each secret that may hold: the connection's own, under every key that is in use;
        for `MakesSecrets` those of its subscriptions.

        Raises:
            ProviderError: UNAUTHENTICATED, see `refused`.
        """

    def hints(self, delivery: Delivery) -> list[Hint]:
        """What a verified delivery says; [] for greetings and for what is not known. Pure."""


@runtime_checkable
class Greets(Protocol):
    """A `Push` whose provider checks an address before it delivers there, by POST or GET."""

    def handshake(self, delivery: Delivery, secret: str, now: datetime) -> bytes | None:
        """What answers the check; None when the delivery is no check. Pure.

        Raises:
            ProviderError: UNAUTHENTICATED: it is not the provider's.
        """


@runtime_checkable
class MakesSecrets(Protocol):
    """A `Push` whose provider makes the secret of each subscription (`Subscription.secret`).

    `verify` is called with those secrets then, and only for deliveries that are `addressed`: nobody
    has secrets looked for who does not know an address.
    """

    def addressed(self, delivery: Delivery, secret: str) -> None:
        """Make sure that it is to an address that `create` made with `secret`. Pure.

        Raises:
            ProviderError: UNAUTHENTICATED.
        """


@runtime_checkable
class NamesAccounts(Protocol):
    """A `Push` whose deliveries, to an app of many users, tell the account (`Hint.account`)."""

    async def account(self, call: Call) -> str:
        """Id of the account that the connection belongs to; "" when the provider does not say.

        Raises:
            ProviderError: the provider cannot be asked.
        """


def tokened(address: str, secret: str) -> str:
    """`address` with a token in its query by which `addressed` tells it."""
    return f"{address}{'&' if '?' in address else '?'}{_TOKEN}={_token(secret)}"


def addressed(delivery: Delivery, secret: str) -> None:
    """Make sure that it is to an address that `tokened` made with `secret`.

    Raises:
        ProviderError: UNAUTHENTICATED.
    """
    if not secret or not same_secret(delivery.query.get(_TOKEN, ""), _token(secret)):
        raise refused()


def _token(secret: str) -> str:
    """Addresses stand in others' logs, so that the secret itself is not in them."""
    return hmac.digest(secret.encode(), b"address of a webhook", "sha256").hex()[:40]


def same_secret(given: str, secret: str) -> bool:
    """Whether both are one secret, in constant time; an empty one never is."""
    # Headers are foreign bytes, and may hold what is no text.
    return bool(secret) and hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), secret.encode()
    )


def refused() -> ProviderError:
    """The error of a delivery that is not the provider's; tells its sender nothing."""
    return ProviderError(Kind.UNAUTHENTICATED, "the delivery is refused", reason="DELIVERY_REFUSED")
