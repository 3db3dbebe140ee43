"""Lists: pages, page tokens, windows, read masks, raw answers, filters."""

from datetime import timedelta
from typing import Any

import grpc
import pytest

from providers.core import operations as ops
from providers.core.operations import Operation
from tests.conformance import plain, samples
from tests.conformance.client import OTHER_CONNECTION, Client, about
from tests.conformance.kinds import EVENT, KINDS, METHODS, Kind, request_type

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID = grpc.StatusCode.INVALID_ARGUMENT
LIST, GET, CREATE = METHODS.METHOD_LIST, METHODS.METHOD_GET, METHODS.METHOD_CREATE
ENOUGH = 3


def _key(item: Any) -> object:
    own = getattr(item, "id", "")
    return own or item.SerializeToString(deterministic=True)


# -- pages


@pytest.mark.each_supported(*plain.LISTS)
@pytest.mark.parametrize("page_size", [1, 2, 7])
async def test_pages_hold_everything_once(
    client: Client, operation: Operation, page_size: int
) -> None:
    """P10: nothing repeats, and nothing is lost, at the border of two pages."""
    fields = await plain.existing(client, operation, ENOUGH)
    whole = [_key(item) for item in await client.all(operation, **fields)]
    walked = [_key(i) for i in await client.all(operation, page_size=page_size, **fields)]
    where = f"{client.where(operation)} page_size={page_size}"
    named = [key for key in walked if isinstance(key, str)]
    assert len(named) == len(set(named)), f"{where}: an item came twice"
    # What has no id may be there twice, if it is in the whole list too.
    assert sorted(map(str, walked)) == sorted(map(str, whole)), f"{where}: not the whole list"


@pytest.mark.each_supported(*plain.LISTS)
async def test_a_negative_page_size_is_refused(client: Client, operation: Operation) -> None:
    fields = await plain.existing(client, operation)
    await client.refused(operation, INVALID, field="page_size", page_size=-1, **fields)


@pytest.mark.each_supported(*plain.LISTS)
async def test_a_huge_page_size_is_brought_down(client: Client, operation: Operation) -> None:
    fields = await plain.existing(client, operation, 1)
    answer = await client.call(operation, page_size=2**31 - 1, **fields)
    largest = client.capability(operation).max_page_size
    count = len(getattr(answer, operation.resource))
    assert not largest or count <= largest, f"{client.where(operation)}: {count} > {largest}"


async def _token(client: Client, operation: Operation) -> tuple[dict[str, Any], str]:
    """A list request of pages of one, and the token of its second page."""
    fields = await plain.existing(client, operation, 2)
    answer = await client.call(operation, page_size=1, **fields)
    if not answer.next_page_token:
        client.missing(f"second page of {operation.rpc}")
    return fields | {"page_size": 1}, answer.next_page_token


@pytest.mark.each_supported(*plain.LISTS)
async def test_a_page_token_that_was_tampered_with_is_refused(
    client: Client, operation: Operation
) -> None:
    fields, token = await _token(client, operation)
    middle = len(token) // 2
    flipped = "A" if token[middle] != "A" else "B"
    for bad in (
        token[:middle] + flipped + token[middle + 1 :],
        token[:-4],
        token + "AAAA",
        "not-a-token",
        "ünïcode ✓",
    ):
        await client.refused(
            operation,
            INVALID,
            reason="INVALID_PAGE_TOKEN",
            field="page_token",
            page_token=bad,
            **fields,
        )


@pytest.mark.each_supported(*plain.LISTS)
async def test_a_page_token_belongs_to_its_connection(client: Client, operation: Operation) -> None:
    fields, token = await _token(client, operation)
    await client.refused(
        operation,
        INVALID,
        reason="INVALID_PAGE_TOKEN",
        field="page_token",
        connection_id=OTHER_CONNECTION,
        page_token=token,
        **fields,
    )


