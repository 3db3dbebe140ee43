"""Which path is answered by what."""

import re
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.providers.microsoft.double import (
    bookings,
    clocks,
    directory,
    events,
    odata,
    schedule,
    views,
)
from tests.providers.microsoft.double.problems import (
    Problem,
    malformed_id,
    missing,
    unknown_path,
)
from tests.providers.microsoft.double.world import ADA, Calendar, Json, Mailbox

if TYPE_CHECKING:
    from tests.providers.microsoft.double.server import Graph

_ZONE = re.compile(r'outlook\.timezone="([^"]*)"')
_SIZE = re.compile(r"odata\.maxpagesize=(\d+)")


@dataclass
class Answer:
    """What is sent back."""

    status: int
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """One request."""

    graph: "Graph"
    method: str
    segments: list[str]
    query: Json
    body: Any
    headers: dict[str, str]
    rest: list[str] = field(default_factory=list)

    @property
    def prefer(self) -> str:
        return self.headers.get("prefer", "")

    @property
    def zone_asked(self) -> bool:
        return "outlook.timezone" in self.prefer

    @property
    def zone(self) -> str:
        """Zone of times in the answer.

        Raises:
            Problem: 500 with HTML is what Graph answers to nonsense; here it is a plain 500.
        """
        found = _ZONE.search(self.prefer)
        name = found[1] if found else "UTC"
        try:
            clocks.zone(name)
        except Problem:
            raise Problem(500, "ErrorInternalServerError", "zone") from None
        return name

    def page(self, items: list[Json], default: int = 10, largest: int = 1000) -> Answer:
        """A page of a list; the rest behind a $skiptoken."""
        size = odata.size_of(self.query, default, largest)
        token = self.query.get("$skiptoken")
        skip = int(self.graph.skips.get(token, {"at": 0})["at"]) if token else 0
        skip += int(self.query.get("$skip", 0)) if not token else 0
        data: Json = {"value": items[skip : skip + size]}
        if self.query.get("$count") == "true":
            data["@odata.count"] = len(items)
        if skip + size < len(items):
            fresh = uuid.uuid4().hex
            self.graph.skips[fresh] = {"at": skip + size}
            kept = {n: v for n, v in self.query.items() if n not in ("$skip", "$skiptoken")}
            data["@odata.nextLink"] = {**kept, "$skiptoken": fresh}
        return Answer(200, data)


Found = Answer | Coroutine[Any, Any, Answer]


def answer(asked: Asked) -> Found:
    """The answer to a request below the API's root."""
    head, rest = asked.segments[0], asked.segments[1:]
    if head == "me":
        return _person(asked, asked.graph.world.mailboxes[ADA], rest)
    if head == "users" and rest:
        return _person(asked, asked.graph.world.mailbox(rest[0]), rest[1:])
    if head == "places":
        return _places(asked, rest)
    if head == "subscriptions":
        return asked.graph.subscriptions.answer(asked, rest)
    if head == "solutions" and rest and rest[0] == "virtualEvents":
        return asked.graph.teams.virtual(asked, rest[1:])
    if head == "solutions" and rest and rest[0] == "bookingBusinesses":
        return bookings.answer(asked, rest[1:])
    raise unknown_path(head)


def _person(asked: Asked, box: Mailbox, rest: list[str]) -> Found:
    if not rest:
        return Answer(200, {"id": box.id, "displayName": box.name, "mail": box.address,
                            "userPrincipalName": box.address})  # fmt: skip
    head = rest[0]
    if head in ("calendar", "calendars", "events", "calendarView"):
        return _calendars(asked, box, rest)
    if head == "mailboxSettings":
        if rest[1:] == ["timeZone"]:
            return Answer(200, {"@odata.context": "…", "value": box.zone})
        return Answer(200, {"timeZone": box.zone, "dateFormat": "", "timeFormat": ""})
    if head == "outlook" and rest[1].startswith("supportedTimeZones"):
        if "Iana" in rest[1]:
            names = sorted(set(clocks.tz_win) - asked.graph.world.iana_refused)
        else:
            names = asked.graph.world.windows_zones
        return Answer(200, {"value": [{"alias": n, "displayName": n} for n in names]})
    if head == "onlineMeetings":
        return asked.graph.teams.meetings(asked, box, rest[1:])
    raise unknown_path(head)


def _calendars(asked: Asked, box: Mailbox, rest: list[str]) -> Answer:
    head = rest[0]
    if head == "calendars" and len(rest) == 1:
        return _calendar_list(asked, box)
    if head == "calendars":
        if not events.is_id(rest[1]):
            raise malformed_id()
        if rest[1] not in box.calendars:
            raise missing()
        return _calendar(asked, box, box.calendars[rest[1]], rest[2:])
    if head == "calendar":
        return _calendar(asked, box, box.default, rest[1:])
    return _calendar(asked, box, box.default, rest)


def _calendar_list(asked: Asked, box: Mailbox) -> Answer:
    if asked.method == "GET":
        return asked.page([each.data for each in box.calendars.values()], largest=100)
    if asked.method == "POST":
        name = asked.body.get("name")
        if not name:
            raise Problem(400, "ErrorInvalidRequest", "name")
        if any(each.data["name"] == name for each in box.calendars.values()):
            raise Problem(409, "ErrorFolderExists", "A folder with the specified name exists")
        extra = {"hexColor": asked.body["hexColor"]} if asked.body.get("hexColor") else {}
        return Answer(201, box.add_calendar(name, **extra).data)
    raise Problem(405, "Request_BadRequest")


