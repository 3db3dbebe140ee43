"""What changed in a calendar: sync-collection (RFC 6578), or etags compared where there is none.

Objects are told as a whole: a series whose exception was changed is a series that changed. A
server does not say whether what changed is new, so changes are UPSERTED.
"""

import hashlib
import zlib
from base64 import b85decode, b85encode
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from providers.caldav import resources
from providers.caldav.events import opened
from providers.caldav.objects import Frame
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from ucal.v1 import types_pb2, watch_pb2

PAGE = 200
MAX_KNOWN = 24 * 1024
_MOST_PARTS = 200
_CREATED = watch_pb2.CHANGE_TYPE_CREATED
_UPDATED = watch_pb2.CHANGE_TYPE_UPDATED
_UPSERTED = watch_pb2.CHANGE_TYPE_UPSERTED
_DELETED = watch_pb2.CHANGE_TYPE_DELETED


class Position(msgspec.Struct, gc=False, omit_defaults=True):
    """Where a watch of one calendar goes on.

    Attributes:
        token: the server's; changes after it are wanted. "" while the first state is told.
        following: token at which to go on when the pages that `token` began are all told.
        after: name of the last object that was told.
        known: of a server without sync tokens: digests of etags by name, packed.
        compares: the server has no sync tokens.
    """

    token: str = ""
    following: str = ""
    after: str = ""
    known: str = ""
    compares: bool = False


def read_position(text: str) -> Position:
    """The position in a cursor.

    Raises:
        ProviderError: CURSOR_EXPIRED for one that is not readable any more.
    """
    if not text.startswith("{"):
        return Position(token=text)
    try:
        return msgspec.json.decode(text, type=Position)
    except (msgspec.MsgspecError, UnicodeError):
        raise ProviderError(Kind.CURSOR_EXPIRED, "the cursor is not known: begin anew") from None


def write_position(position: Position) -> str:
    """The inverse of `read_position`; a plain token is a cursor by itself."""
    if position == Position(token=position.token) and not position.token.startswith("{"):
        return position.token
    return msgspec.json.encode(position).decode()


async def list_changes(call: Call, frame: Frame, query: ChangesQuery) -> ChangesPage:
    """The answer of `Provider.list_changes` for the events of a calendar."""
    if not query.cursor:
        return await _begin(call, frame, query)
    position = read_position(query.cursor)
    if position.compares:
        return await _compared(call, frame, position)
    if not position.token:
        return await _initial(call, frame, position)
    return await _delta(call, frame, position)


async def _begin(call: Call, frame: Frame, query: ChangesQuery) -> ChangesPage:
    """The token of before the first look, so that nothing is missed in between."""
    token = await _token(call, frame)
    if not token:
        return await _compared(call, frame, Position(compares=True), baseline=query.baseline)
    if query.baseline:
        return ChangesPage([], token, versions=await _versions(call, frame))
    return await _initial(call, frame, Position(following=token))


async def _token(call: Call, frame: Frame) -> str:
    if not frame.calendar.syncs:
        return ""
    token = await resources.sync_token(call.http, frame.calendar)
    if token:
        return token
    return (await resources.changed_since(call.http, frame.calendar, ""))[2]


async def _versions(call: Call, frame: Frame) -> dict[str, str]:
    """Etags of what is there, by id."""
    index = await resources.query(call.http, frame.calendar, None, None, data=False)
    return {resources.id_of(frame.calendar, blob.name): blob.etag for blob in index}


async def _initial(call: Call, frame: Frame, position: Position) -> ChangesPage:
    """What is there, page by page, but for what comes after `following` anyway."""
    index = await resources.query(call.http, frame.calendar, None, None, data=False)
    later = await _later(call, frame, position.following)
    names = [b.name for b in index if b.name > position.after and b.name not in later]
    page, rest = names[:PAGE], names[PAGE:]
    changes, _ = await _read(call, frame, page, dict.fromkeys(page, _CREATED))
    if not rest:
        return ChangesPage(changes, position.following)
    cursor = write_position(Position(following=position.following, after=page[-1]))
    return ChangesPage(changes, cursor, has_more=True)


async def _later(call: Call, frame: Frame, token: str) -> set[str]:
    """Names of what was made or changed after `token`.

    It must not be told before the changes after `token` are: what is made and deleted between two
    tokens is in no answer (RFC 6578 section 3.5.2), so that nobody would hear that it has gone.
    """
    found: set[str] = set()
    for _ in range(_MOST_PARTS):
        changed, _gone, token, more = await resources.changed_since(
            call.http, frame.calendar, token
        )
        found.update(changed)
        if not more:
            break
    return found


