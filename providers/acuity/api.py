"""Requests to Acuity: bare objects and lists, paced for the whole process."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from providers.acuity.pace import Pace
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http, Reply, facts
from providers.core.wire import decode

T = TypeVar("T")
Params: TypeAlias = Mapping[str, str | int | Sequence[str]]


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
class Api:
    """Acuity on behalf of one call."""

    http: Http
    pace: Pace

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        expect: Container[int] = (),
    ) -> Reply:
        """Send one request when it is its turn.

        Raises:
            ProviderError: as `Http.send`; RATE_LIMITED when the turn would come too late.
        """
        deadline = self.http.deadline
        async with self.pace.turn(deadline() if callable(deadline) else deadline):
            return await self.http.send(method, path, params=params, json=json, expect=expect)

    async def one(
        self,
        type: type[T],
        path: str,
        *,
        kind: str = "",
        own_id: str = "",
        method: str = "GET",
        params: Params | None = None,
        json: object = None,
    ) -> Found[T]:
        """The object in the answer; `kind` and `own_id` are told when it is not there.

        Raises:
            ProviderError: as `send`; OUTCOME_UNKNOWN for the unreadable answer to a write.
        """
        try:
            reply = await self.send(method, path, params=params, json=json)
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND and kind:
                error.resource = kind, own_id
            raise
        try:
            return _read(reply, msgspec.Raw(reply.content), type)
        except ProviderError as error:
            if method == "GET":
                raise
            raise ProviderError(
                Kind.OUTCOME_UNKNOWN,
                "Acuity has done it, and its answer cannot be read: read before trying again",
                metadata=error.metadata,
            ) from None

    async def all(self, type: type[T], path: str, params: Params | None = None) -> list[Found[T]]:
        """The objects of a list."""
        reply = await self.send("GET", path, params=params)
        return [_read(reply, text, type) for text in decode(reply, list[msgspec.Raw])]


def _read(reply: Reply, text: msgspec.Raw, type: type[T]) -> Found[T]:
    try:
        return Found(msgspec.json.decode(text, type=type), text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProviderError(
            Kind.PROVIDER_FAULT,
            "the provider's answer is not what its documentation says",
            reason="MALFORMED_ANSWER",
            metadata=facts(reply),
        ) from None


def api(call: Call, pace: Pace) -> Api:
    """Acuity on behalf of `call`."""
    return Api(call.http, pace)


def number(kind: str, own_id: str) -> int:
    """An id as Acuity has it.

    Raises:
        ProviderError: NOT_FOUND for what is no number.
    """
    if not (own_id.isascii() and own_id.isdigit() and len(own_id) <= 18 and own_id[0] != "0"):
        raise ProviderError.not_found(kind, own_id)
    return int(own_id)


def place(token: str) -> int:
    """Where a page of a list that is not paged by Acuity begins.

    Raises:
        ProviderError: INVALID.
    """
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) < 8):
        raise ProviderError.invalid("page_token", "is none of this list")
    return int(token)
