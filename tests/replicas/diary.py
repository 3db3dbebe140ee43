"""A CalDAV server in memory that many replicas ask at once, and that counts how often they do.

It is the double of iCloud behind one address, with a journal that answers quickly however long it
has grown.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.loopback import served
from tests.providers.caldav.double import HOME, PASSWORD, USER, ICloud, _answer, _error, _multi

CALENDAR = f"{HOME}home/"
_TOKEN = re.compile(r"<(?:\w+:)?sync-token>([^<]*)</")
_TEXT = (
    "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t//EN\nBEGIN:VEVENT\nUID:{uid}\n"
    "DTSTAMP:20270101T000000Z\nDTSTART:20270102T090000Z\nDURATION:PT1H\n"
    "SUMMARY:{subject}\nEND:VEVENT\nEND:VCALENDAR\n"
)


class Diary(ICloud):
    """One account, its calendar, and everything that ever happened in it.

    Attributes:
        syncs: questions for what changed.
        held: subject by uid, as it is now.
        count: changes so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.syncs = 0
        self.held: dict[str, str] = {}
        self.count = 0
        self._touched: dict[str, int] = {}

    def write(self, uid: str, subject: str) -> None:
        """Make an event, or change it."""
        self.count += 1
        self.held[uid] = subject
        self.serial += 1
        etag = f'"{self.serial}"'
        self.calendars[CALENDAR][f"{uid}.ics"] = (etag, _TEXT.format(uid=uid, subject=subject))
        self._touch(uid)

    def remove(self, uid: str) -> None:
        """Delete an event."""
        self.count += 1
        del self.held[uid]
        self.serial += 1
        del self.calendars[CALENDAR][f"{uid}.ics"]
        self._touch(uid)

    def _touch(self, uid: str) -> None:
        name = f"{uid}.ics"
        self._touched.pop(name, None)
        self._touched[name] = self.serial

    def expire(self) -> None:
        """Make every sync token dead."""
        self.dead += 1

    def _sync(self, path: str, body: str) -> web.Response:
        self.syncs += 1
        found = _TOKEN.search(body)
        token = found[1] if found else ""
        generation, _, since = token.removeprefix("HwoQEgwAAA").partition(".")
        if token and generation != str(self.dead):
            return web.Response(status=403, text=_error("valid-sync-token"))
        rows = [_answer(path, '<getetag>"c"</getetag>')]
        # The journal is in order: the newest last.
        for name in reversed(self._touched):
            if self._touched[name] <= int(since or 0):
                break
            rows.append(self._item(path, name, data=False))
        return _multi(*rows, self._token_property())

    async def answer(self, request: web.Request) -> web.Response:
        """One address for both hosts."""
        if request.path.startswith(HOME):
            return await self.partition_host(request)
        return await self.main(request)

    def _note(self, host: str, request: web.Request) -> None:
        """Nothing is noted: many are asked."""


@asynccontextmanager
async def diary() -> AsyncIterator[Diary]:
    """A diary on a port of its own."""
    found = Diary()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    async with served(app) as url:
        found.url = found.partition = f"{url}/"
        yield found


def connection(found: Diary, name: str = "diary") -> str:
    """The diary as a static connection of a settings file."""
    return (
        f'[[connections]]\nid = "{name}"\nprovider = "caldav"\nbase_url = "{found.url}"\n'
        f'credentials = {{ username = "{USER}", password = "{PASSWORD}" }}\n'
    )
