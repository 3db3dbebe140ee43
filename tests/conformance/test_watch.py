"""Watches and polls: initial state, changes made by others, resume, cursors that have died."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from tests.conformance import samples
from tests.conformance.client import OTHER_CONNECTION, Client
from tests.conformance.failure import Failure
from tests.conformance.kinds import BUSY, EVENT, Kind
from ucal.v1 import watch_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Longest wait for a change that was made at the provider; the server of the tests polls at once.
PATIENCE = 15.0
CREATED = {watch_pb2.CHANGE_TYPE_CREATED, watch_pb2.CHANGE_TYPE_UPSERTED}
UPDATED = {watch_pb2.CHANGE_TYPE_UPDATED, watch_pb2.CHANGE_TYPE_UPSERTED}
DELETED = {watch_pb2.CHANGE_TYPE_DELETED}
Message = watch_pb2.WatchEventsResponse


def _scope(client: Client, kind: Kind) -> watch_pb2.WatchScope:
    scope = watch_pb2.WatchScope(connection_id=client.connection_id, kinds=[kind.kind])
    if client.harness.calendar_id and kind.name in ("event", "busy"):
        scope.calendar_ids.append(client.harness.calendar_id)
    return scope


class Watch:
    """An open stream, read message by message."""

    def __init__(self, client: Client, call: Any) -> None:
        self.client = client
        self.call = call
        self.token = b""
        self.seen: list[str] = []
        self.wants_point = False
        self.pending: list[watch_pb2.Change] = []

    async def next(self) -> Message:
        """The next message but heartbeats."""
        where = f"{self.client.name} WatchEvents"
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._next()
        except TimeoutError:
            seen = self.seen[-20:]
            raise AssertionError(f"{where}: nothing for {PATIENCE} s after {seen}") from None
        except grpc.aio.AioRpcError as error:
            raise Failure(where, error) from None

    async def _next(self) -> Message:
        while True:
            message: Any = await self.call.read()
            assert message is not grpc.aio.EOF, (
                f"{self.client.name} WatchEvents: ended after {self.seen}"
            )
            self.token = message.resume_token or self.token
            name = str(message.WhichOneof("message"))
            cause = message.degraded.cause.message if name == "degraded" else ""
            self.seen.append(f"{name} ({cause})" if cause else name)
            if name != "heartbeat" or (self.wants_point and self.token):
                return cast("Message", message)

    async def until(self, name: str) -> list[Message]:
        """Messages up to the first of this name, which is the last of the list."""
        found = []
        while True:
            message = await self.next()
            found.append(message)
            if message.WhichOneof("message") == name:
                return found

    async def point(self) -> None:
        """Read until the service has told a point from which it could go on."""
        self.wants_point = True
        while not self.token:
            await self.next()
        self.wants_point = False

    async def change(self, id: str) -> watch_pb2.Change:
        """The next change of the object `id`; what happens to others is passed over."""
        return await self.first(lambda change: change.id == id)

    async def first(self, wanted: Callable[[watch_pb2.Change], bool]) -> watch_pb2.Change:
        """The next change that is wanted."""
        while True:
            while self.pending:
                change = self.pending.pop(0)
                if wanted(change):
                    return change
            message = await self.next()
            self.pending.extend(message.changes.changes)


@asynccontextmanager
async def watching(client: Client, kind: Kind, **fields: Any) -> AsyncIterator[Watch]:
    """A stream of changes of `kind`; it is closed at the end."""
    request = watch_pb2.WatchEventsRequest(
        scope=_scope(client, kind),
        poll_interval=Duration(seconds=1),
        heartbeat_interval=Duration(seconds=5),
        **fields,
    )
    call = client.watches.WatchEvents(request, metadata=client.metadata)
    try:
        yield Watch(client, call)
    finally:
        call.cancel()


def _initial(**fields: Any) -> dict[str, Any]:
    return {"start": watch_pb2.WATCH_START_INITIAL_STATE, **fields}


def _check(
    client: Client, change: watch_pb2.Change, types: set[watch_pb2.ChangeType.ValueType], kind: Kind
) -> None:
    where = f"{client.name} WatchEvents {kind}"
    name = watch_pb2.ChangeType.Name(change.type)
    assert change.type in types, f"{where}: {name} is not what happened"
    assert change.kind == kind.kind
    assert change.connection_id == client.connection_id
    assert change.dedup_key, f"{where}: no dedup_key"
    if types is not DELETED and change.WhichOneof("resource"):
        assert change.WhichOneof("resource") == kind.name
        assert getattr(change, kind.name).id == change.id


# -- streams


@pytest.mark.each_watch
async def test_a_watch_opens_tells_the_state_and_is_synced(client: Client, kind: Kind) -> None:
    declared = client.capability(ops.WATCHES[kind.kind])
    there = {item.id for item in await client.at_least(kind, 1)} if kind.name != "busy" else set()
    async with watching(client, kind, **_initial()) as watch:
        opened = (await watch.next()).opened
        assert watch.seen == ["opened"], "Opened comes first"
        assert opened.deletions == declared.deletions
        assert opened.source
        assert opened.reason or opened.source == watch_pb2.WATCH_SOURCE_NATIVE
        assert opened.poll_interval.ToTimedelta().total_seconds() > 0
        messages = await watch.until("synced")
        assert {m.WhichOneof("message") for m in messages} <= {"changes", "synced"}
        assert messages[-1].resume_token, "Synced carries a token"
    changes = [change for m in messages for change in m.changes.changes]
    for change in changes:
        _check(client, change, {watch_pb2.CHANGE_TYPE_CREATED}, kind)
    ids = [change.id for change in changes]
    assert len(ids) == len(set(ids)), f"{client.name} WatchEvents {kind}: one object twice"
    if kind.name == "calendar":
        assert there <= set(ids), f"{client.name} WatchEvents {kind}: the state lacks some"


@pytest.mark.each_watch
@pytest.mark.planted
async def test_changes_of_others_arrive(client: Client, kind: Kind) -> None:
    """P02 too: what was deleted between two looks is told, as far as it was declared."""
    deletions = client.capability(ops.WATCHES[kind.kind]).deletions
    async with watching(client, kind, **_initial()) as watch:
        await watch.until("synced")
        own_id = await client.plant(kind)
        _check(client, await watch.change(own_id), CREATED, kind)
        await client.change(kind, own_id)
        _check(client, await watch.change(own_id), UPDATED, kind)
        if deletions in (
            watch_pb2.DELETION_SUPPORT_EXACT,
            watch_pb2.DELETION_SUPPORT_RECONCILED,
        ):
            await client.remove(kind, own_id)
            change = await watch.change(own_id)
            _check(client, change, DELETED, kind)
            assert change.WhichOneof("resource") is None
            assert len(change.id_digest) == 5


@pytest.mark.each_watch
@pytest.mark.planted
async def test_a_watch_from_now_tells_nothing_of_before(client: Client, kind: Kind) -> None:
    before = await client.plant(kind)
    async with watching(client, kind) as watch:
        await watch.point()
        own_id = await client.plant(kind)
        _check(client, await watch.change(own_id), CREATED, kind)
        assert before not in [change.id for change in watch.pending]


@pytest.mark.each_watch
@pytest.mark.planted
async def test_a_token_goes_on_where_the_stream_ended(client: Client, kind: Kind) -> None:
    async with watching(client, kind, **_initial()) as watch:
        await watch.until("synced")
        token = watch.token
    own_id = await client.plant(kind)
    async with watching(client, kind, resume_token=token) as watch:
        await watch.until("opened")
        _check(client, await watch.change(own_id), CREATED, kind)
        assert watch.token, f"{client.name} WatchEvents {kind}: no token after a change"
        later = watch.token
    await client.change(kind, own_id)
    async with watching(client, kind, resume_token=later) as watch:
        _check(client, await watch.change(own_id), UPDATED, kind)


@pytest.mark.needs(ops.WATCH_BUSY, ops.CREATE_EVENT, ops.DELETE_EVENT)
@pytest.mark.any_time
@pytest.mark.keeps(ops.CREATE_EVENT, "start_at", "end_at")
async def test_busy_time_follows_events(client: Client) -> None:
    async with watching(client, BUSY, **_initial()) as watch:
        await watch.until("synced")
        made = await client.create(EVENT, **samples.quiet(7.5))
        client.hub.nudge(client.connection_id)
        start = made.start_at.timestamp
        taken = await watch.first(lambda change: change.busy.start_at.timestamp == start)
        _check(client, taken, CREATED, BUSY)
        await client.delete(EVENT, made.id)
        client.hub.nudge(client.connection_id)
        _check(client, await watch.change(taken.id), DELETED, BUSY)


# -- polls


async def _polled(
    client: Client, kind: Kind, token: bytes, id: str
) -> tuple[watch_pb2.Change, bytes]:
    """The next change of `id` after `token`, by polls, and where to go on."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await client.poll(
                watch_pb2.PollEventsRequest(
                    scope=_scope(client, kind), resume_token=token, wait=Duration(seconds=5)
                )
            )
            token = answer.resume_token
            assert token, f"{client.name} PollEvents {kind}: no token"
            for change in answer.changes:
                if change.id == id:
                    return change, token


