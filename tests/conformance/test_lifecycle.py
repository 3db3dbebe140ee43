"""create, get, list, update, delete of every kind; versions; idempotency; what is not there."""

import uuid

import grpc
import pytest

from providers.core import operations as ops
from tests.conformance import samples
from tests.conformance.client import Client, about
from tests.conformance.failure import Failure
from tests.conformance.kept import kept
from tests.conformance.kinds import EVENT, METHODS, Kind
from ucal.v1 import event_pb2, provider_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE, GET, LIST = METHODS.METHOD_CREATE, METHODS.METHOD_GET, METHODS.METHOD_LIST
UPDATE, DELETE = METHODS.METHOD_UPDATE, METHODS.METHOD_DELETE
NOT_FOUND, INVALID = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT

# Ids that no provider gave: of another shape, of another provider, made to break out of a URL.
FOREIGN_IDS = (
    "no-such-id",
    "../../../../etc/passwd",
    "a/b?c=d&e#f",
    "%2e%2e%2f%00",
    "//evil.example.com/x",
    "AAMkAGI2TG93AAA=",
    "6f1c9d1e-5a63-4d0e-9b7e-2f6c1b9f8a11",
    "9007199254740993",
    "bücher ✓ 😀",
    "x" * 2000,
)


# -- create, get, list


@pytest.mark.each_kind(CREATE, GET)
async def test_what_is_created_can_be_read(client: Client, kind: Kind) -> None:
    sent = await client.sample(kind)
    answer = await client.call(kind.op(CREATE), **{kind.name: sent})
    made = getattr(answer, kind.name)
    assert made.id, f"{client.name} {kind}: no id"
    assert made.connection_id == client.connection_id
    found = await client.get(kind, made.id)
    assert found.id == made.id
    lost = {*answer.report.dropped_fields.paths, *answer.report.coerced_fields.paths}
    for field, _ in sent.ListFields():
        if field.name not in {*lost, "calendar_id"}:
            assert not (why := kept(sent, found, field.name)), f"{client.name} {kind}: {why}"


@pytest.mark.each_kind(CREATE, LIST)
async def test_what_is_created_is_listed(client: Client, kind: Kind) -> None:
    made = await client.create(kind)
    found = [item for item in await client.every(kind) if item.id == made.id]
    assert len(found) == 1, f"{client.name} {kind}: listed {len(found)} times"
    title = kind.title
    assert getattr(found[0], title) == getattr(made, title)


@pytest.mark.each_kind(GET, LIST)
async def test_what_is_listed_can_be_read(client: Client, kind: Kind) -> None:
    listed = (await client.at_least(kind, 1))[0]
    found = await client.get(kind, listed.id)
    assert found.id == listed.id
    assert found.connection_id == listed.connection_id == client.connection_id
    if kind.title:
        assert getattr(found, kind.title) == getattr(listed, kind.title)


@pytest.mark.each_kind(LIST)
async def test_ids_are_there_and_unique(client: Client, kind: Kind) -> None:
    ids = [item.id for item in await client.at_least(kind, 2)]
    allowed_without = kind.name == "link"  # single-use links that cannot be shown again
    assert all(ids) or allowed_without, f"{client.name} {kind}: an object without id"
    real = [own_id for own_id in ids if own_id]
    assert len(real) == len(set(real)), f"{client.name} {kind}: an id is there twice"


# -- update


@pytest.mark.each_kind(CREATE, GET, UPDATE)
async def test_an_update_touches_what_its_mask_names(client: Client, kind: Kind) -> None:
    update = kind.op(UPDATE)
    if not client.writable(update, kind.title):
        client.missing(f"writable title of {kind.plural}")
    before = await client.get(kind, (await client.create(kind)).id)
    name = samples.title("renamed")
    answer = await client.call(
        update,
        id=before.id,
        **{kind.name: kind.resource(**{kind.title: name})},
        update_mask={"paths": [kind.title]},
    )
    after = await client.get(kind, getattr(answer, kind.name).id)
    assert getattr(after, kind.title) == name == getattr(getattr(answer, kind.name), kind.title)
    changing = {kind.title, "etag", "updated_at", "sequence", "id", "moved_from_id", "slug", "url"}
    before_fields, after_fields = (
        {f.name: str(v) for f, v in item.ListFields() if f.name not in changing}
        for item in (before, after)
    )
    assert after_fields == before_fields, f"{client.name} {kind}: the mask named one field"


