"""Push of Microsoft Graph: what is subscribed to for outlook and for teams.

learn.microsoft.com/graph/api/resources/change-notifications-api-overview, its table of resources
and lives. Graph tells neither when the meeting of an event begins nor when it ends: its
`meetingCallEvents` want a subscription for each meeting, and are beta (2026-11).
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote as percent
from urllib.parse import unquote

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from providers.core.push import Delivery, Hint, Subscription, Topic
from providers.core.wire import decode
from providers.microsoft import webhook
from providers.microsoft.api import Api
from providers.microsoft.subscriptions import Feed, Subscriber, delete
from providers.microsoft.wire_teams import User
from providers.microsoft.wire_webhook import Subscription as Hook
from ucal.v1 import types_pb2

_EVENT = types_pb2.RESOURCE_KIND_EVENT
_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
_EVENTS_LIFE = timedelta(minutes=10_080)
_RECORDINGS_LIFE = timedelta(minutes=4_320)

Feeds = Callable[[Api, Topic], Awaitable[Sequence[Feed]]]


class GraphPush:
    """`providers.core.push.Push` of Graph, for one kind of objects.

    Args:
        api: makes the way to Graph for a call.
        kind: what it tells of.
        feeds: what is subscribed to for a topic.
        life: longest that a subscription to these may last.
    """

    def __init__(
        self, api: Callable[[Call], Api], kind: ResourceKind, feeds: Feeds, life: timedelta
    ) -> None:
        self.kinds = frozenset({kind})
        self._api = api
        self._kind = kind
        self._feeds = feeds
        self._life = life

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of `Push`. Graph checks the address before it answers."""
        api = self._api(call)
        subscriber = self._subscriber(api, call, _own_id(address, topic), address, secret)
        made: list[Hook] = []
        for feed in await self._feeds(api, topic):
            try:
                made.append(await subscriber.subscribe(feed))
            except ProviderError as error:
                if feed.needed or error.kind is not Kind.PRECONDITION:
                    raise
        return subscriber.result(topic, made)

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of `Push`: the same lasts longer, and is authorized anew; made again if it is gone.

        Changes since it went are not told: they are found by asking.
        """
        api = self._api(call)
        subscriber = self._subscriber(api, call, subscription.id, address, secret)
        mark, *ids = subscription.handle.split(" ")
        if mark == subscriber.mark:
            kept = [await subscriber.prolong(own_id) for own_id in ids]
            alive = [hook for hook in kept if hook is not None]
            if len(alive) == len(ids):
                return subscriber.result(subscription.topic, alive)
        return await self.create(call, subscription.topic, address, secret)

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """Part of `Push`."""
        for own_id in subscription.handle.split(" ")[1:]:
            await delete(self._api(call), own_id)

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """Part of `Push`. Items are read for the secrets in them, after the address's fits."""
        webhook.verify(delivery, secret)

    def handshake(self, delivery: Delivery, secret: str, now: datetime) -> bytes | None:
        """Part of `Greets`."""
        return webhook.handshake(delivery, secret)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """Part of `Push`."""
        return webhook.hints(delivery, self._kind)

    def _subscriber(
        self, api: Api, call: Call, own_id: str, address: str, secret: str
    ) -> Subscriber:
        return Subscriber(api, address, own_id, secret, call.now(), self._life)


def events_push(api: Callable[[Call], Api]) -> GraphPush:
    """Push of outlook: events of one calendar."""
    return GraphPush(api, _EVENT, _event_feeds, _EVENTS_LIFE)


def recordings_push(api: Callable[[Call], Api]) -> GraphPush:
    """Push of teams: recordings and transcripts that have become ready."""
    return GraphPush(api, _RECORDING, _recording_feeds, _RECORDINGS_LIFE)


async def _event_feeds(api: Api, topic: Topic) -> Sequence[Feed]:
    """Events of one calendar. Those of the primary one come with the whole mailbox's.

    Of single calendars the vendor's table of resources says nothing; they were seen to work.
    """
    path = "events"
    if topic.calendar_id not in {"", "primary"}:
        path = f"calendars/{_segment(topic.calendar_id)}/events"
    return [Feed(f"{_owner(api)}/{path}", "created,updated,deleted")]


async def _recording_feeds(api: Api, _: Topic) -> Sequence[Feed]:
    """Of meetings that the account organizes. The resource wants its object id, nothing else."""
    owner = f"users/{_segment(await _object_id(api))}"
    return [
        Feed(f"{owner}/onlineMeetings/getAllRecordings", "created"),
        Feed(f"{owner}/onlineMeetings/getAllTranscripts", "created", needed=False),
    ]


async def _object_id(api: Api) -> str:
    mailbox = unquote(api.me.partition("/")[2])
    if mailbox and "@" not in mailbox:
        return mailbox
    try:
        reply = await api.send("GET", api.me, params={"$select": "id"})
    except ProviderError as error:
        if error.kind not in {Kind.FORBIDDEN, Kind.INSUFFICIENT_SCOPE}:
            raise
        raise ProviderError(
            Kind.PRECONDITION,
            "push of teams needs the mailbox's object id as `subject`, or the right to look it up",
            reason="PUSH_NOT_SUPPORTED",
            metadata=error.metadata,
        ) from None
    return decode(reply, User).id


def _owner(api: Api) -> str:
    head, _, mailbox = api.me.partition("/")
    return f"{head}/{_segment(unquote(mailbox))}" if mailbox else head


def _segment(text: str) -> str:
    """An id inside a resource, which is no URL: what ids are made of stands as it is."""
    return percent(text, safe="=@+") if text.strip(".") else ""


def _own_id(address: str, topic: Topic) -> str:
    """The same for the same topic at the same address, so that restarts leave nothing behind."""
    text = f"{address}\n{topic.kind}\n{topic.calendar_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]
