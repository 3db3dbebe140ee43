"""iCloud as it was seen in October 2026, where it differs from the servers that can be run here.

Two hosts: the one that everybody knows, and the partition that it names. Only the deviations are
made up; what they deviate from is tested against real servers. The shapes are those of
`specs/caldav/samples/icloud_shape_*` and of the Apple sheet.
"""

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from aiohttp import web

from tests.loopback import for_all, served

USER, PASSWORD = "jane@example.com", "abcd-efgh-ijkl-mnop"
DSID = "1234567890"
HOME = f"/{DSID}/calendars/"
_SPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"'
_HREFS = re.compile(r"<(?:\w+:)?href>([^<]*)</")
_TOKEN = re.compile(r"<(?:\w+:)?sync-token>([^<]*)</")


@dataclass
class ICloud:
    """The state of one account.

    Attributes:
        url, partition: where both hosts are.
        calendars: resources by path of the collection, then by name: (etag, data).
        asked: (host, method, path, Depth) of each request.
        strangers: requests that reached the web site.
    """

    url: str = ""
    partition: str = ""
    calendars: dict[str, dict[str, tuple[str, str]]] = field(
        default_factory=lambda: {f"{HOME}home/": {}, f"{HOME}work/": {}}
    )
    log: list[tuple[int, str, str]] = field(default_factory=list)
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    strangers: int = 0
    serial: int = 0
    dead: int = 0
    home_set: str = ""
    throttle: int = 0

    def store(self, path: str, data: str) -> str:
        """Keep an object; its etag."""
        self.serial += 1
        collection, _, name = path.rpartition("/")
        etag = f'"mgx{self.serial}"'
        self.calendars[f"{collection}/"][name] = (etag, data)
        self.log.append((self.serial, f"{collection}/", name))
        return etag

    def drop(self, path: str) -> bool:
        """Delete an object."""
        collection, _, name = path.rpartition("/")
        if self.calendars.get(f"{collection}/", {}).pop(name, None) is None:
            return False
        self.serial += 1
        self.log.append((self.serial, f"{collection}/", name))
        return True

    # -- answers

    def _refused(self) -> web.Response:
        reply = web.Response(status=401, headers={"x-apple-user-partition": "62"})
        reply.headers.add("WWW-Authenticate", 'Basic realm="MMCalDav"')
        reply.headers.add("WWW-Authenticate", 'X-MobileMe-AuthToken realm="MMCalDav"')
        return reply

    async def main(self, request: web.Request) -> web.Response:
        """caldav.icloud.com: knows who one is and where one's calendars are."""
        self._note("main", request)
        if not self._signed(request):
            return self._refused()
        if request.path.startswith("/.well-known"):
            self.strangers += 1
            raise web.HTTPFound("https://www.icloud.com/")
        depth = request.headers.get("Depth")
        if request.method == "PROPFIND" and request.path == "/":
            inner = (
                f"<current-user-principal><href>/{DSID}/principal/</href></current-user-principal>"
            )
            return _multi(_answer("/", inner))
        if request.method == "PROPFIND" and request.path == f"/{DSID}/principal/":
            if depth != "0":
                return web.Response(status=400)
            home = self.home_set or f"{self.partition.rstrip('/')}{HOME}"
            inner = (
                f"<C:calendar-home-set><href>{home}</href></C:calendar-home-set>"
                "<C:calendar-user-address-set><href>mailto:jane@example.com</href>"
                '<href preferred="1">mailto:Jane@icloud.com</href>'
                f"<href>/{DSID}/principal/</href><href>urn:uuid:{DSID}</href>"
                "</C:calendar-user-address-set>"
            )
            return _multi(_answer("/principal/", inner))
        return web.Response(status=404)

    async def partition_host(self, request: web.Request) -> web.Response:
        """pNN-caldav.icloud.com: holds the calendars."""
        self._note("partition", request)
        if not self._signed(request):
            return self._refused()
        if self.throttle:
            self.throttle -= 1
            return web.Response(status=503, headers={"Retry-After": "0"})
        body = (await request.read()).decode()
        handler = getattr(self, f"_{request.method.lower()}", None)
        if handler is None:
            return web.Response(status=405)
        answer: web.Response = handler(request, body)
        return answer

    def _note(self, host: str, request: web.Request) -> None:
        self.asked.append((host, request.method, request.path, request.headers.get("Depth", "")))

    def _signed(self, request: web.Request) -> bool:
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {pair}"

    def _propfind(self, request: web.Request, body: str) -> web.Response:
        if request.path == HOME:
            return _multi(*self._listing())
        if request.path in self.calendars:
            return _multi(_answer(request.path, self._token_property()))
        return web.Response(status=404)

    def _token_property(self) -> str:
        return f"<sync-token>HwoQEgwAAA{self.dead}.{self.serial}</sync-token>"

    def _listing(self) -> list[str]:
        """The home, its mailboxes, tasks, a subscription, and the calendars; hrefs name the host
        that was not asked.
        """
        root = self.url.rstrip("/")
        missing = "<C:calendar-timezone/><C:calendar-description/>"
        rows = [_answer(HOME, "<resourcetype><collection/></resourcetype>", missing)]
        for name, kind in (("inbox", "C:schedule-inbox"), ("outbox", "C:schedule-outbox")):
            rows.append(
                _answer(f"{HOME}{name}/", f"<resourcetype><collection/><{kind}/></resourcetype>")
            )
        rows.append(_answer(f"{HOME}notification/", "<resourcetype><collection/></resourcetype>"))
        rows.append(_answer(f"{root}{HOME}tasks/", _calendar("Reminders", "VTODO"), missing))
        rows.append(
            _answer(
                f"{root}{HOME}holidays/",
                '<resourcetype><collection/><S:subscribed xmlns:S="http://calendarserver.org/ns/"/>'
                "<C:calendar/></resourcetype><displayname>Holidays</displayname>",
                missing,
            )
        )
        for path in self.calendars:
            inner = _calendar(path.rstrip("/").rpartition("/")[2].title(), "VEVENT")
            rows.append(_answer(root + path, inner + self._token_property(), missing))
        return rows

    def _report(self, request: web.Request, body: str) -> web.Response:
        items = self.calendars.get(request.path)
        if items is None:
            return web.Response(status=404)
        if "free-busy-query" in body:
            return web.Response(status=400)
        if "sync-collection" in body:
            return self._sync(request.path, body)
        if "calendar-multiget" in body:
            names = [href.rpartition("/")[2] for href in _HREFS.findall(body)]
            return _multi(*(self._item(request.path, name, data=True) for name in names))
        if not re.search(r'name="VCALENDAR".*name="VEVENT"', body, re.DOTALL):
            return web.Response(status=403, text=_error("C:supported-filter"))
        return _multi(*(self._item(request.path, n, data="calendar-data" in body) for n in items))

    def _item(self, path: str, name: str, *, data: bool) -> str:
        found = self.calendars[path].get(name)
        href = self.url.rstrip("/") + path + name
        if found is None:
            return (
                f"<response><href>{href}</href><status>HTTP/1.1 404 Not Found</status></response>"
            )
        text = escape(found[1]).replace("\n", "&#13;\n")
        shown = f"<C:calendar-data>{text}</C:calendar-data>" if data else ""
        return _answer(href, f"<getetag>{escape(found[0])}</getetag>{shown}")

    def _sync(self, path: str, body: str) -> web.Response:
        """Lists the collection as a member of itself; knows no limit."""
        found = _TOKEN.search(body)
        token = found[1] if found else ""
        generation, _, since = token.removeprefix("HwoQEgwAAA").partition(".")
        if token and generation != str(self.dead):
            return web.Response(status=403, text=_error("valid-sync-token"))
        changed = {n for serial, p, n in self.log if p == path and serial > int(since or 0)}
        rows = [_answer(path, '<getetag>"c"</getetag>')]
        rows += [self._item(path, name, data=False) for name in sorted(changed)]
        return _multi(*rows, self._token_property())

    def _get(self, request: web.Request, body: str) -> web.Response:
        collection, _, name = request.path.rpartition("/")
        found = self.calendars.get(f"{collection}/", {}).get(name)
        if found is None:
            return web.Response(status=404)
        text = found[1].replace("\n", "\r\n")
        return web.Response(text=text, content_type="text/calendar", headers={"ETag": found[0]})

    def _put(self, request: web.Request, body: str) -> web.Response:
        """`If-Match: *` does the opposite of what it says; no etag in the answer."""
        collection, _, name = request.path.rpartition("/")
        items = self.calendars.get(f"{collection}/")
        if items is None:
            return web.Response(status=409)
        there = items.get(name)
        match, none = request.headers.get("If-Match"), request.headers.get("If-None-Match")
        if (none == "*" and there) or (match == "*" and there):
            return web.Response(status=412)
        if match and match != "*" and (not there or there[0] != match):
            return web.Response(status=412)
        if "\r\nDTEND" not in body and "\r\nDURATION" not in body:
            return web.Response(status=403)
        uid = re.search(r"\r\nUID:(\S+)", body)
        if uid and self._taken(uid[1], request.path):
            return web.Response(status=403, text=_error("C:no-uid-conflict"))
        self.store(request.path, body.replace("\r\n", "\n"))
        return web.Response(status=204 if there else 201)

    def _taken(self, uid: str, path: str) -> bool:
        """One UID is in one resource, in whichever calendar."""
        return any(
            f"\nUID:{uid}\n" in data and collection + name != path
            for collection, items in self.calendars.items()
            for name, (_, data) in items.items()
        )

    def _delete(self, request: web.Request, body: str) -> web.Response:
        return web.Response(status=204 if self.drop(request.path) else 404)

    def _mkcalendar(self, request: web.Request, body: str) -> web.Response:
        if request.path in self.calendars:
            return web.Response(status=405)
        self.calendars[request.path] = {}
        return web.Response(status=201)

    def _proppatch(self, request: web.Request, body: str) -> web.Response:
        """207 always; the description is refused, and with it all the rest (RFC 4918 9.2)."""
        if "calendar-description" not in body:
            return _multi(_answer(request.path, "<displayname/>"))
        refused = "<propstat><prop><C:calendar-description/></prop><status>HTTP/1.1 403 Forbidden"
        failed = "<propstat><prop><displayname/></prop><status>HTTP/1.1 424 Failed Dependency"
        close = "</status></propstat>"
        row = f"<response><href>{request.path}</href>{failed}{close}{refused}{close}</response>"
        return _multi(row)


