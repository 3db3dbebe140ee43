"""`Event` to VEVENT: each field has a writer that touches the lines of that field alone. Pure.

Whatever else a component holds stays as it is (RFC 5545 section 3.8.8.2 asks for no less).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from providers.caldav import alarms, colors, links, people
from providers.caldav.parsing import CALLS, KEY, METADATA, RULES, SHOW_AS, STATUS, VISIBILITY
from providers.caldav.values import dump_wall
from providers.core import times, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.ical import Component, Document, Line, param
from providers.core.ical_write import escape, join_params, quote
from providers.core.ical_write import write as dump_document
from providers.core.vtimezone_write import vtimezone_text
from ucal.v1 import event_pb2, types_pb2

WRITABLE = (
    "subject", "description", "start_at", "end_at", "status", "organizer", "attendees", "location",
    "recurrence", "conference", "attachments", "visibility", "show_as", "reminders", "color",
    "metadata", "categories",
)  # fmt: skip
# A change that may make answers void raises SEQUENCE (RFC 5546 section 2.1.4).
SIGNIFICANT = frozenset({"start_at", "end_at", "recurrence", "location", "status"})
PRODID = "-//ucal//caldav//EN"

_STATUS_WORDS = {status: word for word, status in STATUS.items()}
_CLASS_WORDS = {visibility: word for word, visibility in VISIBILITY.items()}
_BUSY_WORDS = {show_as: word for word, show_as in SHOW_AS.items()}
_BUSY = "X-MICROSOFT-CDO-BUSYSTATUS"
_MEETING_KINDS = {types_pb2.CONFERENCE_KIND_GOOGLE_MEET: "X-GOOGLE-CONFERENCE"}


@dataclass(slots=True)
class Losses:
    """Fields that could not be kept as they were asked for."""

    coerced: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Note a loss, once."""
        if name not in self.coerced:
            self.coerced.append(name)

    def report(self, report: types_pb2.WriteReport) -> None:
        """Tell of them."""
        if self.coerced:
            del report.coerced_fields.paths[:]
            report.coerced_fields.paths.extend(self.coerced)

    def refuse_if(self, strict: bool) -> None:
        """Refuse a loss that the caller does not want.

        Raises:
            ProviderError: PRECONDITION.
        """
        if strict and self.coerced:
            raise ProviderError(
                Kind.PRECONDITION,
                f"CalDAV cannot keep as asked: {', '.join(self.coerced)}",
                reason="FIELDS_NOT_SUPPORTED",
                violations=[(f"event.{name}", "cannot be kept as asked") for name in self.coerced],
            )


@dataclass(slots=True)
class Target:
    """Where an event is written.

    Attributes:
        address: mail address of the account, "" when it has none.
        before: the event as it was, for one that is there.
    """

    document: Document
    component: Component
    losses: Losses
    address: str = ""
    before: event_pb2.Event | None = None


Writer: TypeAlias = Callable[[Target, event_pb2.Event], None]


def write_event(target: Target, event: event_pb2.Event, names: Iterable[str]) -> None:
    """Write the named top-level fields of `event`."""
    for writer in dict.fromkeys(WRITERS[name] for name in names if name in WRITERS):
        writer(target, event)


def touch(component: Component, now: datetime, *, significant: bool) -> None:
    """Note when it was changed, and with `significant` that people should look again.

    SEQUENCE is the organizer's: a server refuses an attendee's answer that touches it.
    """
    stamp = dump_wall(now.astimezone(UTC).replace(microsecond=0))
    component.put("DTSTAMP", stamp)
    component.put("LAST-MODIFIED", stamp)
    if significant:
        text = component.text("SEQUENCE").strip()
        known = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
        component.put("SEQUENCE", str(known + 1))


def new_document(uid: str, now: datetime) -> tuple[Document, Component]:
    """A calendar object with one empty event."""
    root = Component("VCALENDAR")
    root.lines = [
        ("VERSION", "", "2.0"),
        ("PRODID", "", PRODID),
        ("CALSCALE", "", "GREGORIAN"),
    ]
    component = Component("VEVENT")
    component.lines = [("UID", "", uid), ("CREATED", "", dump_wall(now.replace(microsecond=0)))]
    root.parts.append(component)
    return Document(root), component


# -- times


