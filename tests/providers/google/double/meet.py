"""Google Meet of the double."""

import base64
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.providers.google.double.faults import NewProblem
from tests.providers.google.double.world import Json

_CLAUSE = re.compile(
    r"(space\.meeting_code|space\.name|start_time|end_time)\s*(=|>=|<=|>|<|IS NULL)\s*"
    r'(?:"([^"]*)")?'
)
_STATES = {"STARTED": 0, "ENDED": 1, "FILE_GENERATED": 2}


def text_of(when: datetime, digits: int = 9) -> str:
    """Up to nine digits of a second."""
    nanos = f"{when.microsecond * 1000 + 645:09d}"[:digits]
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}{'.' + nanos if digits else ''}Z"


def invalid(message: str) -> NewProblem:
    return NewProblem(400, "", message, domain="INVALID_ARGUMENT")


def missing() -> NewProblem:
    return NewProblem(404, "", "Requested entity was not found.", domain="NOT_FOUND")


class Meet:
    """Conference records with their recordings, transcripts, notes and participants.

    Attributes:
        readable: whether the token's scopes let it read them.
    """

    def __init__(self) -> None:
        self.spaces: dict[str, Json] = {}
        self.records: dict[str, Json] = {}
        self.children: dict[str, dict[str, list[Json]]] = {}
        self.entries: dict[str, list[Json]] = {}
        self.readable = True

    # -- what tests do

    def space(self, code: str) -> Json:
        own = f"spaces/{uuid.uuid4().hex[:12]}"
        found = {
            "name": own,
            "meetingUri": f"https://meet.google.com/{code}",
            "meetingCode": code,
            "config": {"accessType": "TRUSTED", "entryPointAccess": "ALL"},
        }
        self.spaces[own] = found
        return found

    def hold(
        self, space: Json, start: datetime, minutes: int = 47, *, running: bool = False
    ) -> str:
        """A conference; its name."""
        name = f"conferenceRecords/{uuid.uuid4()}"
        end = start + timedelta(minutes=minutes)
        record = {"name": name, "startTime": text_of(start), "space": space["name"]}
        if not running:
            record |= {
                "endTime": text_of(end, 6),
                "expireTime": text_of(end + timedelta(days=30), 6),
            }
        self.records[name] = record
        self.children[name] = {
            "recordings": [], "transcripts": [], "smartNotes": [], "participants": [],
        }  # fmt: skip
        return name

    def record(self, name: str, start: datetime, minutes: int = 40, **more: Any) -> str:
        """A recording of the conference `name`."""
        return self._artifact(name, "recordings", start, minutes, **more)

    def transcribe(self, name: str, start: datetime, minutes: int = 40, **more: Any) -> str:
        """A transcript, with entries to be added to `entries`."""
        own = self._artifact(name, "transcripts", start, minutes, **more)
        self.entries[own] = []
        return own

    def note(self, name: str, start: datetime, minutes: int = 40, **more: Any) -> str:
        return self._artifact(name, "smartNotes", start, minutes, **more)

    def _artifact(
        self, name: str, kind: str, start: datetime, minutes: int, state: str = "FILE_GENERATED"
    ) -> str:
        own = f"{name}/{kind}/{uuid.uuid4()}"
        found: Json = {"name": own, "state": state, "startTime": text_of(start, 3)}
        if state != "STARTED":
            found["endTime"] = text_of(start + timedelta(minutes=minutes), 0)
        if state == "FILE_GENERATED":
            file = f"1{uuid.uuid4().hex}"
            if kind == "recordings":
                link = f"https://drive.google.com/file/d/{file}/view"
                found["driveDestination"] = {"file": file, "exportUri": link}
            else:
                link = f"https://docs.google.com/document/d/{file}/view"
                found["docsDestination"] = {"document": file, "exportUri": link}
        self.children[name][kind].append(found)
        return own

    def join(self, name: str, kind: str, display_name: str, at: datetime) -> str:
        """Somebody takes part; the participant's name."""
        own = f"{name}/participants/{uuid.uuid4().int % 10**12}"
        user: Json = {"displayName": display_name}
        if kind == "signedinUser":
            user["user"] = f"users/{uuid.uuid4().int % 10**12}"
        self.children[name]["participants"].append(
            {
                "name": own,
                kind: user,
                "earliestStartTime": text_of(at),
                "latestEndTime": text_of(at + timedelta(minutes=30)),
            }
        )
        return own

    def say(self, transcript: str, who: str, text: str, at: datetime, seconds: int = 3) -> None:
        number = len(self.entries[transcript]) + 1
        self.entries[transcript].append(
            {
                "name": f"{transcript}/entries/{number}",
                "participant": who,
                "text": text,
                "languageCode": "en-US",
                "startTime": text_of(at),
                "endTime": text_of(at + timedelta(seconds=seconds)),
            }
        )

    def forget(self, name: str) -> None:
        """The record has expired."""
        del self.records[name], self.children[name]


