"""Meetings and webinars of one Zoom account, and what may be done with them."""

import base64
import itertools
import uuid
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from tests.providers.zoom.double import plan
from tests.providers.zoom.double.problems import Json, Problem, invalid, missing

DANA = "KDcuGIm1QgePTO8WbOqwIQ"
EVE = "z8yCxTTTTSiw02QgCAp8uQ"
SERIES, LOOSE = {8, 9}, {3, 6}
TYPES = {"meeting": {1, 2, 3, 8, 10}, "webinar": {5, 6, 9}}
_OF_OCCURRENCE = {"agenda", "start_time", "duration", "settings", "timezone"}
_SUMMARY = (
    "uuid",
    "id",
    "host_id",
    "topic",
    "type",
    "start_time",
    "duration",
    "timezone",
    "created_at",
    "join_url",
    "is_simulive",
)
_SETTINGS: dict[str, Json] = {
    "meeting": {
        "host_video": True,
        "waiting_room": False,
        "approval_type": 2,
        "alternative_hosts": "",
        "meeting_invitees": [],
        "private_meeting": False,
        "auto_recording": "none",
    },
    "webinar": {
        "approval_type": 2,
        "registrants_restrict_number": 0,
        "question_and_answer": {"enable": False},
        "alternative_hosts": "",
    },
}


def user(own_id: str, name: str, zone: str) -> Json:
    first, last = name.split()
    return {
        "id": own_id,
        "first_name": first,
        "last_name": last,
        "display_name": name,
        "account_id": "AAAAAABBBB",
        "email": f"{first.lower()}@example.com",
        "type": 2,
        "timezone": zone,
        "status": "active",
        "created_at": "2024-02-01T09:00:00Z",
        "user_created_at": "2024-02-01T09:00:00Z",
    }


def new_uuid() -> str:
    return base64.b64encode(uuid.uuid4().bytes).decode()


