"""Busy time: of calendars from their events, of people from the server's scheduling outbox.

A server's own free-busy-query counts declined invitations (sabre-io/dav#1216) and iCloud's answers
400, so events are asked for wherever they can be read; a calendar that shows no more than busy
time is asked for just that.
"""

import hashlib
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from google.rpc import code_pb2, status_pb2

from providers.caldav import calendars, dav, requests, resources
from providers.caldav.account import Account
from providers.caldav.dav import CALDAV, DAV
from providers.caldav.events import (
    Cursor,
    asked_of_server,
    opened,
    window_of,
)  # fmt: skip
from providers.caldav.expanding import MAX_INSTANCES, Slot, slots, too_many
from providers.caldav.objects import Frame
from providers.caldav.values import dump_wall, parse_duration, parse_utc
from providers.core import times
from providers.core.call import Call
from providers.core.cursors import read_cursor, write_cursor
from providers.core.errors import Kind, ProviderError
from providers.core.ical import Component, Document, param, read
from providers.core.ical_write import write
from providers.core.raw import fill_raw
from ucal.v1 import busy_pb2, calendar_pb2, event_pb2, types_pb2

_ADDRESS = re.compile(r"[^\s@<>,;:/\x00-\x1f]{1,256}@[^\s@<>,;:/\x00-\x1f]{1,255}")
DEFAULT_PAGE = 500
MAX_PAGE = 2_500
# What is told of blocks that were joined: the first of these that any of them was.
_STRENGTH = (
    busy_pb2.BUSY_KIND_OUT_OF_OFFICE,
    busy_pb2.BUSY_KIND_UNAVAILABLE,
    busy_pb2.BUSY_KIND_BUSY,
    busy_pb2.BUSY_KIND_WORKING_ELSEWHERE,
    busy_pb2.BUSY_KIND_TENTATIVE,
)
FBTYPES = {
    "FREE": busy_pb2.BUSY_KIND_UNSPECIFIED,
    "BUSY": busy_pb2.BUSY_KIND_BUSY,
    "BUSY-TENTATIVE": busy_pb2.BUSY_KIND_TENTATIVE,
    "BUSY-UNAVAILABLE": busy_pb2.BUSY_KIND_UNAVAILABLE,
}
_SHOW_AS = {
    event_pb2.SHOW_AS_TENTATIVE: busy_pb2.BUSY_KIND_TENTATIVE,
    event_pb2.SHOW_AS_OUT_OF_OFFICE: busy_pb2.BUSY_KIND_OUT_OF_OFFICE,
    event_pb2.SHOW_AS_WORKING_ELSEWHERE: busy_pb2.BUSY_KIND_WORKING_ELSEWHERE,
}


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """Time that is taken, half-open, UTC."""

    start: datetime
    end: datetime
    kind: busy_pb2.BusyKind.ValueType = busy_pb2.BUSY_KIND_BUSY


def busy_kind(event: event_pb2.Event) -> busy_pb2.BusyKind.ValueType:
    """Why `event` takes time; UNSPECIFIED when it takes none.

    What is canceled, declined or shown as free takes none; whole days do (P65, P66).
    """
    if (
        event.status == event_pb2.EVENT_STATUS_CANCELED
        or event.own_response == types_pb2.ATTENDEE_RESPONSE_DECLINED
        or event.show_as == event_pb2.SHOW_AS_FREE
    ):
        return busy_pb2.BUSY_KIND_UNSPECIFIED
    kind = _SHOW_AS.get(event.show_as, busy_pb2.BUSY_KIND_BUSY)
    tentative = event.status == event_pb2.EVENT_STATUS_TENTATIVE or (
        event.own_response == types_pb2.ATTENDEE_RESPONSE_TENTATIVE
    )
    if kind == busy_pb2.BUSY_KIND_BUSY and tentative:
        return busy_pb2.BUSY_KIND_TENTATIVE
    return kind


async def of_calendar(
    call: Call, frame: Frame, low: datetime, high: datetime, *, unanswered: bool
) -> list[Block]:
    """What is taken in a calendar."""
    if frame.calendar.role == calendar_pb2.ACCESS_ROLE_FREE_BUSY_READER:
        return await _asked(call, frame, low, high)
    try:
        start, end = asked_of_server(low, high)
        blobs = await resources.query(call.http, frame.calendar, start, end)
    except ProviderError as error:
        if error.kind is not Kind.FORBIDDEN:
            raise
        return await _asked(call, frame, low, high)
    found: list[Block] = []
    async for item in opened(blobs, frame):
        found += [
            block
            for slot in await slots(item, low, high)
            for block in _block_of(slot, unanswered=unanswered)
        ]
        if len(found) > MAX_INSTANCES:
            raise too_many()
    return found


