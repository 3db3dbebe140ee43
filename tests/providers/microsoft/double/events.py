"""Making, changing, deleting and answering events, as Exchange does it."""

import re
import uuid
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.providers.microsoft.double import clocks, plan
from tests.providers.microsoft.double.problems import Problem
from tests.providers.microsoft.double.world import NEVER, Calendar, Item, Json, Mailbox, opaque

_LINE = "_" * 80
_WRITABLE = {
    "subject", "body", "start", "end", "location", "locations", "attendees", "isAllDay", "showAs",
    "sensitivity", "importance", "categories", "isReminderOn", "reminderMinutesBeforeStart",
    "recurrence", "isOnlineMeeting", "onlineMeetingProvider", "allowNewTimeProposals",
    "hideAttendees", "responseRequested", "transactionId", "singleValueExtendedProperties",
}  # fmt: skip
_WORDS = {
    "showAs": {"free", "tentative", "busy", "oof", "workingElsewhere", "unknown"},
    "sensitivity": {"normal", "personal", "private", "confidential"},
    "importance": {"low", "normal", "high"},
    "onlineMeetingProvider": {
        "unknown",
        "teamsForBusiness",
        "skypeForBusiness",
        "skypeForConsumer",
    },
}
_TYPES = {
    "subject": str, "isAllDay": bool, "isReminderOn": bool, "reminderMinutesBeforeStart": int,
    "categories": list, "attendees": list, "isOnlineMeeting": bool,
}  # fmt: skip


def _check(box: Mailbox, body: Any) -> Json:
    """The body without what is null, which says nothing; but a series may be ended so."""
    if not isinstance(body, dict):
        raise Problem(400, "RequestBodyRead", "no object")
    body = {n: v for n, v in body.items() if v is not None or n == "recurrence"}
    # python-o365 writes a word for it, and Graph is known to take that.
    words = {"true": True, "false": False}
    if str(body.get("isOnlineMeeting")).lower() in words:
        body["isOnlineMeeting"] = words[str(body["isOnlineMeeting"]).lower()]
    for name, value in body.items():
        if name.startswith("@"):
            continue
        if name not in _WRITABLE:
            raise Problem(400, "RequestBodyRead", f"The property '{name}' does not exist")
        if name in _WORDS and value not in _WORDS[name]:
            raise Problem(400, "RequestBodyRead", f"Requested value was not found for {name}")
        if name in _TYPES and not isinstance(value, _TYPES[name]):
            raise Problem(400, "RequestBodyRead", f"{name} has the wrong type")
    for name in ("start", "end"):
        if (body.get(name) or {}).get("timeZone") in box.world.iana_refused:
            raise Problem(400, "TimeZoneNotSupportedException", "not supported")
    return body


def _text(body: Json) -> Json:
    """Exchange keeps bodies as HTML."""
    content = body.get("content") or ""
    if body.get("contentType", "text").lower() == "text":
        plain = content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        content = "<html><body>" + plain.replace("\n", "<br>\n") + "</body></html>"
    return {"contentType": "html", "content": content}


def _guests(box: Mailbox, value: list[Json], before: list[Json] | None = None) -> list[Json]:
    there = {g["emailAddress"]["address"].lower(): g for g in before or ()}
    found = []
    for guest in value:
        person = guest.get("emailAddress") or {}
        address = person.get("address")
        if not address:
            raise Problem(400, "ErrorInvalidRequest", "a recipient without address")
        kind = guest.get("type", "required")
        if kind not in ("required", "optional", "resource"):
            raise Problem(400, "RequestBodyRead", "type")
        old = there.get(address.lower())
        status = old["status"] if old else {"response": "none", "time": NEVER}
        shown = {"address": address, "name": person.get("name") or address}
        found.append({"type": kind, "status": status, "emailAddress": shown})
    return found


def _when(body: Json) -> tuple[datetime, datetime, str]:
    start, zone = clocks.read(body.get("start"), "start")
    end, other = clocks.read(body.get("end"), "end")
    all_day = bool(body.get("isAllDay"))
    if all_day and (zone != other or start.time() != time() or end.time() != time()):
        raise Problem(400, "ErrorInvalidRequest", "midnights of one zone are wanted")
    if zone != other:
        end = clocks.instant(end, other).astimezone(clocks.zone(zone)).replace(tzinfo=None)
    if end < start or (all_day and end <= start):
        raise Problem(400, "ErrorPropertyValidationFailure", "end is before start")
    return start, end, zone


