"""Lists of meetings, page by page, where there is neither a cursor nor a total.

Fireflies skips and limits, newest first; the last page is the short one. The list moves when
meetings come and go, so each page begins a little before its place, and leaves out what was handed
out already.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from providers.core.call import Call
from providers.core.cursors import read_cursor, write_cursor
from providers.core.http import Reply
from providers.fireflies import api
from providers.fireflies.api import Data, Found, Meeting, Variables
from providers.fireflies.wire import Running, Transcript

MAX_PAGE = 50
# Meetings of the page before that are asked for again.
_OVERLAP = 5
# Ids that a page token remembers, to tell what has moved from what is new.
_MAX_SEEN = 60


class Cursor(msgspec.Struct, array_like=True):
    """Where a list goes on.

    Attributes:
        skip: transcripts of Fireflies' list that were passed.
        seen: ids that were handed out last.
        running: there may be running meetings that were not handed out.
    """

    skip: int = 0
    seen: list[str] = []
    running: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: `sent` is Fireflies' list from `begin` on, with None for what cannot be read."""

    cursor: Cursor
    begin: int
    limit: int
    sent: list[Found[Transcript] | None]
    data: Data
    reply: Reply

    def take(
        self, room: int, wanted: Callable[[Transcript], bool]
    ) -> tuple[list[Found[Transcript]], int | None]:
        """Up to `room` transcripts, and how many to skip for the rest; None: there is no rest."""
        hidden, chosen = set(self.cursor.seen), list[Found[Transcript]]()
        for index, one in enumerate(self.sent):
            if one is None or one.it.id in hidden or not wanted(one.it):
                continue
            if len(chosen) == room:
                return chosen, self.begin + index
            hidden.add(one.it.id)
            chosen.append(one)
        short = len(self.sent) < self.limit
        return chosen, None if short else self.begin + len(self.sent)

    def following(self, chosen: Sequence[Meeting], skip: int | None, *, running: bool) -> str:
        """The token of the page after `chosen`."""
        if skip is None:
            return ""
        seen = [*self.cursor.seen, *(one.it.id for one in chosen)][-_MAX_SEEN:]
        return write_cursor(Cursor(skip, seen, running))


async def _page(call: Call, query: str, cursor: Cursor, size: int, variables: Variables) -> Page:
    begin = max(0, cursor.skip - _OVERLAP)
    limit = min(MAX_PAGE, size + cursor.skip - begin)
    asked = {**variables, "limit": limit, "skip": begin}
    data, reply = await api.ask(call, query, asked, "transcripts")
    sent = list(api.each(data, reply, "transcripts", Transcript))
    return Page(cursor, begin, limit, sent, data, reply)


async def recordings(
    call: Call, token: str, size: int, variables: Variables, wanted: Callable[[Transcript], bool]
) -> tuple[list[Found[Transcript]], str]:
    """Up to `size` transcripts that are wanted, and the token of the rest."""
    size = size or MAX_PAGE
    page = await _page(call, api.LIST_RECORDINGS, read_cursor(token, Cursor), size, variables)
    found, skip = page.take(size, wanted)
    return found, page.following(found, skip, running=False)


async def events(
    call: Call,
    token: str,
    size: int,
    variables: Variables,
    wanted: Callable[[Transcript | Running], bool],
) -> tuple[list[Meeting], str]:
    """Up to `size` meetings that are wanted, and the token of the rest.

    Running meetings come first, unless there is a keyword: they cannot be searched.
    """
    size, cursor = size or MAX_PAGE, read_cursor(token, Cursor)
    cursor.running = cursor.running and "keyword" not in variables
    query = api.LIST_EVENTS_AND_RUNNING if cursor.running else api.LIST_EVENTS
    page = await _page(call, query, cursor, size, variables)
    early: list[Meeting] = []
    if cursor.running:
        known = {*cursor.seen, *(one.it.id for one in page.sent if one)}
        found = api.running(page.data, page.reply)
        early += [one for one in found if one.it.id not in known and wanted(one.it)]
        if len(early) > size:
            return early[:size], page.following(early[:size], cursor.skip, running=True)
    later, skip = page.take(size - len(early), wanted)
    chosen = [*early, *later]
    return chosen, page.following(chosen, skip, running=False)