@pytest.mark.each_kind(CREATE, GET, UPDATE)
async def test_an_update_without_mask_writes_what_is_set(client: Client, kind: Kind) -> None:
    update = kind.op(UPDATE)
    if not client.writable(update, kind.title):
        client.missing(f"writable title of {kind.plural}")
    made = await client.create(kind)
    name = samples.title("renamed")
    answer = await client.call(
        update, id=made.id, **{kind.name: kind.resource(**{kind.title: name})}
    )
    found = await client.get(kind, getattr(answer, kind.name).id)
    assert getattr(found, kind.title) == name
    if hasattr(made, "end_at"):
        assert found.start_at == made.start_at
        assert found.end_at == made.end_at


@pytest.mark.needs(ops.CREATE_EVENT, ops.GET_EVENT, ops.UPDATE_EVENT)
@pytest.mark.keeps(ops.UPDATE_EVENT, "location")
@pytest.mark.keeps(ops.CREATE_EVENT, "location")
async def test_a_listed_field_that_is_empty_is_cleared(client: Client) -> None:
    made = await client.create(EVENT, location="Room 5")
    asked = {"id": made.id, "event": {}, "update_mask": {"paths": ["location"]}}
    answer = await client.attempt(ops.UPDATE_EVENT, **asked)
    if isinstance(answer, Failure):  # a place can be changed there, and not taken away: it says so
        assert answer.code is INVALID, answer
        assert answer.fields == ["event.location"], answer
        return
    found = await client.get(EVENT, made.id)
    assert found.location == "", f"{client.name}: not cleared"
    assert found.subject == made.subject


# -- delete, not found


@pytest.mark.each_kind(CREATE, DELETE)
async def test_what_is_deleted_is_gone(client: Client, kind: Kind) -> None:
    delete = kind.op(DELETE)
    own_id = (await client.create(kind)).id
    await client.delete(kind, own_id)
    if client.supports(kind.op(GET)):
        assert await _gone(client, kind, own_id), f"{client.name} {kind}: still there"
    if client.supports(kind.op(LIST)):
        assert own_id not in [item.id for item in await client.every(kind)]
    again = await client.refused(
        delete, (NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION), id=own_id
    )
    assert again.code is NOT_FOUND or again.reason == "ALREADY_CANCELED", again
    absent = await client.delete(kind, own_id, allow_missing=True)
    assert absent.already_absent, f"{client.name} {kind}: P04, it was gone before the call"


async def _gone(client: Client, kind: Kind, id: str) -> bool:
    """Not there, or there as canceled at providers that keep what is canceled."""
    answer = await client.attempt(kind.op(GET), id=id)
    if isinstance(answer, Failure):
        assert answer.code is NOT_FOUND, answer
        return True
    found = getattr(answer, kind.name)
    return bool(getattr(found, "status", 0) == event_pb2.EVENT_STATUS_CANCELED)


@pytest.mark.each_kind(GET)
async def test_foreign_ids_are_not_found(client: Client, kind: Kind) -> None:
    """P69: an id goes into a URL as it is, or not at all."""
    for foreign in FOREIGN_IDS:
        with about(foreign):
            failure = await client.refused(kind.op(GET), (NOT_FOUND, INVALID), id=foreign)
            if failure.code is NOT_FOUND:
                assert "ResourceInfo" in failure.details, f"{failure}: no ResourceInfo"


@pytest.mark.each_kind(UPDATE)
async def test_foreign_ids_are_not_updated(client: Client, kind: Kind) -> None:
    if not client.writable(kind.op(UPDATE), kind.title):
        client.missing(f"writable title of {kind.plural}")
    changed = {kind.name: kind.resource(**{kind.title: "New"})}
    async with client.unchanged(kind):
        for foreign in FOREIGN_IDS:
            with about(foreign):
                await client.refused(kind.op(UPDATE), (NOT_FOUND, INVALID), id=foreign, **changed)


@pytest.mark.each_kind(DELETE)
async def test_foreign_ids_are_not_deleted(client: Client, kind: Kind) -> None:
    async with client.unchanged(kind):
        for foreign in FOREIGN_IDS:
            with about(foreign):
                await client.refused(kind.op(DELETE), (NOT_FOUND, INVALID), id=foreign)


@pytest.mark.each_kind(LIST)
async def test_an_unknown_connection_is_not_found(client: Client, kind: Kind) -> None:
    failure = await client.refused(
        kind.op(LIST), NOT_FOUND, connection_id="nobodys", **client.list_fields(kind)
    )
    assert failure.details["ResourceInfo"].resource_type == "connection", failure


# -- versions


