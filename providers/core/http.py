"""The door to a provider: signed, bounded, retried requests, and their answers.

Providers call `Http.send` and nothing else. Under it lie `auth` (who signs), `retry` (what may be
sent twice) and `transport` (sockets, caps, the SSRF guard).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from providers.core.errors import Kind, ProviderError

Params: TypeAlias = Mapping[str, str | int | Sequence[str]] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the provider.

    Attributes:
        status: HTTP status.
        headers: case-insensitive.
        content: body, already inflated, at most the cap.
        url: where it came from, after redirects that were allowed. Not for logs or errors.
    """

    status: int
    headers: httpx.Headers
    content: bytes
    url: str


class Http:
    """Requests on behalf of one connection, within one caller's deadline.

    The URL is absolute, or a path below `base_url`. Answers of 2xx, and those named in `expect`,
    are returned; anything else is raised as the provider classifies it.
    """

    base_url: str

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        expect: Sequence[int] = (),
        retry_safe: bool | None = None,
        auth: bool = True,
    ) -> Reply:
        """Send one request.

        Args:
            json: encoded with msgspec. Excludes `content` and `form`.
            expect: statuses besides 2xx to return instead of raising.
            retry_safe: may be sent again when the answer is lost; absent: GET, HEAD, OPTIONS,
                PROPFIND, REPORT are, the rest is not.
            auth: sign it.

        Raises:
            ProviderError: UNAVAILABLE when nothing was sent; TIMEOUT or UNAVAILABLE when a read's
                answer was lost; OUTCOME_UNKNOWN when a write's answer was lost; INVALID when the
                host is not allowed; else what the provider's `classify` makes of the answer.
        """
        raise ProviderError(Kind.ADAPTER_FAULT, "no transport")


def error_for(reply: Reply) -> ProviderError:
    """The error that HTTP alone tells: status, Retry-After, request id; never the body."""
    return ProviderError(Kind.PROVIDER_FAULT, f"the provider answered {reply.status}")


Classify: TypeAlias = Callable[[Reply], ProviderError]
