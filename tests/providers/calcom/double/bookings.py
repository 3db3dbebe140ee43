"""Bookings of the double: made, moved, confirmed, canceled, listed."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.providers.calcom.double import event_types
from tests.providers.calcom.double.world import HOST, Json, Problem, World, instant, iso

TAKEN = "User either already has booking at this time or is not available"
_LENGTHS = {"weekly": 7, "monthly": 28, "yearly": 364}


def _uid() -> str:
    return secrets.token_hex(11)


def find(world: World, uid: str) -> Json:
    """The booking of this uid."""
    if uid not in world.bookings:
        raise Problem(404, f"Booking with uid={uid} was not found in the database")
    return world.bookings[uid]


def series(world: World, uid: str) -> list[Json]:
    """Bookings of a series, by start."""
    found = [b for b in world.bookings.values() if b.get("recurringBookingUid") == uid]
    return sorted(found, key=lambda b: b["start"])


def get(world: World, uid: str) -> Any:
    """GET /v2/bookings/{uid}: a list for the uid of a series."""
    return series(world, uid) or find(world, uid)


# -- create


def create(world: World, body: Json) -> Any:
    """POST /v2/bookings."""
    kind = event_types.find(world, str(body.get("eventTypeId", "")))
    attendee = body.get("attendee") or {}
    for name in ("name", "timeZone", "email"):
        if not attendee.get(name):
            raise Problem(400, f"attendee property is wrong,attendee.{name} should not be empty")
    start = instant(body["start"])
    minutes = _length(kind, body)
    if not kind["recurrence"]:
        return _seat_or_book(world, kind, body, start, minutes)
    every = kind["recurrence"]
    count = body.get("recurrenceCount", every["occurrences"])
    if count > every["occurrences"]:
        raise Problem(400, "recurrenceCount property is wrong,too many")
    own, step = _uid(), timedelta(days=_LENGTHS[every["frequency"]] * every["interval"])
    made = []
    for number in range(count):
        booking = _seat_or_book(world, kind, body, start + number * step, minutes)
        booking["recurringBookingUid"] = own
        made.append(booking)
    return made


def _length(kind: Json, body: Json) -> int:
    options = kind.get("lengthInMinutesOptions")
    if "lengthInMinutes" not in body:
        return int(kind["lengthInMinutes"])
    if not options or body["lengthInMinutes"] not in options:
        raise Problem(400, "Invalid event length without multiple durations")
    return int(body["lengthInMinutes"])


def _seat_or_book(world: World, kind: Json, body: Json, start: datetime, minutes: int) -> Json:
    end = start + timedelta(minutes=minutes)
    if start < datetime.now(UTC):
        raise Problem(400, "Attempting to book a meeting in the past.")
    if start < datetime.now(UTC) + timedelta(minutes=kind["minimumBookingNotice"]):
        raise Problem(400, "booking_time_out_of_bounds_error")
    if not world.places_left(kind, start, end):
        raise Problem(400, TAKEN)
    guest = _attendee(body["attendee"])
    if "seatsPerTimeSlot" in kind["seats"]:
        for booking in world.bookings.values():
            same = booking["eventTypeId"] == kind["id"] and instant(booking["start"]) == start
            if same and booking["status"] == "accepted":
                emails = [other["email"] for other in booking["attendees"]]
                if guest["email"] in emails:
                    raise Problem(409, "already_signed_up_for_this_booking_error")
                booking["attendees"].append(guest)
                return touch(booking)
    answers = {
        **(body.get("bookingFieldsResponses") or {}),
        "name": guest["name"],
        "email": guest["email"],
        **({"guests": body["guests"]} if body.get("guests") else {}),
    }
    _check_answers(kind, answers)
    booking = put(world, kind, start, end, attendees=[guest], answers=answers)
    booking["metadata"] = dict(body.get("metadata") or {})
    booking["guests"] = list(body.get("guests") or [])
    booking["location"] = _place(kind, body.get("location"), booking["uid"])
    return booking


def _check_answers(kind: Json, answers: Json) -> None:
    known = {field["slug"]: field for field in kind["bookingFields"]}
    for slug, field in known.items():
        if field["required"] and not answers.get(slug):
            raise Problem(400, f"bookingFieldsResponses property is wrong,{slug} is required")


def _attendee(given: Json) -> Json:
    return {
        "name": given["name"],
        "email": given["email"],
        "displayEmail": given["email"],
        "timeZone": given["timeZone"],
        "language": given.get("language", "en"),
        "absent": False,
    }


def _place(kind: Json, given: Json | None, uid: str) -> str:
    """What stands in the booking's location."""
    allowed = kind["locations"]
    chosen = given or allowed[0]
    fitting = [p for p in allowed if p["type"] == chosen["type"]]
    if chosen["type"] == "integration":
        fitting = [p for p in fitting if p["integration"] == chosen["integration"]]
    if not fitting:
        raise Problem(400, "location property is wrong,not a location of this event type")
    place = fitting[0]
    if place["type"] == "integration":
        if place["integration"] == "cal-video":
            return f"https://app.cal.com/video/{uid}"
        return f"integrations:{place['integration'].replace('-', '_')}"
    names = {"attendeeAddress": "address", "attendeePhone": "phone", "attendeeDefined": "location"}
    if place["type"] in names:
        return str(chosen.get(names[place["type"]], ""))
    return str(place[place["type"]])


