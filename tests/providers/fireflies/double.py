"""Fireflies on loopback: one GraphQL endpoint over transcripts and running meetings.

Keeps to the sheet and the recorded answers: newest first, skip and limit with at most 50, no total;
errors are told by code, whatever the HTTP status: a bad key is 500, a missing object 200. Queries
are read by graphql-core, so that only what was selected is answered.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from graphql import (
    FieldNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    Undefined,
    parse,
)
from graphql.language import SelectionSetNode
from graphql.utilities import value_from_ast_untyped

from tests.loopback import Double

KEY = "fireflies-key"
Json = dict[str, Any]
_MAX_LIMIT = 50
# Old filters, and the new forms that they may not be mixed with.
_OLD = frozenset({"title", "organizer_email", "participant_email", "date"})
_NEW = frozenset({"keyword", "organizers", "participants", "fromDate"})


class RefusalError(Exception):
    """An entry of `errors`."""

    def __init__(self, code: str, status: int, http: int = 200, **metadata: object) -> None:
        super().__init__(code)
        self.code, self.status, self.http, self.metadata = code, status, http, metadata

    def entry(self, path: list[str | int] | None) -> Json:
        found: Json = {"message": f"secret words about {self.code}", "code": self.code}
        if path:
            found["path"] = path
        extensions = {"code": self.code, "status": self.status, "correlationId": "corr-1"}
        return found | {"friendly": True, "extensions": extensions | {"metadata": self.metadata}}


@dataclass
class Exchange:
    """One request and its answer, for the schema to judge."""

    query: str
    variables: Json
    status: int
    answer: Any


@dataclass
class Fault:
    """An answer that goes wrong."""

    status: int
    body: str
    headers: dict[str, str]


def text_of(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Fireflies(Double):
    """An async context manager; `url` is its API root."""

    def __init__(self) -> None:
        self.transcripts: list[Json] = []
        self.running: list[Json] = []
        self.faults: list[Fault] = []
        self.journal: list[Exchange] = []
        self.partial: dict[str, RefusalError] = {}
        self._serial = 0

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/graphql", self._graphql)
        return app

    def _own_id(self) -> str:
        self._serial += 1
        return f"01KW0T18TQ0H1NQ3G0BH{self._serial:06d}"

    def add(self, title: str, start: datetime | None = None) -> Json:
        """A meeting of half an hour that began at `start`, three hours ago unless said."""
        own = self._own_id()
        begun = (start or datetime.now(UTC) - timedelta(hours=3)).replace(microsecond=0)
        seconds = int(begun.timestamp())
        ends = seconds + 60 * 3600
        meeting = {
            "id": own,
            "title": title,
            "date": (seconds - seconds % 300) * 1000,
            "dateString": text_of(begun),
            "duration": 30.5,
            "privacy": "link",
            "organizer_email": "dana@example.com",
            "host_email": None,
            "participants": ["dana@example.com,ana@example.org", "eve@example.net"],
            "fireflies_users": ["dana@example.com"],
            "meeting_link": "https://meet.google.com/abc-defg-hij",
            "calendar_id": "t1k@google.com",
            "cal_id": "t1k_20260626T015000Z",
            "calendar_type": "google",
            "transcript_url": f"https://app.fireflies.ai/view/{own}",
            "audio_url": f"https://cdn.fireflies.ai/{own}/audio.mp3?Expires={ends}&Signature=x",
            "video_url": None,
            "is_live": False,
            "meeting_attendees": [
                {"displayName": "Ana", "name": None, "email": "ana@example.org"},
                {"displayName": None, "name": None, "email": None},
            ],
            "meeting_info": {
                "fred_joined": True,
                "silent_meeting": False,
                "summary_status": "processed",
            },
            "summary": {
                "overview": "They said hello.",
                "short_summary": "Hello.",
                "action_items": "**Dana**\nSend the offer (12:30)\n",
            },
            "speakers": [{"id": 0, "name": "Dana"}, {"id": 1, "name": "Ana"}],
            "sentences": [
                {
                    "index": index,
                    "speaker_id": index % 2,
                    "speaker_name": None if index else "Dana",
                    "text": text,
                    "raw_text": text,
                    "start_time": start_time,
                    "end_time": start_time + 1.5,
                }
                for index, (text, start_time) in enumerate(
                    [("Hello.", 0.24), ("Hello, Dana.", 2.5), ("Bye.", 3723.0)]
                )
            ],
        }
        self.transcripts.append(meeting)
        return meeting

    def run(self, title: str, start: datetime | None = None) -> Json:
        """A meeting that the notetaker sits in now."""
        begun = start or datetime.now(UTC) - timedelta(minutes=5)
        meeting = {
            "id": self._own_id(),
            "title": title,
            "organizer_email": "dana@example.com",
            "meeting_link": "https://us02web.zoom.us/j/123456789",
            "start_time": text_of(begun),
            "end_time": text_of(begun + timedelta(hours=1)),
            "privacy": "link",
            "state": "active",
        }
        self.running.append(meeting)
        return meeting

    def refuse(self, refusal: RefusalError, times: int = 1) -> None:
        """Answer the next requests with an error, as Fireflies writes it."""
        body = json.dumps({"errors": [refusal.entry(None)], "data": None})
        self.faults += [Fault(refusal.http, body, {})] * times

    def fail(
        self, status: int, body: str, *, headers: dict[str, str] | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with something that Fireflies' own code did not write."""
        self.faults += [Fault(status, body, headers or {})] * times

    # -- the API

    async def _graphql(self, request: web.Request) -> web.Response:
        body = await request.json()
        query, variables = body["query"], body.get("variables") or {}
        if self.faults:
            fault = self.faults.pop(0)
            return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
        try:
            if request.headers.get("authorization") != f"Bearer {KEY}":
                raise RefusalError("auth_failed", 500, 500)
            answer = self._execute(query, variables)
            status = 200
        except RefusalError as refusal:
            answer, status = {"errors": [refusal.entry(None)], "data": None}, refusal.http
        self.journal.append(Exchange(query, variables, status, answer))
        limits = {"x-ratelimit-limit-api": "60", "x-ratelimit-reset-api": "38"}
        return web.json_response(answer, status=status, headers=limits)

    def _execute(self, query: str, variables: Json) -> Json:
        try:
            (operation,) = parse(query).definitions
        except GraphQLSyntaxError:
            raise RefusalError("GRAPHQL_PARSE_FAILED", 400, 400) from None
        if (
            not isinstance(operation, OperationDefinitionNode)
            or operation.operation is not OperationType.QUERY
        ):
            raise RefusalError("forbidden", 403)
        data: Json = {}
        errors = []
        for field in operation.selection_set.selections:
            if not isinstance(field, FieldNode):
                raise RefusalError("GRAPHQL_VALIDATION_FAILED", 400, 400)
            name = field.name.value
            asked = {
                argument.name.value: value_from_ast_untyped(argument.value, variables)
                for argument in field.arguments or ()
            }
            given = {key: value for key, value in asked.items() if value not in (None, Undefined)}
            try:
                if name in self.partial:
                    raise self.partial[name]
                data[name] = _selected(self._root(name, given), field.selection_set)
            except RefusalError as refusal:
                data[name] = None
                errors.append(refusal.entry([name]))
            errors += self._holes(name, data)
        return {"errors": errors, "data": data} if errors else {"data": data}

    def _holes(self, name: str, data: Json) -> list[Json]:
        """Errors of single fields, which are null then."""
        errors = []
        found = data[name] if isinstance(data[name], list) else [data[name]]
        for field, refusal in self.partial.items():
            for index, item in enumerate(found):
                if item and field in item:
                    item[field] = None
                    where = [name, index] if isinstance(data[name], list) else [name]
                    errors.append(refusal.entry([*where, field]))
        return errors

    def _root(self, name: str, given: Json) -> Any:
        if name == "transcripts":
            return self._list(given)
        if name == "active_meetings":
            return self.running
        if name == "user":
            return {"user_id": "u1", "email": "dana@example.com", "name": "Dana", "is_admin": True}
        if name == "transcript":
            for meeting in self.transcripts:
                if meeting["id"] == given["id"]:
                    return meeting
            raise RefusalError("object_not_found", 404)
        raise RefusalError("GRAPHQL_VALIDATION_FAILED", 400, 400)

    def _list(self, given: Json) -> list[Json]:
        limit, skip = given.get("limit", _MAX_LIMIT), given.get("skip", 0)
        if not 0 < limit <= _MAX_LIMIT or skip < 0 or (_OLD & set(given) and _NEW & set(given)):
            raise RefusalError("invalid_arguments", 400)
        low, high = given.get("fromDate", ""), given.get("toDate", "9")
        word = given.get("keyword", "").lower()
        found = sorted(
            (m for m in self.transcripts if low <= m["dateString"] <= high and _says(m, word)),
            key=lambda meeting: (meeting["dateString"], meeting["id"]),
            reverse=True,
        )
        return found[skip : skip + limit]


def _says(meeting: Json, word: str) -> bool:
    said = [sentence["text"] for sentence in meeting["sentences"] or ()]
    return any(word in text.lower() for text in [meeting["title"] or "", *said])


def _selected(found: Any, selection: SelectionSetNode | None) -> Any:
    """`found`, with the fields that were asked for."""
    if isinstance(found, list):
        return [_selected(each, selection) for each in found]
    if selection is None or found is None:
        return found
    answer = {}
    for field in selection.selections:
        if not isinstance(field, FieldNode) or field.name.value not in found:
            raise RefusalError("GRAPHQL_VALIDATION_FAILED", 400, 400)
        name = field.name.value
        answer[name] = _selected(found[name], field.selection_set)
    return answer
