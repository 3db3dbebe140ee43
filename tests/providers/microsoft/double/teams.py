"""Teams: online meetings with their recordings and transcripts, and webinars."""

import base64
import itertools
import re
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.providers.microsoft.double import clocks
from tests.providers.microsoft.double.problems import Problem, missing, unknown_path
from tests.providers.microsoft.double.world import Json, Mailbox, World

if TYPE_CHECKING:
    from tests.providers.microsoft.double.routes import Asked, Found

_FILTER = re.compile(r"JoinWebUrl eq '((?:[^']|'')*)'")
_ALL = re.compile(
    r"getAllRecordings\(meetingOrganizerUserId='([^']*)',startDateTime=([^,]+),endDateTime=([^)]+)\)"
)
_VTT = (
    "WEBVTT\n\n0:0:0.0 --> 0:0:5.320\n<v Ada>Hello &amp; welcome</v>\n\n"
    "0:0:5.320 --> 0:1:0.0\n<v Ben>Thanks</v>\n"
)


def _app_lists(world: World) -> list[str]:
    """Lists of webinars of one person, by address or id."""
    return [
        f"getByUserIdAndRole(userId='{who}',role='organizer')"
        for box in world.mailboxes.values()
        for who in (box.address, box.id)
    ]


_STATES = ("registered", "canceled", "waitlisted", "pendingApproval", "rejectedByOrganizer")