@pytest.mark.each_kind(CREATE, GET, UPDATE)
async def test_a_stale_etag_aborts_an_update(client: Client, kind: Kind) -> None:
    update = kind.op(UPDATE)
    if not client.writable(update, kind.title):
        client.missing(f"writable title of {kind.plural}")
    made = await client.get(kind, (await client.create(kind)).id)
    declared = client.capability(update).etags
    assert bool(made.etag) == declared, (
        f"{client.where(update)}: etags is {declared}, the etag is {made.etag!r}"
    )
    if not declared:
        changed = kind.resource(**{kind.title: "New", "etag": "1"})
        await client.refused(
            update, INVALID, field=f"{kind.name}.etag", id=made.id, **{kind.name: changed}
        )
        return
    first = kind.resource(**{kind.title: samples.title("first"), "etag": made.etag})
    await client.call(update, id=made.id, **{kind.name: first})
    second = kind.resource(**{kind.title: samples.title("second"), "etag": made.etag})
    await client.refused(
        update,
        grpc.StatusCode.ABORTED,
        reason="ETAG_MISMATCH",
        id=made.id,
        **{kind.name: second},
    )
    found = await client.get(kind, made.id)
    assert getattr(found, kind.title) == getattr(first, kind.title)
    assert found.etag != made.etag, f"{client.where(update)}: a write left the etag as it was"


@pytest.mark.each_kind(CREATE, GET, UPDATE, DELETE)
async def test_a_stale_etag_aborts_a_deletion(client: Client, kind: Kind) -> None:
    delete = kind.op(DELETE)
    made = await client.get(kind, (await client.create(kind)).id)
    if not client.capability(delete).etags:
        await client.refused(delete, INVALID, field="etag", id=made.id, etag="1")
        return
    changed = kind.resource(**{kind.title: samples.title("changed")})
    await client.call(kind.op(UPDATE), id=made.id, **{kind.name: changed})
    await client.refused(
        delete, grpc.StatusCode.ABORTED, reason="ETAG_MISMATCH", id=made.id, etag=made.etag
    )
    current = await client.get(kind, made.id)
    await client.delete(kind, made.id, etag=current.etag)
    assert await _gone(client, kind, made.id)


# -- idempotency


@pytest.mark.each_kind(CREATE)
async def test_request_id_makes_one_object_or_is_refused(client: Client, kind: Kind) -> None:
    """P59, P60: never accepted and ignored."""
    create = kind.op(CREATE)
    resource = await client.sample(kind)
    asked = {kind.name: resource, "request_id": str(uuid.uuid4())}
    declared = client.capability(create).idempotency
    if declared != provider_pb2.IDEMPOTENCY_SUPPORT_PROVIDER:
        async with client.unchanged(kind):
            await client.refused(
                create, INVALID, reason="REQUEST_ID_NOT_SUPPORTED", field="request_id", **asked
            )
        return
    made = getattr(await client.call(create, **asked), kind.name)
    again = await client.attempt(create, **asked)
    if isinstance(again, Failure):
        assert again.code is grpc.StatusCode.ALREADY_EXISTS, again
    else:
        own_id = getattr(again, kind.name).id
        assert own_id == made.id, f"{client.where(create)}: two ids for one request_id"
    if client.supports(kind.op(LIST)):
        titles = [getattr(item, kind.title) for item in await client.every(kind)]
        count = titles.count(getattr(resource, kind.title))
        assert count == 1, f"{client.where(create)}: one request_id made {count} objects"


@pytest.mark.each_kind(CREATE)
async def test_request_id_is_a_uuid(client: Client, kind: Kind) -> None:
    resource = await client.sample(kind)
    async with client.unchanged(kind):
        await client.refused(
            kind.op(CREATE),
            INVALID,
            field="request_id",
            request_id="not-a-uuid",
            **{kind.name: resource},
        )


@pytest.mark.keeps(ops.CREATE_EVENT, "subject")
async def test_validate_only_writes_nothing(client: Client) -> None:
    resource = await client.sample(EVENT)
    async with client.unchanged(EVENT):
        answer = await client.call(ops.CREATE_EVENT, event=resource, validate_only=True)
        assert answer.event.subject == resource.subject
        resource.end_at.CopyFrom(samples.stamp(samples.BASE.replace(year=1999)))
        if client.writable(ops.CREATE_EVENT, "end_at"):
            await client.refused(
                ops.CREATE_EVENT,
                INVALID,
                field="event.end_at",
                event=resource,
                validate_only=True,
            )
