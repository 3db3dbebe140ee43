"""The double's answers and our requests, held against the OpenAPI document; the samples."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft4Validator

from providers.acuity import wire
from providers.acuity.api import Found
from providers.acuity.event_parse import parse_event
from providers.acuity.links import Catalog, parse_link
from providers.core import times
from providers.core.push import Topic
from tests.providers.acuity.desk import LINK, Desk, booking, instant, monday, window
from tests.providers.acuity.double.world import CALENDAR, CLASS
from ucal.v1 import calendar_pb2, event_pb2, link_pb2, types_pb2

FOLDER = Path(__file__).resolve().parents[4] / "shared/specs/acuity"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no ../shared/specs/acuity")


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema has it."""
    if isinstance(node, list):
        return [_nullable(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: _nullable(value) for key, value in node.items()}
    if found.get("nullable") is True:
        found.pop("nullable")
        return {"anyOf": [{"type": "null"}, found]}
    return found


def _spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "acuity-v1.openapi.json").read_text())
    checked: dict[str, Any] = _nullable(found)
    return checked


def _operation(spec: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    for template, methods in spec["paths"].items():
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in methods:
            found: dict[str, Any] = methods[method.lower()]
            return found
    raise AssertionError(f"{method} {path} is no operation of Acuity's")


def _check(spec: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> None:
    whole = {**schema, "components": spec["components"]}
    errors = [
        f"{where} {'/'.join(map(str, e.absolute_path))}: {e.message[:200]}"
        for e in Draft4Validator(whole).iter_errors(value)
    ]
    assert not errors, "\n".join(errors[:5])


async def _tour(desk: Desk) -> None:
    """Every request that the provider has."""
    start, provider, world = monday(), desk.provider, desk.double.world
    await provider.test_connection(desk.call)
    await provider.list_calendars(desk.call, calendar_pb2.ListCalendarsRequest())
    event = booking(start, booking_answers={"notes": "x"}, description="note")
    event.calendar_id = str(CALENDAR)
    made = (await desk.create(event)).event
    change = event_pb2.Event(
        start_at=instant(start.replace(hour=15)),
        calendar_id=str(CALENDAR),
        description="new",
        booking_answers={"notes": "y"},
    )
    await desk.update(made.id, change, "start_at", "calendar_id", "description", "booking_answers")
    await desk.listed(window=window(start, days=2), include_canceled=True)
    await desk.listed(include_raw=True, page_size=1)
    world.add_block(start, start.replace(hour=10))
    await desk.busy(window=window(start, days=1))
    await desk.slots(window=window(start, days=2))
    world.add_type("Yoga", own_id=CLASS, type="class", classSize=8)
    await desk.slots(CLASS, window=window(start, days=2))
    await provider.list_links(desk.call, link_pb2.ListLinksRequest())
    await desk.link(LINK)
    await desk.delete(made.id, reason="Ill", send_notifications=False)
    topic = Topic(types_pb2.RESOURCE_KIND_EVENT)
    hook = await provider.push.create(desk.call, topic, "https://h.example.com/a", "secret")
    await provider.push.delete(desk.call, hook)


async def test_every_exchange_is_as_the_document_says(desk: Desk) -> None:
    spec = _spec()
    await _tour(desk)
    seen = set()
    for each in desk.double.journal:
        where = f"{each.method} {each.path}"
        operation = _operation(spec, each.method, each.path)
        seen.add(operation["operationId"])
        named = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert set(each.query) <= named, f"{where}: {set(each.query) - named}"
        if each.body is not None:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            _check(spec, schema, each.body, f"request of {where}")
        shown = operation["responses"].get(str(each.status), {}).get("content")
        assert each.status < 400, where
        if shown and each.answer is not None:
            _check(spec, shown["application/json"]["schema"], each.answer, f"answer of {where}")
    assert len(seen) == 17


def _bodies() -> list[Any]:
    if not FOLDER.is_dir():
        return []
    found = []
    for path in sorted((FOLDER / "samples").glob("*_200.json")):
        sample = json.loads(path.read_text())
        body = sample["response"]["body"]
        found += [
            pytest.param(sample["request"]["path"], item, id=f"{path.stem}-{n}")
            for n, item in enumerate(body if isinstance(body, list) else [body])
        ]
    return found


TYPES: list[tuple[str, type[Any]]] = [
    (r"/appointments(/\d+(/reschedule)?)?", wire.Appointment),
    (r"/appointment-types", wire.AppointmentType),
    (r"/calendars", wire.Calendar),
    (r"/blocks", wire.Block),
    (r"/me", wire.Me),
    (r"/availability/dates", wire.AvailableDate),
    (r"/webhooks", wire.Webhook),
]


@pytest.mark.parametrize(("path", "item"), _bodies())
def test_samples_are_read(path: str, item: Any) -> None:
    path = path.removeprefix("/api/v1")
    kind = next((kind for pattern, kind in TYPES if re.fullmatch(pattern, path)), None)
    if kind is None:
        assert path == "/availability/check-times", path
        return
    text = msgspec.json.encode(item)
    found: Found[Any] = Found(msgspec.json.decode(text, type=kind), msgspec.Raw(text))
    if kind is wire.Appointment:
        event = event_pb2.Event()
        parse_event(event, found, "c", {}, forms=True, raw=True)
        assert event.id == str(item["id"])
        assert event.subject == item["type"].strip()
        length = event.end_at.timestamp.seconds - event.start_at.timestamp.seconds
        assert length == 60 * int(item["duration"])
        start = event.start_at.timestamp.ToDatetime(times.EPOCH.tzinfo)
        assert start == times.parse_rfc3339(item["datetime"])
        asked = [v["name"] for form in item.get("forms", ()) for v in form["values"]]
        assert sorted(event.booking_answers) == sorted(asked)
        assert event.raw["calendarID"] == item["calendarID"]
    if kind is wire.AppointmentType:
        link = link_pb2.Link()
        parse_link(link, found, "c", Catalog([found], {}, wire.Me(currency="USD")))
        assert (link.name, link.price_amount, link.price_currency) == (
            "Consultation",
            "45.00",
            "USD",
        )
        assert link.duration.seconds == 3000