def _block_of(slot: Slot, *, unanswered: bool) -> Iterable[Block]:
    event = slot.event
    waiting = event.own_response == types_pb2.ATTENDEE_RESPONSE_NEEDS_ACTION
    kind = busy_kind(event)
    if kind and slot.end > slot.start and (unanswered or not waiting):
        yield Block(slot.start, slot.end, kind)


async def _asked(call: Call, frame: Frame, low: datetime, high: datetime) -> list[Block]:
    """free-busy-query (RFC 4791 section 7.10): the answer is iCalendar, not XML."""
    reply = await call.http.send(
        "REPORT",
        resources.url_of(frame.calendar),
        headers={**requests.XML, "Depth": "1"},
        content=requests.free_busy_query(low, high),
    )
    return blocks_of(read(reply.content), low, high)


def blocks_of(document: Document, low: datetime, high: datetime) -> list[Block]:
    """The FREEBUSY lines of VFREEBUSYs (RFC 5545 section 3.8.2.6), as far as they meet a window."""
    found = []
    for part in document.root.parts:
        if part.name != "VFREEBUSY":
            continue
        for line in part.every("FREEBUSY"):
            kind = FBTYPES.get(param(line, "FBTYPE").upper(), busy_pb2.BUSY_KIND_BUSY)
            if not kind:
                continue
            for text in line[2].split(","):
                span = _period(text)
                if span is not None and span[0] < high and span[1] > low:
                    found.append(Block(*span, kind))
    return found


def _period(text: str) -> tuple[datetime, datetime] | None:
    """A period: two instants, or one and a length."""
    first, _, second = text.strip().partition("/")
    start = parse_utc(first)
    if start is None:
        return None
    if second[:1] in "P+":
        length = parse_duration(second)
        end = start + length if length is not None else None
    else:
        end = parse_utc(second)
    return (start, end) if end is not None and end > start else None


# -- other people


async def of_people(
    call: Call, account: Account, addresses: Sequence[str], low: datetime, high: datetime
) -> dict[str, list[Block] | status_pb2.Status]:
    """What is taken of people, by address; a status for those whom the server does not tell of.

    One bad address spoils nothing (P67).
    """
    if account.outbox is None or not account.addresses:
        reason = "this server does not tell the busy time of other people"
        return {each: _status(code_pb2.UNIMPLEMENTED, reason) for each in addresses}
    reply = await call.http.send(
        "POST",
        account.outbox.url,
        headers={
            **requests.ICS,
            "Originator": f"mailto:{account.addresses[0]}",
            "Recipient": ", ".join(f"mailto:{address}" for address in addresses),
        },
        content=_question(account.addresses[0], addresses, low, high),
        retry_safe=True,
    )
    told = _answers(reply.content, low, high)
    missing = _status(code_pb2.NOT_FOUND, "the server does not know this address")
    return {each: told.get(each.lower(), missing) for each in addresses}


def _question(organizer: str, addresses: Sequence[str], low: datetime, high: datetime) -> bytes:
    part = Component("VFREEBUSY")
    part.lines = [
        ("UID", "", str(uuid.uuid4()).upper()),
        ("DTSTAMP", "", dump_wall(datetime.now(UTC).replace(microsecond=0))),
        ("DTSTART", "", dump_wall(low.replace(microsecond=0))),
        ("DTEND", "", dump_wall(high.replace(microsecond=0))),
        ("ORGANIZER", "", f"mailto:{organizer}"),
        *(("ATTENDEE", "", f"mailto:{address}") for address in addresses),
    ]
    root = Component("VCALENDAR", parts=[part])
    root.lines = [("VERSION", "", "2.0"), ("PRODID", "", "-//ucal//caldav//EN")]
    root.lines.append(("METHOD", "", "REQUEST"))
    return write(Document(root))


def _answers(
    content: bytes, low: datetime, high: datetime
) -> dict[str, list[Block] | status_pb2.Status]:
    """A schedule-response (RFC 6638 section 10.2), by address in lower case."""
    root = dav.parse(content)
    if root.tag != CALDAV + "schedule-response":
        raise dav.broken()
    found: dict[str, list[Block] | status_pb2.Status] = {}
    for response in root.iterchildren(CALDAV + "response"):
        recipient = response.find(f"{CALDAV}recipient/{DAV}href")
        if recipient is None:
            continue
        address = dav.text_of(recipient).lower().removeprefix("mailto:")
        said = response.findtext(CALDAV + "request-status") or ""
        data = response.findtext(CALDAV + "calendar-data")
        if data and said.startswith("2."):
            found[address] = blocks_of(read(data), low, high)
        else:
            found[address] = _refusal(said)
    return found


