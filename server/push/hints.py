"""What becomes of a delivery that was found to be the provider's: hints, here and elsewhere.

A hint wakes the feeds that it may be about, on every replica; a delivery that comes twice, here or
there, does so once. What only a delivery tells (a meeting began) is told to whoever watches.
"""

import hashlib
from collections.abc import Collection

from providers.core.operations import ResourceKind
from providers.core.push import Hint
from server.bus.frames import Body, Hinted
from server.bus.replicas import Replicas
from server.connections.bounded import Bounded
from server.push.book import account_digest
from server.push.registrations import Registrations
from server.watch.happenings import Happening
from server.watch.hub import Hub
from ucal.v1 import watch_pb2

_MARKS = 50_000
_MARK_SECONDS = 3600.0
_MOST_ID = 512
_AT_ONCE = 50
_HAPPENINGS = frozenset({watch_pb2.CHANGE_TYPE_STARTED, watch_pb2.CHANGE_TYPE_ENDED})


class Hints:
    """Takes hints from the ingress and from the bus, and gives them to the watch engine."""

    def __init__(self, hub: Hub, registrations: Registrations, replicas: Replicas) -> None:
        self._hub = hub
        self._registrations = registrations
        self._replicas = replicas
        self._marks: Bounded[bytes, bool] = Bounded(_MARKS, seconds=_MARK_SECONDS)
        replicas.listen(self._said)

    def take(self, provider: str, connection_id: str, hint: Hint) -> None:
        """A verified delivery said `hint`, of a connection, or "" when it does not tell whose."""
        mark = _mark(provider, connection_id, hint)
        if mark and not self._is_new(mark):
            return
        happening = hint.change in _HAPPENINGS and 0 < len(hint.object_id) <= _MOST_ID
        hinted = Hinted(
            provider,
            connection_id,
            hint.kind,
            hint.subscription_id if len(hint.subscription_id) <= _MOST_ID else "",
            mark,
            hint.change if happening else 0,
            hint.object_id if happening else "",
            hint.renew,
            account_digest(provider, hint.account),
        )
        self._replicas.say(hinted)
        self._give(hinted)

    def _said(self, sender: str, body: Body) -> None:
        if isinstance(body, Hinted) and (not body.mark or self._is_new(body.mark)):
            self._give(body)

    def _is_new(self, mark: bytes) -> bool:
        if self._marks.get(mark):
            return False
        self._marks.put(mark, value=True)
        return True

    def _give(self, hinted: Hinted) -> None:
        kind: ResourceKind = hinted.kind  # type: ignore[assignment]
        change: watch_pb2.ChangeType.ValueType = hinted.change  # type: ignore[assignment]
        if hinted.connection_id:
            connections: Collection[str] = (hinted.connection_id,)
        else:
            connections = tuple(self._registrations.watched(hinted.provider, kind, hinted.account))
        # An app's delivery wakes the watches of all who use the app: of many, some a second.
        within = len(connections) / _AT_ONCE if len(connections) > _AT_ONCE else 0.0
        for each in connections:
            calendar = self._registrations.calendar_of(each, hinted.subscription_id)
            self._hub.nudge(each, kind, calendar, within)
            if hinted.renew:
                self._registrations.hurry(each, hinted.subscription_id)
            if change:
                happening = Happening(kind, hinted.object_id, change, hinted.mark)
                self._hub.happened(each, happening, calendar)


def _mark(provider: str, connection_id: str, hint: Hint) -> bytes:
    """A name of what the delivery says; empty when the provider gives it none."""
    if not hint.delivery_id:
        return b""
    text = f"{provider}\0{connection_id}\0{hint.kind}\0{hint.delivery_id}"
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:12]
