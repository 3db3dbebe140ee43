"""This instance and all that follow it: where a series is parted, what goes with which half."""

from datetime import date, timedelta

from providers.core.errors import Kind
from tests.providers.sandbox.desk import (
    FOLLOWING,
    PLAN,
    THIS,
    WEEKLY,
    Desk,
    berlin,
    day,
    meeting,
    refused,
    starts,
    subject,
    times,
)
from ucal.v1 import event_pb2, types_pb2


async def test_p48_a_split_loses_and_doubles_nothing(desk: Desk, made: event_pb2.Event) -> None:
    """P48."""
    target = (await desk.instances(made.id))[2]
    cursor = (await desk.changes()).cursor
    answer = await desk.update(target.id, subject("rest"), "subject", scope=FOLLOWING)
    assert answer.split_from.id == made.id
    assert answer.event.id != made.id
    assert answer.event.ical_uid != made.ical_uid
    assert starts(await desk.instances(made.id)) == PLAN[:2]
    assert starts(await desk.instances(answer.event.id)) == PLAN[2:]
    assert {e.subject for e in await desk.instances(made.id)} == {"weekly"}
    assert {e.subject for e in await desk.instances(answer.event.id)} == {"rest"}
    changes = {c.id: c.type for c in (await desk.changes(cursor)).changes}
    assert changes == {answer.event.id: 1, made.id: 2}


async def test_p46_the_new_series_has_its_call(desk: Desk) -> None:
    """P46."""
    event = meeting("weekly", None, 30, WEEKLY)
    event.conference.kind = types_pb2.CONFERENCE_KIND_GOOGLE_MEET
    made = await desk.make(event)
    target = (await desk.instances(made.id))[2]
    answer = await desk.update(target.id, subject("rest"), "subject", scope=FOLLOWING)
    assert answer.event.conference == made.conference


async def test_exceptions_go_with_their_half(desk: Desk, made: event_pb2.Event) -> None:
    found = await desk.instances(made.id)
    await desk.update(found[1].id, subject("early"), "subject", scope=THIS)
    await desk.update(found[3].id, subject("late"), "subject", scope=THIS)
    await desk.delete(found[4].id, scope=THIS)
    answer = await desk.update(
        found[2].id, times(berlin(3, 9, month=11)), "start_at", "end_at", scope=FOLLOWING
    )
    assert [e.subject for e in await desk.instances(made.id)] == ["weekly", "early"]
    rest = await desk.instances(answer.event.id)
    assert starts(rest) == ["11-03 09:00", "11-10 09:00", "11-24 09:00"]
    assert [e.subject for e in rest] == ["weekly", "late", "weekly"]
    assert all(e.id.startswith(answer.event.id) for e in rest)


async def test_following_from_the_first_is_all(desk: Desk, made: event_pb2.Event) -> None:
    first = (await desk.instances(made.id))[0]
    answer = await desk.update(first.id, subject("x"), "subject", scope=FOLLOWING)
    assert answer.event.id == made.id
    assert not answer.HasField("split_from")
    assert starts(await desk.instances(made.id)) == PLAN


async def test_a_split_with_another_rule(desk: Desk, made: event_pb2.Event) -> None:
    target = (await desk.instances(made.id))[2]
    rules = event_pb2.Event(recurrence=types_pb2.Recurrence(rules=["RRULE:FREQ=DAILY;COUNT=2"]))
    answer = await desk.update(target.id, rules, "recurrence", scope=FOLLOWING)
    assert starts(await desk.instances(answer.event.id)) == ["11-03 14:10", "11-04 14:10"]
    assert starts(await desk.instances(made.id)) == PLAN[:2]


async def test_a_split_of_an_endless_series_of_days(desk: Desk) -> None:
    first = date(2026, 10, 20)
    event = event_pb2.Event(start_at=day(first), end_at=day(first + timedelta(days=2)))
    event.recurrence.rules.append("RRULE:FREQ=WEEKLY")
    made = await desk.make(event)
    target = (await desk.instances(made.id))[2]
    answer = await desk.update(target.id, subject("rest"), "subject", scope=FOLLOWING)
    assert [e.start_at.date.day for e in await desk.instances(made.id)] == [20, 27]
    rest = await desk.instances(answer.event.id)
    assert rest[0].start_at == day(date(2026, 11, 3))
    assert rest[0].end_at == day(date(2026, 11, 5))
    assert len(rest) > 40


async def test_a_split_that_breaks_in_the_middle(desk: Desk, made: event_pb2.Event) -> None:
    target = (await desk.instances(made.id))[2]
    with refused(Kind.CONFLICT, reason="SPLIT_INCOMPLETE") as caught:
        await desk.update(
            target.id,
            subject("rest"),
            "subject",
            scope=FOLLOWING,
            hints={"status": "split-incomplete"},
        )
    metadata = caught.value.metadata
    assert metadata["recurring_event_id"] == made.id
    assert starts(await desk.instances(made.id)) == PLAN
    assert starts(await desk.instances(metadata["new_event_id"])) == PLAN[2:]


async def test_deletion_of_this_and_following(desk: Desk, made: event_pb2.Event) -> None:
    found = await desk.instances(made.id)
    await desk.update(found[4].id, subject("changed"), "subject", scope=THIS)
    await desk.delete(found[2].id, scope=FOLLOWING)
    assert starts(await desk.instances(made.id, include_canceled=True)) == PLAN[:2]
    await desk.delete((await desk.instances(made.id))[0].id, scope=FOLLOWING)
    assert await desk.listed() == []
