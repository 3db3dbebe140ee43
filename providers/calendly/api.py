"""Requests to Calendly: envelopes, pages, and who the connection's user is."""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from providers.calendly import ids
from providers.calendly.wire import Collection, Resource, User
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http, Reply, facts
from providers.core.wire import decode

T = TypeVar("T")
Params: TypeAlias = Mapping[str, str | int | Sequence[str]]

# Largest `count` (developer.calendly.com, "Pagination").
MAX_PAGE = 100
# Calls at once on behalf of one call: the limit of 500 a minute is the user's (own choice).
AT_ONCE = 4
_REMEMBERED = 10_000
_REMEMBER_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Me:
    """URIs of the connection's user and organization, which queries have to name."""

    user: str
    organization: str

    @property
    def id(self) -> str:
        """Of the user, and of the user's one calendar."""
        return ids.tail(self.user)


@dataclass(slots=True)
class Memory:
    """Who accounts belong to, for some minutes: two URIs each, and nothing personal."""

    _known: OrderedDict[str, tuple[float, Me]] = field(default_factory=OrderedDict)

    def get(self, account: str, now: float) -> Me | None:
        """What is known of `account`."""
        found = self._known.get(account)
        return found[1] if found and now - found[0] < _REMEMBER_SECONDS else None

    def put(self, account: str, now: float, me: Me) -> None:
        """Remember `me`; an account without a key is not remembered."""
        if account:
            self._known[account] = now, me
            self._known.move_to_end(account)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """An object, and the vendor's exact words for it."""

    it: T
    text: msgspec.Raw

    def raw(self) -> dict[str, Any]:
        """The vendor's object as a mapping."""
        found: dict[str, Any] = msgspec.json.decode(self.text)
        return found


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page; `following` is the token of the next, "" on the last."""

    items: list[Found[T]]
    following: str


@dataclass(frozen=True, slots=True)
class Api:
    """Calendly on behalf of one call."""

    http: Http
    connection_id: str
    account_key: str
    memory: Memory

    async def one(
        self,
        type: type[T],
        path: str,
        *,
        kind: str = "",
        own_id: str = "",
        method: str = "GET",
        json: object = None,
    ) -> Found[T]:
        """The object in the answer; `kind` and `own_id` are told when it is not there.

        Raises:
            ProviderError: as `Http.send`; OUTCOME_UNKNOWN for the unreadable answer to a write.
        """
        try:
            reply = await self.http.send(method, path, json=json)
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND and kind:
                error.resource = kind, own_id
            raise
        try:
            return read(reply, decode(reply, Resource).resource, type)
        except ProviderError as error:
            if method == "GET":
                raise
            raise ProviderError(
                Kind.OUTCOME_UNKNOWN,
                "Calendly has done it, and its answer cannot be read: read before trying again",
                metadata=error.metadata,
            ) from None

    async def page(self, type: type[T], path: str, params: Params) -> Page[T]:
        """One page of a list."""
        reply = await self.http.send("GET", path, params=params)
        found = decode(reply, Collection)
        following = ids.page_token(found.pagination.next_page_token, found.pagination.next_page)
        return Page([read(reply, text, type) for text in found.collection], following)

    async def me(self) -> Me:
        """Who the connection's user is."""
        now = asyncio.get_running_loop().time()
        known = self.memory.get(self.account_key, now)
        return known or self.remember((await self.one(User, "users/me")).it)

    def remember(self, user: User) -> Me:
        """Who the connection's user is, of an answer that was read anyway."""
        me = Me(user.uri, user.current_organization or "")
        self.memory.put(self.account_key, asyncio.get_running_loop().time(), me)
        return me


def read(reply: Reply, text: msgspec.Raw, type: type[T]) -> Found[T]:
    """A part of an answer as `type`.

    Raises:
        ProviderError: PROVIDER_FAULT when it is not; without a word of it.
    """
    try:
        return Found(msgspec.json.decode(text, type=type), text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProviderError(
            Kind.PROVIDER_FAULT,
            "the provider's answer is not what its documentation says",
            reason="MALFORMED_ANSWER",
            metadata=facts(reply),
        ) from None


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all of `work`, a few at a time and in order; the first failure ends the rest.

    Raises:
        ProviderError: what one of them raised.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(each: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await each

    pending = list(work)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each)) for each in pending]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        for each in pending:
            each.close()  # those that were not begun
    return [task.result() for task in tasks]


def api(call: Call, memory: Memory) -> Api:
    """Calendly on behalf of `call`."""
    return Api(call.http, call.connection_id, call.account_key, memory)
