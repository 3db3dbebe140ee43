"""The double's answers and our requests, held against Calendly's OpenAPI document; its samples."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft4Validator

from providers.calendly import wire
from providers.calendly.api import Found
from providers.calendly.event_parse import parse_event
from providers.calendly.links import parse_link
from providers.calendly.places import parse_place
from providers.calendly.recordings import parse_recording
from providers.core import times
from tests.providers.calendly.desk import LINK, Desk, booking, monday, window
from ucal.v1 import event_pb2, link_pb2, recording_pb2, types_pb2

FOLDER = Path(__file__).resolve().parents[4] / "shared/specs/calendly"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no ../shared/specs/calendly")


def _spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "calendly-v2.openapi.json").read_text())
    # It contradicts its own examples: a Zoom call has type "zoom" and a number for an id.
    found["components"]["schemas"]["Location"] = {}
    # The answer knows the event names of 2026, the request those of 2024.
    hook = found["components"]["schemas"]["WebhookSubscription"]["properties"]["events"]
    post = found["paths"]["/webhook_subscriptions"]["post"]["requestBody"]
    post["content"]["application/json"]["schema"]["properties"]["events"] = hook
    return _nullable(found)


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


def _operation(spec: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    exact = sorted(spec["paths"], key=lambda each: "{" in each)
    for template in exact:
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in spec["paths"][template]:
            found: dict[str, Any] = spec["paths"][template][method.lower()]
            return found
    raise AssertionError(f"{method} {path} is no operation of Calendly's")


def _check(spec: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> None:
    whole = {**schema, "components": spec["components"]}
    errors = [
        f"{where} {'/'.join(map(str, e.absolute_path))}: {e.message[:200]}"
        for e in Draft4Validator(whole).iter_errors(value)
    ]
    assert not errors, "\n".join(errors[:5])


def _named(spec: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    names = set()
    for each in operation.get("parameters", ()):
        reference = each.get("$ref", "").rpartition("/")[2]
        found = spec["components"]["parameters"][reference] if reference else each
        names.add(found["name"])
    return names


async def _tour(desk: Desk) -> None:
    """Every request that the provider has."""
    from ucal.v1 import calendar_pb2

    start = monday()
    provider = desk.provider
    await provider.list_calendars(desk.call, calendar_pb2.ListCalendarsRequest())
    made = (await desk.create(booking(start, booking_answers={"notes": "x"}))).event
    second = booking(start.replace(hour=11), location="Café")
    second.attendees.add(email="guest@example.com")
    await desk.create(second)
    moved = desk.double.world.events[f"https://api.calendly.com/scheduled_events/{made.id}"]
    desk.double.world.reschedule(moved, start.replace(hour=15))
    await desk.listed(
        window=window(start, days=7), include_canceled=True, view=event_pb2.EVENT_VIEW_FULL
    )
    await desk.listed(page_size=1)
    await desk.changes()
    await desk.delete((await desk.listed())[0].id, reason="Ill")
    desk.double.world.external.append((start, start.replace(hour=10)))
    await desk.busy(window=window(start, days=10))
    await desk.slots(window=window(start, days=10))
    for link in (
        link_pb2.Link(name="New", is_active=True, color="#AABBCC", location="Berlin"),
        link_pb2.Link(parent_link_id=LINK),
        link_pb2.Link(parent_link_id=LINK, name="Other"),
        link_pb2.Link(name="Once", max_uses=1, duration={"seconds": 900}),
    ):
        await provider.create_link(desk.call, link_pb2.CreateLinkRequest(link=link))
    await provider.list_links(desk.call, link_pb2.ListLinksRequest(is_active=True))
    recap = desk.double.world.add_recap("Intro", moved["uri"])
    own_id = recap["uri"].rpartition("/")[2]
    asked = recording_pb2.ListRecordingsRequest(window=window(start, days=1))
    await provider.list_recordings(desk.call, asked)
    await provider.get_recording(desk.call, recording_pb2.GetRecordingRequest(id=own_id))
    await provider.list_transcript_segments(
        desk.call, recording_pb2.ListTranscriptSegmentsRequest(recording_id=own_id)
    )
    from providers.core.push import Topic

    topic = Topic(types_pb2.RESOURCE_KIND_EVENT)
    for secret in ("one", "two"):
        hook = await provider.push.create(desk.call, topic, "https://h.example.com", secret)
    await provider.push.delete(desk.call, hook)


async def test_every_exchange_is_as_the_document_says(desk: Desk) -> None:
    spec = _spec()
    await _tour(desk)
    methods = {(each.method, each.path.partition("/")[2]) for each in desk.double.journal}
    assert len(methods) > 20
    for each in desk.double.journal:
        where = f"{each.method} {each.path}"
        operation = _operation(spec, each.method, each.path)
        unknown = set(each.query) - _named(spec, operation)
        assert not unknown, f"{where}: {unknown}"
        if each.body is not None and "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            _check(spec, schema, each.body, f"request of {where}")
        shown = operation["responses"].get(str(each.status), {}).get("content")
        if shown and each.answer is not None and each.status < 400:
            schema = shown["application/json"]["schema"]
            _check(spec, schema, each.answer, f"answer of {where}")


# -- samples


def _sample(name: str) -> Any:
    return json.loads((FOLDER / "samples" / f"{name}.json").read_text())


def _bodies() -> list[Any]:
    """Bodies of successful answers, by the type of what is in them."""
    if not FOLDER.is_dir():
        return []
    found = []
    for path in sorted((FOLDER / "samples").glob("*_20*.json")):
        sample = json.loads(path.read_text())
        body = sample["response"]["body"]
        if isinstance(body, dict) and ("collection" in body or "resource" in body):
            items = body.get("collection", [body.get("resource")])
            found += [
                pytest.param(sample["request"]["path"], item, id=f"{path.stem}-{n}")
                for n, item in enumerate(items)
            ]
    return found


TYPES: list[tuple[str, type[Any]]] = [
    (r"/scheduled_events/[^/]+/invitees.*|/invitees", wire.Invitee),
    (r"/scheduled_events/[^/]+/cancellation", wire.Cancellation),
    (r"/scheduled_events.*", wire.Event),
    (r"/event_types.*", wire.EventType),
    (r"/users/.*", wire.User),
    (r"/user_busy_times", wire.BusyTime),
    (r"/meeting_recaps.*", wire.Recap),
    (r"/scheduling_links", wire.SchedulingLink),
    (r"/shares", wire.Share),
    (r"/webhook_subscriptions.*", wire.Hook),
]


@pytest.mark.parametrize(("path", "item"), _bodies())
def test_samples_are_read(path: str, item: Any) -> None:
    """Also those of 2020, which lack much."""
    kind = next((kind for pattern, kind in TYPES if re.fullmatch(pattern, path)), None)
    if kind is None:
        assert re.match(r"/(organization|user_availability|routing_form)", path), path
        return
    text = msgspec.json.encode(item)
    found: Found[Any] = Found(msgspec.json.decode(text, type=kind), msgspec.Raw(text))
    if kind is wire.Event:
        event = event_pb2.Event()
        parse_event(event, found, "c", None, raw=True)
        assert event.id == item["uri"].rpartition("/")[2]
        assert event.subject == (item["name"] or "")
        assert (event.status == event_pb2.EVENT_STATUS_CANCELED) is (item["status"] == "canceled")
        assert event.start_at.timestamp.ToDatetime(times.EPOCH.tzinfo) == times.parse_rfc3339(
            item["start_time"]
        )
        assert dict(event.raw)["uri"] == item["uri"]
    if kind is wire.EventType:
        link = link_pb2.Link()
        parse_link(link, found, "c", raw=True)
        assert link.duration.seconds == 60 * item["duration"]
        questions = [q for q in item["custom_questions"] if q["enabled"]]
        assert [q.name for q in link.questions] == [q["name"] for q in questions]
        assert not link.HasField("price_amount")
    if kind is wire.Recap:
        recording = recording_pb2.Recording()
        parse_recording(recording, found, "c")
        assert recording.state == recording_pb2.MEDIA_STATE_READY
    if kind is wire.Invitee:
        assert found.it.email == item["email"]


def test_every_state_of_every_call() -> None:
    pending, failed = types_pb2.CONFERENCE_STATE_PENDING, types_pb2.CONFERENCE_STATE_FAILED
    for name, value in _sample("event-location-variants-a")["values"].items():
        event = event_pb2.Event()
        parse_place(event, msgspec.convert(value, wire.Location))
        assert event.has_conference, name
        assert event.conference.kind not in (0, types_pb2.CONFERENCE_KIND_OTHER), name
        assert event.conference.state == (failed if "Failed" in name else pending), name
        # The URL of a failed call leads nowhere.
        assert event.conference.join_url == "", name


def test_a_page_token_is_found_in_old_answers_too() -> None:
    """Answers of 2020 have it in `next_page` only."""
    from providers.calendly import ids

    body = _sample("event-types-page1_200")["response"]["body"]["pagination"]
    token = ids.page_token(body.get("next_page_token"), body["next_page"])
    assert token
    assert f"page_token={token}" in body["next_page"]
