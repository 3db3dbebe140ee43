"""Every RPC of the contract as access sees it: which level it is of, and what it is about.

Read off the descriptors, so that a new RPC is never open by being forgotten: one whose connection
cannot be found in its request is `Where.NOWHERE`, which nobody may call.
"""

import enum
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

import ucal.v1

LEVELS = ("read", "write", "admin")
# Reaches past the contract: no level holds it, a policy has to name it.
_BY_NAME_ONLY = frozenset({"PassthroughService"})
_ADMINISTRATION = "ConnectionService"
# Opens a stream, which is no "safe" method to gRPC, and changes nothing.
_READS_TOO = frozenset({"WatchEvents"})
# What a caller that may see free/busy alone may call.
BUSY_RPCS = frozenset(
    {
        "BatchListBusy",
        "GetConnection",
        "GetProvider",
        "ListBusy",
        "ListConnections",
        "ListProviders",
        "PollEvents",
        "WatchEvents",
    }
)


class Where(enum.Enum):
    """Where in its request an RPC names its connection."""

    FIELD = "connection_id, or the one of a message in the request"
    EACH = "connection_id in each of a repeated field"
    ID = "id: the connection itself"
    LIST = "none: connections are listed"
    NEW = "connection: the one to make"
    DANCE = "connection_id to authorize anew, else provider and labels of a new one"
    STATE = "state: sealed when the dance began"
    NOTHING = "none: it is about no connection"
    NOWHERE = "not found"


_NAMED: dict[str, Where] = {
    "ListProviders": Where.NOTHING,
    "GetProvider": Where.NOTHING,
    "ListConnections": Where.LIST,
    "GetConnection": Where.ID,
    "CreateConnection": Where.NEW,
    "UpdateConnection": Where.ID,
    "DeleteConnection": Where.ID,
    "TestConnection": Where.ID,
    "StartAuthorization": Where.DANCE,
    "CreateConnectLink": Where.DANCE,
    "CompleteAuthorization": Where.STATE,
}


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC.

    Attributes:
        name: "ListEvents".
        service: "EventService".
        level: "read", "write", "admin"; "": in no level.
        where: how its request names connections.
        path: fields that lead to the connection's id (`Where.FIELD`), or the repeated field
            (`Where.EACH`).
        streams: it answers with a stream.
    """

    name: str
    service: str
    level: str
    where: Where
    path: tuple[str, ...] = ()
    streams: bool = False

    def connection_id(self, request: Any) -> str:
        """The id that `request` names."""
        found = request
        for name in self.path:
            found = getattr(found, name)
        return str(found)

    @property
    def words(self) -> frozenset[str]:
        """The words of a policy's `allow` that hold it."""
        held = LEVELS[LEVELS.index(self.level) :] if self.level else ()
        return frozenset({"*", self.service, self.name, *held})


def _methods() -> Iterator[MethodDescriptor]:
    for module in pkgutil.iter_modules(ucal.v1.__path__):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(f"ucal.v1.{module.name}").DESCRIPTOR
            for service in file.services_by_name.values():
                yield from service.methods


def _level(method: MethodDescriptor) -> str:
    service = method.containing_service.name
    if service in _BY_NAME_ONLY:
        return ""
    safe = method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    if safe or method.name in _READS_TOO:
        return "read"
    return "admin" if service == _ADMINISTRATION else "write"


def _where(method: MethodDescriptor) -> tuple[Where, tuple[str, ...]]:
    if method.name in _NAMED:
        where = _NAMED[method.name]
        return where, ("id",) if where is Where.ID else ()
    fields = method.input_type.fields
    if any(field.name == "connection_id" for field in fields):
        return Where.FIELD, ("connection_id",)
    for field in fields:
        inner = field.message_type
        if inner is not None and "connection_id" in inner.fields_by_name:
            if field.is_repeated:
                return Where.EACH, (field.name,)
            return Where.FIELD, (field.name, "connection_id")
    return Where.NOWHERE, ()


def _rpc(method: MethodDescriptor) -> Rpc:
    where, path = _where(method)
    return Rpc(
        name=method.name,
        service=method.containing_service.name,
        level=_level(method),
        where=where,
        path=path,
        streams=method.server_streaming,
    )


# By gRPC's name of the method, "/ucal.v1.EventService/ListEvents".
RPCS: dict[str, Rpc] = {
    f"/{method.containing_service.full_name}/{method.name}": _rpc(method) for method in _methods()
}
WORDS: frozenset[str] = frozenset[str]().union(*(rpc.words for rpc in RPCS.values()))
