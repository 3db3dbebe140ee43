"""The mask `busy_only`: requests narrowed before they are asked, answers reduced before they go."""

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.errors import Kind, ProviderError
from ucal.v1 import busy_pb2, connection_pb2, types_pb2, watch_pb2

# Ids of blocks stay: the contract makes them of calendar, start and end.
_SHOWN = ("id", "connection_id", "calendar_id", "start_at", "end_at", "timezone", "kind")
_BUSY = [types_pb2.RESOURCE_KIND_BUSY]


def narrowed(request: Any) -> Any:
    """`request`, of a copy of which nothing but free/busy can come.

    Raises:
        ProviderError: FORBIDDEN: it asks for something else.
    """
    if isinstance(request, watch_pb2.WatchEventsRequest | watch_pb2.PollEventsRequest):
        if list(request.scope.kinds) != _BUSY:
            raise ProviderError(
                Kind.FORBIDDEN,
                "you may see free/busy alone: watch RESOURCE_KIND_BUSY and nothing else",
                reason="ACCESS_BUSY_ONLY",
            )
        narrow: Any = type(request)()
        narrow.CopyFrom(request)
        narrow.read_mask.CopyFrom(FieldMask(paths=_SHOWN))
        narrow.include_raw = False
        return narrow
    if isinstance(request, busy_pb2.ListBusyRequest):
        plain = busy_pb2.ListBusyRequest()
        plain.CopyFrom(request)
        plain.include_raw = False
        return plain
    return request


def reduced(answer: Any) -> Any:
    """`answer` without what is more than free/busy; it is changed in place."""
    if isinstance(answer, busy_pb2.ListBusyResponse):
        for block in answer.busy:
            _reduce(block)
    elif isinstance(answer, watch_pb2.PollEventsResponse):
        for change in answer.changes:
            if change.HasField("busy"):
                _reduce(change.busy)
    elif isinstance(answer, connection_pb2.GetConnectionResponse):
        answer.connection.CopyFrom(connection(answer.connection))
    return answer


def _reduce(block: Any) -> None:
    for field, _ in block.ListFields():
        if field.name not in _SHOWN:
            block.ClearField(field.name)


def connection(found: connection_pb2.Connection) -> connection_pb2.Connection:
    """Of a connection what it takes to ask for its free/busy."""
    return connection_pb2.Connection(
        id=found.id, provider=found.provider, state=found.state, region=found.region
    )
