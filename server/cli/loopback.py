"""The listener on this machine that an OAuth dance comes back to, once (RFC 8252, 7.3)."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from server.connect import look

PATH = "/callback"
_ANSWER_SECONDS = 60.0
_LINGER_SECONDS = 2.0


class DeclinedError(Exception):
    """The person or the provider said no; the text is the provider's error code."""


def page(title: str, text: str, status: int = 200) -> web.Response:
    """A plain page that fetches nothing and runs nothing; it looks as the service's own do."""
    values = {"icon": look.icon_inside(), "title": title, "text": text}
    answer = look.page("note", values, status=status, secure=False, alone=True)
    answer.force_close()
    return answer


class Loopback:
    """Waits for the one request that carries `state`, and tells the browser how it ended.

    Whatever else arrives, from other pages and programs of this machine, is turned away and does
    not end the wait.
    """

    def __init__(self) -> None:
        self.port = 0
        self._state = ""
        self._code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._end: asyncio.Future[web.Response] = asyncio.get_running_loop().create_future()

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the person back to."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def code(self, state: str) -> str:
        """The code that comes with `state`.

        Raises:
            DeclinedError: an error came with it.
        """
        self._state = state
        return await self._code

    def tell(self, title: str, text: str, status: int = 200) -> None:
        """Show the person how it ended; `listening` lets the page out before it ends."""
        if not self._end.done():
            self._end.set_result(page(title, text, status))

    async def back(self, request: web.Request) -> web.StreamResponse:
        """What the browser asks for."""
        state = request.query.get("state", "")
        known = self._state and hmac.compare_digest(state.encode(), self._state.encode())
        if not known or self._code.done():
            return page("Nothing to do here", "This is no answer that ucal waits for.", 400)
        if request.query.get("code"):
            self._code.set_result(request.query["code"])
        else:
            self._code.set_exception(DeclinedError(_error(request.query.get("error", ""))))
        try:
            return await asyncio.wait_for(asyncio.shield(self._end), _ANSWER_SECONDS)
        except TimeoutError:
            return page("Not known yet", "The terminal says how it went.")


def _error(text: str) -> str:
    """The provider's error code, if it is one (RFC 6749, 4.1.2.1): anybody may have written it."""
    plain = text.isascii() and text.replace("_", "").isalnum() and len(text) < 64
    return text if plain else "no code came back"


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[Loopback]:
    """The listener on `port` of 127.0.0.1; 0: any.

    Raises:
        OSError: the port is taken.
    """
    found = Loopback()

    app = web.Application()
    app.router.add_get(PATH, found.back)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LINGER_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        found.port = runner.addresses[0][1]
        yield found
    finally:
        await runner.cleanup()