def _calendar(name: str, component: str) -> str:
    return (
        f"<displayname>{name}</displayname><resourcetype><collection/><C:calendar/></resourcetype>"
        f'<C:supported-calendar-component-set><C:comp name="{component}"/>'
        "</C:supported-calendar-component-set><A:calendar-color>#1BADF8FF</A:calendar-color>"
        "<current-user-privilege-set><privilege><all/></privilege><privilege><write/></privilege>"
        "</current-user-privilege-set>"
    )


def _answer(href: str, found: str, missing: str = "") -> str:
    parts = f"<propstat><prop>{found}</prop><status>HTTP/1.1 200 OK</status></propstat>"
    if missing:
        parts += (
            f"<propstat><prop>{missing}</prop><status>HTTP/1.1 404 Not Found</status></propstat>"
        )
    return f"<response><href>{href}</href>{parts}</response>"


def _multi(*rows: str) -> web.Response:
    text = f"<?xml version='1.0'?><multistatus {_SPACES}>{''.join(rows)}</multistatus>"
    return web.Response(status=207, text=text, content_type="text/xml")


def _error(condition: str) -> str:
    return f"<?xml version='1.0' encoding='UTF-8'?><error {_SPACES}><{condition}/></error>"


@asynccontextmanager
async def icloud() -> AsyncIterator[ICloud]:
    """Both hosts on loopback."""
    found = ICloud()
    async with (
        served(for_all(found.main)) as main,
        served(for_all(found.partition_host)) as partition,
    ):
        found.url, found.partition = f"{main}/", f"{partition}/"
        yield found
