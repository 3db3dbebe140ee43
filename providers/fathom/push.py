"""Webhooks: how Fathom is asked to tell of meetings that are ready. They do not end by themselves.

Fathom makes the secret and shows it once; there is no list of webhooks and no change of one
(developers.fathom.ai, Create a webhook). So what was made and is forgotten cannot be ended, and a
renewal is another webhook in place of the first. The address holds a token besides, so that secrets
are looked for only for who knows it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import quote
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, Subscription, Topic, addressed, tokened
from providers.core.wire import decode
from providers.fathom import webhook
from providers.fathom.wire import Hook
from ucal.v1 import types_pb2

_PATH = "webhooks"
_OWN = ("my_recordings", "shared_external_recordings")
_OF_TEAMS = ("my_shared_with_team_recordings", "shared_team_recordings")


@dataclass(frozen=True, slots=True)
class FathomPush:
    """`providers.core.push.Push` and `MakesSecrets` of Fathom.

    Attributes:
        secret: of a webhook that was made by hand in Fathom's settings; "": there is none.
    """

    kinds: ClassVar[frozenset[ResourceKind]] = frozenset(
        {types_pb2.RESOURCE_KIND_EVENT, types_pb2.RESOURCE_KIND_RECORDING}
    )
    secret: str = field(repr=False)

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of Push. `secret` makes the address; Fathom makes its own for signatures."""
        if topic.calendar_id not in ("", "primary"):
            raise ProviderError.not_found("calendar", topic.calendar_id)
        url = tokened(address, secret)
        try:
            hook = await _made(call, url, (*_OWN, *_OF_TEAMS))
        except ProviderError as error:
            if error.kind not in (Kind.INVALID, Kind.FORBIDDEN):
                raise
            # Recordings of teams are there on team plans only.
            hook = await _made(call, url, _OWN)
        if not hook.secret.startswith(webhook.PREFIX):
            await _deleted(call, hook.id)
            raise ProviderError(
                Kind.PRECONDITION,
                "Fathom gave no secret that deliveries could be verified with",
                reason="PUSH_NOT_SUPPORTED",
            )
        return Subscription(hook.id, topic, hook.id, secret=hook.secret)

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of Push: another one first, then the old one goes."""
        found = await self.create(call, subscription.topic, address, secret)
        await self.delete(call, subscription)
        return found

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """Part of Push."""
        await _deleted(call, subscription.handle)

    def addressed(self, delivery: Delivery, secret: str) -> None:
        """Part of MakesSecrets."""
        addressed(delivery, secret)

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """See `webhook.verify`."""
        theirs = secret if secret.startswith(webhook.PREFIX) else self.secret
        webhook.verify(delivery, theirs, now)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """See `webhook.hints`."""
        return webhook.hints(delivery)


async def _made(call: Call, url: str, triggers: tuple[str, ...]) -> Hook:
    """Fathom wants one part to be included; with the summary it waits until that is written."""
    body = {"destination_url": url, "triggered_for": triggers, "include_summary": True}
    return decode(await call.http.send("POST", _PATH, json=body), Hook)


async def _deleted(call: Call, own_id: str) -> None:
    await call.http.send("DELETE", f"{_PATH}/{quote(own_id)}", expect=(404,))
