"""Cloud recordings, transcripts, past instances, downloads."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.providers.zoom.double.problems import Problem, missing

_MONTH = timedelta(days=31)


def _date(text: str) -> date:
    """Clients send times where dates are asked for."""
    return date.fromisoformat(text[:10])


def _listed(ask: Any) -> Any:
    host = ask.user(ask.parts[0])
    today = datetime.now(UTC).date()
    since = _date(ask.query.get("from", str(today - timedelta(days=1))))
    until = _date(ask.query.get("to", str(today)))
    if until - since > _MONTH:
        raise Problem(400, 300, "The date range must be within a month.")
    found = [
        each
        for each in ask.world.recordings.values()
        if each["host_id"] == host and since <= date.fromisoformat(each["start_time"][:10]) <= until
    ]
    found.sort(key=lambda each: each["start_time"], reverse=True)
    dates = {"from": str(since), "to": str(until)}
    return ask.zoom.pages.cut("meetings", found, ask.query, f"{host} recordings {dates}", **dates)


def _got(ask: Any) -> Any:
    name = ask.parts[0]
    if name.isdecimal():
        own = [r for r in ask.world.recordings.values() if r["id"] == int(name)]
        found = max(own, key=lambda each: each["start_time"], default=None)
    else:
        found = ask.world.recordings.get(name)
    if found is None:
        raise Problem(404, 3301, "There is no recording for this meeting.")
    if ask.query.get("include_fields") == "download_access_token":
        return {**found, "download_access_token": "download-access-token"}
    return found


def _instances(kind: str) -> Any:
    def handle(ask: Any) -> Any:
        number = ask.parts[0]
        data = ask.world.objects[kind].get(int(number)) if number.isdecimal() else None
        found = ask.world.instances.get(int(number), []) if number.isdecimal() else []
        if data is None and (kind == "webinar" or not found):
            raise missing(kind, number)
        return {f"{kind}s": found}

    return handle


def _summary(ask: Any) -> Any:
    found = ask.world.summaries.get(ask.parts[0])
    if found is None:
        raise Problem(404, 3001, "Meeting does not exist.")
    return found


def _participants(ask: Any) -> Any:
    found = ask.world.participants.get(ask.parts[0])
    if found is None:
        raise Problem(404, 3001, "Meeting does not exist.")
    return ask.zoom.pages.cut("participants", found, ask.query, f"{ask.parts[0]} participants")


def _transcript(ask: Any) -> Any:
    if ask.parts[0] not in ask.world.recordings:
        raise Problem(404, 3322, "This meeting transcript does not exist.")
    reason = "NO_TRANSCRIPT_DATA"
    return {"can_download": False, "download_restriction_reason": reason, "auto_delete": False}


def _download(ask: Any) -> Any:
    """Files want a bearer: the connection's own or, on strict accounts, that of the recording."""
    allowed = ["Bearer download-access-token"]
    if not ask.zoom.strict_downloads:
        allowed.append("Bearer dana-access-token")
    if ask.headers.get("authorization") not in allowed:
        raise Problem(401, 124, "Invalid access token.")
    text: str = ask.world.files[ask.parts[0]]
    return 200, text


ROUTES: list[Any] = [
    ("GET", "/v2/users/([^/]+)/recordings", _listed),
    ("GET", "/v2/meetings/([^/]+)/recordings", _got),
    ("GET", "/v2/past_meetings/([^/]+)/instances", _instances("meeting")),
    ("GET", "/v2/past_webinars/([^/]+)/instances", _instances("webinar")),
    ("GET", "/v2/past_meetings/([^/]+)/participants", _participants),
    ("GET", "/v2/meetings/([^/]+)/meeting_summary", _summary),
    ("GET", "/v2/meetings/([^/]+)/transcript", _transcript),
    ("GET", "/rec/download/([^/]+)", _download),
]
