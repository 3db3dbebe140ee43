"""What changed, read from the journal; with no cursor yet, what is there."""

import hashlib
from collections.abc import Iterator

from google.protobuf.message import Message

from providers.core.call import ChangesPage, ChangesQuery
from providers.core.errors import ProviderError
from providers.core.operations import ResourceKind
from providers.sandbox import raw
from providers.sandbox.journal import Note
from providers.sandbox.store import row_of, unframe
from providers.sandbox.world import CREATED, DELETED, EVENT, World
from ucal.v1 import event_pb2, types_pb2, watch_pb2

KINDS = frozenset(
    {
        types_pb2.RESOURCE_KIND_CALENDAR,
        types_pb2.RESOURCE_KIND_EVENT,
        types_pb2.RESOURCE_KIND_LINK,
        types_pb2.RESOURCE_KIND_RECORDING,
        types_pb2.RESOURCE_KIND_WEBINAR,
    }
)
PAGE = 500
_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_INITIAL = "initial!"


def list_changes(world: World, query: ChangesQuery) -> ChangesPage:
    """The answer of `Provider.list_changes`.

    The cursor of an unfinished initial state is `initial!<position>!<row>`: what is written while
    it is being read comes after it as a change.
    """
    calendar_id = world.calendar_id(query.calendar_id) if query.kind == EVENT else ""
    if query.cursor and not query.cursor.startswith(_INITIAL):
        notes, cursor, more = world.journal.since(query.cursor, query.kind, calendar_id, PAGE)
        return ChangesPage([_change(world, note, query) for note in notes], cursor, has_more=more)
    if query.baseline and not query.cursor:
        present = _present(world, query.kind, calendar_id)
        versions = {own_id: version for _, own_id, version, _ in present}
        return ChangesPage([], world.journal.cursor(), versions=versions)
    return _initial(world, query, calendar_id)


def _initial(world: World, query: ChangesQuery, calendar_id: str) -> ChangesPage:
    position, _, after = query.cursor.removeprefix(_INITIAL).partition("!")
    position = position or world.journal.cursor()
    world.journal.check(position)
    found = sorted(_present(world, query.kind, calendar_id))
    if after:
        last = row_of(after)
        found = [item for item in found if (item[0], item[1]) > last]
    page, rest = found[:PAGE], found[PAGE:]
    changes = []
    for _, own_id, version, framed in page:
        note = Note(0, CREATED, query.kind, calendar_id, own_id, world.now)
        change = _blank(world.connection_id, note, version)
        _fill(change, world, framed, query)
        changes.append(change)
    cursor = f"{_INITIAL}{position}!{page[-1][0]}:{page[-1][1]}" if rest else position
    return ChangesPage(changes, cursor, has_more=bool(rest))


def _present(
    world: World, kind: ResourceKind, calendar_id: str
) -> Iterator[tuple[int, str, str, bytes]]:
    """Order, id, version and frame of every object of a kind."""
    if kind == EVENT:
        for entry in world.agendas[calendar_id].stored_entries():
            yield entry.start, entry.id, entry.etag, entry.framed
    else:
        for record in world.shelf(kind).records.values():
            yield record.order, record.id, record.version, record.framed


def _change(world: World, note: Note, query: ChangesQuery) -> watch_pb2.Change:
    version = str(note.position)
    framed: bytes | None = None
    if note.type != DELETED:
        version, framed = _current(world, note)
    change = _blank(world.connection_id, note, version)
    change.changed_at.FromDatetime(note.at)
    if framed is not None:
        _fill(change, world, framed, query)
    return change


def _current(world: World, note: Note) -> tuple[str, bytes | None]:
    """Version and frame of what `note` is about, as it is now."""
    if note.kind != EVENT:
        record = world.shelf(note.kind).records.get(note.id)
        return (record.version, record.framed) if record else ("", None)
    try:
        entry = world.agendas[note.calendar_id].stored(note.id)
    except (KeyError, ProviderError):
        return "", None
    return entry.etag, entry.framed


def _blank(connection_id: str, note: Note, version: str) -> watch_pb2.Change:
    """A change without its resource."""
    change = watch_pb2.Change(
        type=note.type,
        kind=note.kind,
        connection_id=connection_id,
        id=note.id,
        calendar_id=note.id if note.kind == _CALENDAR else note.calendar_id,
    )
    name = f"{note.kind}\n{note.id}\n{version}\n{note.type}"
    change.dedup_key = hashlib.sha256(name.encode()).hexdigest()[:32]
    if note.type == DELETED:
        change.id_digest = hashlib.sha256(note.id.encode()).digest()[:5]
    return change


def _fill(change: watch_pb2.Change, world: World, framed: bytes, query: ChangesQuery) -> None:
    resource: Message
    if query.kind == EVENT:
        resource = change.event
        resource.CopyFrom(unframe(framed, event_pb2.Event))
    else:
        shelf = world.shelf(query.kind)
        resource = getattr(change, shelf.name)
        resource.CopyFrom(unframe(framed, shelf.type))
    if query.include_raw:
        raw.fill(resource)
