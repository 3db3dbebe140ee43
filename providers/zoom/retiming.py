"""New times, or a new rule, of meetings and webinars: what to ask of Zoom for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from providers.core import recurrence, times
from providers.core.errors import Kind, ProviderError
from providers.zoom import events, meetings, series, series_writes
from providers.zoom.ids import MeetingId
from providers.zoom.repetition import dump_rule, parse_rule
from providers.zoom.series_writes import Place, Series, Span, planned_series
from providers.zoom.wire import Meeting
from providers.zoom.zones import dump_zone
from ucal.v1 import event_pb2, types_pb2, webinar_pb2

TIMES = frozenset({"start_at", "end_at", "recurrence"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request wants of an event or a webinar.

    Attributes:
        roots: fields that its mask names.
        now: the present.
    """

    resource: event_pb2.Event | webinar_pb2.Webinar
    roots: frozenset[str]
    place: Place
    now: datetime

    def field(self, name: str) -> str:
        """Path of a field in the request."""
        return f"{self.place.resource}.{name}"

    def check(self) -> None:
        """Zoom takes instants only.

        Raises:
            ProviderError: INVALID.
        """
        for name in ("start_at", "end_at"):
            if (
                name in self.roots
                and getattr(self.resource, name).WhichOneof("value") != "timestamp"
            ):
                raise ProviderError.invalid(
                    self.field(name), "Zoom takes instants only: no dates, no floating times"
                )

    def texts(self) -> dict[str, object]:
        """`topic` and `agenda`, where the mask names them."""
        body: dict[str, object] = {}
        if "subject" in self.roots:
            body["topic"] = meetings.dump_text(
                self.resource.subject, meetings.MAX_TOPIC, self.field("subject")
            )
        if "description" in self.roots:
            body["agenda"] = meetings.dump_text(
                self.resource.description, meetings.MAX_AGENDA, self.field("description")
            )
        return body


def occurrence_body(wish: Wish, asked: MeetingId, found: Meeting) -> dict[str, object]:
    """Body of PATCH ?occurrence_id=; empty when nothing changes.

    Raises:
        ProviderError: NOT_FOUND, when there is no such occurrence any more; UNSUPPORTED, for fields
            that Zoom changes of whole series only; INVALID.
    """
    series_writes.refuse_fields_of_occurrence(wish.roots)
    slot = events.occurrence(asked, found)
    if slot is None or slot.deleted:
        raise ProviderError.not_found(wish.place.resource, str(asked))
    wish.check()
    start_at, end_at = wish.resource.start_at, wish.resource.end_at
    span = Span.of((slot.start, slot.end), start_at, end_at, wish.roots)
    length = meetings.dump_minutes(span.start, span.end, wish.field("end_at"))
    body = wish.texts()
    if span.moved:
        series_writes.future(span.start, wish.now, wish.field("start_at"))
        body |= meetings.dump_start(start_at, "", local=False, field=wish.field("start_at"))
    if span.stretched:
        body["duration"] = length
    return body