def time_line(
    document: Document, name: str, when: types_pb2.EventTime, year: int | None = None
) -> Line:
    """A DATE or DATE-TIME property; the VTIMEZONE that it needs is put into `document`."""
    form = when.WhichOneof("value")
    if form == "date":
        return (name, ";VALUE=DATE", dump_wall(times.date_of(when.date)))
    if form == "floating":
        return (name, "", dump_wall(times.local(when)))
    instant = times.instant(when)
    zone = timezones.iana_name(when.time_zone) if when.time_zone else "UTC"
    if zone in {"UTC", None}:
        return (name, "", dump_wall(instant))
    need_zone(document, zone, year or instant.year)
    wall = instant.astimezone(timezones.zone(zone)).replace(tzinfo=None)
    return (name, f";TZID={zone}", dump_wall(wall))


def timezone_document(zone: str) -> str:
    """A calendar-timezone property: a VCALENDAR with the rules of `zone`."""
    document = Document(Component("VCALENDAR"))
    document.root.lines = [("VERSION", "", "2.0"), ("PRODID", "", PRODID)]
    need_zone(document, zone, datetime.now(UTC).year)
    return dump_document(document).decode()


def need_zone(document: Document, zone: str, year: int) -> None:
    """Put the rules of `zone` into `document`, unless it has them: from the year before on."""
    if zone not in document.zones:
        present = datetime.now(UTC).year
        document.zones[zone] = vtimezone_text(zone, min(max(year, 1900), present) - 1)


def _times(target: Target, event: event_pb2.Event) -> None:
    start, end = event.start_at, event.end_at
    if start.WhichOneof("value") != end.WhichOneof("value"):
        raise ProviderError.invalid("event.end_at", "must have the form of event.start_at")
    first, last = times.instant(start), times.instant(end)
    if last < first or (start.HasField("date") and last == first):
        raise ProviderError.invalid(
            "event.end_at", "must be after event.start_at; the end of an all-day event is exclusive"
        )
    component = target.component
    component.put_all(["DTSTART"], [time_line(target.document, "DTSTART", start)])
    component.put_all(["DTEND", "DURATION"], [time_line(target.document, "DTEND", end, first.year)])


# -- words


def _word(name: str, attribute: str) -> Writer:
    def write(target: Target, event: event_pb2.Event) -> None:
        text: str = getattr(event, attribute)
        if not text:
            target.component.drop(name)
            return
        written = escape(text)
        line = target.component.first(name)
        target.component.put(name, written, _language_only(line))

    return write


def _language_only(line: Line | None) -> str:
    """A new text has no alternative form in another place; its language may stay."""
    language = param(line, "LANGUAGE") if line else ""
    return f";LANGUAGE={quote(language)}" if language else ""


def _description(target: Target, event: event_pb2.Event) -> None:
    _word("DESCRIPTION", "description")(target, event)
    target.component.drop("X-ALT-DESC")  # the same in HTML, which is not the same any more


def _location(target: Target, event: event_pb2.Event) -> None:
    _word("LOCATION", "location")(target, event)
    target.component.drop("X-APPLE-STRUCTURED-LOCATION", "GEO")  # of the old place


def _status(target: Target, event: event_pb2.Event) -> None:
    target.component.put("STATUS", _STATUS_WORDS.get(event.status, "CONFIRMED"))


def _visibility(target: Target, event: event_pb2.Event) -> None:
    word = _CLASS_WORDS.get(event.visibility)
    if word is None:
        target.component.drop("CLASS")
    else:
        target.component.put("CLASS", word)


def _show_as(target: Target, event: event_pb2.Event) -> None:
    component = target.component
    free = event.show_as == event_pb2.SHOW_AS_FREE
    component.put("TRANSP", "TRANSPARENT" if free else "OPAQUE")
    plain = event.show_as in {event_pb2.SHOW_AS_UNSPECIFIED, event_pb2.SHOW_AS_BUSY}
    if component.first(_BUSY) is not None or not (free or plain):
        component.put(_BUSY, _BUSY_WORDS.get(event.show_as, "BUSY"))


def _color(target: Target, event: event_pb2.Event) -> None:
    if not event.color:
        target.component.drop("COLOR")
        return
    name, exact = colors.dump(event.color)
    target.component.put("COLOR", name)
    if not exact:
        target.losses.add("color")


def _categories(target: Target, event: event_pb2.Event) -> None:
    words = ",".join(escape(name) for name in event.categories)
    lines: list[Line] = [("CATEGORIES", "", words)] if words else []
    target.component.put_all(["CATEGORIES"], lines)


def _metadata(target: Target, event: event_pb2.Event) -> None:
    target.component.put_all(
        [METADATA],
        [
            (METADATA, f";{KEY}={quote(key)}", escape(event.metadata[key]))
            for key in sorted(event.metadata)
        ],
    )


# -- people, reminders, files


