"""Calendar object resources over HTTP: what is there, reading, writing, moving, deleting.

RFC 4791 sections 5.3.2, 7.8, 7.9 and RFC 4918 section 9. What they hold is not looked at here.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from providers.caldav import dav, errors, requests
from providers.caldav.collections import Collection
from providers.caldav.dav import DAV, Answer
from providers.caldav.paths import EventId, child, quoted
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http
from providers.core.replies import Reply

BATCH = 50
_AT_ONCE = 4
_GONE = (404, 410)
_ALL = {**requests.XML, "Depth": "1"}


@dataclass(frozen=True, slots=True)
class Blob:
    """A resource as the server gives it.

    Attributes:
        name: canonical last segment of its path.
        etag: with its quotes; "" when the server tells none.
        data: iCalendar, unread; "" when it was not asked for.
    """

    name: str
    etag: str
    data: str | bytes = ""


def url_of(calendar: Collection, name: str = "") -> str:
    """Where a resource of a calendar, or the calendar itself, is."""
    return calendar.origin + quoted(calendar.path + name)


async def query(
    http: Http,
    calendar: Collection,
    start: datetime | None,
    end: datetime | None,
    *,
    data: bool = True,
) -> list[Blob]:
    """What may overlap [start, end), by name. Servers take whole days to be in UTC: ask wider."""
    reply = await http.send(
        "REPORT",
        url_of(calendar),
        headers=_ALL,
        content=requests.calendar_query(start, end, data=data),
        expect=_GONE,
    )
    if reply.status in _GONE:
        raise ProviderError.not_found("calendar", calendar.path)
    found = await dav.read(reply.content)
    return sorted(_blobs(calendar, found.answers, data=data), key=lambda blob: blob.name)


async def multiget(http: Http, calendar: Collection, names: Sequence[str]) -> list[Blob]:
    """The named resources, by name; those that are gone are left out."""
    batches = [names[at : at + BATCH] for at in range(0, len(names), BATCH)]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(batch: Sequence[str]) -> list[Blob]:
        async with gate:
            reply = await http.send(
                "REPORT",
                url_of(calendar),
                headers=_ALL,
                content=requests.multiget(quoted(calendar.path + name) for name in batch),
            )
        return list(_blobs(calendar, (await dav.read(reply.content)).answers, data=True))

    if len(batches) == 1:
        found = await one(batches[0])
    else:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(batch)) for batch in batches]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        found = [blob for task in tasks for blob in task.result()]
    return sorted(found, key=lambda blob: blob.name)


def _blobs(calendar: Collection, answers: Iterable[Answer], *, data: bool) -> Iterable[Blob]:
    """The members of `calendar` among `answers`.

    The collection itself is passed over, and so is what is gone or has no data (P76).
    """
    for answer in answers:
        name = child(answer.path, calendar.path)
        if answer.status in _GONE or (not name and answer.status != 507):
            continue
        if answer.status == 507:
            raise errors.of_status(507, "number-of-matches-within-limits")
        if answer.status >= 300:
            raise errors.of_status(answer.status, answer.condition)
        if not data:
            yield Blob(name, answer.text(requests.ETAG))
            continue
        found = answer.properties.get(requests.DATA)
        if found is not None and found.text:
            yield Blob(name, answer.text(requests.ETAG), found.text)


async def get(http: Http, calendar: Collection, name: str) -> Blob | None:
    """One resource; None when it is gone."""
    reply = await http.send(
        "GET", url_of(calendar, name), headers={"Accept": "text/calendar"}, expect=_GONE
    )
    if reply.status in _GONE:
        return None
    etag = reply.headers.get("etag", "")
    return Blob(name, etag or await _etag(http, calendar, name), reply.content)


async def _etag(http: Http, calendar: Collection, name: str) -> str:
    reply = await http.send(
        "PROPFIND",
        url_of(calendar, name),
        headers={**requests.XML, "Depth": "0"},
        content=requests.propfind(requests.ETAG),
        expect=_GONE,
    )
    if reply.status in _GONE:
        return ""
    found = dav.multistatus(reply.content).answers
    return found[0].text(requests.ETAG) if found else ""


async def create(http: Http, calendar: Collection, name: str, data: bytes) -> str | None:
    """PUT of a new resource; its etag, "" when the server tells none, None when it is there.

    `If-None-Match: *` makes a repetition harmless.
    """
    reply = await _put(http, calendar, name, data, {"If-None-Match": "*"})
    return None if reply is None else strong_etag(reply)


async def replace(
    http: Http, calendar: Collection, name: str, data: bytes, etag: str
) -> str | None:
    """PUT over the version `etag`; the new etag, or None when another version is there (P77).

    Never `If-Match: *`: iCloud was seen in October 2026 to do the opposite of what it says.
    """
    reply = await _put(http, calendar, name, data, {"If-Match": etag} if etag else {})
    return None if reply is None else strong_etag(reply)


async def _put(
    http: Http, calendar: Collection, name: str, data: bytes, headers: Mapping[str, str]
) -> Reply | None:
    reply = await http.send(
        "PUT",
        url_of(calendar, name),
        headers={**requests.ICS, **headers},
        content=data,
        expect=(412,),
    )
    if reply.status == 412:
        condition = dav.condition_of(reply.content)
        if condition in errors.CONDITIONS:
            raise errors.classify(reply)
        return None
    return reply


def strong_etag(reply: Reply) -> str:
    """The etag of an answer to a PUT, which only a server sends that kept the very octets."""
    etag = reply.headers.get("etag", "")
    return "" if etag.startswith("W/") else etag


async def delete(
    http: Http, calendar: Collection, name: str, etag: str, *, quietly: bool = False
) -> bool | None:
    """DELETE the version `etag`; False when it was gone, None when another version is there.

    Args:
        quietly: nobody is told that an invitation was thrown away (RFC 6638 section 8.1).
    """
    headers = {"If-Match": etag} if etag else {}
    if quietly:
        headers["Schedule-Reply"] = "F"
    reply = await http.send(
        "DELETE", url_of(calendar, name), headers=headers, expect=(404, 410, 412)
    )
    if reply.status == 412:
        return None
    return reply.status not in _GONE


async def move(http: Http, source: Collection, target: Collection, name: str, etag: str) -> None:
    """MOVE a resource to another calendar, under the same name; nothing there is overwritten.

    Raises:
        ProviderError: CONFLICT when the version or the target's emptiness does not hold.
    """
    headers = {"Destination": url_of(target, name), "Overwrite": "F"}
    if etag:
        headers["If-Match"] = etag
    await http.send("MOVE", url_of(source, name), headers=headers)


async def changed_since(
    http: Http, calendar: Collection, token: str
) -> tuple[dict[str, str], set[str], str, bool]:
    """sync-collection: changed names with their etags, names that are gone, next token, more.

    A server that cuts its answer says 507 for the collection (RFC 6578 section 3.6).

    Raises:
        ProviderError: CURSOR_EXPIRED.
    """
    reply = await http.send(
        "REPORT",
        url_of(calendar),
        headers={**requests.XML, "Depth": "0"},
        content=requests.sync_collection(token),
        expect=(400, 403, 404, 409, 410, 412),
    )
    if reply.status in _GONE:
        raise ProviderError.not_found("calendar", calendar.path)
    if reply.status != 207:
        raise _sync_error(reply)
    found = await dav.read(reply.content)
    changed: dict[str, str] = {}
    gone: set[str] = set()
    more = False
    for answer in found.answers:
        name = child(answer.path, calendar.path)
        if answer.status == 507 and not name:
            more = True
        elif name and answer.status in _GONE:
            gone.add(name)
        elif name and answer.status < 300:
            changed[name] = answer.text(requests.ETAG)
    if not found.sync_token:
        raise dav.broken()
    return changed, gone, found.sync_token, more


def _sync_error(reply: Reply) -> ProviderError:
    """A dead token is 403 (Radicale, Cyrus, iCloud), 409, 412 (Xandikos) or 400, with one element.

    Xandikos, and others before them, leave the element out now and then: 409 and 412 mean nothing
    else to this report.
    """
    condition = dav.condition_of(reply.content)
    if condition == "valid-sync-token" or (not condition and reply.status in {409, 412}):
        kind, reason, message = errors.CONDITIONS["valid-sync-token"]
        return ProviderError(kind, message, reason=reason)
    return errors.classify(reply)


async def sync_token(http: Http, calendar: Collection) -> str:
    """The calendar's sync token now, "" when the server has none."""
    reply = await http.send(
        "PROPFIND",
        url_of(calendar),
        headers={**requests.XML, "Depth": "0"},
        content=requests.propfind(DAV + "sync-token"),
        expect=_GONE,
    )
    if reply.status in _GONE:
        raise ProviderError.not_found("calendar", calendar.path)
    for answer in dav.multistatus(reply.content).answers:
        if answer.path.rstrip("/") == calendar.path.rstrip("/"):
            return answer.text(DAV + "sync-token")
    return ""


def conflict() -> ProviderError:
    """The error of a version that is not the one that was meant."""
    return ProviderError(
        Kind.CONFLICT, "the event has changed meanwhile: read it again, then write again"
    )


def id_of(calendar: Collection, name: str) -> str:
    """Contract id of a resource."""
    return str(EventId(calendar.path, name))
