"""Acuity's calls: what each takes, refuses and answers."""

from calendar import monthrange
from datetime import UTC, datetime
from typing import Any

from tests.providers.acuity.double.world import (
    ACCOUNT_ZONE,
    FORM,
    Json,
    Refusal,
    World,
    day,
    moment,
    stamp,
)

Ids = tuple[str, ...]
UPDATABLE = {
    "firstName", "lastName", "email", "phone", "certificate", "fields", "notes", "labels",
    "smsOptIn",
}  # fmt: skip


def me(world: World, ids: Ids, query: Json, body: Any) -> Any:
    return world.me()


def list_calendars(world: World, ids: Ids, query: Json, body: Any) -> Any:
    return world.calendars


def list_types(world: World, ids: Ids, query: Json, body: Any) -> Any:
    return world.types


def list_forms(world: World, ids: Ids, query: Json, body: Any) -> Any:
    return world.forms


# -- appointments


def _shown(appointment: Json, *, forms: bool) -> Json:
    if forms:
        return appointment
    return {key: value for key, value in appointment.items() if key not in ("forms", "formsText")}


def list_appointments(world: World, ids: Ids, query: Json, body: Any) -> Any:
    """No pages: `max`, and days of the account's zone, both inclusive."""
    found = list(world.appointments.values())
    if query.get("canceled") == "true":
        found = [a for a in found if a["canceled"]]
    elif query.get("showall") != "true":
        found = [a for a in found if not a["canceled"]]
    if "calendarID" in query:
        found = [a for a in found if a["calendarID"] == int(query["calendarID"])]
    if "minDate" in query:
        low = day(query["minDate"])
        found = [a for a in found if _date(a) >= low]
    if "maxDate" in query:
        high = day(query["maxDate"])
        found = [a for a in found if _date(a) <= high]
    # The order of what begins at one moment is nobody's promise.
    found.sort(key=lambda a: (moment(a["datetime"]), -a["id"]))
    if query.get("direction", "DESC") == "DESC":
        found.reverse()
    forms = query.get("excludeForms") != "true"
    return [_shown(each, forms=forms) for each in found[: int(query.get("max", 100))]]


def _date(appointment: Json) -> Any:
    return moment(appointment["datetime"]).astimezone(ACCOUNT_ZONE).date()


def get_appointment(world: World, ids: Ids, query: Json, body: Any) -> Any:
    return world.appointment(ids[0])


def _mail(world: World, what: str, query: Json) -> None:
    if query.get("noEmail") != "true":
        world.mails.append(what)


def _answers(world: World, kind: Json, given: list[Json], *, complete: bool) -> list[Json]:
    asked = {
        each["id"]: each
        for form in world.forms
        if form["id"] in kind["formIDs"]
        for each in form["fields"]
    }
    if any(each["id"] not in asked for each in given):
        raise Refusal(400, "invalid_fields")
    answered = {each["id"] for each in given if each["value"]}
    if complete and any(q["required"] and own_id not in answered for own_id, q in asked.items()):
        raise Refusal(400, "required_field")
    if not given:
        return []
    values = [
        {
            "id": 21502993 + n,
            "fieldID": each["id"],
            "name": asked[each["id"]]["name"],
            "value": each["value"],
        }
        for n, each in enumerate(given)
    ]
    return [{"id": FORM, "name": "Intake", "values": values}]


def create_appointment(world: World, ids: Ids, query: Json, body: Any) -> Any:
    admin = query.get("admin") == "true"
    for name, error in (
        ("datetime", "required_datetime"),
        ("appointmentTypeID", "required_appointment_type_id"),
        ("firstName", "required_first_name"),
        ("lastName", "required_last_name"),
        ("email", "required_email"),
    ):
        if not body.get(name):
            raise Refusal(400, error)
    if "@" not in body["email"]:
        raise Refusal(400, "invalid_email")
    if "notes" in body and not admin:
        raise Refusal(400, "bad_request")
    kind = world.type(body["appointmentTypeID"])
    start = moment(body["datetime"])
    calendar = body.get("calendarID", 0)
    if calendar:
        world.calendar(calendar)
    if not admin:
        calendar = world.free(kind, start, calendar)
        if not calendar:
            raise Refusal(400, "not_available", "The time is not available.")
    made = world.add(
        kind,
        start,
        firstName=body["firstName"],
        lastName=body["lastName"],
        email=body["email"],
        phone=body.get("phone", ""),
        calendarID=calendar,
        calendar=world.calendar(calendar)["name"],
        forms=_answers(world, kind, body.get("fields", []), complete=not admin),
    )
    made["timezone"] = body.get("timezone", made["timezone"])
    _mail(world, "scheduled", query)
    return made


