"""How a unit is asked for what changed: by the provider's deltas, or by listing and comparing.

A source is asked once (`fetch`) and what it was told can be told to any number of watchers, each
from where it stands (`tell`, which is pure).
"""

from server.watch.deltas import DeltaSource
from server.watch.fetched import Source
from server.watch.listed import ListSource
from server.watch.ports import Clock, Target
from server.watch.scope import Unit
from ucal.v1 import watch_pb2

# Deletions that comparing may report.
_VISIBLE = frozenset(
    {
        watch_pb2.DELETION_SUPPORT_UNSPECIFIED,
        watch_pb2.DELETION_SUPPORT_EXACT,
        watch_pb2.DELETION_SUPPORT_RECONCILED,
    }
)


def source_for(target: Target, unit: Unit, horizon: int, clock: Clock) -> Source:
    """The source of `unit` at `target`."""
    if target.delta(unit.kind):
        return DeltaSource(target, unit, clock)
    deletions = target.capability(unit.kind).deletions in _VISIBLE
    return ListSource(target, unit, clock, horizon, deletions=deletions)
