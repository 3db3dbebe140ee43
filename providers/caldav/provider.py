"""The providers `caldav` and `apple_icloud`: what each operation asks, in a few lines.

The protocol is in `resources`, `calendars` and `account`, the meaning of iCalendar in `parsing`
and `dumping`.
"""

from typing import ClassVar

from providers.caldav import busy, calendars, changes, events, removals, writes
from providers.caldav.account import Account
from providers.caldav.collections import Collection, fill_calendar
from providers.caldav.desk import Desk
from providers.caldav.errors import classify
from providers.caldav.features import FEATURES, ICLOUD_FEATURES, ICLOUD_REASONS, REASONS
from providers.caldav.objects import Frame
from providers.caldav.paths import EventId, canonical
from providers.caldav.session import Accounts
from providers.core.call import Account as Who
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.cursors import read_cursor, write_cursor
from providers.core.errors import Kind, ProviderError
from providers.core.prompts import Prompt
from providers.core.provider import Provider
from providers.core.replies import Reply
from providers.core.settings import ProviderSettings
from ucal.v1 import busy_pb2, calendar_pb2, event_pb2, provider_pb2, types_pb2

_ROOT = ("", "primary")
_EVENT = types_pb2.RESOURCE_KIND_EVENT


class CalDav(Provider):
    """Any CalDAV server. The connection's base_url is where discovery begins.

    Attributes:
        well_known: `/.well-known/caldav` leads to the account where the base URL does not.
        favourite: name of the collection that is the primary calendar when none is marked.
        suppresses: the server can be told not to write to attendees.
    """

    name = "caldav"
    display_name = "CalDAV"
    api_version = "RFC 4791"
    documentation_url = "https://www.rfc-editor.org/rfc/rfc4791"
    auth_kinds: ClassVar[tuple[provider_pb2.AuthKind.ValueType, ...]] = (
        provider_pb2.AUTH_KIND_BASIC,
        provider_pb2.AUTH_KIND_OAUTH,
    )
    prompts: ClassVar[tuple[Prompt, ...]] = (
        Prompt(
            kind=provider_pb2.AUTH_KIND_BASIC,
            secret="Password",
            user="User name",
            hint="If your calendar server has app passwords, make one for this and use it here.",
        ),
    )
    delta_kinds = frozenset({_EVENT})
    features = FEATURES
    reasons = REASONS
    well_known: ClassVar[bool] = True
    favourite: ClassVar[str] = ""
    suppresses: ClassVar[bool] = True

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._accounts = Accounts()

    def classify(self, reply: Reply) -> ProviderError:
        return classify(reply)

    # -- what calls have in common

    async def _account(self, call: Call) -> Account:
        return await self._accounts.of(call, well_known=self.well_known)

    async def _frame(self, call: Call, calendar_id: str, *, raw: bool = False) -> Frame:
        account = await self._account(call)
        found = await calendars.find(call.http, account, calendar_id, self.favourite)
        return _frame(call, account, found, raw=raw)

    async def _of_event(
        self, call: Call, id: str, calendar_id: str, *, raw: bool = False
    ) -> tuple[Frame, EventId]:
        """The calendar that holds an event, which its id names, and the parts of the id."""
        asked = events.parse_id(id)
        if calendar_id not in _ROOT and canonical(calendar_id) != asked.calendar:
            raise ProviderError.not_found("event", id)
        try:
            return await self._frame(call, asked.calendar, raw=raw), asked
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND:
                raise ProviderError.not_found("event", id) from None
            raise

    async def test_connection(self, call: Call) -> Who:
        self._accounts.forget(call)
        account = await self._account(call)
        await calendars.refresh(call.http, account)
        return Who(name=account.name, email=account.addresses[0] if account.addresses else "")

    # -- calendars

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        account = await self._account(call)
        await calendars.refresh(call.http, account, raw=request.include_raw)
        found = sorted(account.calendars.values(), key=lambda c: (c.order, c.path))
        size = min(request.page_size or events.DEFAULT_PAGE, events.MAX_PAGE)
        begin = read_cursor(request.page_token, events.Cursor).at
        answer = calendar_pb2.ListCalendarsResponse()
        for collection in found[begin : begin + size]:
            self._fill(answer.calendars.add(), call, account, collection, raw=request.include_raw)
        if begin + size < len(found):
            answer.next_page_token = write_cursor(events.Cursor(at=begin + size))
        return answer

    async def get_calendar(
        self, call: Call, request: calendar_pb2.GetCalendarRequest
    ) -> calendar_pb2.GetCalendarResponse:
        account = await self._account(call)
        await calendars.refresh(call.http, account, raw=request.include_raw)
        found = await calendars.find(call.http, account, request.id, self.favourite)
        answer = calendar_pb2.GetCalendarResponse()
        self._fill(answer.calendar, call, account, found, raw=request.include_raw)
        return answer

    async def create_calendar(
        self, call: Call, request: calendar_pb2.CreateCalendarRequest
    ) -> calendar_pb2.CreateCalendarResponse:
        account = await self._account(call)
        found = await calendars.create(
            call.http, account, request.calendar, calendars.name_for(call, request.request_id)
        )
        answer = calendar_pb2.CreateCalendarResponse()
        self._fill(answer.calendar, call, account, found)
        return answer

    async def update_calendar(
        self, call: Call, request: calendar_pb2.UpdateCalendarRequest
    ) -> calendar_pb2.UpdateCalendarResponse:
        account = await self._account(call)
        found = await calendars.find(call.http, account, request.id, self.favourite)
        found = await calendars.update(
            call.http, account, found, request.calendar, request.update_mask.paths
        )
        answer = calendar_pb2.UpdateCalendarResponse()
        self._fill(answer.calendar, call, account, found)
        return answer

    async def delete_calendar(
        self, call: Call, request: calendar_pb2.DeleteCalendarRequest
    ) -> calendar_pb2.DeleteCalendarResponse:
        account = await self._account(call)
        absent = calendar_pb2.DeleteCalendarResponse(already_absent=True)
        try:
            found = await calendars.find(call.http, account, request.id, self.favourite)
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND and request.allow_missing:
                return absent
            raise
        if await calendars.delete(call.http, account, found):
            return calendar_pb2.DeleteCalendarResponse()
        if request.allow_missing:
            return absent
        raise ProviderError.not_found("calendar", request.id)

    def _fill(
        self,
        target: calendar_pb2.Calendar,
        call: Call,
        account: Account,
        found: Collection,
        *,
        raw: bool = False,
    ) -> None:
        primary = calendars.primary(account, self.favourite)
        fill_calendar(
            target,
            found,
            call.connection_id,
            is_primary=primary is not None and primary.path == found.path,
            include_raw=raw,
        )

    # -- events

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        frame = await self._frame(call, request.calendar_id, raw=request.include_raw)
        return await events.Lister(call, frame, request).answer()

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        frame, asked = await self._of_event(
            call, request.id, request.calendar_id, raw=request.include_raw
        )
        found = await events.load(call, frame, asked)
        return event_pb2.GetEventResponse(event=await events.event_at(found, asked))

    async def list_event_instances(
        self, call: Call, request: event_pb2.ListEventInstancesRequest
    ) -> event_pb2.ListEventInstancesResponse:
        frame, asked = await self._of_event(
            call, request.recurring_event_id, request.calendar_id, raw=request.include_raw
        )
        return await events.list_instances(call, frame, asked, request)

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        desk = await self._desk(call, await self._frame(call, request.event.calendar_id))
        return await writes.create_event(desk, request)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        where = request.calendar_id
        moves = "calendar_id" in request.update_mask.paths and request.event.calendar_id
        if not where and not moves:
            where = request.event.calendar_id
        frame, asked = await self._of_event(call, request.id, where)
        target = None
        if moves:
            target = await self._frame(call, request.event.calendar_id)
            target = target if target.calendar.path != frame.calendar.path else None
        return await writes.update_event(await self._desk(call, frame), asked, request, target)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        frame, asked = await self._of_event(call, request.id, request.calendar_id)
        return await removals.delete_event(await self._desk(call, frame), asked, request)

    async def respond_to_event(
        self, call: Call, request: event_pb2.RespondToEventRequest
    ) -> event_pb2.RespondToEventResponse:
        frame, asked = await self._of_event(call, request.id, request.calendar_id)
        return await removals.respond_to_event(await self._desk(call, frame), asked, request)

    async def _desk(self, call: Call, frame: Frame) -> Desk:
        return Desk(call, await self._account(call), frame, self.suppresses)

    async def list_changes(self, call: Call, query: ChangesQuery) -> ChangesPage:
        frame = await self._frame(call, query.calendar_id, raw=query.include_raw)
        return await changes.list_changes(call, frame, query)

    # -- busy time

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        return await busy.list_busy(call, await self._account(call), request, self.favourite)


def _frame(call: Call, account: Account, found: Collection, *, raw: bool) -> Frame:
    return Frame(call.connection_id, found, frozenset(account.addresses), raw)


class AppleICloud(CalDav):
    """iCloud Calendar, with an app-specific password; deviations seen in October 2026.

    The well-known URL leads to the web site there; calendars are on partition hosts.
    """

    name = "apple_icloud"
    display_name = "Apple iCloud Calendar"
    documentation_url = "https://support.apple.com/102654"
    base_url = "https://caldav.icloud.com/"
    allowed_hosts = (".icloud.com", ".icloud.com.cn")
    auth_kinds = (provider_pb2.AUTH_KIND_BASIC,)
    prompts = (
        Prompt(
            kind=provider_pb2.AUTH_KIND_BASIC,
            secret="App-specific password",
            user="Apple Account (e-mail address or phone number)",
            hint="Not the password that you sign in to Apple with: make one for this service at "
            "account.apple.com, Sign-In and Security, App-Specific Passwords.",
            help_url="https://support.apple.com/102654",
        ),
    )
    features = ICLOUD_FEATURES
    reasons = ICLOUD_REASONS
    well_known = False
    favourite = "home"
    suppresses = False