def create(box: Mailbox, calendar: Calendar, body: Json) -> Item:
    """POST …/events. A transactionId that was used finds what it made."""
    body = _check(box, body)
    wanted = body.get("transactionId")
    for known in calendar.items.values():
        if wanted and known.data["transactionId"] == wanted:
            if box.world.refuses_repeats:
                raise Problem(409, "ErrorDuplicateTransactionId", "already carried out")
            return known
    start, end, zone = _when(body)
    number = box.world.number()
    own_id = opaque(f"event {box.address} {number} {uuid.uuid4().hex[:8]}")
    now = clocks.stamp(box.world.now())
    data: Json = {
        "createdDateTime": now, "lastModifiedDateTime": now, "changeKey": box.world.key(),
        "categories": [], "transactionId": None, "hasAttachments": False, "subject": "",
        "iCalUId": f"040000008200E00074C5B7101A82E00800000000{uuid.uuid4().hex.upper()}",
        "reminderMinutesBeforeStart": 15, "isReminderOn": True, "importance": "normal",
        "sensitivity": "normal", "isAllDay": False, "isCancelled": False, "isOrganizer": True,
        "responseRequested": True, "showAs": "busy", "isDraft": False, "hideAttendees": False,
        "allowNewTimeProposals": True, "isOnlineMeeting": False, "onlineMeetingUrl": None,
        "onlineMeetingProvider": "unknown", "onlineMeeting": None, "recurrence": None,
        "responseStatus": {"response": "organizer", "time": NEVER}, "attendees": [],
        "body": {"contentType": "html", "content": ""}, "singleValueExtendedProperties": [],
        "location": {"displayName": "", "locationType": "default"}, "locations": [],
        "organizer": {"emailAddress": {"name": box.name, "address": box.address}},
        "webLink": f"https://outlook.office365.com/owa/?itemid={number}",
    }  # fmt: skip
    item = Item(own_id, data, start, end, zone)
    _apply(box, calendar, item, body, data)
    if data["isOnlineMeeting"]:
        _go_online(box, item)
    calendar.items[own_id] = item
    box.world.touch(calendar, item)
    box.world.mail("invitation", item)
    return item


def _apply(box: Mailbox, calendar: Calendar, item: Item, body: Json, data: Json) -> None:
    """Write the properties of `body`, times left out."""
    for name, value in body.items():
        if name in ("start", "end", "recurrence") or name.startswith("@"):
            continue
        if name == "attendees":
            data[name] = _guests(box, value, data.get("attendees", item.data["attendees"]))
        elif name == "body":
            data[name] = _text(value)
        elif name == "location":
            shown = (value or {}).get("displayName") or ""
            data[name] = {"displayName": shown, "locationType": "default"}
            data["locations"] = [data[name]] if shown else []
        elif name == "singleValueExtendedProperties":
            kept = {each["id"]: each for each in data.get(name, [])}
            data[name] = list((kept | {each["id"]: each for each in value}).values())
        elif name == "isOnlineMeeting":
            allowed = calendar.data["allowedOnlineMeetingProviders"]
            provider = body.get("onlineMeetingProvider", "teamsForBusiness")
            if value and provider not in allowed:
                raise Problem(400, "ErrorInvalidRequest", "the provider is not allowed")
            data[name] = value or item.data["isOnlineMeeting"]
        else:
            data[name] = value
    if "recurrence" in body:
        found = body["recurrence"]
        data["recurrence"] = plan.check(found, item.start.date()) if found else None
        if found:
            zone = data["recurrence"]["range"]["recurrenceTimeZone"] or item.zone
            clocks.zone(zone)
            data["recurrence"]["range"]["recurrenceTimeZone"] = clocks.windows(zone)


def _go_online(box: Mailbox, item: Item) -> None:
    """Teams makes a link, and puts its block into the body."""
    thread = uuid.uuid4().hex
    url = f"https://teams.microsoft.com/l/meetup-join/19%3ameeting_{thread}%40thread.v2/0"
    item.data["onlineMeetingProvider"] = "teamsForBusiness"
    item.data["onlineMeeting"] = {"joinUrl": url, "conferenceId": "291633251",
                                  "tollNumber": "+1 323-555-0166"}  # fmt: skip
    line = f'<div style="width:100%; height:20px"><span>{_LINE}</span>\n</div>'
    block = f'{line}\n<div class="me-email-text"><a href="{url}">Join Teams</a></div>\n{line}'
    content = item.data["body"]["content"]
    html = content if "</body>" in content else f"<html><body>{content}</body></html>"
    item.data["body"] = {
        "contentType": "html",
        "content": html.replace("</body>", f"{block}</body>"),
    }
    box.world.meetings[url] = (box.address, item.id)


def _keep_online(item: Item, data: Json) -> None:
    """A body without the block takes the meeting off line."""
    info = item.data["onlineMeeting"]
    if info and info["joinUrl"] not in data["body"]["content"]:
        data |= {
            "onlineMeeting": None,
            "isOnlineMeeting": False,
            "onlineMeetingProvider": "unknown",
        }


