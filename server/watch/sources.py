"""How a unit is asked for what changed: by the provider's deltas, or by listing and comparing.

A source is asked once (`fetch`) and what it was told can be told to any number of watchers, each
from where it stands (`tell`, which is pure).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from providers.core import operations as ops
from providers.core.call import ChangesPage, ChangesQuery
from server.watch.batch import Batch, Told
from server.watch.known import (
    GONE,
    UNCERTAIN,
    Known,
    id_digest,
    mingled,
    version_of,
    version_of_change,
    version_of_etag,
)
from server.watch.ports import Clock, Target
from server.watch.position import Position
from server.watch.scope import Unit
from ucal.v1 import types_pb2, watch_pb2

_CREATED = watch_pb2.CHANGE_TYPE_CREATED
_UPDATED = watch_pb2.CHANGE_TYPE_UPDATED
_DELETED = watch_pb2.CHANGE_TYPE_DELETED
_UPSERTED = watch_pb2.CHANGE_TYPE_UPSERTED
_HAPPENINGS = frozenset({watch_pb2.CHANGE_TYPE_STARTED, watch_pb2.CHANGE_TYPE_ENDED})
# Deletions that comparing may report.
_VISIBLE = frozenset(
    {
        watch_pb2.DELETION_SUPPORT_UNSPECIFIED,
        watch_pb2.DELETION_SUPPORT_EXACT,
        watch_pb2.DELETION_SUPPORT_RECONCILED,
    }
)


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
    """

    observed: Timestamp
    page: ChangesPage | None = None
    objects: Mapping[str, Any] | None = None
    inside: frozenset[str] | None = None
    anchor: int = 0
    before: int = 0


class Source(Protocol):
    """Asks for one unit."""

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


def source_for(target: Target, unit: Unit, horizon: int, clock: Clock) -> Source:
    """The source of `unit` at `target`."""
    if target.delta(unit.kind):
        return DeltaSource(target, unit, clock)
    deletions = target.capability(unit.kind).deletions in _VISIBLE
    return ListSource(target, unit, clock, horizon, deletions=deletions)


def _stamp(clock: Clock) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(clock.now())
    return stamp


def _changed_at(resource: Any) -> Timestamp | None:
    """The provider's time of the last change of `resource`."""
    if "updated_at" in resource.DESCRIPTOR.fields_by_name and resource.HasField("updated_at"):
        found: Timestamp = resource.updated_at
        return found
    return None


class DeltaSource:
    """A provider that tells what changed since a cursor."""

    cumulative = False

    def __init__(self, target: Target, unit: Unit, clock: Clock) -> None:
        self._target = target
        self._unit = unit
        self._clock = clock
        self._field = ops.WATCHES[unit.kind].resource

    def start(self) -> Position:
        """Without a cursor the provider tells everything."""
        return Position()

    async def fetch(self, position: Position, *, baseline: bool, raw: bool) -> Fetched:
        """One page of `list_changes`."""
        observed = _stamp(self._clock)
        query = ChangesQuery(
            self._unit.kind, self._unit.calendar_id, position.cursor, baseline, raw
        )
        page = await self._target.changes(query)
        return Fetched(observed, page)

    def tell(self, position: Position, fetched: Fetched) -> Batch:
        """Changes that `position` does not hold already, typed by what it holds."""
        page = fetched.page or ChangesPage([], position.cursor)
        overlay: dict[bytes, bytes | None] = {
            id_digest(name): version_of_etag(etag) for name, etag in page.versions.items()
        }
        told = [
            entry
            for change in page.changes
            if (entry := self._tell(change, position, overlay)) is not None
        ]
        after = Position(
            page.cursor, _after(position, page, overlay, told), at=fetched.observed.seconds
        )
        return Batch(
            self._target.connection_id,
            self._unit,
            position,
            after,
            told,
            page.has_more,
            fetched.observed,
        )

    def _tell(
        self, change: watch_pb2.Change, position: Position, overlay: dict[bytes, bytes | None]
    ) -> Told | None:
        happening = change.type in _HAPPENINGS
        name = f"\0{change.type}\0{change.id}" if happening else change.id
        digest = id_digest(name)
        before = overlay[digest] if digest in overlay else position.known.version(digest)
        if change.type == _DELETED:
            return self._tell_gone(change, digest, before, position, overlay)
        resource = getattr(change, self._field) if change.WhichOneof("resource") else None
        if resource is None or happening:
            version = version_of_change(change, position.cursor)
        else:
            version = version_of(resource)
        if before == version and not _moves(change, position.known):
            return None
        overlay[digest] = version
        if change.previous_id:
            overlay[id_digest(change.previous_id)] = None if position.known.complete else GONE
        kind = change.type if happening else _type(change, resource, before, position)
        entry = self._entry(change, kind, digest, version)
        if resource is not None:
            entry.resource = resource
            entry.size = resource.ByteSize()
            entry.changed_at = entry.changed_at or _changed_at(resource)
        return entry

    def _tell_gone(
        self,
        change: watch_pb2.Change,
        digest: bytes,
        before: bytes | None,
        position: Position,
        overlay: dict[bytes, bytes | None],
    ) -> Told | None:
        """A deletion, unless the watcher was never told of the object (P05) or knows already."""
        complete = position.known.complete
        if before == GONE or (complete and before is None):
            return None
        overlay[digest] = None if complete else GONE
        return self._entry(change, _DELETED, digest, GONE)

    def _entry(
        self,
        change: watch_pb2.Change,
        kind: watch_pb2.ChangeType.ValueType,
        digest: bytes,
        version: bytes,
    ) -> Told:
        return Told(
            kind,
            change.id,
            digest,
            version,
            change.calendar_id,
            changed_at=change.changed_at if change.HasField("changed_at") else None,
            previous_id=change.previous_id,
            dedup_key=change.dedup_key,
        )


