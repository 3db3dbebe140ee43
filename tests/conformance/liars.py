"""Providers that lie: the sandbox, with one untrue word or one broken deed each."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, cast

from providers.core import operations as ops
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.operations import Operation
from providers.core.provider import Provider
from providers.registry import PROVIDERS
from ucal.v1 import provider_pb2, watch_pb2

BASE = "sandbox"
Method = Callable[[Provider, Call, Any], Awaitable[Any]]
Attributes = dict[str, Any]
_TRUTH = PROVIDERS.get(BASE, "")
_told: Attributes = {}
_made: dict[type[Provider], type[Provider]] = {}


def honest() -> type[Provider]:
    """The provider that the liars are made of."""
    module, _, attribute = _TRUTH.partition(":")
    return cast("type[Provider]", getattr(import_module(module), attribute))


def tell(attributes: Attributes) -> str:
    """From now on the liar of this module has these attributes; what its registry row says."""
    _told.clear()
    _told.update(attributes)
    _made.clear()
    return f"{__name__}:Liar"


def __getattr__(name: str) -> type[Provider]:
    """The liar, made when the registry asks for it: a harness may have put another class there."""
    if name != "Liar":
        raise AttributeError(name)
    base = honest()
    if base not in _made:
        _made[base] = type("Liar", (base,), dict(_told))
    return _made[base]


def declaring(operation: Operation, **changes: Any) -> Attributes:
    """Says something else of `operation`."""
    found = provider_pb2.Capability()
    found.CopyFrom(honest().features.get(operation, provider_pb2.Capability()))
    for name in changes:
        found.ClearField(name)  # type: ignore[arg-type]  # any of its fields
    found.MergeFrom(provider_pb2.Capability(**changes))
    return {"features": {**honest().features, operation: found}}


def asking(operation: Operation, spoil: Callable[[Any], None]) -> Attributes:
    """Changes the request before it carries `operation` out."""
    truth: Method = getattr(honest(), operation.name)

    async def method(self: Provider, call: Call, request: Any) -> Any:
        spoil(request)
        return await truth(self, call, request)

    return {operation.name: method}


def answering(operation: Operation, spoil: Callable[[Any], None]) -> Attributes:
    """Carries `operation` out, and changes the answer."""
    truth: Method = getattr(honest(), operation.name)

    async def method(self: Provider, call: Call, request: Any) -> Any:
        answer = await truth(self, call, request)
        spoil(answer)
        return answer

    return {operation.name: method}


def refusing(operation: Operation, when: Callable[[Any], bool] = lambda _: True) -> Attributes:
    """Overrides `operation`, and cannot do it."""
    truth: Method = getattr(honest(), operation.name)

    async def method(self: Provider, call: Call, request: Any) -> Any:
        if when(request):
            raise self.unsupported(operation)
        return await truth(self, call, request)

    return {operation.name: method}


def lacking(operation: Operation) -> Attributes:
    """Has no such operation, and gives another reason when it is asked than before."""

    def unsupported(asked: Operation) -> ProviderError:
        return ProviderError(Kind.UNSUPPORTED, "just because", metadata={"capability": asked.name})

    return {
        operation.name: getattr(Provider, operation.name),
        "reasons": {**honest().reasons, operation: "the moon is in the wrong house"},
        "unsupported": staticmethod(unsupported),
    }


def silent_about_deletions() -> Attributes:
    """Leaves deletions out of what has changed."""
    truth = honest().list_changes

    async def list_changes(self: Provider, call: Call, query: ChangesQuery) -> ChangesPage:
        page = await truth(self, call, query)
        told = [c for c in page.changes if c.type != watch_pb2.CHANGE_TYPE_DELETED]
        return ChangesPage(told, page.cursor, page.has_more, page.versions)

    return {"list_changes": list_changes}


def blind() -> Attributes:
    """Says that it tells changes, and does not."""
    return {"list_changes": Provider.list_changes}


def without_page_sizes(operation: Operation) -> Attributes:
    """Answers with everything at once, whatever was asked."""

    def spoil(request: Any) -> None:
        request.page_size = 0

    return asking(operation, spoil)


def forgetting(operation: Operation, path: str) -> Attributes:
    """Does not keep one field, in silence."""

    def spoil(request: Any) -> None:
        getattr(request, operation.resource).ClearField(path)

    return asking(operation, spoil)


def exaggerating_losses() -> Attributes:
    """Reports a field as lost that it has kept."""
    return answering(
        ops.CREATE_EVENT, lambda answer: answer.report.dropped_fields.paths.append("subject")
    )
