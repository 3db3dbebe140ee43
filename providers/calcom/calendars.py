"""Calendars: a synthetic one that holds the bookings, and those connected for their busy time."""

from typing import Any

from providers.calcom.api import ask, data_of, mapping, read
from providers.calcom.booking_parse import CALENDAR_ID
from providers.calcom.calendar_ids import connected, connected_id, is_bookings
from providers.calcom.wire import ConnectedAccount, ConnectedCalendar, ConnectedCalendars, Me
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.raw import fill_raw
from ucal.v1 import calendar_pb2

MAX_PAGE = 250


async def list_calendars(
    call: Call, request: calendar_pb2.ListCalendarsRequest
) -> calendar_pb2.ListCalendarsResponse:
    """ListCalendars: everything at once from Cal.com, cut into pages by place."""
    place = _place(request.page_token)
    found, unreachable = await _all(call, raw=request.include_raw)
    answer = calendar_pb2.ListCalendarsResponse(unreachable=unreachable)
    end = place + (request.page_size or MAX_PAGE)
    answer.calendars.extend(found[place:end])
    if end < len(found):
        answer.next_page_token = str(end)
    return answer


def _place(token: str) -> int:
    if not token:
        return 0
    if token.isascii() and token.isdecimal() and len(token) < 9:
        return int(token)
    raise ProviderError.invalid("page_token", "is none of this list")


async def get_calendar(
    call: Call, request: calendar_pb2.GetCalendarRequest
) -> calendar_pb2.GetCalendarResponse:
    """GetCalendar."""
    if is_bookings(request.id):
        found = await _bookings(call, raw=request.include_raw)
        return calendar_pb2.GetCalendarResponse(calendar=found)
    if connected(request.id) is not None:
        reply, accounts = await _accounts(call)
        for account in accounts:
            for calendar in _of_account(call, reply, account, raw=request.include_raw):
                if calendar.id == request.id:
                    return calendar_pb2.GetCalendarResponse(calendar=calendar)
    raise ProviderError.not_found("calendar", request.id)


async def _all(call: Call, *, raw: bool) -> tuple[list[calendar_pb2.Calendar], list[str]]:
    """Every calendar, and the accounts that could not be asked."""
    found = [await _bookings(call, raw=raw)]
    reply, accounts = await _accounts(call)
    unreachable = []
    for account in accounts:
        found += _of_account(call, reply, account, raw=raw)
        if account.error is not None:
            kind = (account.integration.type if account.integration else "") or "account"
            unreachable.append(f"{kind}:{account.credentialId or 0}")
    return list({each.id: each for each in found}.values()), unreachable


async def _accounts(call: Call) -> tuple[Reply, list[ConnectedAccount]]:
    reply = await ask(call, "GET", "calendars")
    return reply, data_of(reply, ConnectedCalendars).connectedCalendars


async def _bookings(call: Call, *, raw: bool) -> calendar_pb2.Calendar:
    """The synthetic one; its zone is the account's."""
    reply = await ask(call, "GET", "me")
    account = data_of(reply, Me)
    found = calendar_pb2.Calendar(
        connection_id=call.connection_id,
        id=CALENDAR_ID,
        name="Cal.com bookings",
        timezone=account.timeZone or "",
        is_primary=True,
        access_role=calendar_pb2.ACCESS_ROLE_WRITER,
    )
    if raw:
        fill_raw(found.raw, data_of(reply, dict[str, Any]), CALENDAR_ID)
    return found


def _of_account(
    call: Call, reply: Reply, account: ConnectedAccount, *, raw: bool
) -> list[calendar_pb2.Calendar]:
    found = []
    for item in account.calendars or []:
        entry = read(reply, item, ConnectedCalendar)
        credential = entry.credentialId or account.credentialId
        calendar = calendar_pb2.Calendar(
            connection_id=call.connection_id,
            id=connected_id(credential, entry.externalId),
            name=entry.name or entry.externalId,
            is_read_only=True,
            access_role=calendar_pb2.ACCESS_ROLE_FREE_BUSY_READER,
        )
        if raw:
            fill_raw(calendar.raw, mapping(reply, item), entry.externalId)
        found.append(calendar)
    return found
