"""The double's HTTP side: routes, tokens, a journal of what was said."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.providers.dialpad.double import world as w
from tests.providers.dialpad.double.world import Json, Problem, World
from tests.providers.loopback import Loopback

Handler = Callable[["Dialpad", re.Match[str], Json, Any], Any]


@dataclass
class Exchange:
    """One request and its answer, for the specification to judge."""

    method: str
    path: str
    query: Json
    body: Any
    status: int
    answer: Any


class Dialpad(Loopback):
    """Dialpad."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.tokens = {w.TOKEN}
        self.journal: list[Exchange] = []

    async def answer(self, request: web.Request, body: Any) -> tuple[int, Any]:
        path, query = request.url.raw_path, dict(request.url.query)
        try:
            if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
                raise Problem(401, "Unauthorized")
            status, shown = 200, self._route(request.method, path, query, body)
        except Problem as problem:
            status, shown = problem.status, problem.body
        self.journal.append(Exchange(request.method, path, query, body, status, shown))
        return status, shown

    def trouble(self, status: int) -> Any:
        return Problem(status, "on demand").body

    def _route(self, method: str, path: str, query: Json, body: Any) -> Any:
        from tests.providers.dialpad.double import hooks

        for known, pattern, handler in (*ROUTES, *hooks.ROUTES):
            match = pattern.fullmatch(path)
            if match is not None and known == method:
                return handler(self, match, query, body)
        raise Problem(404, "no such path")

    def pages(self, name: str, found: list[Any], query: Json) -> Json:
        """A page of a list; its cursor is missing on the last one."""
        try:
            first = int(query.get("cursor", "0"))
        except ValueError:
            raise Problem(400, "cursor") from None
        shown: Json = {name: found[first : first + self.world.page]}
        if first + self.world.page < len(found):
            shown["cursor"] = str(first + self.world.page)
        return shown


def _me(dialpad: Dialpad, match: re.Match[str], query: Json, body: Any) -> Json:
    if not dialpad.world.me:
        raise Problem(404, "no user of this key")
    return dialpad.world.users[dialpad.world.me]


def _users(dialpad: Dialpad, match: re.Match[str], query: Json, body: Any) -> Json:
    email = query.get("email")
    found = [u for u in dialpad.world.users.values() if not email or email in u["emails"]]
    return dialpad.pages("items", found, query)


def _rooms(dialpad: Dialpad, match: re.Match[str], query: Json, body: Any) -> Json:
    return dialpad.pages("items", dialpad.world.rooms, query)


def _history(dialpad: Dialpad, match: re.Match[str], query: Json, body: Any) -> Json:
    room = query.get("room_id")
    found = [each for each in dialpad.world.history if not room or each["room_id"] == room]
    return dialpad.pages("items", found, query)


def _meeting(dialpad: Dialpad, match: re.Match[str], user: Any) -> Json:
    found = dialpad.world.meetings.get(match[1])
    if found is None or found["user"] != str(user):
        raise Problem(404, "meeting")
    return found


def _list(dialpad: Dialpad, match: re.Match[str], query: Json, body: Any) -> Json:
    """Under `data`, unlike all others; instance by instance."""
    user = dialpad.world.user(query.get("user_id"))
    if "start_datetime" not in query:
        raise Problem(400, "start_datetime is required")
    low = datetime.fromtimestamp(int(query["start_datetime"]), UTC)
    high = datetime.fromtimestamp(int(query.get("end_datetime", 4_000_000_000)), UTC)
    found = [
        (one["start"], w.show(one, slot))
        for meeting in dialpad.world.meetings.values()
        if meeting["user"] == user["id"]
        for slot, one in w.slots(meeting, low, high)
    ]
    found.sort(key=lambda each: each[0])
    return dialpad.pages("data", [shown for _, shown in found], query)


def _create(dialpad: Dialpad, match: re.Match[str], query: Json, body: Any) -> Json:
    return w.show(dialpad.world.add(body))


def _get(dialpad: Dialpad, match: re.Match[str], query: Json, body: Any) -> Json:
    return w.show(_meeting(dialpad, match, query.get("user_id")))


def _put(dialpad: Dialpad, match: re.Match[str], query: Json, body: Any) -> Json:
    found = _meeting(dialpad, match, body.get("user_id"))
    own_id = body.get("instance_id")
    if not own_id:
        w.define(found, body)
        return w.show(found)
    slot = int(own_id.rpartition("-")[2])
    one = {**found}
    w.define(one, body)
    changed = {name: one[name] for name in ("title", "start", "end", "people", "call_out")}
    found["moved"][slot] = changed
    return w.show({**found, **changed}, slot)


def _delete(dialpad: Dialpad, match: re.Match[str], query: Json, body: Any) -> Json:
    """Answers 200, with what was deleted."""
    found = _meeting(dialpad, match, query.get("user_id"))
    stamp = query.get("instance_timestamp")
    if stamp is None:
        del dialpad.world.meetings[match[1]]
        return w.show(found)
    found["without"].add(int(stamp))
    return w.show(found, int(stamp))


_ROOT = "/api/v2"
ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("GET", re.compile(f"{_ROOT}/users/me"), _me),
    ("GET", re.compile(f"{_ROOT}/users"), _users),
    ("GET", re.compile(f"{_ROOT}/conference/rooms"), _rooms),
    ("GET", re.compile(f"{_ROOT}/conference/meetings"), _history),
    ("GET", re.compile(f"{_ROOT}/meetings"), _list),
    ("POST", re.compile(f"{_ROOT}/meetings"), _create),
    ("GET", re.compile(rf"{_ROOT}/meetings/(\d+)"), _get),
    ("PUT", re.compile(rf"{_ROOT}/meetings/(\d+)"), _put),
    ("DELETE", re.compile(rf"{_ROOT}/meetings/(\d+)"), _delete),
)
