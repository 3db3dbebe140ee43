"""Subscriptions at Graph, one by one: made, prolonged, taken over, ended.

learn.microsoft.com/graph/api/subscription-post-subscriptions, .../subscription-update. No resource
data is asked for. An app can have one subscription to a resource and its changes; one that an
earlier process left behind is taken over, and one that goes elsewhere leaves us to polling.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from providers.core import times
from providers.core.errors import Kind, ProviderError
from providers.core.http import quote
from providers.core.push import Subscription, Topic
from providers.core.wire import decode
from providers.microsoft import webhook
from providers.microsoft.api import Api
from providers.microsoft.wire_webhook import Subscription as Hook
from providers.microsoft.wire_webhook import Subscriptions

_LONGEST_LEAD = timedelta(days=1)
# Less than Graph grants, for the difference of its clock and ours.
_MARGIN = timedelta(minutes=30)
_MAX_PAGES = 20
_GONE = (404, 410)
# Graph does not push this, or not to this connection: it is polled then.
_REFUSALS = frozenset(
    {
        Kind.INVALID,
        Kind.FORBIDDEN,
        Kind.INSUFFICIENT_SCOPE,
        Kind.QUOTA_EXCEEDED,
        Kind.UNSUPPORTED,
        Kind.CONFLICT,
        Kind.ALREADY_EXISTS,
    }
)
_TAKEN = frozenset({Kind.CONFLICT, Kind.ALREADY_EXISTS})


@dataclass(frozen=True, slots=True)
class Feed:
    """One thing that Graph notifies of.

    Attributes:
        resource: its path.
        changes: which changes it tells.
        needed: push goes on without it otherwise.
    """

    resource: str
    changes: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Subscribes for one topic.

    Attributes:
        address: of the ingress, without what tells the topic.
        own_id: of the topic, comes back in its deliveries.
        life: longest that a subscription may last.
    """

    api: Api
    address: str
    own_id: str
    secret: str
    now: datetime
    life: timedelta

    @property
    def mark(self) -> str:
        """What tells which secret the address was made with."""
        return webhook.mark(self.secret, self.own_id)

    @property
    def _url(self) -> str:
        return webhook.address_of(self.address, self.own_id, self.secret)

    @property
    def _end(self) -> str:
        return times.format_rfc3339(self.now + self.life - _MARGIN)

    async def subscribe(self, feed: Feed) -> Hook:
        """A subscription to `feed`.

        Raises:
            ProviderError: PRECONDITION when Graph makes none; NOT_FOUND: the resource is not there.
        """
        try:
            return await self._post(feed)
        except ProviderError as error:
            if error.kind not in _TAKEN:
                raise _polled(error) from None
        known = await self._known(feed)
        if known is not None and known.notificationUrl == self._url:
            kept = await self.prolong(known.id)
            if kept is not None:
                return kept
        elif known is not None:
            await delete(self.api, known.id)
        try:
            return await self._post(feed)
        except ProviderError as error:
            raise _polled(error) from None

    async def _post(self, feed: Feed) -> Hook:
        body = {
            "changeType": feed.changes,
            "notificationUrl": self._url,
            "lifecycleNotificationUrl": self._url,
            "resource": feed.resource,
            "expirationDateTime": self._end,
            "clientState": webhook.client_state(self.secret),
        }
        return decode(await self.api.send("POST", "subscriptions", json=body), Hook)

    async def _known(self, feed: Feed) -> Hook | None:
        """The subscription to `feed` that was made for this topic, with this secret or another."""
        begin, word = webhook.begin_of(self.address, self.own_id), _last(feed.resource)
        path = "subscriptions"
        for _ in range(_MAX_PAGES):
            reply = await self.api.send("GET", path)
            page = decode(reply, Subscriptions)
            for each in page.value:
                ours = (each.notificationUrl or "").startswith(begin)
                if ours and _last(each.resource or "") == word:
                    return each
            if not page.nextLink:
                break
            path = self.api.relative(page.nextLink, reply)
        return None

    async def prolong(self, hook_id: str) -> Hook | None:
        """The subscription, with all of its life before it; None when it is gone.

        Raises:
            ProviderError: PRECONDITION when Graph does not push any longer.
        """
        path = f"subscriptions/{quote(hook_id)}"
        body = {"expirationDateTime": self._end}
        try:
            reply = await self.api.send("PATCH", path, json=body, expect=_GONE, retry_safe=True)
        except ProviderError as error:
            raise _polled(error) from None
        return None if reply.status in _GONE else decode(reply, Hook)

    def result(self, topic: Topic, hooks: Sequence[Hook]) -> Subscription:
        """What stands for `hooks`; it ends with the first of them."""
        handle = " ".join([self.mark, *(hook.id for hook in hooks)])
        ends = [times.parse_rfc3339(h.expirationDateTime) for h in hooks if h.expirationDateTime]
        if not ends:
            return Subscription(self.own_id, topic, handle)
        end = min(ends)
        lead = min(_LONGEST_LEAD, max(end - self.now, timedelta()) / 4)
        return Subscription(self.own_id, topic, handle, end, end - lead)


async def delete(api: Api, hook_id: str) -> None:
    """End it; one that is gone is no error."""
    await api.send("DELETE", f"subscriptions/{quote(hook_id)}", expect=_GONE, retry_safe=True)


def _last(resource: str) -> str:
    return resource.rstrip("/").rpartition("/")[2].lower()


def _polled(error: ProviderError) -> ProviderError:
    """The error as one that leaves the watch to polling, if it means so."""
    if error.kind not in _REFUSALS:
        return error
    return ProviderError(
        Kind.PRECONDITION,
        f"Microsoft makes no subscription: {error.message}",
        reason="PUSH_NOT_SUPPORTED",
        metadata=error.metadata,
    )
