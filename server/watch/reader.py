"""The engine's way to real connections: resolved anew for every question, with patience of its own.

A question asked for a feed serves everybody who watches it, so no single caller's deadline bounds
it. What a caller brought along (credentials, hints) goes with its own questions and nobody else's.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from providers.core import operations as ops
from providers.core.call import ChangesPage, ChangesQuery
from providers.core.capabilities import capability
from providers.core.errors import Kind, ProviderError, sole
from providers.core.operations import Operation, ResourceKind
from providers.core.provider import Provider
from server.dispatch import Resolved, Resolver
from server.interceptors.scope import SCOPE, Scope
from server.providers import names_base_url
from server.watch.scope import identity_of
from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    event_pb2,
    link_pb2,
    provider_pb2,
    recording_pb2,
    types_pb2,
    webinar_pb2,
)

# For one question; a listing of many pages is one question.
_PATIENCE = 120.0
_MOST_OBJECTS = 20_000
_MOST_PAGES = 2_000
_PREFIX = "ucal-"
_SECONDS_PER_DAY = 86_400

Metadata = Mapping[str, str | bytes]


class ConnectionTarget:
    """One connection, or one caller's own credentials: a `server.watch.ports.Target`."""

    def __init__(
        self,
        resolver: Resolver,
        connection_id: str,
        metadata: Metadata,
        provider: Provider,
        key: Hashable,
    ) -> None:
        self._resolver = resolver
        self._metadata = metadata
        self._provider = provider
        self._rotated: tuple[tuple[str, str | bytes], ...] = ()
        self._capabilities: dict[Operation, provider_pb2.Capability] = {}
        self.connection_id = connection_id
        self.provider = provider.name
        self.key = key
        self.identity = identity_of(connection_id, provider.name)

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """What a caller must be told when its call ends, e.g. rotated credentials."""
        return self._rotated

    @property
    def shared(self) -> bool:
        """Whether the provider is somewhere else: one without any address lives in this process."""
        return bool(self._provider.base_url) or names_base_url(self._provider)

    def _capability(self, operation: Operation) -> provider_pb2.Capability:
        found = self._capabilities.get(operation)
        if found is None:
            found = self._capabilities[operation] = capability(type(self._provider), operation)
        return found

    def capability(self, kind: ResourceKind) -> provider_pb2.Capability:
        """How `kind` is watched.

        Raises:
            ProviderError: UNSUPPORTED, with the provider's declared reason.
        """
        watch = ops.WATCHES[kind]
        if not self._provider.watchable(kind):
            raise self._provider.unsupported(watch)
        if not self.delta(kind) and self._capability(ops.LISTS[kind]).list_needs_parent:
            raise self._provider.unsupported(watch)
        return self._capability(watch)

    def delta(self, kind: ResourceKind) -> bool:
        """Whether the provider tells what changed."""
        return kind in self._provider.delta_kinds

    async def changes(self, query: ChangesQuery) -> ChangesPage:
        """`Provider.list_changes`."""
        async with self._resolved() as resolved:
            return await resolved.provider.list_changes(resolved.call, query)

    async def listing(
        self,
        kind: ResourceKind,
        calendar_id: str,
        window: types_pb2.TimeRange,
        *,
        include_raw: bool,
    ) -> list[Any]:
        """Every object of `kind` that overlaps `window`; each once."""
        operation = ops.LISTS[kind]
        limits = self._capability(operation)
        found: dict[str, Any] = {}
        async with self._resolved() as resolved:
            ask = getattr(resolved.provider, operation.name)
            for part in _parts(window, limits, kind):
                request = _REQUESTS[kind](calendar_id, part)
                request.connection_id = self.connection_id
                request.include_raw = include_raw
                request.page_size = limits.max_page_size
                async for resource in _pages(ask, resolved, request, operation):
                    if resource.id:
                        found[resource.id] = resource
                    if len(found) > _MOST_OBJECTS:
                        raise _too_large()
        return list(found.values())

    async def read(self, kind: ResourceKind, calendar_id: str, id: str) -> Any:
        """The object `id` as it is now; None when it is not there, or cannot be read one by one."""
        operation = _GET_OPERATIONS.get(kind)
        if operation is None or kind not in _GETS or not self._provider.overrides(operation):
            return None
        request = _GETS[kind](connection_id=self.connection_id, id=id)
        if "calendar_id" in request.DESCRIPTOR.fields_by_name:
            request.calendar_id = calendar_id
        async with self._resolved() as resolved:
            try:
                ask = getattr(resolved.provider, operation.name)
                answer = await ask(resolved.call, request)
            except ProviderError as error:
                if error.kind in _NOT_THERE:
                    return None
                raise
        return getattr(answer, operation.resource)

    @asynccontextmanager
    async def _resolved(self) -> AsyncIterator[Resolved]:
        """The connection with fresh credentials, within the engine's own deadline."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        outer = SCOPE.set(Scope(deadline=deadline, provider=self.provider))
        try:
            async with asyncio.timeout_at(deadline):
                resolved = await self._resolver.resolve(self.connection_id, self._metadata)
                try:
                    yield resolved
                finally:
                    self._rotated = resolved.trailing_metadata() or self._rotated
        except TimeoutError:
            raise ProviderError(
                Kind.TIMEOUT, "the provider did not answer in time; it is asked again"
            ) from None
        except ExceptionGroup as group:
            raise sole(group) from None
        finally:
            SCOPE.reset(outer)


class ConnectionReader:
    """Finds targets through `Connections.resolve`; those who may share one get the same one."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._targets: WeakValueDictionary[tuple[str, str, str], ConnectionTarget] = (
            WeakValueDictionary()
        )

    async def target(self, connection_id: str, metadata: Metadata) -> ConnectionTarget:
        """The connection that `connection_id` and a call's metadata name.

        Raises:
            ProviderError: as `Resolver.resolve`.
        """
        resolved = await self._resolver.resolve(connection_id, metadata)
        ours = {name: value for name, value in metadata.items() if name.startswith(_PREFIX)}
        key = (connection_id, resolved.call.account_key, _digest(ours))
        found = self._targets.get(key)
        if found is None:
            found = ConnectionTarget(self._resolver, connection_id, ours, resolved.provider, key)
            self._targets[key] = found
        return found


