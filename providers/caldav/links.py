"""Links to calls: which product a URL belongs to, and where in a text one stands. Pure."""

import re
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

from ucal.v1 import types_pb2

_Kind: TypeAlias = types_pb2.ConferenceKind.ValueType

MAX_TEXT = 20_000
# Host (or its end, with a dot in front), pattern of the path, product. First match counts.
_PRODUCTS: tuple[tuple[str, str, _Kind], ...] = (
    ("meet.google.com", r"/(?:lookup/)?([a-z0-9-]{6,})", types_pb2.CONFERENCE_KIND_GOOGLE_MEET),
    ("teams.microsoft.com", r"/(?:l/meetup-join|meet)/", types_pb2.CONFERENCE_KIND_TEAMS),
    ("teams.live.com", r"/meet/(\d+)", types_pb2.CONFERENCE_KIND_TEAMS),
    ("zoom.us", r"/(?:j|w|wc/join)/(\d{9,})|/(?:my|s)/", types_pb2.CONFERENCE_KIND_ZOOM),
    ("zoomgov.com", r"/(?:j|w)/(\d{9,})|/(?:my|s)/", types_pb2.CONFERENCE_KIND_ZOOM),
    ("webex.com", r"/(?:meet|join|wbxmjs/|webappng/|[^/]+/)", types_pb2.CONFERENCE_KIND_WEBEX),
    ("gotomeeting.com", r"/(?:join/)?(\d{9,})?", types_pb2.CONFERENCE_KIND_GOTO),
    ("gotomeet.me", r"/", types_pb2.CONFERENCE_KIND_GOTO),
    ("meet.goto.com", r"/(\d{9,})?", types_pb2.CONFERENCE_KIND_GOTO),
    ("gotowebinar.com", r"/", types_pb2.CONFERENCE_KIND_GOTO),
    ("app.cal.com", r"/video/([A-Za-z0-9]+)", types_pb2.CONFERENCE_KIND_CAL_VIDEO),
    ("cal.com", r"/video/([A-Za-z0-9]+)", types_pb2.CONFERENCE_KIND_CAL_VIDEO),
    ("join.skype.com", r"/", types_pb2.CONFERENCE_KIND_SKYPE),
    ("meet.lync.com", r"/", types_pb2.CONFERENCE_KIND_SKYPE),
    ("facetime.apple.com", r"/join", types_pb2.CONFERENCE_KIND_FACETIME),
    ("meetings.dialpad.com", r"/", types_pb2.CONFERENCE_KIND_DIALPAD),
    ("whereby.com", r"/.", types_pb2.CONFERENCE_KIND_OTHER),
    ("meet.jit.si", r"/.", types_pb2.CONFERENCE_KIND_OTHER),
)  # fmt: skip
_HOSTS = {host: (re.compile(path), kind) for host, path, kind in _PRODUCTS}
_URL = re.compile(r"https?://[^\s<>\"'\\\x00-\x1f]{4,1500}")
_TRAILING = ".,;:!?)]}>*_"


def product(url: str) -> tuple[_Kind, str] | None:
    """The product that a URL leads to, and the number of the meeting where it shows; else None."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    labels = host.split(".")
    for start in range(len(labels) - 1):
        known = _HOSTS.get(".".join(labels[start:]))
        if known is not None:
            path, kind = known
            found = path.match(parts.path)
            return (kind, next((g for g in found.groups() if g), "")) if found else None
    return None


def find(text: str) -> str:
    """The first link to a call in a text, "" when there is none."""
    if "://" not in text:
        return ""
    for found in _URL.finditer(text[:MAX_TEXT]):
        url = found[0].rstrip(_TRAILING)
        if product(url) is not None:
            return url
    return ""


def fill(conference: types_pb2.Conference, url: str) -> None:
    """Write what a link tells of its call; any other link is one of an unnamed product."""
    conference.join_url = url
    conference.state = types_pb2.CONFERENCE_STATE_READY
    if url.lower().startswith("tel:"):
        conference.kind = types_pb2.CONFERENCE_KIND_PHONE
        return
    known = product(url)
    if known is None or known[0] == types_pb2.CONFERENCE_KIND_OTHER:
        conference.kind = types_pb2.CONFERENCE_KIND_OTHER
        conference.provider_kind = host_of(url)
    else:
        conference.kind = known[0]
    if known is not None and known[1]:
        conference.meeting_id = known[1]
    if conference.kind == types_pb2.CONFERENCE_KIND_ZOOM:
        conference.password = next(iter(parse_qs(urlsplit(url).query).get("pwd", ())), "")


def host_of(url: str) -> str:
    """Host of a URL, "" for what is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