@pytest.mark.each_supported(*plain.LISTS)
async def test_a_page_token_belongs_to_its_question(client: Client, operation: Operation) -> None:
    fields, token = await _token(client, operation)
    changes: dict[str, Any] = {
        "include_raw": True,
        "window": samples.window(samples.BASE, days=2.5),
        "include_canceled": True,
        "status": 2,
    }
    names = request_type(operation).DESCRIPTOR.fields_by_name
    changed = {name: value for name, value in changes.items() if name in names}
    parents = ("webinar_id", "recording_id")
    changed |= {name: plain.NOWHERE for name in parents if name in fields}
    for name, value in changed.items():
        await client.refused(
            operation,
            INVALID,
            reason="INVALID_PAGE_TOKEN",
            field="page_token",
            page_token=token,
            **(fields | {name: value}),
        )


@pytest.mark.needs(ops.LIST_EVENTS, ops.LIST_CALENDARS)
async def test_a_page_token_belongs_to_its_rpc(client: Client) -> None:
    _, token = await _token(client, ops.LIST_EVENTS)
    await client.refused(
        ops.LIST_CALENDARS,
        INVALID,
        reason="INVALID_PAGE_TOKEN",
        field="page_token",
        page_token=token,
    )


# -- masks and raw


def _masked(operation: Operation) -> bool:
    return "read_mask" in request_type(operation).DESCRIPTOR.fields_by_name


@pytest.mark.each_kind(LIST)
async def test_a_read_mask_trims_lists(client: Client, kind: Kind) -> None:
    operation = kind.op(LIST)
    if not _masked(operation):
        return
    await client.at_least(kind, 1)
    for item in await client.every(kind, read_mask={"paths": [kind.title]}):
        names = {field.name for field, _ in item.ListFields()}
        assert names <= {"connection_id", "id", kind.title}, f"{client.where(operation)}: {names}"
        assert getattr(item, kind.title) or kind is EVENT


@pytest.mark.each_kind(GET)
async def test_a_read_mask_trims_one_object(client: Client, kind: Kind) -> None:
    own_id = await client.one(kind)
    found = await client.get(kind, own_id, read_mask={"paths": [kind.title]})
    names = {field.name for field, _ in found.ListFields()}
    assert names <= {"connection_id", "id", kind.title}, f"{client.name} {kind}: {names}"
    assert getattr(found, kind.title), f"{client.name} {kind}: the mask took the title away"


@pytest.mark.each_supported(LIST, GET)
async def test_a_read_mask_of_unknown_fields_is_refused(
    client: Client, operation: Operation
) -> None:
    if not _masked(operation):
        return
    fields = await plain.bare(client, operation)
    for path in ("no_such_field", "subject.", "raw.x.y", "", "a" * 3000):
        with about(path):
            await client.refused(
                operation, INVALID, field="read_mask", read_mask={"paths": [path]}, **fields
            )


@pytest.mark.each_kind(LIST)
async def test_raw_is_there_if_and_only_if_it_is_asked_for(client: Client, kind: Kind) -> None:
    await client.at_least(kind, 1)
    where = client.where(kind.op(LIST))
    for item in await client.every(kind):
        assert not item.HasField("raw"), f"{where}: raw without being asked"
    for item in await client.every(kind, include_raw=True):
        _holds_raw(where, kind, item)


@pytest.mark.each_kind(GET)
async def test_raw_of_one_object_holds_the_providers_id(client: Client, kind: Kind) -> None:
    own_id = await client.one(kind)
    where = client.where(kind.op(GET))
    assert not (await client.get(kind, own_id)).HasField("raw"), f"{where}: raw without being asked"
    _holds_raw(where, kind, await client.get(kind, own_id, include_raw=True))


def _holds_raw(where: str, kind: Kind, item: Any) -> None:
    assert item.raw.fields, f"{where}: include_raw gave nothing"
    if kind.has_own_id:
        own = item.raw.fields["__id"]
        assert own.WhichOneof("kind") == "string_value", f"{where}: raw['__id'] is {own}"
        assert own.string_value, f"{where}: raw['__id'] is empty"
        assert len(item.raw.fields) > 1, f"{where}: raw holds nothing of the provider's"


# -- windows


