"""Requests to Zoom: who is asked for, errors inside HTTP 200, pages, writes one after another.

Mapping lives elsewhere; what an error means is `errors`' business.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakValueDictionary

import httpx
import msgspec

from providers.core.auth import BearerAuth, Grant
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError, sole
from providers.core.http import Http, Reply
from providers.core.wire import decode
from providers.zoom import wire
from providers.zoom.errors import classify, trouble
from providers.zoom.ids import plain_segment

A = TypeVar("A")
T = TypeVar("T")
ME = "me"
PRIMARY = frozenset({"", "primary", ME})
MAX_PAGE = 300
_TOGETHER = 4
# Redirects that keep the method. The API sends accounts to the host of their region (seen by
# several clients); whoever follows without the token is told that it is invalid.
_ELSEWHERE = (307, 308)
_MAX_KNOWN = 10_000


class AccountAuth(BearerAuth):
    """A server-to-server app: it has no user of its own, so "me" means nothing to it.

    Attributes:
        subject: user for whom it works when a call names none; id or address.
    """

    def __init__(self, grant: Grant, subject: str) -> None:
        super().__init__(grant)
        self.subject = subject


@dataclass(slots=True)
class Memory:
    """What a provider object remembers between calls; nothing of a calendar.

    Attributes:
        own_ids: user id by account key.
        locks: one for each meeting that is being written.
    """

    own_ids: OrderedDict[str, str] = field(default_factory=OrderedDict)
    locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )

    def keep(self, account: str, own_id: str) -> None:
        """Remember whose account it is."""
        self.own_ids[account] = own_id
        if len(self.own_ids) > _MAX_KNOWN:
            self.own_ids.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Api:
    """Zoom's API on behalf of one call."""

    call: Call
    memory: Memory

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        resource: tuple[str, str] | None = None,
    ) -> Reply:
        """Send one request.

        Args:
            path: below the API's root.
            resource: (type, id as the caller named it), told when it is not there.

        Raises:
            ProviderError: as `Http.send`, and for errors that Zoom hides in HTTP 200.
        """
        try:
            reply = await self.call.http.send(
                method, path, params=params, json=json, expect=_ELSEWHERE
            )
            if reply.status in _ELSEWHERE:
                # To a regional host, which wants the token too.
                reply = await refer(self.call.http, method, _elsewhere(reply), json=json)
            if reply.status == 200 and trouble(reply.content) is not None:
                raise classify(reply)
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND and resource is not None:
                error.resource = resource
            raise
        return reply

    async def get(
        self,
        path: str,
        type: type[T],
        *,
        params: Mapping[str, str | int] | None = None,
        resource: tuple[str, str] | None = None,
    ) -> T:
        """GET, decoded."""
        return decode(await self.send("GET", path, params=params, resource=resource), type)

    async def page(
        self,
        path: str,
        *,
        size: int,
        token: str,
        params: Mapping[str, str | int] | None = None,
        resource: tuple[str, str] | None = None,
    ) -> wire.Page:
        """A page of a list.

        Raises:
            ProviderError: INVALID with reason PAGE_TOKEN_EXPIRED, when Zoom has forgotten `token`:
                it does so after 15 minutes.
        """
        query: dict[str, str | int] = {"page_size": min(size or MAX_PAGE, MAX_PAGE)}
        query |= params or {}
        if token:
            query["next_page_token"] = token
        try:
            return await self.get(path, wire.Page, params=query, resource=resource)
        except ProviderError as error:
            if token and error.metadata.get("provider_code") == "300":
                raise ProviderError.invalid(
                    "page_token",
                    "Zoom has forgotten it after 15 minutes: list anew",
                    reason="PAGE_TOKEN_EXPIRED",
                ) from None
            raise

    # -- users

    async def user(self, calendar_id: str = "") -> str:
        """The user whose meetings a call is about, as a segment of a path.

        Raises:
            ProviderError: INVALID when a server-to-server app names nobody; NOT_FOUND for what is
                no id of a user.
        """
        auth = self.call.http.auth
        if isinstance(auth, AccountAuth):
            name = auth.subject if calendar_id in PRIMARY else calendar_id
            if not name:
                raise ProviderError.invalid(
                    "calendar_id",
                    "a server-to-server app has no user of its own: name one, or set the "
                    "credentials' subject",
                )
            return plain_segment(name, "calendar")
        if calendar_id in PRIMARY or calendar_id == await self._own_id():
            return ME
        return plain_segment(calendar_id, "calendar")

    async def _own_id(self) -> str:
        """Id of the user who signed in. Some endpoints take a user's own id for a stranger's."""
        known = self.memory.own_ids.get(self.call.account_key, "")
        if known and self.call.account_key:
            return known
        return (await self.me())[0].id

    async def me(self) -> tuple[wire.User, bytes]:
        """The user who signed in, or the subject of a server-to-server app; and as it came."""
        auth = self.call.http.auth
        name = await self.user() if isinstance(auth, AccountAuth) else ME
        reply = await self.send("GET", f"users/{name}")
        found = decode(reply, wire.User)
        if self.call.account_key and name == ME:
            self.memory.keep(self.call.account_key, found.id)
        return found, reply.content

    # -- writes

    def one_at_a_time(self, number: str) -> asyncio.Lock:
        """Zoom answers 429 to writes of one meeting that overlap."""
        key = (self.call.account_key or self.call.connection_id, number)
        lock = self.memory.locks.get(key)
        if lock is None:
            lock = self.memory.locks[key] = asyncio.Lock()
        return lock


