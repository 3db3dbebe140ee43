"""Dialpad: which operation is carried out where. Nothing is decided here."""

from providers.core.call import Account, Call
from providers.core.errors import ProviderError
from providers.core.prompts import Prompt
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.dialpad import event_writes, events, recordings, rooms
from providers.dialpad.api import NO_USER, Api, Memory
from providers.dialpad.features import FEATURES, OAUTH, REASONS
from providers.dialpad.push import DialpadPush
from ucal.v1 import calendar_pb2, event_pb2, provider_pb2, recording_pb2


class Dialpad(Provider):
    """Dialpad Meetings, API v2. The sandbox is base_url = "https://sandbox.dialpad.com".

    The base URL's host is the only one that is called.

    Attributes:
        push: see `providers.core.push`.
    """

    name = "dialpad"
    display_name = "Dialpad"
    api_version = "v2"
    documentation_url = "https://developers.dialpad.com/"
    base_url = "https://dialpad.com"
    auth_kinds = (provider_pb2.AUTH_KIND_OAUTH, provider_pb2.AUTH_KIND_API_KEY)
    oauth = OAUTH
    prompts = (
        Prompt(
            kind=provider_pb2.AUTH_KIND_API_KEY,
            secret="API key",
            hint="In Dialpad: Admin settings, Authentication, API keys.",
        ),
    )
    pushed_kinds = DialpadPush.kinds
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._memory = Memory()
        self.push = DialpadPush(self._api)

    def _api(self, call: Call) -> Api:
        return Api(call, self._memory)

    async def test_connection(self, call: Call) -> Account:
        """Who is signed in; a key of a whole company is nobody's."""
        api = self._api(call)
        try:
            user, _ = await api.me()
        except ProviderError as error:
            if error.reason != NO_USER:
                raise
            await api.page("conference/rooms")
            return Account()
        return Account(name=user.display_name or "", email=next(iter(user.emails or ()), ""))

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        return await rooms.list_calendars(self._api(call), request)

    async def get_calendar(
        self, call: Call, request: calendar_pb2.GetCalendarRequest
    ) -> calendar_pb2.GetCalendarResponse:
        return await rooms.get_calendar(self._api(call), request)

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
        return await event_writes.update_event(self._api(call), request)

    async def delete_event(
        self, call: Call, request: event_pb2.DeleteEventRequest
    ) -> event_pb2.DeleteEventResponse:
        return await event_writes.delete_event(self._api(call), request)

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        return await recordings.list_recordings(self._api(call), request)

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        return await recordings.get_recording(self._api(call), request)
