"""`/connect/{provider}`: what is asked for, the way to the vendor, the form, and the end."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.errors import ProviderError
from server.access.makers import Makers
from server.connect import forms, look, troubles
from server.connect.callback import Callback
from server.connect.commands import Commands
from server.connect.desk import Desk, Visit, destination, form_of, steps_on
from server.connect.forms import Filled, Way
from server.connect.origin import Origin
from server.connect.receipts import Receipts
from server.connect.trial import TooManyError, Trials, told
from server.connect.troubles import Step
from server.connect.words import allowed
from server.connections.authorizations import CALLBACK
from server.connections.facade import Connections
from server.connections.tickets import UsedLinkError
from ucal.v1 import connection_pb2

_FORM_LIFE = timedelta(minutes=30)


class ConnectPages:
    """The pages."""

    def __init__(
        self,
        connections: Connections,
        origin: Origin,
        commands: Commands,
        makers: Makers | None = None,
    ) -> None:
        """`makers`: see `Desk`."""
        self._connections = connections
        self._origin = origin
        self._commands = commands
        self._desk = Desk(connections, origin, makers)
        self._sealer = connections.sealer("connect")
        self._receipts = Receipts(connections.sealer("receipt"))
        self._trials = Trials(connections)
        self._callback = Callback(self._desk, self._receipts, connections.sealer("confirm"))

    def routes(self) -> list[web.RouteDef]:
        """For the HTTP side."""
        shown = self._desk.shown
        return [
            web.get("/connect/icon.svg", self._icon),
            web.get("/connect/{provider}", shown(self._ask)),
            web.post("/connect/{provider}", shown(self._take)),
            web.get("/connect/{provider}/go", shown(self._go)),
            web.get("/connect/{provider}/done", shown(self._done)),
            web.get(CALLBACK, shown(self._callback.came)),
            web.post(CALLBACK, shown(self._callback.confirmed)),
        ]

    async def _icon(self, request: web.Request) -> web.Response:
        headers = look.headers(secure=self._origin.secure)
        return web.Response(body=look.icon(), content_type="image/svg+xml", headers=headers)

    # -- what is asked for

    async def _ask(self, request: web.Request) -> web.Response:
        visit = await self._desk.visit(request)
        if not visit.link and self._origin.is_elsewhere(request):
            return self._desk.onward(await self._moved(visit))
        await self._desk.fresh(visit)
        way, others = _chosen(visit, request.query.get("with", ""))
        if way.name == "oauth":
            return self._oauth(visit, others)
        return self._form(visit, way, others, Filled())

    async def _moved(self, visit: Visit) -> str:
        """This page at the address that vendors send people back to, by a link of its own."""
        asked = connection_pb2.CreateConnectLinkRequest(provider=visit.provider.name)
        token, _ = await self._connections.tickets.issue(asked)
        return self._origin.link(visit.provider.name, token)

    def _oauth(self, visit: Visit, others: Iterable[Way]) -> web.Response:
        provider, habits = visit.provider, visit.provider.oauth
        if habits is None or not provider.settings.client_id:
            raise troubles.not_set_up(visit.name)
        values = {
            **_common(visit, others),
            "allowed": allowed(type(provider), visit.ticket.scopes or habits.scopes),
            "go": visit.url("/go", {"form": self._token(visit, "oauth")}),
            "host": urlsplit(provider.settings.authorize_url or habits.authorize_url).netloc,
        }
        return self._desk.page(visit.browser, "ask", values)

    async def _go(self, request: web.Request) -> web.Response:
        """To the vendor. A link and no form: a policy for forms would hold for every redirect that
        the vendor makes on the way, to hosts that nobody knows beforehand.
        """
        visit = await self._desk.visit(request)
        self._nonce(visit, "oauth", request.query.get("form", ""))
        await self._desk.fresh(visit)
        dances = self._connections.authorizations
        back = dances.callback or f"{visit.base}{CALLBACK}"
        try:
            return self._desk.onward(await dances.begin(visit.ticket, back, visit.browser.digest))
        except ProviderError as error:
            raise troubles.of_error(error, visit.name, steps_on(visit)) from None

    # -- forms

    def _token(self, visit: Visit, way: str) -> str:
        """What shows that this browser was shown this form, of this link."""
        return self._sealer.seal(
            secrets.token_urlsafe(12).encode(), bound_to=_bound(visit, way)
        ).decode()

    def _nonce(self, visit: Visit, way: str, token: str) -> str:
        try:
            return self._sealer.open(
                token, bound_to=_bound(visit, way), max_age=_FORM_LIFE
            ).decode()
        except ProviderError:
            raise troubles.foreign_form(steps_on(visit)) from None

    def _form(
        self,
        visit: Visit,
        way: Way,
        others: Iterable[Way],
        filled: Filled,
        *,
        status: int = 200,
    ) -> web.Response:
        asked = _fields(visit, way)
        hint = way.prompt.hint if way.prompt else ""
        described = {}
        for each in asked:
            hinted = each.hint or (hint if each.is_secret else "")
            ids = [f"{each.name}-hint"] if hinted else []
            ids += [f"{each.name}-error"] if each.name in filled.errors else []
            if ids:
                described[each.name] = " ".join(ids)
        values = {
            **_common(visit, others),
            "allowed": allowed(type(visit.provider)),
            "fields": asked,
            "values": {
                each.name: filled.values.get(each.name, "") for each in asked if not each.is_secret
            },
            "errors": filled.errors,
            "described": described,
            "hint": hint,
            "help_url": way.prompt.help_url if way.prompt else "",
            "base_url": visit.base_url,
            "action": visit.url(query={"with": way.name}),
            "token": self._token(visit, way.name),
        }
        return self._desk.page(visit.browser, "form", values, status=status, forms=True)

    async def _take(self, request: web.Request) -> web.Response:
        visit = await self._desk.visit(request)
        form = await form_of(request)
        way, others = _chosen(visit, request.query.get("with", ""))
        nonce = self._nonce(visit, way.name, form.get("form", ""))
        asked = _fields(visit, way)
        filled = forms.read(asked, form)
        if filled.errors:
            return self._form(visit, way, others, filled, status=422)
        wanted = forms.credentials(visit.provider, way.prompt, filled, visit.base_url)
        try:
            await self._trials.run(wanted, visit.ticket.nonce)
            made = await self._made(visit, wanted, nonce)
        except ProviderError as error:
            status, field, text = told(error, visit.name, asked)
            wrong = Filled(filled.values, {field: text})
            return self._form(visit, way, others, wrong, status=status)
        except TooManyError:
            raise troubles.too_many() from None
        except UsedLinkError:
            raise troubles.used_link() from None
        return self._desk.onward(self._receipts.url(visit.base, visit.browser, made, visit.ticket))

    async def _made(
        self, visit: Visit, wanted: connection_pb2.Connection, nonce: str
    ) -> connection_pb2.Connection:
        """The connection; the same form, sent twice, makes one."""
        ticket, directory = visit.ticket, self._connections.directory
        await self._connections.tickets.take(ticket, nonce)
        try:
            if ticket.connection_id:
                kind = wanted.WhichOneof("credentials") or ""
                mask = FieldMask(paths=[kind])
                return await directory.update(ticket.connection_id, wanted, mask)
            wanted.display_name = ticket.display_name
            wanted.labels.update(ticket.labels)
            request = uuid.UUID(bytes=hashlib.sha256(nonce.encode()).digest()[:16], version=4)
            return await directory.create(wanted, str(request))
        except ProviderError:
            await self._connections.tickets.give_back(ticket, nonce)
            raise

    # -- the end

    async def _done(self, request: web.Request) -> web.Response:
        browser = self._desk.browser(request)
        receipt = self._receipts.read(browser, request.query.get("receipt", ""))
        found = await self._connections.directory.get(receipt.connection_id)
        provider = self._connections.pool.get(found.provider)
        back = receipt.back()
        values = {
            "name": provider.display_name,
            "connection_id": found.id,
            "renewed": receipt.renewed,
            "by_link": receipt.by_link,
            "commands": [] if back else self._commands.of(type(provider), found.id),
            "scopes": list(found.granted_scopes),
            "return_url": back,
            "returns_to": destination(receipt.return_uri),
        }
        answer = self._desk.page(browser, "done", values)
        if back:
            # Not by 303: the policy for forms would hold for every redirect behind it.
            answer.headers["refresh"] = f"0; url={back}"
        return answer


def _bound(visit: Visit, way: str) -> bytes:
    parts = (visit.browser.digest, visit.provider.name, way, visit.ticket.nonce)
    return "\0".join(parts).encode()


def _chosen(visit: Visit, wished: str) -> tuple[Way, list[Way]]:
    """The way that the person takes, and the others."""
    found = forms.ways(visit.provider)
    if visit.ticket.scopes:
        found = [each for each in found if each.name == "oauth"] or found
    if not found:
        raise troubles.no_way(visit.name)
    way = next((each for each in found if each.name == wished), found[0])
    return way, [each for each in found if each is not way]


def _fields(visit: Visit, way: Way) -> list[forms.Field]:
    if way.prompt is None:
        return []
    return forms.fields(visit.provider, way.prompt, visit.base_url)


def _common(visit: Visit, others: Iterable[Way]) -> dict[str, object]:
    renew = bool(visit.ticket.connection_id)
    return {
        "title": f"Renew your {visit.name} connection" if renew else f"Connect {visit.name}",
        "name": visit.name,
        "visit": visit.facts,
        "others": [Step(each.label, visit.url(query={"with": each.name})) for each in others],
    }
