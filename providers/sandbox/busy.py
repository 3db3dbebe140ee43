"""Busy time of calendars, colleagues and rooms."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from google.rpc import code_pb2, status_pb2

from providers.core import times
from providers.core.errors import ProviderError
from providers.sandbox import occurrences, raw
from providers.sandbox.agenda import Agenda
from providers.sandbox.clock import moment
from providers.sandbox.entries import Entry
from providers.sandbox.store import DEFAULT_PAGE
from providers.sandbox.world import World
from ucal.v1 import busy_pb2

# What is told of blocks that were joined: the first of these that any of them was.
_STRENGTH = (
    busy_pb2.BUSY_KIND_OUT_OF_OFFICE,
    busy_pb2.BUSY_KIND_BUSY,
    busy_pb2.BUSY_KIND_WORKING_ELSEWHERE,
    busy_pb2.BUSY_KIND_TENTATIVE,
)


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """Time that is taken: microseconds since 1970, half-open."""

    start: int
    end: int
    kind: busy_pb2.BusyKind.ValueType


def list_busy(world: World, request: busy_pb2.ListBusyRequest) -> busy_pb2.ListBusyResponse:
    """ListBusy: by calendar as asked for, then start.

    Calendars may be named by id, people and rooms by address. What is not known is `unreachable`
    and spoils nothing (P67).
    """
    answer = busy_pb2.ListBusyResponse()
    low, high = occurrences.bounds(request.window)
    unanswered = request.include_unanswered if request.HasField("include_unanswered") else True
    found: list[tuple[str, str, Block]] = []
    for asked in dict.fromkeys(request.calendar_ids or ("primary",)):
        agenda = agenda_of(world, asked)
        if agenda is None:
            answer.unreachable[asked].CopyFrom(
                status_pb2.Status(code=code_pb2.NOT_FOUND, message="no such calendar or address")
            )
            continue
        found_here = blocks_of(world, asked, agenda, low, high, unanswered=unanswered)
        blocks = sorted(set(found_here))
        told = merged(blocks) if request.merge else blocks
        found.extend((asked, agenda.zone, block) for block in told)
    begin = _offset(request.page_token)
    end = begin + (request.page_size or DEFAULT_PAGE)
    for asked, zone, block in found[begin:end]:
        _describe(answer.busy.add(), world.connection_id, asked, zone, block)
    if end < len(found):
        answer.next_page_token = str(end)
    if request.include_raw:
        raw.fill(*answer.busy)
    return answer


def agenda_of(world: World, asked: str) -> Agenda | None:
    """The events behind a calendar id or an address."""
    if asked in ("", "primary"):
        return world.agendas[world.primary_id]
    found = world.agendas.get(asked)
    # Not `or`: an agenda without events is falsy, and an empty calendar can be asked.
    return world.shadows.get(asked.lower()) if found is None else found


def blocks_of(
    world: World, asked: str, agenda: Agenda, low: int, high: int, *, unanswered: bool
) -> Iterator[Block]:
    """What is taken in [low, high), in no order."""

    def keep(entry: Entry) -> bool:
        return bool(entry.busy) and (unanswered or not entry.unanswered)

    for slot in occurrences.expand(agenda, low, high, keep):
        yield Block(slot.start, slot.end, slot.entry.busy)
    address = asked.lower()
    if address not in world.room_of:
        return
    for other in world.agendas.values():
        taken = occurrences.expand(other, low, high, lambda e: bool(e.busy) and address in e.rooms)
        for slot in taken:
            yield Block(slot.start, slot.end, slot.entry.busy)


def merged(blocks: list[Block]) -> list[Block]:
    """`blocks`, which are sorted, with those joined that overlap or touch."""
    joined: list[Block] = []
    for block in blocks:
        if not joined or block.start > joined[-1].end:
            joined.append(block)
            continue
        last = joined[-1]
        kind = min(last.kind, block.kind, key=_STRENGTH.index)
        joined[-1] = Block(last.start, max(last.end, block.end), kind)
    return joined


def _describe(busy: busy_pb2.Busy, connection_id: str, asked: str, zone: str, block: Block) -> None:
    busy.connection_id = connection_id
    busy.calendar_id = asked
    busy.timezone = zone
    busy.kind = block.kind
    times.set_instant(busy.start_at, moment(block.start), zone)
    times.set_instant(busy.end_at, moment(block.end), zone)
    busy.id = id_of(asked, block.start, block.end)


def id_of(asked: str, start: int, end: int) -> str:
    """Id of a block: the same for the same time of the same calendar."""
    return hashlib.sha256(f"{asked}\n{start}\n{end}".encode()).hexdigest()[:24]


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 10:
        return int(cursor)
    raise ProviderError.invalid(
        "page_token", "not a page of the sandbox", reason="INVALID_PAGE_TOKEN"
    )