class World:
    """One account."""

    def __init__(self) -> None:
        self.users = {
            DANA: user(DANA, "Dana Host", "Europe/Berlin"),
            EVE: user(EVE, "Eve Other", "UTC"),
        }
        self.objects: dict[str, dict[int, Json]] = {"meeting": {}, "webinar": {}}
        self.panelists: dict[int, list[Json]] = {}
        self.registrants: dict[int, list[Json]] = {}
        self.questions: dict[int, Json] = {}
        self.polls: dict[int, list[Json]] = {}
        self.tracking: dict[int, list[Json]] = {}
        self.recordings: dict[str, Json] = {}
        self.instances: dict[int, list[Json]] = {}
        self.files: dict[str, str] = {}
        self.summaries: dict[str, Json] = {}
        self.participants: dict[str, list[Json]] = {}
        self.schedules: dict[str, Json] = {}
        self.numbers = itertools.count(85_361_420_174, 7)

    # -- finding

    def find_user(self, name: str, *, me: str = DANA) -> str:
        if name == "me":
            return me
        for own_id, found in self.users.items():
            if name in (own_id, found["email"]):
                return own_id
        raise Problem(404, 1001, f"User does not exist: {name}.")

    def find(self, kind: str, number: str) -> Json:
        if not number.isdecimal():
            raise Problem(404, 300, f"Invalid {kind} id.")
        found = self.objects[kind].get(int(number))
        if found is None:
            other = "webinar" if kind == "meeting" else "meeting"
            if int(number) in self.objects[other]:
                raise Problem(400, 3000, f"Cannot access {kind} information.")
            raise missing(kind, number)
        return found

    @staticmethod
    def occurrence(data: Json, own_id: str) -> Json:
        for found in data.get("occurrences", ()):
            if found["occurrence_id"] == own_id:
                return dict_of(found)
        raise Problem(400, 3000, "Meeting occurrence does not exist.")

    # -- showing

    def summary(self, data: Json) -> Json:
        found = {name: data[name] for name in _SUMMARY if name in data}
        if data.get("agenda"):
            found["agenda"] = data["agenda"][:250]
        taking_place = [o for o in data.get("occurrences", ()) if o["status"] == "available"]
        if taking_place:
            found["start_time"] = min(o["start_time"] for o in taking_place)
        return found

    def shown(self, data: Json, query: Json) -> Json:
        found = {name: value for name, value in data.items() if name != "edits"}
        own_id = query.get("occurrence_id")
        if own_id:
            occurrence = self.occurrence(data, own_id)
            if occurrence["status"] == "deleted":
                raise Problem(400, 3000, "Meeting occurrence does not exist.")
            found |= {"start_time": occurrence["start_time"], "duration": occurrence["duration"]}
            found |= data["edits"].get(own_id, {})
        elif data["type"] in SERIES:
            found.pop("start_time", None)
        if "occurrences" in data and query.get("show_previous_occurrences") != "true":
            now = plan.stamp(plan.now())
            found["occurrences"] = [o for o in data["occurrences"] if o["start_time"] >= now]
        return found

    # -- changing

    def create(self, kind: str, host: str, body: Json) -> Json:
        default = 2 if kind == "meeting" else 5
        number = next(self.numbers)
        data: Json = {
            "uuid": new_uuid(),
            "id": number,
            "host_id": host,
            "host_email": self.users[host]["email"],
            "topic": body.get("topic", "Zoom Meeting"),
            "type": body.get("type", default),
            "duration": body.get("duration", 60),
            "timezone": body.get("timezone", self.users[host]["timezone"]),
            "agenda": body.get("agenda", ""),
            "created_at": plan.stamp(plan.now()),
            "join_url": f"https://us05web.zoom.us/j/{number}?pwd=abc",
            "start_url": f"https://us05web.zoom.us/s/{number}?zak=host-secret",
            "password": body.get("password", "x7Kd9a"),
            "settings": _SETTINGS[kind] | body.get("settings", {}),
            "edits": {},
        }
        if kind == "meeting":
            data["status"] = "waiting"
        self._check(kind, body)
        if data["type"] not in LOOSE:
            self._plan(data, body, create=True)
        self._link(kind, data)
        self.objects[kind][number] = data
        return data

    def _check(self, kind: str, body: Json) -> None:
        if body.get("type", min(TYPES[kind])) not in TYPES[kind]:
            raise invalid("type", "Invalid field.")
        for field, most in (("topic", 200), ("agenda", 2000), ("password", 10)):
            if len(body.get(field, "")) > most:
                raise invalid(field, f"The maximum length is {most}.")
        if not 1 <= body.get("duration", 60) <= 1440:
            raise invalid("duration", "Invalid field.")
        if body.get("timezone", "UTC") not in available_timezones():
            raise invalid("timezone", "Invalid field.")

    def _plan(self, data: Json, body: Json, *, create: bool) -> None:
        zone = data["timezone"]
        if "start_time" in body:
            start = plan.requested(body["start_time"], zone)
            if start >= plan.now() or create:
                data["start_time"] = plan.stamp(max(start, plan.now()))
        elif create:
            data["start_time"] = plan.stamp(plan.now())
        if data["type"] in SERIES:
            data["recurrence"] = body.get("recurrence") or data.get("recurrence")
            if not data["recurrence"]:
                raise invalid("recurrence", "Invalid field.")
            data["occurrences"] = plan.occurrences(data)
            data["edits"] = {}

    def _link(self, kind: str, data: Json) -> None:
        approval = data["settings"].get("approval_type", 2)
        if approval == 2:
            data.pop("registration_url", None)
        else:
            data["registration_url"] = f"https://example.zoom.us/{kind}/register/{data['id']}"

    def update(self, kind: str, number: str, query: Json, body: Json) -> None:
        data = self.find(kind, number)
        self._check(kind, body)
        if own_id := query.get("occurrence_id"):
            self._update_occurrence(data, own_id, body)
            return
        regenerates = bool(body.keys() & {"recurrence", "start_time"})
        for name in ("topic", "agenda", "password", "type", "duration", "timezone"):
            if name in body:
                data[name] = body[name]
        data["settings"] |= body.get("settings", {})
        if data["type"] in SERIES and "duration" in body and not regenerates:
            for occurrence in data["occurrences"]:
                occurrence["duration"] = body["duration"]
        if regenerates:
            self._plan(data, body, create=False)
        self._link(kind, data)

    def _update_occurrence(self, data: Json, own_id: str, body: Json) -> None:
        self.occurrence(data, own_id)
        ignored = set(body) - _OF_OCCURRENCE
        if ignored:
            raise invalid(min(ignored), "Cannot be changed for one occurrence.")
        for found in data["occurrences"]:
            if found["occurrence_id"] != own_id:
                continue
            if "start_time" in body:
                zone = body.get("timezone") or data["timezone"]
                found["start_time"] = plan.stamp(plan.requested(body["start_time"], zone))
            found["duration"] = body.get("duration", found["duration"])
        edits = data["edits"].setdefault(own_id, {})
        edits |= {name: body[name] for name in ("agenda",) if name in body}

    def delete(self, kind: str, number: str, query: Json) -> None:
        data = self.find(kind, number)
        own_id = query.get("occurrence_id")
        if not own_id:
            del self.objects[kind][data["id"]]
            return
        if self.occurrence(data, own_id)["status"] == "deleted":
            raise Problem(400, 3000, "Meeting occurrence does not exist.")
        for found in data["occurrences"]:
            if found["occurrence_id"] == own_id:
                found["status"] = "deleted"

    # -- recordings

    def record(
        self, number: int, start: datetime, *, minutes: int = 30, uuid: str = "", done: bool = True
    ) -> Json:
        """A recording of one instance, of which the transcript is still to come."""
        own_id = uuid or new_uuid()
        data: Json = {
            "uuid": own_id,
            "id": number,
            "account_id": "AAAAAABBBB",
            "host_id": DANA,
            "topic": "Sprint review",
            "type": "8",
            "start_time": plan.stamp(start),
            "duration": minutes,
            "total_size": 0,
            "recording_count": 0,
            "share_url": f"https://example.zoom.us/rec/share/{number}",
            "recording_files": [],
        }
        self.recordings[own_id] = data
        instance = {"uuid": own_id, "start_time": data["start_time"]}
        self.instances.setdefault(number, []).append(instance)
        self.add_file(own_id, "MP4", "shared_screen_with_speaker_view", done=done)
        return data

    def add_file(self, own_id: str, type: str, what: str, *, done: bool, text: str = "") -> Json:
        """One more file; without type and size as long as it is processed."""
        data = self.recordings[own_id]
        file_id = str(uuid.uuid4())
        file: Json = {
            "id": file_id,
            "meeting_id": own_id,
            "recording_start": data["start_time"],
            "recording_end": data["start_time"],
            "recording_type": what,
            "status": "completed" if done else "processing",
        }
        if done:
            self.finish(file, type)
        data["recording_files"].append(file)
        data["recording_count"] = len(data["recording_files"])
        self.files[file_id] = text
        return file

    def finish(self, file: Json, type: str) -> None:
        """It can be fetched from now on; the server puts its own host before the path."""
        extension = "VTT" if type in ("TRANSCRIPT", "CC") else type
        file |= {
            "file_type": type,
            "file_extension": extension,
            "file_size": 3_200_000,
            "status": "completed",
            "download_url": f"{{host}}/rec/download/{file['id']}",
        }


def dict_of(found: Any) -> Json:
    """A JSON object, typed."""
    result: Json = found
    return result
