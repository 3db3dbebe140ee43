"""Subscriptions at providers: made when the first watch of a topic opens, ended after the last.

They live in this process's memory only. A provider that refuses, or a server without a public URL,
leaves the watch to polling, and `Opened` says why. Polling goes on beside push, seldom: pushes get
lost.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.push import Push, Subscription, Topic
from server.dispatch import Resolver
from server.interceptors.scope import SCOPE, Scope
from server.log import LOG
from server.metrics import PUSH_RENEWALS, PUSH_SUBSCRIPTIONS
from server.push.secrets import WebhookSecrets
from server.watch.ports import Target
from server.watch.scope import Unit

_BROUGHT = "-"
# A watch opens with polling rather than wait longer for the provider's yes.
_PATIENCE = 8.0
_CALL_SECONDS = 20.0
# A stream that was cut comes back: its subscription is kept so long.
_LINGER = 60.0
_RETRY_SECONDS = 60.0
_CLOSE_SECONDS = 5.0

Key = tuple[str, Unit]


@dataclass(eq=False, slots=True)
class Registration:
    """A topic that is watched.

    Attributes:
        watchers: how many watches want it.
        made: the subscription; None while there is none.
        refused: why there is none.
    """

    provider: str
    topic: Topic
    watchers: int = 0
    made: Subscription | None = None
    refused: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    keeper: "asyncio.Task[None] | None" = None
    leaver: "asyncio.Task[None] | None" = None


def push_of(provider: object) -> Push | None:
    """The provider's native push, if it has one."""
    push: Push | None = getattr(provider, "push", None)
    return push


