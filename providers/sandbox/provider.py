"""The sandbox: every operation of the contract, in memory, without an account.

Each connection has a world of its own, planted when it is first visited. This module ties
operations to the functions that do them and lets trouble happen on request; nothing is decided
here.
"""

from collections.abc import Callable
from typing import TypeVar

from providers.core import operations as ops
from providers.core.call import Account, Call, ChangesPage, ChangesQuery
from providers.core.operations import Operation
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.sandbox import (
    busy,
    calendar_writes,
    catalog,
    changes,
    event_removals,
    event_writes,
    events,
    faults,
    journal,
    life,
    links,
    registrants,
    seed,
    slots,
    webinars,
    worlds,
)
from providers.sandbox.faults import Fault, Faults
from providers.sandbox.features import FEATURES
from providers.sandbox.world import World
from providers.sandbox.worlds import Worlds
from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    event_pb2,
    link_pb2,
    location_pb2,
    provider_pb2,
    recording_pb2,
    room_pb2,
    webinar_pb2,
)

Q = TypeVar("Q")
A = TypeVar("A")


class Sandbox(Provider):
    """The reference provider.

    Settings: `life_seconds`, time between two moves of the meeting that moves, 0 for never;
    `max_connections`, worlds kept at once.

    Attributes:
        worlds: what each connection sees.
        faults: what is to go wrong.
    """

    name = "sandbox"
    display_name = "Sandbox"
    api_version = "v1"
    auth_kinds = (provider_pb2.AUTH_KIND_NONE,)
    delta_kinds = changes.KINDS
    features = FEATURES

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        period = life.period(settings.extra.get("life_seconds", ""))
        limit = worlds.limit(settings.extra.get("max_connections", ""))

        def plant(world: World) -> None:
            seed.plant(world)
            life.begin(world, period)

        self.worlds = Worlds(plant, max_worlds=limit)
        self.faults = Faults()

    async def test_connection(self, call: Call) -> Account:
        """Whose world it is."""
        world = self._world(call)
        return Account(name=world.account.name, email=world.account.email)

    async def list_changes(self, call: Call, query: ChangesQuery) -> ChangesPage:
        """What changed, from the journal."""
        fault = self._fault(call)
        if fault.expired_cursor and query.cursor:
            await faults.before(fault, writes=False)
            raise journal.expired()
        operation = ops.WATCHES[query.kind]
        return await self._run(call, fault, operation, changes.list_changes, query)

    def _world(self, call: Call) -> World:
        return self.worlds.visit(call.connection_id, call.now(), call.account_key)

    def _fault(self, call: Call) -> Fault:
        return self.faults.due(call.connection_id, call.hints)

    async def _do(
        self, call: Call, operation: Operation, work: Callable[[World, Q], A], request: Q
    ) -> A:
        """Do `work` in the world of the connection, with the trouble that was asked for."""
        if call.hints or self.faults.armed:
            return await self._run(call, self._fault(call), operation, work, request)
        return work(self._world(call), request)

    async def _run(
        self,
        call: Call,
        fault: Fault,
        operation: Operation,
        work: Callable[[World, Q], A],
        request: Q,
    ) -> A:
        await faults.before(fault, writes=operation.writes)
        answer = work(self._world(call), request)
        faults.after(fault, writes=operation.writes)
        return answer

    # -- the operations of the contract

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        return await self._do(call, ops.LIST_CALENDARS, catalog.list_calendars, request)

    async def get_calendar(
        self, call: Call, request: calendar_pb2.GetCalendarRequest
    ) -> calendar_pb2.GetCalendarResponse:
        return await self._do(call, ops.GET_CALENDAR, catalog.get_calendar, request)

    async def create_calendar(
        self, call: Call, request: calendar_pb2.CreateCalendarRequest
    ) -> calendar_pb2.CreateCalendarResponse:
        return await self._do(call, ops.CREATE_CALENDAR, calendar_writes.create_calendar, request)

    async def update_calendar(
        self, call: Call, request: calendar_pb2.UpdateCalendarRequest
    ) -> calendar_pb2.UpdateCalendarResponse:
        return await self._do(call, ops.UPDATE_CALENDAR, calendar_writes.update_calendar, request)

    async def delete_calendar(
        self, call: Call, request: calendar_pb2.DeleteCalendarRequest
    ) -> calendar_pb2.DeleteCalendarResponse:
        return await self._do(call, ops.DELETE_CALENDAR, calendar_writes.delete_calendar, request)

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        return await self._do(call, ops.LIST_EVENTS, events.list_events, request)

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        return await self._do(call, ops.GET_EVENT, events.get_event, request)

    async def list_event_instances(
        self, call: Call, request: event_pb2.ListEventInstancesRequest
    ) -> event_pb2.ListEventInstancesResponse:
        return await self._do(call, ops.LIST_EVENT_INSTANCES, events.list_event_instances, request)

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        return await self._do(call, ops.CREATE_EVENT, event_writes.create_event, request)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        fault = self._fault(call)

        def work(
            world: World, request: event_pb2.UpdateEventRequest
        ) -> event_pb2.UpdateEventResponse:
            return event_writes.update_event(world, request, half=fault.status == faults.HALF)

        return await self._run(call, fault, ops.UPDATE_EVENT, work, request)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        return await self._do(call, ops.DELETE_EVENT, event_removals.delete_event, request)

    async def respond_to_event(
        self, call: Call, request: event_pb2.RespondToEventRequest
    ) -> event_pb2.RespondToEventResponse:
        return await self._do(call, ops.RESPOND_TO_EVENT, event_removals.respond_to_event, request)

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        return await self._do(call, ops.LIST_BUSY, busy.list_busy, request)

    async def list_links(
        self, call: Call, request: link_pb2.ListLinksRequest
    ) -> link_pb2.ListLinksResponse:
        return await self._do(call, ops.LIST_LINKS, links.list_links, request)

    async def get_link(
        self, call: Call, request: link_pb2.GetLinkRequest
    ) -> link_pb2.GetLinkResponse:
        return await self._do(call, ops.GET_LINK, links.get_link, request)

    async def create_link(
        self, call: Call, request: link_pb2.CreateLinkRequest
    ) -> link_pb2.CreateLinkResponse:
        return await self._do(call, ops.CREATE_LINK, links.create_link, request)

    async def update_link(
        self, call: Call, request: link_pb2.UpdateLinkRequest
    ) -> link_pb2.UpdateLinkResponse:
        return await self._do(call, ops.UPDATE_LINK, links.update_link, request)

    async def delete_link(
        self, call: Call, request: link_pb2.DeleteLinkRequest
    ) -> link_pb2.DeleteLinkResponse:
        return await self._do(call, ops.DELETE_LINK, links.delete_link, request)

    async def list_link_slots(
        self, call: Call, request: link_pb2.ListLinkSlotsRequest
    ) -> link_pb2.ListLinkSlotsResponse:
        return await self._do(call, ops.LIST_LINK_SLOTS, slots.list_link_slots, request)

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        return await self._do(call, ops.LIST_RECORDINGS, catalog.list_recordings, request)

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        return await self._do(call, ops.GET_RECORDING, catalog.get_recording, request)

    async def list_transcript_segments(
        self, call: Call, request: recording_pb2.ListTranscriptSegmentsRequest
    ) -> recording_pb2.ListTranscriptSegmentsResponse:
        return await self._do(
            call, ops.LIST_TRANSCRIPT_SEGMENTS, catalog.list_transcript_segments, request
        )

    async def list_webinars(
        self, call: Call, request: webinar_pb2.ListWebinarsRequest
    ) -> webinar_pb2.ListWebinarsResponse:
        return await self._do(call, ops.LIST_WEBINARS, webinars.list_webinars, request)

    async def get_webinar(
        self, call: Call, request: webinar_pb2.GetWebinarRequest
    ) -> webinar_pb2.GetWebinarResponse:
        return await self._do(call, ops.GET_WEBINAR, webinars.get_webinar, request)

    async def create_webinar(
        self, call: Call, request: webinar_pb2.CreateWebinarRequest
    ) -> webinar_pb2.CreateWebinarResponse:
        return await self._do(call, ops.CREATE_WEBINAR, webinars.create_webinar, request)

    async def update_webinar(
        self, call: Call, request: webinar_pb2.UpdateWebinarRequest
    ) -> webinar_pb2.UpdateWebinarResponse:
        return await self._do(call, ops.UPDATE_WEBINAR, webinars.update_webinar, request)

    async def delete_webinar(
        self, call: Call, request: webinar_pb2.DeleteWebinarRequest
    ) -> webinar_pb2.DeleteWebinarResponse:
        return await self._do(call, ops.DELETE_WEBINAR, webinars.delete_webinar, request)

    async def list_webinar_registrants(
        self, call: Call, request: webinar_pb2.ListWebinarRegistrantsRequest
    ) -> webinar_pb2.ListWebinarRegistrantsResponse:
        return await self._do(
            call, ops.LIST_WEBINAR_REGISTRANTS, registrants.list_webinar_registrants, request
        )

    async def create_webinar_registrant(
        self, call: Call, request: webinar_pb2.CreateWebinarRegistrantRequest
    ) -> webinar_pb2.CreateWebinarRegistrantResponse:
        return await self._do(
            call, ops.CREATE_WEBINAR_REGISTRANT, registrants.create_webinar_registrant, request
        )

    async def update_webinar_registrant_status(
        self, call: Call, request: webinar_pb2.UpdateWebinarRegistrantStatusRequest
    ) -> webinar_pb2.UpdateWebinarRegistrantStatusResponse:
        return await self._do(
            call,
            ops.UPDATE_WEBINAR_REGISTRANT_STATUS,
            registrants.update_webinar_registrant_status,
            request,
        )

    async def list_rooms(
        self, call: Call, request: room_pb2.ListRoomsRequest
    ) -> room_pb2.ListRoomsResponse:
        return await self._do(call, ops.LIST_ROOMS, catalog.list_rooms, request)

    async def get_room(
        self, call: Call, request: room_pb2.GetRoomRequest
    ) -> room_pb2.GetRoomResponse:
        return await self._do(call, ops.GET_ROOM, catalog.get_room, request)

    async def list_locations(
        self, call: Call, request: location_pb2.ListLocationsRequest
    ) -> location_pb2.ListLocationsResponse:
        return await self._do(call, ops.LIST_LOCATIONS, catalog.list_locations, request)

    async def get_location(
        self, call: Call, request: location_pb2.GetLocationRequest
    ) -> location_pb2.GetLocationResponse:
        return await self._do(call, ops.GET_LOCATION, catalog.get_location, request)
