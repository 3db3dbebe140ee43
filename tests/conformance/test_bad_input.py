"""Bad input: a precise status with a field path, and nothing changed at the provider."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest

from providers.core import operations as ops
from tests.conformance import samples
from tests.conformance.client import Client, about
from tests.conformance.kinds import CALENDAR, EVENT, METHODS, Kind, output_only
from ucal.v1 import event_pb2, types_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID = grpc.StatusCode.INVALID_ARGUMENT
CREATE, UPDATE = METHODS.METHOD_CREATE, METHODS.METHOD_UPDATE

Spoil = Callable[[event_pb2.Event], Any]
_START = samples.BASE + timedelta(days=90)


def _zoned(event: event_pb2.Event) -> event_pb2.Event:
    event.start_at.CopyFrom(samples.stamp(_START, "Europe/Berlin"))
    event.end_at.CopyFrom(samples.stamp(_START + timedelta(hours=1), "Europe/Berlin"))
    return event


def _rules(*lines: str) -> Spoil:
    return lambda event: _zoned(event).recurrence.rules.extend(lines)


def _all_day(first: int, last: int) -> Spoil:
    def spoil(event: event_pb2.Event) -> None:
        event.start_at.CopyFrom(samples.day(_START.date() + timedelta(days=first)))
        event.end_at.CopyFrom(samples.day(_START.date() + timedelta(days=last)))

    return spoil


def _set(path: str, **fields: Any) -> Spoil:
    def spoil(event: event_pb2.Event) -> None:
        _zoned(event)
        target = getattr(event, path)
        target.Clear()
        target.MergeFrom(type(target)(**fields))

    return spoil


def _both_forms(event: event_pb2.Event) -> None:
    _zoned(event).recurrence.rules.append("RRULE:FREQ=DAILY;COUNT=2")
    event.recurrence.rule.frequency = types_pb2.RECURRENCE_FREQUENCY_DAILY


def _recurring_without_zone(event: event_pb2.Event) -> None:
    _zoned(event).recurrence.rules.append("RRULE:FREQ=DAILY;COUNT=2")
    event.start_at.time_zone = ""


_STAMP = samples.stamp(_START).timestamp

# What is wrong, which field says so, and the fields that must be writable for it to matter.
TIMES: dict[str, tuple[Spoil, str]] = {
    "end before start": (
        _set("end_at", timestamp=samples.stamp(_START - timedelta(hours=1)).timestamp),
        "event.end_at",
    ),
    "all-day end before start": (_all_day(1, 0), "event.end_at"),
    "all-day end on its start (exclusive)": (_all_day(0, 0), "event.end_at"),
    "date and timestamp": (
        _set("end_at", date={"year": 2040, "month": 1, "day": 1}),
        "event.end_at",
    ),
    "no such date": (
        _set("start_at", date={"year": 2031, "month": 2, "day": 30}),
        "event.start_at",
    ),
    "half a date": (_set("start_at", date={"year": 2031}), "event.start_at"),
    "no such zone": (
        _set("start_at", timestamp=_STAMP, time_zone="Mars/Olympus"),
        "event.start_at.time_zone",
    ),
    "an offset for a zone": (
        _set("start_at", timestamp=_STAMP, time_zone="+02:00"),
        "event.start_at.time_zone",
    ),
    "a path for a zone": (
        _set("start_at", timestamp=_STAMP, time_zone="../../etc/passwd"),
        "event.start_at.time_zone",
    ),
    "floating with a zone": (
        _set(
            "start_at",
            floating={"year": 2031, "month": 2, "day": 3},
            time_zone="Europe/Berlin",
        ),
        "event.start_at.time_zone",
    ),
    "no form of time": (_set("start_at", time_zone="Europe/Berlin"), "event.start_at"),
    "year 300000": (_set("start_at", timestamp={"seconds": 2**43}), "event.start_at"),
}
RECURRENCES: dict[str, tuple[Spoil, str]] = {
    "impossible: 30 February": (
        _rules("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        "event.recurrence",
    ),
    "explosive: every second": (_rules("RRULE:FREQ=SECONDLY"), "event.recurrence"),
    "explosive: every minute": (
        _rules("RRULE:FREQ=MINUTELY;BYSECOND=0,1,2,3,4,5,6,7,8,9"),
        "event.recurrence",
    ),
    "count of a million": (_rules("RRULE:FREQ=DAILY;COUNT=100000000"), "event.recurrence"),
    "no frequency": (_rules("RRULE:COUNT=3"), "event.recurrence"),
    "unknown frequency": (_rules("RRULE:FREQ=FORTNIGHTLY"), "event.recurrence"),
    "unknown weekday": (_rules("RRULE:FREQ=WEEKLY;BYDAY=XX"), "event.recurrence"),
    "interval 0": (_rules("RRULE:FREQ=DAILY;INTERVAL=0"), "event.recurrence"),
    "count 0": (_rules("RRULE:FREQ=DAILY;COUNT=0"), "event.recurrence"),
    "count and until": (
        _rules("RRULE:FREQ=DAILY;COUNT=3;UNTIL=20990101T000000Z"),
        "event.recurrence",
    ),
    "until before start": (
        _rules("RRULE:FREQ=DAILY;UNTIL=20010101T000000Z"),
        "event.recurrence",
    ),
    "month 13": (_rules("RRULE:FREQ=YEARLY;BYMONTH=13"), "event.recurrence"),
    "two rules of count": (_rules("RRULE:FREQ=DAILY;COUNT=2;COUNT=3"), "event.recurrence"),
    "a DTSTART": (_rules("DTSTART:20300101T000000Z"), "event.recurrence"),
    "some other line": (_rules("ATTENDEE:mailto:eve@example.com"), "event.recurrence"),
    "a line break": (
        _rules("RRULE:FREQ=DAILY;COUNT=2\r\nATTENDEE:mailto:eve@example.com"),
        "event.recurrence",
    ),
    "a bad exception": (
        _rules("RRULE:FREQ=DAILY;COUNT=2", "EXDATE:yesterday"),
        "event.recurrence",
    ),
    "both forms": (_both_forms, "event.recurrence"),
    "P24: no zone": (_recurring_without_zone, "event.start_at.time_zone"),
}
PEOPLE: dict[str, tuple[Spoil, str]] = {
    "no address": (lambda e: e.attendees.add(name="Nobody"), "event.attendees[0].email"),
    "an address that breaks out": (
        lambda e: e.attendees.add(email="a@example.com\r\nBcc: b@example.com"),
        "event.attendees[0].email",
    ),
    "an address twice": (
        lambda e: e.attendees.extend(
            [types_pb2.Attendee(email=a) for a in ("a@example.com", "A@example.com")]
        ),
        "event.attendees[1].email",
    ),
}


async def _refuse_event(client: Client, spoil: Spoil, path: str) -> None:
    resource = await client.sample(EVENT)
    spoil(resource)
    async with client.unchanged(EVENT):
        await client.refused(ops.CREATE_EVENT, INVALID, field=path, event=resource)


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
@pytest.mark.parametrize("case", TIMES)
async def test_bad_times_are_refused(client: Client, case: str) -> None:
    await _refuse_event(client, *TIMES[case])


@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "recurrence", "start_at", "end_at")
@pytest.mark.parametrize("case", RECURRENCES)
async def test_bad_recurrences_are_refused(client: Client, case: str) -> None:
    await _refuse_event(client, *RECURRENCES[case])


@pytest.mark.keeps(ops.CREATE_EVENT, "attendees")
@pytest.mark.parametrize("case", PEOPLE)
async def test_bad_people_are_refused(client: Client, case: str) -> None:
    spoil, path = PEOPLE[case]

    def alone(event: event_pb2.Event) -> None:
        del event.attendees[:]  # a booking's sample has one
        spoil(event)

    await _refuse_event(client, alone, path)


@pytest.mark.needs(ops.CREATE_EVENT)
async def test_a_start_is_required(client: Client) -> None:
    resource = await client.sample(EVENT)
    resource.ClearField("start_at")
    async with client.unchanged(EVENT):
        await client.refused(ops.CREATE_EVENT, INVALID, field="event.start_at", event=resource)


@pytest.mark.each_kind(CREATE)
async def test_a_resource_is_required(client: Client, kind: Kind) -> None:
    await client.refused(kind.op(CREATE), INVALID, field=kind.name)


@pytest.mark.each_kind(CREATE)
async def test_a_title_too_long_is_refused(client: Client, kind: Kind) -> None:
    resource = await client.sample(kind)
    setattr(resource, kind.title, "x" * 10_000)
    async with client.unchanged(kind):
        await client.refused(
            kind.op(CREATE), INVALID, field=f"{kind.name}.{kind.title}", **{kind.name: resource}
        )


# -- masks


@pytest.mark.each_kind(UPDATE)
async def test_a_mask_of_unknown_or_read_only_fields_is_refused(client: Client, kind: Kind) -> None:
    own_id = await client.one(kind)
    sound = [kind.title] if client.writable(kind.op(UPDATE), kind.title) else []
    changed = {kind.name: kind.resource(**dict.fromkeys(sound, "New"))}
    async with client.unchanged(kind):
        for path in ("no_such_field", "*", "id", "connection_id", "raw", "created_at"):
            with about(path):
                await client.refused(
                    kind.op(UPDATE),
                    INVALID,
                    field="update_mask",
                    id=own_id,
                    **changed,
                    update_mask={"paths": [*sound, path]},
                )


@pytest.mark.each_kind(UPDATE)
async def test_a_mask_of_fields_that_are_not_kept_is_unimplemented(
    client: Client, kind: Kind
) -> None:
    """Field by field, so that `writable_fields` is exact from both sides."""
    update = kind.op(UPDATE)
    keeps = set(client.capability(update).writable_fields)
    own_id = await client.one(kind)
    skipped = output_only(kind.resource) | {"etag", "send_notifications", "parent_link_id"}
    skipped |= {"link_id"} if kind is EVENT else {"calendar_id"}
    async with client.unchanged(kind):
        for field in kind.resource.DESCRIPTOR.fields:
            if field.name in keeps | skipped or field.name in ("connection_id", "id", "raw"):
                continue
            await client.refused(
                update,
                grpc.StatusCode.UNIMPLEMENTED,
                reason="UNSUPPORTED_BY_PROVIDER",
                field="update_mask",
                id=own_id,
                **{kind.name: {}},
                update_mask={"paths": [field.name]},
            )


@pytest.mark.each_kind(UPDATE)
async def test_an_update_of_nothing_is_refused(client: Client, kind: Kind) -> None:
    await client.refused(
        kind.op(UPDATE),
        INVALID,
        field="update_mask",
        id=await client.one(kind),
        **{kind.name: kind.resource()},
    )


@pytest.mark.needs(ops.UPDATE_EVENT)
@pytest.mark.keeps(ops.UPDATE_EVENT, "start_at", "end_at")
@pytest.mark.parametrize("case", ["all-day end before start", "no such zone", "half a date"])
async def test_bad_times_are_refused_on_update(client: Client, case: str) -> None:
    spoil, path = TIMES[case]
    own_id = await client.one(EVENT)
    event = event_pb2.Event()
    spoil(event)
    async with client.unchanged(EVENT):
        await client.refused(
            ops.UPDATE_EVENT,
            INVALID,
            field=path,
            id=own_id,
            event=event,
            update_mask={"paths": ["start_at", "end_at"]},
        )


@pytest.mark.keeps(ops.UPDATE_EVENT, "start_at")
async def test_a_start_cannot_be_cleared(client: Client) -> None:
    own_id = await client.one(EVENT)
    async with client.unchanged(EVENT):
        await client.refused(
            ops.UPDATE_EVENT,
            INVALID,
            field="event.start_at",
            id=own_id,
            event={},
            update_mask={"paths": ["start_at"]},
        )


@pytest.mark.keeps(ops.CREATE_CALENDAR, "color")
@pytest.mark.parametrize("color", ["red", "#12345", "#GGGGGG", "url(#x)"])
async def test_a_color_is_six_hex_digits(client: Client, color: str) -> None:
    resource = await client.sample(CALENDAR, color=color)
    async with client.unchanged(CALENDAR):
        await client.refused(
            ops.CREATE_CALENDAR, INVALID, field="calendar.color", calendar=resource
        )
