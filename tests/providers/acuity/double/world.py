"""What Acuity holds: calendars, appointment types, forms, appointments, blocks."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
ACCOUNT_ZONE = ZoneInfo("America/New_York")
CALENDAR_ZONE = "Asia/Tokyo"
CALENDAR = 14000001
QUICK = 94000001
CLASS = 94000002
FORM = 700001
_TEXT_DATE = "%B %d, %Y"


class Refusal(Exception):  # noqa: N818 - it is the answer
    """An error answer."""

    def __init__(self, status: int, error: str, message: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.body = {"status_code": status, "message": message or error, "error": error}


def stamp(when: datetime, zone: str) -> str:
    return when.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S%z")


def moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "invalid_datetime") from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(CALENDAR_ZONE))


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "bad_request") from None


@dataclass
class World:
    """The account."""

    calendars: list[Json] = field(default_factory=list)
    types: list[Json] = field(default_factory=list)
    forms: list[Json] = field(default_factory=list)
    appointments: dict[int, Json] = field(default_factory=dict)
    blocks: dict[int, Json] = field(default_factory=dict)
    hooks: dict[int, Json] = field(default_factory=dict)
    sessions: list[Json] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    too_close: bool = False
    refuses_details: bool = False
    _ids: Any = field(default_factory=lambda: itertools.count(1722118000))

    def __post_init__(self) -> None:
        self.add_calendar("Example Calendar", own_id=CALENDAR)
        self.add_type("Consultation ", own_id=QUICK, formIDs=[FORM])
        fields = [{"id": 1, "name": "notes", "required": False, "type": "textbox", "options": None}]
        self.forms.append(
            {
                "id": FORM,
                "name": "Intake",
                "description": "",
                "hidden": False,
                "appointmentTypeIDs": [QUICK],
                "fields": fields,
            }
        )

    def new_id(self) -> int:
        found: int = next(self._ids)
        return found

    def me(self) -> Json:
        return {
            "id": 30000001,
            "email": "owner@example.com",
            "name": "",
            "displayName": "Example Business",
            "timezone": str(ACCOUNT_ZONE),
            "currency": "EUR",
            "schedulingPage": "https://app.acuityscheduling.com/schedule.php?owner=30000001",
            "plan": "Premium",
            "accountType": "admin",
            "firstDayOfWeek": 0,
        }

    def add_calendar(self, name: str, own_id: int = 0) -> Json:
        made: Json = {
            "id": own_id or self.new_id(),
            "name": name,
            "email": "",
            "replyTo": "owner@example.com",
            "description": "",
            "location": "",
            "timezone": CALENDAR_ZONE,
            "thumbnail": False,
            "image": False,
            "isValid": True,
        }
        self.calendars.append(made)
        return made

    def add_type(self, name: str, own_id: int = 0, **fields: Any) -> Json:
        own_id = own_id or self.new_id()
        made: Json = {
            "id": own_id,
            "name": name,
            "active": True,
            "description": "",
            "duration": 30,
            "price": "45.00",
            "category": "",
            "color": "#ED7087",
            "private": False,
            "type": "service",
            "image": "",
            "classSize": None,
            "paddingAfter": 0,
            "paddingBefore": 0,
            "calendarIDs": [CALENDAR],
            "addonIDs": [],
            "formIDs": [],
            "schedulingUrl": "https://app.acuityscheduling.com/schedule.php?owner=30000001"
            f"&appointmentType={own_id}",
            **fields,
        }
        self.types.append(made)
        return made

    def type(self, own_id: Any) -> Json:
        for each in self.types:
            if each["id"] == own_id:
                return each
        raise Refusal(400, "invalid_appointment_type")

    def calendar(self, own_id: Any) -> Json:
        for each in self.calendars:
            if each["id"] == own_id:
                return each
        raise Refusal(400, "invalid_calendar")

    def appointment(self, own_id: str) -> Json:
        found = self.appointments.get(int(own_id))
        if found is None:
            raise Refusal(404, "not_found", f'The appointment "{own_id}" does not exist.')
        return found

    def add(self, kind: Json, start: datetime, **fields: Any) -> Json:
        """An appointment, whoever made it."""
        own_id = self.new_id()
        made: Json = {
            "id": own_id,
            "firstName": "Ada",
            "lastName": "Example",
            "phone": "",
            "email": "ada@example.com",
            "dateCreated": f"{datetime.now(UTC):{_TEXT_DATE}}",
            "datetimeCreated": stamp(datetime.now(UTC), "America/Chicago"),
            "price": kind["price"],
            "priceSold": kind["price"],
            "paid": "no",
            "amountPaid": "0.00",
            "type": kind["name"],
            "appointmentTypeID": kind["id"],
            "classID": None,
            "addonIDs": [],
            "category": "",
            "duration": str(kind["duration"]),
            "calendar": self.calendars[0]["name"],
            "calendarID": self.calendars[0]["id"],
            "certificate": None,
            "confirmationPage": f"https://app.acuityscheduling.com/schedule.php?id={own_id}",
            "location": "",
            "notes": "",
            "timezone": CALENDAR_ZONE,
            "calendarTimezone": CALENDAR_ZONE,
            "canceled": False,
            "canClientCancel": True,
            "canClientReschedule": True,
            "labels": None,
            "forms": [],
            "formsText": "Name: …",
            **fields,
        }
        self.place(made, start)
        self.appointments[own_id] = made
        return made

    def place(self, appointment: Json, start: datetime) -> None:
        """Its time, in the several ways in which Acuity tells it."""
        zone = ZoneInfo(appointment["calendarTimezone"])
        end = start + timedelta(minutes=int(appointment["duration"]))
        appointment["datetime"] = stamp(start, appointment["calendarTimezone"])
        appointment["date"] = f"{start.astimezone(zone):{_TEXT_DATE}}"
        appointment["time"] = f"{start.astimezone(zone):%I:%M%p}".lower()
        appointment["endTime"] = f"{end.astimezone(zone):%I:%M%p}".lower()

    def add_block(self, start: datetime, end: datetime) -> Json:
        own_id = self.new_id()
        made = {
            "id": own_id,
            "calendarID": CALENDAR,
            "serviceGroupID": CALENDAR,
            "calendarTimezone": CALENDAR_ZONE,
            "start": stamp(start, CALENDAR_ZONE),
            "end": stamp(end, CALENDAR_ZONE),
            "notes": "private",
            "managed": False,
            "recurring": None,
            "until": None,
            "description": "a localised text",
        }
        self.blocks[own_id] = made
        return made

    # -- availability: 09:00 to 17:00 UTC, Monday to Friday, on the half-hour

    def taken(self, calendar: int, low: datetime, high: datetime, but: int = 0) -> bool:
        spans = [
            (moment(a["datetime"]), timedelta(minutes=int(a["duration"])))
            for a in self.appointments.values()
            if not a["canceled"] and a["calendarID"] == calendar and a["id"] != but
        ]
        spans += [
            (moment(b["start"]), moment(b["end"]) - moment(b["start"]))
            for b in self.blocks.values()
            if b["calendarID"] == calendar
        ]
        return any(start < high and start + length > low for start, length in spans)

    def free(self, kind: Json, at: datetime, calendar: int = 0, but: int = 0) -> int:
        """The calendar in which a start is free; 0 for none."""
        end = at + timedelta(minutes=kind["duration"])
        utc = at.astimezone(UTC)
        closes = utc.replace(hour=17, minute=0)
        inside = utc.weekday() < 5 and utc.hour >= 9 and end <= closes and utc.minute % 30 == 0
        if not inside or at < datetime.now(UTC):
            return 0
        wanted = [calendar] if calendar else kind["calendarIDs"]
        return next((c for c in wanted if not self.taken(c, at, end, but)), 0)

    def times_of(self, kind: Json, when: date, zone: str, calendar: int) -> list[datetime]:
        start = datetime(when.year, when.month, when.day, tzinfo=ZoneInfo(zone))
        steps = (start + timedelta(minutes=30 * n) for n in range(48))
        return [at for at in steps if self.free(kind, at.astimezone(UTC), calendar)]
