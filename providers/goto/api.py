"""Requests to GoTo: where its three APIs are, who is asked for, how lists are read.

Mapping lives elsewhere; what an error means is `errors`' business.
"""

import re
from collections import OrderedDict
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.wire import decode
from providers.goto.wire import Json, Key, Me

T = TypeVar("T")
MEETINGS = "G2M/rest"
WEBINARS = "G2W/rest/v2"
PRIMARY = frozenset({"", "primary"})
_KEY = re.compile(r"[0-9]{1,20}")
_MAX_KNOWN = 10_000


@dataclass(slots=True)
class Memory:
    """What a provider object remembers between calls.

    Attributes:
        keys: organizer and account key, by account key of the call. Nothing of a person.
    """

    keys: OrderedDict[str, tuple[str, str]] = field(default_factory=OrderedDict)

    def keep(self, account: str, keys: tuple[str, str]) -> None:
        """Remember, and forget what was not asked for longest."""
        if account:
            self.keys[account] = keys
            self.keys.move_to_end(account)
            while len(self.keys) > _MAX_KNOWN:
                self.keys.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Api:
    """GoTo, for one call."""

    call: Call
    memory: Memory

    async def me(self) -> tuple[Me, Json]:
        """Who is signed in, and GoTo's own words of it."""
        reply = await self.send("GET", "admin/rest/v1/me")
        raw = decode(reply, Json)
        found = convert(raw, Me)
        if not text(found.key):
            raise _malformed()
        self.memory.keep(self.call.account_key, (text(found.key), text(found.accountKey)))
        return found, raw

    async def keys(self) -> tuple[str, str]:
        """Organizer key and account key of who is signed in: since 2025 no token tells them."""
        known = self.memory.keys.get(self.call.account_key)
        if known is None:
            found, _ = await self.me()
            known = text(found.key), text(found.accountKey)
        return known

    async def calendar(self, asked: str) -> str:
        """The organizer key, when `asked` means this organizer.

        Raises:
            ProviderError: NOT_FOUND, when it means somebody else.
        """
        own, _ = await self.keys()
        if asked not in PRIMARY and asked != own:
            raise ProviderError.not_found("calendar", asked)
        return own

    async def webinars(self) -> str:
        """Path of the organizer's webinars."""
        own, _ = await self.keys()
        return f"{WEBINARS}/organizers/{own}/webinars"

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        expect: Container[int] = (),
        reads: bool | None = None,
        resource: tuple[str, str] | None = None,
    ) -> Reply:
        """Send one request.

        Args:
            path: below the base URL.
            reads: as in `Http.send`.
            resource: (type, id as the caller named it), told when it is not there.

        Raises:
            ProviderError: as `Http.send`.
        """
        try:
            return await self.call.http.send(
                method, path, params=params, json=json, headers=headers, expect=expect, reads=reads
            )
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND and resource is not None:
                error.resource = resource
            raise


def text(key: Key) -> str:
    """A key as text, exactly (P83): keys exceed 2^53."""
    return "" if key is None else str(key)


def segment(kind: str, id: str) -> str:
    """`id` as a key of GoTo's in a path; keys are decimal numbers.

    Raises:
        ProviderError: NOT_FOUND, when it can be none.
    """
    if _KEY.fullmatch(id) is None:
        raise ProviderError.not_found(kind, id)
    return id


def rows(reply: Reply) -> list[Json]:
    """The objects of an answer that is an array."""
    return decode(reply, list[Json])


def lowered(found: Any) -> Any:
    """`found` with all names in lower case: the case of names of meetings varies."""
    if isinstance(found, dict):
        return {name.lower(): lowered(value) for name, value in found.items()}
    return found


def convert(found: Any, type: type[T]) -> T:
    """`found` as `type`; text may stand for numbers and truths.

    Raises:
        ProviderError: PROVIDER_FAULT, without a word of it.
    """
    try:
        return msgspec.convert(found, type, strict=False)
    except msgspec.ValidationError:
        raise _malformed() from None


def _malformed() -> ProviderError:
    return ProviderError(
        Kind.PROVIDER_FAULT,
        "the provider's answer is not what its documentation says",
        reason="MALFORMED_ANSWER",
    )
