"""The double's answers and our requests against Cal.com's own description; samples without loss."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import MessageToDict
from openapi_schema_validator import OAS30Validator

from providers.calcom.booking_parse import parse_booking, parse_series
from providers.calcom.calendar_ids import connected_id
from providers.calcom.wire import Booking, ConnectedCalendars, Me, PrivateLink, Recording, Slot
from tests.providers.calcom.desk import THIS, Desk, monday, person
from tests.providers.calcom.double import Exchange
from ucal.v1 import busy_pb2, calendar_pb2, event_pb2, link_pb2, recording_pb2, types_pb2

SPECS = Path(__file__).resolve().parents[4] / "shared/specs/calcom"
MISSING = "Cal.com's description is missing: ../shared/specs/calcom"
HOUR = timedelta(hours=1)

# Faults of the description, most of which SOURCES.md beside it names: booleans and numbers that are
# typed as objects, null where nothing says so.
_FAULTS = (
    "is valid under each of",  # kinds of places and of questions overlap
    "rating: None ",
    "recurrence: None ",
    "forwardParamsSuccessRedirect: True is not of type",
    "destinationCalendar.id: 55 is not of type",
    "bookingFields.",  # `isDefault` is an object there
    "seats: ",  # of a type without: {"disabled": true}
)
# Where the description offers one of several that overlap: what the double means.
_BODIES = {"/v2/bookings": "CreateBookingInput_2024_08_13"}
# How the server reads arrays of objects in a query; the description flattens them.
_NESTED = "calendarsToLoad["


@cache
def _spec() -> dict[str, Any]:
    path = SPECS / "calcom-v2.openapi.cut.json"
    if not path.is_file():
        pytest.skip(MISSING)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _errors(schema: dict[str, Any], value: Any) -> Iterator[str]:
    whole = {**schema, "components": _spec()["components"]}
    for error in OAS30Validator(whole).iter_errors(value):
        path = ".".join(map(str, error.absolute_path))
        message = f"{path}: {error.message}"
        if not any(fault in message for fault in _FAULTS):
            yield message


async def _everything(desk: Desk) -> None:
    """Every request that the provider makes."""
    call, provider = desk.call, desk.provider
    link = link_pb2.Link(name="Intro", capacity=3, color="#D50000", description="First")
    link.duration.seconds = 1800
    link.locations.add(text="Room 4")
    link.locations.add(conference_kind=types_pb2.CONFERENCE_KIND_CAL_VIDEO)
    link.questions.add(name="topic", label="Topic?")
    link.minimum_notice.seconds = 7200
    made = (await provider.create_link(call, link_pb2.CreateLinkRequest(link=link))).link
    link.ClearField("questions")
    link.capacity = 1
    mask = FieldMask(paths=["capacity", "name"])
    await provider.update_link(
        call, link_pb2.UpdateLinkRequest(id=made.id, link=link, update_mask=mask)
    )
    private = link_pb2.Link(parent_link_id=made.id)
    private.expires_at.FromDatetime(monday())
    own = (await provider.create_link(call, link_pb2.CreateLinkRequest(link=private))).link
    uses = link_pb2.UpdateLinkRequest(id=own.id, link=link_pb2.Link(max_uses=3))
    uses.update_mask.paths.append("max_uses")
    await provider.update_link(call, uses)
    await provider.list_links(call, link_pb2.ListLinksRequest())
    await desk.slots(made.id, monday())
    await _bookings(desk, made.id)
    await provider.list_calendars(call, calendar_pb2.ListCalendarsRequest())
    busy = busy_pb2.ListBusyRequest(calendar_ids=[connected_id(135, "host@example.com")])
    busy.window.start_at.FromDatetime(monday())
    busy.window.end_at.FromDatetime(monday() + HOUR)
    await provider.list_busy(call, busy)
    for own_id in (own.id, made.id):
        await provider.delete_link(call, link_pb2.DeleteLinkRequest(id=own_id))


async def _bookings(desk: Desk, link_id: str) -> None:
    people = [person("Ada", "ada@example.com"), types_pb2.Attendee(email="g@example.com")]
    booked = await desk.book(
        link_id, monday(), attendees=people, location="Room 4", metadata={"a": "b"}
    )
    moved = await desk.move(booked.event.id, monday() + HOUR)
    place = event_pb2.Event(location="Room 5")
    await desk.update(moved.id, place, "location", scope=THIS)
    await desk.listed(page_size=1)
    await desk.listed(updated_after=moved.updated_at)
    _, cursor = await desk.all_changes("")
    await desk.all_changes(cursor)
    desk.cal.world.recordings[moved.id] = [
        {"id": "r", "roomName": "x", "startTs": 1, "status": "finished", "duration": 1}
        | {"shareToken": "t", "downloadLink": "https://x", "error": None}
    ]
    get = recording_pb2.GetRecordingRequest(id=f"{moved.id}/r")
    await desk.provider.get_recording(desk.call, get)
    await desk.delete(moved.id, reason="Ill")
    waits = desk.kind("waits", confirmationPolicy={"type": "always"})
    for hours, answer in ((2, "ACCEPTED"), (3, "DECLINED")):
        uid = desk.put(waits, monday() + hours * HOUR)["uid"]
        await desk.respond(uid, f"ATTENDEE_RESPONSE_{answer}", comment="No")


def _operation(each: Exchange) -> dict[str, Any]:
    found: dict[str, Any] = _spec()["paths"][each.template][each.method.lower()]
    return found


async def test_our_requests_and_the_doubles_answers_fit_the_description(desk: Desk) -> None:
    _spec()
    await _everything(desk)
    problems: list[str] = []
    for each in desk.cal.journal:
        assert each.status < 300, f"{each.method} {each.path}: {each.answer}"
        operation, where = _operation(each), f"{each.method} {each.template}"
        names = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
        problems += [
            f"{where}: asks {name}"
            for name in each.query
            if name not in names and not name.startswith(_NESTED)
        ]
        problems += [f"{where} sends {error}" for error in _of_body(operation, each)]
        assert str(each.status) in operation["responses"], f"{where}: {each.status}"
        problems += [f"{where} answers {error}" for error in _of_answer(operation, each)]
    assert problems == []
    asked = {(each.method, each.template) for each in desk.cal.journal}
    assert len(asked) >= 20, sorted(asked)


def _of_body(operation: dict[str, Any], each: Exchange) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        if each.body:
            yield f"a body that is not described: {sorted(each.body)}"
        return
    schema = content["schema"]
    if each.template in _BODIES:
        schema = _component(_BODIES[each.template])
    if "oneOf" in schema:
        schema = schema["oneOf"][0]
    if set(each.body) - set(_fields(schema)):
        yield f"fields that are not described: {set(each.body) - set(_fields(schema))}"
    yield from _errors(schema, each.body)


def _component(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _fields(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema["$ref"].rpartition("/")[2]
    found: dict[str, Any] = _spec()["components"]["schemas"][name]["properties"]
    return found


def _of_answer(operation: dict[str, Any], each: Exchange) -> Iterator[str]:
    content = operation["responses"][str(each.status)].get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None or each.template == "/v2/slots":  # described without its envelope
        return
    data = each.answer["data"]
    items = data if isinstance(data, list) else [data]
    if items and "uid" in items[0]:
        for item in items:
            yield from _errors(_component("BookingOutput_2024_08_13"), item)
    elif items and "bookingFields" in items[0]:
        for item in items:
            yield from _errors(_component("EventTypeOutput_2024_06_14"), item)
    else:
        yield from _errors(schema, each.answer)


def test_versions_are_those_of_the_description() -> None:
    from providers.calcom import api

    for path, version in (
        ("/v2/bookings", api.BOOKINGS),
        ("/v2/event-types", api.EVENT_TYPES),
        ("/v2/slots", api.SLOTS),
    ):
        parameters = _spec()["paths"][path]["get"]["parameters"]
        header = next(p for p in parameters if p["name"] == "cal-api-version")
        assert header["schema"]["default"] == version


# -- samples

_TYPES: dict[str, Any] = {
    "booking-create_201": Booking,
    "booking-get-platform_200": Booking,
    "booking-get-recurring-series_200": list[Booking],
    "booking-get-rescheduled-old_200": Booking,
    "bookings-list-one_200": list[Booking],
    "bookings-list-page2_200": list[Booking],
    "calendars-list_200": ConnectedCalendars,
    "me_200": Me,
    "private-links-list_200": list[PrivateLink],
    "recordings_200": list[Recording],
    "slots-docs_200": dict[str, list[Slot]],
}


def _sample(name: str) -> Any:
    path = SPECS / "samples" / f"{name}.json"
    if not path.is_file():
        pytest.skip(MISSING)
    return json.loads(path.read_text())["response"]["body"]["data"]


@pytest.mark.parametrize("name", _TYPES)
def test_samples_are_read(name: str) -> None:
    data = _sample(name)
    found = msgspec.json.decode(json.dumps(data), type=_TYPES[name])
    bookings = found if isinstance(found, list) else [found]
    raws = data if isinstance(data, list) else [data]
    for booking, raw in zip(bookings, raws, strict=False):
        if not isinstance(booking, Booking):
            return
        event = event_pb2.Event()
        parse_booking(event, booking, "c1", "https://app.cal.com", raw)
        assert event.id == raw["uid"]
        assert event.subject == raw["title"]
        assert event.moved_from_id == raw.get("rescheduledFromUid", "")
        assert event.moved_to_id == raw.get("rescheduledToUid", "")
        assert event.web_url == f"https://app.cal.com/booking/{raw['uid']}"
        people = {a["email"] for a in raw["attendees"] if "email" in a} | {*raw.get("guests", ())}
        assert people <= {a.email for a in event.attendees}
        kept = MessageToDict(event.raw)
        del kept["__id"]
        assert kept == raw, "nothing of the vendor's is lost"


def test_the_sample_of_a_series() -> None:
    data = _sample("booking-get-recurring-series_200")
    bookings = msgspec.json.decode(json.dumps(data), type=list[Booking])
    event = event_pb2.Event()
    parse_series(event, bookings, "rEcSeries00000000001", connection_id="c1")
    assert event.recurrence.rules[0].startswith("RDATE:20260914T130000Z")
