"""One call on its way through the checks: what they know of it, and what they found."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor

from providers.core.errors import Kind, ProviderError
from providers.core.operations import Operation
from ucal.v1 import provider_pb2


@dataclass(slots=True)
class Exchange:
    """Facts of one call that the checks share.

    Attributes:
        operation: what is asked.
        capability: how the provider does it.
        display_name: the provider's, for messages.
        dropped: fields of the resource that the provider cannot keep, in the order found.
    """

    operation: Operation
    capability: provider_pb2.Capability
    display_name: str
    dropped: list[str] = field(default_factory=list)

    def unsupported(self, what: str, path: str) -> ProviderError:
        """The error of a request part that this provider cannot honour."""
        return ProviderError(
            Kind.UNSUPPORTED,
            f"{self.display_name}: {what}",
            violations=[(path, what)],
            metadata={"capability": f"{self.operation.name}.{path}"},
        )


Check: TypeAlias = Callable[[Any, Exchange], None]
"""Looks at a request, may normalize it in place, raises ProviderError."""

Applies: TypeAlias = Callable[[Descriptor, Operation], bool]
"""Whether a check has anything to do for requests of this message."""
