"""What the double holds, and how Dialpad shows it. Integers of 64 bits are text in answers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from dateutil import rrule

Json: TypeAlias = dict[str, Any]
TOKEN = "dialpad-token"
EMAIL = "dana@example.com"
USER = "5835806903417907"
OTHER = "5835806903417999"
ROOM = "room_77"
TYPES = ("PERSONAL", "UNIQUE_MEETING", "LARGE_MEETING", "CUSTOM_UNIQUE_MEETING")


class Problem(Exception):  # noqa: N818 - an answer, not a fault of ours
    """An error as Dialpad answers it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": status, "message": message, "errors": []}}


def iso(when: datetime) -> str:
    """A time of an answer."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _rooms() -> list[Json]:
    return [
        {
            "id": own_id,
            "display_name": f"{name}'s room",
            "email": email,
            "company_name": "Example Inc",
            "number": "+15550100",
            "path": f"https://meetings.dialpad.com/room/{name.lower()}",
        }
        for own_id, name, email in (
            ("room_12", "Bo", "bo@example.com"),
            (ROOM, "Dana", EMAIL),
            ("room_99", "Ghost", "ghost@example.com"),
        )
    ]


def _users() -> dict[str, Json]:
    people = ((USER, "Dana", EMAIL), (OTHER, "Bo", "bo@example.com"))
    return {
        own_id: {
            "id": own_id,
            "display_name": name,
            "emails": [email],
            "timezone": "Europe/Berlin",
            "state": "active",
            "onboarding_completed": True,
            "voicemail": {},
        }
        for own_id, name, email in people
    }


@dataclass
class World:
    """Meetings by id, and what has taken place, newest first.

    Attributes:
        page: size of pages, which callers cannot choose.
        me: whom the credentials belong to; "" for a key of a company.
        hooks: webhooks by id.
        calls: subscriptions to call events, by id.
    """

    rooms: list[Json] = field(default_factory=_rooms)
    users: dict[str, Json] = field(default_factory=_users)
    meetings: dict[str, Json] = field(default_factory=dict)
    history: list[Json] = field(default_factory=list)
    hooks: dict[str, Json] = field(default_factory=dict)
    calls: dict[str, Json] = field(default_factory=dict)
    page: int = 25
    me: str = USER
    last: int = 9_007_199_254_740_993

    def add(self, body: Json) -> Json:
        """Make a meeting out of a body of POST."""
        user = self.user(body.get("user_id"))
        if body.get("meeting_type") not in TYPES:
            raise Problem(400, "meeting_type")
        self.last += 1
        found: Json = {
            "id": str(self.last),
            "user": user["id"],
            "zone": user["timezone"],
            "type": body["meeting_type"],
            "url": f"https://meetings.dialpad.com/{self.last}",
            "without": set(),
            "moved": {},
            "people": [
                {
                    "display_name": user["display_name"],
                    "email": user["emails"][0],
                    "is_organizer": True,
                    "phone": "+15550100",
                }
            ],
        }
        define(found, body)
        self.meetings[found["id"]] = found
        return found

    def user(self, own_id: Any) -> Json:
        """A user by id."""
        found = self.users.get(str(own_id))
        if found is None:
            raise Problem(404, "user")
        return found


def define(found: Json, body: Json) -> None:
    """Title, times and people, all of which come with every write."""
    for name in ("title", "start_datetime", "end_datetime"):
        if not body.get(name):
            raise Problem(400, f"{name} is required")
    start, end = (datetime.fromtimestamp(int(body[n]), UTC) for n in _TIMES)
    if end <= start:
        raise Problem(400, "end_datetime")
    host = [each for each in found["people"] if each.get("is_organizer")]
    guests = [each for each in body.get("participants_info") or [] if not each.get("is_organizer")]
    found.update(
        title=body["title"],
        start=start,
        end=end,
        people=host + guests,
        call_out=bool(body.get("call_out")),
        recurrence=body.get("recurrence") or "",
    )


_TIMES = ("start_datetime", "end_datetime")


def slots(found: Json, low: datetime, high: datetime) -> list[tuple[int, Json]]:
    """Instances that begin within [low, high], with their planned starts; -1 for a single one."""
    if not found["recurrence"]:
        return [(-1, found)] if low <= found["start"] <= high else []
    shown = []
    for when in planned(found, high + timedelta(days=100)):
        slot = int(when.timestamp())
        if slot in found["without"]:
            continue
        length = found["end"] - found["start"]
        one = {**found, "start": when, "end": when + length, **found["moved"].get(slot, {})}
        if low <= one["start"] <= high:
            shown.append((slot, one))
    return shown


def planned(found: Json, until: datetime) -> list[datetime]:
    """Planned starts, on the clocks of the user's zone."""
    zone = ZoneInfo(found["zone"])
    first = found["start"].astimezone(zone).replace(tzinfo=None)
    text, end = [], until
    for part in found["recurrence"].split(";"):
        if part.startswith("UNTIL="):
            end = min(end, _until(part.removeprefix("UNTIL="), zone))
        else:
            text.append(part)
    rule = rrule.rrulestr(";".join(text), dtstart=first)
    starts = []
    for wall in rule:
        when = wall.replace(tzinfo=zone).astimezone(UTC)
        if when > end:
            break
        starts.append(when)
    return starts


def _until(text: str, zone: ZoneInfo) -> datetime:
    if text.endswith("Z"):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    form = "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d"
    when = datetime.strptime(text, form).replace(tzinfo=zone)
    return when if "T" in text else when + timedelta(days=1, seconds=-1)


def show(found: Json, slot: int = -1) -> Json:
    """MeetingsProto."""
    shown: Json = {
        "id": found["id"],
        "title": found["title"],
        "meeting_type": found["type"],
        "start_datetime": iso(found["start"]),
        "duration": str(int((found["end"] - found["start"]).total_seconds())),
        "timezone": found["zone"],
        "meeting_url": found["url"],
        "dial_in_number": "12489834682",
        "organizer_pin": "123",
        "participant_pin": "456",
        "call_out": found["call_out"],
        "is_moderated": False,
        "participants_info": found["people"],
    }
    if found["recurrence"]:
        shown["recurrence"] = f"RRULE:{found['recurrence']}"
        if slot >= 0:
            shown["instance_id"] = f"{found['id']}-{slot}"
    return shown
