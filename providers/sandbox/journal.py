"""What happened in a world, in order, as far back as a bounded journal goes.

A cursor is a position in it. Nothing of a calendar stands here but ids.
"""

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from ucal.v1 import watch_pb2

LIMIT = 5_000

_CREATED = watch_pb2.CHANGE_TYPE_CREATED
_UPDATED = watch_pb2.CHANGE_TYPE_UPDATED
_DELETED = watch_pb2.CHANGE_TYPE_DELETED


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened to one object.

    Attributes:
        position: 1 for the first note of a world.
        calendar_id: "" for kinds that hang on no calendar.
        at: aware, UTC.
    """

    position: int
    type: watch_pb2.ChangeType.ValueType
    kind: ResourceKind
    calendar_id: str
    id: str
    at: datetime


class Journal:
    """The notes of one world.

    Attributes:
        epoch: names the world; a cursor of another one is too old by definition.
    """

    def __init__(self, epoch: str, limit: int = LIMIT) -> None:
        self.epoch = epoch
        self.position = 0
        self._notes: deque[Note] = deque(maxlen=limit)

    def note(
        self,
        type: watch_pb2.ChangeType.ValueType,
        kind: ResourceKind,
        calendar_id: str,
        id: str,
        at: datetime,
    ) -> None:
        """Write down a change; the oldest note makes room when the journal is full."""
        self.position += 1
        self._notes.append(Note(self.position, type, kind, calendar_id, id, at))

    def cursor(self) -> str:
        """The cursor for "from now on"."""
        return f"{self.epoch}.{self.position}"

    def since(
        self, cursor: str, kind: ResourceKind, calendar_id: str, limit: int
    ) -> tuple[list[Note], str, bool]:
        """The net change of each object of `kind` after `cursor`, in order of the last note on it.

        An object that came and went in between is left out: its id was never shown (P05). At most
        `limit` notes are read; then come the cursor behind them and whether there are more.

        Raises:
            ProviderError: CURSOR_EXPIRED when notes after `cursor` have been dropped, or the world
                behind it is gone.
        """
        unread = self.position - self._position(cursor)
        notes = [
            note
            for note in islice(reversed(self._notes), unread)
            if note.kind == kind and note.calendar_id == calendar_id
        ]
        notes.reverse()
        if len(notes) > limit:
            notes = notes[:limit]
            return _nets(notes), f"{self.epoch}.{notes[-1].position}", True
        return _nets(notes), self.cursor(), False

    def check(self, cursor: str) -> None:
        """Whether `since` can go on from `cursor`.

        Raises:
            ProviderError: as `since`.
        """
        self._position(cursor)

    def begin(self) -> None:
        """Let the present be the earliest point to go on from."""
        self._notes.clear()

    def forget(self) -> None:
        """Make every cursor given so far too old."""
        self.epoch += "x"
        self._notes.clear()

    def _position(self, cursor: str) -> int:
        epoch, _, digits = cursor.rpartition(".")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
            raise ProviderError.invalid("resume_token", "not a cursor of the sandbox")
        position = int(digits)
        oldest = self.position - len(self._notes)
        if epoch != self.epoch or not oldest <= position <= self.position:
            raise expired()
        return position


def expired() -> ProviderError:
    """The error of a cursor that is too old."""
    return ProviderError(
        Kind.CURSOR_EXPIRED,
        "the sandbox no longer knows this position: read the state anew and watch from there",
    )


def _nets(notes: list[Note]) -> list[Note]:
    firsts: dict[str, Note] = {}
    lasts: dict[str, Note] = {}
    for note in notes:
        firsts.setdefault(note.id, note)
        lasts.pop(note.id, None)
        lasts[note.id] = note
    nets = (_net(firsts[last.id], last) for last in lasts.values())
    return [net for net in nets if net is not None]


def _net(first: Note, last: Note) -> Note | None:
    """What `first` to `last`, notes on one object, come to."""
    if last.type == _DELETED:
        return None if first.type == _CREATED else last
    return replace(last, type=_CREATED if first.type == _CREATED else _UPDATED)