def change(box: Mailbox, calendar: Calendar, item: Item, day: date | None, body: Json) -> None:
    """PATCH of an event, a series, or an instance."""
    body = _check(box, body)
    if "transactionId" in body:
        raise Problem(400, "ErrorInvalidRequest", "transactionId is immutable")
    if day is not None:
        _change_instance(box, calendar, item, day, body)
        box.world.touch(calendar, item)
        return
    before = item.data["attendees"]
    if {"start", "end", "isAllDay"} & set(body):
        own = {"start": _shown(item.start, item.zone), "end": _shown(item.end, item.zone)}
        start, end, zone = _when({"isAllDay": item.data["isAllDay"], **own, **body})
        moved = (start, zone) != (item.start, item.zone)
        item.start, item.end, item.zone = start, end, zone
        if moved and item.series and "recurrence" not in body:
            item.data["recurrence"]["range"]["startDate"] = start.date().isoformat()
        if moved:
            item.changed.clear()
            item.cancelled.clear()
    if "recurrence" in body:
        item.changed.clear()
        item.cancelled.clear()
    was_online = item.data["isOnlineMeeting"]
    _apply(box, calendar, item, body, item.data)
    if item.data["isOnlineMeeting"] and not was_online:
        _go_online(box, item)
    elif "body" in body:
        _keep_online(item, item.data)
    box.world.touch(calendar, item)
    gone = [g for g in before if g["emailAddress"] not in [x["emailAddress"] for x in
                                                           item.data["attendees"]]]  # fmt: skip
    box.world.mail("cancellation", item, gone)
    box.world.mail("update", item)


def _shown(wall: datetime, zone: str) -> Json:
    return {"dateTime": wall.isoformat(), "timeZone": zone}


def _change_instance(box: Mailbox, calendar: Calendar, item: Item, day: date, body: Json) -> None:
    if "recurrence" in body:
        raise Problem(400, "ErrorInvalidRequest", "an occurrence has no recurrence")
    own = dict(item.changed.get(day, {}))
    first, last = item.planned(day)
    times = {
        "start": own.get("start") or clocks.shown(first, item.zone),
        "end": own.get("end") or clocks.shown(last, item.zone),
    }
    if {"start", "end"} & set(body):
        all_day = body.get("isAllDay", item.data["isAllDay"])
        start, end, zone = _when({"isAllDay": all_day, **times, **body})
        wall = clocks.instant(start, zone).astimezone(clocks.zone(item.zone)).replace(tzinfo=None)
        _crossing(item, day, wall.date())
        own |= {"start": _shown(start, zone), "end": _shown(end, zone)}
    _apply(box, calendar, item, {k: v for k, v in body.items() if k not in own}, own)
    if "body" in body:
        _keep_online(item, own)
    item.changed[day] = own
    box.world.mail("update", item)


def _crossing(item: Item, day: date, wanted: date) -> None:
    """An occurrence stays between the days of its neighbours."""
    there = list(item.days(clocks.instant(item.start, item.zone) + timedelta(days=2000)))
    earlier = [item.changed.get(d, {}).get("start", {}).get("dateTime", d.isoformat())[:10]
               for d in there if d < day]  # fmt: skip
    later = [item.changed.get(d, {}).get("start", {}).get("dateTime", d.isoformat())[:10]
             for d in there if d > day]  # fmt: skip
    text = wanted.isoformat()
    if (earlier and text <= earlier[-1]) or (later and text >= later[0]):
        raise Problem(400, "ErrorOccurrenceCrossingBoundary", "cannot skip over another occurrence")


def delete(box: Mailbox, calendar: Calendar, item: Item, day: date | None) -> None:
    """DELETE: an occurrence is cancelled, anything else leaves the calendar."""
    if day is not None:
        item.cancelled.add(day)
        if item.changed.pop(day, None) is not None:
            calendar.log.append((box.world.number(), item.instance_id(day), True))
        box.world.touch(calendar, item)
    else:
        del calendar.items[item.id]
        box.world.touch(calendar, item, removed=True)
    if item.data["isOrganizer"]:
        box.world.mail("cancellation", item)


def answer(
    box: Mailbox, calendar: Calendar, item: Item, day: date | None, *, action: str, body: Json
) -> None:
    """POST …/accept and its fellows. The attendee's copy tells the answer in responseStatus."""
    if item.data["isOrganizer"]:
        raise Problem(400, "ErrorInvalidRequest", "You can't respond to your own meeting.")
    if "proposedNewTime" in body and (action == "accept" or not item.data["allowNewTimeProposals"]):
        raise Problem(400, "ErrorInvalidRequest", "no other time can be proposed")
    word = {"accept": "accepted", "tentativelyAccept": "tentativelyAccepted"}.get(
        action, "declined"
    )
    if body.get("sendResponse", True):
        host = item.data["organizer"]["emailAddress"]["address"]
        box.world.mails.append((f"{word}: {body.get('comment', '')}", item.id, host))
    if action == "decline":
        delete(box, calendar, item, day)
        return
    status = {"response": word, "time": clocks.stamp(box.world.now())}
    shows = {"accepted": "busy", "tentativelyAccepted": "tentative"}[word]
    target = item.data if day is None else item.changed.setdefault(day, {})
    target |= {"responseStatus": status, "showAs": shows}
    box.world.touch(calendar, item)


_ID = re.compile(r"[A-Za-z0-9_=-]{8,}")


def is_id(text: str) -> bool:
    """Whether Exchange could have given this id."""
    return bool(_ID.fullmatch(text)) and len(text) < 600
