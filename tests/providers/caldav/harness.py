"""The other side of `caldav` and `apple_icloud` for the conformance suite: real servers, a door.

Everything goes through `gate`, which can fail, lose answers and kill sync tokens on demand.
"""

import asyncio
import uuid
from contextlib import AsyncExitStack
from typing import ClassVar, Self
from urllib.parse import quote

import aiohttp

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.caldav_servers import SERVERS, DavServer, has_cyrus, signed
from tests.providers.caldav.gate import Gate, gate
from ucal.v1 import connection_pb2, types_pb2

CALENDAR, EVENT = types_pb2.RESOURCE_KIND_CALENDAR, types_pb2.RESOURCE_KIND_EVENT
BUSY = types_pb2.RESOURCE_KIND_BUSY

_EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//another client//EN\r
BEGIN:VEVENT\r
UID:{uid}\r
DTSTAMP:20261101T000000Z\r
DTSTART:{start}\r
DTEND:{end}\r
SUMMARY:{title}\r
{extra}END:VEVENT\r
END:VCALENDAR\r
"""
_MKCALENDAR = """<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
<d:set><d:prop><d:displayname>{title}</d:displayname>
<c:supported-calendar-component-set><c:comp name="VEVENT"/></c:supported-calendar-component-set>
</d:prop></d:set></c:mkcalendar>"""
_RENAME = """<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><d:displayname>{title}</d:displayname>
</d:prop></d:set></d:propertyupdate>"""


class _Harness:
    """One server behind a door.

    Attributes:
        server_name: which server.
        home: path of the collection that holds calendars, once it is known.
    """

    provider: ClassVar[str]
    server_name: ClassVar[str] = "radicale"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset()
    reads_before_write = True
    link_id = ""
    homes: ClassVar[dict[str, str]] = {
        "radicale": "/alice@example.com/",
        "xandikos": "/alice/calendars/",
        "cyrus": "/dav/calendars/user/alice/",
    }

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.calendar_id = ""
        self.gate: Gate
        self.server: DavServer

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _start(self) -> None:
        manager = SERVERS[self.server_name]()
        self.server = await asyncio.to_thread(manager.__enter__)
        self._stack.push_async_callback(asyncio.to_thread, manager.__exit__, None, None, None)
        self.gate = await self._stack.enter_async_context(gate(self.server.url))
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(headers=signed(self.server))
        )
        self.settings = ProviderSettings(base_url=self.gate.url)
        self.connection.base_url = self.gate.url
        self.connection.basic.username = self.server.username
        self.connection.basic.password = self.server.password
        self.calendar_id = await self.plant(CALENDAR)

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    @property
    def home(self) -> str:
        """Path of the collection that holds the calendars."""
        return self.homes[self.server_name]

    async def _ask(
        self, method: str, path: str, body: str = "", media: str = "text/calendar"
    ) -> str:
        url = self.server.url.rstrip("/") + quote(path)
        async with self._session.request(
            method, url, data=body.encode(), headers={"Content-Type": f"{media}; charset=utf-8"}
        ) as reply:
            text = await reply.text()
            assert reply.status < 300, f"{method} {path}: {reply.status} {text[:300]}"
            return text

    # -- what the suite calls

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as another client would."""
        name = str(uuid.uuid4())
        if kind == CALENDAR:
            path = f"{self.home}{name}/"
            body = _MKCALENDAR.format(title=f"Planted {name[:8]}")
            await self._ask("MKCALENDAR", path, body, "application/xml")
            return path
        await self._write(name, f"Planted {name[:8]}")
        return f"{self.calendar_id}|{name}.ics"

    async def _write(self, name: str, title: str, extra: str = "") -> None:
        body = _EVENT.format(
            uid=name, title=title, extra=extra, start=self._time(name, 0), end=self._time(name, 30)
        )
        await self._ask("PUT", f"{self.calendar_id}{name}.ics", body)

    @staticmethod
    def _time(name: str, minutes: int) -> str:
        """Two weeks ahead, at an hour that hangs on the name."""
        from datetime import UTC, datetime, timedelta

        at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(
            days=14 + int(name[:2], 16) % 5, minutes=minutes + 30 * (int(name[2:4], 16) % 16)
        )
        return f"{at:%Y%m%dT%H%M%SZ}"

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        title = f"Changed {uuid.uuid4().hex[:8]}"
        if kind == CALENDAR:
            await self._ask("PROPPATCH", id, _RENAME.format(title=title), "application/xml")
        else:
            await self._write(id.partition("|")[2].removesuffix(".ics"), title)

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        await self._ask("DELETE", id.replace("|", ""))

    async def invite(self) -> str:
        """Id of an event to which the account and others are invited by somebody else."""
        name = str(uuid.uuid4())
        people = (
            "ORGANIZER:mailto:olga@example.net\r\n"
            f"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:{self.server.address}\r\n"
            "ATTENDEE;CN=Ben;PARTSTAT=TENTATIVE;ROLE=OPT-PARTICIPANT:mailto:ben@example.net\r\n"
        )
        await self._write(name, "Invitation", people)
        return f"{self.calendar_id}|{name}.ics"

    async def expire_cursors(self) -> None:
        """Make every sync token dead."""
        self.gate.expire_cursors()

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with a status."""
        self.gate.fail_next(status, retry_after=retry_after, times=times)

    async def lose_next(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.gate.lose_next()


class RadicaleHarness(_Harness):
    """`caldav` on Radicale."""

    provider = "caldav"
    variant = "radicale"
    fixed_kinds = frozenset({BUSY})


class XandikosHarness(_Harness):
    """`caldav` on Xandikos."""

    provider = "caldav"
    variant = "xandikos"
    server_name = "xandikos"
    fixed_kinds = frozenset({BUSY})


class CyrusHarness(_Harness):
    """`caldav` on Cyrus, which schedules; only where Debian's package is."""

    variant = "cyrus"
    server_name = "cyrus"
    fixed_kinds = frozenset({BUSY})
    if has_cyrus():
        provider = "caldav"


class ICloudHarness(_Harness):
    """`apple_icloud` on Radicale; iCloud's quirks have tests of their own."""

    provider = "apple_icloud"
    fixed_kinds = frozenset({BUSY})
