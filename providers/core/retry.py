"""When a request may be sent again: never to make a storm, never to do a thing twice.

A budget per provider and host lets retries be a tenth of the traffic at most; a breaker stops
asking a host that only fails. Both live as long as the process.
"""

import enum
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from providers.core.errors import Kind, ProviderError

READS = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
_MAX_HOSTS = 4_096


class Done(enum.Enum):
    """What a failed attempt did at the provider."""

    NOTHING = "nothing"
    PERHAPS = "perhaps"


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that brought no acceptable answer.

    Attributes:
        error: what to raise if it was the last.
        done: what it did at the provider all the same.
        final: not worth another attempt, whatever its kind.
    """

    error: ProviderError
    done: Done = Done.NOTHING
    final: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and how soon; seconds.

    Attributes:
        attempts: sends of one request, the first included.
        base: the first wait is up to this long, each further one up to twice as long.
        cap: no wait of our own choice is longer.
        share: retries per request, on the average of a host.
        reserve: retries that a quiet host may have.
        window: over which the breaker counts.
        least: requests in a window before it judges.
        ratio: share of them that failed, from which it opens.
        rest: that it stays open; then one request goes to try.
    """

    attempts: int = 3
    base: float = 0.2
    cap: float = 5.0
    share: float = 0.1
    reserve: float = 10.0
    window: float = 10.0
    least: int = 20
    ratio: float = 0.5
    rest: float = 5.0


class Host:
    """What is remembered of one provider at one host: its budget of retries, its breaker."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._budget = policy.reserve
        self._since = 0.0
        self._seen = self._failures = 0
        self._open_until: float | None = None
        self._probing = False

    def earn(self) -> None:
        """A caller's request came: a tenth of a retry is earned."""
        self._budget = min(self._policy.reserve, self._budget + self._policy.share)

    def enter(self) -> bool:
        """Ask to send; True for the one request that tries whether the host is back.

        Raises:
            ProviderError: UNAVAILABLE while the breaker is open.
        """
        if self._open_until is None:
            return False
        left = self._open_until - self._clock()
        if left > 0 or self._probing:
            raise ProviderError(
                Kind.UNAVAILABLE,
                "the provider has failed many times in a row and is left alone for a moment",
                retry_after=max(1.0, left),
            )
        self._probing = True
        return True

    def leave(self, failed: bool | None, *, probe: bool) -> None:
        """Tell how it went: by the host's fault wrong, well, or (None) neither."""
        now = self._clock()
        if probe:
            self._probing = False
            if failed is not None:
                self._open_until = now + self._policy.rest if failed else None
        elif failed is not None and self._open_until is None:
            self._count(failed, now)

    def _count(self, failed: bool, now: float) -> None:
        if now - self._since > self._policy.window:
            self._since, self._seen, self._failures = now, 0, 0
        self._seen += 1
        self._failures += failed
        enough = self._seen >= self._policy.least
        if failed and enough and self._failures >= self._policy.ratio * self._seen:
            self._open_until = now + self._policy.rest
            self._seen = self._failures = 0

    def pause(self, failed: Failed, *, safe: bool, tries: int, left: float) -> float | None:
        """Seconds to wait before the next attempt; None: there is none.

        Args:
            safe: sending twice does no harm.
            tries: attempts so far.
            left: until the deadline.
        """
        if tries >= self._policy.attempts or not _worth_it(failed, safe=safe):
            return None
        bound = min(self._policy.cap, self._policy.base * 2 ** (tries - 1))
        wait = (failed.error.retry_after or 0.0) + random.uniform(0, bound)  # noqa: S311
        if wait >= left or self._budget < 1:
            return None
        self._budget -= 1
        return wait


def _worth_it(failed: Failed, *, safe: bool) -> bool:
    if failed.final:
        return False
    if failed.error.kind is Kind.RATE_LIMITED:
        return True  # refused before any work
    if failed.error.kind not in (Kind.UNAVAILABLE, Kind.TIMEOUT):
        return False
    return safe or failed.done is Done.NOTHING


class Hosts:
    """What is remembered of every host; one object for the process."""

    def __init__(
        self, policy: Policy | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy = policy or Policy()
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], Host] = OrderedDict()

    def of(self, provider: str, host: str) -> Host:
        """The record of `provider` at `host`. The longest unused is forgotten for it."""
        key = (provider, host)
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        found = self._known[key] = Host(self._policy, self._clock)
        if len(self._known) > _MAX_HOSTS:
            self._known.popitem(last=False)
        return found
