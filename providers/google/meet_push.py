"""Push of Google Meet: subscriptions of the Workspace Events API, delivered through Cloud Pub/Sub.

developers.google.com/workspace/events. Google publishes to a topic of the operator's own project
(setting `pubsub_topic`), and the operator's push subscription brings that to the ingress with
`?token=<secret>`. One topic serves all connections: which one a delivery is about is told by
`Hint.subscription_id`.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, quote
from providers.core.push import Delivery, Hint, Subscription, Topic
from providers.core.wire import decode
from providers.google import cursors, webhook
from providers.google.api import Api
from providers.google.wire_meet import Subscription as WireSubscription
from providers.google.wire_meet import SubscriptionOperation, UserInfo
from ucal.v1 import types_pb2

EVENTS_URL = "https://workspaceevents.googleapis.com/v1"
USERINFO_URL = "https://www.googleapis.com"
EVENT_TYPES = (
    "google.workspace.meet.conference.v2.ended",
    "google.workspace.meet.recording.v2.fileGenerated",
    "google.workspace.meet.transcript.v2.fileGenerated",
)
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
_LONGEST_LEAD = timedelta(days=1)
_WAITS = (0.3, 0.6, 1.2)


class MeetPush:
    """Subscriptions to the conferences in spaces that the account owns.

    Args:
        events: makes the way to the Workspace Events API for a call.
        userinfo: makes the way to Google's userinfo for a call.
        topic: Pub/Sub topic that Google publishes to; "" when there is none.
    """

    kinds = frozenset({_RECORDING})

    def __init__(
        self, events: Callable[[Call], Api], userinfo: Callable[[Call], Api], topic: str
    ) -> None:
        self._events = events
        self._userinfo = userinfo
        self._topic = topic

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of `Push`. The address is the operator's to set, in Pub/Sub."""
        if not self._topic:
            raise ProviderError(
                Kind.PRECONDITION,
                "google_meet pushes through Pub/Sub only, and no pubsub_topic is set",
                reason="PUSH_NOT_SUPPORTED",
            )
        events = self._events(call)
        reply = await events.send(
            "POST",
            "subscriptions",
            json={
                "targetResource": f"//cloudidentity.googleapis.com/users/{await self._user(call)}",
                "eventTypes": list(EVENT_TYPES),
                "notificationEndpoint": {"pubsubTopic": self._topic},
                "ttl": "0s",
            },
        )
        return _subscription(await _done(events, reply), topic, call.now())

    async def _user(self, call: Call) -> str:
        try:
            reply = await self._userinfo(call).send("GET", "oauth2/v2/userinfo")
        except ProviderError as error:
            if error.kind not in {Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.INSUFFICIENT_SCOPE}:
                raise
            raise ProviderError(
                Kind.PRECONDITION,
                "push of google_meet needs the scope userinfo.profile, to know the account's id",
                reason="PUSH_NOT_SUPPORTED",
                metadata=error.metadata,
            ) from None
        return quote(decode(reply, UserInfo).id)

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of `Push`: the same subscription lasts longer; one that was suspended goes on."""
        events = self._events(call)
        try:
            try:
                reply = await self._prolong(events, subscription.handle)
            except ProviderError as error:
                if error.kind is not Kind.PRECONDITION:
                    raise
                await events.send("POST", f"{subscription.handle}:reactivate", json={})
                reply = await self._prolong(events, subscription.handle)
        except ProviderError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            return await self.create(call, subscription.topic, address, secret)
        return _subscription(await _done(events, reply), subscription.topic, call.now())

    async def _prolong(self, events: Api, name: str) -> Reply:
        return await events.send(
            "PATCH", name, params={"updateMask": "ttl"}, json={"ttl": "0s"}, retry_safe=True
        )

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """Part of `Push`."""
        await self._events(call).send(
            "DELETE",
            subscription.handle,
            params={"allowMissing": "true"},
            expect=(404,),
            retry_safe=True,
        )

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """Part of `Push`."""
        webhook.verify_pubsub(delivery, secret)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """Part of `Push`."""
        return webhook.pubsub_hints(delivery)


async def _done(events: Api, reply: Reply) -> WireSubscription:
    """The subscription that a long-running operation ends with."""
    for seconds in (*_WAITS, None):
        operation = decode(reply, SubscriptionOperation)
        if operation.done and operation.response is not None:
            return _converted(reply, operation.response)
        if seconds is None or not operation.name:
            break
        await asyncio.sleep(seconds)
        reply = await events.send("GET", operation.name)
    raise ProviderError(Kind.UNAVAILABLE, "Google is still making the subscription")


def _converted(reply: Reply, found: dict[str, Any]) -> WireSubscription:
    try:
        return msgspec.convert(found, WireSubscription)
    except msgspec.ValidationError:
        raise cursors.malformed(reply) from None


def _subscription(found: WireSubscription, topic: Topic, now: datetime) -> Subscription:
    if not found.expireTime:
        return Subscription(found.name, topic, found.name)
    end = times.parse_rfc3339(found.expireTime)
    lead = min(_LONGEST_LEAD, max(end - now, timedelta()) / 4)
    return Subscription(found.name, topic, found.name, end, end - lead)