async def refer(http: Http, method: str, url: str, *, json: object = None) -> Reply:
    """A request to where an answer of Zoom's has pointed.

    Raises:
        ProviderError: as `Http.send`; PROVIDER_FAULT, when that is no host of Zoom's.
    """
    try:
        return await http.send(method, url, json=json)
    except ProviderError as error:
        if error.reason != "HOST_NOT_ALLOWED":
            raise
        raise ProviderError(
            Kind.PROVIDER_FAULT,
            "the provider points to a host that is none of its own",
            reason="REDIRECT_REFUSED",
        ) from None


def _elsewhere(reply: Reply) -> str:
    """Where a redirect leads.

    Raises:
        ProviderError: PROVIDER_FAULT, when it leads nowhere.
    """
    try:
        return str(httpx.URL(reply.url).join(reply.headers.get("location", "")))
    except (httpx.InvalidURL, ValueError):
        raise malformed() from None


def items(found: Iterable[msgspec.Raw], type: type[T]) -> list[tuple[T, msgspec.Raw]]:
    """Items of a page, decoded, each beside what it came as.

    Raises:
        ProviderError: PROVIDER_FAULT for an item of another shape.
    """
    return [(read(raw, type), raw) for raw in found]


def read(raw: bytes | msgspec.Raw, type: type[T]) -> T:
    """JSON as `type`.

    Raises:
        ProviderError: PROVIDER_FAULT; without a word of it.
    """
    try:
        return msgspec.json.decode(raw, type=type)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise malformed() from None


def malformed() -> ProviderError:
    """The error of an answer that has the wrong shape."""
    return ProviderError(
        Kind.PROVIDER_FAULT,
        "the provider's answer is not what its documentation says",
        reason="MALFORMED_ANSWER",
    )


async def together(ask: Callable[[A], Awaitable[T]], about: Iterable[A]) -> list[T]:
    """Answers in the order of the questions, a few questions at a time.

    Raises:
        ProviderError: the first that any of them raised.
    """
    turn = asyncio.Semaphore(_TOGETHER)

    async def one(what: A) -> T:
        async with turn:
            return await ask(what)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(what)) for what in about]
    except ExceptionGroup as failed:
        raise sole(failed) from None
    return [task.result() for task in tasks]
