"""Events of the contract into bodies that Google takes. Pure: no request is made here.

A body holds the fields that a mask names and no other: Google's PATCH merges, replaces arrays
whole, and clears what is null. Fields that need the event as it is (attendees, rooms, metadata, the
call) are in `event_merge`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.core.errors import ProviderError
from providers.google import series, tables
from providers.google.event_times import dump_time
from ucal.v1 import event_pb2, types_pb2

MAX_ATTACHMENTS = 25
MAX_REMINDERS = 5
MAX_REMINDER_MINUTES = 40_320

Body = dict[str, Any]


@dataclass(slots=True)
class Draft:
    """A body in the making, and what of the request did not go into it as it was.

    Attributes:
        patch: what is empty is to be cleared, not left out.
        start: of the series, when the event does not tell it.
        dropped: fields that Google cannot keep.
        coerced: fields that Google keeps in another form.
    """

    body: Body = field(default_factory=dict)
    patch: bool = False
    start: types_pb2.EventTime | None = None
    dropped: list[str] = field(default_factory=list)
    coerced: list[str] = field(default_factory=list)


Put = Callable[[Draft, event_pb2.Event], None]
"""Writes one field of an event into a draft."""


def _text(name: str, word: str) -> Put:
    def put(draft: Draft, event: event_pb2.Event) -> None:
        value = getattr(event, name)
        if value or draft.patch:
            draft.body[word] = value or None

    return put


def _time(name: str, word: str) -> Put:
    def put(draft: Draft, event: event_pb2.Event) -> None:
        draft.body[word] = dump_time(getattr(event, name), f"event.{name}", patch=draft.patch)

    return put


def _status(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["status"] = tables.STATUS_WORD[event.status]


def _visibility(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["visibility"] = tables.VISIBILITY_WORD[event.visibility]


def _show_as(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["transparency"] = tables.TRANSPARENCY_WORD[event.show_as]
    word = tables.EVENT_TYPE_WORD.get(event.type, "")
    by_type = tables.SHOW_AS_BY_TYPE.get(word) == event.show_as
    if event.show_as not in tables.EXACT_SHOW_AS and not by_type:
        draft.coerced.append("show_as")


def _color(draft: Draft, event: event_pb2.Event) -> None:
    if not event.color:
        draft.body["colorId"] = None
        return
    nearest = tables.nearest_color(event.color)
    draft.body["colorId"] = nearest
    if tables.EVENT_COLOR[nearest] != event.color.upper():
        draft.coerced.append("color")


def _recurrence(draft: Draft, event: event_pb2.Event) -> None:
    start = draft.start or event.start_at
    rules = [series.utc_until(line, start) for line in event.recurrence.rules]
    draft.body["recurrence"] = rules or None


def _reminders(draft: Draft, event: event_pb2.Event) -> None:
    if not event.HasField("reminders"):
        draft.body["reminders"] = {"useDefault": True}
        return
    asked = event.reminders
    path = "event.reminders.overrides"
    if len(asked.overrides) > MAX_REMINDERS:
        raise ProviderError.invalid(path, f"Google keeps at most {MAX_REMINDERS} reminders")
    overrides = []
    for index, each in enumerate(asked.overrides):
        if each.minutes_before > MAX_REMINDER_MINUTES:
            raise ProviderError.invalid(
                f"{path}[{index}].minutes_before", "Google reminds at most four weeks ahead"
            )
        if each.method not in tables.EXACT_REMINDERS and "reminders" not in draft.coerced:
            draft.coerced.append("reminders")
        method = tables.REMINDER_WORD[each.method]
        overrides.append({"method": method, "minutes": each.minutes_before})
    draft.body["reminders"] = {"useDefault": asked.use_default, "overrides": overrides}


def _attachments(draft: Draft, event: event_pb2.Event) -> None:
    if len(event.attachments) > MAX_ATTACHMENTS:
        raise ProviderError.invalid(
            "event.attachments", f"Google keeps at most {MAX_ATTACHMENTS} attachments"
        )
    found = []
    for index, each in enumerate(event.attachments):
        if not each.url:
            raise ProviderError.invalid(f"event.attachments[{index}].url", "is required by Google")
        file = {"fileUrl": each.url, "title": each.name, "mimeType": each.mime_type}
        found.append({name: value for name, value in file.items() if value})
    draft.body["attachments"] = found


# Fields that are written without looking at the event as it is.
PLAIN: Mapping[str, Put] = {
    "subject": _text("subject", "summary"),
    "description": _text("description", "description"),
    "location": _text("location", "location"),
    "start_at": _time("start_at", "start"),
    "end_at": _time("end_at", "end"),
    "status": _status,
    "visibility": _visibility,
    "show_as": _show_as,
    "color": _color,
    "recurrence": _recurrence,
    "reminders": _reminders,
    "attachments": _attachments,
}


def put_plain(draft: Draft, event: event_pb2.Event, names: Iterable[str]) -> None:
    """Write those of `names` that need no look at the event as it is.

    Raises:
        ProviderError: INVALID, naming what Google does not take.
    """
    for name in names:
        put = PLAIN.get(name)
        if put is not None:
            put(draft, event)


def put_type(draft: Draft, event: event_pb2.Event) -> None:
    """Write the type of a new event, with what Google demands beside it.

    developers.google.com/workspace/calendar/api/guides/calendar-status and .../event-types.

    Raises:
        ProviderError: INVALID for a type that Google makes itself, or that does not fit the times.
    """
    kind = event.type
    if kind in {event_pb2.EVENT_TYPE_UNSPECIFIED, event_pb2.EVENT_TYPE_DEFAULT}:
        return
    word = tables.EVENT_TYPE_WORD.get(kind)
    if word is None:
        raise ProviderError.invalid("event.type", "Google makes events of this type itself")
    all_day = event.start_at.WhichOneof("value") == "date"
    draft.body["eventType"] = word
    if word == "birthday":
        _put_birthday(draft, all_day=all_day)
    elif word == "workingLocation":
        draft.body["workingLocationProperties"] = _place(event.location)
        draft.body |= {"visibility": "public", "transparency": "transparent"}
    elif all_day:
        raise ProviderError.invalid("event.type", "at Google such an event cannot last all day")
    else:
        properties: Body = {"autoDeclineMode": "declineNone"}
        draft.body["focusTimeProperties" if word == "focusTime" else "outOfOfficeProperties"] = (
            properties
        )
        draft.body["transparency"] = "opaque"


def _put_birthday(draft: Draft, *, all_day: bool) -> None:
    if not all_day:
        raise ProviderError.invalid("event.type", "at Google a birthday lasts all day")
    draft.body["birthdayProperties"] = {"type": "birthday"}
    draft.body |= {"visibility": "private", "transparency": "transparent"}
    draft.body.setdefault("recurrence", ["RRULE:FREQ=YEARLY"])


def _place(location: str) -> Body:
    if not location:
        return {"type": "homeOffice", "homeOffice": {}}
    return {"type": "customLocation", "customLocation": {"label": location}}
