"""Cal.com: which operation is carried out where. Nothing is decided here."""

from providers.calcom import (
    api,
    busy,
    calendars,
    changes,
    changing,
    creating,
    errors,
    link_writes,
    links,
    reading,
    recordings,
)
from providers.calcom.features import FEATURES, REASONS
from providers.calcom.push import CalComPush
from providers.core.auth import OAuthConfig
from providers.core.call import Account, Call, ChangesPage, ChangesQuery
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.prompts import Prompt
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from ucal.v1 import busy_pb2, calendar_pb2, event_pb2, link_pb2, provider_pb2, recording_pb2

_SCOPES = (
    "PROFILE_READ",
    "BOOKING_READ",
    "BOOKING_WRITE",
    "EVENT_TYPE_READ",
    "EVENT_TYPE_WRITE",
    "SCHEDULE_READ",
    "APPS_READ",
)


class CalCom(Provider):
    """Cal.com API v2, hosted, or on a server of one's own.

    A connection to a server of one's own names it as base_url: `https://<host>/v2`. OAuth endpoints
    of such a server are set as `authorize_url` and `token_url`.

    Attributes:
        push: see `providers.core.push`.
    """

    name = "calcom"
    display_name = "Cal.com"
    api_version = "v2"
    documentation_url = "https://cal.com/docs/api-reference/v2"
    base_url = api.BASE_URL
    self_hosted = True
    auth_kinds = (provider_pb2.AUTH_KIND_API_KEY, provider_pb2.AUTH_KIND_OAUTH)
    prompts = (
        Prompt(
            kind=provider_pb2.AUTH_KIND_API_KEY,
            secret="API key",
            hint="In Cal.com: Settings, Developer, API keys. It begins with cal_.",
        ),
    )
    oauth = OAuthConfig(
        authorize_url="https://app.cal.com/auth/oauth2/authorize",
        token_url="https://api.cal.com/v2/auth/oauth2/token",
        scopes=_SCOPES,
        rotates=True,
    )
    delta_kinds = changes.KINDS
    pushed_kinds = CalComPush.kinds
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.push = CalComPush()

    def classify(self, reply: Reply) -> ProviderError:
        """By the words of Cal.com's server."""
        return errors.classify(reply)

    async def test_connection(self, call: Call) -> Account:
        """Ask who the account is."""
        found = await api.me(call)
        return Account(name=found.name or "", email=found.email or "")

    async def list_changes(self, call: Call, query: ChangesQuery) -> ChangesPage:
        return await changes.list_changes(call, query)

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        return await calendars.list_calendars(call, request)

    async def get_calendar(
        self, call: Call, request: calendar_pb2.GetCalendarRequest
    ) -> calendar_pb2.GetCalendarResponse:
        return await calendars.get_calendar(call, request)

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        return await reading.list_events(call, request)

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        return await reading.get_event(call, request)

    async def list_event_instances(
        self, call: Call, request: event_pb2.ListEventInstancesRequest
    ) -> event_pb2.ListEventInstancesResponse:
        return await reading.list_event_instances(call, request)

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        return await busy.list_busy(call, request)

    async def list_links(
        self, call: Call, request: link_pb2.ListLinksRequest
    ) -> link_pb2.ListLinksResponse:
        return await links.list_links(call, request)

    async def get_link(
        self, call: Call, request: link_pb2.GetLinkRequest
    ) -> link_pb2.GetLinkResponse:
        return await links.get_link(call, request)

    async def list_link_slots(
        self, call: Call, request: link_pb2.ListLinkSlotsRequest
    ) -> link_pb2.ListLinkSlotsResponse:
        return await links.list_link_slots(call, request)

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        return await creating.create_event(call, request)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        return await changing.update_event(call, request)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        return await changing.delete_event(call, request)

    async def respond_to_event(
        self, call: Call, request: event_pb2.RespondToEventRequest
    ) -> event_pb2.RespondToEventResponse:
        return await changing.respond_to_event(call, request)

    async def create_link(
        self, call: Call, request: link_pb2.CreateLinkRequest
    ) -> link_pb2.CreateLinkResponse:
        return await link_writes.create_link(call, request)

    async def update_link(
        self, call: Call, request: link_pb2.UpdateLinkRequest
    ) -> link_pb2.UpdateLinkResponse:
        return await link_writes.update_link(call, request)

    async def delete_link(
        self, call: Call, request: link_pb2.DeleteLinkRequest
    ) -> link_pb2.DeleteLinkResponse:
        return await link_writes.delete_link(call, request)

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        return await recordings.list_recordings(call, request)

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        return await recordings.get_recording(call, request)
