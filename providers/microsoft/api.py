"""Requests to Graph: what all of them carry, whose they are, and how many at once.

Exchange lets an app have four requests under way in one mailbox (learn.microsoft.com/graph/
throttling-limits#outlook-service-limits); more are answered 429.
"""

import asyncio
import uuid
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from weakref import WeakValueDictionary

import httpx
import msgspec

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http, Reply, facts, quote
from providers.core.wire import decode
from providers.microsoft.auth import GraphAuth

Params: TypeAlias = Mapping[str, str | int | Sequence[str]]

AT_ONCE = 4
MAX_BATCH = 20
# Ids that survive moves between folders (P68), and times in one zone that always exists (P21).
PREFER = ('IdType="ImmutableId"', 'outlook.timezone="UTC"')


class Lanes:
    """Who may ask now: four requests of each account at a time."""

    def __init__(self) -> None:
        self._lanes: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, account_key: str) -> asyncio.Semaphore:
        """The account's lane. Hold on to it while asking."""
        found = self._lanes.get(account_key)
        if found is None:
            found = self._lanes[account_key] = asyncio.Semaphore(AT_ONCE)
        return found


class BatchResponse(msgspec.Struct, gc=False):
    """learn.microsoft.com/graph/json-batching: one answer inside a batch."""

    id: str
    status: int
    headers: dict[str, str] | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")


class BatchAnswer(msgspec.Struct, gc=False):
    """learn.microsoft.com/graph/json-batching."""

    responses: list[BatchResponse] = []


@dataclass(frozen=True, slots=True)
class Api:
    """Graph on behalf of one call.

    Attributes:
        me: beginning of paths about the account: "me", or "users/<id>" for an application.
        connection_id: goes into every resource.
        is_application: the token is an application's own.
    """

    http: Http
    lane: asyncio.Semaphore
    me: str
    connection_id: str = ""
    is_application: bool = False

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        etag: str = "",
        prefer: Sequence[str] = (),
        resource: tuple[str, str] | None = None,
        expect: Container[int] = (),
        retry_safe: bool | None = None,
        reads: bool | None = None,
        accept: str = "application/json",
    ) -> Reply:
        """Send one request.

        Args:
            path: below the API's root.
            etag: sent as If-Match.
            prefer: preferences besides `PREFER`.
            resource: (type, id as the caller named it), told when it is not there.
            expect: as `Http.send`, as are the others.

        Raises:
            ProviderError: as `Http.send`.
        """
        headers = {
            "Prefer": ", ".join((*PREFER, *prefer)),
            "client-request-id": str(uuid.uuid4()),
            "Accept": accept,
        }
        if etag:
            headers["If-Match"] = etag
        try:
            async with asyncio.timeout_at(self._deadline()):
                await self.lane.acquire()
        except TimeoutError:
            raise ProviderError(
                Kind.UNAVAILABLE, "too many requests of this account are under way already"
            ) from None
        try:
            return await self.http.send(
                method,
                path,
                params=params,
                headers=headers,
                json=json,
                expect=expect,
                retry_safe=retry_safe,
                reads=reads,
            )
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND and resource is not None:
                error.resource = resource
            raise
        finally:
            self.lane.release()

    def _deadline(self) -> float | None:
        deadline = self.http.deadline
        end = deadline() if callable(deadline) else deadline
        return None if end == float("inf") else end

    async def read_many(self, paths: Sequence[str]) -> list[Reply]:
        """The answers to GETs of `paths`, in that order, twenty in one request.

        Errors of single paths are answers with their status.

        Raises:
            ProviderError: of the batch as a whole; PROVIDER_FAULT when an answer is missing.
        """
        found: list[Reply] = []
        for at in range(0, len(paths), MAX_BATCH):
            found += await self._batch(paths[at : at + MAX_BATCH])
        return found

    async def _batch(self, paths: Sequence[str]) -> list[Reply]:
        requests = [
            {
                "id": str(number),
                "method": "GET",
                "url": f"/{path}",
                "headers": {"Prefer": ", ".join(PREFER)},
            }
            for number, path in enumerate(paths)
        ]
        reply = await self.send("POST", "$batch", json={"requests": requests}, reads=True)
        answers = {each.id: each for each in decode(reply, BatchAnswer).responses}
        if any(str(number) not in answers for number in range(len(paths))):
            raise malformed(reply)
        return [_unpacked(reply, answers[str(number)]) for number in range(len(paths))]

    def relative(self, link: str, reply: Reply) -> str:
        """A link that Graph gave, below our own root.

        Raises:
            ProviderError: PROVIDER_FAULT when it leads elsewhere: credentials go to one host only.
        """
        root = self.http.base_url.rstrip("/") + "/"
        if not link.lower().startswith(root.lower()):
            raise ProviderError(
                Kind.PROVIDER_FAULT,
                "Microsoft's answer goes on at another host, where the token is not sent",
                reason="LINK_REFUSED",
                metadata=facts(reply),
            )
        return link[len(root) :]


def _unpacked(reply: Reply, answer: BatchResponse) -> Reply:
    headers = httpx.Headers(answer.headers or {})
    return Reply(answer.status, headers, bytes(answer.body), reply.url)


def api(call: Call, lanes: Lanes) -> Api:
    """Graph on behalf of `call`.

    Raises:
        ProviderError: PRECONDITION when an application's credentials name no mailbox.
    """
    lane = lanes.of(call.account_key or call.connection_id)
    auth = call.http.auth
    if not isinstance(auth, GraphAuth) or not auth.is_application:
        return Api(call.http, lane, "me", call.connection_id)
    if not auth.mailbox:
        raise ProviderError(
            Kind.PRECONDITION,
            "an application acts for a mailbox: set `subject` in the connection's credentials",
            reason="MAILBOX_MISSING",
        )
    me = f"users/{quote(auth.mailbox)}"
    return Api(call.http, lane, me, call.connection_id, is_application=True)


def malformed(reply: Reply) -> ProviderError:
    """The error of an answer that has the wrong shape, without a word of it."""
    return ProviderError(
        Kind.PROVIDER_FAULT,
        "the provider's answer is not what its documentation says",
        reason="MALFORMED_ANSWER",
        metadata=facts(reply),
    )


def text_literal(text: str) -> str:
    """`text` as OData writes it: in quotes, quotes inside doubled."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def calendar_path(api: Api, calendar_id: str) -> str:
    """`me/calendars/<id>`; "" and "primary" are the default one."""
    if calendar_id in {"", "primary"}:
        return f"{api.me}/calendar"
    return f"{api.me}/calendars/{quote(calendar_id)}"


def event_path(api: Api, calendar_id: str, event_id: str) -> str:
    """`me/calendars/<id>/events/<id>`."""
    return f"{calendar_path(api, calendar_id)}/events/{quote(event_id)}"
