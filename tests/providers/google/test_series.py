"""Series: scopes, the split, exceptions carried over, what happens when half of it fails."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from providers.core.errors import Kind
from tests.providers.google.desk import (
    ALL,
    FOLLOWING,
    MEET,
    THIS,
    WEEKLY,
    Desk,
    berlin,
    day,
    instant,
    meeting,
    refused,
    starts,
)
from ucal.v1 import event_pb2, types_pb2

_SUBJECT = event_pb2.Event(subject="New")


async def _weekly(desk: Desk, *rules: str, **fields: Any) -> tuple[str, list[event_pb2.Event]]:
    """Six Tuesdays at 14:10 across the change of clocks; id and instances."""
    made = await desk.make(meeting(rules=rules or WEEKLY, **fields))
    return made.id, await desk.instances(made.id)


# -- reading


async def test_wall_clock_across_the_change_of_clocks(desk: Desk) -> None:
    """P23."""
    _, found = await _weekly(desk)
    assert starts(found) == [
        f"{d} 14:10" for d in ("10-20", "10-27", "11-03", "11-10", "11-17", "11-24")
    ]
    for event in found:
        assert event.start_at.time_zone == "Europe/Berlin"
        assert event.original_start_at == event.start_at
        assert not event.is_exception


async def test_a_series_without_zone_is_refused_by_google_too(desk: Desk) -> None:
    """P24: the server refuses it first; this is what the vendor says."""
    event = meeting(at=instant(datetime(2026, 10, 20, 12, 10, tzinfo=UTC)), rules=WEEKLY)
    with refused(Kind.INVALID):
        await desk.make(event)


async def test_one_instance_by_its_planned_start(desk: Desk) -> None:
    own_id, found = await _weekly(desk)
    (one,) = await desk.instances(own_id, original_start_at=found[2].start_at)
    assert one == found[2]
    days = await desk.make(
        event_pb2.Event(
            start_at=day(date(2026, 10, 20)),
            end_at=day(date(2026, 10, 21)),
            recurrence={"rules": ["RRULE:FREQ=DAILY;COUNT=4"]},
        )
    )
    (one,) = await desk.instances(days.id, original_start_at=day(date(2026, 10, 22)))
    assert one.id.endswith("_20261022")
    assert one.start_at == day(date(2026, 10, 22))


async def test_until_is_inclusive_and_may_be_local(desk: Desk) -> None:
    """P33, P34: UNTIL goes out in UTC; the last slot is there."""
    _, found = await _weekly(desk, "RRULE:FREQ=WEEKLY;UNTIL=20261103T131000Z")
    assert len(found) == 3
    for local in ("20261103", "20261103T141000"):
        own_id, found = await _weekly(desk, f"RRULE:FREQ=WEEKLY;UNTIL={local}")
        assert len(found) == 3
        (sent,) = desk.asked("POST")[-1].body["recurrence"]
        assert sent.endswith("UNTIL=20261103T225959Z" if len(local) == 8 else "T131000Z")
        rules = event_pb2.Event(recurrence={"rules": ["RRULE:FREQ=WEEKLY;UNTIL=20261027T141000"]})
        await desk.update(own_id, rules, "recurrence", scope=ALL)
        assert len(await desk.instances(own_id)) == 2
    days = await desk.make(
        event_pb2.Event(
            start_at=day(date(2026, 10, 20)),
            end_at=day(date(2026, 10, 21)),
            recurrence={"rules": ["RRULE:FREQ=DAILY;UNTIL=20261022T100000Z"]},
        )
    )
    assert len(await desk.instances(days.id)) == 3


async def test_a_zone_that_is_newer_than_ours(desk: Desk) -> None:
    """The series is there, its lines too; only their structured form is not."""
    own_id, _ = await _weekly(desk)
    desk.ada.entries[own_id].data["start"]["timeZone"] = "Mars/Olympus"
    found = await desk.get(own_id)
    assert list(found.recurrence.rules) == list(WEEKLY)
    assert found.start_at.time_zone == "Mars/Olympus"


# -- scopes


@pytest.mark.parametrize("write", ["update", "delete", "respond"])
async def test_a_scope_is_required(desk: Desk, write: str) -> None:
    own_id, found = await _weekly(desk)

    async def attempt(id: str, **fields: Any) -> None:
        if write == "update":
            await desk.update(id, _SUBJECT, "subject", **fields)
        elif write == "delete":
            await desk.delete(id, **fields)
        else:
            await desk.respond(id, types_pb2.ATTENDEE_RESPONSE_ACCEPTED, **fields)

    for addressed in (own_id, found[0].id):
        with refused(Kind.INVALID, field="scope"):
            await attempt(addressed)
    with refused(Kind.INVALID, field="scope"):
        await attempt(own_id, scope=THIS)
    assert starts(await desk.instances(own_id)) == starts(found)


async def test_this_instance(desk: Desk) -> None:
    own_id, found = await _weekly(desk)
    moved = event_pb2.Event(start_at=berlin(27, 16), end_at=berlin(27, 17))
    answer = await desk.update(found[1].id, moved, "start_at", "end_at", scope=THIS)
    assert answer.event.is_exception
    assert answer.event.original_start_at == found[1].start_at
    await desk.delete(found[2].id, scope=THIS)
    assert starts(await desk.instances(own_id)) == [
        "10-20 14:10", "10-27 16:00", "11-10 14:10", "11-17 14:10", "11-24 14:10",
    ]  # fmt: skip
    canceled = await desk.get(found[2].id)
    assert canceled.status == event_pb2.EVENT_STATUS_CANCELED
    again = event_pb2.Event(status=event_pb2.EVENT_STATUS_CONFIRMED)
    await desk.update(found[2].id, again, "status", scope=THIS)
    assert len(await desk.instances(own_id)) == 6


async def test_all_by_the_id_of_an_instance(desk: Desk) -> None:
    own_id, found = await _weekly(desk)
    answer = await desk.update(found[3].id, _SUBJECT, "subject", scope=ALL)
    assert answer.event.id == own_id
    assert {e.subject for e in await desk.instances(own_id)} == {"New"}
    # Times are those of the addressed instance: in winter, an hour and a day later.
    later = event_pb2.Event(start_at=berlin(11, 15, 10, 11), end_at=berlin(11, 16, 10, 11))
    await desk.update(found[3].id, later, "start_at", "end_at", scope=ALL)
    moved = await desk.instances(own_id)
    assert starts(moved)[:2] == ["10-21 15:10", "10-28 15:10"]
    assert all(e.end_at.timestamp.seconds - e.start_at.timestamp.seconds == 3600 for e in moved)
    await desk.delete(moved[0].id, scope=ALL)
    with refused(Kind.NOT_FOUND):
        await desk.instances(own_id)


async def test_versions_of_instance_and_series(desk: Desk) -> None:
    own_id, found = await _weekly(desk)
    stale = event_pb2.Event(subject="x", etag='"1"')
    for scope in (THIS, ALL, FOLLOWING):
        with refused(Kind.CONFLICT):
            await desk.update(found[2].id, stale, "subject", scope=scope)
        with refused(Kind.CONFLICT):
            await desk.delete(found[2].id, scope=scope, etag='"1"')
    fresh = event_pb2.Event(subject="x", etag=found[2].etag)
    await desk.update(found[2].id, fresh, "subject", scope=ALL)
    assert (await desk.get(own_id)).subject == "x"


async def test_moving_all_takes_exceptions_along(desk: Desk) -> None:
    """P39: EXDATE, what was cancelled, and what was changed move with the series."""
    own_id, found = await _weekly(desk, *WEEKLY, "EXDATE;TZID=Europe/Berlin:20261124T141000")
    await desk.delete(found[1].id, scope=THIS)
    await desk.update(found[2].id, _SUBJECT, "subject", scope=THIS)
    later = event_pb2.Event(start_at=berlin(20, 15, 10), end_at=berlin(20, 15, 40))
    answer = await desk.update(own_id, later, "start_at", "end_at", scope=ALL)
    assert not answer.report.coerced_fields.paths
    after = await desk.instances(own_id)
    assert starts(after) == [f"{d} 15:10" for d in ("10-20", "11-03", "11-10", "11-17")]
    assert [e.subject for e in after] == ["Meeting", "New", "Meeting", "Meeting"]


async def test_another_rule_or_zone_drops_exceptions_and_says_so(desk: Desk) -> None:
    """P39."""
    own_id, found = await _weekly(desk)
    await desk.delete(found[1].id, scope=THIS)
    rules = event_pb2.Event(recurrence={"rules": ["RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=3"]})
    answer = await desk.update(own_id, rules, "recurrence", scope=ALL)
    assert "recurrence" in answer.report.coerced_fields.paths
    await desk.delete((await desk.instances(own_id))[1].id, scope=THIS)
    with refused(Kind.PRECONDITION, field="event.recurrence"):
        await desk.update(own_id, rules, "recurrence", scope=ALL, strict=True)


# -- this and following


async def test_a_split(desk: Desk) -> None:
    """P48: none lost, none twice; COUNT is shared out, UNTIL is in UTC."""
    own_id, found = await _weekly(desk)
    answer = await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    assert answer.split_from.id == own_id
    assert answer.split_from.recurrence.rules == ["RRULE:FREQ=WEEKLY;UNTIL=20261103T130959Z"]
    assert answer.event.recurrence.rules == ["RRULE:FREQ=WEEKLY;COUNT=4"]
    before, after = await desk.instances(own_id), await desk.instances(answer.event.id)
    assert starts(before) + starts(after) == starts(found)
    assert {e.subject for e in before} == {"Meeting"}
    assert {e.subject for e in after} == {"New"}


async def test_a_split_keeps_everything_else(desk: Desk) -> None:
    fields: dict[str, Any] = {
        "description": "Agenda",
        "location": "Room",
        "visibility": event_pb2.EVENT_VISIBILITY_PRIVATE,
        "color": "#33B679",
        "metadata": {"a": "b"},
        "attendees": [{"email": "cid@example.net", "role": types_pb2.ATTENDEE_ROLE_OPTIONAL}],
        "reminders": {"overrides": [{"minutes_before": 5, "method": 1}]},
        "attachments": [{"url": "https://files.example.com/a", "name": "A"}],
    }
    own_id, found = await _weekly(desk, **fields)
    answer = await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    new, old = answer.event, await desk.get(own_id)
    for name in fields:
        assert getattr(new, name) == getattr(old, name), name


async def test_a_split_has_a_call_of_its_own(desk: Desk) -> None:
    """P46."""
    own_id, found = await _weekly(desk, conference={"kind": MEET})
    answer = await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    old = await desk.get(own_id)
    assert old.conference.join_url
    assert answer.event.conference.join_url
    assert answer.event.conference.join_url != old.conference.join_url


async def test_a_split_takes_a_foreign_call_along(desk: Desk) -> None:
    """P58: as it is, with its signature."""
    own_id, found = await _weekly(desk)
    data = {
        "conferenceSolution": {"key": {"type": "addOn"}, "name": "Zoom Meeting"},
        "entryPoints": [{"entryPointType": "video", "uri": "https://zoom.us/j/1"}],
        "signature": "AB",
    }
    desk.ada.entries[own_id].data["conferenceData"] = data
    answer = await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    assert answer.event.conference.kind == types_pb2.CONFERENCE_KIND_ZOOM
    assert desk.ada.entries[answer.event.id].data["conferenceData"] == data


async def test_a_split_carries_exceptions_over(desk: Desk) -> None:
    own_id, found = await _weekly(desk, *WEEKLY, "EXDATE;TZID=Europe/Berlin:20261124T141000")
    renamed = event_pb2.Event(subject="Special", location="Roof")
    await desk.update(found[3].id, renamed, "subject", "location", scope=THIS)
    moved = event_pb2.Event(start_at=berlin(18, 9, 0, 11), end_at=berlin(18, 10, 0, 11))
    await desk.update(found[4].id, moved, "start_at", "end_at", scope=THIS)
    await desk.delete(found[0].id, scope=THIS)
    later = event_pb2.Event(subject="New", start_at=berlin(27, 15, 10), end_at=berlin(27, 15, 40))
    answer = await desk.update(found[1].id, later, "subject", "start_at", "end_at", scope=FOLLOWING)
    assert not answer.report.coerced_fields.paths
    after = await desk.instances(answer.event.id)
    assert starts(after) == ["10-27 15:10", "11-03 15:10", "11-10 15:10", "11-18 09:00"]
    assert [e.subject for e in after] == ["New", "New", "Special", "New"]
    assert after[2].location == "Roof"
    assert starts(await desk.instances(own_id)) == []


async def test_a_split_at_a_cancelled_or_changed_instance(desk: Desk) -> None:
    own_id, found = await _weekly(desk)
    await desk.update(found[2].id, event_pb2.Event(subject="Once"), "subject", scope=THIS)
    await desk.delete(found[3].id, scope=THIS)
    answer = await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    after = await desk.instances(answer.event.id)
    assert starts(after) == ["11-03 14:10", "11-17 14:10", "11-24 14:10"]
    assert {e.subject for e in after} == {"New"}
    assert len(await desk.instances(own_id)) == 2


async def test_a_split_of_days(desk: Desk) -> None:
    made = await desk.make(
        event_pb2.Event(
            subject="Days",
            start_at=day(date(2026, 10, 20)),
            end_at=day(date(2026, 10, 22)),
            recurrence={"rules": ["RRULE:FREQ=WEEKLY;COUNT=4"]},
        )
    )
    found = await desk.instances(made.id)
    answer = await desk.update(found[1].id, _SUBJECT, "subject", scope=FOLLOWING)
    assert answer.split_from.recurrence.rules == ["RRULE:FREQ=WEEKLY;UNTIL=20261026"]
    after = await desk.instances(answer.event.id)
    assert [e.start_at for e in after] == [
        day(date(2026, 10, 27) + timedelta(weeks=n)) for n in range(3)
    ]
    assert all(e.end_at.date.day == e.start_at.date.day + 2 for e in after)


async def test_following_from_the_first_on_is_all(desk: Desk) -> None:
    own_id, found = await _weekly(desk)
    answer = await desk.update(found[0].id, _SUBJECT, "subject", scope=FOLLOWING)
    assert answer.event.id == own_id
    assert not answer.HasField("split_from")
    await desk.delete(found[0].id, scope=FOLLOWING)
    assert (await desk.get(own_id)).status == event_pb2.EVENT_STATUS_CANCELED


async def test_deleting_the_rest(desk: Desk) -> None:
    own_id, found = await _weekly(desk)
    await desk.update(found[4].id, event_pb2.Event(subject="Late"), "subject", scope=THIS)
    await desk.delete(found[2].id, scope=FOLLOWING)
    assert starts(await desk.instances(own_id)) == starts(found[:2])


# -- half of it fails


async def test_a_series_that_changed_meanwhile_is_not_split(desk: Desk) -> None:
    """Compensated: the new half is taken away again."""
    own_id, found = await _weekly(desk)
    desk.google.fail(412, "conditionNotMet", only=["PATCH"])
    with refused(Kind.CONFLICT, reason="ETAG_MISMATCH"):
        await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    alive = [e for e in desk.ada.entries.values() if not e.cancelled]
    assert [e.data["id"] for e in alive] == [own_id]
    assert starts(await desk.instances(own_id)) == starts(found)


async def test_a_split_that_cannot_be_undone_names_both_halves(desk: Desk) -> None:
    own_id, found = await _weekly(desk)
    desk.google.fail(403, "forbidden", only=["PATCH"])
    desk.google.fail(403, "forbidden", only=["DELETE"])
    with refused(Kind.CONFLICT, reason="SPLIT_INCOMPLETE") as caught:
        await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    both = caught.value.metadata
    assert both["event_id"] == own_id
    assert both["new_event_id"] in desk.ada.entries


async def test_a_lost_answer_of_the_second_half_is_looked_up(desk: Desk) -> None:
    """P59."""
    own_id, found = await _weekly(desk)
    desk.google.lose("PATCH")
    answer = await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    assert len(await desk.instances(own_id)) == 2
    assert len(await desk.instances(answer.event.id)) == 4


async def test_a_lost_answer_of_the_first_half_leaves_nothing(desk: Desk) -> None:
    """P59: unknown, and made undone all the same."""
    own_id, found = await _weekly(desk)
    desk.google.lose("POST")
    with refused(Kind.OUTCOME_UNKNOWN):
        await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    alive = [e for e in desk.ada.entries.values() if not e.cancelled]
    assert [e.data["id"] for e in alive] == [own_id]


async def test_exceptions_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from providers.google import overrides

    monkeypatch.setattr(overrides, "MAX_CARRIED", 1)
    _, found = await _weekly(desk)
    for event in found[3:5]:
        await desk.update(event.id, event_pb2.Event(subject="Once"), "subject", scope=THIS)
    answer = await desk.update(found[2].id, _SUBJECT, "subject", scope=FOLLOWING)
    assert list(answer.report.coerced_fields.paths) == ["recurrence"]
