"""Booking links, their slots, and bookings."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.errors import Kind
from tests.providers.sandbox.desk import BERLIN, NOW, Desk, berlin, meeting, refused, window
from ucal.v1 import event_pb2, link_pb2, types_pb2

TUESDAY = datetime(2026, 10, 27, tzinfo=BERLIN)


def link(**fields: object) -> link_pb2.Link:
    fields.setdefault("name", "Short chat")
    fields.setdefault("duration", Duration(seconds=1_800))
    return link_pb2.Link(**fields)


async def create(desk: Desk, resource: link_pb2.Link, **fields: object) -> link_pb2.Link:
    request = link_pb2.CreateLinkRequest(link=resource, **fields)
    return (await desk.sandbox.create_link(desk.call(), request)).link


async def update(desk: Desk, id: str, resource: link_pb2.Link, *paths: str) -> link_pb2.Link:
    request = link_pb2.UpdateLinkRequest(id=id, link=resource, update_mask=FieldMask(paths=paths))
    return (await desk.sandbox.update_link(desk.call(), request)).link


async def get(desk: Desk, id: str) -> link_pb2.Link:
    return (await desk.sandbox.get_link(desk.call(), link_pb2.GetLinkRequest(id=id))).link


async def slots(desk: Desk, id: str, start: datetime = TUESDAY, **fields: object) -> list[str]:
    days = fields.pop("days", 1)
    request = link_pb2.ListLinkSlotsRequest(
        link_id=id, window=window(start, days=days), page_size=2_000, **fields
    )
    answer = await desk.sandbox.list_link_slots(desk.call(), request)
    return [f"{s.start_at.ToDatetime(UTC).astimezone(BERLIN):%d %H:%M}" for s in answer.slots]


async def test_links_are_made_read_changed_and_deleted(desk: Desk) -> None:
    made = await create(desk, link(location="Berlin", price_amount="0"))
    assert (made.slug, made.capacity, made.is_active) == ("short-chat", 1, True)
    assert made.url.endswith("/robin.sand/short-chat")
    assert made.locations[0].text == "Berlin"
    assert made == await get(desk, made.id)
    changed = await update(desk, made.id, link_pb2.Link(is_active=False), "is_active", "location")
    assert (changed.is_active, changed.location, list(changed.locations)) == (False, "", [])
    assert changed.etag != made.etag
    stale = link_pb2.DeleteLinkRequest(id=made.id, etag=made.etag)
    with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
        await desk.sandbox.delete_link(desk.call(), stale)
    request = link_pb2.DeleteLinkRequest(id=made.id)
    await desk.sandbox.delete_link(desk.call(), request)
    with refused(Kind.NOT_FOUND):
        await get(desk, made.id)
    with refused(Kind.NOT_FOUND):
        await desk.sandbox.delete_link(desk.call(), request)
    request.allow_missing = True
    assert (await desk.sandbox.delete_link(desk.call(), request)).already_absent


async def test_links_are_filtered_by_activity(desk: Desk) -> None:
    ids = {}
    for active in (None, True, False):
        request = link_pb2.ListLinksRequest(page_size=2, include_raw=True)
        if active is not None:
            request.is_active = active
        ids[active] = set()
        while True:
            answer = await desk.sandbox.list_links(desk.call(), request)
            ids[active] |= {item.id for item in answer.links}
            assert all(item.raw["__id"] == item.id for item in answer.links)
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
    assert ids[True] | ids[False] == ids[None]
    assert ids[False] == {"old-demo"}


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        (link(name=" "), "link.name"),
        (link_pb2.Link(name="x"), "link.duration"),
        (link(duration=Duration(seconds=0)), "link.duration"),
        (link(duration=Duration(seconds=90_000)), "link.duration"),
        (link(duration_options=[Duration(seconds=60)]), "link.duration"),
        (link(duration_options=[Duration(seconds=-1)]), "link.duration_options[0]"),
        (link(buffer_before=Duration(seconds=-1)), "link.buffer_before"),
        (link(minimum_notice=Duration(seconds=10**9)), "link.minimum_notice"),
        (link(price_amount="10"), "link.price_currency"),
        (link(slug="Not a slug"), "link.slug"),
        (link(parent_link_id="nowhere"), "link.parent_link_id"),
        (link(questions=[link_pb2.LinkQuestion(label="?")]), "link.questions[0].name"),
        (link(questions=[link_pb2.LinkQuestion(name="a")] * 2), "link.questions[1].name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_bad_links_are_refused(desk: Desk, resource: link_pb2.Link, field: str) -> None:
    position = desk.world.journal.position
    with refused(Kind.INVALID, field=field):
        await create(desk, resource)
    assert desk.world.journal.position == position


async def test_a_slug_is_there_once(desk: Desk) -> None:
    with refused(Kind.ALREADY_EXISTS, field="link.slug", reason="SLUG_EXISTS"):
        await create(desk, link(slug="intro-call"))
    one, other = await create(desk, link()), await create(desk, link())
    assert one.slug != other.slug


async def test_p59_one_request_id_makes_one_link(desk: Desk) -> None:
    """P59, P60; ids of links and of events do not collide."""
    request_id = str(uuid.uuid4())
    made = await create(desk, link(), request_id=request_id)
    assert await create(desk, link(), request_id=request_id) == made
    with refused(Kind.ALREADY_EXISTS):
        await create(desk, link(name="other"), request_id=request_id)
    event = (await desk.create(meeting(), request_id=request_id)).event
    assert event.id != made.id


async def test_a_restricted_link_takes_after_its_parent(desk: Desk) -> None:
    made = await create(desk, link_pb2.Link(parent_link_id="intro-call", max_uses=2, name="Twice"))
    assert made.max_uses == 2
    assert len(made.questions) == 2
    assert made.conferences[0].kind == types_pb2.CONFERENCE_KIND_GOOGLE_MEET
    assert made.slug == "twice"


# -- slots


async def test_slots_are_free_working_hours(desk: Desk) -> None:
    made = await create(desk, link(duration=Duration(seconds=3_600)))
    found = await slots(desk, made.id, TUESDAY - timedelta(days=3), days=7)
    hours = {each[3:] for each in found}
    assert min(hours) >= "09:00"
    assert max(hours) <= "16:00"
    assert {each[:2] for each in found} <= {"26", "27", "28", "29", "30"}, "no weekend"
    busy = await desk.listed(
        "work", expand_recurring=True, window=window(TUESDAY, days=1), page_size=500
    )
    taken = {
        (e.start_at.timestamp.seconds, e.end_at.timestamp.seconds)
        for e in busy
        if e.start_at.HasField("timestamp")
    }
    for each in await slots(desk, made.id):
        start = datetime.strptime(f"2026-10-{each}", "%Y-%m-%d %H:%M").replace(tzinfo=BERLIN)
        at = int(start.timestamp())
        assert not any(begin < at + 3_600 and end > at for begin, end in taken), each


async def test_notice_buffers_and_lengths_count(desk: Desk) -> None:
    desk.now = TUESDAY + timedelta(hours=13)
    event = meeting(at=berlin(28, 10), minutes=60)
    event.calendar_id = "work"
    await desk.make(event)
    plain = await create(desk, link())
    careful = await create(
        desk,
        link(
            minimum_notice=Duration(seconds=24 * 3_600),
            buffer_before=Duration(seconds=1_800),
            buffer_after=Duration(seconds=1_800),
        ),
    )
    wednesday = TUESDAY + timedelta(days=1)
    assert min(await slots(desk, plain.id)) >= "27 13:00"
    assert await slots(desk, careful.id) == []
    assert min(await slots(desk, careful.id, wednesday)) >= "28 13:00"
    thursday = await slots(desk, careful.id, wednesday + timedelta(days=1))
    assert set(thursday) < set(await slots(desk, plain.id, wednesday + timedelta(days=1)))
    assert len(await slots(desk, "intro-call", wednesday, duration=Duration(seconds=900))) > len(
        await slots(desk, "intro-call", wednesday, duration=Duration(seconds=2_700))
    )
    with refused(Kind.INVALID, field="duration"):
        await slots(desk, "intro-call", duration=Duration(seconds=60))


async def test_links_that_cannot_be_booked_have_no_slots(desk: Desk) -> None:
    assert await slots(desk, "old-demo") == []
    desk.later(days=40)
    assert await slots(desk, "intro-call-once", TUESDAY + timedelta(days=49)) == []
    with refused(Kind.NOT_FOUND):
        await slots(desk, "nowhere")
    with refused(Kind.PRECONDITION, field="window", reason="WINDOW_TOO_LARGE"):
        await slots(desk, "intro-call", days=400)


# -- bookings


async def free_slot(desk: Desk, id: str) -> event_pb2.Event:
    """A booking of the first free slot of `id`."""
    request = link_pb2.ListLinkSlotsRequest(link_id=id, window=window(TUESDAY, days=1))
    slot = (await desk.sandbox.list_link_slots(desk.call(), request)).slots[0]
    event = event_pb2.Event(link_id=id)
    event.start_at.timestamp.CopyFrom(slot.start_at)
    event.end_at.timestamp.CopyFrom(slot.end_at)
    event.calendar_id = "work"
    return event


async def test_a_slot_is_booked_once(desk: Desk) -> None:
    made = await create(desk, link(locations=[link_pb2.LinkLocation(text="Berlin")]))
    event = await free_slot(desk, made.id)
    before = await slots(desk, made.id)
    booked = await desk.make(event)
    assert (booked.subject, booked.location, booked.link_id) == ("Short chat", "Berlin", made.id)
    assert await slots(desk, made.id) == before[1:]
    with refused(Kind.PRECONDITION, field="event.start_at", reason="SLOT_TAKEN"):
        await desk.make(event)
    await desk.delete(booked.id, calendar_id="work")
    assert await slots(desk, made.id) == before


async def test_a_slot_with_several_places(desk: Desk) -> None:
    made = await create(desk, link(capacity=2))
    event = await free_slot(desk, made.id)
    await desk.make(event)
    request = link_pb2.ListLinkSlotsRequest(link_id=made.id, window=window(TUESDAY, days=1))
    slot = (await desk.sandbox.list_link_slots(desk.call(), request)).slots[0]
    assert (slot.start_at, slot.places_left) == (event.start_at.timestamp, 1)
    await desk.make(event)
    with refused(Kind.PRECONDITION, reason="SLOT_TAKEN"):
        await desk.make(event)


async def test_a_link_for_one_use(desk: Desk) -> None:
    """After its last use it is switched off: max_uses 0 alone would mean "unlimited"."""
    made = await create(desk, link(max_uses=1))
    event = await free_slot(desk, made.id)
    await desk.make(event)
    used = await get(desk, made.id)
    assert (used.is_active, used.max_uses) == (False, 0)
    assert used.expires_at.ToDatetime(UTC) == NOW
    with refused(Kind.PRECONDITION, reason="LINK_INACTIVE"):
        await desk.make(event)


async def test_questions_are_answered(desk: Desk) -> None:
    event = await free_slot(desk, "intro-call")
    for answers in (
        {},
        {"team_size": "11-100"},
        {"topic": "x", "hat": "1"},
        {"topic": "x", "team_size": "2"},
    ):
        event.booking_answers.clear()
        event.booking_answers.update(answers)
        with refused(Kind.INVALID, field="event.booking_answers"):
            await desk.make(event)
    event.booking_answers["team_size"] = "11-100"
    booked = await desk.make(event)
    assert booked.conference.join_url
    assert dict(booked.booking_answers) == {"topic": "x", "team_size": "11-100"}


async def test_bookings_that_do_not_fit(desk: Desk) -> None:
    event = await free_slot(desk, "office-hours")
    longer = event_pb2.Event()
    longer.CopyFrom(event)
    longer.end_at.timestamp.seconds += 60
    with refused(Kind.INVALID, field="event.end_at"):
        await desk.make(longer)
    event.start_at.time_zone = "Europe/Berlin"
    event.recurrence.rules.append("RRULE:FREQ=DAILY;COUNT=2")
    with refused(Kind.INVALID, field="event.recurrence"):
        await desk.make(event)
