"""Requests in HTTP's spelling: URLs, header fields, bodies. Nothing is sent here."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote as _percent
from urllib.parse import urlencode

import httpx
import msgspec

from providers.core.errors import ProviderError

Params: TypeAlias = Mapping[str, str | int | Sequence[str]] | Sequence[tuple[str, str]]

# Google compresses only for agents that say "gzip" (developers.google.com/workspace/calendar/api,
# "Performance tips", seen in November 2026).
_DEFAULTS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "ucal/0.1 (gzip)"}
# Two readers of a message must agree where it ends, and for whom it is.
_FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})
_MAX_URL = 16 * 1024


def quote(segment: str) -> str:
    """`segment` for one place in a URL's path: everything but unreserved signs is escaped.

    Raises:
        ProviderError: INVALID for "", "." and "..", which would name another resource.
    """
    if segment in ("", ".", ".."):
        raise ProviderError.invalid("id", "is not an id")
    return _percent(segment, safe="")


def target(base_url: str, url: str, params: Params | None) -> httpx.URL:
    """The URL to call: `url` as it is when it is absolute, else below `base_url`.

    Raises:
        ProviderError: INVALID when the outcome is no URL, or is too long for one.
    """
    if not url.startswith(("https://", "http://")):
        url = f"{base_url.rstrip('/')}/{url.lstrip('/')}" if url else base_url
    if params:
        url = f"{url}{'&' if '?' in url else '?'}{_query(params)}"
    if len(url) > _MAX_URL:
        raise ProviderError.invalid("request", "is longer than a URL can be")
    return parse_url(url)


def parse_url(url: str, field: str = "base_url") -> httpx.URL:
    """`url`, if it is one.

    Raises:
        ProviderError: INVALID in `field`.
    """
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise ProviderError.invalid(field, "is not a URL") from None


def _query(params: Params) -> str:
    pairs = params.items() if isinstance(params, Mapping) else params
    return urlencode(
        [
            (name, value)
            for name, values in pairs
            for value in ((values,) if isinstance(values, str | int) else values)
        ],
        quote_via=_percent,
        safe="",
    )


def body_and_headers(
    headers: Mapping[str, str] | None,
    json: object = None,
    content: bytes | None = None,
    form: Mapping[str, str] | None = None,
) -> tuple[bytes | None, dict[str, str]]:
    """The body, and the header fields, names in lower case, with the body's type among them.

    Raises:
        ProviderError: INVALID when a header's value cannot be sent, as ids and etags of callers
            may be.
    """
    fields = dict(_DEFAULTS)
    if json is not None:
        content = msgspec.json.encode(json)
        fields["content-type"] = "application/json"
    elif form is not None:
        content = urlencode(form).encode("ascii")
        fields["content-type"] = "application/x-www-form-urlencoded"
    for name, value in (headers or {}).items():
        low = name.lower()
        if low in _FRAMING or not (value.isascii() and value.isprintable()):
            raise ProviderError.invalid("request", "holds signs that no HTTP header can carry")
        fields[low] = value
    return content, fields
