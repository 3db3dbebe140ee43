"""What Graph sends to a webhook, as it spells it. No mapping."""

import msgspec


class Item(msgspec.Struct, gc=False):
    """resources/changenotification."""

    subscriptionId: str = ""
    clientState: str | None = None
    changeType: str | None = None
    resource: str | None = None
    lifecycleEvent: str | None = None
    tenantId: str | None = None


class Notification(msgspec.Struct, gc=False):
    """resources/changenotificationcollection: several subscriptions may be in one."""

    value: list[Item] = []
