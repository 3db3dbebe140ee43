"""Requests to Dialpad: whose meetings are asked for, how lists are walked and cut.

Mapping lives elsewhere.
"""

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import msgspec

from providers.core.call import Call
from providers.core.cursors import number_of
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply
from providers.core.wire import decode
from providers.dialpad.wire import Json, Key, Page, Room, User

T = TypeVar("T")
Params: TypeAlias = Mapping[str, str | int]
PRIMARY = frozenset({"", "primary"})
CALENDAR = "calendar"
NO_USER = "NO_USER"
_USER = re.compile(r"user-([0-9]{1,20})")
_MAX_KNOWN = 10_000
_MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose meetings a calendar holds. `calendar_id`: a room's id, or "user-<id>" without one."""

    user_id: str
    calendar_id: str


@dataclass(slots=True)
class Memory:
    """What a provider object remembers between calls: ids, nothing of a person or a calendar.

    Attributes:
        owners: by account key and calendar id as the caller names it.
    """

    owners: OrderedDict[tuple[str, str], Owner] = field(default_factory=OrderedDict)

    def keep(self, key: tuple[str, str], owner: Owner) -> None:
        """Remember, and forget the oldest."""
        self.owners[key] = owner
        while len(self.owners) > _MAX_KNOWN:
            self.owners.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Api:
    """Dialpad, for one call."""

    call: Call
    memory: Memory

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        resource: tuple[str, str] | None = None,
    ) -> Reply:
        """Send one request.

        Args:
            path: below /api/v2.
            resource: (type, id as the caller named it), told when it is not there.

        Raises:
            ProviderError: as `Http.send`.
        """
        try:
            return await self.call.http.send(method, f"api/v2/{path}", params=params, json=json)
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND and resource is not None:
                error.resource = resource
            raise

    async def page(self, path: str, cursor: str = "", params: Params | None = None) -> Page:
        """A page of a list; its cursor is empty on the last one."""
        query = {**(params or {}), **({"cursor": cursor} if cursor else {})}
        return decode(await self.send("GET", path, params=query), Page)

    async def walk(self, path: str, params: Params | None = None) -> AsyncIterator[list[Json]]:
        """Every page of a list, whatever it is under.

        Raises:
            ProviderError: PRECONDITION, when there is no end to it.
        """
        cursor = ""
        for _ in range(_MOST_PAGES):
            page = await self.page(path, cursor, params)
            yield (page.data or page.items) or []
            if not page.cursor or page.cursor == cursor:
                return
            cursor = page.cursor
        raise ProviderError(
            Kind.PRECONDITION,
            "there is more than can be read at once: ask for a shorter window",
            reason="TOO_MUCH",
        )

    async def me(self) -> tuple[User, Json]:
        """The user who signed in.

        Raises:
            ProviderError: PRECONDITION with reason NO_USER, for a key of a whole company.
        """
        try:
            raw = decode(await self.send("GET", "users/me"), Json)
        except ProviderError as error:
            if error.kind not in (Kind.NOT_FOUND, Kind.INVALID):
                raise
            raise ProviderError(
                Kind.PRECONDITION,
                "the API key belongs to no user: name a calendar",
                reason=NO_USER,
            ) from None
        return convert(raw, User), raw

    async def owner(self, calendar_id: str) -> Owner:
        """Whose calendar `calendar_id` is; primary: that of the user who signed in.

        Raises:
            ProviderError: NOT_FOUND, when there is no such room; PRECONDITION, as `me`.
        """
        named = "" if calendar_id in PRIMARY else calendar_id
        key = (self.call.account_key, named)
        known = self.memory.owners.get(key)
        if known is not None:
            return known
        found = await self._owner_of(named) if named else await self._own()
        if self.call.account_key:
            self.memory.keep(key, found)
        return found

    async def _own(self) -> Owner:
        user, _ = await self.me()
        emails = {email.lower() for email in user.emails or ()}
        async for rooms in self.walk("conference/rooms"):
            for raw in rooms:
                room = convert(raw, Room)
                if (room.email or "").lower() in emails and text(room.id):
                    return Owner(text(user.id), text(room.id))
        return Owner(text(user.id), f"user-{text(user.id)}")

    async def _owner_of(self, calendar_id: str) -> Owner:
        alone = _USER.fullmatch(calendar_id)
        if alone is not None:
            return Owner(alone[1], calendar_id)
        room, _ = await self.room(calendar_id)
        if room.email:
            page = await self.page("users", params={"email": room.email})
            for raw in page.items or ():
                return Owner(text(convert(raw, User).id), calendar_id)
        raise ProviderError.not_found(CALENDAR, calendar_id)

    async def room(self, own_id: str) -> tuple[Room, Json]:
        """A room, out of the list: Dialpad has no other way.

        Raises:
            ProviderError: NOT_FOUND.
        """
        async for rooms in self.walk("conference/rooms"):
            for raw in rooms:
                room = convert(raw, Room)
                if text(room.id) == own_id:
                    return room, raw
        raise ProviderError.not_found(CALENDAR, own_id)


def text(key: Key) -> str:
    """A key as text, exactly: it has 64 bits."""
    return "" if key is None else str(key)


def convert(found: Any, type: type[T]) -> T:
    """`found` as `type`.

    Raises:
        ProviderError: PROVIDER_FAULT, without a word of it.
    """
    try:
        return msgspec.convert(found, type, strict=False)
    except msgspec.ValidationError:
        raise ProviderError(
            Kind.PROVIDER_FAULT,
            "the provider's answer is not what its documentation says",
            reason="MALFORMED_ANSWER",
        ) from None


def slice_of(items: list[T], size: int, token: str, cursor: str) -> tuple[list[T], str]:
    """A part of a page of Dialpad's, which has a size of its own, and where to go on.

    Args:
        token: "<items that were shown of this page>|<its cursor>".
        cursor: of the page after.
    """
    shown = number_of(token.partition("|")[0]) if token else 0
    part = items[shown : shown + size]
    if shown + size < len(items):
        return part, f"{shown + size}|{token.partition('|')[2]}"
    return part, f"0|{cursor}" if cursor else ""
