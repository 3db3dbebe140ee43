"""Calendars: listing, making, changing, deleting (RFC 4791 section 5.3.1, RFC 4918 section 9)."""

import time
import uuid
from collections.abc import Iterable

from providers.caldav import dav, errors, requests
from providers.caldav.account import Account, Place, propfind
from providers.caldav.collections import (
    COLOR,
    DEFAULT,
    DESCRIPTION,
    NAME,
    PROPERTIES,
    ZONE,
    Collection,
    default_of,
    dump_color,
    parse_collection,
)
from providers.caldav.dumping import timezone_document
from providers.caldav.paths import canonical, collection, is_safe, quoted
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http
from ucal.v1 import calendar_pb2

LISTED_FOR = 60.0
WRITABLE = ("name", "description", "color", "timezone")
_PROPERTIES = {"name": NAME, "description": DESCRIPTION, "color": COLOR, "timezone": ZONE}
_ROOT = ("", "primary")


async def refresh(http: Http, account: Account, *, raw: bool = False) -> None:
    """List the account's calendars anew, with one request for each home."""
    found: dict[str, Collection] = {}
    default = ""
    for home in account.homes:
        reply = await propfind(http, home.url, *PROPERTIES, depth=1)
        for answer in (await dav.read(reply.content)).answers:
            calendar = parse_collection(answer, home.origin, raw=raw)
            if calendar is not None and calendar.path != home.path:
                found[calendar.path] = calendar
            if hrefs := answer.hrefs(DEFAULT):
                default = collection(hrefs[0])
    account.calendars, account.default = found, default
    account.listed_at = time.monotonic()


async def fresh(http: Http, account: Account) -> dict[str, Collection]:
    """The account's calendars, at most `LISTED_FOR` seconds old."""
    if time.monotonic() - account.listed_at > LISTED_FOR or not account.listed_at:
        await refresh(http, account)
    return account.calendars


def primary(account: Account, favourite: str) -> Collection | None:
    """The calendar that "primary" means; as long as it is there, another one does not take over."""
    default = account.default or account.primary
    found = default_of(account.calendars.values(), default, favourite)
    account.primary = found.path if found is not None else ""
    return found


async def find(http: Http, account: Account, id: str, favourite: str) -> Collection:
    """The calendar `id`; it has to be one of those that the server lists for this account.

    Raises:
        ProviderError: NOT_FOUND.
    """
    known = await fresh(http, account)
    path = canonical(id)
    found = primary(account, favourite) if id in _ROOT else known.get(path)
    if found is None and (id in _ROOT or is_safe(path)):
        await refresh(http, account)
        found = primary(account, favourite) if id in _ROOT else account.calendars.get(path)
    if found is None:
        raise ProviderError.not_found("calendar", id)
    return found


async def create(
    http: Http, account: Account, calendar: calendar_pb2.Calendar, name: str
) -> Collection:
    """MKCALENDAR below the first home, under a name that nothing has had.

    A collection that is made again under an old name shows old events for a while on iCloud.
    """
    home = account.homes[0]
    path = f"{home.path}{name}/"
    values = {
        _PROPERTIES[field]: _dump(calendar, field) for field in WRITABLE if getattr(calendar, field)
    }
    reply = await http.send(
        "MKCALENDAR",
        Place(home.origin, path).url,
        headers=requests.XML,
        content=requests.mkcalendar(values),
        expect=(403, 405, 409),
    )
    if reply.status >= 300:
        await refresh(http, account)
        if path not in account.calendars:
            raise errors.classify(reply)
        return account.calendars[path]  # a repetition of the request that made it
    return await _read(http, account, path)


def name_for(call: Call, request_id: str) -> str:
    """The name of a new collection: the same again for the same request."""
    if not request_id:
        return str(uuid.uuid4()).upper()
    said = f"{call.connection_id}\n{request_id.lower()}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, said)).upper()


async def update(
    http: Http,
    account: Account,
    found: Collection,
    given: calendar_pb2.Calendar,
    names: Iterable[str],
) -> Collection:
    """PROPPATCH of the named fields.

    What is empty is written empty, not removed, and only where there was something: Xandikos
    0.4.10 answers 500 otherwise (seen in November 2026). A time zone cannot be empty.

    Raises:
        ProviderError: as the server refuses one of the properties, whatever the others did.
    """
    fields = [name.partition(".")[0] for name in names]
    current = {"name": found.name, "description": found.description, "color": found.color}
    current["timezone"] = found.zone
    fields = [field for field in fields if getattr(given, field) or current[field]]
    if not fields:
        return found
    removed = [ZONE] if "timezone" in fields and not given.timezone else []
    values = {_PROPERTIES[f]: _dump(given, f) for f in fields if _PROPERTIES[f] not in removed}
    reply = await http.send(
        "PROPPATCH",
        found.origin + quoted(found.path),
        headers=requests.XML,
        content=requests.proppatch(values, removed),
    )
    if reply.status == 207:
        for answer in dav.multistatus(reply.content).answers:
            _refuse(answer)
    return await _read(http, account, found.path)


def _refuse(answer: dav.Answer) -> None:
    """Raise for the first property that the server did not take: a 207 may hold any refusal."""
    if answer.status >= 300:
        raise errors.of_status(answer.status, answer.condition)
    failed = [status for status in answer.refused.values() if status != 424]
    if failed or answer.refused:
        raise errors.of_status(failed[0] if failed else 424, answer.condition)


async def delete(http: Http, account: Account, found: Collection) -> bool:
    """DELETE the collection with all that it holds; False when it was gone."""
    reply = await http.send("DELETE", found.origin + quoted(found.path), expect=(404, 410))
    account.calendars.pop(found.path, None)
    account.listed_at = 0.0
    return reply.status not in (404, 410)


async def _read(http: Http, account: Account, path: str) -> Collection:
    await refresh(http, account)
    found = account.calendars.get(path)
    if found is None:
        raise ProviderError(
            Kind.PROVIDER_FAULT, "the server does not list the calendar that was written"
        )
    return found


def _dump(calendar: calendar_pb2.Calendar, field: str) -> str:
    text: str = getattr(calendar, field)
    if field == "color" and text:
        return dump_color(text)
    if field == "timezone":
        return timezone_document(text)
    requests.refuse_unprintable(text, f"calendar.{field}")
    return text
