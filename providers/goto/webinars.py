"""Reading webinars: lists, one webinar, and what hangs on it."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from providers.core import times
from providers.core.cursors import number_of
from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.goto import webinar_parse
from providers.goto.api import WEBINARS, Api, convert, rows, segment
from providers.goto.moments import spell
from providers.goto.webinar_parse import WEBINAR
from providers.goto.wire import Form, Json, Listed, Panelist, Pieces, Webinar
from ucal.v1 import webinar_pb2

MAX_PAGE = 200
DEFAULT_PAGE = 100
# GoTo wants a range: this far from now where the caller leaves it open.
REACH = timedelta(days=365)


async def list_webinars(
    api: Api, request: webinar_pb2.ListWebinarsRequest
) -> webinar_pb2.ListWebinarsResponse:
    """ListWebinars. The cursor holds the range too: an open end must not move between pages."""
    low, high = times.bounds(request.window)
    now = api.call.now().replace(microsecond=0)
    first, last, number = _range(low, high, now), _range_end(low, high, now), 0
    size = min(request.page_size or DEFAULT_PAGE, MAX_PAGE)
    if request.page_token:
        number, size, first, last = _cursor(request.page_token)
    reply = await api.send(
        "GET",
        await api.webinars(),
        params={"fromTime": first, "toTime": last, "page": number, "size": size},
    )
    page = decode(reply, Listed)
    own, _ = await api.keys()
    answer = webinar_pb2.ListWebinarsResponse()
    for raw in (page.embedded and page.embedded.webinars) or ():
        found = convert(raw, Webinar)
        if _overlaps(found, low, high):
            shown = raw if request.include_raw else None
            webinar_parse.parse(answer.webinars.add(), found, api.call.connection_id, own, shown)
    if page.page is not None and number + 1 < (page.page.totalPages or 0):
        answer.next_page_token = f"{number + 1}|{size}|{first}|{last}"
    return answer


def _range(low: datetime | None, high: datetime | None, now: datetime) -> str:
    return spell(low if low is not None else min(high or now, now) - REACH)


def _range_end(low: datetime | None, high: datetime | None, now: datetime) -> str:
    end = high if high is not None else max(low or now, now) + REACH
    # Cut to the second, a window must not become empty.
    return spell(end + timedelta(seconds=1) if end.microsecond else end)


def _cursor(token: str) -> tuple[int, int, str, str]:
    parts = token.split("|")
    if len(parts) != 4:
        raise ProviderError.invalid("page_token", "is not one of this list")
    return number_of(parts[0]), number_of(parts[1]), parts[2], parts[3]


def _overlaps(found: Webinar, low: datetime | None, high: datetime | None) -> bool:
    """Whether any session lies in [low, high)."""
    return any(
        (high is None or start < high) and (low is None or end > low or start >= low)
        for start, end in webinar_parse.spans(found.times)
    ) or (low is None and high is None)


async def get_webinar(
    api: Api, request: webinar_pb2.GetWebinarRequest
) -> webinar_pb2.GetWebinarResponse:
    """GetWebinar."""
    answer = webinar_pb2.GetWebinarResponse()
    names = frozenset(path.partition(".")[0] for path in request.read_mask.paths)
    found, raw = await fetch(api, request.id)
    own, _ = await api.keys()
    shown = raw if request.include_raw else None
    webinar_parse.parse(answer.webinar, found, api.call.connection_id, own, shown)
    await fill_parts(api, answer.webinar, names)
    return answer


async def fetch(api: Api, id: str) -> tuple[Webinar, Json]:
    """One webinar. A canceled one is not there.

    Raises:
        ProviderError: NOT_FOUND.
    """
    path = f"{await api.webinars()}/{segment(WEBINAR, id)}"
    raw = decode(await api.send("GET", path, resource=(WEBINAR, id)), Json)
    return convert(raw, Webinar), raw


async def fill_parts(api: Api, target: webinar_pb2.Webinar, names: frozenset[str]) -> None:
    """What costs a request each; of `names` only, when there are any. Rare ones when named."""
    readers: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "panelists": lambda: _panelists(api, target),
        "registration_fields": lambda: _form(api, target),
        "has_recording": lambda: _recording(api, target),
    }
    usual = ("panelists", "registration_fields")
    wanted = [name for name in readers if name in names or (not names and name in usual)]
    await asyncio.gather(*(readers[name]() for name in wanted))


async def _panelists(api: Api, target: webinar_pb2.Webinar) -> None:
    for raw in await _if_there(api, target, "panelists") or ():
        webinar_parse.parse_panelist(target.panelists.add(), convert(raw, Panelist))


async def _form(api: Api, target: webinar_pb2.Webinar) -> None:
    path = f"{await api.webinars()}/{target.id}/registrants/fields"
    reply = await api.send("GET", path, expect=(404,))
    if reply.status != 404:
        webinar_parse.parse_form(target, decode(reply, Form))


async def _if_there(api: Api, target: webinar_pb2.Webinar, tail: str) -> list[Json] | None:
    """A list that a webinar that is over may no longer have."""
    reply = await api.send("GET", f"{await api.webinars()}/{target.id}/{tail}", expect=(404,))
    return None if reply.status == 404 else rows(reply)


async def _recording(api: Api, target: webinar_pb2.Webinar) -> None:
    path = f"{WEBINARS}/webinars/{target.id}/recordingAssets"
    try:
        found = decode(await api.send("GET", path, params={"page": 0, "limit": 1}), Pieces)
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
    else:
        target.has_recording = bool(found.total or found.data)
