"""Changes: a feed by time of change, moves as moves, servers that tell none."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.calcom.changes import Cursor
from providers.core.errors import Kind
from tests.providers.calcom.desk import Desk, monday, refused
from tests.providers.calcom.double import bookings
from tests.providers.calcom.double.world import Json, iso
from ucal.v1 import event_pb2, watch_pb2

HOUR = timedelta(hours=1)
CREATED, UPDATED = watch_pb2.CHANGE_TYPE_CREATED, watch_pb2.CHANGE_TYPE_UPDATED
CANCELED = event_pb2.EVENT_STATUS_CANCELED


def _age(booking: Json, ago: timedelta) -> None:
    """As if made, and last changed, so long ago."""
    booking["createdAt"] = booking["updatedAt"] = iso(datetime.now(UTC) - ago)


async def test_the_state_then_what_comes(desk: Desk) -> None:
    kind = desk.kind()
    old = [desk.put(kind, monday() + n * HOUR) for n in range(3)]
    old.append(desk.put(kind, monday() - timedelta(days=60)))
    gone = desk.put(kind, monday() + 5 * HOUR, status="cancelled")
    for booking in (*old, gone):
        _age(booking, timedelta(days=1))
    state, cursor = await desk.all_changes("")
    assert {c.id for c in state} == {b["uid"] for b in old}
    assert {c.type for c in state} == {CREATED}
    assert await desk.all_changes(cursor) == ([], cursor)
    new = desk.put(kind, monday() + 6 * HOUR)
    bookings.touch(old[0])["title"] = "Renamed"
    bookings.cancel(desk.cal.world, old[1]["uid"], {})
    told, cursor = await desk.all_changes(cursor)
    by_id = {c.id: c for c in told}
    assert set(by_id) == {new["uid"], old[0]["uid"], old[1]["uid"]}
    assert by_id[new["uid"]].type == CREATED
    assert by_id[old[0]["uid"]].type == UPDATED
    assert by_id[old[0]["uid"]].event.subject == "Renamed"
    assert by_id[old[1]["uid"]].event.status == CANCELED
    assert not any(c.previous_id for c in told)
    assert (await desk.all_changes(cursor))[0] == [], "the same again"


async def test_p84_a_move_is_one_update_with_the_id_before(desk: Desk) -> None:
    """Never a stray CREATED, nor a DELETED; the old booking says where it went."""
    old = desk.put(desk.kind(), monday())
    _age(old, timedelta(days=1))
    _, cursor = await desk.all_changes("")
    new = bookings.reschedule(desk.cal.world, old["uid"], {"start": iso(monday() + HOUR)})
    told, cursor = await desk.all_changes(cursor)
    assert [(c.id, c.type, c.previous_id) for c in told] == [
        (old["uid"], UPDATED, ""),
        (new["uid"], UPDATED, old["uid"]),
    ]
    assert (told[0].event.status, told[0].event.moved_to_id) == (CANCELED, new["uid"])
    assert told[1].event.moved_from_id == old["uid"]
    bookings.touch(old)
    new["createdAt"] = iso(datetime.now(UTC) - timedelta(seconds=10))
    bookings.touch(new)["title"] = "Renamed"
    told, _ = await desk.all_changes(cursor)
    assert [(c.id, c.type, c.previous_id) for c in told] == [(new["uid"], UPDATED, "")]


async def test_p84_a_chain_of_moves_in_one_look(desk: Desk) -> None:
    old = desk.put(desk.kind(), monday())
    _age(old, timedelta(days=1))
    _, cursor = await desk.all_changes("")
    first = bookings.reschedule(desk.cal.world, old["uid"], {"start": iso(monday() + HOUR)})
    second = bookings.reschedule(desk.cal.world, first["uid"], {"start": iso(monday() + 2 * HOUR)})
    told, _ = await desk.all_changes(cursor)
    assert [(c.id, c.previous_id) for c in told] == [
        (old["uid"], ""),
        (first["uid"], old["uid"]),
        (second["uid"], first["uid"]),
    ]


async def test_p85_a_wish_for_another_time_is_a_cancellation(desk: Desk) -> None:
    """The host asks the booker for a new time: canceled, and moved nowhere."""
    old = desk.put(desk.kind(), monday())
    _age(old, timedelta(days=1))
    _, cursor = await desk.all_changes("")
    bookings.cancel(desk.cal.world, old["uid"], {"cancellationReason": "Please choose anew"})
    ((change,), _) = await desk.all_changes(cursor)
    assert (change.type, change.event.status) == (UPDATED, CANCELED)
    assert not change.event.moved_to_id
    assert not change.previous_id


async def test_more_changes_than_a_page_at_one_moment(desk: Desk) -> None:
    kind = desk.kind()
    _, cursor = await desk.all_changes("")
    now = iso(datetime.now(UTC))
    uids = set()
    for n in range(230):
        booking = desk.put(kind, monday() + n * HOUR)
        booking["createdAt"] = booking["updatedAt"] = now
        uids.add(booking["uid"])
    told, cursor = await desk.all_changes(cursor)
    assert {c.id for c in told} == uids
    late = desk.put(kind, monday() + 300 * HOUR)
    late["createdAt"] = late["updatedAt"] = iso(datetime.now(UTC) + timedelta(seconds=1))
    assert late["uid"] in {c.id for c in (await desk.all_changes(cursor))[0]}


async def test_a_change_that_comes_to_light_behind_another(desk: Desk) -> None:
    """Stamped when it began, seen when it ended."""
    kind = desk.kind()
    _, cursor = await desk.all_changes("")
    desk.put(kind, monday())
    _, cursor = await desk.all_changes(cursor)
    late = desk.put(kind, monday() + HOUR)
    _age(late, timedelta(seconds=1))
    assert [c.id for c in (await desk.all_changes(cursor))[0]] == [late["uid"]]


async def test_a_list_goes_on_as_changes(desk: Desk) -> None:
    kind = desk.kind()
    _age(desk.put(kind, monday()), timedelta(days=1))
    request = event_pb2.ListEventsRequest()
    answer = await desk.provider.list_events(desk.call, request)
    new = desk.put(kind, monday() + HOUR)
    told, _ = await desk.all_changes(answer.resume_token.decode())
    assert [c.id for c in told] == [new["uid"]]


async def test_bookings_without_a_time_of_change_are_no_trouble(desk: Desk) -> None:
    desk.put(desk.kind(), monday(), updatedAt=None)
    state, cursor = await desk.all_changes("")
    assert len(state) == 1
    assert await desk.all_changes(cursor) == ([], cursor)


async def test_a_server_that_tells_no_changes(desk: Desk) -> None:
    """Older ones pass the filter over: what is from yesterday on is told each time."""
    desk.cal.world.blind = True
    kind = desk.kind()
    rows = [desk.put(kind, monday() + n * HOUR) for n in range(3)]
    ancient = desk.put(kind, monday() - timedelta(days=90))
    for row in (*rows, ancient):
        _age(row, timedelta(days=100))
    _, cursor = await desk.all_changes("")
    new = bookings.reschedule(desk.cal.world, rows[0]["uid"], {"start": iso(monday() + 9 * HOUR)})
    told, cursor = await desk.all_changes(cursor)
    assert {c.id for c in told} == {row["uid"] for row in rows} | {new["uid"]}
    assert [c.previous_id for c in told if c.previous_id] == [rows[0]["uid"]]
    bookings.cancel(desk.cal.world, rows[1]["uid"], {})
    told, _ = await desk.all_changes(cursor)
    assert {c.id: c.event.status for c in told}[rows[1]["uid"]] == CANCELED


@pytest.mark.parametrize("text", ["{", "7", '{"mark": 3}'])
async def test_a_cursor_that_cannot_be_read(desk: Desk, text: str) -> None:
    with refused(Kind.CURSOR_EXPIRED):
        await desk.changes(text)


async def test_cursors_stay_small(desk: Desk) -> None:
    kind = desk.kind()
    _, cursor = await desk.all_changes("")
    for n in range(80):
        old = desk.put(kind, monday() + n * HOUR)
        bookings.reschedule(desk.cal.world, old["uid"], {"start": iso(monday() + (200 + n) * HOUR)})
    _, cursor = await desk.all_changes(cursor)
    assert len(cursor) < 20_000
    assert Cursor.at("2026-01-01T00:00:00Z").text()
