"""The one vocabulary of failure. gRPC codes are the server's business; vendors' words stay outside.

A `ProviderError` carries our own English text, never a vendor's body and nothing of a calendar.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Self


class Kind(enum.Enum):
    """What went wrong; the value is the default reason of google.rpc.ErrorInfo."""

    INVALID = "INVALID_REQUEST"
    UNAUTHENTICATED = "TOKEN_EXPIRED"
    REAUTHORIZATION_REQUIRED = "REAUTHORIZATION_REQUIRED"
    INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    CONFLICT = "ETAG_MISMATCH"
    PRECONDITION = "PRECONDITION_FAILED"
    CURSOR_EXPIRED = "RESUME_TOKEN_EXPIRED"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "DAILY_QUOTA"
    UNSUPPORTED = "UNSUPPORTED_BY_PROVIDER"
    UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    TIMEOUT = "PROVIDER_TIMEOUT"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    PROVIDER_FAULT = "PROVIDER_ERROR"
    ADAPTER_FAULT = "ADAPTER_FAULT"


class ProviderError(Exception):
    """A call that failed, in words that may be shown to the caller.

    Attributes:
        kind: what went wrong.
        message: our own sentence, telling the caller what to do next.
        reason: UPPER_SNAKE word of ErrorInfo, the kind's default unless a finer one is known.
        violations: (field path of the request, description) pairs, for INVALID.
        retry_after: seconds to wait before the next try, when known.
        metadata: machine-readable facts (`provider_status`, `provider_code`,
            `provider_request_id`, `needed_scope`, `capability`, ...); never personal data.
        resource: (type, id as the caller named it), for NOT_FOUND and ALREADY_EXISTS.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        reason: str = "",
        violations: Iterable[tuple[str, str]] = (),
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
        resource: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.reason = reason or kind.value
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.metadata = dict(metadata or {})
        self.resource = resource

    @classmethod
    def invalid(cls, field: str, description: str, *, reason: str = "") -> Self:
        """Bad input in the request field `field` (a path of the request message)."""
        return cls(
            Kind.INVALID,
            f"{field}: {description}",
            reason=reason,
            violations=[(field, description)],
        )

    @classmethod
    def not_found(cls, resource_type: str, resource_id: str) -> Self:
        """The named resource is not there, or not visible to this account."""
        return cls(
            Kind.NOT_FOUND,
            f"the {resource_type} does not exist, or this connection does not see it",
            resource=(resource_type, resource_id),
        )


def sole(group: ExceptionGroup[Exception]) -> Exception:
    """What a TaskGroup has failed with: the first `ProviderError`, if there is nothing else in it.

    Anything else in it is a bug, which no other failure may hide: the group itself is returned.
    """
    known, unknown = group.split(ProviderError)
    if known is None or unknown is not None:
        return group
    first: Exception = known
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    return first
