"""What a watch is about, taken apart into units that can be asked for one by one."""

import hashlib
from dataclasses import dataclass

from providers.core import operations as ops
from providers.core.errors import Kind, ProviderError
from providers.core.operations import ResourceKind
from ucal.v1 import types_pb2, watch_pb2

DEFAULT_HORIZON = 90 * 24 * 3600
# A sealed token has room for so many cursors of the longest sort (Graph's delta links, 2 KiB).
MAX_UNITS = 25
_DIGEST_BYTES = 16
_BROUGHT = "-"
_BY_CALENDAR = frozenset({types_pb2.RESOURCE_KIND_EVENT, types_pb2.RESOURCE_KIND_BUSY})


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """One kind of object of one calendar.

    Attributes:
        kind: of the objects.
        calendar_id: "" for the primary calendar, and for kinds that hang on no calendar.
    """

    kind: ResourceKind
    calendar_id: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """All that one watch is about.

    Attributes:
        units: sorted, each once.
        horizon: seconds ahead of now, for kinds that are listed.
        digest: equal for equal scopes of the same connection; resume tokens carry it.
    """

    units: tuple[Unit, ...]
    horizon: int
    digest: bytes


def scope_of(asked: watch_pb2.WatchScope, identity: str) -> Scope:
    """The scope that a request asks for; `identity` is the connection's (`Target.identity`).

    Raises:
        ProviderError: INVALID, or UNSUPPORTED for a kind that no provider can be watched for.
    """
    kinds = sorted(asked.kinds) or [types_pb2.RESOURCE_KIND_EVENT]
    for kind in kinds:
        if kind not in ops.WATCHES:
            name = types_pb2.ResourceKind.Name(kind)
            raise ProviderError(
                Kind.UNSUPPORTED,
                f"{name} cannot be watched",
                violations=[("scope.kinds", "cannot be watched")],
                metadata={"capability": f"watch.{name}"},
            )
    if asked.calendar_ids and not _BY_CALENDAR.intersection(kinds):
        raise ProviderError.invalid(
            "scope.calendar_ids", "none of the kinds hangs on a calendar; leave it empty"
        )
    calendars = sorted(asked.calendar_ids) or [""]
    units = tuple(
        Unit(kind, calendar)
        for kind in kinds
        for calendar in (calendars if kind in _BY_CALENDAR else [""])
    )
    if len(units) > MAX_UNITS:
        raise ProviderError.invalid(
            "scope", f"kinds times calendars are {len(units)}; a watch holds {MAX_UNITS} at most"
        )
    horizon = asked.horizon.seconds if asked.HasField("horizon") else DEFAULT_HORIZON
    return Scope(units, horizon, _digest(identity, units, horizon))


def identity_of(connection_id: str, provider: str) -> str:
    """What resume tokens are bound to.

    Of credentials that callers bring along it is the provider alone: an access token that was
    refreshed between two calls must not make the resume token a stranger's.
    """
    return f"{connection_id}/{provider}" if connection_id == _BROUGHT else connection_id


def list_scope(connection_id: str, provider: str, calendar_id: str) -> Scope:
    """The scope of the watch that goes on from the end of a list of events."""
    asked = watch_pb2.WatchScope(connection_id=connection_id)
    if calendar_id:
        asked.calendar_ids.append(calendar_id)
    return scope_of(asked, identity_of(connection_id, provider))


def _digest(identity: str, units: tuple[Unit, ...], horizon: int) -> bytes:
    digest = hashlib.sha256()
    for text in (identity, str(horizon), *(f"{u.kind}/{u.calendar_id}" for u in units)):
        data = text.encode()
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.digest()[:_DIGEST_BYTES]
