"""Units without deltas: everything in a window is listed again and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from providers.core.times import overlaps
from server.watch.batch import Batch, Told
from server.watch.fetched import Fetched, changed_at, stamp
from server.watch.known import GONE, UNCERTAIN, Known, id_digest, mingled, version_of
from server.watch.ports import Clock, Target
from server.watch.position import Position
from server.watch.scope import Unit
from ucal.v1 import event_pb2, types_pb2, watch_pb2

# Of many that are missing at once so many are read; the others were most likely deleted.
_MOST_READ = 20
_CREATED = watch_pb2.CHANGE_TYPE_CREATED
_UPDATED = watch_pb2.CHANGE_TYPE_UPDATED
_DELETED = watch_pb2.CHANGE_TYPE_DELETED


class ListSource:
    """A kind without deltas: everything in a window is listed again and compared.

    The window begins on a grid of a quarter of the horizon, between one and two quarters behind
    now, so that nothing falls out of it from one poll to the next: what is missing was deleted.
    When the grid moves on, both windows are listed once, and what only the older one holds is
    forgotten, not reported as deleted. Nor is what was moved out of the window: where the provider
    can be asked for one object, what is missing is read, told as UPDATED, and then forgotten.
    """

    cumulative = True

    def __init__(
        self, target: Target, unit: Unit, clock: Clock, horizon: int, *, deletions: bool
    ) -> None:
        self._target = target
        self.unit = unit
        self.connection_id = target.connection_id
        self._clock = clock
        self._horizon = horizon
        self._deletions = deletions

    def _anchor(self) -> int:
        step = max(self._horizon // 4, 1)
        return (int(self._clock.now().timestamp()) - step) // step * step

    def start(self) -> Position:
        """Nothing is known, so everything in the window is new."""
        return Position(anchor=self._anchor())

    async def fetch(self, position: Position, *, baseline: bool, raw: bool) -> Fetched:
        """The whole window; `baseline` makes no difference to what is asked."""
        del baseline
        observed = stamp(self._clock)
        anchor = self._anchor()
        before = min(position.anchor or anchor, anchor)
        inside = await self._list(anchor, raw)
        if before == anchor:
            left = await self._left(position.known, inside, before)
            return Fetched(observed, objects=inside, anchor=anchor, before=anchor, left=left)
        # The older window last: what is gone by now was deleted, not forgotten.
        both = await self._list(before, raw)
        left = await self._left(position.known, both, before)
        return Fetched(
            observed,
            objects=both,
            inside=frozenset(inside),
            anchor=anchor,
            before=before,
            left=left,
        )

    async def _list(self, anchor: int, raw: bool) -> dict[str, Any]:
        found = await self._target.listing(
            self.unit.kind, self.unit.calendar_id, self._window(anchor), include_raw=raw
        )
        # Objects without an id (single-use links) cannot be told apart, nor followed.
        return {resource.id: resource for resource in found if resource.id}

    def _window(self, anchor: int) -> types_pb2.TimeRange:
        window = types_pb2.TimeRange()
        window.start_at.seconds = anchor
        window.end_at.seconds = int(self._clock.now().timestamp()) + self._horizon
        return window

    async def _left(self, known: Known, objects: Mapping[str, Any], anchor: int) -> dict[str, Any]:
        """Of what is missing, what has moved out of the window, as far as that can be said."""
        if not self._deletions or not known.ids:
            return {}
        missing = [name for name in known.names().values() if name not in objects]
        window, found = self._window(anchor), {}
        for name in missing[:_MOST_READ]:
            resource = await self._target.read(self.unit.kind, self.unit.calendar_id, name)
            if resource is not None and _is_outside(resource, window):
                found[name] = resource
        return found

    def tell(self, position: Position, fetched: Fetched) -> Batch:
        """The difference between what is known and what was listed."""
        objects = fetched.objects or {}
        if fetched.inside is not None and position.anchor == fetched.anchor:
            objects = {name: objects[name] for name in objects if name in fetched.inside}
        before = position.known.versions()
        versions = {name: version_of(resource) for name, resource in objects.items()}
        by_digest = _by_digest(versions)
        told: list[Told] = []
        for name, resource in objects.items():
            digest = id_digest(name)
            earlier = before.get(digest)
            if earlier == by_digest[digest] != UNCERTAIN:
                continue
            told.append(
                Told(
                    _CREATED if earlier is None else _UPDATED,
                    name,
                    digest,
                    by_digest[digest],
                    getattr(resource, "calendar_id", ""),
                    resource,
                    changed_at(resource),
                    size=resource.ByteSize(),
                )
            )
        if self._deletions:
            missing = before.keys() - by_digest.keys()
            told += self._vanished(position.known, missing, fetched.left)
        return Batch(
            self.connection_id,
            self.unit,
            position,
            self._after(position, fetched, versions, told),
            told,
            more=False,
            observed=fetched.observed,
        )

    def _vanished(self, known: Known, digests: set[bytes], left: Mapping[str, Any]) -> list[Told]:
        names = known.names() if digests else {}
        return [
            _moved_out(name, digest, left[name])
            if (name := names.get(digest, "")) in left
            else Told(_DELETED, name, digest, GONE, "")
            for digest in sorted(digests)
        ]

    def _after(
        self,
        position: Position,
        fetched: Fetched,
        versions: Mapping[str, bytes],
        told: Sequence[Told],
    ) -> Position:
        moved = fetched.inside is not None and position.anchor != fetched.anchor
        if moved and fetched.inside is not None:
            versions = {name: versions[name] for name in versions if name in fetched.inside}
        elif not told and (position.known.ids or not versions):
            # Equal: the map of before is kept, and shared.
            return replace(position, at=fetched.observed.seconds, anchor=fetched.anchor)
        known = Known.with_ids(versions)
        return Position("", known, fetched.anchor, fetched.observed.seconds)


def _moved_out(name: str, digest: bytes, resource: Any) -> Told:
    return Told(
        _UPDATED,
        name,
        digest,
        version_of(resource),
        getattr(resource, "calendar_id", ""),
        resource,
        changed_at(resource),
        size=resource.ByteSize(),
        forgotten=True,
    )


def _is_outside(resource: Any, window: types_pb2.TimeRange) -> bool:
    """Whether its own times are outside; False for kinds that have none like an event's."""
    if not isinstance(resource, event_pb2.Event) or not resource.HasField("start_at"):
        return False
    return not overlaps(resource.start_at, resource.end_at, window)


def _by_digest(versions: Mapping[str, bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, version in versions.items():
        digest = id_digest(name)
        found[digest] = mingled(found[digest], version) if digest in found else version
    return found
