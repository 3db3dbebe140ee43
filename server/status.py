"""From `ProviderError` to google.rpc.Status: the one table of kinds and codes.

Messages are ours and English; details are machine-readable, one of each type at most (AIP-193).
"""

import re
from collections.abc import Mapping

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from providers.core.errors import Kind, ProviderError

DOMAIN = "ucal"
METADATA_KEY = "grpc-status-details-bin"
# Trailing metadata is bounded (8 KiB by default): say the first few violations and how many more.
_MAX_VIOLATIONS = 20
_METADATA_VALUE = re.compile(r"[^\x20-\x7e]")

CODES: Mapping[Kind, grpc.StatusCode] = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.REAUTHORIZATION_REQUIRED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.INSUFFICIENT_SCOPE: grpc.StatusCode.PERMISSION_DENIED,
    Kind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Kind.CONFLICT: grpc.StatusCode.ABORTED,
    Kind.PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.CURSOR_EXPIRED: grpc.StatusCode.OUT_OF_RANGE,
    Kind.RATE_LIMITED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.QUOTA_EXCEEDED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNSUPPORTED: grpc.StatusCode.UNIMPLEMENTED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    Kind.OUTCOME_UNKNOWN: grpc.StatusCode.UNKNOWN,
    Kind.PROVIDER_FAULT: grpc.StatusCode.INTERNAL,
    Kind.ADAPTER_FAULT: grpc.StatusCode.INTERNAL,
}


def to_rpc_status(error: ProviderError, *, provider: str = "") -> status_pb2.Status:
    """The google.rpc.Status of `error`, with every detail that it has."""
    code: int = CODES[error.kind].value[0]
    return status_pb2.Status(
        code=code,
        message=error.message,
        details=[_pack(detail) for detail in _details(error, provider)],
    )


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _details(error: ProviderError, provider: str) -> list[Message]:
    metadata = {"provider": provider} if provider else {}
    metadata |= {key: _METADATA_VALUE.sub("?", value) for key, value in error.metadata.items()}
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)
    ]
    if error.violations:
        details.append(_bad_request(error.violations))
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after * 1e9))
        details.append(retry)
    if error.kind in {Kind.RATE_LIMITED, Kind.QUOTA_EXCEEDED}:
        quota = error_details_pb2.QuotaFailure()
        quota.violations.add(subject=provider or DOMAIN, description=error.message)
        details.append(quota)
    if error.kind is Kind.PRECONDITION:
        failure = error_details_pb2.PreconditionFailure()
        failure.violations.add(type=error.reason, subject=provider, description=error.message)
        details.append(failure)
    if error.resource is not None:
        kind, name = error.resource
        details.append(error_details_pb2.ResourceInfo(resource_type=kind, resource_name=name))
    return details


def _bad_request(violations: tuple[tuple[str, str], ...]) -> error_details_pb2.BadRequest:
    bad = error_details_pb2.BadRequest()
    for field, description in violations[:_MAX_VIOLATIONS]:
        bad.field_violations.add(field=field, description=description)
    if len(violations) > _MAX_VIOLATIONS:
        rest = len(violations) - _MAX_VIOLATIONS
        bad.field_violations.add(field="", description=f"and {rest} more")
    return bad
