"""What only a provider's delivery tells: that a meeting began, or ended.

The delivery names the object; the object is read from the provider now, told to whoever watches at
this moment, and forgotten. No point of a feed moves on by it: who does not watch just then is
never told, since no provider can be asked later.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from providers.core.errors import ProviderError
from providers.core.operations import ResourceKind
from server.log import LOG
from server.metrics import HAPPENINGS
from server.watch.batch import Batch, Told
from server.watch.fetched import Source, stamp
from server.watch.known import id_digest, version_of
from server.watch.ports import Clock, Target
from server.watch.position import Position
from server.watch.scope import Unit
from ucal.v1 import watch_pb2

if TYPE_CHECKING:
    from server.watch.feed import Feed

# A delivery to the operator's app concerns one connection, and the app does not tell which.
_AT_ONCE = 8
_MOST_WAITING = 1_000


@dataclass(frozen=True, slots=True)
class Happening:
    """What a delivery told.

    Attributes:
        kind: of the object.
        object_id: as the provider names it.
        change: STARTED or ENDED.
        mark: equal for one delivery that comes twice.
    """

    kind: ResourceKind
    object_id: str
    change: watch_pb2.ChangeType.ValueType
    mark: bytes


class Happenings:
    """Reads what happenings are about, a few at once, and tells the feeds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, feed: "Feed", target: Target, unit: Unit, happening: Happening) -> None:
        """Begin to; what cannot be read is not told."""
        if len(self._tasks) >= _MOST_WAITING:
            HAPPENINGS.labels(target.provider, "dropped").inc()
            return
        work = self._tell(feed, target, unit, happening)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, feed: "Feed", target: Target, unit: Unit, happening: Happening) -> None:
        result = "told"
        try:
            async with self._gate:
                found = await target.read(unit.kind, unit.calendar_id, happening.object_id)
            if found is None:
                result = "not_there"
            else:
                await feed.happened(_told(found, unit, happening))
        except ProviderError as error:
            result = error.reason
            LOG.info(
                "a happening could not be read",
                extra={"provider": target.provider, "reason": error.reason},
            )
        HAPPENINGS.labels(target.provider, result).inc()


def _told(resource: Any, unit: Unit, happening: Happening) -> Told:
    own_id: str = getattr(resource, "id", "") or happening.object_id
    name = f"{happening.kind}\0{own_id}\0{happening.change}\0".encode()
    return Told(
        happening.change,
        own_id,
        id_digest(f"\0{happening.change}\0{own_id}"),
        version_of(resource),
        getattr(resource, "calendar_id", "") or unit.calendar_id,
        resource,
        dedup_key=hashlib.sha256(name + happening.mark).hexdigest()[:24],
        size=resource.ByteSize(),
    )


def happening_at(here: Position, told: Told, source: Source, clock: Clock) -> Batch:
    """The batch that tells watchers at `here`, and leads nowhere."""
    batch = Batch(
        source.connection_id, source.unit, here, here, [told], more=False, observed=stamp(clock)
    )
    batch.cause, batch.since = "delivery", clock.time()
    return batch
