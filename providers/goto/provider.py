"""GoTo: which operation is carried out where. Nothing is decided here."""

import httpx

from providers.core.auth import BearerAuth, Grant
from providers.core.call import Account, Call
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.prompts import Prompt
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.goto import (
    calendars,
    errors,
    event_writes,
    events,
    recordings,
    registrants,
    webinar_writes,
    webinars,
)
from providers.goto.api import Api, Memory
from providers.goto.features import FEATURES, OAUTH, REASONS
from providers.goto.push import GoToPush
from ucal.v1 import (
    calendar_pb2,
    connection_pb2,
    event_pb2,
    provider_pb2,
    recording_pb2,
    webinar_pb2,
)


class GoTo(Provider):
    """GoTo Meeting v1 and GoTo Webinar v2, and the admin API for who is signed in.

    All three lie below one base URL, which is the only host that is called.

    Attributes:
        push: see `providers.core.push`. `settings.webhook_secret` is the value of the app's key.
    """

    name = "goto"
    display_name = "GoTo"
    api_version = "G2M v1, G2W v2"
    documentation_url = "https://developer.goto.com/"
    base_url = "https://api.getgo.com"
    auth_kinds = (provider_pb2.AUTH_KIND_OAUTH, provider_pb2.AUTH_KIND_API_KEY)
    oauth = OAUTH
    prompts = (
        Prompt(
            kind=provider_pb2.AUTH_KIND_API_KEY,
            secret="Personal access token",
            hint="For trying things out: it ends after an hour.",
        ),
    )
    pushed_kinds = GoToPush.kinds
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._memory = Memory()
        self.push = GoToPush(self._api, settings.webhook_secret)

    def auth(self, grant: Grant) -> httpx.Auth:
        """A dead token is answered with 403, so that one refresh is tried then too."""
        if isinstance(grant.credentials, connection_pb2.OAuthCredentials):
            return BearerAuth(grant, refused=(401, 403))
        return super().auth(grant)

    def classify(self, reply: Reply) -> ProviderError:
        """As far as GoTo's bodies tell."""
        return errors.classify(reply)

    def _api(self, call: Call) -> Api:
        return Api(call, self._memory)

    async def test_connection(self, call: Call) -> Account:
        """Who is signed in."""
        found, _ = await self._api(call).me()
        name = calendars.full_name(found.firstName, found.lastName)
        return Account(name=name, email=found.email or "")

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

    async def create_event(
        self, call: Call, request: event_pb2.CreateEventRequest
    ) -> event_pb2.CreateEventResponse:
        return await event_writes.create_event(self._api(call), request)

    async def update_event(
        self, call: Call, request: event_pb2.UpdateEventRequest
    ) -> event_pb2.UpdateEventResponse:
        return await event_writes.update_event(self._api(call), request)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        return await event_writes.delete_event(self._api(call), request)

    async def list_webinars(
        self, call: Call, request: webinar_pb2.ListWebinarsRequest
    ) -> webinar_pb2.ListWebinarsResponse:
        return await webinars.list_webinars(self._api(call), request)

    async def get_webinar(
        self, call: Call, request: webinar_pb2.GetWebinarRequest
    ) -> webinar_pb2.GetWebinarResponse:
        return await webinars.get_webinar(self._api(call), request)

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

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        return await recordings.list_recordings(self._api(call), request)

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        return await recordings.get_recording(self._api(call), request)