def page(items: list[Json], key: str, query: Json, default: int, largest: int) -> Json:
    try:
        size = int(query.get("pageSize", default)) or default
        at = int(base64.b64decode(query["pageToken"])) if "pageToken" in query else 0
    except ValueError:
        raise invalid("Request contains an invalid argument.") from None
    if size < 0:
        raise invalid("Request contains an invalid argument.")
    end = at + min(size, largest)
    answer: Json = {}
    if items[at:end]:
        answer[key] = items[at:end]
    if end < len(items):
        answer["nextPageToken"] = base64.b64encode(str(end).encode()).decode()
    return answer


def readable(google: Any) -> Meet:
    if not google.meet.readable:
        raise NewProblem(
            403,
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "Request had insufficient authentication scopes.",
            domain="PERMISSION_DENIED",
        )
    found: Meet = google.meet
    return found


def _wanted(meet: Meet, record: Json, text: str) -> bool:
    for clause in text.split(" AND ") if text else []:
        match = _CLAUSE.fullmatch(clause.strip())
        if match is None:
            raise invalid("Invalid filter.")
        field, operator, value = match.groups()
        if field.startswith("space."):
            space = meet.spaces[record["space"]]
            there = space["meetingCode" if field == "space.meeting_code" else "name"]
            if there != value:
                return False
            continue
        there = record.get("startTime" if field == "start_time" else "endTime")
        if operator == "IS NULL":
            if there is not None:
                return False
            continue
        if there is None or not _compare(operator, there, value):
            return False
    return True


def _compare(operator: str, there: str, value: str) -> bool:
    try:
        one, other = datetime.fromisoformat(there), datetime.fromisoformat(value)
    except ValueError:
        raise invalid("Invalid filter.") from None
    compared = {"=": one == other, ">=": one >= other, "<=": one <= other}
    return compared.get(operator, one > other)


def _records(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    meet = readable(google)
    found = [r for r in meet.records.values() if _wanted(meet, r, query.get("filter", ""))]
    found.sort(key=lambda r: r["startTime"], reverse=True)
    return page(found, "conferenceRecords", query, 25, 100)


def _record(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    found = readable(google).records.get(match[1])
    if found is None:
        raise missing()
    return found


def _children(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    meet, kind = readable(google), match[2]
    if match[1] not in meet.records:
        raise missing()
    people = kind == "participants"
    default, largest = (100, 250) if people else (10, 100)
    return page(meet.children[match[1]][kind], kind, query, default, largest)


def _child(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    meet = readable(google)
    for each in meet.children.get(match[1], {}).get(match[2], []):
        if each["name"] == f"{match[1]}/{match[2]}/{match[3]}":
            return each
    raise missing()


def _entries(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    meet = readable(google)
    record = match[1].partition("/transcripts/")[0]
    if match[1] not in meet.entries or record not in meet.records:
        raise missing()
    return page(meet.entries[match[1]], "transcriptEntries", query, 10, 100)


def _get_space(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    meet = readable(google)
    for each in meet.spaces.values():
        if match[1] in (each["name"].removeprefix("spaces/"), each["meetingCode"]):
            return each
    raise missing()


def _new_space(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    made = readable(google).space("new-room-xyz")
    made["config"] |= (body or {}).get("config", {})
    return made


_RECORD = r"/v2/(conferenceRecords/[^/]+)"
_KIND = "(recordings|transcripts|smartNotes|participants)"
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/v2/conferenceRecords", _records),
    ("GET", _RECORD, _record),
    ("GET", rf"{_RECORD}/{_KIND}", _children),
    ("GET", rf"{_RECORD}/{_KIND}/([^/]+)", _child),
    ("GET", r"/v2/(conferenceRecords/[^/]+/transcripts/[^/]+)/entries", _entries),
    ("GET", r"/v2/spaces/([^/]+)", _get_space),
    ("POST", "/v2/spaces", _new_space),
]
