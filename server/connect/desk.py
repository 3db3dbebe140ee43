"""What all pages share: who is there, with which link, and how an answer is made."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web

from providers.core.errors import ProviderError
from providers.core.provider import Provider
from providers.registry import PROVIDERS
from server.access.makers import LINK, Begun, Makers
from server.connect import look, troubles
from server.connect.browser import Browser
from server.connect.origin import Origin
from server.connect.troubles import Step, Trouble
from server.connections.facade import Connections
from server.connections.sealer import ExpiredTokenError
from server.connections.tickets import Ticket
from server.interceptors.errors import unexpected
from server.interceptors.scope import SCOPE, Scope
from ucal.v1 import connection_pb2

_MAX_BODY = 64 * 1024
_MAX_FIELDS = 16
_BODY_SECONDS = 10.0
_SECONDS = 30.0
_FORM = "application/x-www-form-urlencoded"

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Visit:
    """A person at a page of one provider.

    Attributes:
        link: token of the link they came by; "": none.
        base: what the addresses of our pages begin with, for this browser.
        base_url: of the connection that is authorized anew.
    """

    browser: Browser
    provider: Provider
    ticket: Ticket
    link: str
    base: str
    base_url: str = ""

    @property
    def name(self) -> str:
        """The provider's name, for people."""
        return self.provider.display_name

    @property
    def facts(self) -> dict[str, str]:
        """What the link says, for the page."""
        return {
            "display_name": self.ticket.display_name,
            "connection_id": self.ticket.connection_id,
            "returns_to": destination(self.ticket.return_uri),
        }

    def url(self, below: str = "", query: Mapping[str, str] | None = None) -> str:
        """The address of this provider's page, or one below it."""
        named = {"link": self.link, **(query or {})}
        text = urlencode({key: value for key, value in named.items() if value})
        return f"{self.base}/connect/{self.provider.name}{below}{f'?{text}' if text else ''}"


class Desk:
    """Receives people.

    Attributes:
        connections: what pages are about.
        origin: where they are.
    """

    def __init__(
        self, connections: Connections, origin: Origin, makers: Makers | None = None
    ) -> None:
        """`makers`: who looks at those who made links again; absent: access is open."""
        self.connections = connections
        self.origin = origin
        self._makers = makers

    def shown(self, handler: Handler) -> Handler:
        """`handler`, whose troubles become pages."""

        async def handle(request: web.Request) -> web.StreamResponse:
            SCOPE.set(Scope(deadline=asyncio.get_running_loop().time() + _SECONDS))
            try:
                return await handler(request)
            except Trouble as trouble:
                return self.trouble(trouble)
            except ProviderError as error:
                return self.trouble(troubles.of_error(error, "The provider"))
            except web.HTTPException:
                raise
            except Exception as error:  # noqa: BLE001 - the last line of defence of every page
                unexpected(error, "connect")
                return self.trouble(troubles.fault())

        return handle

    def browser(self, request: web.Request) -> Browser:
        """Which browser it is."""
        return Browser.of(request, secure=self.origin.secure)

    async def visit(self, request: web.Request) -> Visit:
        """Who is there, if they may be.

        Raises:
            Trouble: no such provider; no link, or one that is damaged or too old, or whose maker
                might not make it any more.
        """
        name, link = request.match_info["provider"], request.query.get("link", "")
        if name not in PROVIDERS:
            raise troubles.unknown()
        ticket = self._ticket(link) if link else self._bare(request, name)
        if ticket.provider != name:
            raise troubles.bad_link()
        scope = SCOPE.get()
        scope.provider, scope.caller = name, who(ticket)
        known = connection_pb2.Connection()
        await self.refuse_ended(of_link(ticket))
        if ticket.connection_id:
            known = await self.connections.directory.get(ticket.connection_id)
        return Visit(
            browser=self.browser(request),
            provider=self.connections.pool.get(name),
            ticket=ticket,
            link=link,
            base=self.origin.seen(request),
            base_url=known.base_url,
        )

    def _ticket(self, link: str) -> Ticket:
        try:
            return self.connections.tickets.open(link)
        except ExpiredTokenError:
            raise troubles.old_link() from None
        except ProviderError:
            raise troubles.bad_link() from None

    def _bare(self, request: web.Request, name: str) -> Ticket:
        if not self.origin.may_come_bare(request):
            raise troubles.no_link()
        return Ticket(name)

    async def refuse_ended(self, begun: Begun) -> None:
        """See to it that whoever began this might begin it now.

        Raises:
            Trouble: they might not.
        """
        if self._makers is not None and not await self._makers.may(begun):
            raise troubles.ended_link()

    async def fresh(self, visit: Visit) -> None:
        """See to it that the link can be used yet.

        Raises:
            Trouble: it was.
        """
        if await self.connections.tickets.is_used(visit.ticket):
            raise troubles.used_link()

    def page(
        self,
        browser: Browser,
        template: str,
        values: Mapping[str, Any],
        *,
        status: int = 200,
        forms: bool = False,
    ) -> web.Response:
        """A page for this browser."""
        answer = look.page(
            template,
            {"icon": self._icon, **values},
            status=status,
            secure=self.origin.secure,
            forms=forms,
        )
        browser.mark(answer)
        return answer

    @property
    def _icon(self) -> str:
        return f"{self.origin.prefix}/connect/icon.svg"

    def trouble(self, trouble: Trouble) -> web.Response:
        """The page of a trouble."""
        values = {
            "icon": self._icon,
            "title": trouble.title,
            "text": trouble.text,
            "steps": trouble.steps,
        }
        return look.page("trouble", values, status=trouble.status, secure=self.origin.secure)

    def onward(self, url: str) -> web.Response:
        """To another address."""
        return look.onward(url, secure=self.origin.secure)