@pytest.mark.each_watch
@pytest.mark.planted
async def test_polls_tell_what_streams_tell(client: Client, kind: Kind) -> None:
    deletions = client.capability(ops.WATCHES[kind.kind]).deletions
    now = await client.poll(watch_pb2.PollEventsRequest(scope=_scope(client, kind)))
    assert not now.changes, "without a token there is only a token"
    own_id = await client.plant(kind)
    change, token = await _polled(client, kind, now.resume_token, own_id)
    _check(client, change, CREATED, kind)
    await client.change(kind, own_id)
    change, token = await _polled(client, kind, token, own_id)
    _check(client, change, UPDATED, kind)
    if deletions in (watch_pb2.DELETION_SUPPORT_EXACT, watch_pb2.DELETION_SUPPORT_RECONCILED):
        await client.remove(kind, own_id)
        change, token = await _polled(client, kind, token, own_id)
        _check(client, change, DELETED, kind)


@pytest.mark.each_watch
@pytest.mark.planted
async def test_a_token_of_a_poll_resumes_a_stream(client: Client, kind: Kind) -> None:
    now = await client.poll(watch_pb2.PollEventsRequest(scope=_scope(client, kind)))
    own_id = await client.plant(kind)
    async with watching(client, kind, resume_token=now.resume_token) as watch:
        _check(client, await watch.change(own_id), CREATED, kind)