def update_appointment(world: World, ids: Ids, query: Json, body: Any) -> Any:
    found = world.appointment(ids[0])
    if world.refuses_details:
        raise Refusal(403, "forbidden")
    if body.keys() - UPDATABLE or ("notes" in body and query.get("admin") != "true"):
        raise Refusal(400, "bad_request")
    if "fields" in body:
        kind = world.type(found["appointmentTypeID"])
        found["forms"] = _answers(world, kind, body["fields"], complete=False)
    found.update({key: value for key, value in body.items() if key != "fields"})
    return found


def reschedule(world: World, ids: Ids, query: Json, body: Any) -> Any:
    found = world.appointment(ids[0])
    if found["canceled"]:
        raise Refusal(400, "reschedule_canceled")
    if world.too_close:
        raise Refusal(400, "reschedule_too_close")
    kind = world.type(found["appointmentTypeID"])
    start = moment(body["datetime"])
    wanted = body.get("calendarID", found["calendarID"]) or 0
    calendar = world.free(kind, start, wanted, found["id"])
    if not calendar:
        raise Refusal(400, "not_available", "The time is not available.")
    found["calendarID"] = calendar
    found["calendar"] = world.calendar(calendar)["name"]
    found["timezone"] = body.get("timezone", found["timezone"])
    world.place(found, start)
    _mail(world, "rescheduled", query)
    return found


def cancel(world: World, ids: Ids, query: Json, body: Any) -> Any:
    found = world.appointment(ids[0])
    if found["canceled"]:
        raise Refusal(400, "cancel_not_allowed")
    if world.too_close and query.get("admin") != "true":
        raise Refusal(400, "cancel_too_close")
    found |= {"canceled": True, "canClientCancel": False, "canClientReschedule": False}
    found["noShow"] = False
    _mail(world, "canceled", query)
    return found


# -- availability


def available_dates(world: World, ids: Ids, query: Json, body: Any) -> Any:
    kind = world.type(int(query["appointmentTypeID"]))
    year, month = map(int, query["month"].split("-"))
    zone, calendar = query.get("timezone", str(ACCOUNT_ZONE)), int(query.get("calendarID", 0))
    days = [datetime(year, month, n + 1, tzinfo=UTC) for n in range(monthrange(year, month)[1])]
    return [
        {"date": f"{each:%Y-%m-%d}"}
        for each in days
        if kind["active"] is True and world.times_of(kind, each.date(), zone, calendar)
    ]


def available_times(world: World, ids: Ids, query: Json, body: Any) -> Any:
    kind = world.type(int(query["appointmentTypeID"]))
    zone, calendar = query.get("timezone", str(ACCOUNT_ZONE)), int(query.get("calendarID", 0))
    found = world.times_of(kind, day(query["date"]), zone, calendar)
    return [{"time": stamp(at, zone), "slotsAvailable": 1} for at in found]


def available_classes(world: World, ids: Ids, query: Json, body: Any) -> Any:
    low, high = day(query["minDate"]), day(query["maxDate"])
    return [
        each
        for each in world.sessions
        if low <= moment(each["time"]).date() <= high
        and each["appointmentTypeID"] == int(query["appointmentTypeID"])
    ]


# -- blocks, webhooks


def list_blocks(world: World, ids: Ids, query: Json, body: Any) -> Any:
    low, high = day(query["minDate"]), day(query["maxDate"])
    found = [
        block
        for block in world.blocks.values()
        if block["calendarID"] == int(query["calendarID"])
        and moment(block["start"]).astimezone(ACCOUNT_ZONE).date() <= high
        and moment(block["end"]).astimezone(ACCOUNT_ZONE).date() >= low
    ]
    return found[: int(query.get("max", 100))]


def list_hooks(world: World, ids: Ids, query: Json, body: Any) -> Any:
    return list(world.hooks.values())


def create_hook(world: World, ids: Ids, query: Json, body: Any) -> Any:
    if len(world.hooks) >= 25:
        raise Refusal(400, "bad_request", "At most 25 webhooks")
    own_id = world.new_id()
    world.hooks[own_id] = {"id": own_id, "status": "active", **body}
    return world.hooks[own_id]


def delete_hook(world: World, ids: Ids, query: Json, body: Any) -> Any:
    if world.hooks.pop(int(ids[0]), None) is None:
        raise Refusal(404, "not_found")


ROUTES = (
    ("GET", "/me", me),
    ("GET", "/calendars", list_calendars),
    ("GET", "/appointment-types", list_types),
    ("GET", "/forms", list_forms),
    ("GET", "/appointments", list_appointments),
    ("POST", "/appointments", create_appointment),
    ("GET", "/appointments/*", get_appointment),
    ("PUT", "/appointments/*", update_appointment),
    ("PUT", "/appointments/*/reschedule", reschedule),
    ("PUT", "/appointments/*/cancel", cancel),
    ("GET", "/availability/dates", available_dates),
    ("GET", "/availability/times", available_times),
    ("GET", "/availability/classes", available_classes),
    ("GET", "/blocks", list_blocks),
    ("GET", "/webhooks", list_hooks),
    ("POST", "/webhooks", create_hook),
    ("DELETE", "/webhooks/*", delete_hook),
)
