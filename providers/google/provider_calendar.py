"""Google Calendar: which operation is carried out where. Nothing is decided here."""

from providers.core.call import Account, Call, ChangesPage, ChangesQuery
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.google import (
    busy,
    calendars,
    changes,
    directory,
    errors,
    reading,
    removing,
    responding,
    scopes,
    updating,
    writing,
)
from providers.google.api import Api, api, pace_of
from providers.google.channels import CalendarPush
from providers.google.features_calendar import FEATURES, REASONS
from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    event_pb2,
    location_pb2,
    provider_pb2,
    room_pb2,
)


class GoogleCalendar(Provider):
    """Google Calendar API v3, and the Directory API for rooms.

    Settings beside the usual ones, in `extra`:
        directory_url: root of the Admin SDK, "https://admin.googleapis.com".
        requests_per_minute: what one connection may ask for in a minute, "600"; "0": no limit.
    """

    name = "google_calendar"
    display_name = "Google Calendar"
    api_version = "v3"
    documentation_url = "https://developers.google.com/workspace/calendar/api/v3/reference"
    base_url = "https://www.googleapis.com/calendar/v3"
    allowed_hosts = ("admin.googleapis.com",)
    auth_kinds = (provider_pb2.AUTH_KIND_OAUTH, provider_pb2.AUTH_KIND_SERVICE_ACCOUNT)
    oauth = scopes.oauth(scopes.CALENDAR)
    delta_kinds = changes.KINDS
    pushed_kinds = CalendarPush.kinds
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._pace = pace_of(settings)
        self.push = CalendarPush(self._api)

    def classify(self, reply: Reply) -> ProviderError:
        """As Google's error guide has it."""
        return errors.classify(reply)

    def _api(self, call: Call) -> Api:
        return api(call, self._pace)

    def _directory(self, call: Call) -> Api:
        root = self.settings.extra.get("directory_url") or directory.BASE_URL
        return self._api(call).at(root)

    async def test_connection(self, call: Call) -> Account:
        """The primary calendar has the account's address for its id."""
        entry = await calendars.read_entry(self._api(call), "primary")
        return Account(name=entry.summaryOverride or entry.summary, email=entry.id)

    async def list_changes(self, call: Call, query: ChangesQuery) -> ChangesPage:
        if query.kind not in self.delta_kinds:
            return await super().list_changes(call, query)
        return await changes.list_changes(self._api(call), call, query)

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        return await calendars.list_calendars(self._api(call), call, request)

    async def get_calendar(
        self, call: Call, request: calendar_pb2.GetCalendarRequest
    ) -> calendar_pb2.GetCalendarResponse:
        return await calendars.get_calendar(self._api(call), call, request)

    async def create_calendar(
        self, call: Call, request: calendar_pb2.CreateCalendarRequest
    ) -> calendar_pb2.CreateCalendarResponse:
        return await calendars.create_calendar(self._api(call), call, request)

    async def update_calendar(
        self, call: Call, request: calendar_pb2.UpdateCalendarRequest
    ) -> calendar_pb2.UpdateCalendarResponse:
        return await calendars.update_calendar(self._api(call), call, request)

    async def delete_calendar(
        self, call: Call, request: calendar_pb2.DeleteCalendarRequest
    ) -> calendar_pb2.DeleteCalendarResponse:
        return await calendars.delete_calendar(self._api(call), request)

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        return await reading.list_events(self._api(call), call, request)

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        return await reading.get_event(self._api(call), call, request)

    async def list_event_instances(
        self, call: Call, request: event_pb2.ListEventInstancesRequest
    ) -> event_pb2.ListEventInstancesResponse:
        return await reading.list_event_instances(self._api(call), call, request)

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        return await writing.create_event(self._api(call), call, request)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        return await updating.update_event(self._api(call), call, request)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        return await removing.delete_event(self._api(call), request)

    async def respond_to_event(
        self, call: Call, request: event_pb2.RespondToEventRequest
    ) -> event_pb2.RespondToEventResponse:
        return await responding.respond_to_event(self._api(call), call, request)

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        return await busy.list_busy(self._api(call), call, request)

    async def list_rooms(
        self, call: Call, request: room_pb2.ListRoomsRequest
    ) -> room_pb2.ListRoomsResponse:
        return await directory.list_rooms(self._directory(call), call, request)

    async def get_room(
        self, call: Call, request: room_pb2.GetRoomRequest
    ) -> room_pb2.GetRoomResponse:
        return await directory.get_room(self._directory(call), call, request)

    async def list_locations(
        self, call: Call, request: location_pb2.ListLocationsRequest
    ) -> location_pb2.ListLocationsResponse:
        return await directory.list_locations(self._directory(call), call, request)

    async def get_location(
        self, call: Call, request: location_pb2.GetLocationRequest
    ) -> location_pb2.GetLocationResponse:
        return await directory.get_location(self._directory(call), call, request)