def _digest(metadata: Metadata) -> str:
    """What callers brought along, to be compared: it may hold secrets."""
    digest = hashlib.sha256()
    for name in sorted(metadata):
        value = metadata[name]
        data = value if isinstance(value, bytes) else value.encode()
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest() if metadata else ""


async def _pages(
    ask: Callable[[Any, Any], Any], resolved: Resolved, request: Any, operation: Operation
) -> AsyncIterator[Any]:
    """Every object of a list, through all its pages."""
    for _ in range(_MOST_PAGES):
        answer = await ask(resolved.call, request)
        if getattr(answer, "unreachable", None):
            # A part of the list: what is missing must not look deleted.
            raise ProviderError(
                Kind.UNAVAILABLE, "some calendars cannot be reached at the provider now"
            )
        for resource in getattr(answer, operation.resource):
            yield resource
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token
    raise _too_large()


def _too_large() -> ProviderError:
    return ProviderError(
        Kind.PRECONDITION,
        "there is more than can be compared; watch fewer calendars or a shorter horizon",
        reason="WATCH_TOO_LARGE",
    )


def _parts(
    window: types_pb2.TimeRange, limits: provider_pb2.Capability, kind: ResourceKind
) -> Iterator[types_pb2.TimeRange]:
    """The window in parts that the provider takes."""
    start, end = window.start_at.seconds, window.end_at.seconds
    step = limits.max_window.seconds
    if kind in _WINDOWLESS or not step:
        yield window
        return
    step = max(step, _SECONDS_PER_DAY // 24)
    for at in range(start, end, step):
        part = types_pb2.TimeRange()
        part.start_at.seconds = at
        part.end_at.seconds = min(at + step, end)
        yield part


_WINDOWLESS = frozenset({types_pb2.RESOURCE_KIND_CALENDAR, types_pb2.RESOURCE_KIND_LINK})
_Ask = Callable[[str, types_pb2.TimeRange], Any]


def _events(calendar_id: str, window: types_pb2.TimeRange) -> Any:
    return event_pb2.ListEventsRequest(
        calendar_id=calendar_id, window=window, include_canceled=True
    )


def _busy(calendar_id: str, window: types_pb2.TimeRange) -> Any:
    calendars = [calendar_id] if calendar_id else []
    return busy_pb2.ListBusyRequest(calendar_ids=calendars, window=window)


_REQUESTS: dict[ResourceKind, _Ask] = {
    types_pb2.RESOURCE_KIND_CALENDAR: lambda *_: calendar_pb2.ListCalendarsRequest(),
    types_pb2.RESOURCE_KIND_EVENT: _events,
    types_pb2.RESOURCE_KIND_BUSY: _busy,
    types_pb2.RESOURCE_KIND_LINK: lambda *_: link_pb2.ListLinksRequest(),
    types_pb2.RESOURCE_KIND_RECORDING: lambda _, window: recording_pb2.ListRecordingsRequest(
        window=window
    ),
    types_pb2.RESOURCE_KIND_WEBINAR: lambda _, window: webinar_pb2.ListWebinarsRequest(
        window=window
    ),
}

_GET_OPERATIONS = {
    operation.kind: operation
    for operation in ops.OPERATIONS
    if operation.method == provider_pb2.METHOD_GET
}
_GETS: dict[ResourceKind, Callable[..., Any]] = {
    types_pb2.RESOURCE_KIND_EVENT: event_pb2.GetEventRequest,
    types_pb2.RESOURCE_KIND_RECORDING: recording_pb2.GetRecordingRequest,
    types_pb2.RESOURCE_KIND_WEBINAR: webinar_pb2.GetWebinarRequest,
}
# A delivery to the operator's app may be of another account's object.
_NOT_THERE = frozenset({Kind.NOT_FOUND, Kind.FORBIDDEN, Kind.INVALID})