def _organizer(target: Target, event: event_pb2.Event) -> None:
    if event.organizer.email:
        one_line(event.organizer.email, "event.organizer.email")
        target.component.put_all(["ORGANIZER"], [people.organizer_line(event.organizer)])
    else:
        target.component.drop("ORGANIZER")


def _attendees(target: Target, event: event_pb2.Event) -> None:
    """Invitations need somebody who invites: the account, when nobody else is named."""
    people.write_attendees(target.component, event.attendees)
    if event.attendees and target.component.first("ORGANIZER") is None and target.address:
        organizer = types_pb2.Person(email=target.address)
        target.component.put_all(["ORGANIZER"], [people.organizer_line(organizer)])


def _reminders(target: Target, event: event_pb2.Event) -> None:
    if not alarms.write(target.component, event.reminders, target.address):
        target.losses.add("reminders")


def _attachments(target: Target, event: event_pb2.Event) -> None:
    there = {line[2]: line for line in target.component.every("ATTACH")}
    inline = [line for line in there.values() if param(line, "VALUE").upper() == "BINARY"]
    lines: list[Line] = []
    for index, attachment in enumerate(event.attachments):
        if attachment.url:
            lines.append(there.get(attachment.url) or _attach_line(attachment))
            continue
        kept = next((line for line in inline if _is(line, attachment)), None)
        if kept is None:
            raise ProviderError.invalid(f"event.attachments[{index}].url", "is required")
        inline.remove(kept)
        lines.append(kept)
    target.component.put_all(["ATTACH"], lines)


def _is(line: Line, attachment: types_pb2.Attachment) -> bool:
    return param(line, "FMTTYPE") == attachment.mime_type


def _attach_line(attachment: types_pb2.Attachment) -> Line:
    params = {}
    if attachment.mime_type:
        params["FMTTYPE"] = quote(attachment.mime_type)
    if attachment.name:
        params["FILENAME"] = quote(attachment.name)
    return ("ATTACH", join_params(params), one_line(attachment.url, "event.attachments.url"))


def one_line(url: str, field: str) -> str:
    """A URL, which has no escapes that a line break could hide behind.

    Raises:
        ProviderError: INVALID.
    """
    if any(character <= " " or character == "\x7f" for character in url):
        raise ProviderError.invalid(field, "is no URL: it holds spaces or control characters")
    return url


# -- conference


def _conference(target: Target, event: event_pb2.Event) -> None:
    """A call that exists already, in the properties where other programs look for one.

    Only lines that named the old call are replaced: a page in URL stays (P58).
    """
    component = target.component
    url = one_line(event.conference.join_url, "event.conference.join_url")
    page = component.first("URL")
    old = target.before.conference.join_url if target.before else ""
    calls = {line[2] for line in component.every(*CALLS[:4])} | {old}
    kept = [line for line in component.every("CONFERENCE") if line[2].lower().startswith("tel:")]
    component.drop(*CALLS[:4])
    if page is not None and (page[2] in calls or links.product(page[2])):
        component.drop("URL")
        page = None
    if not url:
        if event.conference.kind:
            raise ProviderError.invalid(
                "event.conference.join_url", "is required: CalDAV cannot make calls"
            )
        if links.find(event.location) or links.find(event.description):
            target.losses.add("conference")
        return
    params = {"VALUE": "URI", "FEATURE": '"AUDIO,VIDEO"'}
    name = _MEETING_KINDS.get(event.conference.kind)
    component.lines += [("CONFERENCE", join_params(params), url), *kept]
    if name:
        component.lines.append((name, "", url))
    if page is None:
        component.lines.append(("URL", ";VALUE=URI", url))


# -- recurrence


def _recurrence(target: Target, event: event_pb2.Event) -> None:
    lines: list[Line] = []
    for text in event.recurrence.rules:
        head, _, value = text.strip().partition(":")
        name, semicolon, params = head.partition(";")
        lines.append((name.upper(), semicolon + params, value))
        zone = param(lines[-1], "TZID")
        if zone:
            need_zone(target.document, zone, times.instant(event.start_at).year)
    target.component.put_all(RULES, lines)


WRITERS: Mapping[str, Writer] = {
    "start_at": _times,
    "end_at": _times,
    "subject": _word("SUMMARY", "subject"),
    "description": _description,
    "location": _location,
    "status": _status,
    "visibility": _visibility,
    "show_as": _show_as,
    "color": _color,
    "categories": _categories,
    "metadata": _metadata,
    "organizer": _organizer,
    "attendees": _attendees,
    "reminders": _reminders,
    "attachments": _attachments,
    "conference": _conference,
    "recurrence": _recurrence,
}
