"""Push of Google Calendar: notification channels.

developers.google.com/workspace/calendar/api/guides/push. A channel cannot be prolonged: a new one
is opened before the old one is stopped (P16), so a change may be told twice. Google grants what
life it likes, a week as a rule; its answer counts.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.push import Delivery, Hint, Subscription, Topic
from providers.core.wire import decode
from providers.google import webhook
from providers.google.api import Api, calendar_path
from providers.google.wire import Channel
from ucal.v1 import types_pb2

_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_EVENT = types_pb2.RESOURCE_KIND_EVENT
_WISHED_SECONDS = 7 * 86_400
_LONGEST_LEAD = timedelta(days=1)


class CalendarPush:
    """Channels on the events of a calendar, and on the list of calendars.

    Args:
        api: makes the way to Google for a call.
    """

    kinds = frozenset({_CALENDAR, _EVENT})

    def __init__(self, api: Callable[[Call], Api]) -> None:
        self._api = api

    async def create(self, call: Call, topic: Topic, address: str, secret: str) -> Subscription:
        """Part of `Push`."""
        if topic.kind == _CALENDAR:
            path = "users/me/calendarList/watch"
        else:
            path = f"{calendar_path(topic.calendar_id)}/events/watch"
        body: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "type": "web_hook",
            "address": address,
            "token": secret,
            "params": {"ttl": str(_WISHED_SECONDS)},
        }
        resource = ("calendar", topic.calendar_id or "primary")
        reply = await self._api(call).send("POST", path, json=body, resource=resource)
        return _subscription(decode(reply, Channel), topic, call.now())

    async def renew(
        self, call: Call, subscription: Subscription, address: str, secret: str
    ) -> Subscription:
        """Part of `Push`. An old channel that cannot be stopped ends by itself."""
        made = await self.create(call, subscription.topic, address, secret)
        try:
            await self.delete(call, subscription)
        except ProviderError as error:
            if error.kind in {Kind.REAUTHORIZATION_REQUIRED, Kind.UNAUTHENTICATED}:
                raise
        return made

    async def delete(self, call: Call, subscription: Subscription) -> None:
        """Part of `Push`."""
        await self._api(call).send(
            "POST",
            "channels/stop",
            json={"id": subscription.id, "resourceId": subscription.handle},
            expect=(404,),
            retry_safe=True,
        )

    def verify(self, delivery: Delivery, secret: str, now: datetime) -> None:
        """Part of `Push`."""
        webhook.verify_channel(delivery, secret)

    def hints(self, delivery: Delivery) -> list[Hint]:
        """Part of `Push`."""
        return webhook.channel_hints(delivery)


def _subscription(found: Channel, topic: Topic, now: datetime) -> Subscription:
    if not found.expiration.isdecimal() or len(found.expiration) > 15:
        return Subscription(found.id, topic, found.resourceId)
    end = datetime.fromtimestamp(int(found.expiration) / 1000, UTC)
    lead = min(_LONGEST_LEAD, max(end - now, timedelta()) / 4)
    return Subscription(found.id, topic, found.resourceId, end, end - lead)
