"""Requests to Google's APIs: what all of them carry, and how they keep to Google's quotas.

Google counts per user and minute, and tells that a user has used up the share with 429 or, in older
front ends, with 403 (developers.google.com/workspace/calendar/api/guides/quota). Requests of one
connection are spaced out before that happens; core tries again, with growing pauses, when it does.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Container, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http, Reply, quote
from providers.core.settings import ProviderSettings

Params: TypeAlias = Mapping[str, str | int | Sequence[str]]
T = TypeVar("T")

# Google's default quota of a user, for projects made after 2026-05-01.
REQUESTS_PER_MINUTE = 600
# Google says no time with its per-minute quotas, which are sliding windows of a minute.
RATE_LIMIT_SECONDS = 30.0
_MAX_PACED = 10_000
# Every connection that callers bring along with a call has this id: they are not one user.
_NOBODY = "-"


@dataclass(slots=True)
class Pace:
    """Requests that each connection may still make now: a bucket that refills all the time.

    Attributes:
        per_minute: requests a connection may make in a minute; 0: as many as it likes.
    """

    per_minute: int = REQUESTS_PER_MINUTE
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, connection_id: str, now: float) -> float:
        """Seconds to wait before the next request of a connection, which is taken as made."""
        if not self.per_minute or connection_id == _NOBODY:
            return 0.0
        left, since = self._left.pop(connection_id, (float(self.per_minute), now))
        rate = self.per_minute / 60
        left = min(float(self.per_minute), left + (now - since) * rate) - 1
        self._left[connection_id] = left, now
        if len(self._left) > _MAX_PACED:
            self._left.popitem(last=False)
        return -left / rate if left < 0 else 0.0


@dataclass(frozen=True, slots=True)
class Api:
    """One of Google's APIs on behalf of one call."""

    http: Http
    connection_id: str
    pace: Pace

    def at(self, base_url: str) -> "Api":
        """Another of Google's APIs."""
        return replace(self, http=self.http.at(base_url))

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        etag: str = "",
        resource: tuple[str, str] | None = None,
        expect: Container[int] = (),
        retry_safe: bool | None = None,
        reads: bool | None = None,
    ) -> Reply:
        """Send one request.

        Args:
            path: below the API's root.
            etag: sent as If-Match.
            resource: (type, id as the caller named it), told when it is not there.
            expect: as `Http.send`, as are the others.

        Raises:
            ProviderError: as `Http.send`; RATE_LIMITED when the connection's own share is used up.
        """
        query: dict[str, str | int | Sequence[str]] = {"prettyPrint": "false", **(params or {})}
        if self.connection_id != _NOBODY:
            query["quotaUser"] = quota_user(self.connection_id)
        wait = self.pace.wait(self.connection_id, asyncio.get_running_loop().time())
        if wait:
            await self._pause(wait)
        try:
            return await self.http.send(
                method,
                path,
                params=query,
                headers={"If-Match": etag} if etag else None,
                json=json,
                expect=expect,
                retry_safe=retry_safe,
                reads=reads,
            )
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND and resource is not None:
                error.resource = resource
            if error.kind is Kind.RATE_LIMITED and error.retry_after is None:
                error.retry_after = RATE_LIMIT_SECONDS
            raise

    async def _pause(self, seconds: float) -> None:
        deadline = self.http.deadline
        end = deadline() if callable(deadline) else deadline
        if asyncio.get_running_loop().time() + seconds >= end:
            raise ProviderError(
                Kind.RATE_LIMITED,
                "this connection has used up its share of requests a minute",
                retry_after=seconds,
            )
        await asyncio.sleep(seconds)


def pace_of(settings: ProviderSettings) -> Pace:
    """As `requests_per_minute` of the settings has it.

    Raises:
        ValueError: it is no number.
    """
    text = settings.extra.get("requests_per_minute", "")
    if text and not text.isdecimal():
        raise ValueError("requests_per_minute is a whole number, 0 for no limit")
    return Pace(int(text) if text else REQUESTS_PER_MINUTE)


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Results in order; the first failure ends the others, and is raised as it is."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def api(call: Call, pace: Pace) -> Api:
    """The provider's own API on behalf of `call`."""
    return Api(call.http, call.connection_id, pace)


@lru_cache(maxsize=4096)
def quota_user(connection_id: str) -> str:
    """Stands for the connection in Google's accounting; tells nothing of it. At most 40 signs."""
    return hashlib.sha256(connection_id.encode()).hexdigest()[:32]


def calendar_path(calendar_id: str) -> str:
    """`calendars/<id>`; "" is the primary one. Ids hold "@" and "#"."""
    return f"calendars/{quote(calendar_id or 'primary')}"


def event_path(calendar_id: str, event_id: str) -> str:
    """`calendars/<id>/events/<id>`."""
    return f"{calendar_path(calendar_id)}/events/{quote(event_id)}"
