"""What a provider can do, as the contract's data, from its one declaration.

ListProviders returns it, UNIMPLEMENTED carries its reasons, the conformance suite is selected by
it, and the pages of the documentation are printed from it.
"""

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.operations import Operation
from providers.core.provider import Provider
from ucal.v1 import provider_pb2, watch_pb2

DEFAULT_POLL_SECONDS = 60
_RECONCILED = "the service lists again and compares; the provider reports no changes"


def describe(provider: type[Provider]) -> provider_pb2.Provider:
    """The contract's record of `provider`, one capability per operation."""
    return provider_pb2.Provider(
        id=provider.name,
        display_name=provider.display_name,
        api_version=provider.api_version,
        documentation_url=provider.documentation_url,
        auth_kinds=provider.auth_kinds,
        passthrough=bool(provider.base_url) or _signs_in(provider),
        capabilities=[capability(provider, operation) for operation in ops.OPERATIONS],
    )


def _signs_in(provider: type[Provider]) -> bool:
    """Whether there is an account somewhere, and so an API that a call can be passed to."""
    return any(kind != provider_pb2.AUTH_KIND_NONE for kind in provider.auth_kinds)


def capability(provider: type[Provider], operation: Operation) -> provider_pb2.Capability:
    """What `provider` declares of `operation`, with the support that overriding proves."""
    found = provider_pb2.Capability()
    if operation in provider.features:
        found.CopyFrom(provider.features[operation])
    found.kind = operation.kind
    found.method = operation.method
    if operation.watches:
        _describe_watch(provider, operation, found)
    elif not provider.overrides(operation):
        found.Clear()
        found.kind, found.method = operation.kind, operation.method
        found.support = provider_pb2.SUPPORT_UNSUPPORTED
    elif not found.support:
        found.support = provider_pb2.SUPPORT_NATIVE
    if found.support != provider_pb2.SUPPORT_NATIVE and not found.reason:
        found.reason = provider.reason(operation)
    return found


def _describe_watch(
    provider: type[Provider], operation: Operation, found: provider_pb2.Capability
) -> None:
    """Fill in what follows from how the kind is watched: deltas, comparison, or not at all."""
    if not provider.watchable(operation.kind):
        found.support = provider_pb2.SUPPORT_UNSUPPORTED
        return
    delta = operation.kind in provider.delta_kinds
    if not found.support:
        found.support = provider_pb2.SUPPORT_NATIVE if delta else provider_pb2.SUPPORT_EMULATED
    if found.support == provider_pb2.SUPPORT_EMULATED and not found.reason:
        found.reason = provider.reasons.get(operation, _RECONCILED)
    if not found.watch_source:
        found.watch_source = (
            watch_pb2.WATCH_SOURCE_NATIVE
            if operation.kind in provider.pushed_kinds
            else watch_pb2.WATCH_SOURCE_POLLING
        )
    if not found.deletions:
        found.deletions = (
            watch_pb2.DELETION_SUPPORT_EXACT if delta else watch_pb2.DELETION_SUPPORT_RECONCILED
        )
    if not found.HasField("min_poll_interval"):
        found.min_poll_interval.CopyFrom(Duration(seconds=DEFAULT_POLL_SECONDS))
