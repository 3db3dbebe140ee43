"""Every field that is declared writable is kept; any other is reported, and really absent."""

from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest

from providers.core import operations as ops
from tests.conformance import samples
from tests.conformance.client import Client
from tests.conformance.failure import Failure
from tests.conformance.kept import kept
from tests.conformance.kinds import CALENDAR, EVENT, METHODS, Kind

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE, GET, UPDATE = METHODS.METHOD_CREATE, METHODS.METHOD_GET, METHODS.METHOD_UPDATE
# A provider may not take one of several values; it has to say so.
HONEST_REFUSALS = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.FAILED_PRECONDITION,
)
_KEPT, _SAID = "", "said"
Content = dict[str, Any]
Write = Callable[[Client, Kind, Content], Awaitable[tuple[Any, Any]]]


async def _by_create(client: Client, kind: Kind, content: Content) -> tuple[Any, Any]:
    sent = await client.sample(kind, **content)
    return sent, await client.call(kind.op(CREATE), **{kind.name: sent})


async def _by_update(client: Client, kind: Kind, content: Content) -> tuple[Any, Any]:
    made = await client.create(kind, **_limited(client, kind, content))
    sent = kind.resource(**content)
    answer = await client.call(
        kind.op(UPDATE), id=made.id, **{kind.name: sent}, update_mask={"paths": list(content)}
    )
    return sent, answer


def _limited(client: Client, kind: Kind, content: Content) -> Content:
    """Where only links with a parent have a limit, it is one of those whose limit is changed."""
    keeps = client.capability(kind.op(CREATE)).writable_fields
    limits = content.keys() & {"max_uses", "expires_at"}
    if not limits or "parent_link_id" not in keeps or not client.harness.link_id:
        return {}
    return {"parent_link_id": client.harness.link_id}


async def _outcome(client: Client, kind: Kind, field: str, content: Content, write: Write) -> str:
    """ "" when the value was kept, `_SAID` when its loss was told, else what is wrong."""
    shown = str(content[field])[:80].replace("\n", " ")
    try:
        sent, answer = await write(client, kind, content)
    except Failure as failure:
        told = failure.code in HONEST_REFUSALS and (failure.fields or failure.reason)
        return _SAID if told else f"{field}={shown}: {failure}"
    made = getattr(answer, kind.name)
    found = await client.get(kind, made.id) if made.id else made
    why = kept(sent, found, field)
    if not why:
        return _KEPT
    reported = {
        path.split(".")[0]
        for path in (*answer.report.dropped_fields.paths, *answer.report.coerced_fields.paths)
    }
    return _SAID if field in reported else f"{field}={shown}: lost in silence: {why}"


async def _content(client: Client, kind: Kind, field: str, method: Any) -> list[Content]:
    """What to write for `field`: with whatever it cannot go without."""
    keeps = set(client.capability(kind.op(method)).writable_fields)
    found: list[Content] = []
    for value in await samples.values(client, kind, field):
        content = dict(value)
        if field in ("price_amount", "price_currency") and "price_currency" in keeps:
            content = {"price_amount": "45.00", "price_currency": "EUR"} | content
        if field in ("max_uses", "expires_at", "parent_link_id") and "parent_link_id" in keeps:
            content["parent_link_id"] = client.harness.link_id
        if field == "slug":
            content[field] = samples.slug()
        if field == "recurrence":
            when = samples.BASE + timedelta(days=60)
            for name, minutes in (("start_at", 0), ("end_at", 30)):
                at = when + timedelta(minutes=minutes)
                content[name] = samples.stamp(at, "Europe/Berlin")
        found.append({name: value for name, value in content.items() if name in keeps})
    return found


async def every_field_is_kept(client: Client, kind: Kind, method: Any, write: Write) -> None:
    """Each value is kept or its loss is told, and at least one of each field is kept."""
    declared = client.capability(kind.op(method)).writable_fields
    problems = []
    for field in sorted(declared):
        if field in ("calendar_id", "link_id", "send_notifications", "etag"):
            continue  # where it goes, and how: tests of their own
        if field in ("start_at", "end_at") and client.books and kind is EVENT:
            continue  # bookings start at free slots only
        contents = await _content(client, kind, field, method)
        if field == "room_ids" and not contents:
            continue
        assert contents, f"the suite has no value for {kind.name}.{field}"
        outcomes = [await _outcome(client, kind, field, each, write) for each in contents]
        problems += [each for each in outcomes if each not in (_KEPT, _SAID)]
        if _KEPT not in outcomes:
            problems.append(f"{field}: declared writable, and none of {len(contents)} values kept")
    where = client.where(kind.op(method))
    assert not problems, f"{where}:\n  " + "\n  ".join(problems)


@pytest.mark.each_kind(CREATE, GET)
async def test_every_field_of_create_is_kept(client: Client, kind: Kind) -> None:
    await every_field_is_kept(client, kind, CREATE, _by_create)


@pytest.mark.each_kind(CREATE, GET, UPDATE)
async def test_every_field_of_update_is_kept(client: Client, kind: Kind) -> None:
    await every_field_is_kept(client, kind, UPDATE, _by_update)


