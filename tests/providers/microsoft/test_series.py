"""Series: scopes, exceptions that outlive a write, cuts."""

from datetime import UTC, date, datetime, timedelta

import pytest

from providers.core.errors import Kind
from tests.providers.microsoft.desk import (
    ALL,
    FOLLOWING,
    TEAMS,
    THIS,
    WEEKLY,
    Desk,
    berlin,
    day,
    desk,
    instant,
    local,
    meeting,
    refused,
)
from ucal.v1 import event_pb2, types_pb2

SIX = ("RRULE:FREQ=WEEKLY;COUNT=6",)


async def _starts(d: Desk, id: str) -> list[str]:
    return [local(e) for e in await d.instances(id)]


async def _with_exceptions(d: Desk) -> event_pb2.Event:
    """Six weeks; the second moved to 16:00, the third renamed, the fourth cancelled."""
    made = await d.make(meeting(rules=SIX))
    found = await d.instances(made.id)
    await d.update(
        found[1].id,
        event_pb2.Event(start_at=berlin(27, 16), end_at=berlin(27, 16, 30)),
        "start_at",
        "end_at",
        scope=THIS,
    )
    await d.update(found[2].id, event_pb2.Event(subject="Special"), "subject", scope=THIS)
    await d.delete(found[3].id, scope=THIS)
    return made


async def test_exdates_are_cancelled_occurrences() -> None:
    """P06: they are in `excluded` again when the series is read alone."""
    async with desk() as d:
        rules = (*WEEKLY, "EXDATE;TZID=Europe/Berlin:20261027T141000")
        made = await d.make(meeting(rules=rules))
        assert await _starts(d, made.id) == ["10-20 14:10", "11-03 14:10", "11-10 14:10"]
        assert list(made.recurrence.excluded) == [berlin(27, 14, 10)]
        assert "recurrence.excluded" not in made.unknown_fields.paths
        (listed,) = await d.listed()
        assert "recurrence.excluded" in listed.unknown_fields.paths


async def test_a_series_whose_exdates_cannot_be_made_is_taken_back() -> None:
    async with desk() as d:
        rules = (*WEEKLY, "EXDATE;TZID=Europe/Berlin:20261027T141000")
        plain = d.graph._fault

        def fail_deletes() -> object:
            path = d.graph.journal[-1].path if d.graph.journal else ""
            if path.endswith("/instances") and not getattr(d, "failed", False):
                d.failed = True  # type: ignore[attr-defined]
                d.graph.fail(403)
            return plain()

        d.graph._fault = fail_deletes  # type: ignore[method-assign, assignment]
        with refused(Kind.FORBIDDEN):
            await d.make(meeting(rules=rules))
        assert d.calendar.items == {}


async def test_a_moved_instance_keeps_its_planned_start() -> None:
    """P27: in the master's own zone, to the second."""
    async with desk() as d:
        made = await _with_exceptions(d)
        found = await d.instances(made.id)
        assert local(found[1]) == "10-27 16:00"
        assert found[1].original_start_at == berlin(27, 14, 10)
        assert [e.is_exception for e in found] == [False, True, True, False, False]


async def test_a_series_moved_by_an_hour_keeps_its_exceptions() -> None:
    """Exchange forgets them when the start of a series changes (P39)."""
    async with desk() as d:
        made = await _with_exceptions(d)
        answer = await d.update(
            made.id,
            event_pb2.Event(start_at=berlin(20, 15, 10), end_at=berlin(20, 15, 40)),
            "start_at",
            "end_at",
            scope=ALL,
        )
        assert not answer.report.coerced_fields.paths
        found = await d.instances(made.id)
        assert [local(e) for e in found] == [
            "10-20 15:10",
            "10-27 16:00",  # people chose this time: it stays
            "11-03 15:10",
            "11-17 15:10",
            "11-24 15:10",
        ]
        assert [e.subject for e in found] == ["Meeting", "Meeting", "Special", "Meeting", "Meeting"]
        assert found[1].original_start_at == berlin(27, 15, 10)
        assert list(answer.event.recurrence.excluded) == [berlin(10, 15, 10, month=11)]


