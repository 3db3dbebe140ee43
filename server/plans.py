"""Which checks a request goes through: chosen once per provider and operation, from data.

A check applies when the request has the field that it looks at, so a new RPC needs no code here.
"""

from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor

from providers.core.capabilities import capability
from providers.core.operations import Operation
from providers.core.provider import Provider
from server.requests import reads, timing, writes
from server.requests.exchange import Check
from ucal.v1 import provider_pb2

# Lists that would be endless, or meaningless, without a window.
_NEEDS_WINDOW = frozenset({"list_events", "list_busy", "list_link_slots"})


@dataclass(frozen=True, slots=True)
class Plan:
    """How one operation of one provider is carried out.

    Attributes:
        operation: what is asked.
        capability: how the provider does it.
        display_name: of the provider.
        checks: what the request goes through, in this order.
        pages: the request has a page token.
        masks: the request has a read mask.
    """

    operation: Operation
    capability: provider_pb2.Capability
    display_name: str
    checks: tuple[Check, ...]
    pages: bool
    masks: bool


def plan_for(provider: type[Provider], operation: Operation, fields: Descriptor) -> Plan:
    """The plan of `operation`, whose request message is described by `fields`, at `provider`."""
    return Plan(
        operation=operation,
        capability=capability(provider, operation),
        display_name=provider.display_name,
        checks=_checks(operation, fields),
        pages="page_token" in fields.fields_by_name,
        masks="read_mask" in fields.fields_by_name,
    )


def _checks(operation: Operation, fields: Descriptor) -> tuple[Check, ...]:
    names = fields.fields_by_name
    found: list[Check] = []
    if operation.name in _NEEDS_WINDOW:
        found.append(reads.whole_window)
    found += [check for name, checks in reads.CHECKS.items() if name in names for check in checks]
    if operation.writes:
        found += _write_checks(operation, fields)
    return tuple(found)


def _write_checks(operation: Operation, fields: Descriptor) -> list[Check]:
    names = fields.fields_by_name
    has_resource = operation.resource in names
    resource = names[operation.resource].message_type if has_resource else None
    timed = resource is not None and "start_at" in resource.fields_by_name
    found: list[Check] = []
    if "etag" in names or has_resource:
        found.append(writes.etag)
    if operation.method == provider_pb2.METHOD_UPDATE:
        found += writes.UPDATES
        found += [timing.of_update] if timed else []
    elif has_resource:
        found += writes.CREATES
        found += [timing.of_create] if timed else []
    if timed and operation.resource == "event":
        found.append(writes.conference)
    found += [check for name, checks in writes.CHECKS.items() if name in names for check in checks]
    return found
