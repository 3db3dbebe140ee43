"""What the double holds: one host, event types, bookings, connected calendars."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

TOKEN = "cal_live_7d1f"
Json = dict[str, Any]
HOST: Json = {
    "id": 1500001,
    "name": "Host Example",
    "email": "host@example.com",
    "displayEmail": "host@example.com",
    "username": "hostexample",
    "timeZone": "America/Los_Angeles",
}
_GOOGLE: Json = {
    **dict.fromkeys(("description", "variant", "logo", "publisher", "url", "email"), "x"),
    "type": "google_calendar",
    "title": "Google Calendar",
    "name": "Google Calendar",
    "slug": "google-calendar",
    "categories": ["calendar"],
    "locationOption": None,
}
NAMES = {
    400: "BadRequestException",
    401: "UnauthorizedException",
    403: "ForbiddenException",
    404: "NotFoundException",
    409: "ConflictException",
    422: "UnprocessableEntityException",
    429: "ThrottlerException",
    500: "INTERNAL_SERVER_ERROR",
}


class Problem(Exception):  # noqa: N818 - an answer, as Cal.com gives it
    """A request that Cal.com refuses.

    Attributes:
        bare: without the envelope.
    """

    def __init__(self, status: int, message: str, *, bare: bool = False, **details: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.bare, self.details = status, message, bare, details

    def body(self, path: str) -> Json:
        if self.bare:
            return {"statusCode": self.status, "message": self.message}
        details = self.details or {"message": self.message, "statusCode": self.status}
        code = NAMES.get(self.status, "HttpException")
        return {
            "status": "error",
            "timestamp": iso(datetime.now(UTC)),
            "path": path,
            "error": {"code": code, "message": self.message, "details": details},
        }


def iso(when: datetime) -> str:
    """As Cal.com writes instants."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def instant(text: str) -> datetime:
    """What Cal.com takes for an instant; UTC when it has no offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(400, f"start property is wrong,{text} must be ISO 8601") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass
class World:
    """Everything of one account.

    Attributes:
        private: links by event type, by their name.
        busy: blocks of a connected calendar, by (credential, external id).
        blind: does not know `afterUpdatedAt`, as servers of 2025.
        slow_clock: added to the time of each write, to tell writes apart.
    """

    types: dict[int, Json] = field(default_factory=dict)
    bookings: dict[str, Json] = field(default_factory=dict)
    private: dict[int, dict[str, Json]] = field(default_factory=dict)
    accounts: list[Json] = field(default_factory=list)
    busy: dict[tuple[int, str], list[tuple[datetime, datetime]]] = field(default_factory=dict)
    recordings: dict[str, list[Json]] = field(default_factory=dict)
    transcripts: dict[str, list[str]] = field(default_factory=dict)
    webhooks: dict[int, Json] = field(default_factory=dict)
    blind: bool = False
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        account = {
            "integration": _GOOGLE,
            "credentialId": 135,
            "delegationCredentialId": None,
            "calendars": [],
        }
        self.accounts.append(account)
        self.connect("host@example.com", "Host Example", primary=True)

    def break_account(self) -> None:
        """A second connected account, which Cal.com cannot reach."""
        broken = {
            "integration": {"type": "office365_calendar", "title": "Outlook Calendar"},
            "credentialId": 136,
            "error": {"message": "Could not connect"},
        }
        self.accounts.append(broken)

    def connect(self, external_id: str, name: str, *, primary: bool = False) -> Json:
        """A calendar of the connected account."""
        entry = {
            "externalId": external_id,
            "integration": "google_calendar",
            "name": name,
            "primary": primary,
            "readOnly": False,
            "email": "host@example.com",
            "isSelected": True,
            "credentialId": 135,
        }
        self.accounts[0]["calendars"].append(entry)
        self.busy[135, external_id] = []
        return entry

    def me(self) -> Json:
        return {
            "id": HOST["id"],
            "username": HOST["username"],
            "email": HOST["email"],
            "name": HOST["name"],
            "avatarUrl": None,
            "bio": None,
            "timeFormat": 12,
            "defaultScheduleId": 678493,
            "weekStart": "Sunday",
            "timeZone": HOST["timeZone"],
            "organizationId": None,
        }

    # -- free time

    def slots(self, kind: Json, low: datetime, high: datetime, minutes: int) -> list[Json]:
        """Starts on the grid of 09:00 to 17:00 UTC, every day, that can be booked."""
        found = []
        step = timedelta(minutes=minutes)
        earliest = datetime.now(UTC) + timedelta(minutes=kind["minimumBookingNotice"])
        day = low.replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=1)
        while day < high:
            at = day
            while at + step <= day + timedelta(hours=8):
                left = self.places_left(kind, at, at + step)
                if low <= at <= high and at >= earliest and left:
                    slot = {"start": iso(at), "end": iso(at + step)}
                    if "seatsPerTimeSlot" in kind["seats"]:
                        slot["seatsRemaining"] = left
                    found.append(slot)
                at += step
            day += timedelta(days=1)
        return found

    def places_left(self, kind: Json, start: datetime, end: datetime) -> int:
        """How often [start, end) can be booked yet."""
        places = kind["seats"].get("seatsPerTimeSlot", 1)
        for booking in self.bookings.values():
            if booking["status"] not in ("accepted", "pending"):
                continue
            begins, ends = instant(booking["start"]), instant(booking["end"])
            if begins >= end or ends <= start:
                continue
            if places > 1 and booking["eventTypeId"] == kind["id"] and begins == start:
                places -= len(booking["attendees"])
                continue
            return 0
        return max(0, int(places))