async def test_a_series_is_moved_by_one_of_its_instances() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        third = (await d.instances(made.id))[2]
        await d.update(
            third.id,
            event_pb2.Event(start_at=berlin(4, 9, month=11), end_at=berlin(4, 10, month=11)),
            "start_at",
            "end_at",
            scope=ALL,
        )
        found = await d.instances(made.id)
        assert [local(e) for e in found] == [
            "10-21 09:00",
            "10-28 09:00",
            "11-04 09:00",
            "11-11 09:00",
        ]
        assert found[0].end_at == berlin(21, 10)


async def test_a_cut_keeps_exceptions_on_both_sides() -> None:
    async with desk() as d:
        made = await _with_exceptions(d)
        third = (await d.instances(made.id))[2]
        answer = await d.update(
            third.id, event_pb2.Event(location="Room 7"), "location", scope=FOLLOWING
        )
        assert not answer.report.coerced_fields.paths
        assert answer.split_from.id == made.id
        head, tail = await d.instances(made.id), await d.instances(answer.event.id)
        assert [local(e) for e in head] == ["10-20 14:10", "10-27 16:00"]
        assert [(local(e), e.subject) for e in tail] == [
            ("11-03 14:10", "Special"),
            ("11-17 14:10", "Meeting"),
            ("11-24 14:10", "Meeting"),
        ]
        assert {e.location for e in tail} == {"Room 7"}
        assert {e.location for e in head} == {""}
        assert answer.event.recurrence.rule.count == 4
        post, patch = (d.graph.asked(m)[-1] for m in ("POST", "PATCH"))
        assert d.graph.journal.index(d.graph.asked("POST", "/events")[-1]) < min(
            d.graph.journal.index(e) for e in d.graph.asked("PATCH") if "recurrence" in e.body
        ), "the new series is made before the old one is shortened"
        assert post
        assert patch


async def test_a_cut_at_the_first_instance_is_the_whole_series() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        first = (await d.instances(made.id))[0]
        answer = await d.update(
            first.id, event_pb2.Event(subject="New"), "subject", scope=FOLLOWING
        )
        assert not answer.HasField("split_from")
        assert answer.event.id == made.id
        assert {e.subject for e in await d.instances(made.id)} == {"New"}


async def test_a_cut_makes_a_teams_meeting_of_its_own() -> None:
    """P46."""
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY, conference={"kind": TEAMS}, description="Agenda"))
        second = (await d.instances(made.id))[1]
        answer = await d.update(
            second.id, event_pb2.Event(subject="New"), "subject", scope=FOLLOWING
        )
        assert answer.event.conference.join_url
        assert answer.event.conference.join_url != made.conference.join_url
        assert answer.event.description.count("meetup-join") == 1
        assert "Agenda" in answer.event.description


async def test_a_cut_that_cannot_be_finished_is_taken_back() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        second = (await d.instances(made.id))[1]
        d.calendar.items[made.id].version += 1
        plain = d.graph._dispatch

        async def stale(method, path, query, body, headers):
            if method == "PATCH":
                headers = {**headers, "if-match": 'W/"old"'}
            return await plain(method, path, query, body, headers)

        d.graph._dispatch = stale  # type: ignore[method-assign]
        with refused(Kind.CONFLICT):
            await d.update(second.id, event_pb2.Event(subject="New"), "subject", scope=FOLLOWING)
        assert list(d.calendar.items) == [made.id]
        assert len(await d.instances(made.id)) == 4


async def test_a_cut_that_cannot_be_taken_back_says_so() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        second = (await d.instances(made.id))[1]
        plain = d.graph._dispatch

        async def broken(method, path, query, body, headers):
            if method == "PATCH":
                headers = {**headers, "if-match": 'W/"old"'}
            if method == "DELETE":
                headers = {**headers, "authorization": "Bearer nobody"}
            return await plain(method, path, query, body, headers)

        d.graph._dispatch = broken  # type: ignore[method-assign]
        with refused(Kind.CONFLICT, reason="SPLIT_INCOMPLETE") as caught:
            await d.update(second.id, event_pb2.Event(subject="New"), "subject", scope=FOLLOWING)
        assert caught.value.metadata["event_id"] == made.id
        assert caught.value.metadata["new_event_id"] in d.calendar.items


