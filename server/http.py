"""The HTTP side: life, readiness and metrics; other parts add their routes.

Plain HTTP for the network that the operator's probes and scrapers live in, behind the operator's
proxy, or with the certificate of gRPC (`tls.http`); nothing of a calendar is behind it.
"""

import ssl
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from server.metrics import REGISTRY

_MAX_BODY = 1024 * 1024
# For the headers of a request as well, all of them: who sends a byte now and then would otherwise
# hold a connection for an hour (aiohttp 3.14). Longer than balancers keep an idle one.
_IDLE_SECONDS = 75.0

Ready = Callable[[], Awaitable[str]]


class HttpServer:
    """Serves /livez, /readyz, /metrics and further routes."""

    def __init__(
        self,
        ready: Ready,
        routes: Iterable[web.AbstractRouteDef] = (),
        *,
        trouble: Callable[[], str] = str,
        idle: float = _IDLE_SECONDS,
    ) -> None:
        """`ready` answers with "" when calls can be taken, else with what is missing; `trouble`
        with what works only for a while yet; `idle`: seconds for a request to come in.
        """
        self._ready = ready
        self._trouble = trouble
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_routes(routes)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=5,
            keepalive_timeout=idle,
        )

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; the port is returned, which matters when 0 was asked for.

        Args:
            tls: absent: in plaintext.

        Raises:
            OSError: the address cannot be had.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=tls)
        await site.start()
        found: int = self._runner.addresses[0][1]
        return found

    async def stop(self) -> None:
        """Close the listener and what is open."""
        await self._runner.cleanup()

    @staticmethod
    async def _livez(request: web.Request) -> web.Response:
        del request
        return web.Response(text="ok\n")

    async def _readyz(self, request: web.Request) -> web.Response:
        del request
        missing = await self._ready()
        if missing:
            return web.Response(text=f"{missing}\n", status=503)
        trouble = self._trouble()
        return web.Response(text=f"degraded: {trouble}\n" if trouble else "ok\n")

    @staticmethod
    async def _metrics(request: web.Request) -> web.Response:
        del request
        text = generate_latest(REGISTRY)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
