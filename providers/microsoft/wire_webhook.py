"""Subscriptions and what Graph sends to them, as it spells it. No mapping.

learn.microsoft.com/graph/api/resources/subscription, .../changenotificationcollection.
"""

import msgspec


class Subscription(msgspec.Struct, gc=False):
    """resources/subscription; the clientState is never told back."""

    id: str
    expirationDateTime: str = ""
    notificationUrl: str | None = None
    resource: str | None = None


class Subscriptions(msgspec.Struct, gc=False):
    """Answer of subscription-list: those of this app that the token may see."""

    value: list[Subscription] = []
    nextLink: str = msgspec.field(default="", name="@odata.nextLink")


class ResourceData(msgspec.Struct, gc=False):
    """resources/resourcedata, without the id of the object."""

    etag: str | None = msgspec.field(default=None, name="@odata.etag")


class Item(msgspec.Struct, gc=False):
    """resources/changenotification, and what a lifecycle notification has instead."""

    id: str | None = None
    subscriptionId: str = ""
    subscriptionExpirationDateTime: str | None = None
    clientState: str | None = None
    changeType: str | None = None
    resource: str | None = None
    resourceData: ResourceData | None = None
    lifecycleEvent: str | None = None
    tenantId: str | None = None


class Notification(msgspec.Struct, gc=False):
    """resources/changenotificationcollection: several subscriptions may be in one."""

    value: list[Item] = []
