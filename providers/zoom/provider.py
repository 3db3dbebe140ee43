"""Zoom: which operation is carried out where. Nothing is decided here."""

import httpx

from providers.core.auth import Grant
from providers.core.call import Account, Call
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.zoom import (
    calendars,
    errors,
    event_updates,
    event_writes,
    events,
    links,
    recordings,
    registrants,
    webinar_reads,
    webinar_writes,
)
from providers.zoom.api import AccountAuth, Api, Memory
from providers.zoom.features import FEATURES, OAUTH, REASONS
from providers.zoom.push import ZoomPush
from ucal.v1 import (
    calendar_pb2,
    connection_pb2,
    event_pb2,
    link_pb2,
    provider_pb2,
    recording_pb2,
    webinar_pb2,
)


class Zoom(Provider):
    """Zoom's API v2: Meetings, Webinars, Cloud Recording and Scheduler, all below one base URL.

    The API may redirect to a regional host, and files lie on hosts of their own, all of them below
    zoom.us.

    Attributes:
        push: see `providers.core.push`. `settings.webhook_secret` is the app's secret token.
    """

    name = "zoom"
    display_name = "Zoom"
    api_version = "v2"
    documentation_url = "https://developers.zoom.us/docs/api/"
    base_url = "https://api.zoom.us/v2"
    allowed_hosts = ("zoom.us", ".zoom.us")
    auth_kinds = (provider_pb2.AUTH_KIND_OAUTH, provider_pb2.AUTH_KIND_SERVICE_ACCOUNT)
    oauth = OAUTH
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._memory = Memory()
        self.push = ZoomPush(settings.webhook_secret, self._memory)

    def auth(self, grant: Grant) -> httpx.Auth:
        """A server-to-server app acts for its subject, and has no "me"."""
        credentials = grant.credentials
        if isinstance(credentials, connection_pb2.ServiceAccountCredentials):
            return AccountAuth(grant, credentials.subject)
        return super().auth(grant)

    def classify(self, reply: Reply) -> ProviderError:
        """As Zoom's pages on errors have it."""
        return errors.classify(reply)

    def _api(self, call: Call) -> Api:
        return Api(call, self._memory)

    async def test_connection(self, call: Call) -> Account:
        """Who is signed in."""
        found, _ = await self._api(call).me()
        return Account(name=found.display_name or "", email=found.email or "")

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        return await calendars.list_calendars(self._api(call), request)

    async def get_calendar(
        self, call: Call, request: calendar_pb2.GetCalendarRequest
    ) -> calendar_pb2.GetCalendarResponse:
        return await calendars.get_calendar(self._api(call), request)

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        return await events.list_events(self._api(call), request)

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        return await events.get_event(self._api(call), request)

    async def list_event_instances(
        self, call: Call, request: event_pb2.ListEventInstancesRequest
    ) -> event_pb2.ListEventInstancesResponse:
        return await events.list_event_instances(self._api(call), request)

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        return await event_writes.create_event(self._api(call), request)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        return await event_updates.update_event(self._api(call), request)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        return await event_writes.delete_event(self._api(call), request)

    async def list_links(
        self, call: Call, request: link_pb2.ListLinksRequest
    ) -> link_pb2.ListLinksResponse:
        return await links.list_links(self._api(call), request)

    async def get_link(
        self, call: Call, request: link_pb2.GetLinkRequest
    ) -> link_pb2.GetLinkResponse:
        return await links.get_link(self._api(call), request)

    async def create_link(
        self, call: Call, request: link_pb2.CreateLinkRequest
    ) -> link_pb2.CreateLinkResponse:
        return await links.create_link(self._api(call), request)

    async def update_link(
        self, call: Call, request: link_pb2.UpdateLinkRequest
    ) -> link_pb2.UpdateLinkResponse:
        return await links.update_link(self._api(call), request)

    async def delete_link(
        self, call: Call, request: link_pb2.DeleteLinkRequest
    ) -> link_pb2.DeleteLinkResponse:
        return await links.delete_link(self._api(call), request)

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        return await recordings.list_recordings(self._api(call), request)

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        return await recordings.get_recording(self._api(call), request)

    async def list_transcript_segments(
        self, call: Call, request: recording_pb2.ListTranscriptSegmentsRequest
    ) -> recording_pb2.ListTranscriptSegmentsResponse:
        return await recordings.list_transcript_segments(self._api(call), request)

    async def list_webinars(
        self, call: Call, request: webinar_pb2.ListWebinarsRequest
    ) -> webinar_pb2.ListWebinarsResponse:
        return await webinar_reads.list_webinars(self._api(call), request)

    async def get_webinar(
        self, call: Call, request: webinar_pb2.GetWebinarRequest
    ) -> webinar_pb2.GetWebinarResponse:
        return await webinar_reads.get_webinar(self._api(call), request)

    async def create_webinar(
        self, call: Call, request: webinar_pb2.CreateWebinarRequest
    ) -> webinar_pb2.CreateWebinarResponse:
        return await webinar_writes.create_webinar(self._api(call), request)

    async def update_webinar(
        self, call: Call, request: webinar_pb2.UpdateWebinarRequest
    ) -> webinar_pb2.UpdateWebinarResponse:
        return await webinar_writes.update_webinar(self._api(call), request)

    async def delete_webinar(
        self, call: Call, request: webinar_pb2.DeleteWebinarRequest
    ) -> webinar_pb2.DeleteWebinarResponse:
        return await webinar_writes.delete_webinar(self._api(call), request)

    async def list_webinar_registrants(
        self, call: Call, request: webinar_pb2.ListWebinarRegistrantsRequest
    ) -> webinar_pb2.ListWebinarRegistrantsResponse:
        return await registrants.list_webinar_registrants(self._api(call), request)

    async def create_webinar_registrant(
        self, call: Call, request: webinar_pb2.CreateWebinarRegistrantRequest
    ) -> webinar_pb2.CreateWebinarRegistrantResponse:
        return await registrants.create_webinar_registrant(self._api(call), request)

    async def update_webinar_registrant_status(
        self, call: Call, request: webinar_pb2.UpdateWebinarRegistrantStatusRequest
    ) -> webinar_pb2.UpdateWebinarRegistrantStatusResponse:
        return await registrants.update_webinar_registrant_status(self._api(call), request)
