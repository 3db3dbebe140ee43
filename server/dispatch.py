"""From an RPC to a provider's method and back: the one way that every call of the contract takes.

Resolve the connection, ask whether the provider has the operation, check and normalize the request,
call, then seal tokens, trim, report. The provider between sees only clean input.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from providers.core.call import Call
from providers.core.errors import sole
from providers.core.operations import Operation
from providers.core.provider import Provider
from server.interceptors.scope import SCOPE
from server.interceptors.wrap import Context
from server.pages import Pages, question
from server.plans import Plan, plan_for
from server.requests.exchange import Exchange
from server.requests.reads import trim
from ucal.v1 import event_pb2, types_pb2


class Resolved(Protocol):
    """A connection that is ready to be used for one call."""

    @property
    def provider(self) -> Provider:
        """Its provider."""

    @property
    def call(self) -> Call:
        """What the provider's methods are handed."""

    @property
    def account_key(self) -> str:
        """Equal only for the same credentials at the same place."""

    @property
    def is_brought(self) -> bool:
        """Whether the caller brought the credentials, so that connection_id does not tell."""

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """What the caller must be told when the call has ended, e.g. rotated credentials."""


class Resolver(Protocol):
    """Finds connections."""

    async def resolve(self, connection_id: str, metadata: Mapping[str, str | bytes]) -> Resolved:
        """The connection that `connection_id` and the call's metadata name.

        Raises:
            ProviderError: NOT_FOUND, INVALID, REAUTHORIZATION_REQUIRED.
        """


class ListTokens(Protocol):
    """Makes the resume tokens with which a watch goes on from the end of a list."""

    def after_list(self, connection_id: str, calendar_id: str, cursor: str) -> bytes:
        """A token of the watch of `calendar_id` alone, from the provider's `cursor` on."""


class Dispatcher:
    """Carries out operations."""

    def __init__(self, connections: Resolver, pages: Pages, lists: ListTokens) -> None:
        self._connections = connections
        self._pages = pages
        self._lists = lists
        self._plans: dict[tuple[str, str], Plan] = {}

    def _plan(self, provider: Provider, operation: Operation, request: Any) -> Plan:
        key = (provider.name, operation.name)
        if key not in self._plans:
            self._plans[key] = plan_for(type(provider), operation, request.DESCRIPTOR)
        return self._plans[key]

    async def run(self, operation: Operation, request: Any, context: Context) -> Any:
        """The answer to `request`.

        Raises:
            ProviderError: whatever went wrong, with our own field paths.
        """
        metadata = dict(context.invocation_metadata() or ())
        resolved = await self._connections.resolve(request.connection_id, metadata)
        provider = resolved.provider
        scope = SCOPE.get()
        scope.provider = provider.name
        try:
            return await self.carry_out(operation, request, resolved)
        finally:
            rotated = resolved.trailing_metadata()
            if rotated:
                context.set_trailing_metadata((*(context.trailing_metadata() or ()), *rotated))

    async def carry_out(self, operation: Operation, request: Any, resolved: Resolved) -> Any:
        """`run`, once the connection is known."""
        provider = resolved.provider
        if not provider.overrides(operation):
            raise provider.unsupported(operation)
        plan = self._plan(provider, operation, request)
        exchange = Exchange(operation, plan.capability, plan.display_name)
        bound = b""
        if plan.pages:
            owner = resolved.account_key if resolved.is_brought else request.connection_id
            bound = question(request, operation.rpc, f"{provider.name}/{owner}")
            self._pages.open(request, bound)
        for check in plan.checks:
            check(request, exchange)
        if getattr(request, "validate_only", False):
            return _as_checked(request, exchange)
        try:
            answer = await getattr(provider, operation.name)(resolved.call, request)
        except ExceptionGroup as group:
            raise sole(group) from None
        return self._finish(plan, request, answer, exchange, bound)

    def _finish(
        self, plan: Plan, request: Any, answer: Any, exchange: Exchange, bound: bytes
    ) -> Any:
        if plan.pages:
            self._pages.seal(answer, bound)
            items = getattr(answer, plan.operation.resource, None)
            if items is not None:
                SCOPE.get().items += len(items)
        if plan.masks and request.HasField("read_mask"):
            _trim(plan, answer, request)
        if exchange.dropped:
            _report(answer.report, exchange)
        if plan.operation.name == "list_events" and answer.resume_token:
            answer.resume_token = self._lists.after_list(
                request.connection_id, request.calendar_id, answer.resume_token.decode()
            )
        return answer


def _trim(plan: Plan, answer: Any, request: Any) -> None:
    found = getattr(answer, plan.operation.resource)
    for resource in found if plan.pages else [found]:
        trim(resource, request.read_mask)


def _report(report: types_pb2.WriteReport, exchange: Exchange) -> None:
    known = set(report.dropped_fields.paths)
    report.dropped_fields.paths.extend(name for name in exchange.dropped if name not in known)


def _as_checked(request: event_pb2.CreateEventRequest, exchange: Exchange) -> Any:
    """The answer to validate_only: what would have been sent, and what would have been lost."""
    answer = event_pb2.CreateEventResponse(event=request.event)
    _report(answer.report, exchange)
    return answer
