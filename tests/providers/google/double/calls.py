"""Calls of the double's events: made at once, or after so many reads."""

import uuid
from copy import deepcopy

from tests.providers.google.double.faults import Problem
from tests.providers.google.double.world import Calendar, Entry, Json, World


def conference(world: World, data: Json, value: Json | None, query: Json) -> None:
    """Ignored in silence without conferenceDataVersion=1."""
    if query.get("conferenceDataVersion") != "1":
        return
    if value is None:
        data.pop("conferenceData", None)
        data.pop("hangoutLink", None)
        return
    request = value.get("createRequest")
    if request is None:
        if not value.get("entryPoints") or "conferenceSolution" not in value:
            raise Problem(400, "invalid", "Invalid conference data.")
        data["conferenceData"] = deepcopy(value)
        video = [p["uri"] for p in value["entryPoints"] if p["entryPointType"] == "video"]
        if value["conferenceSolution"].get("key", {}).get("type") == "hangoutsMeet" and video:
            data["hangoutLink"] = video[0]
        return
    kind = request.get("conferenceSolutionKey", {}).get("type")
    if kind != "hangoutsMeet" or not world.meet_allowed:
        raise Problem(400, "invalid", "Invalid conference type value.")
    old = data.get("conferenceData", {}).get("createRequest", {}).get("requestId")
    if old == request["requestId"]:
        return
    pending = world.pending_reads > 0
    data["conferenceData"] = {
        "createRequest": {
            "requestId": request["requestId"],
            "conferenceSolutionKey": {"type": kind},
            "status": {"statusCode": "pending" if pending else "success"},
        }
    }
    data["_pending"] = world.pending_reads
    if not pending:
        make_call(data)


def make_call(data: Json) -> None:
    """Google has made the call."""
    word = uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))
    code = f"{word[:3]}-{word[3:7]}-{word[7:10]}"
    link = f"https://meet.google.com/{code}"
    data["conferenceData"]["createRequest"]["status"] = {"statusCode": "success"}
    data["conferenceData"] |= {
        "entryPoints": [
            {"entryPointType": "video", "uri": link, "label": link[8:]},
            {
                "entryPointType": "phone",
                "uri": "tel:+49-30-1234567",
                "label": "+49 30 1234567",
                "pin": "123456789",
                "regionCode": "DE",
            },
            {"entryPointType": "more", "uri": f"https://tel.meet/{code}?pin=1"},
        ],
        "conferenceSolution": {
            "key": {"type": "hangoutsMeet"},
            "name": "Google Meet",
            "iconUri": "https://example.com/meet.png",
        },
        "conferenceId": code,
    }
    data["hangoutLink"] = link


def settle_call(world: World, calendar: Calendar, entry: Entry) -> None:
    """A pending call is ready after so many reads."""
    data = entry.data
    if data.get("_pending"):
        data["_pending"] -= 1
        if not data["_pending"]:
            make_call(data)
            world.put(calendar, data)