def who(ticket: Ticket) -> str:
    """Who is there, for records: on behalf of whom, no person's name, and not the link itself."""
    return f"link:{ticket.caller or ticket.nonce}" if ticket.nonce else "open"


def of_link(ticket: Ticket) -> Begun:
    """What the maker of a link began."""
    return Begun(LINK, ticket.caller, ticket.connection_id, ticket.provider, ticket.labels)


def back_to(return_uri: str, query: Mapping[str, str]) -> str:
    """`return_uri` with `query` added; "" stays ""."""
    if not return_uri:
        return ""
    return f"{return_uri}{'&' if '?' in return_uri else '?'}{urlencode(query)}"


def destination(uri: str) -> str:
    """What people are told of an address that they are sent to: its host."""
    parts = urlsplit(uri)
    return parts.netloc or (f"the app ({parts.scheme})" if parts.scheme else "")


def steps_on(visit: Visit) -> tuple[Step, ...]:
    """Ways on when it came to nothing: once more, and back to where the person came from."""
    found = [Step("Try again", visit.url())]
    if visit.ticket.return_uri:
        back = back_to(visit.ticket.return_uri, {"error": "not_connected"})
        found.append(Step(f"Back to {destination(visit.ticket.return_uri)}", back))
    return tuple(found)


async def form_of(request: web.Request) -> dict[str, str]:
    """What a form of ours has sent.

    Raises:
        Trouble: it is too large, too slow, or none; or another site sent it.
    """
    # Told by browsers for https and this machine; elsewhere the cookie alone decides.
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise troubles.foreign_form()
    if request.content_type != _FORM:
        raise Trouble(415, "This is no form", "Nothing was connected.")
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.content.iter_chunked(8192):
                body += chunk
                if len(body) > _MAX_BODY:
                    raise Trouble(413, "That is too much", "Nothing was connected.")
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MAX_FIELDS,
            errors="strict",
        )
    except TimeoutError:
        raise Trouble(408, "That took too long", "Nothing was connected.") from None
    except (ValueError, web.RequestPayloadError):
        raise Trouble(400, "This is no form", "Nothing was connected.") from None
    return dict(pairs)
