"""Bodies of the requests, as bytes (RFC 4918, 4791, 5689, 6578). Pure; nothing is sent here."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from xml.sax.saxutils import escape

from providers.caldav.dav import APPLE, CALDAV, CALENDARSERVER, DAV
from providers.core.errors import ProviderError

XML = {"Content-Type": "application/xml; charset=utf-8"}
ICS = {"Content-Type": "text/calendar; charset=utf-8"}

_PREFIXES = {DAV: "d", CALDAV: "c", CALENDARSERVER: "cs", APPLE: "ic"}
_SPACES = "".join(f' xmlns:{prefix}="{uri[1:-1]}"' for uri, prefix in _PREFIXES.items())
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

ETAG = DAV + "getetag"
DATA = CALDAV + "calendar-data"


def tag(name: str) -> str:
    """A Clark name with the prefix that stands for its namespace in our requests."""
    uri, brace, local = name.rpartition("}")
    return f"{_PREFIXES[uri + brace]}:{local}"


def _document(root: str, body: str) -> bytes:
    return (f'<?xml version="1.0" encoding="utf-8"?><{root}{_SPACES}>{body}</{root}>').encode()


def _wanted(names: Iterable[str]) -> str:
    return f"<d:prop>{''.join(f'<{tag(name)}/>' for name in names)}</d:prop>"


def propfind(*names: str) -> bytes:
    """PROPFIND for the named properties; never allprop, which iCloud answers in part."""
    return _document("d:propfind", _wanted(names))


def calendar_query(
    start: datetime | None = None, end: datetime | None = None, *, data: bool = True
) -> bytes:
    """calendar-query for events that may overlap [start, end).

    The filter always names VCALENDAR and VEVENT: iCloud refuses less (P74).
    """
    span = ""
    if start or end:
        bounds = {"start": start, "end": end}
        words = [f'{k}="{v:%Y%m%dT%H%M%SZ}"' for k, v in bounds.items() if v is not None]
        span = f"<c:time-range {' '.join(words)}/>"
    return _document(
        "c:calendar-query",
        _wanted([ETAG, DATA] if data else [ETAG])
        + '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">'
        + span
        + "</c:comp-filter></c:comp-filter></c:filter>",
    )


def multiget(hrefs: Iterable[str]) -> bytes:
    """calendar-multiget of resources with their data."""
    named = "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs)
    return _document("c:calendar-multiget", _wanted([ETAG, DATA]) + named)


def free_busy_query(start: datetime, end: datetime) -> bytes:
    """free-busy-query; both bounds aware, UTC."""
    span = f'<c:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>'
    return _document("c:free-busy-query", span)


def sync_collection(token: str) -> bytes:
    """sync-collection since `token`. No limit: Xandikos cuts there without saying so."""
    return _document(
        "d:sync-collection",
        f"<d:sync-token>{escape(token)}</d:sync-token><d:sync-level>1</d:sync-level>"
        + _wanted([ETAG]),
    )


def mkcalendar(values: Mapping[str, str]) -> bytes:
    """MKCALENDAR of a collection for events, with properties as text."""
    events = '<c:supported-calendar-component-set><c:comp name="VEVENT"/>'
    return _document(
        "c:mkcalendar",
        f"<d:set><d:prop>{_values(values)}{events}</c:supported-calendar-component-set>"
        "</d:prop></d:set>",
    )


def proppatch(values: Mapping[str, str], removed: Iterable[str]) -> bytes:
    """PROPPATCH that sets properties to text and removes others."""
    body = f"<d:set><d:prop>{_values(values)}</d:prop></d:set>" if values else ""
    gone = list(removed)
    if gone:
        body += f"<d:remove>{_wanted(gone)}</d:remove>"
    return _document("d:propertyupdate", body)


def _values(values: Mapping[str, str]) -> str:
    return "".join(f"<{tag(name)}>{escape(text)}</{tag(name)}>" for name, text in values.items())


def refuse_unprintable(text: str, field: str) -> None:
    """XML 1.0 has no way to write most control characters.

    Raises:
        ProviderError: INVALID.
    """
    if _NOT_XML.search(text):
        raise ProviderError.invalid(field, "holds control characters")