async def _with_everything(client: Client, kind: Kind) -> tuple[Any, set[str]]:
    """A sample with every field that the provider does not keep on create, and their names."""
    keeps = {*client.capability(kind.op(CREATE)).writable_fields, "calendar_id", "link_id"}
    sent = await client.sample(kind)
    extra = samples.writable_by_contract(kind) - keeps - {"start_at", "parent_link_id"}
    for field in sorted(extra):
        if field == "end_at":
            start = sent.start_at.timestamp.ToDatetime(UTC)
            sent.end_at.CopyFrom(samples.stamp(start + timedelta(minutes=30)))
            continue
        values = samples.VALUES[kind.name][field]
        sent.ClearField(field)
        sent.MergeFrom(kind.resource(**{field: values[0]}))
    present = {field.name for field, _ in sent.ListFields()}
    return sent, extra & present


@pytest.mark.each_kind(CREATE, GET)
async def test_what_is_dropped_is_reported_and_really_absent(client: Client, kind: Kind) -> None:
    plain = await client.get(kind, (await client.create(kind)).id)
    sent, extra = await _with_everything(client, kind)
    answer = await client.call(kind.op(CREATE), **{kind.name: sent})
    dropped = set(answer.report.dropped_fields.paths)
    where = client.where(kind.op(CREATE))
    assert dropped >= extra, f"{where}: lost in silence: {extra - dropped}"
    found = await client.get(kind, getattr(answer, kind.name).id)
    for field in sorted(dropped):
        if "." in field:
            continue
        as_usual = getattr(found, field) == getattr(plain, field)
        assert as_usual or kept(sent, found, field), f"{where}: {field} is reported lost, yet kept"


@pytest.mark.each_kind(CREATE)
async def test_strict_refuses_what_would_be_dropped(client: Client, kind: Kind) -> None:
    sent, extra = await _with_everything(client, kind)
    if not extra:
        await client.call(kind.op(CREATE), **{kind.name: sent}, strict=True)
        return
    async with client.unchanged(kind):
        failure = await client.refused(
            kind.op(CREATE),
            grpc.StatusCode.FAILED_PRECONDITION,
            **{kind.name: sent},
            strict=True,
        )
    named = {path.removeprefix(f"{kind.name}.") for path in failure.fields}
    # Twenty violations at most are told one by one.
    assert named & extra, f"{failure}: names {named}, not {extra}"
    assert extra <= named or len(extra) > 20, f"{failure}: does not name {extra - named}"


@pytest.mark.each_kind(CREATE, GET, UPDATE)
async def test_an_update_without_mask_reports_what_it_drops(client: Client, kind: Kind) -> None:
    update = kind.op(UPDATE)
    keeps = {*client.capability(update).writable_fields, "calendar_id", "link_id", "start_at"}
    keeps |= {"end_at", "parent_link_id"}
    extra = sorted(samples.writable_by_contract(kind) - keeps)
    if not extra or kind.title not in keeps:
        return
    sent = kind.resource(**{kind.title: samples.title()})
    for field in extra:
        sent.MergeFrom(kind.resource(**{field: samples.VALUES[kind.name][field][0]}))
    present = {field.name for field, _ in sent.ListFields()} & set(extra)
    made = await client.create(kind)
    async with client.unchanged(kind):
        await client.refused(
            update,
            grpc.StatusCode.FAILED_PRECONDITION,
            id=made.id,
            **{kind.name: sent},
            strict=True,
        )
    answer = await client.call(update, id=made.id, **{kind.name: sent})
    dropped = set(answer.report.dropped_fields.paths)
    assert dropped >= present, f"{client.where(update)}: lost in silence: {present - dropped}"


@pytest.mark.each_kind(CREATE)
async def test_output_only_fields_are_ignored(client: Client, kind: Kind) -> None:
    sent = await client.sample(kind)
    sent.id = "chosen-by-the-caller"
    sent.connection_id = "elsewhere"
    sent.raw["secret"] = "x"
    made = getattr(await client.call(kind.op(CREATE), **{kind.name: sent}), kind.name)
    assert made.id != "chosen-by-the-caller"
    assert made.connection_id == client.connection_id
    assert not made.HasField("raw")


@pytest.mark.needs(ops.CREATE_CALENDAR, ops.CREATE_EVENT, ops.GET_EVENT)
@pytest.mark.keeps(ops.UPDATE_EVENT, "calendar_id")
async def test_an_event_moves_to_another_calendar(client: Client) -> None:
    target = await client.create(CALENDAR)
    made = await client.create(EVENT)
    answer = await client.call(
        ops.UPDATE_EVENT,
        id=made.id,
        calendar_id=client.harness.calendar_id,
        event={"calendar_id": target.id},
        update_mask={"paths": ["calendar_id"]},
    )
    moved = await client.get(EVENT, answer.event.id, calendar_id=target.id)
    assert moved.subject == made.subject
    assert moved.calendar_id == target.id
    if moved.id != made.id:
        assert answer.event.moved_from_id == made.id, f"{client.name}: P84, moved_from_id is empty"
    assert made.id not in [event.id for event in await client.every(EVENT)]


@pytest.mark.needs(ops.CREATE_CALENDAR, ops.CREATE_EVENT, ops.GET_EVENT)
async def test_an_event_is_in_its_calendar_only(client: Client) -> None:
    other = await client.create(CALENDAR)
    made = await client.create(EVENT)
    assert [event.id for event in await client.every(EVENT, calendar_id=other.id)] == []
    inside = await client.create(EVENT, calendar_id=other.id)
    assert inside.calendar_id == other.id
    ids = [event.id for event in await client.every(EVENT)]
    assert made.id in ids
    assert inside.id not in ids
