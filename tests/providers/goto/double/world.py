"""What the double holds, and how GoTo shows it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
# Beyond 2^53, as GoTo's are.
ORGANIZER = "8439885694023999999"
ACCOUNT = "9999982253621659654"
EMAIL = "dana@example.com"
TOKEN = "goto-token"


class Problem(Exception):  # noqa: N818 - an answer, not a fault of ours
    """An error as GoTo answers it."""

    def __init__(self, status: int, code: str, message: str = "", *, older: bool = False) -> None:
        super().__init__(code)
        self.status = status
        names = ("int_err_code", "msg") if older else ("errorCode", "message")
        self.body = dict(zip(names, (code, message or code), strict=True))


def odd(when: datetime) -> str:
    """A time as GoTo Meeting writes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.+0000")


def plain(when: datetime) -> str:
    """A time as GoTo Webinar writes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """A time of a request: UTC, ISO 8601, "Z"."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (ValueError, TypeError):
        raise Problem(400, "InvalidRequest", f"not a time: {text}") from None


@dataclass
class World:
    """Meetings by id, sessions that were held, webinars by key, assets; newest keys last.

    Attributes:
        hooks: webhooks by key.
        users: subscriptions of the user, by key.
        secret: value of the app's secret key; "": none was made, and nothing is signed.
        unready: so many times new webhooks are not known yet when they are asked for.
    """

    meetings: dict[str, Json] = field(default_factory=dict)
    sessions: list[Json] = field(default_factory=list)
    webinars: dict[str, Json] = field(default_factory=dict)
    assets: list[Json] = field(default_factory=list)
    hooks: dict[str, Json] = field(default_factory=dict)
    users: dict[str, Json] = field(default_factory=dict)
    secret: str = ""
    unready: int = 0
    last: int = 0

    def number(self, base: int) -> int:
        """A key that no other object has."""
        self.last += 1
        return base + self.last

    # -- meetings

    def add_meeting(self, body: Json) -> Json:
        """Make one, out of a body of POST."""
        number = self.number(100_000_000)
        found = {
            "id": number,
            "created": datetime.now(UTC).replace(microsecond=0),
            "running": False,
            **_meeting_fields(body),
        }
        self.meetings[str(number)] = found
        return found

    def hold(
        self, meeting: Json, start: datetime, end: datetime, recording: Json | None = None
    ) -> Json:
        """A session of `meeting` that has ended."""
        found = {
            "sessionId": str(self.number(7_000_000)),
            "meeting": dict(meeting),
            "start": start,
            "end": end,
            "recording": recording,
        }
        self.sessions.append(found)
        return found


def _meeting_fields(body: Json) -> Json:
    required = (
        "subject", "starttime", "endtime", "passwordrequired", "conferencecallinfo",
        "timezonekey", "meetingtype",
    )  # fmt: skip
    for name in required:
        if name not in body:
            raise Problem(400, "InvalidRequest", f"{name} is missing")
    if not body["subject"] or len(body["subject"]) > 100:
        raise Problem(400, "InvalidRequest", "subject")
    if body["meetingtype"] not in ("immediate", "scheduled", "recurring"):
        raise Problem(400, "InvalidRequest", "meetingtype")
    if body["timezonekey"] != "":
        raise Problem(400, "InvalidRequest", "timezonekey")
    start, end = moment(body["starttime"]), moment(body["endtime"])
    if end <= start:
        raise Problem(400, "InvalidRequest", "endtime")
    return {
        "subject": body["subject"],
        "start": start,
        "end": end,
        "password": body["passwordrequired"],
        "call": body["conferencecallinfo"],
        "type": body["meetingtype"],
        "coorganizers": body.get("coorganizerKeys", []),
    }


def change_meeting(meeting: Json, body: Json) -> None:
    """PUT: the whole meeting."""
    meeting.update(_meeting_fields(body))


def meeting_by_id(found: Json) -> Json:
    """MeetingById."""
    return {
        "meetingId": found["id"],
        "meetingKey": found["id"],
        "uniqueMeetingId": found["id"],
        "subject": found["subject"],
        "startTime": odd(found["start"]),
        "endTime": odd(found["end"]),
        "createTime": odd(found["created"]),
        "duration": int((found["end"] - found["start"]).total_seconds() // 60),
        "maxParticipants": 250,
        "meetingType": found["type"],
        "passwordRequired": str(found["password"]).lower(),
        "status": "ACTIVE" if found["running"] else "INACTIVE",
        "conferenceCallInfo": found["call"],
        "coorganizerKeys": found["coorganizers"],
    }


def upcoming_meeting(found: Json) -> Json:
    """UpcomingMeeting: the id is text here."""
    return {
        **_host(),
        "meetingId": str(found["id"]),
        "subject": found["subject"],
        "startTime": odd(found["start"]),
        "endTime": odd(found["end"]),
        "meetingType": found["type"],
        "passwordRequired": str(found["password"]).lower(),
        "status": "INACTIVE",
        "conferenceCallInfo": found["call"],
    }


def historical_meeting(found: Json) -> Json:
    """HistoricalMeeting."""
    meeting = found["meeting"]
    shown = {
        **_host(),
        "sessionId": found["sessionId"],
        "meetingId": str(meeting["id"]),
        "subject": meeting["subject"],
        "startTime": odd(found["start"]),
        "endTime": odd(found["end"]),
        "duration": str(int((found["end"] - found["start"]).total_seconds() // 60)),
        "numAttendees": "3",
        "meetingType": meeting["type"],
        "conferenceCallInfo": meeting["call"],
    }
    return shown | ({"recording": found["recording"]} if found["recording"] else {})


def _host() -> Json:
    return {
        "organizerKey": ORGANIZER,
        "accountKey": ACCOUNT,
        "firstName": "Dana",
        "lastName": "Host",
        "email": EMAIL,
        "locale": "en_US",
    }


def me() -> Json:
    """GET /admin/rest/v1/me."""
    return {
        "key": ORGANIZER,
        "accountKey": ACCOUNT,
        "email": EMAIL,
        "firstName": "Dana",
        "lastName": "Host",
        "locale": "en_US",
        "timeZone": "Europe/Berlin",
    }
