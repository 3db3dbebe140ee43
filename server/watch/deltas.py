"""Units whose provider tells what changed since a cursor."""

from collections.abc import Sequence
from typing import Any

from providers.core import operations as ops
from providers.core.call import ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from server.watch.batch import Batch, Told
from server.watch.fetched import Fetched, changed_at, stamp
from server.watch.known import (
    GONE,
    Known,
    id_digest,
    version_of,
    version_of_change,
    version_of_etag,
)
from server.watch.ports import Clock, Target
from server.watch.position import Position
from server.watch.scope import Unit
from ucal.v1 import watch_pb2

_CREATED = watch_pb2.CHANGE_TYPE_CREATED
_UPDATED = watch_pb2.CHANGE_TYPE_UPDATED
_DELETED = watch_pb2.CHANGE_TYPE_DELETED
_UPSERTED = watch_pb2.CHANGE_TYPE_UPSERTED
_HAPPENINGS = frozenset({watch_pb2.CHANGE_TYPE_STARTED, watch_pb2.CHANGE_TYPE_ENDED})


class DeltaSource:
    """A provider that tells what changed since a cursor."""

    cumulative = False

    def __init__(self, target: Target, unit: Unit, clock: Clock) -> None:
        self._target = target
        self.unit = unit
        self.connection_id = target.connection_id
        self._clock = clock
        self._field = ops.WATCHES[unit.kind].resource

    def start(self) -> Position:
        """Without a cursor the provider tells everything."""
        return Position()

    async def fetch(self, position: Position, *, baseline: bool, raw: bool) -> Fetched:
        """One page of `list_changes`."""
        observed = stamp(self._clock)
        query = ChangesQuery(self.unit.kind, self.unit.calendar_id, position.cursor, baseline, raw)
        page = await self._target.changes(query)
        return Fetched(observed, page)

    def tell(self, position: Position, fetched: Fetched) -> Batch:
        """Changes that `position` does not hold already, typed by what it holds."""
        page = fetched.page or ChangesPage([], position.cursor)
        _check(page, position)
        overlay: dict[bytes, bytes | None] = {
            id_digest(name): version_of_etag(etag) for name, etag in page.versions.items()
        }
        told = [
            entry
            for change in page.changes
            if change.id and (entry := self._tell(change, position, overlay)) is not None
        ]
        after = Position(
            page.cursor, _after(position, page, overlay, told), at=fetched.observed.seconds
        )
        return Batch(
            self.connection_id,
            self.unit,
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
            entry.changed_at = entry.changed_at or changed_at(resource)
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


def _check(page: ChangesPage, position: Position) -> None:
    """A page leads on, or is the last: anything else would be asked for ever.

    Raises:
        ProviderError: ADAPTER_FAULT.
    """
    stuck = page.has_more and page.cursor == position.cursor and not page.changes
    if not page.cursor or stuck:
        raise ProviderError(Kind.ADAPTER_FAULT, "the provider's changes lead nowhere")


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
    if change.type in (_CREATED, _UPDATED):
        return change.type
    has_age = resource is not None and "created_at" in resource.DESCRIPTOR.fields_by_name
    if has_age and resource.HasField("created_at"):
        return _CREATED if resource.created_at.seconds >= position.at else _UPDATED
    return _UPSERTED
