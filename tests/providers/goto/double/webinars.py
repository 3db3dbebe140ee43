"""GoTo Webinar in the double: webinars, panelists, registrants, recordings."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.providers.goto.double.world import (
    ACCOUNT,
    EMAIL,
    ORGANIZER,
    Json,
    Problem,
    World,
    moment,
    plain,
)

if TYPE_CHECKING:
    from tests.providers.goto.double.server import Answer, GoTo, Handler

_KEYS = 8_978_964_909_939_000_000


def add(world: World, body: Json) -> Json:
    """Make a webinar, out of a body of POST."""
    if not body.get("subject") or len(body["subject"]) > 128:
        raise Problem(400, "InvalidRequest", "subject")
    found = {
        "key": world.number(_KEYS),
        "type": body.get("type", "single_session"),
        "experience": body.get("experienceType", "CLASSIC"),
        "approval": "AUTOMATIC",
        "running": False,
        "panelists": {},
        "registrants": {},
        "fields": [
            {"field": "firstName", "required": True, "maxSize": 128},
            {"field": "lastName", "required": True, "maxSize": 128},
            {"field": "email", "required": True, "maxSize": 128},
            {"field": "city", "required": False, "maxSize": 128},
        ],
        "questions": [],
        "locale": "en_US",
        "password": body.get("isPasswordProtected", False),
    }
    define(found, body)
    if found["type"] == "sequence":
        found["times"] = _sequence(body)
    world.webinars[str(found["key"])] = found
    return found


def define(found: Json, body: Json) -> None:
    """The whole definition, at creation and by PUT; what is not sent falls back."""
    found["subject"] = body.get("subject", "")
    found["description"] = body.get("description", "")
    found["zone"] = body.get("timeZone", "Europe/Berlin")
    found["locale"] = body.get("locale", "en_US")
    times = body.get("times") or []
    if not times:
        raise Problem(400, "InvalidRequest", "times is missing")
    found["times"] = [(moment(each["startTime"]), moment(each["endTime"])) for each in times]
    if any(end <= start for start, end in found["times"]):
        raise Problem(400, "InvalidRequest", "endTime")


def _sequence(body: Json) -> list[tuple[datetime, datetime]]:
    try:
        first = body["recurrenceStart"]
        pattern, last = body["recurrencePattern"], date.fromisoformat(body["recurrenceEnd"])
    except (KeyError, ValueError):
        raise Problem(400, "InvalidRequest", "a sequence needs a recurrence") from None
    zone = ZoneInfo(body.get("timeZone", "UTC"))
    start, end = moment(first["startTime"]), moment(first["endTime"])
    wall, found = start.astimezone(zone).replace(tzinfo=None), []
    while wall.date() <= last:
        at = wall.replace(tzinfo=zone).astimezone(UTC)
        found.append((at, at + (end - start)))
        if pattern == "monthly":
            wall = wall.replace(year=wall.year + wall.month // 12, month=wall.month % 12 + 1)
        else:
            wall += timedelta(days={"daily": 1, "weekly": 7}[pattern])
    return found


def _times(found: Json) -> list[Json]:
    return [{"startTime": plain(start), "endTime": plain(end)} for start, end in found["times"]]


def _url(found: Json) -> str:
    return f"https://attendee.gotowebinar.com/register/{found['key']}"


def _listed(found: Json) -> Json:
    """Webinar: keys are text here."""
    return {
        "webinarKey": str(found["key"]),
        "webinarID": str(found["key"])[-9:],
        "organizerKey": ORGANIZER,
        "accountKey": ACCOUNT,
        "subject": found["subject"],
        "description": found["description"],
        "times": _times(found),
        "timeZone": found["zone"],
        "locale": found["locale"],
        "approvalType": found["approval"],
        "registrationUrl": _url(found),
        "impromptu": False,
        "isPasswordProtected": found["password"],
        "recurrenceType": found["type"],
        "experienceType": found["experience"],
    }


def _by_key(found: Json) -> Json:
    """WebinarByKey: keys are numbers here."""
    return {
        "webinarKey": found["key"],
        "webinarID": str(found["key"])[-9:],
        "organizerKey": int(ORGANIZER),
        "accountKey": ACCOUNT,
        "organizerEmail": EMAIL,
        "organizerName": "Dana Host",
        "subject": found["subject"],
        "description": found["description"],
        "times": _times(found),
        "timeZone": found["zone"],
        "locale": found["locale"],
        "registrationUrl": _url(found),
        "inSession": found["running"],
        "impromptu": False,
        "type": found["type"],
        "recurrencePeriod": found["type"],
        "experienceType": found["experience"].lower(),
        "isPasswordProtected": found["password"],
        "numberOfRegistrants": len(found["registrants"]),
        "registrationLimit": 500,
    }


def _find(goto: "GoTo", match: re.Match[str]) -> Json:
    found = goto.world.webinars.get(match["key"])
    if found is None:
        raise Problem(404, "NOT_FOUND", "Webinar does not exist")
    return found


def _number(query: Json, name: str, default: int, most: int | None = None) -> int:
    value = int(query.get(name, default))
    if value < 0 or (most is not None and value > most):
        raise Problem(400, "InvalidRequest", name)
    return value


def _list(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    if "fromTime" not in query or "toTime" not in query:
        raise Problem(400, "InvalidRequest", "fromTime and toTime are required")
    low, high = moment(query["fromTime"]), moment(query["toTime"])
    page, size = _number(query, "page", 0), _number(query, "size", 20, 200)
    found = [
        each
        for each in goto.world.webinars.values()
        if any(start <= high and end >= low for start, end in each["times"])
    ]
    return 200, _embedded("webinars", [_listed(each) for each in found], page, size)


def _embedded(name: str, found: list[Json], page: int, size: int) -> Json:
    shown = found[page * size : (page + 1) * size]
    counted = {
        "size": size,
        "totalElements": len(found),
        "totalPages": -(-len(found) // size),
        "number": page,
    }
    return {"page": counted, "_embedded": {name: shown}}


def _create(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    return 201, {"webinarKey": str(add(goto.world, body)["key"])}


def _get(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    return 200, _by_key(_find(goto, match))


def _put(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    found = _find(goto, match)
    if found["running"] or found["times"][-1][1] < datetime.now(UTC):
        raise Problem(400, "InvalidRequest", "The webinar is in progress or has ended")
    define(found, body)
    return 202, None


def _delete(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    if _find(goto, match)["running"]:
        raise Problem(409, "Conflict", "in session")
    del goto.world.webinars[match["key"]]
    return 204, None


# -- panelists


def _panelists(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    shown = [
        {
            "panelistId": key,
            "name": each["name"],
            "firstName": each["name"].split(" ")[0],
            "lastName": each["name"].split(" ")[-1],
            "email": each["email"],
            "joinLink": f"https://global.gotowebinar.com/pjoin/{key}",
        }
        for key, each in _find(goto, match)["panelists"].items()
    ]
    return 200, shown


def _invite(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    found, shown = _find(goto, match), []
    for each in body:
        if "@" not in each["email"]:
            raise Problem(400, "InvalidRequest", "email")
        key = goto.world.number(3_571_114_522_000_000_000)
        found["panelists"][key] = each
        link = f"https://global.gotowebinar.com/pjoin/{key}"
        shown.append({**each, "panelistKey": str(key), "joinLink": link})
    return 201, shown


# -- registrants


def register(world: World, webinar: Json, body: Json) -> Json:
    """Somebody registers."""
    if any(each["email"] == body["email"] for each in webinar["registrants"].values()):
        raise Problem(409, "Conflict", "already registered")
    key = world.number(5_300_954_500_000_000_000)
    found = webinar["registrants"][str(key)] = {
        "registrantKey": key,
        "firstName": body["firstName"],
        "lastName": body["lastName"],
        "email": body["email"],
        "registrationDate": plain(datetime.now(UTC)),
        "status": "APPROVED" if webinar["approval"] == "AUTOMATIC" else "WAITING",
        "joinUrl": f"https://global.gotowebinar.com/join/{webinar['key']}/{key}",
        "timeZone": "Europe/Berlin",
    }
    return found


def _registrants(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    found = list(_find(goto, match)["registrants"].values())
    if "page" not in query and "limit" not in query:
        return 200, found
    page, limit = _number(query, "page", 0), _number(query, "limit", 100, 200)
    shown = found[page * limit : (page + 1) * limit]
    return 200, {
        "data": shown,
        "total": len(found),
        "page": page,
        "limit": limit,
        "pageSize": len(shown),
    }


def _register(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    for name in ("firstName", "lastName", "email"):
        if not body.get(name):
            raise Problem(400, "InvalidRequest", name)
    found = register(goto.world, _find(goto, match), body)
    return 201, {"registrantKey": found["registrantKey"], "joinUrl": found["joinUrl"]}


def _registrant(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    found = _find(goto, match)["registrants"].get(match["registrant"])
    if found is None:
        raise Problem(404, "NOT_FOUND", "Registrant does not exist")
    return 200, found


def _form(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    found = _find(goto, match)
    return 200, {"fields": found["fields"], "questions": found["questions"]}


# -- recordings


def record(world: World, webinar: Json, when: datetime) -> Json:
    """A recording of `webinar`, and its transcript."""
    number = world.number(0)
    found = {
        "name": webinar["subject"],
        "recordingAssetKey": f"d3b07384-d9a0-4c9b-8f5e-{number:012d}",
        "productName": "g2w",
        "createTime": plain(when),
        "creatorKey": ORGANIZER,
        "accountKey": ACCOUNT,
        "totalReferenceCount": 1,
        "mp4DownloadUrl": f"https://cdn.example.com/{number}.mp4?X-Amz-Signature=abc",
        "transcriptDownloadUrl": f"https://cdn.example.com/{number}.txt?X-Amz-Signature=abc",
        "recordingShareUrl": f"https://attendee.gotowebinar.com/recording/{number}",
        "webinarKey": str(webinar["key"]),
    }
    world.assets.append(found)
    return found


_MORE = ("recordingShareUrl", "webinarKey")


def _search(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    if body.get("accountKey") != ACCOUNT:
        raise Problem(403, "Forbidden", "another account")
    page, size = _number(query, "page", 0), _number(query, "size", 20, 200)
    shown = set(query.get("includes", "").split(","))
    found = sorted(
        goto.world.assets,
        key=lambda each: (each["createTime"], each["recordingAssetKey"]),
        reverse=body.get("sortOrder") == "DESC",
    )
    trimmed = [
        {name: value for name, value in each.items() if name not in _MORE or name in shown}
        for each in found
    ]
    return 200, _embedded("recordingAssets", trimmed, page, size)


def _assets(goto: "GoTo", match: re.Match[str], query: Json, body: Any) -> "Answer":
    _find(goto, match)
    page, limit = _number(query, "page", 0), _number(query, "limit", 100, 200)
    found = [each for each in goto.world.assets if each["webinarKey"] == match["key"]]
    shown = found[page * limit : (page + 1) * limit]
    return 200, {"data": shown, "total": len(found), "page": page, "pageSize": len(shown)}


_ROOT = "/G2W/rest/v2"
_ALL = f"{_ROOT}/organizers/{ORGANIZER}/webinars"
_ONE = rf"{_ALL}/(?P<key>\d+)"
ROUTES: "tuple[tuple[str, re.Pattern[str], Handler], ...]" = (
    ("GET", re.compile(_ALL), _list),
    ("POST", re.compile(_ALL), _create),
    ("GET", re.compile(_ONE), _get),
    ("PUT", re.compile(_ONE), _put),
    ("DELETE", re.compile(_ONE), _delete),
    ("GET", re.compile(f"{_ONE}/panelists"), _panelists),
    ("POST", re.compile(f"{_ONE}/panelists"), _invite),
    ("GET", re.compile(f"{_ONE}/registrants"), _registrants),
    ("POST", re.compile(f"{_ONE}/registrants"), _register),
    ("GET", re.compile(f"{_ONE}/registrants/fields"), _form),
    ("GET", re.compile(rf"{_ONE}/registrants/(?P<registrant>\d+)"), _registrant),
    ("POST", re.compile(f"{_ROOT}/recordingassets/search"), _search),
    ("GET", re.compile(rf"{_ROOT}/webinars/(?P<key>\d+)/recordingAssets"), _assets),
)
