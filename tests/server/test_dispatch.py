"""What every provider can rely on: requests that arrive checked, answers that leave sealed."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from server.app import GrpcServer
from server.dispatch import Dispatcher
from server.pages import Pages
from server.services.resources import resource_services
from tests.server.scripted import INVALID, UNIMPLEMENTED, Plain, World, at, day, meeting, refused
from ucal.v1 import (
    busy_pb2,
    busy_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    link_pb2,
    link_pb2_grpc,
    types_pb2,
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def channel(world: World) -> AsyncIterator[grpc.aio.Channel]:
    server = GrpcServer(resource_services(Dispatcher(world, Pages(Plain()), world)))
    port = await server.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as found:
        yield found
    await server.drain(0, 1)


@pytest.fixture
def events(channel: grpc.aio.Channel) -> event_pb2_grpc.EventServiceStub:
    return event_pb2_grpc.EventServiceStub(channel)


def listing(**fields: Any) -> event_pb2.ListEventsRequest:
    return event_pb2.ListEventsRequest(connection_id="c", **fields)


async def test_a_page_token_carries_the_cursor_and_opens_for_the_same_question_only(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    world.provider.next_cursor = "cursor-2"
    first = await events.ListEvents(listing(calendar_id="a"))
    assert first.next_page_token not in {"", "cursor-2"}
    token = first.next_page_token
    await events.ListEvents(listing(calendar_id="a", page_token=token, page_size=7))
    assert world.provider.asked[-1].page_token == "cursor-2"
    for other in (
        listing(calendar_id="b", page_token=token),
        event_pb2.ListEventsRequest(connection_id="d", calendar_id="a", page_token=token),
        listing(calendar_id="a", include_canceled=True, page_token=token),
        listing(calendar_id="a", page_token="garbage"),
    ):
        reason = await refused(events.ListEvents(other), INVALID, "page_token")
        assert reason == "INVALID_PAGE_TOKEN"


async def test_page_sizes_are_brought_down_to_the_providers(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    await events.ListEvents(listing(page_size=1000))
    assert world.provider.asked[-1].page_size == 50


async def test_the_end_of_a_list_can_be_watched_from(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    world.provider.cursor = "sync-1"
    answer = await events.ListEvents(listing(calendar_id="a"))
    assert answer.resume_token == b"c|a|sync-1"


async def test_read_masks_trim_and_unknown_paths_are_refused(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    world.provider.events = [meeting(location="l", conference=types_pb2.Conference(join_url="u"))]
    answer = await events.ListEvents(listing(read_mask=FieldMask(paths=["subject"])))
    assert [found.name for found, _ in answer.events[0].ListFields()] == ["subject"]
    answer = await events.ListEvents(
        listing(read_mask=FieldMask(paths=["conference.join_url", "start_at"]))
    )
    assert {found.name for found, _ in answer.events[0].ListFields()} == {"conference", "start_at"}
    for paths in (["nothing"], ["subject.more"], []):
        await refused(
            events.ListEvents(listing(read_mask=FieldMask(paths=paths))), INVALID, "read_mask"
        )


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            {"window": {"start_at": Timestamp(seconds=9), "end_at": Timestamp(seconds=9)}},
            "window.end_at",
        ),
        ({"window": {"start_at": Timestamp(seconds=1 << 60)}}, "window.start_at"),
        ({"expand_recurring": True}, "window.start_at"),
    ],
)
async def test_windows_are_bounded_and_ordered(
    events: event_pb2_grpc.EventServiceStub, fields: dict[str, Any], path: str
) -> None:
    await refused(events.ListEvents(listing(**fields)), INVALID, path)


@pytest.mark.parametrize(
    "fields", [{"query": "q"}, {"updated_after": Timestamp(seconds=1)}], ids=["query", "after"]
)
async def test_filters_that_the_provider_lacks_are_unimplemented(
    events: event_pb2_grpc.EventServiceStub, world: World, fields: dict[str, Any]
) -> None:
    reason = await refused(events.ListEvents(listing(**fields)), UNIMPLEMENTED, next(iter(fields)))
    assert reason == "UNSUPPORTED_BY_PROVIDER"
    assert world.provider.asked == []


async def test_missing_operations_are_unimplemented_with_their_reason(
    channel: grpc.aio.Channel,
) -> None:
    stub = link_pb2_grpc.LinkServiceStub(channel)
    reason = await refused(
        stub.ListLinks(link_pb2.ListLinksRequest(connection_id="c")), UNIMPLEMENTED
    )
    assert reason == "UNSUPPORTED_BY_PROVIDER"


async def test_a_create_reports_what_the_provider_cannot_keep(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    event = meeting(color="#112233", etag="", id="mine", send_notifications=True)
    answer = await events.CreateEvent(event_pb2.CreateEventRequest(connection_id="c", event=event))
    assert list(answer.report.dropped_fields.paths) == ["color"]
    sent = world.provider.asked[-1].event
    assert (sent.color, sent.id, sent.send_notifications) == ("", "", True)


async def test_strict_refuses_a_loss_before_the_provider_is_asked(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    request = event_pb2.CreateEventRequest(
        connection_id="c", event=meeting(color="#112233"), strict=True
    )
    reason = await refused(
        events.CreateEvent(request), grpc.StatusCode.FAILED_PRECONDITION, "event.color"
    )
    assert reason == "FIELDS_NOT_SUPPORTED"
    assert world.provider.asked == []


async def test_validate_only_asks_nobody(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    request = event_pb2.CreateEventRequest(
        connection_id="c", event=meeting(color="#112233"), validate_only=True
    )
    answer = await events.CreateEvent(request)
    assert (answer.event.subject, answer.report.dropped_fields.paths) == ("s", ["color"])
    assert world.provider.asked == []


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (event_pb2.Event(end_at=at(1)), "event.start_at"),
        (event_pb2.Event(start_at=at(1)), "event.end_at"),
        (meeting(end_at=at(-1)), "event.end_at"),
        (meeting(end_at=day(2)), "event.end_at"),
        (meeting(start_at=day(2), end_at=day(2)), "event.end_at"),
        (meeting(start_at=at(0, "Mars/Olympus")), "event.start_at.time_zone"),
        (meeting(start_at=at(0, "+02:00")), "event.start_at.time_zone"),
        (meeting(start_at=types_pb2.EventTime()), "event.start_at"),
        (meeting(recurrence={"rules": ["RRULE:FREQ=DAILY"]}), "event.start_at.time_zone"),
        (
            meeting(
                start_at=at(0, "Europe/Berlin"),
                recurrence={"rules": ["RRULE:FREQ=DAILY;COUNT=1"], "rule": {"frequency": 1}},
            ),
            "event.recurrence.rule",
        ),
        (
            meeting(start_at=at(0, "Europe/Berlin"), recurrence={"rules": ["RRULE:FREQ=NEVER"]}),
            "event.recurrence.rules[0]",
        ),
    ],
)
async def test_bad_times_are_named_before_the_provider_is_asked(
    events: event_pb2_grpc.EventServiceStub, world: World, event: event_pb2.Event, path: str
) -> None:
    request = event_pb2.CreateEventRequest(connection_id="c", event=event)
    await refused(events.CreateEvent(request), INVALID, path)
    assert world.provider.asked == []


async def test_a_structured_rule_reaches_the_provider_as_lines(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    rule = types_pb2.RecurrenceRule(
        frequency=types_pb2.RECURRENCE_FREQUENCY_WEEKLY, count=4, by_day=["MO"]
    )
    event = meeting(
        start_at=at(0, "Europe/Berlin"),
        recurrence=types_pb2.Recurrence(rule=rule, excluded=[at(24 * 7, "Europe/Berlin")]),
    )
    await events.CreateEvent(event_pb2.CreateEventRequest(connection_id="c", event=event))
    lines = list(world.provider.asked[-1].event.recurrence.rules)
    assert lines[0] == "RRULE:FREQ=WEEKLY;COUNT=4;BYDAY=MO"
    assert lines[1].startswith("EXDATE")


async def test_a_request_id_is_refused_where_nothing_comes_of_it(
    events: event_pb2_grpc.EventServiceStub,
) -> None:
    request = event_pb2.CreateEventRequest(
        connection_id="c", event=meeting(), request_id="0b0ad4e3-1f62-4d2c-9f0e-000000000001"
    )
    assert (
        await refused(events.CreateEvent(request), INVALID, "request_id")
        == "REQUEST_ID_NOT_SUPPORTED"
    )


async def test_calls_are_made_only_of_kinds_that_the_provider_has(
    events: event_pb2_grpc.EventServiceStub,
) -> None:
    teams = types_pb2.Conference(kind=types_pb2.CONFERENCE_KIND_TEAMS)
    request = event_pb2.CreateEventRequest(connection_id="c", event=meeting(conference=teams))
    await refused(events.CreateEvent(request), UNIMPLEMENTED, "event.conference.kind")
    teams.join_url = "https://teams.example/1"
    await events.CreateEvent(
        event_pb2.CreateEventRequest(connection_id="c", event=meeting(conference=teams))
    )


def update(**fields: Any) -> event_pb2.UpdateEventRequest:
    return event_pb2.UpdateEventRequest(connection_id="c", id="e", **fields)


async def test_an_update_without_mask_writes_what_is_set(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    answer = await events.UpdateEvent(
        update(event=event_pb2.Event(subject="s", location="l", etag="1", id="x"))
    )
    assert list(world.provider.asked[-1].update_mask.paths) == ["subject"]
    assert list(answer.report.dropped_fields.paths) == ["location"]


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        (["nothing"], INVALID),
        (["*"], INVALID),
        (["id"], INVALID),
        (["link_id"], INVALID),
        (["location"], UNIMPLEMENTED),
    ],
)
async def test_masks_are_held_against_contract_and_provider(
    events: event_pb2_grpc.EventServiceStub, world: World, mask: list[str], code: grpc.StatusCode
) -> None:
    request = update(event=event_pb2.Event(subject="s"), update_mask=FieldMask(paths=mask))
    await refused(events.UpdateEvent(request), code, "update_mask")
    assert world.provider.asked == []


async def test_a_named_field_that_is_empty_is_handed_on_to_be_cleared(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    await events.UpdateEvent(
        update(event=event_pb2.Event(), update_mask=FieldMask(paths=["description"]))
    )
    assert list(world.provider.asked[-1].update_mask.paths) == ["description"]
    await refused(
        events.UpdateEvent(
            update(event=event_pb2.Event(), update_mask=FieldMask(paths=["start_at"]))
        ),
        INVALID,
        "event.start_at",
    )


async def test_an_update_of_nothing_is_refused(
    events: event_pb2_grpc.EventServiceStub,
) -> None:
    await refused(events.UpdateEvent(update(event=event_pb2.Event())), INVALID, "update_mask")
    await refused(
        events.UpdateEvent(update(event=event_pb2.Event(location="l"))),
        UNIMPLEMENTED,
        "update_mask",
    )


async def test_a_move_is_refused_where_calendar_id_cannot_be_written(
    events: event_pb2_grpc.EventServiceStub, world: World
) -> None:
    await events.UpdateEvent(update(event=event_pb2.Event(subject="s", calendar_id="a")))
    assert world.provider.asked[-1].calendar_id == "a"
    await refused(
        events.UpdateEvent(
            update(calendar_id="b", event=event_pb2.Event(subject="s", calendar_id="a"))
        ),
        UNIMPLEMENTED,
        "calendar_id",
    )


async def test_scopes_and_etags_are_the_providers(
    events: event_pb2_grpc.EventServiceStub,
) -> None:
    await events.UpdateEvent(
        update(event=event_pb2.Event(subject="s"), scope=types_pb2.UPDATE_SCOPE_ALL)
    )
    await refused(
        events.UpdateEvent(
            update(
                event=event_pb2.Event(subject="s"),
                scope=types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING,
            )
        ),
        UNIMPLEMENTED,
        "scope",
    )
    await refused(
        events.DeleteEvent(event_pb2.DeleteEventRequest(connection_id="c", id="e", etag="1")),
        INVALID,
        "etag",
    )


async def test_one_broken_connection_does_not_spoil_a_batch(channel: grpc.aio.Channel) -> None:
    window = types_pb2.TimeRange(start_at=Timestamp(seconds=1), end_at=Timestamp(seconds=2))
    answer = await busy_pb2_grpc.BusyServiceStub(channel).BatchListBusy(
        busy_pb2.BatchListBusyRequest(
            requests=[
                busy_pb2.ListBusyRequest(connection_id=name, window=window)
                for name in ("a", "broken", "b")
            ]
        )
    )
    assert [found.WhichOneof("result") for found in answer.results] == [
        "response",
        "error",
        "response",
    ]
    assert answer.results[1].error.code == grpc.StatusCode.INTERNAL.value[0]
