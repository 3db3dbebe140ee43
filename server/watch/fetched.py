"""An answer of a provider, and what asks for it, whatever way it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from providers.core.call import ChangesPage
from server.watch.batch import Batch
from server.watch.ports import Clock
from server.watch.position import Position
from server.watch.scope import Unit


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer of the provider, not yet held against anybody's position.

    Attributes:
        observed: when it was asked.
        page: of a provider with deltas.
        objects: of a kind that is listed: everything in the window, by id.
        inside: ids of those in the window from `anchor` on; None: all of them.
        anchor: where the window begins from now on.
        before: where the window of `objects` begins.
        left: objects that were in the window and are outside of it now, by id.
    """

    observed: Timestamp
    page: ChangesPage | None = None
    objects: Mapping[str, Any] | None = None
    inside: frozenset[str] | None = None
    anchor: int = 0
    before: int = 0
    left: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """Asks for one unit.

    Attributes:
        unit: what is asked for.
        connection_id: where, as callers name it.
    """

    unit: Unit
    connection_id: str

    @property
    def cumulative(self) -> bool:
        """Every answer holds the whole state, whatever position was asked from."""

    def start(self) -> Position:
        """Before everything: from here the present state is told as CREATED."""

    async def fetch(self, position: Position, *, baseline: bool, raw: bool) -> Fetched:
        """Ask for what came after `position`; `baseline`: only to know where to begin.

        Raises:
            ProviderError: CURSOR_EXPIRED and whatever else the provider answers.
        """

    def tell(self, position: Position, fetched: Fetched) -> Batch:
        """What `fetched` means to a watcher at `position`."""


def stamp(clock: Clock) -> Timestamp:
    """Now."""
    found = Timestamp()
    found.FromDatetime(clock.now())
    return found


def changed_at(resource: Any) -> Timestamp | None:
    """The provider's time of the last change of `resource`."""
    if "updated_at" in resource.DESCRIPTOR.fields_by_name and resource.HasField("updated_at"):
        found: Timestamp = resource.updated_at
        return found
    return None
