"""What the engine needs from the rest of the house, and what it lets others do to it.

Only shapes live here. The engine runs as well on the scripted reader of its tests as on real
connections.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from providers.core.call import ChangesPage, ChangesQuery
from providers.core.errors import ProviderError
from providers.core.operations import ResourceKind
from server.watch.scope import Unit
from ucal.v1 import provider_pb2, types_pb2


class Timer(Protocol):
    """A call that is due."""

    def cancel(self) -> None:
        """Do not call."""


class Clock(Protocol):
    """Time, so that tests can make it pass."""

    def time(self) -> float:
        """Seconds on a clock that never jumps."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` from the loop once `time()` has reached `when`."""


class Sealer(Protocol):
    """Authenticated encryption bound to a context: `server.connections` has it."""

    def seal(self, payload: bytes, *, bound_to: bytes = b"") -> bytes:
        """`payload`, sealed."""

    def open(
        self, token: bytes, *, bound_to: bytes = b"", max_age: timedelta | None = None
    ) -> bytes:
        """What was sealed.

        Raises:
            ProviderError: INVALID when it was not sealed here; CURSOR_EXPIRED when it is too old or
                its key is retired.
        """


class Target(Protocol):
    """One connection as the engine reads it.

    Its calls depend on no caller's deadline. Where the caller brought the credentials they are
    the only ones it uses.
    """

    @property
    def key(self) -> Hashable:
        """Equal for two targets exactly if what is read through one may be told to the other."""

    @property
    def identity(self) -> str:
        """What resume tokens are bound to: stays when an access token is refreshed."""

    @property
    def connection_id(self) -> str:
        """Connection as callers name it."""

    @property
    def provider(self) -> str:
        """Registry name of the provider."""

    @property
    def shared(self) -> bool:
        """Every replica reads the same through it, so that one may ask for all."""

    def capability(self, kind: ResourceKind) -> provider_pb2.Capability:
        """How `kind` is watched here.

        Raises:
            ProviderError: UNSUPPORTED, with the provider's declared reason.
        """

    def delta(self, kind: ResourceKind) -> bool:
        """Whether `changes` answers for `kind`; else it is listed again and compared."""

    async def changes(self, query: ChangesQuery) -> ChangesPage:
        """`Provider.list_changes`."""

    async def listing(
        self,
        kind: ResourceKind,
        calendar_id: str,
        window: types_pb2.TimeRange,
        *,
        include_raw: bool,
    ) -> Sequence[Any]:
        """Every object of `kind` that overlaps `window`, canceled ones too, all pages of it."""

    async def read(self, kind: ResourceKind, calendar_id: str, id: str) -> Any:
        """The object `id` as it is now; None when it is not there, or cannot be read one by one.

        Raises:
            ProviderError: the provider cannot be asked.
        """

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """What a caller must be told when its call ends, e.g. rotated credentials."""


class Reader(Protocol):
    """Finds targets."""

    async def target(self, connection_id: str, metadata: Mapping[str, str | bytes]) -> Target:
        """The connection that `connection_id` and a call's metadata name.

        Raises:
            ProviderError: NOT_FOUND, INVALID, REAUTHORIZATION_REQUIRED.
        """


class Nudge(Protocol):
    """The way in for webhooks: a hint without personal data that something may have changed."""

    def nudge(
        self, connection_id: str, kind: ResourceKind | None = None, calendar_id: str | None = None
    ) -> int:
        """Ask now for what changed, wherever it is watched; tells how many feeds were woken."""


class Looks(Protocol):
    """A feed, as those see it who say when it is to ask its provider."""

    def nudge(self, cause: str = "hint", *, within: float = 0) -> None:
        """Ask soon, at some moment of `within` seconds. `cause` is a label of metrics."""

    def stands_at(self, point: bytes) -> bool:
        """Whether it has told everything up to `point`, see `Position.digest`."""

    def degrade(self, error: ProviderError, seconds: float) -> None:
        """Tell everybody that changes may come late, and that it is tried again in `seconds`."""


class Turn(Protocol):
    """Whether it is this process that asks for one feed: of all replicas one does."""

    @property
    def mine(self) -> bool:
        """Ask at the usual times. False: another does, and its finds come as nudges."""

    @property
    def hears(self) -> bool:
        """What a provider delivers to any replica reaches this one."""

    def want(self, every: float) -> None:
        """Somebody listens, and wants the provider to be asked `every` so many seconds."""

    def rest(self) -> None:
        """Nobody listens now."""

    def moved(self, point: bytes) -> None:
        """The feed has told something, and stands at `point` now."""


class Turns(Protocol):
    """Gives out turns."""

    def of(self, target: Target, unit: Unit, horizon: int, feed: Looks) -> Turn:
        """The turn of a feed that has just begun."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """Bounds and habits of the engine; times are seconds.

    Attributes:
        heartbeat: longest silence of a stream whose caller wished for none.
        default_poll: between two polls of a feed whose watchers wished for nothing.
        min_poll: no feed asks more often, whatever the provider would allow.
        max_age: when a stream is closed so that it comes back, perhaps to another process.
        age_jitter: share by which ages vary, so that streams do not all come back at once.
        closing_grace: between Closing and the end.
        write_timeout: how long one message may wait for a caller that does not read.
        max_queued_changes: changes that wait for one caller.
        max_queued_bytes: the same, by size.
        token_lifetime: age at which a resume token is too old, whatever the provider says.
        retry_base: first pause after trouble at the provider; doubles up to `retry_cap`.
        retry_cap: longest such pause, unless the provider asks for a longer one.
        drain_wait: how long a feed waits between two pages for callers to catch up.
        nudge_spacing: shortest time between two nudged polls of a feed.
        pushed_factor: how many times more seldom a feed asks that the provider pushes to, when its
            watchers wished for nothing.
    """

    heartbeat: float = 30
    default_poll: float = 60
    min_poll: float = 1
    max_age: float = 1800
    age_jitter: float = 0.2
    closing_grace: float = 5
    write_timeout: float = 30
    max_queued_changes: int = 1024
    max_queued_bytes: int = 8 * 1024 * 1024
    token_lifetime: timedelta = timedelta(days=30)
    retry_base: float = 2
    retry_cap: float = 300
    drain_wait: float = 5
    nudge_spacing: float = 0.5
    pushed_factor: float = 10
