"""Which providers the suite runs against: every registry row whose tests bring a `Harness`.

A harness module is looked for beside the tests of the provider, then beside those of its vendor's
folder; it may hold several classes (one per server that speaks the protocol, one per product).
"""

import importlib
import inspect
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, Protocol, cast

from providers.core import operations as ops
from providers.core.capabilities import describe
from providers.core.operations import OPERATIONS, Operation, ResourceKind
from providers.core.settings import ProviderSettings
from providers.registry import PROVIDERS, provider_class
from ucal.v1 import connection_pb2, provider_pb2

TESTS = Path(__file__).resolve().parent.parent / "providers"


class Harness(Protocol):
    """The other side of a provider, in the hands of the suite.

    Besides what is declared here the suite honours, where they are there:

    - `variant: str`: tells apart several harnesses of one provider;
    - `fixed_kinds: frozenset`: kinds that cannot be planted, changed or removed from outside;
    - `parent_id: str`: the object that `Capability.list_needs_parent` speaks of;
    - `books: bool`: events come into being by booking `link_id` only (default: `link_id` is kept on
      create and `recurrence` is not);
    - `metadata: Sequence[tuple[str, str]]`: sent with every call;
    - `prepare(kind, resource) -> None`: last hand on a resource that the suite is about to create;
    - `reads_before_write: bool`: a create asks the provider something first, so that a failing
      provider may be met by a read;
    - `lose_next() -> None` (async): do the next write and cut the connection before answering.
    """

    provider: ClassVar[str]
    settings: ProviderSettings
    connection: connection_pb2.Connection
    calendar_id: str
    link_id: str

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as another client would; its contract id."""
        ...

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        ...

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        ...

    async def expire_cursors(self) -> None:
        """Make every sync token dead."""
        ...

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        ...


class HarnessClass(Protocol):
    """A class of harnesses."""

    def __call__(self) -> AbstractAsyncContextManager[Harness]:
        """A new one, not yet entered."""
        ...


@dataclass(frozen=True)
class Subject:
    """A provider with a harness.

    Attributes:
        id: shown in the test's name.
        capabilities: as declared; `test_capabilities` holds the wire against it.
    """

    id: str
    provider: str
    make: HarnessClass = field(repr=False)
    capabilities: dict[Operation, provider_pb2.Capability] = field(repr=False, hash=False)

    @property
    def fixed_kinds(self) -> frozenset[ResourceKind]:
        """Kinds that cannot be planted, changed or removed from outside."""
        return getattr(self.make, "fixed_kinds", frozenset())

    @property
    def delta_kinds(self) -> frozenset[ResourceKind]:
        """Kinds for which the provider tells what changed."""
        return provider_class(self.provider).delta_kinds

    @property
    def books(self) -> bool:
        """Whether events come into being by booking a link only, so at free slots only."""
        declared = self.capabilities[ops.CREATE_EVENT].writable_fields
        return getattr(self.make, "books", "link_id" in declared and "recurrence" not in declared)

    def supports(self, operation: Operation) -> bool:
        """Whether the operation is declared to work, by itself or emulated."""
        return self.capabilities[operation].support in (
            provider_pb2.SUPPORT_NATIVE,
            provider_pb2.SUPPORT_EMULATED,
        )


def _harness_classes(provider: str) -> Iterator[HarnessClass]:
    folder = PROVIDERS[provider].removeprefix("providers.").replace(":", ".").split(".")[0]
    for place in dict.fromkeys((provider, folder)):
        if not (TESTS / place / "harness.py").is_file():
            continue
        module = importlib.import_module(f"tests.providers.{place}.harness")
        found = [
            cast("HarnessClass", member)
            for _, member in inspect.getmembers(module, inspect.isclass)
            if getattr(member, "provider", None) == provider and hasattr(member, "__aenter__")
        ]
        if found:
            yield from found
            return


def capabilities(provider: str) -> dict[Operation, provider_pb2.Capability]:
    """What `provider` declares, by operation."""
    record = describe(provider_class(provider))
    declared = {(c.kind, c.method): c for c in record.capabilities}
    return {op: declared[op.kind, op.method] for op in OPERATIONS}


@cache
def subjects() -> tuple[Subject, ...]:
    """Every provider that the suite can run against."""
    found = []
    for name in PROVIDERS:
        for harness in _harness_classes(name):
            variant = getattr(harness, "variant", "")
            own_id = f"{name}-{variant}" if variant else name
            found.append(Subject(own_id, name, harness, capabilities(name)))
    return tuple(found)
