"""One caller's part in one feed."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from providers.core.errors import ProviderError
from server.watch.asking import fault
from server.watch.inbox import Inbox, Lost
from server.watch.position import Position

if TYPE_CHECKING:
    from server.watch.feed import Feed


class Subscription:
    """One caller's part in one feed.

    Attributes:
        feed: that is watched.
        inbox: where it tells.
        raw: the caller wants `raw`.
        wish: seconds between polls.
        patient: of a provider that pushes, it is enough to be asked more seldom.
        sent: up to where the caller has been told; None before the first point is known.
        queued: batches in the inbox.
        joined: the feed's own polls are told.
    """

    __slots__ = ("_task", "feed", "inbox", "joined", "patient", "queued", "raw", "sent", "wish")

    def __init__(
        self, feed: "Feed", inbox: Inbox, *, raw: bool, wish: float, patient: bool = False
    ) -> None:
        self.feed = feed
        self.inbox = inbox
        self.raw = raw
        self.wish = wish
        self.patient = patient
        self.sent: Position | None = None
        self.queued = 0
        self.joined = False
        self._task: asyncio.Task[None] | None = None

    def position(self) -> Position | None:
        """Where the caller stands once everything handed out to it has arrived."""
        if self.joined and not self.queued and self.feed.position is not None:
            return self.feed.position
        return self.sent

    def settle(self, position: Position | None) -> None:
        """One queued batch was handed out; `position` is known to be reached, if it is."""
        self.queued -= 1
        if position is not None:
            self.sent = position

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Let the feed work for this subscription; what goes wrong arrives in the inbox."""
        self._task = asyncio.get_running_loop().create_task(work)
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ProviderError):
            self.inbox.put(self, Lost(error))
        elif isinstance(error, Exception):
            self.inbox.put(self, Lost(fault(error)))

    def stop(self) -> None:
        """Take no further part, for now."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.joined = False
        self.sent = None
