"""The double's HTTP side: routes, tokens, a journal of what was said."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientSession, web
from yarl import URL

from tests.providers.goto.double import world as w
from tests.providers.goto.double.world import Json, Problem, World
from tests.providers.loopback import Loopback

Answer = tuple[int, Any]
Handler = Callable[["GoTo", re.Match[str], Json, Any], Answer]


@dataclass
class Exchange:
    """One request and its answer, for the specification to judge."""

    method: str
    path: str
    query: Json
    body: Any
    status: int
    answer: Any
    headers: dict[str, str] = field(default_factory=dict)


class GoTo(Loopback):
    """GoTo."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.tokens = {w.TOKEN}
        self.journal: list[Exchange] = []

    async def answer(self, request: web.Request, body: Any) -> Answer:
        path, query = request.url.raw_path, dict(request.url.query)
        try:
            self._check(request.headers.get("authorization", ""))
            await self._probe(path, body)
            status, shown = self._route(request.method, path, query, body)
        except Problem as problem:
            status, shown = problem.status, problem.body
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.journal.append(Exchange(request.method, path, query, body, status, shown, headers))
        return status, shown

    def trouble(self, status: int) -> Any:
        return {"errorCode": f"E{status}", "message": "on demand"}

    def _check(self, header: str) -> None:
        """A dead token is answered with 403."""
        if header.removeprefix("Bearer ") not in self.tokens:
            raise Problem(403, "InvalidToken", "Invalid token passed", older=True)

    async def _probe(self, path: str, body: Any) -> None:
        """Addresses of webhooks want to be https, and to answer a GET with 200. What would end TLS
        stands in front of whom they belong to.
        """
        if not path.endswith(("/webhooks", "/userSubscriptions")):
            return
        for each in body or ():
            url = each.get("callbackUrl", "https:") if isinstance(each, dict) else "https:"
            if not url.startswith("https:"):
                raise Problem(400, "InvalidRequest", "callbackUrl")
            if url == "https:":
                continue
            async with ClientSession() as client:
                answer = await client.get(URL(url.replace("https:", "http:"), encoded=True))
                if answer.status != 200:
                    raise Problem(400, "InvalidRequest", "callbackUrl")

    def _route(self, method: str, path: str, query: Json, body: Any) -> Answer:
        from tests.providers.goto.double import hooks, webinars

        for known, pattern, handler in (*ROUTES, *webinars.ROUTES, *hooks.ROUTES):
            match = pattern.fullmatch(path)
            if match is not None and known == method:
                return handler(self, match, query, body)
        raise Problem(404, "NOT_FOUND", "no such path")


# -- meetings


def _me(goto: GoTo, match: re.Match[str], query: Json, body: Any) -> Answer:
    return 200, w.me()


def _meeting(goto: GoTo, match: re.Match[str]) -> Json:
    found = goto.world.meetings.get(match[1])
    if found is None:
        raise Problem(404, "NOT_FOUND", "The meeting does not exist")
    return found


def _create(goto: GoTo, match: re.Match[str], query: Json, body: Any) -> Answer:
    found = goto.world.add_meeting(body)
    number = found["id"]
    shown = {
        "joinURL": f"https://meet.goto.com/{number}",
        "meetingid": number,
        "maxParticipants": 250,
        "uniqueMeetingId": number,
        "conferenceCallInfo": found["call"],
    }
    return 201, [shown]


def _get(goto: GoTo, match: re.Match[str], query: Json, body: Any) -> Answer:
    return 200, [w.meeting_by_id(_meeting(goto, match))]


def _put(goto: GoTo, match: re.Match[str], query: Json, body: Any) -> Answer:
    w.change_meeting(_meeting(goto, match), body)
    return 204, None


def _delete(goto: GoTo, match: re.Match[str], query: Json, body: Any) -> Answer:
    _meeting(goto, match)
    del goto.world.meetings[match[1]]
    return 204, None


def _upcoming(goto: GoTo, match: re.Match[str], query: Json, body: Any) -> Answer:
    now = datetime.now(UTC)
    shown = [
        w.upcoming_meeting(found)
        for found in goto.world.meetings.values()
        if not found["running"] and (found["end"] > now or found["type"] == "recurring")
    ]
    return 200, shown


def _historical(goto: GoTo, match: re.Match[str], query: Json, body: Any) -> Answer:
    if "startDate" not in query or "endDate" not in query:
        raise Problem(400, "InvalidRequest", "startDate and endDate are required")
    low, high = w.moment(query["startDate"]), w.moment(query["endDate"])
    held = [found for found in goto.world.sessions if low <= found["start"] <= high]
    return 200, [w.historical_meeting(found) for found in held]


_G2M = "/G2M/rest"
ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("GET", re.compile("/admin/rest/v1/me"), _me),
    ("POST", re.compile(f"{_G2M}/meetings"), _create),
    ("GET", re.compile(rf"{_G2M}/meetings/(\d+)"), _get),
    ("PUT", re.compile(rf"{_G2M}/meetings/(\d+)"), _put),
    ("DELETE", re.compile(rf"{_G2M}/meetings/(\d+)"), _delete),
    ("GET", re.compile(f"{_G2M}/upcomingMeetings"), _upcoming),
    ("GET", re.compile(f"{_G2M}/historicalMeetings"), _historical),
)