@pytest.mark.each_supported(*plain.LISTS)
async def test_a_malformed_window_is_refused(client: Client, operation: Operation) -> None:
    if "window" not in request_type(operation).DESCRIPTOR.fields_by_name:
        return
    fields = await plain.bare(client, operation)
    start, end = samples.BASE, samples.BASE + timedelta(days=1)
    for bad, path in (
        ({"start_at": end, "end_at": start}, "window"),
        ({"start_at": start, "end_at": start}, "window"),
        ({"start_at": {"seconds": 2**60}, "end_at": end}, "window"),
        ({"start_at": {"seconds": 0, "nanos": -5}, "end_at": end}, "window"),
    ):
        await client.refused(operation, INVALID, field=path, **(fields | {"window": bad}))


@pytest.mark.needs(ops.LIST_EVENTS, ops.CREATE_EVENT)
@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
async def test_a_window_holds_what_overlaps_it(client: Client) -> None:
    made = await client.create(EVENT)
    start, end = samples.instant(made.start_at), samples.instant(made.end_at)
    half = (end - start) / 2
    minute = timedelta(minutes=1)
    for low, high, inside in (
        (start - minute, end + minute, True),
        (start + half, end + minute, True),
        (start - minute, start + half, True),
        (start + minute, end - minute, True),
        (start - 5 * minute, start, False),
        (end, end + 5 * minute, False),
    ):
        window = samples.window(low, days=(high - low) / timedelta(days=1))
        ids = [event.id for event in await client.every(EVENT, window=window)]
        assert (made.id in ids) is inside, (
            f"{client.name} ListEvents: {start}..{end} in [{low}, {high}) should be {inside}"
        )


@pytest.mark.needs(ops.LIST_EVENTS, ops.CREATE_EVENT)
@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
async def test_half_open_windows_work(client: Client) -> None:
    made = await client.create(EVENT)
    start = samples.instant(made.start_at)
    before = samples.window(start, days=-1).end_at
    after = samples.window(start, days=1).end_at
    for window, inside in (
        ({"start_at": before}, True),
        ({"start_at": after}, False),
        ({"end_at": after}, True),
        ({"end_at": before}, False),
    ):
        ids = [event.id for event in await client.every(EVENT, window=window)]
        assert (made.id in ids) is inside, f"{client.name} ListEvents: {window}: not {inside}"


# -- filters


@pytest.mark.needs(ops.LIST_EVENTS, ops.CREATE_EVENT)
@pytest.mark.declares(ops.LIST_EVENTS, "updated_after")
async def test_updated_after_filters(client: Client) -> None:
    old = await client.get(EVENT, (await client.create(EVENT)).id)
    moment = old.updated_at.ToDatetime() + timedelta(milliseconds=1)
    later = await client.create(EVENT)
    renewed = await client.get(EVENT, later.id)
    if renewed.updated_at.ToDatetime() < moment:  # clocks of whole seconds
        moment = old.updated_at.ToDatetime()
    ids = [event.id for event in await client.every(EVENT, updated_after=moment)]
    assert later.id in ids, f"{client.name} ListEvents: updated_after left out what is newer"
    far = samples.BASE + timedelta(days=3650)
    assert await client.every(EVENT, updated_after=far) == []


@pytest.mark.needs(ops.LIST_EVENTS, ops.CREATE_EVENT)
@pytest.mark.declares(ops.LIST_EVENTS, "query")
async def test_query_filters(client: Client) -> None:
    word = f"Zanzibar{samples.title().rsplit(' ', 1)[1]}"
    wanted = await client.create(EVENT, subject=f"Trip to {word}")
    other = await client.create(EVENT)
    ids = [event.id for event in await client.every(EVENT, query=word)]
    assert ids == [wanted.id], f"{client.name} ListEvents: query found {ids}, not {wanted.id}"
    assert other.id not in ids


@pytest.mark.needs(ops.LIST_EVENTS)
async def test_a_calendar_that_is_not_there_is_not_an_empty_one(client: Client) -> None:
    await client.refused(
        ops.LIST_EVENTS,
        (grpc.StatusCode.NOT_FOUND, INVALID),
        calendar_id="no-such-calendar",
    )


@pytest.mark.needs(ops.GET_CALENDAR)
async def test_primary_is_understood_everywhere(client: Client) -> None:
    primary = await client.get(KINDS[ops.GET_CALENDAR.kind], "primary")
    assert primary.id
    assert primary.is_primary, f"{client.name} GetCalendar: 'primary' is not the primary one"