class Retiming:
    """A change of times or rule of a whole meeting or series.

    Attributes:
        wanted: the series to be, when its occurrences are planned anew or some are to be deleted.
        loses: single occurrences lose what was changed of them.
    """

    def __init__(self, wish: Wish, found: Meeting) -> None:
        self.wish = wish
        self.found = found
        self.wanted: Series | None = None
        self.loses = False
        self.recurring = series.kind(found) in series.FIXED
        self.old = types_pb2.EventTime()
        self.old_end = types_pb2.EventTime()
        series.fill_span(self.old, self.old_end, found)
        self.start = types_pb2.EventTime()

    def body(self) -> dict[str, object]:
        """What to PATCH.

        Raises:
            ProviderError: INVALID; UNSUPPORTED, to make one meeting of a series.
        """
        self.wish.check()
        span = self._span()
        length = meetings.dump_minutes(span.start, span.end, self.wish.field("end_at"))
        body: dict[str, object] = {"duration": length} if span.stretched else {}
        named = self.wish.roots
        renamed = "start_at" in named and self.start.time_zone != self.old.time_zone
        replanned = span.moved or renamed
        if self.recurring and not replanned and "recurrence" not in named:
            return body
        rules = self._rules()
        if not rules:
            return body | (self._start(local=False) if replanned else {})
        if not self.recurring or replanned or self._other_rule(rules):
            body |= self._anew(rules, length)
        return body

    def _span(self) -> Span:
        start_at, end_at = self.wish.resource.start_at, self.wish.resource.end_at
        named = self.wish.roots
        self.start.CopyFrom(start_at if "start_at" in named else self.old)
        self.start.time_zone = self.start.time_zone or self.old.time_zone
        if self.old.WhichOneof("value"):
            old = times.instant(self.old), times.instant(self.old_end)
            return Span.of(old, start_at, end_at, named)
        if not {"start_at", "end_at"} <= named:
            raise ProviderError.invalid(
                self.wish.field("start_at"), "it has no time yet: give start and end"
            )
        begin, end = times.instant(start_at), times.instant(end_at)
        return Span(begin, end, end, end)

    def _start(self, *, local: bool) -> dict[str, str]:
        field = self.wish.field("start_at")
        series_writes.future(times.instant(self.start), self.wish.now, field)
        name = self.start.time_zone
        zone = dump_zone(name, f"{field}.time_zone") if name else ""
        return meetings.dump_start(self.start, zone, local=local, field=field)

    def _rules(self) -> list[str]:
        """Lines of the series to be; empty for what takes place once."""
        if "recurrence" in self.wish.roots:
            rules = list(self.wish.resource.recurrence.rules)
            if self.recurring and not rules:
                raise ProviderError(
                    Kind.UNSUPPORTED,
                    "Zoom: a series cannot be made one meeting: delete it and make a new one",
                    violations=[("update_mask", "recurrence cannot be cleared")],
                )
            return rules
        return self._moved() if self.recurring else []

    def _moved(self) -> list[str]:
        """The old rule and its exceptions, moved along with the start (P39)."""
        rule = self._old_rule()
        if rule is None:
            raise ProviderError(
                Kind.PRECONDITION, "the rule of the series cannot be read, so it cannot be moved"
            )
        slots = series.slots(self.found)
        gone = series.exdates([s.planned for s in slots if s.deleted], self.old.time_zone)
        if self.start.time_zone != self.old.time_zone:
            self.loses = self.loses or bool(gone)
            return [rule]
        new, old = times.local(self.start), times.local(self.old)
        if not (isinstance(new, datetime) and isinstance(old, datetime)):
            return [rule]
        return recurrence.shift([rule, *gone], self.old, new - old)

    def _old_rule(self) -> str | None:
        return parse_rule(self.found.recurrence, self.old) if self.found.recurrence else None

    def _other_rule(self, rules: Iterable[str]) -> bool:
        """Whether the occurrences have to be planned anew for `rules`.

        Otherwise nothing is sent but deletions of occurrences that are newly excluded.
        """
        wanted = planned_series(rules, self.old, self.wish.place)
        rule = self._old_rule()
        back = any(s.deleted and not wanted.excludes(s) for s in series.slots(self.found))
        if rule is None or back:
            return True
        try:
            known = dump_rule([rule], self.old, self.wish.place.limits, "recurrence.rules")
        except ProviderError:
            return True  # Zoom has made a rule that it does not take
        if known != wanted.body:
            return True
        self.wanted = wanted
        return False

    def _anew(self, rules: list[str], length: int) -> dict[str, object]:
        """Everything by which Zoom plans the occurrences (P81)."""
        if not self.start.time_zone:
            field = self.wish.field("start_at.time_zone")
            raise ProviderError.invalid(field, "a series needs a zone")
        self.wanted = planned_series(rules, self.start, self.wish.place)
        usual = series.minutes(self.found.duration)
        self.loses = self.loses or any(
            not s.deleted and (s.start != s.planned or s.minutes != usual)
            for s in series.slots(self.found)
        )
        return {
            "type": self.wish.place.fixed,
            **self._start(local=True),
            "duration": length,
            "recurrence": self.wanted.body,
        }


def retiming(wish: Wish, found: Meeting, asked: MeetingId) -> Retiming | None:
    """The change of times that `wish` holds; None when it holds none.

    Raises:
        ProviderError: INVALID, to move a series by one of its occurrences.
    """
    if not wish.roots & TIMES:
        return None
    if asked.occurrence:
        raise ProviderError.invalid("scope", "to move the whole series, name the series")
    return Retiming(wish, found)
