"""What an update or a delete of a recurring object is to touch, for vendors with instance ids."""

import enum

from providers.core.errors import ProviderError
from ucal.v1 import types_pb2

_THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
_FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
_ALL = types_pb2.UPDATE_SCOPE_ALL


class Reach(enum.Enum):
    """What a write is to touch."""

    OBJECT = "object"
    """The addressed object itself: a single event, an instance alone, or the series as a whole."""
    SERIES = "series"
    """The series of the addressed instance."""
    FOLLOWING = "following"
    """The addressed instance and the later ones."""


def reach(scope: types_pb2.UpdateScope.ValueType, *, is_instance: bool, is_series: bool) -> Reach:
    """What `scope` means for the addressed object.

    Raises:
        ProviderError: INVALID "scope" when a recurring object is addressed without one, or a series
            as if it were an instance.
    """
    if is_instance:
        found = {_THIS: Reach.OBJECT, _ALL: Reach.SERIES, _FOLLOWING: Reach.FOLLOWING}.get(scope)
        if found is not None:
            return found
    elif not is_series or scope in {_ALL, _FOLLOWING}:
        return Reach.OBJECT
    elif scope == _THIS:
        raise ProviderError.invalid(
            "scope", "this is the id of a series: address one of its instances"
        )
    raise ProviderError.invalid("scope", "is required for a recurring event")
