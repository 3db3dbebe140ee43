"""BatchListBusy: the same question to several connections, with partial results."""

import asyncio
from collections.abc import Awaitable, Callable

from providers.core.errors import ProviderError
from server.interceptors.errors import unexpected
from server.interceptors.scope import SCOPE, Scope
from server.interceptors.wrap import Context
from server.status import to_rpc_status
from ucal.v1 import busy_pb2

ListBusy = Callable[[busy_pb2.ListBusyRequest, Context], Awaitable[busy_pb2.ListBusyResponse]]
Result = busy_pb2.BatchListBusyResponse.Result
BatchListBusy = Callable[
    [busy_pb2.BatchListBusyRequest, Context], Awaitable[busy_pb2.BatchListBusyResponse]
]


def batch_list_busy(list_busy: ListBusy) -> BatchListBusy:
    """The RPC over `list_busy`; one bad connection does not spoil the others."""

    async def one(request: busy_pb2.ListBusyRequest, context: Context) -> Result:
        outer = SCOPE.get()
        scope = Scope(deadline=outer.deadline, caller=outer.caller)
        SCOPE.set(scope)
        try:
            return Result(response=await list_busy(request, context))
        except ProviderError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - the others' answers must not be lost
            failure = unexpected(error, "BusyService/BatchListBusy")
        return Result(error=to_rpc_status(failure, provider=scope.provider))

    async def call(
        request: busy_pb2.BatchListBusyRequest, context: Context
    ) -> busy_pb2.BatchListBusyResponse:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each, context)) for each in request.requests]
        results = [task.result() for task in tasks]
        SCOPE.get().items = sum(len(result.response.busy) for result in results)
        return busy_pb2.BatchListBusyResponse(results=results)

    return call