@pytest.mark.needs(ops.WATCH_EVENTS, ops.LIST_EVENTS)
async def test_a_list_goes_on_as_a_watch(client: Client) -> None:
    kind = EVENT
    token = b""
    request = client.request(ops.LIST_EVENTS)
    while True:
        answer = await client.send(ops.LIST_EVENTS, request)
        token = answer.resume_token
        if not answer.next_page_token:
            break
        assert not token, f"{client.name} ListEvents: a resume token before the last page (P03)"
        request.page_token = answer.next_page_token
    if not token:
        client.missing("resume token of lists")
    own_id = await client.plant(kind)
    async with watching(client, kind, resume_token=token) as watch:
        _check(client, await watch.change(own_id), CREATED, kind)


# -- tokens that do not fit


@pytest.mark.each_watch
async def test_a_token_that_was_tampered_with_is_refused(client: Client, kind: Kind) -> None:
    now = await client.poll(watch_pb2.PollEventsRequest(scope=_scope(client, kind)))
    good = now.resume_token
    middle = len(good) // 2
    flipped = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
    for bad in (flipped, good[:-1], b"not a token"):
        with pytest.raises(Failure) as caught:
            await client.poll(
                watch_pb2.PollEventsRequest(scope=_scope(client, kind), resume_token=bad)
            )
        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT, caught.value
        assert caught.value.reason == "RESUME_TOKEN_INVALID", caught.value
        async with watching(client, kind, resume_token=bad) as watch:
            with pytest.raises(Failure) as caught:
                await watch.until("synced")
        assert caught.value.reason == "RESUME_TOKEN_INVALID", caught.value


@pytest.mark.each_watch
async def test_a_token_belongs_to_its_scope(client: Client, kind: Kind) -> None:
    now = await client.poll(watch_pb2.PollEventsRequest(scope=_scope(client, kind)))
    other_connection = _scope(client, kind)
    other_connection.connection_id = OTHER_CONNECTION
    other_horizon = _scope(client, kind)
    other_horizon.horizon.seconds = 7200
    for scope in (other_connection, other_horizon):
        with pytest.raises(Failure) as caught:
            await client.poll(
                watch_pb2.PollEventsRequest(scope=scope, resume_token=now.resume_token)
            )
        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT, caught.value
        assert caught.value.reason in ("RESUME_TOKEN_MISMATCH", "RESUME_TOKEN_INVALID")


@pytest.mark.each_watch
@pytest.mark.planted
@pytest.mark.by_deltas
async def test_a_dead_cursor_fails_or_resets_as_asked(fresh: Client, kind: Kind) -> None:
    """P01, P08: never an empty success."""
    async with watching(fresh, kind, **_initial()) as watch:
        await watch.until("synced")
        token = watch.token
    await fresh.harness.expire_cursors()
    async with watching(fresh, kind, resume_token=token) as watch:
        with pytest.raises(Failure) as caught:
            await watch.until("synced")
    assert caught.value.code is grpc.StatusCode.OUT_OF_RANGE, caught.value
    assert caught.value.reason == "RESUME_TOKEN_EXPIRED", caught.value
    await fresh.harness.expire_cursors()
    reset = watch_pb2.WATCH_EXPIRY_RESET
    async with watching(fresh, kind, resume_token=token, on_expiry=reset) as watch:
        messages = await watch.until("reset")
        assert messages[-1].reset.cause.code == grpc.StatusCode.OUT_OF_RANGE.value[0]
        await watch.until("synced")
        own_id = await fresh.plant(kind)
        _check(fresh, await watch.change(own_id), CREATED, kind)


@pytest.mark.each_watch
async def test_trouble_at_the_provider_degrades_a_watch(fresh: Client, kind: Kind) -> None:
    async with watching(fresh, kind, **_initial()) as watch:
        await watch.until("synced")
        await fresh.harness.fail_next(503, times=4)
        fresh.hub.nudge(fresh.connection_id)
        messages = await watch.until("degraded")
        assert messages[-1].degraded.cause.code == grpc.StatusCode.UNAVAILABLE.value[0]
        assert messages[-1].degraded.HasField("next_attempt_at")
