"""When a request may be sent again: never to make a storm, never to do a thing twice.

A budget per host lets retries be a tenth of the traffic at most; a breaker stops asking a host
that only fails. Both live as long as the process.
"""

import random
from dataclasses import dataclass, field

from providers.core.errors import Kind, ProviderError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
MAX_ATTEMPTS = 3
_REFUSED = frozenset({429})
_FAILED = frozenset({500, 502, 503, 504})
_BASE_SECONDS = 0.2
_CAP_SECONDS = 5.0
_BUDGET_SHARE = 0.1
_BUDGET_CAP = 10.0
_BREAKER_FAILURES = 10
_BREAKER_SECONDS = 5.0


@dataclass(slots=True)
class Host:
    """What is remembered of one host.

    Attributes:
        budget: retries that may be made now.
        failures: in a row.
        open_until: loop time before which nothing is sent.
        probing: one request is out to see whether the host is back.
    """

    budget: float = _BUDGET_CAP
    failures: int = 0
    open_until: float = 0.0
    probing: bool = False

    def enter(self, now: float) -> None:
        """Ask to send a first attempt.

        Raises:
            ProviderError: UNAVAILABLE while the breaker is open.
        """
        self.budget = min(_BUDGET_CAP, self.budget + _BUDGET_SHARE)
        if self.failures < _BREAKER_FAILURES:
            return
        if now < self.open_until or self.probing:
            raise ProviderError(
                Kind.UNAVAILABLE,
                "the provider has failed many times in a row and is left alone for a moment",
                retry_after=max(1.0, self.open_until - now),
            )
        self.probing = True

    def succeeded(self) -> None:
        """The host answered like one that works."""
        self.failures = 0
        self.probing = False

    def failed(self, now: float) -> None:
        """The host did not answer, or with a failure of its own."""
        self.failures += 1
        self.probing = False
        if self.failures >= _BREAKER_FAILURES:
            self.open_until = now + _BREAKER_SECONDS

    def take(self) -> bool:
        """Whether one more retry may be made."""
        if self.budget < 1:
            return False
        self.budget -= 1
        return True


@dataclass(slots=True)
class Hosts:
    """What is remembered of every host."""

    known: dict[str, Host] = field(default_factory=dict)

    def of(self, origin: str) -> Host:
        """The record of `origin`."""
        return self.known.setdefault(origin, Host())


def failed(status: int) -> bool:
    """Whether an answer says that the host does not work."""
    return status in _FAILED


def may_repeat(status: int, *, safe: bool) -> bool:
    """Whether a request that was answered so may be sent again."""
    return status in _REFUSED or (safe and status in _FAILED)


def pause(attempt: int, wished: float | None) -> float:
    """Seconds after attempt `attempt` (from 1): what the provider wishes, else full jitter."""
    if wished is not None:
        return wished + random.uniform(0, 0.1)  # noqa: S311 - not a secret
    return random.uniform(0, min(_CAP_SECONDS, _BASE_SECONDS * 2**attempt))  # noqa: S311
