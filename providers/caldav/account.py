"""Where an account's calendars are: discovery (RFC 6764, 5397, 4791 section 6.2, 6638 section 2).

What is found is held in memory for minutes, one `Account` per connection, and never shared between
connections (P73). The home of calendars may be on another host than the one that was asked: iCloud
names a partition, `https://p62-caldav.icloud.com:443/…`; the transport lets only allowed hosts by.
"""

from dataclasses import dataclass, field
from urllib.parse import urljoin

from providers.caldav import dav, requests
from providers.caldav.collections import Collection
from providers.caldav.dav import CALDAV, DAV, Answer
from providers.caldav.paths import canonical, collection, origin, quoted
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http
from providers.core.replies import Reply

_HOPS = 5
_REDIRECTS = (301, 302, 307, 308)
_PRINCIPAL = DAV + "current-user-principal"
_HOMES = CALDAV + "calendar-home-set"
_ADDRESSES = CALDAV + "calendar-user-address-set"
_OUTBOX = CALDAV + "schedule-outbox-URL"
_NAME = DAV + "displayname"
_PRINCIPAL_PROPERTIES = (_HOMES, _ADDRESSES, _OUTBOX, _NAME)


@dataclass(frozen=True, slots=True)
class Place:
    """A path on a server.

    Attributes:
        origin: scheme, host and port.
        path: canonical.
    """

    origin: str
    path: str

    @property
    def url(self) -> str:
        """Where requests go."""
        return self.origin + quoted(self.path)


@dataclass(slots=True)
class Account:
    """What discovery found.

    Attributes:
        homes: collections that hold the calendars.
        addresses: mail addresses of the user, lower case, the preferred one first.
        outbox: where free/busy of others is asked for; None without scheduling.
        calendars: by canonical path, as last listed.
        default: path of the calendar that the server calls the default one, "" when it does not.
        primary: path of the calendar that was taken for the primary one.
        listed_at: when, on the clock of `time.monotonic`.
    """

    homes: tuple[Place, ...]
    addresses: tuple[str, ...] = ()
    name: str = ""
    outbox: Place | None = None
    calendars: dict[str, Collection] = field(default_factory=dict)
    default: str = ""
    primary: str = ""
    listed_at: float = 0.0

    @property
    def schedules(self) -> bool:
        """The server sends invitations by itself (RFC 6638)."""
        return self.outbox is not None


async def propfind(
    http: Http, url: str, *names: str, depth: int = 0, expect: tuple[int, ...] = ()
) -> Reply:
    """PROPFIND; redirects are followed with the same method (RFC 6764 section 5).

    The transport signs a redirected request only for the host that was asked; a partition of the
    account is another one, and has to be among the allowed hosts.

    Raises:
        ProviderError: INVALID when a redirect or `url` leads to a host that is not allowed.
    """
    for _ in range(_HOPS):
        reply = await http.send(
            "PROPFIND",
            url,
            headers={**requests.XML, "Depth": str(depth)},
            content=requests.propfind(*names),
            expect=(*_REDIRECTS, *expect),
        )
        if reply.status not in _REDIRECTS:
            return reply
        url = urljoin(reply.url, reply.headers.get("location", ""))
    raise ProviderError(
        Kind.PROVIDER_FAULT, "the CalDAV server redirects in circles", reason="REDIRECT_REFUSED"
    )


async def discover(http: Http, *, well_known: bool = True) -> Account:
    """The account behind the credentials, in two or three requests.

    Begins at the base URL; where that names no principal, at `/.well-known/caldav`, then at "/".

    Raises:
        ProviderError: UNAUTHENTICATED; PRECONDITION when no CalDAV server answers there.
    """
    start = http.base_url
    places = [start]
    if well_known:
        root = origin(start)
        places += [root + "/.well-known/caldav", root + "/"]
    for url in dict.fromkeys(places):
        reply = await propfind(
            http, url, _PRINCIPAL, *_PRINCIPAL_PROPERTIES, expect=(403, 404, 405, 501)
        )
        if reply.status != 207:
            continue
        answer = _first(reply)
        if principals := answer.hrefs(_PRINCIPAL):
            return await _principal(http, urljoin(reply.url, principals[0]))
        if answer.hrefs(_HOMES):
            return _account(answer, reply.url)
    raise ProviderError(
        Kind.PRECONDITION,
        "no CalDAV account is found at this connection's base_url",
        reason="CALDAV_NOT_FOUND",
    )


async def _principal(http: Http, url: str) -> Account:
    # Depth 0 only: iCloud answers 400 to more. The answer is taken for the principal whatever its
    # href says: iCloud was seen to write "/principal/" there.
    reply = await propfind(http, url, *_PRINCIPAL_PROPERTIES)
    return _account(_first(reply), reply.url)


def _first(reply: Reply) -> Answer:
    found = dav.multistatus(reply.content).answers
    return found[0] if found else Answer("", "")


def _account(answer: Answer, url: str) -> Account:
    homes = tuple(_place(url, href, is_collection=True) for href in answer.hrefs(_HOMES))
    if not homes:
        raise ProviderError(
            Kind.PRECONDITION,
            "the account has no calendars: the server names no calendar-home-set",
            reason="CALDAV_NOT_FOUND",
        )
    outbox = answer.hrefs(_OUTBOX)
    return Account(
        homes=homes,
        addresses=tuple(_addresses(answer)),
        name=answer.text(_NAME),
        outbox=_place(url, outbox[0]) if outbox else None,
    )


def _place(base: str, href: str, *, is_collection: bool = False) -> Place:
    url = urljoin(base, href)
    return Place(origin(url), collection(url) if is_collection else canonical(url))


def _addresses(answer: Answer) -> list[str]:
    """Mail addresses; a user name that is one counts too, where the server tells no others."""
    found = answer.properties.get(_ADDRESSES)
    rows: list[tuple[bool, str]] = []
    if found is not None:
        for element in found.iter(DAV + "href"):
            text = dav.text_of(element)
            if text.lower().startswith("mailto:"):
                rows.append((element.get("preferred") != "1", text[7:].lower()))
    rows.sort(key=lambda row: row[0])
    if rows:
        return list(dict.fromkeys(address for _, address in rows))
    user = answer.path.rstrip("/").rpartition("/")[2].lower()
    return [user] if user.count("@") == 1 and not user.startswith("@") else []
