"""Checks of writes: masks, fields that the provider cannot keep, etags, idempotency, scopes.

Nothing is lost in silence: what a provider cannot keep is reported, or refused with `strict`; what
a mask names expressly and the provider cannot keep is UNSUPPORTED.
"""

from typing import Any

from providers.core.errors import Kind, ProviderError
from server.requests.exchange import Check, Exchange
from server.requests.fields import (
    CALL_FIELDS,
    clear_read_only,
    immutable,
    nested,
    read_only,
    writable_set,
)
from ucal.v1 import provider_pb2, types_pb2

# Tells where an event goes, and is no property of it.
_TARGET = "calendar_id"


def fields_of_create(request: Any, exchange: Exchange) -> None:
    """Leave in the new resource what the provider keeps, and note the rest.

    Raises:
        ProviderError: PRECONDITION with `strict`.
    """
    resource = getattr(request, exchange.operation.resource)
    clear_read_only(resource)
    _drop(resource, {_TARGET, *exchange.capability.writable_fields}, exchange)
    _refuse_if_strict(request, exchange)


def _drop(resource: Any, writable: set[str], exchange: Exchange) -> None:
    for name in list(writable_set(resource)):
        if name not in writable:
            resource.ClearField(name)
            exchange.dropped.append(name)


def _refuse_if_strict(request: Any, exchange: Exchange) -> None:
    if not (request.strict and exchange.dropped):
        return
    prefix = exchange.operation.resource
    raise ProviderError(
        Kind.PRECONDITION,
        f"{exchange.display_name} cannot keep: {', '.join(exchange.dropped)}",
        reason="FIELDS_NOT_SUPPORTED",
        violations=[(f"{prefix}.{name}", "cannot be kept") for name in exchange.dropped],
    )


def mask_of_update(request: Any, exchange: Exchange) -> None:
    """Make the mask explicit, checked, and free of what the provider cannot keep.

    Raises:
        ProviderError: INVALID for a path that is unknown or read-only, or when nothing is to be
            done; UNSUPPORTED for a path that the provider cannot write.
    """
    resource = getattr(request, exchange.operation.resource)
    clear_read_only(resource)
    writable = set(exchange.capability.writable_fields)
    if request.HasField("update_mask"):
        _check_paths(request, resource, writable, exchange)
    else:
        _fill_mask(request, resource, writable, exchange)
    _refuse_if_strict(request, exchange)
    if not request.update_mask.paths and not _has_deltas(request):
        if exchange.dropped:
            raise exchange.unsupported(
                f"none of these can be written: {', '.join(exchange.dropped)}", "update_mask"
            )
        raise ProviderError.invalid("update_mask", "nothing to write: name or set a field")


def _has_deltas(request: Any) -> bool:
    return "add_attendees" in request.DESCRIPTOR.fields_by_name and bool(
        request.add_attendees or request.remove_attendees
    )


def _check_paths(request: Any, resource: Any, writable: set[str], exchange: Exchange) -> None:
    paths = [path for path in request.update_mask.paths if path not in CALL_FIELDS]
    for path in paths:
        fields = nested(resource.DESCRIPTOR, path)
        if path == "*" or not fields:
            raise ProviderError.invalid(
                "update_mask", f'no such field: {path[:100]!r} ("*" is not taken)'
            )
        root = fields[0].name
        if root in read_only(resource.DESCRIPTOR) or root in immutable(resource.DESCRIPTOR):
            raise ProviderError.invalid("update_mask", f"{root} cannot be written")
        if len(fields) > 1 and fields[-1].name in read_only(fields[-1].containing_type):
            raise ProviderError.invalid("update_mask", f"{path} cannot be written")
        if root not in writable:
            raise exchange.unsupported(f"{root} cannot be written", "update_mask")
    del request.update_mask.paths[:]
    request.update_mask.paths.extend(dict.fromkeys(paths))


def _fill_mask(request: Any, resource: Any, writable: set[str], exchange: Exchange) -> None:
    if _TARGET in request.DESCRIPTOR.fields_by_name and not _moves(request, resource):
        resource.ClearField(_TARGET)
    for name in immutable(resource.DESCRIPTOR):
        resource.ClearField(name)
    if getattr(resource, _TARGET, "") and _TARGET not in writable:
        raise exchange.unsupported("events cannot be moved to another calendar", _TARGET)
    _drop(resource, writable, exchange)
    request.update_mask.paths.extend(writable_set(resource))


def _moves(request: Any, resource: Any) -> bool:
    """Whether the event is to change calendars; fills in where it is when only the event tells."""
    if not request.calendar_id:
        request.calendar_id = resource.calendar_id
    return bool(resource.calendar_id) and resource.calendar_id != request.calendar_id


def attendee_deltas(request: Any, exchange: Exchange) -> None:
    """Deltas and a whole list exclude one another; both need attendees to be writable."""
    if not _has_deltas(request):
        return
    if any(path.split(".")[0] == "attendees" for path in request.update_mask.paths):
        raise ProviderError.invalid("add_attendees", "excludes attendees in event")
    if "attendees" not in exchange.capability.writable_fields:
        raise exchange.unsupported("attendees cannot be changed", "add_attendees")


def etag(request: Any, exchange: Exchange) -> None:
    """A version is compared where the provider has versions, and refused where it has none."""
    resource = getattr(request, exchange.operation.resource, request)
    if getattr(resource, "etag", "") and not exchange.capability.etags:
        path = "etag" if resource is request else f"{exchange.operation.resource}.etag"
        raise ProviderError.invalid(
            path, f"{exchange.display_name} has no versions to compare; leave it out"
        )


def request_id(request: Any, exchange: Exchange) -> None:
    """Idempotency is the provider's, or there is none."""
    known = exchange.capability.idempotency == provider_pb2.IDEMPOTENCY_SUPPORT_PROVIDER
    if request.request_id and not known:
        raise ProviderError.invalid(
            "request_id",
            f"{exchange.display_name} cannot make creation idempotent; leave it out",
            reason="REQUEST_ID_NOT_SUPPORTED",
        )


def scope(request: Any, exchange: Exchange) -> None:
    """The scope is one that the provider has."""
    if not request.scope or request.scope in exchange.capability.scopes:
        return
    name = types_pb2.UpdateScope.Name(request.scope).removeprefix("UPDATE_SCOPE_")
    raise exchange.unsupported(f"recurring objects cannot be touched by scope {name}", "scope")


def conference(request: Any, exchange: Exchange) -> None:
    """A call is asked for that the provider can make, or an existing one is attached."""
    asked = request.event.conference
    if not asked.kind or asked.join_url or not request.event.HasField("conference"):
        return
    if "conference" not in exchange.capability.writable_fields:
        return
    if asked.kind not in exchange.capability.conference_kinds:
        name = types_pb2.ConferenceKind.Name(asked.kind).removeprefix("CONFERENCE_KIND_")
        raise exchange.unsupported(f"it cannot make calls of kind {name}", "event.conference.kind")


CREATES: tuple[Check, ...] = (fields_of_create,)
UPDATES: tuple[Check, ...] = (mask_of_update,)
CHECKS: dict[str, tuple[Check, ...]] = {
    "add_attendees": (attendee_deltas,),
    "request_id": (request_id,),
    "scope": (scope,),
}
