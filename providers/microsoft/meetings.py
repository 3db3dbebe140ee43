"""Online meetings: found by the link that joins them, since Graph has no list of them.

learn.microsoft.com/graph/api/onlinemeeting-get. A person sees the meetings that they organize; an
application those of its mailbox, where the tenant's application access policy lets it.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote as percent

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, quote
from providers.core.wire import decode
from providers.microsoft import errors, event_times, reading
from providers.microsoft.api import Api, text_literal
from providers.microsoft.event_parse import clean_uid
from providers.microsoft.wire import Event, Events
from providers.microsoft.wire_teams import OnlineMeeting, OnlineMeetings

T = TypeVar("T")

# A recording may begin a little before the event does.
_EARLY = timedelta(minutes=30)
_MAX_PAGES = 10
_EVENT = "id,subject,start,end,iCalUId,isOrganizer,isCancelled,isOnlineMeeting,onlineMeeting"
_MISSING = frozenset({403, 404})


@dataclass(slots=True)
class Known:
    """A meeting, and the events it is the call of.

    Attributes:
        events: in order of their start; those of a series share one meeting.
    """

    meeting: OnlineMeeting
    events: list[Event] = field(default_factory=list)

    def event_at(self, when: datetime) -> Event | None:
        """The event that was going on at `when`, as far as it is known."""
        begun = [
            event
            for event in self.events
            if event.start is not None and event_times.moment(event.start) - _EARLY <= when
        ]
        return begun[-1] if begun else None


def is_meeting_id(text: str) -> bool:
    """Whether `text` is an online meeting's id: base64 of "1*…" and a thread."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True).startswith(b"1*")
    except (binascii.Error, UnicodeEncodeError):
        return False


def path_of(api: Api, meeting_id: str) -> str:
    """`me/onlineMeetings/<id>`."""
    return f"{api.me}/onlineMeetings/{quote(meeting_id)}"


def _by_link(api: Api, join_url: str) -> str:
    condition = percent(f"JoinWebUrl eq {text_literal(join_url)}", safe="")
    return f"{api.me}/onlineMeetings?$filter={condition}"


def accepted(reply: Reply, type: type[T]) -> T | None:
    """An answer inside a batch; None where there is nothing, or nothing for this account.

    Raises:
        ProviderError: for any other failure.
    """
    if reply.status in _MISSING:
        found = errors.classify(reply)
        if found.kind is Kind.PRECONDITION:
            raise found
        return None
    if reply.status != 200:
        raise errors.classify(reply)
    return decode(reply, type)


async def of_event(api: Api, event_id: str) -> list[Known]:
    """The meeting with this id, or of the Outlook event with this id.

    Raises:
        ProviderError: NOT_FOUND.
    """
    if is_meeting_id(event_id):
        reply = await api.send("GET", path_of(api, event_id), resource=("event", event_id))
        return [Known(decode(reply, OnlineMeeting))]
    reply = await api.send(
        "GET",
        f"{api.me}/events/{quote(event_id)}",
        params={"$select": _EVENT},
        resource=("event", event_id),
    )
    return await by_links(api, [decode(reply, Event)])


def _link_of(event: Event) -> str:
    return (event.onlineMeeting.joinUrl if event.onlineMeeting is not None else "") or ""


async def by_links(api: Api, events: Sequence[Event]) -> list[Known]:
    """The meetings of events, each once, in order of their first event."""
    by_link: dict[str, list[Event]] = {}
    for event in events:
        if _link_of(event):
            by_link.setdefault(_link_of(event), []).append(event)
    replies = await api.read_many([_by_link(api, link) for link in by_link])
    found: list[Known] = []
    for link, reply in zip(by_link, replies, strict=True):
        page = accepted(reply, OnlineMeetings)
        first = page.value[:1] if page is not None else []
        found.extend(Known(meeting, by_link[link]) for meeting in first)
    return found


async def online_events(api: Api, low: datetime, high: datetime) -> list[Event]:
    """Online events that the account holds in a window, by start.

    Raises:
        ProviderError: PRECONDITION when there are too many.
    """
    params = reading.window_params(low, high)
    params |= {"$select": _EVENT, "$top": reading.MAX_PAGE, "$orderby": "start/dateTime"}
    path = f"{api.me}/calendar/calendarView"
    found: list[Event] = []
    for _ in range(_MAX_PAGES):
        reply = await api.send("GET", path, params=params)
        page = decode(reply, Events)
        found += [event for event in page.value if event.isOrganizer and _link_of(event)]
        if not page.nextLink:
            return found
        path, params = api.relative(page.nextLink, reply), {}
    raise ProviderError(
        Kind.PRECONDITION,
        "there are too many events: ask for a shorter window",
        reason="WINDOW_TOO_LARGE",
    )


def links_of(events: Iterable[Event]) -> list[str]:
    """Links of meetings, each once, in order."""
    return list(dict.fromkeys(_link_of(event) for event in events))


def with_links(events: Iterable[Event], links: Sequence[str]) -> list[Event]:
    """Those events whose meeting is one of `links`."""
    wanted = set(links)
    return [event for event in events if _link_of(event) in wanted]


def uid_of(event: Event) -> str:
    """RFC 5545 UID of an event."""
    return clean_uid(event.iCalUId or "")
