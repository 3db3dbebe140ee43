"""The way in for providers' deliveries: verified before they are read, then hints, then forgotten.

`POST /webhooks/{provider}/{connection_id}`, and without the connection for vendors whose apps have
one address for everybody. A delivery is held against the secret first, which costs no question to
anybody, and only then is its connection looked up: who forges learns neither what there is nor
makes the store work. The answer never waits for a provider.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from providers.core.errors import ProviderError
from providers.core.provider import Provider
from providers.core.push import Delivery, Greets, MakesSecrets, Push
from providers.registry import PROVIDERS
from server.dispatch import Resolver
from server.metrics import DELIVERIES, DELIVERY_SECONDS
from server.providers import ProviderPool
from server.push.calls import push_of
from server.push.hints import Hints
from server.push.looking import Lookups
from server.push.secrets import MadeSecrets, WebhookSecrets
from server.settings_rules import CONNECTION_ID

# The largest of any vendor's deliveries is far smaller.
MAX_BODY: Final = 1024 * 1024
_READ_SECONDS = 5.0
# All questions to the store together; the vendor sends again what was not taken.
_LOOK_SECONDS = 0.8


class Ingress:
    """Takes deliveries."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        pool: ProviderPool,
        secrets: WebhookSecrets,
        made: MadeSecrets,
        hints: Hints,
    ) -> None:
        self._lookups = Lookups(resolver)
        self._pool = pool
        self._secrets = secrets
        self._made = made
        self._hints = hints

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
        if name not in PROVIDERS or not CONNECTION_ID.fullmatch(connection):
            return _answered("unknown", 404)
        secrets = self._secrets.accepted(connection)
        return await self._timed(request, name, secrets, connection)

    async def _apps(self, request: web.Request) -> web.Response:
        """A delivery to the operator's app: the app's secret is in the provider's settings."""
        name = request.match_info["provider"]
        if name not in PROVIDERS or not self._pool.settings_of(name).webhook_secret:
            return _answered("unknown", 404)
        return await self._timed(request, name, [""], "")

    async def _timed(
        self, request: web.Request, name: str, secrets: Sequence[str], connection: str
    ) -> web.Response:
        began = time.perf_counter()
        try:
            return await self._taken(request, self._pool.get(name), secrets, connection)
        finally:
            DELIVERY_SECONDS.observe(time.perf_counter() - began)

    async def _taken(
        self, request: web.Request, provider: Provider, secrets: Sequence[str], connection: str
    ) -> web.Response:
        push = push_of(provider)
        if push is None:
            return _answered("unknown", 404)
        if (request.content_length or 0) > MAX_BODY:
            return _answered(provider.name, 413)
        try:
            async with asyncio.timeout(_READ_SECONDS):
                body = await request.read()
        except TimeoutError:
            return _answered(provider.name, 408)
        except web.RequestPayloadError:  # its encoding is none
            return _answered(provider.name, 400)
        delivery = Delivery(
            {name.lower(): value for name, value in request.headers.items()},
            body,
            dict(request.query),
            request.method,
        )
        now = datetime.now(UTC)
        until = asyncio.get_running_loop().time() + _LOOK_SECONDS
        if isinstance(push, MakesSecrets) and connection:
            try:
                secrets = await self._made_by(push, delivery, secrets, connection)
            except (TimeoutError, ProviderError):
                return _answered(provider.name, 503)
        for secret in secrets:
            try:
                greeting = _greeting(push, delivery, secret, now)
                if greeting is None and delivery.method != "POST":
                    continue
                if greeting is None:
                    push.verify(delivery, secret, now)
            except ProviderError:
                continue
            status = await self._looked_up(provider.name, connection, until)
            if status != 200:
                return _answered(provider.name, status)
            if greeting is not None:
                return greeting
            for hint in push.hints(delivery):
                self._hints.take(provider.name, connection, hint)
            return _answered(provider.name, 200)
        return _answered(provider.name, 401)

    async def _made_by(
        self, push: MakesSecrets, delivery: Delivery, secrets: Sequence[str], connection: str
    ) -> Sequence[str]:
        """Secrets that the provider made, for who knows an address of the connection; else ()."""
        for secret in secrets:
            try:
                push.addressed(delivery, secret)
            except ProviderError:
                continue
            async with asyncio.timeout(_LOOK_SECONDS / 2):
                return await self._made.of(connection)
        return ()

    async def _looked_up(self, provider: str, connection: str, until: float) -> int:
        """200 if there is such a connection; 503 when that cannot be said now."""
        if not connection:
            return 200
        left = until - asyncio.get_running_loop().time()
        try:
            found = await self._lookups.provider_of(connection, left)
        except (TimeoutError, ProviderError):
            return 503
        return 200 if found == provider else 404


def _greeting(push: Push, delivery: Delivery, secret: str, now: datetime) -> web.Response | None:
    """The answer to a provider that checks the address; None when it does not."""
    if not isinstance(push, Greets):
        return None
    body = push.handshake(delivery, secret, now)
    if body is None:
        return None
    kind = "application/json" if body.startswith(b"{") else "text/plain"
    # It repeats what the sender wrote: no browser may take it for anything but text.
    headers = {"X-Content-Type-Options": "nosniff"}
    return web.Response(body=body, content_type=kind, headers=headers)


def _answered(provider: str, status: int) -> web.Response:
    DELIVERIES.labels(provider, str(status)).inc()
    return web.Response(status=status)
