"""Whether an API key is good. Rows are remembered for seconds, so a revoked key is soon known.

While the store cannot be reached, keys that were good within the last minute go on being so: nobody
can revoke one in a store that is down.
"""

import asyncio
import hmac
import time
from collections.abc import Callable

from providers.core.errors import Kind, ProviderError
from server.access.caller import Caller, expired, invalid, revoked
from server.access.key_format import digest, parse
from server.access.key_store import KeyRow, KeyStore
from server.access.policy import Policy
from server.access.subjects import Subjects
from server.connections.bounded import Bounded

# With the second for which the gate remembers: five, in which a revocation is known.
FRESH_SECONDS = 4.0
_STALE_SECONDS = 60.0
_USED_SECONDS = 60.0
_KEYS = 10_000
_ABSENT = 1_000
# No more look-ups at once: a flood of made-up keys must not take the store from those who call.
_LOOKUPS = 16
_SUBJECT = "api_key:"


class KeyCheck:
    """Checks API keys of one environment. `close` last."""

    def __init__(
        self,
        store: KeyStore,
        subjects: Subjects,
        environment: str,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now`: seconds since 1970; `clock`: for ages; both for tests."""
        self._store = store
        self._subjects = subjects
        self._environment = environment
        self._now = now
        self._fresh: Bounded[str, KeyRow] = Bounded(_KEYS, seconds=FRESH_SECONDS, now=clock)
        # Apart, so that made-up ids push out nothing but one another.
        self._absent: Bounded[str, bool] = Bounded(_ABSENT, seconds=FRESH_SECONDS, now=clock)
        self._stale: Bounded[str, KeyRow] = Bounded(_KEYS, seconds=_STALE_SECONDS, now=clock)
        self._noted: Bounded[str, bool] = Bounded(_KEYS, seconds=_USED_SECONDS, now=clock)
        self._asking: dict[str, asyncio.Task[KeyRow | None]] = {}
        self._room = asyncio.Semaphore(_LOOKUPS)
        self._notes: set[asyncio.Task[None]] = set()

    async def caller(self, text: str) -> Caller:
        """Whose key `text` is.

        Raises:
            ProviderError: UNAUTHENTICATED with the reason; UNAVAILABLE when the store is.
        """
        parsed = parse(text)
        if parsed is None:
            raise invalid("this is no API key: a sign is wrong or missing")
        if parsed.environment != self._environment:
            raise ProviderError(
                Kind.UNAUTHENTICATED,
                f"the API key is of the environment {parsed.environment}, and this server is of "
                f"{self._environment}",
                reason="WRONG_ENVIRONMENT",
            )
        row = await self._row(parsed.id)
        # Compared even where there is nothing to compare with; in constant time.
        same = hmac.compare_digest(digest(text), row.hash if row is not None else bytes(32))
        if row is None or not same or row.environment != self._environment:
            raise invalid("the API key is not known here")
        self._refuse_ended(row)
        self._note(row.id)
        until = row.expires_at or float("inf")
        return Caller(f"{_SUBJECT}{row.id}", self._policy(row), until, row.id)

    async def policy(self, key_id: str) -> Policy | None:
        """What the key `key_id` may do; None: nothing any more, it has ended or is not there.

        Raises:
            ProviderError: UNAVAILABLE, the store cannot be reached.
        """
        row = await self._row(key_id)
        if row is None or row.environment != self._environment:
            return None
        return self._policy(row) if row.state(self._now()) == "active" else None

    def _policy(self, row: KeyRow) -> Policy:
        return self._subjects.policy((f"{_SUBJECT}{row.id}", f"{_SUBJECT}{row.name}"), row.grants)

    async def refuse_ended(self, key_id: str) -> None:
        """Raise if the key `key_id` has been revoked, or has expired, since.

        Raises:
            ProviderError: UNAUTHENTICATED; UNAVAILABLE when the store is.
        """
        row = await self._row(key_id)
        if row is None:
            raise revoked()
        self._refuse_ended(row)

    def _refuse_ended(self, row: KeyRow) -> None:
        state = row.state(self._now())
        if state == "revoked":
            raise revoked()
        if state == "expired":
            raise expired("the API key")

    async def _row(self, key_id: str) -> KeyRow | None:
        known = self._fresh.get(key_id)
        if known is not None or self._absent.get(key_id):
            return known
        task = self._asking.get(key_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(key_id))
            self._asking[key_id] = task
            task.add_done_callback(lambda done: self._asked(key_id, done))
        try:
            # Shared with others who ask for it: one who gives up must not end it.
            return await asyncio.shield(task)
        except ProviderError:
            stale = self._stale.get(key_id)
            if stale is None:
                raise
            return stale

    def _asked(self, key_id: str, done: "asyncio.Task[KeyRow | None]") -> None:
        self._asking.pop(key_id, None)
        if not done.cancelled():
            done.exception()  # whoever asked has it

    async def _ask(self, key_id: str) -> KeyRow | None:
        async with self._room:
            row = await self._store.get(key_id)
        if row is None:
            self._absent.put(key_id, True)
        else:
            self._fresh.put(key_id, row)
            self._stale.put(key_id, row)
        return row

    def _note(self, key_id: str) -> None:
        """Note the use beside the call, once a minute."""
        if self._noted.get(key_id):
            return
        self._noted.put(key_id, True)
        task = asyncio.get_running_loop().create_task(self._used(key_id))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _used(self, key_id: str) -> None:
        try:
            await self._store.used(key_id, every=_USED_SECONDS)
        except ProviderError:
            self._noted.drop(key_id)  # the next call tries again

    async def close(self) -> None:
        """Let what is being noted be noted."""
        await asyncio.gather(*self._notes, *self._asking.values(), return_exceptions=True)