async def test_deleting_the_rest_keeps_what_comes_before() -> None:
    async with desk() as d:
        made = await _with_exceptions(d)
        third = (await d.instances(made.id))[2]
        await d.delete(third.id, scope=FOLLOWING)
        assert await _starts(d, made.id) == ["10-20 14:10", "10-27 16:00"]


async def test_scopes_are_required_and_fit() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        first = (await d.instances(made.id))[0]
        new = event_pb2.Event(subject="New")
        for own_id in (made.id, first.id):
            with refused(Kind.INVALID, field="scope"):
                await d.update(own_id, new, "subject")
        with refused(Kind.INVALID, field="scope"):
            await d.update(made.id, new, "subject", scope=THIS)
        with refused(Kind.INVALID, field="event.recurrence"):
            await d.update(first.id, new, "recurrence", scope=THIS)


async def test_a_new_rule_tells_of_the_exceptions_that_go() -> None:
    async with desk() as d:
        made = await _with_exceptions(d)
        new = event_pb2.Event()
        new.recurrence.rules.extend(
            ["RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;TZID=Europe/Berlin:20261027T141000"]
        )
        answer = await d.update(made.id, new, "recurrence", scope=ALL)
        assert list(answer.report.coerced_fields.paths) == ["recurrence"]
        assert await _starts(d, made.id) == ["10-20 14:10", "11-03 14:10"]


async def test_a_series_becomes_a_single_event_and_back() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        answer = await d.update(made.id, event_pb2.Event(), "recurrence", scope=ALL)
        assert not answer.event.HasField("recurrence")
        again = event_pb2.Event()
        again.recurrence.rules.extend(WEEKLY)
        answer = await d.update(made.id, again, "recurrence")
        assert answer.event.recurrence.rule.count == 4


async def test_an_instance_stays_between_its_neighbours() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        first = (await d.instances(made.id))[0]
        late = event_pb2.Event(start_at=berlin(28, 9), end_at=berlin(28, 10))
        with refused(Kind.INVALID, reason="OCCURRENCE_CROSSING"):
            await d.update(first.id, late, "start_at", "end_at", scope=THIS)


async def test_an_instance_is_found_by_its_planned_start_wherever_it_is() -> None:
    async with desk() as d:
        made = await d.make(meeting(rules=WEEKLY))
        second = (await d.instances(made.id))[1]
        moved = event_pb2.Event(start_at=berlin(1, 9, month=11), end_at=berlin(1, 10, month=11))
        await d.update(second.id, moved, "start_at", "end_at", scope=THIS)
        fields = {"original_start_at": berlin(27, 14, 10), "window": types_pb2.TimeRange()}
        found = await d.instances(made.id, **fields)
        assert [local(e) for e in found] == ["11-01 09:00"]
        nowhere = {**fields, "original_start_at": berlin(28, 14, 10)}
        assert await d.instances(made.id, **nowhere) == []


async def test_all_day_series() -> None:
    """P44: dates stay dates, exceptions and planned starts too."""
    async with desk() as d:
        event = event_pb2.Event(
            subject="Fair", start_at=day(date(2026, 10, 20)), end_at=day(date(2026, 10, 21))
        )
        event.start_at.time_zone = event.end_at.time_zone = "Europe/Berlin"
        event.recurrence.rules.extend(["RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;VALUE=DATE:20261027"])
        made = await d.make(event)
        found = await d.instances(made.id)
        days = [date(2026, 10, 20), date(2026, 11, 3), date(2026, 11, 10)]
        assert [e.start_at for e in found] == [day(each) for each in days]
        assert [e.original_start_at for e in found] == [day(each) for each in days]
        assert [e.end_at for e in found] == [day(each + timedelta(days=1)) for each in days]
        assert list(made.recurrence.excluded) == [day(date(2026, 10, 27))]


@pytest.mark.parametrize("count", [1, 5])
async def test_end_after_n_has_n_instances(count: int) -> None:
    """P42."""
    async with desk() as d:
        at = instant(datetime(2026, 10, 20, 9, tzinfo=UTC), "UTC")
        made = await d.make(meeting(at=at, rules=(f"RRULE:FREQ=DAILY;COUNT={count}",)))
        assert len(await d.instances(made.id)) == count
