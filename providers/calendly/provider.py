"""Calendly: which operation is carried out where. Nothing is decided here."""

from providers.calendly import (
    booking,
    busy,
    calendars,
    canceling,
    changes,
    errors,
    events,
    link_writes,
    links,
    recordings,
    slots,
)
from providers.calendly.api import Api, Memory, api
from providers.calendly.features import FEATURES, OAUTH, REASONS
from providers.calendly.push import CalendlyPush
from providers.calendly.wire import User
from providers.core.call import Account, Call, ChangesPage, ChangesQuery
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.prompts import Prompt
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from ucal.v1 import busy_pb2, calendar_pb2, event_pb2, link_pb2, provider_pb2, recording_pb2


class Calendly(Provider):
    """Calendly API v2. No settings of its own: `base_url` and `token_url` are all its hosts.

    `webhook_secret` is the signing key of the operator's OAuth app. Without it each subscription
    has a key of its own, which Calendly takes from personal tokens only.

    Attributes:
        push: see `providers.core.push`.
    """

    name = "calendly"
    display_name = "Calendly"
    api_version = "v2"
    documentation_url = "https://developer.calendly.com/api-docs"
    base_url = "https://api.calendly.com"
    auth_kinds = (provider_pb2.AUTH_KIND_OAUTH, provider_pb2.AUTH_KIND_API_KEY)
    oauth = OAUTH
    prompts = (
        Prompt(
            kind=provider_pb2.AUTH_KIND_API_KEY,
            secret="Personal access token",
            hint="In Calendly: Integrations & apps, API and webhooks, Personal access tokens.",
        ),
    )
    delta_kinds = changes.KINDS
    pushed_kinds = CalendlyPush.kinds
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._memory = Memory()
        self.push = CalendlyPush(self._api, settings.webhook_secret)

    def classify(self, reply: Reply) -> ProviderError:
        """As Calendly's error answers have it."""
        return errors.classify(reply)

    def _api(self, call: Call) -> Api:
        return api(call, self._memory)

    async def test_connection(self, call: Call) -> Account:
        """The user that the token belongs to."""
        user = (await self._api(call).one(User, "users/me")).it
        return Account(name=user.name or "", email=user.email or "")

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

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        return await events.list_events(self._api(call), call, request)

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        return await events.get_event(self._api(call), call, request)

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        return await booking.create_event(self._api(call), call, request)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        return await canceling.delete_event(self._api(call), call, request)

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        return await busy.list_busy(self._api(call), call, request)

    async def list_links(
        self, call: Call, request: link_pb2.ListLinksRequest
    ) -> link_pb2.ListLinksResponse:
        return await links.list_links(self._api(call), call, request)

    async def get_link(
        self, call: Call, request: link_pb2.GetLinkRequest
    ) -> link_pb2.GetLinkResponse:
        return await links.get_link(self._api(call), call, request)

    async def create_link(
        self, call: Call, request: link_pb2.CreateLinkRequest
    ) -> link_pb2.CreateLinkResponse:
        return await link_writes.create_link(self._api(call), call, request)

    async def update_link(
        self, call: Call, request: link_pb2.UpdateLinkRequest
    ) -> link_pb2.UpdateLinkResponse:
        return await link_writes.update_link(self._api(call), call, request)

    async def list_link_slots(
        self, call: Call, request: link_pb2.ListLinkSlotsRequest
    ) -> link_pb2.ListLinkSlotsResponse:
        return await slots.list_link_slots(self._api(call), call, request)

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        return await recordings.list_recordings(self._api(call), call, request)

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        return await recordings.get_recording(self._api(call), call, request)

    async def list_transcript_segments(
        self, call: Call, request: recording_pb2.ListTranscriptSegmentsRequest
    ) -> recording_pb2.ListTranscriptSegmentsResponse:
        return await recordings.list_transcript_segments(self._api(call), call, request)
