"""Drives a service through everything that can be asked of it, and everything that can go wrong."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any, TypeVar
from unittest.mock import patch

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from providers.core import operations as ops
from providers.core.operations import Operation
from providers.registry import provider_class
from tests.conformance.client import CONNECTION
from tests.conformance.failure import Failure
from tests.conformance.kinds import CALLS, KINDS, METHODS
from tests.zero_storage import webhooks
from tests.zero_storage.calls import BY_NAME, Rpc, sound, with_connection
from tests.zero_storage.faults import Faults, Place, UnexpectedError
from tests.zero_storage.marks import fill, variants
from tests.zero_storage.stage import BAD_CONNECTION, Stage
from tests.zero_storage.wire import SPOILED
from tests.zero_storage.words import CORE, TEXT
from ucal.v1 import types_pb2, watch_pb2

_PATIENCE = 5.0
# Of an answer: what the server seals, which a test of pages looks at.
_SEALED = frozenset({"next_page_token", "resume_token", "report"})
# Injected once in this process, whichever provider's turn it was.
_done: set[Place] = set()
_turns = itertools.count()
_T = TypeVar("_T")


class Driver:
    """One provider's turn.

    Attributes:
        declared: operations that the provider says it has.
        asked: how often each RPC was called.
        succeeded: operations that were answered.
        came_back: answers in which the word was: proof that it was there to be lost.
        unanswered: sound calls that failed, and how.
        pages: statuses of pages that a person has been to.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.client = stage.client
        self.declared = [op for op in CALLS if self.client.supports(op)]
        self.asked: Counter[str] = Counter()
        self.succeeded: set[Operation] = set()
        self.came_back = 0
        self.unanswered: list[str] = []
        self.pages: list[int] = []

    async def call(self, rpc: Rpc, request: Any, metadata: Any = ()) -> Any:
        """The answer, or None; what reaches the caller of a failure is kept."""
        self.asked[rpc.method.name] += 1
        try:
            return await rpc.call(
                self.client.channel, request, (*self.client.metadata, *metadata), _PATIENCE
            )
        except grpc.aio.AioRpcError as error:
            self.last = Failure(rpc.method.name, error)
            self.stage.failures += told_by(error, request)
            return None

    # -- everything marked, which most rules refuse

    async def marked(self) -> None:
        """Each RPC with the word in every string, on a sound connection and on other ones."""
        for rpc in BY_NAME.values():
            most = variants(rpc.request.DESCRIPTOR)
            for connection in (CONNECTION, self._turn([BAD_CONNECTION, "-", CORE])):
                request = rpc.request()
                fill(request, choice=self._turn(range(most)))
                metadata = [("ucal-request-note", CORE)]
                if connection == "-":
                    metadata += [
                        ("ucal-provider", self.client.harness.provider),
                        ("ucal-credentials", f"Bearer {CORE}"),
                    ]
                await self.call(rpc, with_connection(request, connection), metadata)

    def _turn(self, among: Sequence[_T]) -> _T:
        """One of several, each time another: what is left out here is another provider's turn."""
        return among[next(_turns) % len(among)]

    async def on_connections(self) -> None:
        """Administration, with what can be marked; names of connections are kept by design."""
        for rpc, fields in (
            ("GetConnection", {"id": CONNECTION}),
            ("ListConnections", {}),
            ("ListConnections", {"page_token": CORE}),
            ("TestConnection", {"id": CONNECTION}),
            ("TestConnection", {"id": BAD_CONNECTION}),
            ("UpdateConnection", {"id": CONNECTION, "connection": {"labels": {"a": "b"}}}),
            ("DeleteConnection", {"id": CORE}),
            ("ListProviders", {}),
            ("GetProvider", {"id": self.client.harness.provider}),
            ("GetProvider", {"id": CORE}),
        ):
            await self.call(BY_NAME[rpc], BY_NAME[rpc].request(**fields))

    async def on_pages(self) -> None:
        """A person follows a link to the connect page, and types what is wrong."""
        provider = self.client.harness.provider
        for fields in ({}, {"connection_id": CONNECTION}):
            link = BY_NAME["CreateConnectLink"]
            made = await self.call(link, link.request(provider=provider, **fields))
            if made is not None:
                self.pages.append(await webhooks.fill_in(self.stage, made.url))
        start = BY_NAME["StartAuthorization"]
        back = "https://app.example/back"
        begun = await self.call(start, start.request(provider=provider, redirect_uri=back))
        if begun is not None:
            end = BY_NAME["CompleteAuthorization"]
            await self.call(end, end.request(state=begun.state, code=CORE))

    # -- what works

    async def all_sound(self) -> None:
        """Each operation that is declared, as people ask for it; the others as nobody should."""
        for operation in CALLS:
            if not self.client.supports(operation):
                await self.call(BY_NAME[operation.rpc], self.client.request(operation))
                continue
            await self.one_sound(operation)

    async def one_sound(self, operation: Operation) -> None:
        """One operation; whether it was answered."""
        try:
            request = await sound(self.client, operation)
        except (pytest.skip.Exception, Failure) as error:
            self.unanswered.append(f"{operation.rpc}: nothing to ask about: {error}")
            return
        answer = await self.call(BY_NAME[operation.rpc], request)
        if answer is None:
            self.unanswered.append(f"{operation.rpc}: {self.last}")
            return
        self.succeeded.add(operation)
        self.came_back += CORE.encode() in answer.SerializeToString()

    async def watches(self) -> None:
        """A watch of everything that can be watched, from its state on, and a poll."""
        kinds = [k for op in ops.WATCHES.values() if self.client.supports(op) for k in [op.kind]]
        for kind in kinds:
            scope = watch_pb2.WatchScope(connection_id=CONNECTION, kinds=[kind])
            calendar = self.client.harness.calendar_id
            if calendar and kind in (types_pb2.RESOURCE_KIND_EVENT, types_pb2.RESOURCE_KIND_BUSY):
                scope.calendar_ids.append(calendar)
            await self.call(
                BY_NAME["WatchEvents"],
                watch_pb2.WatchEventsRequest(
                    scope=scope, start=watch_pb2.WATCH_START_INITIAL_STATE
                ),
            )
        scope = watch_pb2.WatchScope(connection_id=CONNECTION, kinds=kinds[:1])
        poll = watch_pb2.PollEventsRequest(scope=scope)
        await self.call(BY_NAME["PollEvents"], poll)
        poll.resume_token = CORE.encode()
        await self.call(BY_NAME["PollEvents"], poll)

    async def passthrough(self) -> None:
        """A raw request; path, query, headers and body speak of somebody."""
        rpc = BY_NAME["Call"]
        request = rpc.request(
            connection_id=CONNECTION,
            method=2,
            path=f"/{CORE}/x",
            query=[{"name": "q", "value": TEXT}],
            headers=[{"name": "x-note", "value": CORE}],
            content_type="application/json",
            body=f'{{"a": "{CORE}"}}'.encode(),
        )
        await self.call(rpc, request)
        stream = BY_NAME["CallStreaming"]
        await self.call(stream, stream.request(call=request))

    # -- what providers do wrong

    async def failing_answers(self) -> None:
        """Statuses, and answers that cannot be read, to a read and to a write."""
        for operation in self._read_and_write():
            request = await self._some(operation)
            if request is None:
                continue
            for status in (400, 403, 404, 409, 429, 500):
                await self.client.harness.fail_next(status, times=1)
                await self.call(BY_NAME[operation.rpc], request)
            for spoiled in SPOILED:
                self.stage.wire.spoiled = spoiled
                await self.call(BY_NAME[operation.rpc], request)
            self.stage.wire.spoiled = None

    def _read_and_write(self) -> Iterator[Operation]:
        for methods in ((METHODS.METHOD_LIST,), (METHODS.METHOD_CREATE, METHODS.METHOD_GET)):
            found = [op for op in CALLS if op.method in methods and self.client.supports(op)]
            yield from found[:2]

    async def _some(self, operation: Operation) -> Any:
        try:
            return await sound(self.client, operation)
        except (pytest.skip.Exception, Failure):
            return None

    # -- what providers say, field by field, and what nobody expected

    async def marked_answers(self) -> int:
        """Each operation answered with the word in every field of the answer; how many fields."""
        count = 0
        for operation in CALLS:
            rpc = BY_NAME[operation.rpc]
            answer = rpc.answer()
            choice = self._turn(range(variants(rpc.answer.DESCRIPTOR)))
            count += fill(answer, keep=_SEALED, choice=choice)

            async def answered(*_: Any, answer: Any = answer) -> Any:
                return answer

            with self._doing(operation, answered):
                back = await self.call(rpc, await self._lax(operation))
            self.came_back += back is not None and CORE.encode() in back.SerializeToString()
        return count

    async def unexpected(self) -> None:
        """Each operation ends with an exception that quotes."""
        for operation in CALLS:
            kind = self._turn([UnexpectedError, ValueError, TimeoutError, KeyError])

            async def failed(*_: Any, error: Exception = kind(TEXT)) -> Any:  # noqa: B008
                raise error

            with self._doing(operation, failed):
                await self.call(BY_NAME[operation.rpc], await self._lax(operation))

    @contextlib.contextmanager
    def _doing(self, operation: Operation, method: Any) -> Iterator[None]:
        kind = provider_class(self.client.harness.provider)
        with patch.object(kind, operation.name, method):
            yield

    async def _lax(self, operation: Operation) -> Any:
        """A request that gets past the rules, without anything that has to be there."""
        from tests.conformance import plain

        fields = (
            {}
            if operation.method == METHODS.METHOD_CREATE
            else await plain.bare(self.client, operation)
        )
        if operation.method == METHODS.METHOD_CREATE:
            kind = KINDS[operation.kind]
            fields = {kind.name: plain.unsupported_sample(kind)}
        return self.client.request(operation, **fields)

    # -- an exception at each await

    async def each_await(self, faults: Faults) -> tuple[int, int]:
        """How many places were found that no other provider's turn had done, and how many threw."""
        new, before = 0, len(faults.fired)
        for operation in CALLS:
            if operation not in self.succeeded:
                continue
            rpc = BY_NAME[operation.rpc]
            request = await self._some(operation)
            if request is None:
                continue
            faults.seen.clear()
            with faults.watching():
                await self.call(rpc, request)
            places = [place for place in faults.seen if place not in _done]
            for place in places:
                new += 1
                _done.add(place)
                request = await self._some(operation)
                if request is not None:
                    with faults.armed(place):
                        await self.call(rpc, request)
        return new, len(faults.fired) - before

    async def each_await_of(self, faults: Faults, works: list[Any]) -> tuple[int, int]:
        """The same for calls that are no operation of a provider."""
        new, before = 0, len(faults.fired)
        for work in works:
            faults.seen.clear()
            with faults.watching():
                await _in_time(work())
            for place in [place for place in faults.seen if place not in _done]:
                new += 1
                _done.add(place)
                with faults.armed(place):
                    await _in_time(work())
        return new, len(faults.fired) - before


def told_by(error: grpc.aio.AioRpcError, request: Message) -> list[bytes]:
    """All that a failed call tells, but for the id that its caller has named (ResourceInfo)."""
    found = [(error.details() or "").encode(), (error.debug_error_string() or "").encode()]
    named = request.SerializeToString()
    for name, value in error.trailing_metadata() or ():
        found.append(name.encode())
        content = value if isinstance(value, bytes) else str(value).encode()
        if name == "grpc-status-details-bin":
            content = _without_own_id(status_pb2.Status.FromString(content), named)
        found.append(content)
    return found


def _without_own_id(status: status_pb2.Status, named: bytes) -> bytes:
    for packed in status.details:
        resource = error_details_pb2.ResourceInfo()
        if packed.Unpack(resource) and resource.resource_name.encode() in named:
            resource.resource_name = ""
            packed.Pack(resource)
    content: bytes = status.SerializeToString()
    return content


async def _in_time(work: Awaitable[Any]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await work
