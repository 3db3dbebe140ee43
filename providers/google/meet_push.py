"""Push of Google Meet: subscriptions of the Workspace Events API, delivered through Cloud Pub/Sub.

developers.google.com/workspace/events. Google publishes to a topic of the operator's own project
(setting `pubsub_topic`), and the operator's push subscription brings that to the ingress with
`?token=<webhook_secret>`. One topic serves all connections: which one a delivery is about is told
by `Hint.subscription_id`. An account can have one subscription to a target for an app: another
connection to the same account shares it.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NoReturn

import msgspec

from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, quote
from providers.core.push import Delivery, Hint, Subscription, Topic
from providers.core.wire import decode
from providers.google import cursors, meet_webhook
from providers.google.api import Api
from providers.google.wire_meet import Subscription as WireSubscription
from providers.google.wire_meet import SubscriptionOperation, Subscriptions, UserInfo
from ucal.v1 import types_pb2

EVENTS_URL = "https://workspaceevents.googleapis.com/v1"
USERINFO_URL = "https://www.googleapis.com"
# Not those of participants, which tell nothing of recordings, nor of notes, which may be a preview
# (seen as such in 2025): one type that Google does not take would spoil the others.
EVENT_TYPES = (
    "google.workspace.meet.conference.v2.started",
    "google.workspace.meet.conference.v2.ended",
    "google.workspace.meet.recording.v2.started",
    "google.workspace.meet.recording.v2.ended",
    "google.workspace.meet.recording.v2.fileGenerated",
    "google.workspace.meet.transcript.v2.started",
    "google.workspace.meet.transcript.v2.ended",
    "google.workspace.meet.transcript.v2.fileGenerated",
)
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
_LONGEST_LEAD = timedelta(days=1)
_WAITS = (0.3, 0.6, 1.2)
_MAX_PAGES = 5
# Google does not push, or not to this topic: it is polled then.
_REFUSALS = frozenset(
    {
        Kind.INVALID,
        Kind.PRECONDITION,
        Kind.FORBIDDEN,
        Kind.INSUFFICIENT_SCOPE,
        Kind.QUOTA_EXCEEDED,
        Kind.UNSUPPORTED,
        Kind.CONFLICT,
        Kind.ALREADY_EXISTS,
    }
)


class MeetPush:
    """Subscriptions to the conferences in spaces that the account owns.

    Args:
        events: makes the way to the Workspace Events API for a call.
        userinfo: makes the way to Google's userinfo for a call.
        topic: Pub/Sub topic that Google publishes to; "" when there is none.
        secret: `token` of the address that the topic is pushed to; "" when there is none.
    """

    kinds = frozenset({_RECORDING})

    def __init__(
        self,
        events: Callable[[Call], Api],
        userinfo: Callable[[Call], Api],
        topic: str,
        secret: str,
    ) -> None:
        self._events = events
        self._userinfo = userinfo
        self._topic = topic
        self._secret = secret

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of `Push`. The address is the operator's to set, in Pub/Sub."""
        self._check_settings()
        events = self._events(call)
        target = f"//cloudidentity.googleapis.com/users/{await self._user(call)}"
        try:
            found = await self._made(events, target)
        except ProviderError as error:
            if error.kind is not Kind.ALREADY_EXISTS:
                _give_up(error)
            known = await self._known(events, target)
            if known is None:
                _give_up(error)
            found = await self._prolonged(events, known.name)
        return _subscription(found, topic, call.now())

    def _check_settings(self) -> None:
        for setting, value in (("pubsub_topic", self._topic), ("webhook_secret", self._secret)):
            if not value:
                raise ProviderError(
                    Kind.PRECONDITION,
                    "google_meet pushes through Pub/Sub only: set "
                    f"{setting} in [providers.google_meet]",
                    reason="PUSH_NOT_SUPPORTED",
                )

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

    async def _made(self, events: Api, target: str) -> WireSubscription:
        body = {
            "targetResource": target,
            "eventTypes": list(EVENT_TYPES),
            "notificationEndpoint": {"pubsubTopic": self._topic},
            "ttl": "0s",
        }
        return await _done(events, await events.send("POST", "subscriptions", json=body))

    async def _known(self, events: Api, target: str) -> WireSubscription | None:
        """The account's subscription to our topic, left by another process or connection."""
        wanted = f'event_types:"{EVENT_TYPES[0]}" AND target_resource="{target}"'
        params: dict[str, str | int] = {"filter": wanted}
        for _ in range(_MAX_PAGES):
            reply = await events.send("GET", "subscriptions", params=params)
            page = decode(reply, Subscriptions)
            for each in page.subscriptions:
                where = each.notificationEndpoint
                if where is not None and where.pubsubTopic == self._topic:
                    return each
            if not page.nextPageToken:
                break
            params["pageToken"] = page.nextPageToken
        return None

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of `Push`: the same subscription lasts longer; one that was suspended goes on."""
        self._check_settings()
        try:
            found = await self._prolonged(self._events(call), subscription.handle)
        except ProviderError as error:
            if error.kind is not Kind.NOT_FOUND:
                _give_up(error)
            return await self.create(call, subscription.topic, address, secret)
        return _subscription(found, subscription.topic, call.now())

    async def _prolonged(self, events: Api, name: str) -> WireSubscription:
        try:
            reply = await self._patch(events, name)
        except ProviderError as error:
            if error.kind is not Kind.PRECONDITION:
                raise
            await _done(events, await events.send("POST", f"{name}:reactivate", json={}))
            reply = await self._patch(events, name)
        return await _done(events, reply)

    async def _patch(self, events: Api, name: str) -> Reply:
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
        """Part of `Push`: see `meet_webhook.verify`. One address serves all connections."""
        meet_webhook.verify(delivery, self._secret)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """Part of `Push`."""
        return meet_webhook.hints(delivery)


def _give_up(error: ProviderError) -> NoReturn:
    """Raise the error as one that leaves the watch to polling, if it means so."""
    if error.kind not in _REFUSALS:
        raise error
    raise ProviderError(
        Kind.PRECONDITION,
        f"Google makes no subscription: {error.message}",
        reason="PUSH_NOT_SUPPORTED",
        metadata=error.metadata,
    ) from None


async def _done(events: Api, reply: Reply) -> WireSubscription:
    """The subscription that a long-running operation ends with."""
    for seconds in (*_WAITS, None):
        operation = decode(reply, SubscriptionOperation)
        if operation.error is not None:
            raise ProviderError(
                Kind.PRECONDITION, "Google could not make the subscription", reason="WATCH_REFUSED"
            )
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
