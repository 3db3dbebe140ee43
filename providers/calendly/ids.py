"""Ids: Calendly names everything by a full URI, the contract by its last segment.

Bodies and query values take the URI, paths the segment. URIs are Calendly's own words for things:
they stay as they are when requests go to another host.
"""

import re
from urllib.parse import parse_qs, urlsplit

from providers.core.errors import ProviderError

_ROOT = "https://api.calendly.com"
# UUIDs, and in older accounts 16 letters and digits; words that are paths of their own are not ids.
_ID = re.compile(r"(?!me$)[A-Za-z0-9_-]{1,64}")
_INVITEE = re.compile(r"/scheduled_events/([A-Za-z0-9_-]{1,64})/invitees/")


def tail(uri: str | None) -> str:
    """The id in a URI; "" for none."""
    return (uri or "").rstrip("/").rpartition("/")[2]


def checked(kind: str, own_id: str) -> str:
    """`own_id`, when it has the shape of an id.

    Raises:
        ProviderError: NOT_FOUND.
    """
    if not _ID.fullmatch(own_id):
        raise ProviderError.not_found(kind, own_id)
    return own_id


def uri(collection: str, own_id: str) -> str:
    """The URI of an id that was `checked`."""
    return f"{_ROOT}/{collection}/{own_id}"


def event_of(invitee: str | None) -> str:
    """The id of the event that an invitee's URI belongs to; "" when it has another shape."""
    found = _INVITEE.search(invitee or "")
    return found[1] if found else ""


def page_token(next_page_token: str | None, next_page: str | None) -> str:
    """The token of the next page; answers before 2022 have it in the URL only."""
    if next_page_token:
        return next_page_token
    tokens = parse_qs(urlsplit(next_page or "").query).get("page_token", [""])
    return tokens[0]