def _after(
    position: Position,
    page: ChangesPage,
    overlay: dict[bytes, bytes | None],
    told: Sequence[Told],
) -> Known:
    """What is known at the page's own cursor."""
    if page.cursor == position.cursor:
        return position.known.updated(overlay)
    if not position.known.complete:
        # Served to go on in the middle of a page, which is behind now.
        return Known(complete=False)
    for entry in told:
        if entry.type in _HAPPENINGS:
            overlay[entry.digest] = None
    return position.known.updated(overlay)


def _moves(change: watch_pb2.Change, known: Known) -> bool:
    """Whether `change` takes the place of an object that the watcher still holds."""
    if not change.previous_id:
        return False
    return known.version(id_digest(change.previous_id)) not in (None, GONE)


def _type(
    change: watch_pb2.Change, resource: Any, before: bytes | None, position: Position
) -> watch_pb2.ChangeType.ValueType:
    """CREATED or UPDATED by what the watcher knows; where it knows nothing, what can be said."""
    if change.previous_id:
        return _UPDATED
    if position.known.complete:
        return _CREATED if before is None else _UPDATED
    if before is not None:
        return _CREATED if before == GONE else _UPDATED
    if change.type != _UPSERTED:
        return change.type
    has_age = resource is not None and "created_at" in resource.DESCRIPTOR.fields_by_name
    if has_age and resource.HasField("created_at"):
        return _CREATED if resource.created_at.seconds >= position.at else _UPDATED
    return _UPSERTED


class ListSource:
    """A kind without deltas: everything in a window is listed again and compared.

    The window begins on a grid of a quarter of the horizon, between one and two quarters behind
    now, so that nothing falls out of it from one poll to the next: what is missing was deleted.
    When the grid moves on, both windows are listed once, and what only the older one holds is
    forgotten, not reported as deleted.
    """

    cumulative = True

    def __init__(
        self, target: Target, unit: Unit, clock: Clock, horizon: int, *, deletions: bool
    ) -> None:
        self._target = target
        self._unit = unit
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
        observed = _stamp(self._clock)
        anchor = self._anchor()
        before = min(position.anchor or anchor, anchor)
        inside = await self._list(anchor, raw)
        if before == anchor:
            return Fetched(observed, objects=inside, anchor=anchor, before=anchor)
        # The older window last: what is gone by now was deleted, not forgotten.
        both = await self._list(before, raw)
        return Fetched(
            observed, objects=both, inside=frozenset(inside), anchor=anchor, before=before
        )

    async def _list(self, anchor: int, raw: bool) -> dict[str, Any]:
        window = types_pb2.TimeRange()
        window.start_at.seconds = anchor
        window.end_at.seconds = int(self._clock.now().timestamp()) + self._horizon
        found = await self._target.listing(
            self._unit.kind, self._unit.calendar_id, window, include_raw=raw
        )
        # Objects without an id (single-use links) cannot be told apart, nor followed.
        return {resource.id: resource for resource in found if resource.id}

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
                    _changed_at(resource),
                    size=resource.ByteSize(),
                )
            )
        if self._deletions:
            told += self._vanished(position.known, before.keys() - by_digest.keys())
        return Batch(
            self._target.connection_id,
            self._unit,
            position,
            self._after(position, fetched, versions, told),
            told,
            more=False,
            observed=fetched.observed,
        )

    def _vanished(self, known: Known, digests: set[bytes]) -> list[Told]:
        names = known.names() if digests else {}
        return [
            Told(_DELETED, names.get(digest, ""), digest, GONE, "") for digest in sorted(digests)
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


def _by_digest(versions: Mapping[str, bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, version in versions.items():
        digest = id_digest(name)
        found[digest] = mingled(found[digest], version) if digest in found else version
    return found


SourceFactory = Callable[[Target, Unit, int, Clock], Source]
