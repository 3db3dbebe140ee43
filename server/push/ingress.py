"""The way in for providers' deliveries: verified before they are read, then hints, then forgotten.

`POST /webhooks/{provider}/{connection_id}`, and without the connection for vendors whose apps have
one address for everybody. Unknown and forged deliveries are told nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from aiohttp import web

from providers.core.errors import ProviderError
from providers.core.provider import Provider
from providers.core.push import Delivery, Greets, Hint, Push
from providers.registry import PROVIDERS
from server.connections.bounded import Bounded
from server.dispatch import Resolver
from server.metrics import DELIVERIES
from server.providers import ProviderPool
from server.push.registrations import Registrations, push_of
from server.push.secrets import WebhookSecrets
from server.watch.ports import Nudge

_REPLAY_ENTRIES = 50_000
_REPLAY_SECONDS = 3600.0


class Ingress:
    """Takes deliveries."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        pool: ProviderPool,
        secrets: WebhookSecrets,
        registrations: Registrations,
        nudge: Nudge,
    ) -> None:
        self._resolver = resolver
        self._pool = pool
        self._secrets = secrets
        self._registrations = registrations
        self._nudge = nudge
        self._seen: Bounded[tuple[str, str, str], bool] = Bounded(
            _REPLAY_ENTRIES, seconds=_REPLAY_SECONDS
        )

    def routes(self) -> list[web.RouteDef]:
        """For the HTTP side."""
        return [
            web.post("/webhooks/{provider}/{connection}", self._connections),
            web.get("/webhooks/{provider}/{connection}", self._connections, allow_head=False),
            web.post("/webhooks/{provider}", self._apps),
        ]

    async def _connections(self, request: web.Request) -> web.Response:
        """A delivery to one connection."""
        name, connection = request.match_info["provider"], request.match_info["connection"]
        try:
            resolved = await self._resolver.resolve(connection, {})
        except ProviderError:
            return _answered("unknown", 404)
        if resolved.provider.name != name:
            return _answered("unknown", 404)
        secrets = [
            *self._secrets.accepted(connection),
            *self._registrations.secrets_of(connection),
        ]
        return await self._taken(request, resolved.provider, secrets, connection)

    async def _apps(self, request: web.Request) -> web.Response:
        """A delivery to the operator's app: the app's secret is in the provider's settings."""
        name = request.match_info["provider"]
        if name not in PROVIDERS or not self._pool.settings_of(name).webhook_secret:
            return _answered("unknown", 404)
        return await self._taken(request, self._pool.get(name), [""], "")

    async def _taken(
        self, request: web.Request, provider: Provider, secrets: Sequence[str], connection: str
    ) -> web.Response:
        push = push_of(provider)
        if push is None:
            return _answered("unknown", 404)
        delivery = Delivery(
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
            dict(request.query),
            request.method,
        )
        now = datetime.now(UTC)
        for secret in secrets:
            try:
                greeting = _greeting(push, delivery, secret, now)
                if greeting is not None:
                    return greeting
                if delivery.method == "GET":
                    continue
                push.verify(delivery, secret, now)
            except ProviderError:
                continue
            return self._told(provider.name, connection, push, delivery)
        return _answered(provider.name, 401)

    def _told(self, provider: str, connection: str, push: Push, delivery: Delivery) -> web.Response:
        """Wake the feeds that a verified delivery is about, once."""
        for hint in push.hints(delivery):
            mark = (provider, connection, f"{hint.kind}:{hint.delivery_id}")
            if hint.delivery_id and self._seen.get(mark):
                continue
            self._seen.put(mark, value=True)
            for each in [connection] if connection else self._of(provider, hint):
                calendar = self._registrations.calendar_of(each, hint.subscription_id)
                self._nudge.nudge(each, hint.kind, calendar)
        return _answered(provider, 200)

    def _of(self, provider: str, hint: Hint) -> Iterable[str]:
        """Every connection whose objects of this kind are watched: the app does not tell whose."""
        return {
            connection
            for connection, unit in self._registrations.watched(provider)
            if unit.kind == hint.kind
        }


def _greeting(push: Push, delivery: Delivery, secret: str, now: datetime) -> web.Response | None:
    """The answer to a provider that checks the address; None when it does not."""
    if not isinstance(push, Greets):
        return None
    body = push.handshake(delivery, secret, now)
    if body is None:
        return None
    kind = "application/json" if body.startswith(b"{") else "text/plain"
    return web.Response(body=body, content_type=kind)


def _answered(provider: str, status: int) -> web.Response:
    DELIVERIES.labels(provider, str(status)).inc()
    return web.Response(status=status)
