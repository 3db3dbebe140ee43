"""Events of the contract into bodies that Graph takes. Pure: no request is made here.

A body holds the fields that a mask names and no other: Graph's PATCH merges, and replaces
collections whole. What needs the event as it is (guests, the body of a meeting) is in `drafts`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from providers.core.errors import ProviderError
from providers.microsoft import tables
from providers.microsoft.bodies import dump_body
from providers.microsoft.event_parse import METADATA_ID
from providers.microsoft.event_times import dump_time
from providers.microsoft.patterns import Plan
from ucal.v1 import event_pb2

# Exchange's property is longer; a request is not to be refused by surprise.
MAX_METADATA = 30_000

Body = dict[str, Any]


@dataclass(slots=True)
class Draft:
    """A body in the making, and what of the request did not go into it as it was.

    Attributes:
        patch: what is empty is to be cleared, not left out.
        zone: name to write for the zone of a timed start and end; "": each one's own.
        plan: of a series that is written.
        dropped: fields that Outlook cannot keep.
        coerced: fields that Outlook keeps in another form.
    """

    body: Body = field(default_factory=dict)
    patch: bool = False
    zone: str = ""
    plan: Plan | None = None
    dropped: list[str] = field(default_factory=list)
    coerced: list[str] = field(default_factory=list)

    def coerce(self, name: str) -> None:
        """Note that `name` is kept in another form."""
        if name not in self.coerced:
            self.coerced.append(name)


Put = Callable[[Draft, event_pb2.Event], None]
"""Writes one field of an event into a draft."""


def _subject(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["subject"] = event.subject


def _description(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["body"] = dump_body(event.description)


def _location(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["location"] = {"displayName": event.location}


def _start(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["start"] = dump_time(event.start_at, "event.start_at", _zone(draft, event))
    draft.body["isAllDay"] = event.start_at.WhichOneof("value") == "date"


def _end(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["end"] = dump_time(event.end_at, "event.end_at", _zone(draft, event))


def _zone(draft: Draft, event: event_pb2.Event) -> str:
    """Both ends of an all-day event are midnights of one zone (api/user-post-events)."""
    return draft.zone or (event.start_at.time_zone if event.HasField("start_at") else "")


def _visibility(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["sensitivity"] = tables.VISIBILITY_WORD[event.visibility]
    if event.visibility == event_pb2.EVENT_VISIBILITY_PUBLIC:
        draft.coerce("visibility")


def _show_as(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["showAs"] = tables.SHOW_AS_WORD[event.show_as]


def _categories(draft: Draft, event: event_pb2.Event) -> None:
    draft.body["categories"] = list(event.categories)


def _reminders(draft: Draft, event: event_pb2.Event) -> None:
    """One reminder on the screen; a mailbox's default becomes an event's own."""
    asked = event.reminders
    if not event.HasField("reminders") or asked.use_default:
        draft.coerce("reminders")
        if draft.patch:
            draft.body |= {"isReminderOn": True, "reminderMinutesBeforeStart": 15}
        return
    draft.body["isReminderOn"] = bool(asked.overrides)
    if asked.overrides:
        first = asked.overrides[0]
        draft.body["reminderMinutesBeforeStart"] = first.minutes_before
        popup = {event_pb2.REMINDER_METHOD_UNSPECIFIED, event_pb2.REMINDER_METHOD_POPUP}
        if len(asked.overrides) > 1 or first.method not in popup:
            draft.coerce("reminders")


def _metadata(draft: Draft, event: event_pb2.Event) -> None:
    value = msgspec.json.encode(dict(event.metadata), order="sorted").decode()
    if len(value) > MAX_METADATA:
        raise ProviderError.invalid(
            "event.metadata", f"takes more than {MAX_METADATA} characters as JSON"
        )
    draft.body["singleValueExtendedProperties"] = [{"id": METADATA_ID, "value": value}]


# Fields that are written without looking at the event as it is.
PLAIN: Mapping[str, Put] = {
    "subject": _subject,
    "description": _description,
    "location": _location,
    "start_at": _start,
    "end_at": _end,
    "visibility": _visibility,
    "show_as": _show_as,
    "categories": _categories,
    "reminders": _reminders,
    "metadata": _metadata,
}


def put_plain(draft: Draft, event: event_pb2.Event, names: Iterable[str]) -> None:
    """Write those of `names` that need no look at the event as it is.

    Raises:
        ProviderError: INVALID, naming what Outlook does not take.
    """
    for name in names:
        put = PLAIN.get(name)
        if put is not None:
            put(draft, event)