async def _delta(call: Call, frame: Frame, position: Position) -> ChangesPage:
    """What changed since the token, page by page.

    Later pages ask for the same token again and pass over what was told; what changes meanwhile
    comes after `following`, the token that the first page got.
    """
    http, calendar = call.http, frame.calendar
    changed, gone, token, more = await resources.changed_since(http, calendar, position.token)
    following = position.following or token
    later = await _later(call, frame, following) if position.following else set()
    names = sorted(n for n in {*changed, *gone} if n > position.after and n not in later)
    page, rest = names[:PAGE], names[PAGE:]
    wanted = [name for name in page if name in changed]
    changes, lost = await _read(call, frame, wanted, dict.fromkeys(wanted, _UPSERTED))
    changes += [deletion(frame, name) for name in page if name in gone or name in lost]
    if rest:
        cursor = Position(token=position.token, following=following, after=page[-1])
        return ChangesPage(changes, write_position(cursor), has_more=True)
    return ChangesPage(changes, following, has_more=more or following != token)


async def _read(
    call: Call,
    frame: Frame,
    names: Sequence[str],
    types: Mapping[str, watch_pb2.ChangeType.ValueType],
) -> tuple[list[watch_pb2.Change], set[str]]:
    """Changes that carry the named objects, and the names of those that are gone by now."""
    if not names:
        return [], set()
    blobs = await resources.multiget(call.http, frame.calendar, names)
    changes = []
    async for found in opened(blobs, frame):
        change = blank(frame, found.name, types[found.name], found.etag)
        found.event(change.event)
        if change.event.HasField("updated_at"):
            change.changed_at.CopyFrom(change.event.updated_at)
        changes.append(change)
    return changes, set(names) - {blob.name for blob in blobs}


def blank(
    frame: Frame, name: str, type: watch_pb2.ChangeType.ValueType, version: str
) -> watch_pb2.Change:
    """A change without its resource."""
    own_id = resources.id_of(frame.calendar, name)
    said = f"{own_id}\n{version}\n{type == _DELETED}"
    return watch_pb2.Change(
        type=type,
        kind=types_pb2.RESOURCE_KIND_EVENT,
        connection_id=frame.connection_id,
        id=own_id,
        calendar_id=frame.calendar.path,
        dedup_key=hashlib.sha256(said.encode()).hexdigest()[:32],
    )


def deletion(frame: Frame, name: str) -> watch_pb2.Change:
    """The change of an object that is gone."""
    change = blank(frame, name, _DELETED, "")
    change.id_digest = hashlib.sha256(change.id.encode()).digest()[:5]
    return change


# -- servers without sync tokens


async def _compared(
    call: Call, frame: Frame, position: Position, *, baseline: bool = False
) -> ChangesPage:
    """Compare the etags that are there with those of the last time, which the cursor holds."""
    index = await resources.query(call.http, frame.calendar, None, None, data=False)
    now = {blob.name: digest(blob.etag) for blob in index}
    before = unpack(position.known) if position.known else {}
    cursor = write_position(Position(compares=True, known=pack(now)))
    if baseline:
        versions = {resources.id_of(frame.calendar, b.name): b.etag for b in index}
        return ChangesPage([], cursor, versions=versions)
    new = set(now) - set(before)
    types = {
        name: _CREATED if name in new else _UPDATED
        for name, mark in now.items()
        if before.get(name) != mark
    }
    changes, _ = await _read(call, frame, sorted(types), types)
    changes += [deletion(frame, name) for name in sorted(set(before) - set(now))]
    return ChangesPage(changes, cursor)


def digest(etag: str) -> str:
    """Six characters that change when the etag does."""
    return b85encode(hashlib.sha256(etag.encode()).digest()[:4]).decode()


def pack(known: Mapping[str, str]) -> str:
    """Names and digests as text.

    Raises:
        ProviderError: PRECONDITION when it is more than a cursor can hold.
    """
    lines = "\n".join(f"{known[name]} {name}" for name in sorted(known))
    packed = b85encode(zlib.compress(lines.encode(), 6)).decode()
    if len(packed) > MAX_KNOWN:
        raise ProviderError(
            Kind.PRECONDITION,
            "this server has no sync tokens, and the calendar holds too many events to compare",
            reason="CALENDAR_TOO_LARGE",
        )
    return packed or "-"


def unpack(text: str) -> dict[str, str]:
    """The inverse of `pack`."""
    try:
        lines = zlib.decompress(b85decode(text)).decode()
    except (ValueError, zlib.error):
        raise ProviderError(Kind.CURSOR_EXPIRED, "the cursor is not known: begin anew") from None
    pairs: Iterable[tuple[str, str, str]] = (line.partition(" ") for line in lines.splitlines())
    return {name: mark for mark, _, name in pairs if name}
