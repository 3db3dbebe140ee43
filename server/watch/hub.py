"""The engine as a whole: which feeds and sessions there are, and how they come and go."""

import random
from collections.abc import Hashable, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType

from google.protobuf.duration_pb2 import Duration

from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from server.interceptors.scope import SCOPE
from server.watch.alarms import Alarms
from server.watch.feed import Feed
from server.watch.inbox import Inbox
from server.watch.messages import opened
from server.watch.ports import Clock, Reader, Target, WatchSettings
from server.watch.position import Position
from server.watch.scope import Scope, Unit, scope_of
from server.watch.session import Session
from server.watch.sources import source_for
from server.watch.subscription import Subscription
from server.watch.token import Tokens
from server.watch.variant import variant_of
from ucal.v1 import provider_pb2, watch_pb2

_NO_PUSH = "the provider pushes nothing; the service asks it every poll_interval"
_NOT_REGISTERED = "this server registers no push with the provider; it asks every poll_interval"
Opened = watch_pb2.WatchEventsResponse.Opened


class Hub:
    """Feeds by what they are about, and the sessions that are open.

    Attributes:
        tokens: writes and reads resume tokens; `ListTokens` of the dispatcher.
        clock: of the engine.
        settings: of the engine.
    """

    def __init__(
        self,
        reader: Reader,
        tokens: Tokens,
        clock: Clock,
        settings: WatchSettings,
        chance: random.Random | None = None,
    ) -> None:
        self.tokens = tokens
        self.clock = clock
        self.settings = settings
        self._reader = reader
        # Spreads polls and rotations in time; nothing secret hangs on it.
        self._chance = chance or random.Random()  # noqa: S311
        self._feeds: dict[Hashable, Feed] = {}
        self._keys: dict[Feed, tuple[Hashable, str, Unit]] = {}
        self._alarms = Alarms(clock)
        self._sessions: dict[Session, None] = {}
        self._draining = False

    # -- for the service

    def open(
        self,
        request: watch_pb2.WatchEventsRequest,
        target: Target,
        scope: Scope,
        pushed: Mapping[Unit, str] = MappingProxyType({}),
    ) -> Session:
        """A session for `request`; `Hub.close` must be called on it in the end.

        `pushed`: units that the provider can push, with "" where it does, else why it does not.

        Raises:
            ProviderError: the request or its token is not good.
        """
        if request.resume_token and request.start:
            raise ProviderError.invalid("start", "excludes resume_token")
        variant = variant_of(request)
        watched = [self._watched(target, unit, request, pushed) for unit in scope.units]
        positions: tuple[Position, ...] = ()
        lost: ProviderError | None = None
        reset = request.on_expiry == watch_pb2.WATCH_EXPIRY_RESET
        if request.resume_token:
            try:
                positions = self.tokens.open(request.resume_token, scope)
            except ProviderError as error:
                if error.kind is not Kind.CURSOR_EXPIRED or not reset:
                    raise
                lost = error
        heartbeat = _seconds(request.heartbeat_interval) or self.settings.heartbeat
        session = Session(
            scope,
            clock=self.clock,
            alarms=self._alarms,
            tokens=self.tokens,
            settings=self.settings,
            chance=self._chance,
            provider=target.provider,
            variant=variant,
            heartbeat=heartbeat,
            initial=request.start == watch_pb2.WATCH_START_INITIAL_STATE,
            reset=reset,
        )
        wishes = [_seconds(unit.poll_interval) for unit in watched]
        subscriptions = [
            self.enter(target, unit, scope.horizon, session.inbox, raw=variant.raw, wish=wish)
            for unit, wish in zip(scope.units, wishes, strict=True)
        ]
        session.attend(subscriptions, positions, lost)
        self._sessions[session] = None
        token = request.resume_token if positions else b""
        session.opened = opened(watched, heartbeat, token, self.clock.now())
        if self._draining:
            session.rotate(self.settings.closing_grace)
        return session

    def close(self, session: Session) -> None:
        """The stream of `session` has ended."""
        self._sessions.pop(session, None)
        self.leave(session.subscriptions)
        session.close()

    async def target(
        self, asked: watch_pb2.WatchScope, metadata: Mapping[str, str | bytes]
    ) -> tuple[Target, Scope]:
        """The connection of a request, and the units that it asks for there.

        Raises:
            ProviderError: there is no such connection, or it cannot be watched for that.
        """
        target = await self._reader.target(asked.connection_id, metadata)
        if call := SCOPE.get(None):
            call.provider = target.provider  # an error from here on names it
        scope = scope_of(asked, target.identity)
        for unit in scope.units:
            target.capability(unit.kind)
        return target, scope

    # -- feeds

    def enter(
        self, target: Target, unit: Unit, horizon: int, inbox: Inbox, *, raw: bool, wish: float
    ) -> Subscription:
        """Take part in the feed of `unit`; whoever asks for the same takes part in the same."""
        key = (target.key, unit, 0 if target.delta(unit.kind) else horizon)
        feed = self._feeds.get(key)
        if feed is None:
            source = source_for(target, unit, horizon, self.clock)
            feed = Feed(source, self.clock, self.settings, self._chance)
            self._feeds[key] = feed
            self._keys[feed] = (key, target.connection_id, unit)
        return feed.enter(inbox, raw=raw, wish=wish)

    def leave(self, subscriptions: Iterable[Subscription]) -> None:
        """Take no further part; a feed in which nobody takes part is forgotten."""
        for subscription in subscriptions:
            feed = subscription.feed
            feed.exit(subscription)
            if not feed.subscriptions and feed in self._keys:
                key, _, _ = self._keys.pop(feed)
                del self._feeds[key]

    def interval(self, capability: provider_pb2.Capability, wish: float) -> float:
        """Seconds between polls: the wish, or the usual, raised to what all allow."""
        return max(
            wish or self.settings.default_poll,
            _seconds(capability.min_poll_interval),
            self.settings.min_poll,
        )

    def _watched(
        self,
        target: Target,
        unit: Unit,
        request: watch_pb2.WatchEventsRequest,
        pushed: Mapping[Unit, str],
    ) -> Opened:
        """How one unit is watched."""
        capability = target.capability(unit.kind)
        every = Duration()
        every.FromNanoseconds(int(self.interval(capability, _seconds(request.poll_interval)) * 1e9))
        pushes = capability.watch_source == watch_pb2.WATCH_SOURCE_NATIVE
        native = pushed.get(unit) == ""
        reason = _NOT_REGISTERED if pushes else capability.reason or _NO_PUSH
        return Opened(
            source=watch_pb2.WATCH_SOURCE_NATIVE if native else watch_pb2.WATCH_SOURCE_POLLING,
            deletions=capability.deletions or watch_pb2.DELETION_SUPPORT_RECONCILED,
            poll_interval=every,
            reason="" if native else pushed.get(unit, reason),
        )

    # -- for webhooks and for the end

    def nudge(
        self, connection_id: str, kind: ResourceKind | None = None, calendar_id: str | None = None
    ) -> int:
        """Ask now for what changed, wherever it is watched; tells how many feeds were woken."""
        woken = 0
        for feed, (_, connection, unit) in self._keys.items():
            if connection != connection_id or kind not in (None, unit.kind):
                continue
            if calendar_id is None or unit.calendar_id in ("", "primary", calendar_id):
                feed.nudge()
                woken += 1
        return woken

    def drain(self, grace: float) -> None:
        """Send Closing on every stream, new ones too; they end within `grace` seconds."""
        self._draining = True
        for session in self._sessions:
            session.rotate(grace)

    @property
    def sessions(self) -> int:
        """Streams that are open."""
        return len(self._sessions)

    @property
    def feeds(self) -> int:
        """Feeds that somebody takes part in."""
        return len(self._keys)


def _seconds(duration: Duration) -> float:
    return duration.ToTimedelta() / timedelta(seconds=1)