def _calendar(asked: Asked, box: Mailbox, calendar: Calendar, rest: list[str]) -> Answer:
    if not rest:
        return _one_calendar(asked, box, calendar)
    head, method = rest[0], asked.method
    items = list(calendar.items.values())
    if head == "getSchedule" and method == "POST":
        return Answer(200, schedule.answer(asked.graph.world, asked.body))
    if rest[-1] in ("delta", "delta()"):
        return _delta(asked, box, calendar, view=head == "calendarView")
    if head == "calendarView":
        return asked.page(views.view(box, items, asked.query, asked.zone))
    if head == "events" and len(rest) == 1:
        if method == "GET":
            return asked.page(list(views.masters(box, calendar, asked.query, asked.zone)))
        made = events.create(box, calendar, asked.body)
        return Answer(201, _event(asked, box, calendar, made.id))
    if head == "events":
        if not events.is_id(rest[1]):
            raise malformed_id()
        return _one_event(asked, box, calendar, rest[1], rest[2:])
    raise unknown_path(head)


def _one_calendar(asked: Asked, box: Mailbox, calendar: Calendar) -> Answer:
    if asked.method == "PATCH":
        for name, value in asked.body.items():
            if name not in ("name", "color", "hexColor", "isDefaultCalendar"):
                raise Problem(400, "RequestBodyRead", name)
            calendar.data[name] = value
        if "color" in asked.body:
            calendar.data["hexColor"] = ""
        calendar.data["changeKey"] = asked.graph.world.key()
    elif asked.method == "DELETE":
        if calendar is box.default:
            raise Problem(403, "ErrorDeleteDistinguishedFolder", "cannot be deleted")
        del box.calendars[calendar.id]
        return Answer(204)
    return Answer(200, odata.selected(calendar.data, asked.query.get("$select", "")))


def _delta(asked: Asked, box: Mailbox, calendar: Calendar, *, view: bool) -> Answer:
    size = _SIZE.search(asked.prefer)
    items, skip, token = asked.graph.deltas.page(
        box, calendar, asked.query, asked.zone, int(size[1]) if size else 10, view=view
    )
    data: Json = {"value": items}
    if skip:
        data["@odata.nextLink"] = {"$skiptoken": skip}
    if token:
        data["@odata.deltaLink"] = {"$deltatoken": token}
    return Answer(200, data)


def _event(
    asked: Asked, box: Mailbox, calendar: Calendar, own_id: str, query: Json | None = None
) -> Json:
    _, item, day = box.find(own_id)
    found = views.shown(box, item, day, asked.zone)
    return views.finish(box, item, found, query or {}, asked.zone, alone=True)


def _one_event(
    asked: Asked, box: Mailbox, calendar: Calendar, own_id: str, rest: list[str]
) -> Answer:
    where, item, day = box.find(own_id)
    if where is not calendar and asked.segments[-2:-1] != ["events"]:
        raise missing()
    if where is not calendar:
        raise missing()
    match = asked.headers.get("if-match")
    if match and match != f'W/"{item.data["changeKey"]}"' and match != "*":
        raise Problem(412, "ErrorIrresolvableConflict", "The change key is not the current one")
    method = asked.method
    if rest:
        return _action(asked, box, calendar, own_id, rest)
    if method == "GET":
        return Answer(200, _event(asked, box, calendar, own_id, asked.query))
    if method == "PATCH":
        events.change(box, calendar, item, day, asked.body)
        return Answer(200, _event(asked, box, calendar, own_id))
    if method == "DELETE":
        events.delete(box, calendar, item, day)
        return Answer(204)
    raise Problem(405, "Request_BadRequest")


def _action(asked: Asked, box: Mailbox, calendar: Calendar, own_id: str, rest: list[str]) -> Answer:
    _, item, day = box.find(own_id)
    word = rest[0]
    if word == "instances":
        if not item.series or day is not None:
            raise Problem(400, "ErrorInvalidRequest", "not a series master")
        return asked.page(views.view(box, [item], asked.query, asked.zone))
    if word == "attachments":
        return Answer(200, {"value": item.data.get("_attachments", [])})
    if word == "cancel":
        if not item.data["isOrganizer"]:
            raise Problem(400, "ErrorAccessDenied", "organizer only")
        asked.graph.world.mail(f"comment: {(asked.body or {}).get('comment', '')}", item)
        events.delete(box, calendar, item, day)
        return Answer(202)
    if word in ("accept", "tentativelyAccept", "decline"):
        events.answer(box, calendar, item, day, action=word, body=asked.body or {})
        return Answer(202)
    raise unknown_path(word)


def _places(asked: Asked, rest: list[str]) -> Answer:
    kind = rest[-1].removeprefix("microsoft.graph.").lower()
    if len(rest) == 1:
        tables = {"room": directory.ROOMS, "roomlist": directory.LISTS}
        if kind not in tables:
            raise unknown_path(rest[0])
        return asked.page(tables[kind], default=100)
    if kind == "rooms":
        return asked.page(directory.rooms_of(rest[0]), default=100)
    if kind == "room":
        return Answer(200, directory.one(directory.ROOMS, rest[0]))
    if kind == "roomlist":
        return Answer(200, directory.one(directory.LISTS, rest[0]))
    raise unknown_path(kind)
