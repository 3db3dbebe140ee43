"""Trouble on request: a call's own metadata says what is to go wrong with it.

Metadata `ucal-sandbox-<name>`, all optional:

- `latency-ms`: answer this much later, 0 to 30000.
- `status`: fail as at a provider that answers 400, 401, 403, 404, 409, 422, 429, 500, 502, 503 or
  504; or "lost-answer": the work is done and the answer never comes; or "split-incomplete": an
  update of THIS_AND_FOLLOWING makes the new series and cannot shorten the old one.
- `retry-after`: seconds, 0 to 3600, sent along with the status.
- `expired-cursor`: "true": a cursor of `list_changes` is too old.
- `times`: only so many calls with the same metadata are hit, 1 to 1000; absent: all.
- `key`: makes two sets of the same metadata different, so that `times` counts anew.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for

MAX_LATENCY_MS = 30_000
MAX_RETRY_AFTER = 3_600
MAX_TIMES = 1_000
COUNTERS = 1_000

LOST = "lost-answer"
HALF = "split-incomplete"
_STATUSES = (
    *("400", "401", "403", "404", "409", "422", "429", "500", "502", "503", "504"),
    LOST,
    HALF,
)
# Of a write that ended so nobody knows whether it was done; 503 says that it was not.
_UNKNOWN = frozenset({"500", "502", "504"})
_NAMES = frozenset({"latency-ms", "status", "retry-after", "expired-cursor", "times", "key"})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to go wrong with one call.

    Attributes:
        latency: seconds.
        status: one of those above, or "".
        retry_after: seconds, or None.
        expired_cursor: a cursor is too old.
        times: calls to hit; 0 for all.
    """

    latency: float = 0
    status: str = ""
    retry_after: int | None = None
    expired_cursor: bool = False
    times: int = 0


NONE = Fault()


def parse(hints: Mapping[str, str]) -> Fault:
    """The fault that `hints` ask for.

    Raises:
        ProviderError: INVALID, naming the metadata, for one that is unknown or out of bounds.
    """
    if not hints:
        return NONE
    for name in hints:
        if name not in _NAMES:
            raise _invalid(name, "is not known; see the sandbox's documentation")
    status = hints.get("status", "")
    if status and status not in _STATUSES:
        raise _invalid("status", f"must be one of {', '.join(_STATUSES)}")
    expired = hints.get("expired-cursor", "false")
    if expired not in ("true", "false"):
        raise _invalid("expired-cursor", "must be true or false")
    return Fault(
        latency=_whole(hints, "latency-ms", 0, MAX_LATENCY_MS) / 1000,
        status=status,
        retry_after=_whole(hints, "retry-after", 0, MAX_RETRY_AFTER)
        if "retry-after" in hints
        else None,
        expired_cursor=expired == "true",
        times=_whole(hints, "times", 1, MAX_TIMES) if "times" in hints else 0,
    )


class Faults:
    """Finds out what is to go wrong with a call.

    Attributes:
        armed: faults of the next calls, whoever makes them; for tests in the same process.
    """

    def __init__(self, limit: int = COUNTERS) -> None:
        self.armed: deque[Fault] = deque()
        self._hits: OrderedDict[tuple[str, ...], int] = OrderedDict()
        self._limit = limit

    def due(self, connection_id: str, hints: Mapping[str, str]) -> Fault:
        """The fault of this call, or `NONE` when it has hit often enough.

        Raises:
            ProviderError: INVALID, as `parse`.
        """
        if self.armed:
            return self.armed.popleft()
        fault = parse(hints)
        if not fault.times:
            return fault
        key = (connection_id, *(f"{name}={hints[name]}" for name in sorted(hints)))
        hits = self._hits.pop(key, 0)
        self._hits[key] = min(hits + 1, fault.times)
        if len(self._hits) > self._limit:
            self._hits.popitem(last=False)
        return fault if hits < fault.times else NONE


async def before(fault: Fault, *, writes: bool) -> None:
    """What goes wrong before any work is done.

    Raises:
        ProviderError: what the shared transport makes of such an answer of a provider.
    """
    if fault.latency:
        await asyncio.sleep(fault.latency)
    if writes and fault.status in _UNKNOWN:
        raise _unknown()
    if fault.status.isdigit():
        headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
        raise error_for(Reply(int(fault.status), httpx.Headers(headers), b"", ""))


def after(fault: Fault, *, writes: bool) -> None:
    """What goes wrong once the work is done.

    Raises:
        ProviderError: OUTCOME_UNKNOWN for a write, TIMEOUT for a read, as the transport does.
    """
    if fault.status == LOST:
        raise (
            _unknown()
            if writes
            else ProviderError(Kind.TIMEOUT, "the provider did not answer in time")
        )


def _unknown() -> ProviderError:
    return ProviderError(
        Kind.OUTCOME_UNKNOWN,
        "the answer to a write was lost: read the object before trying again",
    )


def _whole(hints: Mapping[str, str], name: str, low: int, high: int) -> int:
    text = hints.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and low <= int(text) <= high):
        raise _invalid(name, f"must be a whole number from {low} to {high}")
    return int(text)


def _invalid(name: str, description: str) -> ProviderError:
    shown = name if name in _NAMES else "*"
    return ProviderError.invalid(f"metadata.ucal-sandbox-{shown}", description)
