"""How it is told that a secret which a connection refers to cannot be had, wherever it is kept."""

from providers.core.errors import Kind, ProviderError


def unavailable(why: str) -> ProviderError:
    """`why` is the service's own words, never the vault's, and names no secret."""
    return ProviderError(
        Kind.PRECONDITION,
        f"the secret that this connection refers to cannot be had: {why}",
        reason="SECRET_UNAVAILABLE",
    )