class Teams:
    """What Teams keeps."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.policy = True
        self.content: dict[str, bytes] = {}
        self.recordings: dict[str, list[Json]] = {}
        self.transcripts: dict[str, list[Json]] = {}
        self.extra: dict[str, Json] = {}
        self.webinars: dict[str, Json] = {}
        self.parts: dict[str, dict[str, list[Json]]] = {}
        self._serial = itertools.count(1)

    # -- meetings

    def meeting_id(self, box: Mailbox, join_url: str) -> str:
        thread = join_url.split("/")[-2]
        return base64.b64encode(f"1*{box.id}*0**{thread}".encode()).decode()

    def _meetings(self, box: Mailbox) -> dict[str, Json]:
        found = {}
        for join_url, (address, event_id) in self.world.meetings.items():
            if address != box.address:
                continue
            own_id = self.meeting_id(box, join_url)
            subject = None
            for calendar in box.calendars.values():
                if event_id in calendar.items:
                    subject = calendar.items[event_id].data["subject"]
            found[own_id] = {"id": own_id, "joinWebUrl": join_url, "subject": subject,
                             "meetingSpokenLanguageTag": "en-US"}  # fmt: skip
        return found | self.extra

    def record(
        self, box: Mailbox, join_url: str, when: datetime, *, transcript: bool = True,
        recording: bool = True, minutes: int = 20,
    ) -> str:  # fmt: skip
        """Record a meeting; the recording's id, or the transcript's."""
        own_id = self.meeting_id(box, join_url)
        correlation = str(uuid.uuid4())
        who = {"application": None, "device": None, "user": {"id": box.id, "displayName": None}}
        end = when + timedelta(minutes=minutes)
        common: Json = {
            "meetingId": own_id, "callId": str(uuid.uuid4()),
            "contentCorrelationId": correlation, "createdDateTime": clocks.stamp(when),
            "endDateTime": clocks.stamp(end), "meetingOrganizer": who,
        }  # fmt: skip
        made = ""
        if transcript:
            made = base64.b64encode(f"##0##{correlation}".encode()).decode()
            one = {"id": made, **common, "transcriptContentUrl": "https://graph.microsoft.com/…"}
            self.transcripts.setdefault(own_id, []).append(one)
            self.content[made] = _VTT.encode()
        if recording:
            made = str(uuid.uuid4())
            one = {"id": made, **common, "recordingContentUrl": "https://graph.microsoft.com/…"}
            self.recordings.setdefault(own_id, []).append(one)
        return made

    def meetings(self, asked: "Asked", box: Mailbox, rest: list[str]) -> "Found":
        from tests.providers.microsoft.double.routes import Answer

        if not self.policy:
            raise Problem(403, "Forbidden", "No application access policy found for this app")
        known = self._meetings(box)
        if not rest:
            wanted = _FILTER.fullmatch(asked.query.get("$filter", ""))
            if wanted is None:
                raise Problem(400, "InvalidArgument", "Filter expression expected")
            link = wanted[1].replace("''", "'")
            return Answer(200, {"value": [m for m in known.values() if m["joinWebUrl"] == link]})
        if rest[0].startswith("getAllRecordings"):
            return self._all(asked, box, rest[0])
        if rest[0] not in known:
            raise missing()
        if len(rest) == 1:
            return Answer(200, known[rest[0]])
        table = {"recordings": self.recordings, "transcripts": self.transcripts}.get(rest[1])
        if table is None:
            raise unknown_path(rest[1])
        if asked.query and set(asked.query) - {"$format"}:
            raise Problem(400, "BadRequest", "OData options are not supported")
        items = table.get(rest[0], [])
        if len(rest) == 2:
            return Answer(200, {"@odata.count": len(items), "value": items})
        one = next((each for each in items if each["id"] == rest[2]), None)
        if one is None:
            raise missing()
        if rest[3:] == ["content"]:
            return Answer(200, self.content.get(rest[2], b"video"), {"Content-Type": "text/vtt"})
        return Answer(200, one)

    def _all(self, asked: "Asked", box: Mailbox, word: str) -> "Found":
        if asked.headers["authorization"].removeprefix("Bearer ") in asked.graph.tokens.people:
            raise Problem(403, "Forbidden", "not supported with delegated permissions")
        found = _ALL.fullmatch(word)
        if found is None or found[1] not in (box.id, box.address):
            raise Problem(400, "BadRequest", "parameters")
        low, high = clocks.parse(found[2]), clocks.parse(found[3])
        items = [
            each
            for table in self.recordings.values()
            for each in table
            if low <= clocks.parse(each["createdDateTime"]) < high
        ]
        return asked.page(items, default=2)

    # -- webinars

    def virtual(self, asked: "Asked", rest: list[str]) -> "Found":
        from tests.providers.microsoft.double.routes import Answer

        if rest[0] == "events":
            return self._act(asked, rest[1], rest[2])
        if rest[0] != "webinars":
            raise unknown_path(rest[0])
        if len(rest) == 1:
            if asked.method != "POST":
                return asked.page(list(self.webinars.values()), default=100)
            return Answer(201, self.draft(asked.body))
        if rest[1] in ("getByUserRole(role='organizer')", *_app_lists(self.world)):
            return asked.page(list(self.webinars.values()), default=100)
        if rest[1] not in self.webinars:
            raise Problem(404, "NotFound", "webinar")
        if len(rest) == 2:
            return self._one(asked, rest[1])
        return self._part(asked, rest[1], "/".join(rest[2:]))

    def draft(self, body: Json) -> Json:
        for name in ("displayName", "startDateTime", "endDateTime"):
            if not body.get(name):
                raise Problem(400, "BadRequest", name)
        first, last = (clocks.instant(*clocks.read(body[n], n)) for n in
                       ("startDateTime", "endDateTime"))  # fmt: skip
        if last < first:
            raise Problem(400, "BadRequest", "end")
        own_id = f"{uuid.uuid4()}@{uuid.uuid4()}"
        made: Json = {
            "status": "draft", "description": {"contentType": "text", "content": ""},
            "audience": "organization", "coOrganizers": [], "isRegistrationRequired": False,
            "settings": {"isAttendeeEmailNotificationEnabled": False},
            "createdBy": {"user": {"id": str(uuid.uuid4()), "displayName": "Ada"}},
            **body, "id": own_id,
        }  # fmt: skip
        self.webinars[own_id] = made
        self.parts[own_id] = {
            "presenters": [],
            "sessions": [{"id": str(uuid.uuid4()), "joinWebUrl":
                          f"https://teams.microsoft.com/l/meetup-join/{own_id[:8]}/0",
                          "videoOnDemandWebUrl": None}],
            "registrations": [],
            "questions": [],
            "configuration": [{"capacity": 1000, "isManualApprovalEnabled": False,
                               "isWaitlistEnabled": False, "registrationWebUrl":
                               f"https://events.teams.microsoft.com/event/{own_id}"}],
        }  # fmt: skip
        return made

    def _one(self, asked: "Asked", own_id: str) -> "Found":
        from tests.providers.microsoft.double.routes import Answer

        if asked.method == "PATCH":
            if self.webinars[own_id]["status"] == "canceled":
                raise Problem(400, "BadRequest", "canceled")
            self.webinars[own_id] |= asked.body
        elif asked.method == "DELETE":
            del self.webinars[own_id]
            return Answer(204)
        return Answer(200, self.webinars[own_id])

    def _act(self, asked: "Asked", own_id: str, word: str) -> "Found":
        from tests.providers.microsoft.double.routes import Answer

        if own_id not in self.webinars:
            raise Problem(404, "NotFound", "webinar")
        webinar = self.webinars[own_id]
        allowed = {"publish": ("draft", "published"), "cancel": ("published", "canceled")}
        if word not in allowed or webinar["status"] != allowed[word][0]:
            raise Problem(400, "BadRequest", f"cannot {word} a {webinar['status']}")
        webinar["status"] = allowed[word][1]
        return Answer(204)

    def _part(self, asked: "Asked", own_id: str, path: str) -> "Found":
        from tests.providers.microsoft.double.routes import Answer

        parts = self.parts[own_id]
        if path == "registrationConfiguration":
            if asked.method == "PATCH":
                parts["configuration"][0] |= asked.body
            return Answer(200, parts["configuration"][0])
        name, _, rest = path.replace("registrationConfiguration/", "").partition("/")
        if name not in parts:
            raise unknown_path(name)
        if asked.query:
            raise Problem(400, "BadRequest", "OData options are not supported")
        items, (one_id, _, action) = parts[name], rest.partition("/")
        if not one_id:
            return self._items(asked, own_id, name, items)
        one = next((each for each in items if each["id"] == one_id), None)
        if one is None:
            raise Problem(404, "NotFound", name)
        if asked.method == "DELETE":
            items.remove(one)
            return Answer(204)
        if action == "cancel":
            one["status"] = "canceled"
            return Answer(204)
        return Answer(200, one)

    def _items(self, asked: "Asked", own_id: str, name: str, items: list[Json]) -> "Found":
        from tests.providers.microsoft.double.routes import Answer

        if asked.method != "POST":
            return Answer(200, {"value": items})
        made: Json = {**asked.body, "id": str(uuid.uuid4())}
        if name == "registrations":
            made = self._register(own_id, made)
        if name == "presenters" and not (made.get("email") or made.get("identity")):
            raise Problem(400, "BadRequest", "presenter")
        items.append(made)
        return Answer(201, made)

    def _register(self, own_id: str, made: Json) -> Json:
        if not made.get("email") or "firstName" not in made:
            raise Problem(400, "BadRequest", "registration")
        there = self.parts[own_id]["registrations"]
        config: Any = self.parts[own_id]["configuration"][0]
        state = "pendingApproval" if config["isManualApprovalEnabled"] else "registered"
        if len(there) >= (config["capacity"] or 10**6):
            state = "waitlisted"
        assert state in _STATES
        return {"userId": None, "cancelationDateTime": None, "registrationQuestionAnswers": [],
                "registrationDateTime": f"{self.world.now():%Y-%m-%dT%H:%M:%S}", "status": state,
                **made}  # fmt: skip
