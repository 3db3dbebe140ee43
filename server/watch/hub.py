"""The engine as a whole: which feeds and sessions there are, and how they come and go."""

import random
from collections.abc import Hashable, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType

from google.protobuf.duration_pb2 import Duration

from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from server.interceptors.scope import SCOPE
from server.metrics import FEEDS, WATCHERS
from server.watch.alarms import Alarms
from server.watch.alone import Alone
from server.watch.feed import Feed
from server.watch.happenings import Happening, Happenings
from server.watch.inbox import Inbox
from server.watch.messages import opened
from server.watch.ports import Clock, Reader, Target, Turns, WatchSettings
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
        *,
        chance: random.Random | None = None,
        turns: Turns | None = None,
    ) -> None:
        """`turns`: who of several replicas asks for a feed; absent: always this process."""
        self.tokens = tokens
        self.clock = clock
        self.settings = settings
        self._reader = reader
        self._turns = turns or Alone()
        # Spreads polls and rotations in time; nothing secret hangs on it.
        self._chance = chance or random.Random()  # noqa: S311
        self._feeds: dict[Hashable, Feed] = {}
        self._keys: dict[Feed, tuple[Hashable, Target, Unit]] = {}
        self._by_connection: dict[str, dict[Feed, None]] = {}
        self._pushed: set[tuple[str, Unit]] = set()
        self._happenings = Happenings(clock)
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
        wish, patient = _seconds(request.poll_interval), not request.HasField("poll_interval")
        subscriptions = [
            self.enter(
                target,
                unit,
                scope.horizon,
                session.inbox,
                raw=variant.raw,
                wish=self.interval(target.capability(unit.kind), wish),
                patient=patient,
            )
            for unit in scope.units
        ]
        session.attend(subscriptions, positions, lost)
        self._sessions[session] = None
        WATCHERS.inc()
        token = request.resume_token if positions else b""
        session.opened = opened(watched, heartbeat, token, self.clock.now())
        if self._draining:
            session.rotate(self.settings.closing_grace)
        return session

    def close(self, session: Session) -> None:
        """The stream of `session` has ended."""
        if session in self._sessions:
            del self._sessions[session]
            WATCHERS.dec()
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
        self,
        target: Target,
        unit: Unit,
        horizon: int,
        inbox: Inbox,
        *,
        raw: bool,
        wish: float,
        patient: bool = False,
    ) -> Subscription:
        """Take part in the feed of `unit`; whoever asks for the same takes part in the same."""
        key = (target.key, unit, 0 if target.delta(unit.kind) else horizon)
        feed = self._feeds.get(key)
        if feed is None:
            source = source_for(target, unit, horizon, self.clock)
            feed = Feed(source, self.clock, self.settings, self._chance, target.provider)
            feed.turn = self._turns.of(target, unit, key[2], feed)
            feed.pushed = (target.connection_id, unit) in self._pushed
            self._feeds[key] = feed
            self._keys[feed] = (key, target, unit)
            self._by_connection.setdefault(target.connection_id, {})[feed] = None
            FEEDS.inc()
        return feed.enter(inbox, raw=raw, wish=wish, patient=patient)

    def leave(self, subscriptions: Iterable[Subscription]) -> None:
        """Take no further part; a feed in which nobody takes part is forgotten."""
        for subscription in subscriptions:
            feed = subscription.feed
            feed.exit(subscription)
            if not feed.subscriptions and feed in self._keys:
                key, target, _ = self._keys.pop(feed)
                del self._feeds[key]
                feeds = self._by_connection[target.connection_id]
                del feeds[feed]
                if not feeds:
                    del self._by_connection[target.connection_id]
                FEEDS.dec()

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
        pushes = capability.watch_source == watch_pb2.WATCH_SOURCE_NATIVE
        native = pushed.get(unit) == ""
        every = Duration()
        seconds = self.interval(capability, _seconds(request.poll_interval))
        if native and not request.HasField("poll_interval"):
            seconds *= self.settings.pushed_factor
        every.FromNanoseconds(int(seconds * 1e9))
        reason = _NOT_REGISTERED if pushes else capability.reason or _NO_PUSH
        return Opened(
            source=watch_pb2.WATCH_SOURCE_NATIVE if native else watch_pb2.WATCH_SOURCE_POLLING,
            deletions=capability.deletions or watch_pb2.DELETION_SUPPORT_RECONCILED,
            poll_interval=every,
            reason="" if native else pushed.get(unit, reason),
        )

    # -- for webhooks and for the end

    def nudge(
        self,
        connection_id: str,
        kind: ResourceKind | None = None,
        calendar_id: str | None = None,
        within: float = 0,
    ) -> int:
        """Ask now for what changed, wherever it is watched; tells how many feeds were woken.

        `within`: seconds over which those may spread that are woken at once.
        """
        woken = 0
        for feed in self._at(connection_id, kind, calendar_id):
            feed.nudge(within=within)
            woken += 1
        return woken

    def happened(
        self, connection_id: str, happening: Happening, calendar_id: str | None = None
    ) -> None:
        """Tell everybody who watches what only a delivery tells, with the object as it is now."""
        for feed in self._at(connection_id, happening.kind, calendar_id):
            _, target, unit = self._keys[feed]
            self._happenings.tell(feed, target, unit, happening)

    def push(
        self, connection_id: str, unit: Unit, lost: ProviderError | None, retry: float = 0
    ) -> None:
        """The provider pushes `unit` from now on; or no longer: why, and when it is asked again."""
        change = self._pushed.discard if lost else self._pushed.add
        change((connection_id, unit))
        for feed in self._at(connection_id, unit.kind, None):
            if self._keys[feed][2] == unit:
                feed.pushed = lost is None
                if lost is not None:
                    feed.degrade(lost, retry)

    def unpush(self, connection_id: str, unit: Unit) -> None:
        """Nobody watches `unit` here; the provider may push it or not."""
        self._pushed.discard((connection_id, unit))

    def _at(
        self, connection_id: str, kind: ResourceKind | None, calendar_id: str | None
    ) -> list[Feed]:
        """Feeds that something at a provider may be about."""
        return [
            feed
            for feed in self._by_connection.get(connection_id, ())
            if (unit := self._keys[feed][2]).kind == kind or kind is None
            if calendar_id is None or unit.calendar_id in ("", "primary", calendar_id)
        ]

    def drain(self, grace: float) -> None:
        """Send Closing on every stream, new ones too; they end within `grace` seconds."""
        self._draining = True
        for session in self._sessions:
            session.rotate(grace)

    @property
    def draining(self) -> bool:
        """Whether streams are being sent away."""
        return self._draining

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
