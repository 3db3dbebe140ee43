"""Writing series: the body of a repetition, deletions of single occurrences, what Zoom made of it.

Whoever sends `recurrence` has the occurrences planned anew: edits and deletions of single ones are
lost (seen in 2024 by several clients), so it is sent whole, with its start (P81), and only when it
changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from providers.core import recurrence, times
from providers.core.errors import Kind, ProviderError
from providers.zoom import events, repetition, series
from providers.zoom.api import Api
from providers.zoom.ids import MeetingId
from providers.zoom.wire import Meeting
from ucal.v1 import types_pb2

SCOPES = (types_pb2.UPDATE_SCOPE_THIS_INSTANCE, types_pb2.UPDATE_SCOPE_ALL)
_FAR = timedelta(days=40 * 366)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kind of object is kept.

    Attributes:
        path: "meetings" or "webinars".
        resource: "event" or "webinar", which is also the field of requests.
        once: type of an object that takes place once.
        fixed: type of a series with times.
        limits: of the series.
    """

    path: str
    resource: str
    once: int
    fixed: int
    limits: repetition.Limits


MEETINGS = Place("meetings", "event", 2, 8, repetition.MEETING)
WEBINARS = Place("webinars", "webinar", 5, 9, repetition.WEBINAR)


@dataclass(frozen=True, slots=True)
class Series:
    """A series as it is to be.

    Attributes:
        body: `recurrence` of the request.
        rules: RFC 5545 lines.
        start: of the series.
        excluded: EXDATE of the lines.
    """

    body: dict[str, int | str]
    rules: tuple[str, ...]
    start: types_pb2.EventTime
    excluded: tuple[types_pb2.EventTime, ...]

    def excludes(self, slot: series.Slot) -> bool:
        """Whether an occurrence is not to take place."""
        day = types_pb2.EventTime()
        times.set_instant(day, slot.planned, self.start.time_zone)
        local = times.local(day)
        for when in self.excluded:
            if when.WhichOneof("value") == "date":
                if isinstance(local, datetime) and times.date_of(when.date) == local.date():
                    return True
            elif times.instant(when) == slot.planned:
                return True
        return False


def planned_series(rules: Iterable[str], start: types_pb2.EventTime, place: Place) -> Series:
    """What a request's rules come to.

    Raises:
        ProviderError: INVALID, for what Zoom cannot say.
    """
    lines = list(rules)
    field = f"{place.resource}.recurrence.rules"
    body = repetition.dump_rule(lines, start, place.limits, field)
    found = types_pb2.Recurrence()
    recurrence.fill(found, lines, start)
    return Series(body, tuple(lines), start, tuple(found.excluded))


async def settle(api: Api, place: Place, found: Meeting, wanted: Series) -> tuple[Meeting, bool]:
    """Delete what is excluded, and look at what Zoom has planned.

    Returns:
        The series as it is then, and whether its occurrences are other ones than the rules yield.

    Raises:
        ProviderError: as `Api.send`.
    """
    number = series.number(found)
    if not found.occurrences:
        found, _ = await events.fetch(
            api, MeetingId(number), path=place.path, resource=place.resource
        )
    gone = [s for s in series.slots(found) if not s.deleted and wanted.excludes(s)]
    for slot in gone:
        await api.send("DELETE", f"{place.path}/{number}", params=MeetingId(number, slot.id).params)
    if gone:
        found, _ = await events.fetch(
            api, MeetingId(number), path=place.path, resource=place.resource
        )
    return found, differs(found, wanted)


def differs(found: Meeting, wanted: Series) -> bool:
    """Whether Zoom has planned other occurrences than the rules yield."""
    made = [slot.planned for slot in series.slots(found)]
    if not made:
        return False
    first = times.instant(wanted.start)
    rules = [line for line in wanted.rules if line[:1] in "Rr"]
    ours = [
        times.in_zone(each, UTC)
        for each in recurrence.occurrences(
            rules, wanted.start, first, first + _FAR, limit=repetition.MAX_OCCURRENCES
        )
        if isinstance(each, datetime)
    ]
    # Zoom drops deleted occurrences that are over, and plans endless ones only so far ahead.
    length = min(len(made), len(ours)) if not wanted.body.get("end_times", 1) else None
    return made[:length] != ours[:length]


# -- which one is meant


def check_scope(
    asked: MeetingId, scope: types_pb2.UpdateScope.ValueType, *, recurring: bool
) -> None:
    """Whether `scope` says what is to be touched of what `asked` names.

    Raises:
        ProviderError: INVALID in "scope".
    """
    if not recurring and not asked.occurrence:
        return
    if scope == types_pb2.UPDATE_SCOPE_UNSPECIFIED:
        raise ProviderError.invalid("scope", "it recurs: say what to touch")
    if scope == types_pb2.UPDATE_SCOPE_THIS_INSTANCE and not asked.occurrence:
        raise ProviderError.invalid("scope", "the id names the series, not an instance")


# -- one occurrence


@dataclass(frozen=True, slots=True)
class Span:
    """Start and length before and after a change.

    Attributes:
        start: as it is to be.
        old_start: as it is.
    """

    start: datetime
    end: datetime
    old_start: datetime
    old_end: datetime

    @classmethod
    def of(
        cls,
        old: tuple[datetime, datetime],
        start_at: types_pb2.EventTime,
        end_at: types_pb2.EventTime,
        roots: frozenset[str],
    ) -> "Span":
        """`old` with what the mask names taken from the request."""
        start = times.instant(start_at) if "start_at" in roots else old[0]
        end = times.instant(end_at) if "end_at" in roots else old[1]
        return cls(start, end, *old)

    @property
    def moved(self) -> bool:
        """Whether the start is another one."""
        return self.start != self.old_start

    @property
    def stretched(self) -> bool:
        """Whether the length is another one."""
        return self.end - self.start != self.old_end - self.old_start


OF_OCCURRENCE = frozenset({"start_at", "end_at", "description"})


def refuse_fields_of_occurrence(roots: Iterable[str], field: str = "update_mask") -> None:
    """Zoom changes nothing else of a single occurrence.

    Raises:
        ProviderError: UNSUPPORTED, naming the field.
    """
    for name in sorted(roots):
        if name not in OF_OCCURRENCE:
            raise ProviderError(
                Kind.UNSUPPORTED,
                f"Zoom: {name} of a single occurrence cannot be changed",
                violations=[(field, f"{name} of a single occurrence cannot be changed")],
                metadata={"capability": "update_scope_this_instance"},
            )


def future(start: datetime, now: datetime, field: str) -> None:
    """Zoom takes a start in the past for the present moment, or for none.

    Raises:
        ProviderError: INVALID.
    """
    if start < now:
        raise ProviderError.invalid(field, "is in the past, where Zoom plans nothing")
