"""A caller that was let in, and the ways of refusing one."""

from dataclasses import dataclass

from providers.core.errors import Kind, ProviderError
from server.access.policy import Policy


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        name: "api_key:<id>", "oidc:<digest of issuer and subject>", "spiffe://..." or "dns:...".
        policy: what it may do.
        until: when its credentials end, seconds since 1970.
        key_id: of the API key; "": it has none.
    """

    name: str
    policy: Policy
    until: float = float("inf")
    key_id: str = ""


def missing(what: str) -> ProviderError:
    """Nothing was presented."""
    return ProviderError(
        Kind.UNAUTHENTICATED, f"who are you? Send {what}", reason="CALLER_CREDENTIALS_MISSING"
    )


def invalid(why: str) -> ProviderError:
    """What was presented is not taken."""
    return ProviderError(Kind.UNAUTHENTICATED, why, reason="CALLER_CREDENTIALS_INVALID")


def expired(what: str) -> ProviderError:
    """It was good once."""
    return ProviderError(
        Kind.UNAUTHENTICATED, f"{what} has expired", reason="CALLER_CREDENTIALS_EXPIRED"
    )


def revoked() -> ProviderError:
    """Somebody took it back."""
    return ProviderError(
        Kind.UNAUTHENTICATED, "the API key was revoked", reason="CALLER_CREDENTIALS_REVOKED"
    )
