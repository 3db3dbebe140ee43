"""What of Zoom's answers is handed to nobody: keys that make one the host, tokens that fetch files.

`start_url` and `zak` start the meeting as its host; download tokens read recordings without a
sign-in (P82). The contract's own fields for passwords and join links are not meant here.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from providers.core.raw import fill_raw
from providers.zoom.api import read

_HIDDEN = frozenset(
    {"start_url", "zak", "download_access_token", "download_token", "dynamic_host_key"}
)
_TOKENS = frozenset({"access_token", "token", "zak"})
_MAX_DEPTH = 24


def fill(target: Any, raw: bytes | msgspec.Raw, own_id: str) -> None:
    """Write the object as it came into `raw` of a resource, less what is secret."""
    found = read(raw, dict[str, Any])
    fill_raw(target, {name: _clean(value, 0) for name, value in _shown(found)}, own_id)


def _shown(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in found.items() if name not in _HIDDEN]


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return without_token(value)
    if depth > _MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {name: _clean(each, depth + 1) for name, each in _shown(value)}
    if isinstance(value, list):
        return [_clean(each, depth + 1) for each in value]
    return value


def without_token(url: str) -> str:
    """`url` without the tokens that older accounts have in its query."""
    if "token=" not in url and "zak=" not in url:
        return url
    try:
        parts = urlsplit(url)
        query = [
            pair
            for pair in parse_qsl(parts.query, keep_blank_values=True)
            if pair[0] not in _TOKENS
        ]
    except ValueError:
        return ""
    return urlunsplit(parts._replace(query=urlencode(query)))
