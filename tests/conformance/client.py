"""A provider behind a real gRPC server, as a caller sees it.

Every call has a deadline; every failure comes back as a `Failure` with its details unpacked; every
assertion names the provider and the operation.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import pytest
from google.protobuf.message import Message

from providers.core import operations as ops
from providers.core.operations import Operation, ResourceKind
from server.watch.ports import Nudge
from tests.conformance.failure import Failure
from tests.conformance.kinds import KINDS, METHODS, Kind, request_type
from tests.conformance.subjects import Harness
from ucal.v1 import busy_pb2, event_pb2, provider_pb2, provider_pb2_grpc, watch_pb2, watch_pb2_grpc

DEADLINE = 20.0
# Enough pages for any double; a list that goes on beyond them does not end.
MAX_PAGES = 500
CONNECTION = "conformance"
OTHER_CONNECTION = "conformance-other"


@dataclass
class Client:
    """One caller with two connections to the same account.

    Attributes:
        name: of the provider, and of its variant.
        hub: where a webhook would tell that something has changed.
        record: of the provider, as the server tells it.
    """

    name: str
    harness: Harness = field(repr=False)
    channel: grpc.aio.Channel = field(repr=False)
    record: provider_pb2.Provider = field(repr=False)
    hub: Nudge = field(repr=False)
    connection_id: str = CONNECTION

    def __post_init__(self) -> None:
        self._declared = {(c.kind, c.method): c for c in self.record.capabilities}
        self._stubs = {kind: known.stub(self.channel) for kind, known in KINDS.items()}
        self.watches = watch_pb2_grpc.WatchServiceStub(self.channel)
        self.metadata = tuple(getattr(self.harness, "metadata", ()))
        self._quiet_times = itertools.count()

    # -- what it can do

    def capability(self, operation: Operation) -> provider_pb2.Capability:
        """As the server tells it."""
        return self._declared[operation.kind, operation.method]

    def supports(self, *operations: Operation) -> bool:
        """Whether all of them are said to work."""
        return all(
            self.capability(op).support
            in (provider_pb2.SUPPORT_NATIVE, provider_pb2.SUPPORT_EMULATED)
            for op in operations
        )

    def writable(self, operation: Operation, *names: str) -> bool:
        """Whether `operation` is said to work and to keep the fields `names`."""
        return self.supports(operation) and set(names) <= set(
            self.capability(operation).writable_fields
        )

    @property
    def books(self) -> bool:
        """Whether events come into being by booking a link only; see `Subject.books`."""
        declared = set(self.capability(ops.CREATE_EVENT).writable_fields)
        books = "link_id" in declared and "recurrence" not in declared
        return bool(getattr(self.harness, "books", books))

    def plantable(self, kind: ResourceKind) -> bool:
        """Whether the other side can be made to hold an object of `kind`."""
        return kind not in getattr(self.harness, "fixed_kinds", frozenset())

    def missing(self, what: str) -> NoReturn:
        """Skip, naming what the harness lacks."""
        pytest.skip(f"{self.name}: the double has no {what}")

    # -- calls

    def where(self, operation: Operation) -> str:
        """The beginning of an assertion's message."""
        return f"{self.name} {operation.rpc}"

    def request(self, operation: Operation, **fields: Any) -> Any:
        """A request of `operation` on this connection, with what every such request needs."""
        defaults: dict[str, Any] = {"connection_id": self.connection_id}
        kind = request_type(operation)
        names = kind.DESCRIPTOR.fields_by_name
        if "calendar_id" in names and operation.kind == ops.LIST_EVENTS.kind:
            defaults["calendar_id"] = self.harness.calendar_id
        if "event_id" in names and self.capability(operation).list_needs_parent:
            defaults["event_id"] = getattr(self.harness, "parent_id", "")
        return kind(**(defaults | fields))

    async def send(self, operation: Operation, request: Message) -> Any:
        """The answer to `request`.

        Raises:
            Failure: it failed.
        """
        stub = getattr(self._stubs[operation.kind], operation.rpc)
        try:
            return await stub(request, timeout=DEADLINE, metadata=self.metadata)
        except grpc.aio.AioRpcError as error:
            raise Failure(self.where(operation), error) from None

    async def call(self, operation: Operation, **fields: Any) -> Any:
        """`send` of a `request` made of `fields`."""
        return await self.send(operation, self.request(operation, **fields))

    async def attempt(self, operation: Operation, **fields: Any) -> Any:
        """The answer, or the `Failure`."""
        try:
            return await self.call(operation, **fields)
        except Failure as failure:
            return failure

    async def refused(
        self,
        operation: Operation,
        code: grpc.StatusCode | Sequence[grpc.StatusCode],
        *,
        reason: str = "",
        field: str = "",
        **fields: Any,
    ) -> Failure:
        """The failure of a call that has to fail with `code`, naming `field`."""
        where = self.where(operation)
        codes = [code] if isinstance(code, grpc.StatusCode) else list(code)
        failure = await self.attempt(operation, **fields)
        if not isinstance(failure, Failure):
            raise AssertionError(
                f"{where}: expected {[c.name for c in codes]}, was answered {failure!s:.300}"
            )
        assert failure.code in codes, f"expected {[c.name for c in codes]}, got {failure}"
        assert "ErrorInfo" in failure.details, f"{failure}: no ErrorInfo"
        assert failure.message, f"{where}: no message"
        if reason:
            assert failure.reason == reason, f"expected reason {reason}, got {failure}"
        if field:
            assert any(path.startswith(field) for path in failure.fields), (
                f"{failure}: names {failure.fields}, not {field}"
            )
        return failure

    # -- objects

    def list_fields(self, kind: Kind) -> dict[str, Any]:
        """What a list of `kind` needs to be asked."""
        if kind.name != "busy":
            return {}
        from tests.conformance import samples

        calendars = [self.harness.calendar_id] if self.harness.calendar_id else []
        return {"calendar_ids": calendars, "window": samples.BUSY_WINDOW}

    async def pages(
        self, operation: Operation, *, page_size: int = 0, **fields: Any
    ) -> AsyncIterator[list[Any]]:
        """Every page of a list, held against what any page owes."""
        where = self.where(operation)
        request = self.request(operation, page_size=page_size, **fields)
        seen = set()
        for _ in range(MAX_PAGES):
            answer = await self.send(operation, request)
            items = list(getattr(answer, operation.resource))
            if page_size:
                assert len(items) <= page_size, f"{where}: {len(items)} items, {page_size} asked"
            yield items
            token = answer.next_page_token
            if not token:
                return
            assert token not in seen, f"{where}: a page token came twice, the list has no end"
            seen.add(token)
            request.page_token = token
        raise AssertionError(f"{where}: no end after {MAX_PAGES} pages of {page_size}")

    async def all(self, operation: Operation, *, page_size: int = 0, **fields: Any) -> list[Any]:
        """The items of every page."""
        return [
            item
            async for page in self.pages(operation, page_size=page_size, **fields)
            for item in page
        ]

    async def every(self, kind: Kind, **fields: Any) -> list[Any]:
        """Every object of `kind`."""
        return await self.all(kind.op(METHODS.METHOD_LIST), **(self.list_fields(kind) | fields))

    async def get(self, kind: Kind, id: str, **fields: Any) -> Any:
        """One object."""
        operation = kind.op(METHODS.METHOD_GET)
        return getattr(await self.call(operation, id=id, **fields), kind.name)

    async def create(self, kind: Kind, **fields: Any) -> Any:
        """A new object, made from a sample with `fields` set in it; see `samples.make`."""
        return getattr(await self.try_create(kind, **fields), kind.name)

    async def try_create(self, kind: Kind, **fields: Any) -> Any:
        """The whole answer of `create`."""
        resource = await self.sample(kind, **fields)
        return await self.call(kind.op(METHODS.METHOD_CREATE), **{kind.name: resource})

    async def sample(self, kind: Kind, **fields: Any) -> Any:
        """A resource that the provider can be expected to take."""
        from tests.conformance import samples

        resource = await samples.make(self, kind)
        overlay = kind.resource(**fields)
        for name in fields:
            resource.ClearField(name)
        resource.MergeFrom(overlay)
        prepare: Callable[[ResourceKind, Any], None] | None
        prepare = getattr(self.harness, "prepare", None)
        if prepare is not None:
            prepare(kind.kind, resource)
        return resource

    async def delete(self, kind: Kind, id: str, **fields: Any) -> Any:
        """Delete one object."""
        return await self.call(kind.op(METHODS.METHOD_DELETE), id=id, **fields)

    async def one(self, kind: Kind) -> str:
        """Id of an object that is there: made through the service, planted, or found."""
        if self.supports_create(kind):
            return str((await self.create(kind)).id)
        if self.plantable(kind.kind):
            return await self.plant(kind)
        found = await self.every(kind)
        if not found:
            self.missing(f"{kind}, and no way to plant one")
        return str(found[0].id)

    async def _take_time(self) -> None:
        """Make an event in the window of `list_fields` that touches no other."""
        from tests.conformance import samples

        kind = KINDS[ops.LIST_EVENTS.kind]
        if self.writable(ops.CREATE_EVENT, "start_at", "end_at") and not self.books:
            await self.create(kind, **samples.quiet(next(self._quiet_times)))
        else:
            await self.one(kind)

    def supports_create(self, kind: Kind) -> bool:
        """Whether `create` can work."""
        return kind.has(METHODS.METHOD_CREATE) and self.supports(kind.op(METHODS.METHOD_CREATE))

    async def at_least(self, kind: Kind, count: int) -> list[Any]:
        """Every object of `kind`: `count` of them or more, two where no more can be made."""
        found = await self.every(kind)
        for _ in range(count - len(found)):
            if kind.name == "busy":
                await self._take_time()
            elif self.supports_create(kind) or self.plantable(kind.kind):
                await self.one(kind)
        found = await self.every(kind)
        assert found or not count, (
            f"{self.name}: {kind.plural} are declared to be listed, and there is none"
        )
        if len(found) < min(count, 2):
            self.missing(f"second {kind}, and no way to plant one")
        return found

    @asynccontextmanager
    async def unchanged(self, kind: Kind) -> AsyncIterator[None]:
        """What happens inside leaves the list of `kind` as it was."""
        lists = self.supports(kind.op(METHODS.METHOD_LIST))
        before = _versions(await self.every(kind)) if lists else {}
        yield
        after = _versions(await self.every(kind)) if lists else {}
        assert after == before, f"{self.name}: a refused write changed {kind.plural}"

    # -- watches

    async def plant(self, kind: Kind) -> str:
        """Something new at the provider, and a hint of it as a webhook would give."""
        async with asyncio.timeout(DEADLINE):
            own_id = await self.harness.plant(kind.kind)
        self.hub.nudge(self.connection_id)
        return own_id

    async def change(self, kind: Kind, id: str) -> None:
        """A change at the provider, and a hint of it."""
        async with asyncio.timeout(DEADLINE):
            await self.harness.change(kind.kind, id)
        self.hub.nudge(self.connection_id)

    async def remove(self, kind: Kind, id: str) -> None:
        """A deletion at the provider, and a hint of it."""
        async with asyncio.timeout(DEADLINE):
            await self.harness.remove(kind.kind, id)
        self.hub.nudge(self.connection_id)

    async def poll(self, request: watch_pb2.PollEventsRequest) -> watch_pb2.PollEventsResponse:
        """PollEvents.

        Raises:
            Failure: it failed.
        """
        try:
            return await self.watches.PollEvents(request, timeout=DEADLINE, metadata=self.metadata)
        except grpc.aio.AioRpcError as error:
            raise Failure(f"{self.name} PollEvents", error) from None

    async def batch_busy(
        self, requests: Sequence[busy_pb2.ListBusyRequest]
    ) -> busy_pb2.BatchListBusyResponse:
        """BatchListBusy."""
        stub = self._stubs[ops.LIST_BUSY.kind]
        answer: busy_pb2.BatchListBusyResponse = await stub.BatchListBusy(
            busy_pb2.BatchListBusyRequest(requests=requests),
            timeout=DEADLINE,
            metadata=self.metadata,
        )
        return answer


@contextmanager
def about(what: object) -> Iterator[None]:
    """Says of a failed assertion which of several cases it was."""
    try:
        yield
    except AssertionError as error:
        error.add_note(f"the case: {what!r:.100}")
        raise


def _versions(items: Sequence[Any]) -> dict[str, str]:
    return {
        item.id: str(item.etag or item.SerializeToString(deterministic=True))
        if "etag" in item.DESCRIPTOR.fields_by_name
        else ""
        for item in items
    }


def wall(event: event_pb2.Event) -> str:
    """The start of `event` for messages."""
    return str(event.start_at).replace("\n", " ")


async def connect(name: str, harness: Harness, channel: grpc.aio.Channel, hub: Nudge) -> Client:
    """A client of the provider behind `harness`; asks the server for its record."""
    stub = provider_pb2_grpc.ProviderServiceStub(channel)
    async with asyncio.timeout(DEADLINE):
        answer = await stub.GetProvider(provider_pb2.GetProviderRequest(id=harness.provider))
    return Client(name, harness, channel, answer.provider, hub)
