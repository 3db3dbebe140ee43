"""The smallest request of every RPC that keeps the contract's rules, made from descriptors."""

from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from server.cli.client import METHODS
from ucal.v1 import types_pb2

_TEXTS = {"redirect_uri": "https://app.example.com/back", "path": "/events"}
_SECONDS = 1_796_000_000
CONNECTIONS = frozenset({"GetConnection", "UpdateConnection", "DeleteConnection", "TestConnection"})


def _is_required(field: FieldDescriptor) -> bool:
    behaviour: Any = field_behavior_pb2.field_behavior
    return field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[behaviour]


def _fill(message: Any, connection_id: str) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.name == "connection_id":
            message.connection_id = connection_id
        elif field.name == "requests":
            _fill(message.requests.add(), connection_id)
        elif _is_required(field) and not field.is_repeated:
            _set(message, field, connection_id)


def _set(message: Any, field: FieldDescriptor, connection_id: str) -> None:
    if field.message_type is types_pb2.TimeRange.DESCRIPTOR:
        window = getattr(message, field.name)
        window.start_at.seconds, window.end_at.seconds = _SECONDS, _SECONDS + 3600
    elif field.message_type is not None:
        inner = getattr(message, field.name)
        inner.SetInParent()
        _fill(inner, connection_id)
    elif field.enum_type is not None:
        setattr(message, field.name, field.enum_type.values[2].number)
    elif field.type == FieldDescriptor.TYPE_STRING:
        setattr(message, field.name, _TEXTS.get(field.name, "x"))


def request_for(rpc: str, connection_id: str) -> Message:
    """A request of `rpc` about `connection_id`."""
    request: Any = GetMessageClass(METHODS[rpc].input_type)()
    _fill(request, connection_id)
    if rpc in CONNECTIONS:
        request.id = connection_id
    if rpc in {"StartAuthorization", "CreateConnectLink"}:
        request.provider = "google_calendar"
    if rpc == "GetProvider":
        request.id = "sandbox"
    if rpc == "CreateConnection":
        request.connection.provider = "sandbox"
    return request  # type: ignore[no-any-return]  # a message by its construction