class Registrations:
    """Subscriptions that are wanted, and those that are."""

    def __init__(self, resolver: Resolver, secrets: WebhookSecrets, public_url: str) -> None:
        """`public_url`: "" when this server cannot be reached by providers."""
        self._resolver = resolver
        self._secrets = secrets
        self._public_url = public_url.rstrip("/")
        self._known: dict[Key, Registration] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def address(self, provider: str, connection_id: str) -> str:
        """Where the provider delivers."""
        return f"{self._public_url}/webhooks/{provider}/{connection_id}"

    async def attend(self, target: Target, units: Sequence[Unit]) -> Mapping[Unit, str]:
        """Count one more watch of `units`; those that can be pushed, with "" or why they are not.

        `leave` must be called with the same in the end.
        """
        wanted = await self._pushable(target, units)
        for unit in wanted:
            found = self._known.setdefault(
                (target.connection_id, unit),
                Registration(target.provider, Topic(unit.kind, unit.calendar_id)),
            )
            found.watchers += 1
            if found.leaver is not None:
                found.leaver.cancel()
                found.leaver = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*(self._make(target.connection_id, unit) for unit in wanted))
        return {unit: self._reason(target.connection_id, unit) for unit in wanted}

    async def _pushable(self, target: Target, units: Sequence[Unit]) -> list[Unit]:
        if not self._public_url or target.connection_id == _BROUGHT:
            return []
        async with self._call(target.connection_id) as (push, _):
            return [unit for unit in units if push is not None and unit.kind in push.kinds]

    def _reason(self, connection_id: str, unit: Unit) -> str:
        found = self._known.get((connection_id, unit))
        if found is None or found.made is not None:
            return ""
        return found.refused or "the provider has not said yes to push; it is asked meanwhile"

    def leave(self, target: Target, units: Sequence[Unit]) -> None:
        """Count one watch less; the last one's subscription is ended a little later."""
        for unit in units:
            found = self._known.get((target.connection_id, unit))
            if found is None or not found.watchers:
                continue
            found.watchers -= 1
            if not found.watchers:
                found.leaver = self._start(self._end_later((target.connection_id, unit)))

    def watched(self, provider: str) -> Iterator[tuple[str, Unit]]:
        """Connections of `provider` that are watched, for deliveries that name none."""
        return iter([key for key, found in self._known.items() if found.provider == provider])

    def calendar_of(self, connection_id: str, subscription_id: str) -> str | None:
        """The calendar that a subscription is about; None when it is not known here."""
        for (connection, unit), found in self._known.items():
            if (
                connection == connection_id
                and found.made is not None
                and found.made.id == subscription_id
            ):
                return unit.calendar_id
        return None

    def secrets_of(self, connection_id: str) -> list[str]:
        """Secrets that the provider made for subscriptions of this connection."""
        return [
            found.made.secret
            for (connection, _), found in self._known.items()
            if connection == connection_id and found.made is not None and found.made.secret
        ]

    async def close(self) -> None:
        """End every subscription, as far as that goes in a few seconds."""
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.gather(*(self._end(key) for key in list(self._known)))

    # -- one subscription

    @contextlib.asynccontextmanager
    async def _call(self, connection_id: str) -> AsyncIterator[tuple[Push | None, Call]]:
        """The connection's push and a call with a deadline of its own."""
        deadline = asyncio.get_running_loop().time() + _CALL_SECONDS
        outer = SCOPE.set(Scope(deadline=deadline))
        try:
            resolved = await self._resolver.resolve(connection_id, {})
            yield push_of(resolved.provider), resolved.call
        finally:
            SCOPE.reset(outer)

    async def _make(self, connection_id: str, unit: Unit) -> None:
        """Subscribe, unless somebody has."""
        found = self._known[connection_id, unit]
        async with found.lock:
            if found.made is not None:
                return
            try:
                async with self._call(connection_id) as (push, call):
                    if push is None:
                        return
                    found.made = await push.create(
                        call,
                        found.topic,
                        self.address(found.provider, connection_id),
                        self._secrets.newest(connection_id),
                    )
            except ProviderError as error:
                found.refused = f"the provider does not push: {error.message}"
                return
            PUSH_SUBSCRIPTIONS.labels(found.provider).inc()
            found.refused = ""
            found.keeper = self._start(self._keep((connection_id, unit)))

    async def _keep(self, key: Key) -> None:
        """Renew the subscription before it ends, as long as it is wanted."""
        connection_id, _ = key
        found = self._known[key]
        while found.made is not None and found.made.renew_at is not None:
            wait = (found.made.renew_at - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(wait, 1.0))
            try:
                async with self._call(connection_id) as (push, call):
                    if push is None:
                        return
                    found.made = await push.renew(
                        call,
                        found.made,
                        self.address(found.provider, connection_id),
                        self._secrets.newest(connection_id),
                    )
                PUSH_RENEWALS.labels(found.provider, "ok").inc()
            except ProviderError as error:
                PUSH_RENEWALS.labels(found.provider, error.reason).inc()
                if _is_over(found.made, error):
                    found.made = None
                    found.refused = f"the provider pushes no longer: {error.message}"
                    return
                await asyncio.sleep(_RETRY_SECONDS)

    async def _end_later(self, key: Key) -> None:
        await asyncio.sleep(_LINGER)
        await self._end(key)

    async def _end(self, key: Key) -> None:
        found = self._known.pop(key, None)
        if found is None:
            return
        if found.keeper is not None:
            found.keeper.cancel()
        if found.made is None:
            return
        PUSH_SUBSCRIPTIONS.labels(found.provider).dec()
        try:
            async with self._call(key[0]) as (push, call):
                if push is not None:
                    await push.delete(call, found.made)
        except ProviderError as error:
            LOG.info(
                "a subscription could not be ended",
                extra={"provider": found.provider, "reason": error.reason},
            )

    def _start(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _is_over(made: Subscription, error: ProviderError) -> bool:
    """Whether there is no use in trying to renew again."""
    ended = made.expires_at is not None and made.expires_at <= datetime.now(UTC)
    return ended or error.kind in {Kind.NOT_FOUND, Kind.PRECONDITION, Kind.REAUTHORIZATION_REQUIRED}
