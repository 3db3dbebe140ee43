"""Fathom on loopback: meetings newest first in pages of ten, transcripts, summaries, one budget.

Keeps to the sheet and the specification: no way to read one meeting, the end of a list is null or
an empty text, OAuth apps may not include transcripts, summaries or action items in lists. Webhooks
can be made and ended, not listed; deliveries are signed by the library of Standard Webhooks.
"""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from tests.loopback import Double

KEY = "fathom-key"
TOKEN = "fathom-token"
Json = dict[str, Any]
_PAGE = 10
_INCLUDED = ("include_transcript", "include_summary", "include_action_items")
_TRIGGERS = {"my_recordings", "shared_external_recordings"}
_TRIGGERS_OF_TEAMS = {"my_shared_with_team_recordings", "shared_team_recordings"}


@dataclass
class Exchange:
    """One request and its answer, for the specification to judge."""

    method: str
    path: str
    query: Json
    status: int
    answer: Any


@dataclass
class Letter:
    """A delivery as it is sent."""

    url: str
    headers: dict[str, str]
    body: str


@dataclass
class Fault:
    """An answer that goes wrong."""

    status: int
    headers: dict[str, str]
    body: str


def text_of(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Fathom(Double):
    """An async context manager; `url` is its API root. `teams`: on a plan of teams."""

    def __init__(self) -> None:
        self.hooks: dict[str, Json] = {}
        self.teams = True
        self.meetings: list[Json] = []
        self.transcripts: dict[int, list[Json]] = {}
        self.summaries: dict[int, str] = {}
        self.faults: list[Fault] = []
        self.journal: list[Exchange] = []
        self.empty_end = False
        self._serial = 94_413_000

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/external/v1/meetings", self._meetings)
        app.router.add_get("/external/v1/recordings/{id}/transcript", self._transcript)
        app.router.add_get("/external/v1/recordings/{id}/summary", self._summary)
        app.router.add_post("/external/v1/webhooks", self._hook)
        app.router.add_delete("/external/v1/webhooks/{id}", self._unhook)
        return app

    @property
    def url(self) -> str:
        return f"{self.origin}/external/v1"

    def add(self, title: str, ended: datetime | None = None) -> Json:
        """Record a meeting of half an hour that ended at `ended`, three hours ago unless said."""
        self._serial += 1
        end = (ended or datetime.now(UTC) - timedelta(hours=3)).replace(microsecond=0)
        start = end - timedelta(minutes=30)
        own = self._serial
        meeting = {
            "title": f"{title} (Fathom)",
            "meeting_title": title,
            "meeting_type": None,
            "recording_id": own,
            "url": f"https://fathom.video/calls/{own}",
            "share_url": f"https://fathom.video/share/{own}",
            "meeting_url": f"https://us02web.zoom.us/j/{own}",
            "created_at": text_of(end + timedelta(seconds=self._serial % 50)),
            "scheduled_start_time": text_of(start),
            "scheduled_end_time": text_of(end),
            "recording_start_time": text_of(start + timedelta(seconds=40)),
            "recording_end_time": text_of(end - timedelta(seconds=20)),
            "calendar_invitees_domains_type": "one_or_more_external",
            "shared_with": "no_teams",
            "transcript_language": "en",
            "calendar_invitees": [
                {
                    "name": "Jane Doe",
                    "email": "jane@client.example",
                    "email_domain": "client.example",
                    "is_external": True,
                    "matched_speaker_display_name": None,
                },
                {"name": None, "email": None, "email_domain": None, "is_external": False},
            ],
            "recorded_by": {
                "name": "Dana",
                "email": "dana@example.com",
                "email_domain": "example.com",
                "team": None,
            },
            "transcript": None,
            "default_summary": None,
            "action_items": None,
            "highlights": None,
            "crm_matches": None,
        }
        self.meetings.append(meeting)
        self.transcripts[own] = [
            {"speaker": {"display_name": "Dana"}, "text": "Hello.", "timestamp": "00:00:02"},
            {
                "speaker": {
                    "display_name": "Jane",
                    "matched_calendar_invitee_email": "jane@client.example",
                },
                "text": "Hello, Dana.",
                "timestamp": "00:00:05",
            },
            {"speaker": {"display_name": "Dana"}, "text": "Bye.", "timestamp": "01:02:03"},
        ]
        self.summaries[own] = "## Summary\nThey said hello."
        return meeting

    def fail(
        self, status: int, *, reset: int | None = None, body: str = "{}", times: int = 1
    ) -> None:
        headers = {} if reset is None else {"RateLimit-Reset": str(reset)}
        self.faults += [Fault(status, headers, body)] * times

    def letter(self, hook: Json, meeting: Json, when: datetime | None = None) -> Letter:
        """That `meeting` is ready, as it goes to `hook`; each has a number of its own."""
        sent = (when or datetime.now(UTC)).replace(microsecond=0)
        own_id = f"msg_{secrets.token_hex(12)}"
        summary = {"template_name": "General", "markdown_formatted": "## Summary"}
        body = json.dumps(meeting | {"default_summary": summary})
        return Letter(
            hook["url"],
            {
                "webhook-id": own_id,
                "webhook-timestamp": str(int(sent.timestamp())),
                "webhook-signature": Webhook(hook["secret"]).sign(own_id, sent, body),
            },
            body,
        )

    # -- the API

    def _answer(self, request: web.Request, status: int, body: Any) -> web.Response:
        self.journal.append(
            Exchange(request.method, request.path, dict(request.query), status, body)
        )
        limits = {"RateLimit-Limit": "60", "RateLimit-Remaining": "59", "RateLimit-Reset": "30"}
        return web.json_response(body, status=status, headers=limits)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self.faults:
            fault = self.faults.pop(0)
            return web.Response(status=fault.status, headers=fault.headers, text=fault.body)
        key = request.headers.get("x-api-key") == KEY
        if not key and request.headers.get("authorization") != f"Bearer {TOKEN}":
            return self._answer(request, 401, {"error": "Unauthorized"})
        if not key and any(request.query.get(name) == "true" for name in _INCLUDED):
            return self._answer(request, 400, {"error": "not available to OAuth applications"})
        return None

    async def _meetings(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        after = request.query.get("created_after", "")
        before = request.query.get("created_before", "9")
        found = sorted(
            (m for m in self.meetings if after <= m["created_at"] <= before),
            key=lambda meeting: (meeting["created_at"], meeting["recording_id"]),
            reverse=True,
        )
        cursor = request.query.get("cursor", "")
        begin = int(base64.b64decode(cursor)) if cursor else 0
        end = begin + _PAGE
        following = base64.b64encode(str(end).encode()).decode() if end < len(found) else None
        if following is None and self.empty_end:
            following = ""
        items = [self._with(meeting, request) for meeting in found[begin:end]]
        return self._answer(
            request, 200, {"limit": _PAGE, "next_cursor": following, "items": items}
        )

    def _with(self, meeting: Json, request: web.Request) -> Json:
        if request.query.get("include_action_items") != "true":
            return meeting
        return meeting | {
            "action_items": [
                {
                    "description": "Send the offer",
                    "user_generated": False,
                    "completed": True,
                    "assignee": {"name": "Dana", "email": "dana@example.com", "team": None},
                }
            ]
        }

    async def _transcript(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        found = self.transcripts.get(int(request.match_info["id"]))
        if found is None:
            return self._answer(request, 404, {"error": "Not found"})
        return self._answer(request, 200, {"transcript": found})

    async def _summary(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        found = self.summaries.get(int(request.match_info["id"]))
        if found is None:
            return self._answer(request, 200, {"summary": None})
        body = {"template_name": "General", "markdown_formatted": found}
        return self._answer(request, 200, {"summary": body})

    async def _hook(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        asked = await request.json()
        triggers = set(asked.get("triggered_for") or ())
        allowed = _TRIGGERS | (_TRIGGERS_OF_TEAMS if self.teams else set())
        if not str(asked.get("destination_url", "")).startswith(("http:", "https:")):
            return self._answer(request, 400, {"error": "destination_url"})
        if not triggers or triggers - allowed:
            return self._answer(request, 400, {"error": "triggered_for"})
        included = {name: bool(asked.get(name)) for name in (*_INCLUDED, "include_crm_matches")}
        if not any(included.values()):
            return self._answer(request, 400, {"error": "include something"})
        hook = {
            "id": secrets.token_urlsafe(12),
            "url": asked["destination_url"],
            "secret": "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
            "created_at": text_of(datetime.now(UTC)),
            "triggered_for": sorted(triggers),
            **included,
        }
        self.hooks[hook["id"]] = hook
        return self._answer(request, 201, hook)

    async def _unhook(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        if self.hooks.pop(request.match_info["id"], None) is None:
            return self._answer(request, 404, {"error": "Not found"})
        self.journal.append(Exchange("DELETE", request.path, {}, 204, None))
        return web.Response(status=204)
