"""Requests to Cal.com's API v2: the date version that each endpoint wants, envelopes, whose site.

cal.com/docs/api-reference/v2. Without the header `cal-api-version` the oldest handler answers, with
other bodies and other shapes, so it is always sent. Cal.com's newer list of bookings (2026-05-01)
was reported to time out in 2026: the version before it is spoken, and the newer pages understood.
"""

from collections.abc import Container, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from providers.calcom.wire import Envelope, Me
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, facts
from providers.core.wire import decode

BASE_URL = "https://api.cal.com/v2"
BOOKINGS = "2024-08-13"
EVENT_TYPES = "2024-06-14"
PRIVATE_LINKS = "2024-09-04"
SLOTS = "2024-09-04"

Params: TypeAlias = Sequence[tuple[str, str]]
T = TypeVar("T")


async def ask(
    call: Call,
    method: str,
    path: str,
    *,
    version: str = "",
    params: Params = (),
    json: object = None,
    resource: tuple[str, str] | None = None,
    expect: Container[int] = (),
) -> Reply:
    """Send one request.

    Args:
        version: of the endpoint; "" where Cal.com has none.
        resource: (type, id as the caller named it), told when it is not there.

    Raises:
        ProviderError: as `Http.send`.
    """
    try:
        return await call.http.send(
            method,
            path,
            params=list(params) or None,
            headers={"cal-api-version": version} if version else None,
            json=json,
            expect=expect,
        )
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND and resource is not None:
            error.resource = resource
        raise


def data_of(reply: Reply, type: type[T]) -> T:
    """The `data` of an answer as `type`.

    Raises:
        ProviderError: PROVIDER_FAULT when it is not.
    """
    return read(reply, decode(reply, Envelope).data, type)


def read(reply: Reply, text: bytes | msgspec.Raw, type: type[T]) -> T:
    """A piece of an answer as `type`.

    Raises:
        ProviderError: PROVIDER_FAULT when it is not, without a word of it.
    """
    try:
        return msgspec.json.decode(text, type=type)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise malformed(reply) from None


def malformed(reply: Reply) -> ProviderError:
    """The error of an answer that has the wrong shape."""
    return ProviderError(
        Kind.PROVIDER_FAULT,
        "the provider's answer is not what its documentation says",
        reason="MALFORMED_ANSWER",
        metadata=facts(reply),
    )


def mapping(reply: Reply, text: bytes | msgspec.Raw) -> dict[str, Any]:
    """A piece of an answer as it came, for `raw`."""
    return read(reply, text, dict[str, Any])


async def me(call: Call) -> Me:
    """The account behind the connection. Never kept beyond the call."""
    return data_of(await ask(call, "GET", "me"), Me)


def site(call: Call) -> str:
    """Where people see bookings; "" on a server of one's own, whose web address is not told."""
    return "https://app.cal.com" if call.http.base_url.rstrip("/") == BASE_URL else ""