def put(world: World, kind: Json, start: datetime, end: datetime, **more: Any) -> Json:
    """A booking, as it is after it was made."""
    uid, now = _uid(), iso(datetime.now(UTC))
    attendees = more.get("attendees") or [
        _attendee({"name": "Ada", "email": "ada@example.com", "timeZone": "Europe/Berlin"})
    ]
    waits = "type" in kind["confirmationPolicy"]
    answers = more.get("answers", {})
    booking: Json = {
        "id": 9000000 + next(world.serial),
        "uid": uid,
        "title": more.get("title")
        or f"{kind['title']} between {HOST['name']} and {attendees[0]['name']}",
        "description": answers.get("notes", ""),
        "status": "pending" if waits else "accepted",
        "hosts": [dict(HOST)],
        "start": iso(start),
        "end": iso(end),
        "duration": int((end - start).total_seconds() // 60),
        "eventTypeId": kind["id"],
        "eventType": {"id": kind["id"], "slug": kind["slug"]},
        "location": f"https://app.cal.com/video/{uid}",
        "absentHost": False,
        "attendees": attendees,
        "guests": [],
        "bookingFieldsResponses": answers,
        "metadata": {},
        "rating": None,
        "icsUid": f"{uid}@Cal.com",
        "createdAt": now,
        "updatedAt": now,
    }
    world.bookings[uid] = booking
    return booking


def touch(booking: Json) -> Json:
    """It has changed now."""
    booking["updatedAt"] = iso(datetime.now(UTC))
    return booking


# -- after that


def reschedule(world: World, uid: str, body: Json) -> Json:
    """POST …/reschedule: a new booking, with a new uid."""
    old = find(world, uid)
    if old.get("rescheduledToUid"):
        raise Problem(400, f"Booking with uid={uid} has already been rescheduled")
    if old["status"] in ("cancelled", "rejected"):
        raise Problem(400, "cancelled_bookings_cannot_be_rescheduled")
    kind = world.types[old["eventTypeId"]]
    start = instant(body["start"])
    end = start + timedelta(minutes=old["duration"])
    status, old["status"] = old["status"], "cancelled"
    if not world.places_left(kind, start, end):
        old["status"] = status
        raise Problem(400, TAKEN)
    new = put(world, kind, start, end, attendees=old["attendees"])
    for name in ("title", "description", "guests", "bookingFieldsResponses", "metadata", "icsUid"):
        new[name] = old[name]
    if "/video/" not in old["location"]:
        new["location"] = old["location"]
    if old.get("recurringBookingUid"):
        new["recurringBookingUid"] = old["recurringBookingUid"]
    if body.get("rescheduledBy") == HOST["email"]:
        new["status"] = "accepted"
    new["rescheduledFromUid"] = uid
    old["rescheduledToUid"] = new["uid"]
    if body.get("reschedulingReason"):
        new["reschedulingReason"] = body["reschedulingReason"]
    touch(old)
    return new


def cancel(world: World, uid: str, body: Json) -> Any:
    """POST …/cancel."""
    whole = series(world, uid)
    targets = whole or [find(world, uid)]
    if not whole and body.get("cancelSubsequentBookings"):
        own = targets[0]
        later = series(world, own.get("recurringBookingUid", ""))
        targets = [own] + [b for b in later if b["start"] > own["start"]]
    live = [b for b in targets if b["status"] not in ("cancelled", "rejected")]
    if not live:
        raise Problem(
            400, f"Can't cancel booking with uid={uid} because it has been already cancelled"
        )
    for booking in live:
        booking["status"] = "cancelled"
        if body.get("cancellationReason"):
            booking["cancellationReason"] = body["cancellationReason"]
        touch(booking)
    return targets if len(targets) > 1 or whole else targets[0]


def answer(world: World, uid: str, status: str, body: Json) -> Json:
    """POST …/confirm and …/decline."""
    booking = find(world, uid)
    if booking["status"] != "pending":
        raise Problem(400, f"Booking with uid={uid} is not pending")
    booking["status"] = status
    if body.get("reason"):
        booking["cancellationReason"] = body["reason"]
    return touch(booking)


def relocate(world: World, uid: str, body: Json) -> Json:
    """PATCH …/location."""
    booking, place = find(world, uid), body["location"]
    values = {"address": "address", "link": "link", "phone": "phone"}
    if place["type"] not in values:
        raise Problem(400, "location property is wrong,unknown type")
    booking["location"] = place[values[place["type"]]]
    return touch(booking)


# -- lists


def _has_status(booking: Json, word: str, now: datetime) -> bool:
    """As the open-source server reads these words."""
    status, over = booking["status"], instant(booking["end"]) <= now
    recurs = bool(booking.get("recurringBookingUid"))
    gone = status in ("cancelled", "rejected")
    return {
        "upcoming": not over and status == "accepted" and not recurs,
        "recurring": recurs and not gone,
        "past": over and not gone,
        "cancelled": gone,
        "unconfirmed": not over and status == "pending",
    }[word]


_SORTS = {
    "sortStart": "start",
    "sortEnd": "end",
    "sortCreated": "createdAt",
    "sortUpdatedAt": "updatedAt",
}


def listed(world: World, query: Mapping[str, str]) -> tuple[list[Json], Json]:
    """GET /v2/bookings."""
    now = datetime.now(UTC)
    words = [w for w in query.get("status", "upcoming").split(",") if w]
    found = [b for b in world.bookings.values() if any(_has_status(b, w, now) for w in words)]
    if "afterStart" in query:
        low = instant(query["afterStart"])
        found = [b for b in found if instant(b["start"]) >= low]
    if "beforeEnd" in query:
        high = instant(query["beforeEnd"])
        found = [b for b in found if instant(b["end"]) <= high]
    if "afterUpdatedAt" in query and not world.blind:
        since = instant(query["afterUpdatedAt"])
        found = [b for b in found if b["updatedAt"] and instant(b["updatedAt"]) >= since]
    for name, key in _SORTS.items():
        if name in query:
            found.sort(key=lambda b: b[key] or "", reverse=query[name] == "desc")
            break
    take, skip = int(query.get("take", 100)), int(query.get("skip", 0))
    if not 1 <= take <= 250:
        raise Problem(400, "take property is wrong,take must not be greater than 250")
    page = found[skip : skip + take]
    more = skip + take < len(found)
    return page, {
        "returnedItems": len(page),
        "totalItems": len(found),
        "itemsPerPage": take,
        "remainingItems": max(0, len(found) - skip - len(page)),
        "currentPage": skip // take + 1 if page else 0,
        "totalPages": -(-len(found) // take),
        "hasNextPage": more,
        "hasPreviousPage": skip > 0,
    }
