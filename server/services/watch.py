"""WatchService: WatchEvents and PollEvents over the engine in `server.watch`."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc

from server.interceptors.scope import SCOPE
from server.interceptors.wrap import Context
from server.push.registrations import Registrations
from server.watch.hub import Hub
from server.watch.inbox import slow_consumer
from server.watch.poll import poll
from server.watch.ports import Target
from server.watch.scope import Unit
from ucal.v1 import watch_pb2, watch_pb2_grpc

NAME = "ucal.v1.WatchService"
# Of a long poll's deadline, for the question to the provider and for the answer to travel.
_MARGIN = 2.0


class WatchService(watch_pb2_grpc.WatchServiceServicer):
    """Checks nothing and knows nothing: the hub does."""

    def __init__(self, hub: Hub, registrations: Registrations | None = None) -> None:
        """`registrations`: makes providers push; without, watches poll."""
        self._hub = hub
        self._registrations = registrations

    async def WatchEvents(
        self, request: watch_pb2.WatchEventsRequest, context: Context
    ) -> AsyncIterator[Any]:
        """Messages arrive encoded, since those who watch the same share the bytes."""
        target, wanted = await self._hub.target(request.scope, _metadata(context))
        scope = SCOPE.get()
        scope.provider = target.provider
        pushed: Mapping[Unit, str] = {}
        if self._registrations is not None:
            pushed = await self._registrations.attend(target, wanted.units)
        units = tuple(pushed)
        try:
            session = self._hub.open(request, target, wanted, pushed)
        except BaseException:
            self._leave(target, units)
            raise
        del request, wanted, pushed  # streams live long, and there are many
        patience = self._hub.settings.write_timeout

        async def send(message: bytes) -> None:
            # Written here and not yielded, so that a caller who does not read can be let go.
            try:
                async with asyncio.timeout(patience):
                    await context.write(message)
            except TimeoutError:
                raise slow_consumer() from None
            scope.items += 1

        try:
            yield session.opened
            await session.run(send)
        finally:
            self._hub.close(session)
            self._leave(target, units)
            _tell_rotated(target, context)

    def _leave(self, target: Target, units: Sequence[Unit]) -> None:
        if self._registrations is not None and units:
            self._registrations.leave(target, units)

    async def PollEvents(
        self, request: watch_pb2.PollEventsRequest, context: Context
    ) -> watch_pb2.PollEventsResponse:
        scope = SCOPE.get()
        target, wanted = await self._hub.target(request.scope, _metadata(context))
        scope.provider = target.provider
        left = scope.deadline - asyncio.get_running_loop().time() - _MARGIN
        try:
            answer = await poll(self._hub, request, target, wanted, most_wait=left)
        finally:
            _tell_rotated(target, context)
        scope.items = len(answer.changes)
        return answer


def _metadata(context: Context) -> dict[str, str | bytes]:
    return dict(context.invocation_metadata() or ())


def _tell_rotated(target: Target, context: Context) -> None:
    rotated = target.trailing_metadata()
    if rotated:
        context.set_trailing_metadata((*(context.trailing_metadata() or ()), *rotated))


def add_watch_service(servicer: WatchService, server: grpc.aio.Server) -> None:
    """Add `servicer` as the generated function would, but for encoded messages of WatchEvents."""
    handlers: dict[str, Any] = {
        "WatchEvents": grpc.unary_stream_rpc_method_handler(
            servicer.WatchEvents,
            request_deserializer=watch_pb2.WatchEventsRequest.FromString,
            response_serializer=None,
        ),
        "PollEvents": grpc.unary_unary_rpc_method_handler(
            servicer.PollEvents,
            request_deserializer=watch_pb2.PollEventsRequest.FromString,
            response_serializer=watch_pb2.PollEventsResponse.SerializeToString,
        ),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
