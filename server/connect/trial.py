"""The first try of what a person wrote into a form, before anything is made of it."""

import asyncio
from collections.abc import Collection

from providers.core.errors import Kind, ProviderError
from server.connect.forms import Field, within
from server.connections.bounded import Bounded
from server.connections.facade import Connections
from ucal.v1 import connection_pb2

_SECONDS = 20.0
_AT_ONCE = 32
_TRIES = 10
_WINDOW = 600.0
_REFUSED = {Kind.UNAUTHENTICATED, Kind.REAUTHORIZATION_REQUIRED}
_SILENT = {
    Kind.UNAVAILABLE,
    Kind.TIMEOUT,
    Kind.RATE_LIMITED,
    Kind.QUOTA_EXCEEDED,
    Kind.PROVIDER_FAULT,
    Kind.OUTCOME_UNKNOWN,
}
_FIELDS = {
    "connection.base_url": "base_url",
    "connection.basic.username": "user",
    "connection.basic.password": "secret",
    "connection.api_key.account_id": "user",
    "connection.api_key.api_key": "secret",
}


class TooManyError(Exception):
    """So many tries were made that somebody may be guessing."""


class Trials:
    """Asks providers whether credentials work; not as often as a guesser would like."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._tries: Bounded[str, int] = Bounded(10_000, seconds=_WINDOW)
        self._under_way = 0

    async def run(self, asked: connection_pb2.Connection, link: str) -> None:
        """Try the credentials of `asked`. `link`: by which the person came; "": none was needed,
        and so whoever it is can try by RPC as well.

        Raises:
            TooManyError: this one tried ten times in ten minutes, or too many try at once.
            ProviderError: what the provider, or our own checks, say against them.
        """
        tries = self._tries.get(link) or 0 if link else 0
        if tries >= _TRIES or self._under_way >= _AT_ONCE:
            raise TooManyError
        self._tries.put(link, tries + 1)
        self._under_way += 1
        try:
            resolved = self._connections.untried(asked)
            until = asyncio.get_running_loop().time() + _SECONDS
            await resolved.provider.test_connection(resolved.until(until))
        finally:
            self._under_way -= 1


def told(error: ProviderError, name: str, asked: Collection[Field]) -> tuple[int, str, str]:
    """HTTP status, field ("": the whole form) and sentence for a try that failed.

    Args:
        name: the provider's, for people.
        asked: what the form asks.
    """
    fields = {each.name: each.label for each in asked}
    place = "base_url" if "base_url" in fields else ""
    secret = "secret" if "secret" in fields else ""
    if error.kind in _REFUSED:
        what = within(fields.get(secret, "account"))
        text = f"{name} does not accept this {what}. Check what you entered, and try again."
        return 422, secret, text
    if error.kind is Kind.INVALID:
        path, description = (error.violations or [("", "")])[0]
        field = _FIELDS.get(path, place)
        if field in fields:
            return 422, field, f"This cannot be used: it {description}."
        return 422, "", f"{name} cannot be connected with this."
    if error.kind is Kind.NOT_FOUND:
        return 422, place, f"{name} has no account at this address."
    if error.kind in {Kind.FORBIDDEN, Kind.INSUFFICIENT_SCOPE}:
        return 422, secret, f"{name} knows this, but does not let it read the account."
    if error.kind in _SILENT and place:
        return 422, place, "Nothing that can be used answers there. Check it, or try again later."
    if error.kind in _SILENT:
        return 503, "", f"{name} does not answer at the moment. Nothing was kept: try again later."
    return 422, "", f"{name} cannot be connected with this."