def _refusal(said: str) -> status_pb2.Status:
    """RFC 6638 section 10.5 and RFC 5546 section 3.6: 3.7 unknown, 3.8 not allowed, 5.x no way."""
    if said.startswith("3.8"):
        return _status(code_pb2.PERMISSION_DENIED, "the server may not tell of this address")
    if said.startswith("3.7"):
        return _status(code_pb2.NOT_FOUND, "the server does not know this address")
    return _status(code_pb2.UNAVAILABLE, "the server could not ask about this address")


def _status(code: int, message: str) -> status_pb2.Status:
    return status_pb2.Status(code=code, message=message)


# -- the answer


async def list_busy(
    call: Call, account: Account, request: busy_pb2.ListBusyRequest, favourite: str
) -> busy_pb2.ListBusyResponse:
    """ListBusy: by calendar as asked for, then start. What is not known is `unreachable` (P67)."""
    low, high = window_of(request.window)
    unanswered = request.include_unanswered if request.HasField("include_unanswered") else True
    asked = list(dict.fromkeys(request.calendar_ids or ("primary",)))
    people = [each for each in asked if _ADDRESS.fullmatch(each)]
    answer = busy_pb2.ListBusyResponse()
    told: dict[str, list[Block] | status_pb2.Status] = {}
    asking = _Asking(call, account, favourite, low, high, unanswered=unanswered)
    for each in asked:
        if each not in people:
            told[each] = await asking.of(each)
    if people:
        told |= await of_people(call, account, people, low, high)
    rows: list[tuple[str, Block]] = []
    for each in asked:
        found = told[each]
        if isinstance(found, status_pb2.Status):
            answer.unreachable[each].CopyFrom(found)
            continue
        blocks = merged(found) if request.merge else sorted(set(found))
        rows += [(each, block) for block in blocks]
    begin = read_cursor(request.page_token, Cursor).at
    end = begin + min(request.page_size or DEFAULT_PAGE, MAX_PAGE)
    for each, block in rows[begin:end]:
        item = answer.busy.add()
        describe(item, call.connection_id, each, asking.zones.get(each, ""), block)
        if request.include_raw:
            fill_raw(
                item.raw, {"period": f"{dump_wall(block.start)}/{dump_wall(block.end)}"}, item.id
            )
    if end < len(rows):
        answer.next_page_token = write_cursor(Cursor(at=end))
    return answer


@dataclass(slots=True)
class _Asking:
    """What calendars are asked of one by one.

    Attributes:
        zones: of the calendars that were found, as they were asked for.
    """

    call: Call
    account: Account
    favourite: str
    low: datetime
    high: datetime
    unanswered: bool
    zones: dict[str, str] = field(default_factory=dict)

    async def of(self, asked: str) -> list[Block] | status_pb2.Status:
        """What is taken in a calendar; a status when the server will not tell of it alone."""
        call, account = self.call, self.account
        try:
            calendar = await calendars.find(call.http, account, asked, self.favourite)
            self.zones[asked] = calendar.zone
            frame = Frame(call.connection_id, calendar, frozenset(account.addresses))
            return await of_calendar(call, frame, self.low, self.high, unanswered=self.unanswered)
        except ProviderError as error:
            code = _CODES.get(error.kind)
            if code is None:
                raise
            return _status(code, error.message)


_CODES = {
    Kind.NOT_FOUND: code_pb2.NOT_FOUND,
    Kind.FORBIDDEN: code_pb2.PERMISSION_DENIED,
    Kind.PRECONDITION: code_pb2.FAILED_PRECONDITION,
}


def merged(blocks: Iterable[Block]) -> list[Block]:
    """Blocks in order, with those joined that overlap or touch."""
    joined: list[Block] = []
    for block in sorted(blocks):
        if not joined or block.start > joined[-1].end:
            joined.append(block)
            continue
        last = joined[-1]
        kind = min(last.kind, block.kind, key=_STRENGTH.index)
        joined[-1] = Block(last.start, max(last.end, block.end), kind)
    return joined


def describe(busy: busy_pb2.Busy, connection_id: str, asked: str, zone: str, block: Block) -> None:
    """Write one block."""
    busy.connection_id = connection_id
    busy.calendar_id = asked
    busy.timezone = zone
    busy.kind = block.kind
    times.set_instant(busy.start_at, block.start, zone)
    times.set_instant(busy.end_at, block.end, zone)
    name = f"{asked}\n{dump_wall(block.start)}\n{dump_wall(block.end)}"
    busy.id = hashlib.sha256(name.encode()).hexdigest()[:24]
