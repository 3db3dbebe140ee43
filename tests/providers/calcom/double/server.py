"""The double's HTTP side: routes, versions, tokens, faults, a journal of what was said."""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.loopback import Double, for_all
from tests.providers.calcom.double import bookings, event_types
from tests.providers.calcom.double.world import NAMES, TOKEN, Json, Problem, World, instant, iso

Handler = Callable[["CalCom", list[str], dict[str, str], Any], Any]
B, E, P, S = "2024-08-13", "2024-06-14", "2024-09-04", "2024-09-04"


@dataclass
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    template: str
    query: dict[str, str]
    body: Any
    status: int
    answer: Any
    version: str = ""


@dataclass
class Fault:
    """An answer that is given in place of the real one.

    Attributes:
        lose: do the next write, then cut the connection.
        body: the exact bytes to answer with.
    """

    status: int = 0
    retry_after: int | None = None
    lose: bool = False
    body: bytes | None = None
    message: str = ""


@dataclass
class Page:
    """A list with its pagination."""

    data: list[Json]
    pagination: Json = field(default_factory=dict)


class CalCom(Double):
    """Cal.com on a random port of loopback; an async context manager."""

    def __init__(self) -> None:
        self.world = World()
        self.faults: list[Fault] = []
        self.journal: list[Exchange] = []

    def application(self) -> web.Application:
        return for_all(self._handle)

    @property
    def url(self) -> str:
        return f"{self.origin}/v2"

    def fail(self, status: int, *, times: int = 1, **more: Any) -> None:
        """Answer the next requests with an HTTP status."""
        self.faults += [Fault(status, **more) for _ in range(times)]

    def lose(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.faults.append(Fault(lose=True))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        path = request.url.raw_path
        lost = False
        if self.faults and (request.method != "GET" or not self.faults[0].lose):
            fault = self.faults.pop(0)
            if not fault.lose:
                return _failed(fault, path)
            lost = True
        query = dict(request.query)
        body = json.loads(raw) if raw else None
        version = request.headers.get("cal-api-version", "")
        template = ""
        try:
            _check_token(request.headers.get("authorization", ""))
            handler, parts, template = _route(request.method, path, version)
            found = handler(self, parts, query, body)
            answer: Json = {"status": "success", "data": found}
            if isinstance(found, Page):
                answer = {"status": "success", "data": found.data, "pagination": found.pagination}
            status = 201 if (request.method, template) in _MAKES else 200
        except Problem as problem:
            status, answer = problem.status, problem.body(path)
        self.journal.append(
            Exchange(request.method, path, template, query, body, status, _copy(answer), version)
        )
        if lost:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(answer, status=status)


def _copy(answer: Json) -> Json:
    """As it is now."""
    found: Json = json.loads(json.dumps(answer))
    return found


def _failed(fault: Fault, path: str) -> web.Response:
    headers = {}
    if fault.retry_after is not None:
        headers["x-ratelimit-reset-default"] = str(fault.retry_after)
    if fault.body is not None:
        return web.Response(status=fault.status, body=fault.body, headers=headers)
    message = fault.message or NAMES.get(fault.status, "Http Exception")
    return web.json_response(
        Problem(fault.status, message).body(path), status=fault.status, headers=headers
    )


def _check_token(header: str) -> None:
    if not header:
        raise Problem(
            403,
            "PermissionsGuard - no authentication provided. Provide either authorization bearer "
            "token containing managed user access token or oAuth client id.",
        )
    if header != f"Bearer {TOKEN}":
        raise Problem(401, "ApiAuthStrategy - api key - Your api key is not valid")


# -- routes: method, template, version


def _list(cal: CalCom, parts: list[str], query: dict[str, str], body: Any) -> Any:
    return Page(*bookings.listed(cal.world, query))


def _types(cal: CalCom, parts: list[str], query: dict[str, str], body: Any) -> Any:
    if query.get("username") != "hostexample":
        return []
    return list(cal.world.types.values())


def _slots(cal: CalCom, parts: list[str], query: dict[str, str], body: Any) -> Any:
    try:
        kind = event_types.find(cal.world, query["eventTypeId"])
    except Problem:
        raise Problem(404, "Event Type not found") from None
    minutes = int(query.get("duration", kind["lengthInMinutes"]))
    if "duration" in query and minutes not in kind.get("lengthInMinutesOptions", []):
        raise Problem(400, "Invalid event length without multiple durations")
    found = cal.world.slots(kind, instant(query["start"]), instant(query["end"]), minutes)
    days: dict[str, list[Json]] = defaultdict(list)
    for slot in found:
        if query.get("format") != "range":
            del slot["end"]
        days[slot["start"][:10]].append(slot)
    return days


def _busy(cal: CalCom, parts: list[str], query: dict[str, str], body: Any) -> Any:
    credential = query["calendarsToLoad[0][credentialId]"]
    external = query["calendarsToLoad[0][externalId]"]
    if (int(credential), external) not in cal.world.busy:
        raise Problem(404, "Calendar not found")
    low = datetime.fromisoformat(query["dateFrom"]).replace(tzinfo=UTC)
    high = datetime.fromisoformat(query["dateTo"]).replace(tzinfo=UTC)
    return [
        {"start": iso(start), "end": iso(end), "source": external}
        for start, end in cal.world.busy[int(credential), external]
        if start < high and end > low
    ]


def _calendars(cal: CalCom, parts: list[str], query: dict[str, str], body: Any) -> Any:
    destination = {
        "id": 55,
        "integration": "google_calendar",
        "externalId": "host@example.com",
        "primaryEmail": "host@example.com",
        "userId": 1500001,
        "eventTypeId": None,
        "credentialId": 135,
    }
    return {"connectedCalendars": cal.world.accounts, "destinationCalendar": destination}


def _recordings(cal: CalCom, parts: list[str], query: dict[str, str], body: Any) -> Any:
    bookings.find(cal.world, parts[0])
    return cal.world.recordings.get(parts[0], [])


def _transcripts(cal: CalCom, parts: list[str], query: dict[str, str], body: Any) -> Any:
    bookings.find(cal.world, parts[0])
    return cal.world.transcripts.get(parts[0], [])


def _subscribe(cal: CalCom, parts: list[str], query: dict[str, str], body: Any) -> Any:
    if any(h["subscriberUrl"] == body["subscriberUrl"] for h in cal.world.webhooks.values()):
        raise Problem(409, "Webhook with this subscriber url already exists for this user")
    number = next(cal.world.serial)
    cal.world.webhooks[number] = {"id": number, "userId": 1500001, **body}
    return cal.world.webhooks[number]


def _unsubscribe(cal: CalCom, parts: list[str], query: dict[str, str], body: Any) -> Any:
    if not parts[0].isdecimal() or int(parts[0]) not in cal.world.webhooks:
        raise Problem(404, f"Webhook with id {parts[0]} not found")
    return cal.world.webhooks.pop(int(parts[0]))


_ROUTES: dict[tuple[str, str, str], Handler] = {
    ("GET", "/v2/me", ""): lambda c, p, q, b: c.world.me(),
    ("GET", "/v2/bookings", B): _list,
    ("POST", "/v2/bookings", B): lambda c, p, q, b: bookings.create(c.world, b),
    ("GET", "/v2/bookings/{bookingUid}", B): lambda c, p, q, b: bookings.get(c.world, p[0]),
    ("POST", "/v2/bookings/{bookingUid}/reschedule", B): (
        lambda c, p, q, b: bookings.reschedule(c.world, p[0], b)
    ),
    ("POST", "/v2/bookings/{bookingUid}/cancel", B): (
        lambda c, p, q, b: bookings.cancel(c.world, p[0], b or {})
    ),
    ("POST", "/v2/bookings/{bookingUid}/confirm", B): (
        lambda c, p, q, b: bookings.answer(c.world, p[0], "accepted", b or {})
    ),
    ("POST", "/v2/bookings/{bookingUid}/decline", B): (
        lambda c, p, q, b: bookings.answer(c.world, p[0], "rejected", b or {})
    ),
    ("PATCH", "/v2/bookings/{bookingUid}/location", B): (
        lambda c, p, q, b: bookings.relocate(c.world, p[0], b)
    ),
    ("GET", "/v2/bookings/{bookingUid}/recordings", B): _recordings,
    ("GET", "/v2/bookings/{bookingUid}/transcripts", B): _transcripts,
    ("GET", "/v2/event-types", E): _types,
    ("POST", "/v2/event-types", E): lambda c, p, q, b: event_types.create(c.world, b),
    ("GET", "/v2/event-types/{eventTypeId}", E): (
        lambda c, p, q, b: event_types.find(c.world, p[0])
    ),
    ("PATCH", "/v2/event-types/{eventTypeId}", E): (
        lambda c, p, q, b: event_types.update(c.world, p[0], b)
    ),
    ("DELETE", "/v2/event-types/{eventTypeId}", E): (
        lambda c, p, q, b: event_types.delete(c.world, p[0])
    ),
    ("GET", "/v2/event-types/{eventTypeId}/private-links", P): (
        lambda c, p, q, b: event_types.private_links(c.world, p[0])
    ),
    ("POST", "/v2/event-types/{eventTypeId}/private-links", P): (
        lambda c, p, q, b: event_types.create_private(c.world, p[0], b)
    ),
    ("PATCH", "/v2/event-types/{eventTypeId}/private-links/{linkId}", P): (
        lambda c, p, q, b: event_types.change_private(c.world, p[0], p[1], b)
    ),
    ("DELETE", "/v2/event-types/{eventTypeId}/private-links/{linkId}", P): (
        lambda c, p, q, b: event_types.delete_private(c.world, p[0], p[1])
    ),
    ("GET", "/v2/slots", S): _slots,
    ("GET", "/v2/calendars", ""): _calendars,
    ("GET", "/v2/calendars/busy-times", ""): _busy,
    ("POST", "/v2/webhooks", ""): _subscribe,
    ("DELETE", "/v2/webhooks/{webhookId}", ""): _unsubscribe,
}
_MAKES = {
    ("POST", "/v2/bookings"),
    ("POST", "/v2/bookings/{bookingUid}/reschedule"),
    ("POST", "/v2/event-types"),
    ("POST", "/v2/event-types/{eventTypeId}/private-links"),
    ("POST", "/v2/webhooks"),
}
_PATTERNS = {key: re.compile(re.sub(r"\{\w+\}", "([^/]+)", key[1]) + "$") for key in _ROUTES}


def _route(method: str, path: str, version: str) -> tuple[Handler, list[str], str]:
    for key, pattern in _PATTERNS.items():
        match = pattern.match(path)
        if key[0] != method or match is None:
            continue
        if key[2] and version != key[2]:
            if method == "POST":
                raise Problem(400, "Bad Request Exception", errors=[{"property": "responses"}])
            break
        return _ROUTES[key], [unquote(part) for part in match.groups()], key[1]
    raise Problem(404, f"Cannot {method} {path}")
