"""`/oauth/callback`: where the vendor sends people back to."""

from datetime import timedelta

import msgspec
from aiohttp import web

from providers.core.errors import ProviderError
from server.access.makers import DANCE, Begun
from server.connect import troubles
from server.connect.browser import Browser
from server.connect.desk import Desk, Visit, back_to, form_of, of_link, steps_on, who
from server.connect.receipts import Receipts
from server.connections.authorizations import CALLBACK, Dance, StaleStateError
from server.connections.sealer import Sealer
from server.connections.tickets import Ticket, UsedLinkError
from server.interceptors.scope import SCOPE
from ucal.v1 import connection_pb2

_CONFIRM_LIFE = timedelta(minutes=10)
_MAX_CODE = 8192
# RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6, and what vendors write for them.
_NO = frozenset(
    {
        "access_denied",
        "consent_required",
        "interaction_required",
        "login_required",
        "account_selection_required",
        "user_denied",
        "cancelled",
        "canceled",
    }
)


class _Answer(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What the vendor said to a dance that a program began, until the person confirms."""

    state: str
    code: str


class Callback:
    """Takes vendors' answers."""

    def __init__(self, desk: Desk, receipts: Receipts, sealer: Sealer) -> None:
        self._desk = desk
        self._receipts = receipts
        self._sealer = sealer
        self._dances = desk.connections.authorizations

    async def came(self, request: web.Request) -> web.Response:
        """A person who was at the vendor."""
        query, browser = request.query, self._desk.browser(request)
        state, code = query.get("state", ""), query.get("code", "")
        dance = self._opened(state)
        visit = self._visit(request, dance, browser)
        await self._desk.refuse_ended(_begun(dance))
        if not self._dances.is_of(dance, query.getall("iss", ())):
            raise troubles.mixed_up(visit.name)
        steps = steps_on(visit) if dance.ticket else ()
        if dance.ticket is not None and dance.browser != browser.digest:
            raise troubles.stale("foreign", steps)
        if query.get("error"):
            said_no = query["error"].lower() in _NO
            raise (troubles.denied if said_no else troubles.vendor_failed)(visit.name, steps)
        if not code or len(code) > _MAX_CODE:
            raise troubles.stale("forged")
        if dance.ticket is None:
            return self._confirm(visit, _Answer(state, code))
        made = await self._made(visit, dance, state, code)
        if dance.ticket.return_uri:
            return self._desk.onward(back_to(dance.ticket.return_uri, {"connection_id": made.id}))
        return self._desk.onward(self._receipts.url(visit.base, browser, made, dance.ticket))

    def _opened(self, state: str) -> Dance:
        try:
            return self._dances.opened(state)
        except StaleStateError as error:
            raise troubles.stale(error.why) from None

    def _visit(self, request: web.Request, dance: Dance, browser: Browser) -> Visit:
        ticket = dance.ticket or Ticket(dance.provider)
        link = self._desk.connections.tickets.seal(ticket) if ticket.nonce else ""
        scope = SCOPE.get()
        scope.provider, scope.caller = dance.provider, who(ticket)
        provider = self._desk.connections.pool.get(dance.provider)
        return Visit(browser, provider, ticket, link, self._desk.origin.seen(request))

    async def _made(
        self, visit: Visit, dance: Dance, state: str, code: str
    ) -> connection_pb2.Connection:
        tickets, steps = self._desk.connections.tickets, steps_on(visit)
        try:
            await tickets.take(visit.ticket, dance.nonce)
        except UsedLinkError:
            raise troubles.used_link() from None
        try:
            return await self._dances.complete(state, code, visit.browser.digest)
        except StaleStateError as error:
            # The link stays as it is: an answer that came twice must not set it free.
            raise troubles.stale(error.why, steps) from None
        except ProviderError as error:
            await tickets.give_back(visit.ticket, dance.nonce)
            raise troubles.of_error(error, visit.name, steps) from None

    # -- dances that a program began

    def _confirm(self, visit: Visit, answer: _Answer) -> web.Response:
        """Ask first: nothing shows that this browser is the one that the program meant."""
        token = self._sealer.seal(
            msgspec.msgpack.encode(answer), bound_to=visit.browser.digest.encode()
        ).decode()
        values = {"name": visit.name, "action": f"{visit.base}{CALLBACK}", "token": token}
        return self._desk.page(visit.browser, "confirm", values, forms=True)

    async def confirmed(self, request: web.Request) -> web.Response:
        """The person said that it was them."""
        browser, form = self._desk.browser(request), await form_of(request)
        try:
            plain = self._sealer.open(
                form.get("form", ""), bound_to=browser.digest.encode(), max_age=_CONFIRM_LIFE
            )
        except ProviderError:
            raise troubles.foreign_form() from None
        answer = msgspec.msgpack.decode(plain, type=_Answer)
        dance = self._opened(answer.state)
        visit = self._visit(request, dance, browser)
        await self._desk.refuse_ended(_begun(dance))
        try:
            made = await self._dances.complete(answer.state, answer.code, browser.digest)
        except StaleStateError as error:
            raise troubles.stale(error.why) from None
        except ProviderError as error:
            raise troubles.of_error(error, visit.name) from None
        return self._desk.onward(self._receipts.url(visit.base, browser, made, None))


def _begun(dance: Dance) -> Begun:
    """What the maker of the link, or the program, began."""
    if dance.ticket is not None:
        return of_link(dance.ticket)
    return Begun(DANCE, dance.caller, dance.connection_id, dance.provider, {})
