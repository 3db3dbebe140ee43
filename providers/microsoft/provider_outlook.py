"""Outlook calendars: which operation is carried out where. Nothing is decided here."""

import httpx

from providers.core.auth import Grant
from providers.core.call import Account, Call, ChangesPage, ChangesQuery
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.microsoft import (
    api,
    auth,
    busy,
    calendars,
    changes,
    errors,
    instances,
    places,
    push,
    reading,
    removing,
    responding,
    updating,
    writing,
)
from providers.microsoft.features_outlook import FEATURES, REASONS
from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    event_pb2,
    location_pb2,
    provider_pb2,
    room_pb2,
    types_pb2,
)


class Outlook(Provider):
    """Calendars of Microsoft 365 and outlook.com, by Microsoft Graph.

    National clouds are another `base_url`, `authorize_url` and `token_url`.

    Settings beside the usual ones, in `extra`:
        tenant: of the app, when only one organization may sign in; "common".

    Attributes:
        push: see `providers.core.push`.
    """

    name = "outlook"
    display_name = "Microsoft Outlook"
    api_version = "v1.0"
    documentation_url = "https://learn.microsoft.com/graph/api/resources/calendar"
    base_url = "https://graph.microsoft.com/v1.0"
    auth_kinds = (provider_pb2.AUTH_KIND_OAUTH, provider_pb2.AUTH_KIND_SERVICE_ACCOUNT)
    oauth = auth.oauth("Calendars.ReadWrite")
    delta_kinds = changes.KINDS
    pushed_kinds = frozenset({types_pb2.RESOURCE_KIND_EVENT})
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._lanes = api.Lanes()
        self.push = push.events_push(self._api)

    def auth(self, grant: Grant) -> httpx.Auth:
        """Tokens of a person, or of an application that acts for a mailbox."""
        return auth.GraphAuth(grant)

    def classify(self, reply: Reply) -> ProviderError:
        """As Graph's errors mean."""
        return errors.classify(reply)

    def _api(self, call: Call) -> api.Api:
        return api.api(call, self._lanes)

    async def test_connection(self, call: Call) -> Account:
        """The owner of the default calendar."""
        return await calendars.account(self._api(call))

    async def list_changes(self, call: Call, query: ChangesQuery) -> ChangesPage:
        if query.kind not in self.delta_kinds:
            return await super().list_changes(call, query)
        return await changes.list_changes(self._api(call), query)

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        return await calendars.list_calendars(self._api(call), request)

    async def get_calendar(
        self, call: Call, request: calendar_pb2.GetCalendarRequest
    ) -> calendar_pb2.GetCalendarResponse:
        return await calendars.get_calendar(self._api(call), request)

    async def create_calendar(
        self, call: Call, request: calendar_pb2.CreateCalendarRequest
    ) -> calendar_pb2.CreateCalendarResponse:
        return await calendars.create_calendar(self._api(call), request)

    async def update_calendar(
        self, call: Call, request: calendar_pb2.UpdateCalendarRequest
    ) -> calendar_pb2.UpdateCalendarResponse:
        return await calendars.update_calendar(self._api(call), request)

    async def delete_calendar(
        self, call: Call, request: calendar_pb2.DeleteCalendarRequest
    ) -> calendar_pb2.DeleteCalendarResponse:
        return await calendars.delete_calendar(self._api(call), request)

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        return await reading.list_events(self._api(call), request)

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        return await reading.get_event(self._api(call), request)

    async def list_event_instances(
        self, call: Call, request: event_pb2.ListEventInstancesRequest
    ) -> event_pb2.ListEventInstancesResponse:
        return await instances.list_event_instances(self._api(call), request)

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        return await writing.create_event(self._api(call), request)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        return await updating.update_event(self._api(call), request)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        return await removing.delete_event(self._api(call), request)

    async def respond_to_event(
        self, call: Call, request: event_pb2.RespondToEventRequest
    ) -> event_pb2.RespondToEventResponse:
        return await responding.respond_to_event(self._api(call), request)

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        return await busy.list_busy(self._api(call), request)

    async def list_rooms(
        self, call: Call, request: room_pb2.ListRoomsRequest
    ) -> room_pb2.ListRoomsResponse:
        return await places.list_rooms(self._api(call), request)

    async def get_room(
        self, call: Call, request: room_pb2.GetRoomRequest
    ) -> room_pb2.GetRoomResponse:
        return await places.get_room(self._api(call), request)

    async def list_locations(
        self, call: Call, request: location_pb2.ListLocationsRequest
    ) -> location_pb2.ListLocationsResponse:
        return await places.list_locations(self._api(call), request)

    async def get_location(
        self, call: Call, request: location_pb2.GetLocationRequest
    ) -> location_pb2.GetLocationResponse:
        return await places.get_location(self._api(call), request)
