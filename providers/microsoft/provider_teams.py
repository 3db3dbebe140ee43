"""Teams: which operation is carried out where. Nothing is decided here."""

import httpx

from providers.core.auth import Grant
from providers.core.call import Account, Call
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.core.wire import decode
from providers.microsoft import api, auth, bookings, errors, forms, push, recordings, webinars
from providers.microsoft import webinar_writes as writes
from providers.microsoft.features_teams import FEATURES, REASONS
from providers.microsoft.wire_teams import User
from ucal.v1 import link_pb2, provider_pb2, recording_pb2, types_pb2, webinar_pb2


class Teams(Provider):
    """Recordings, transcripts and webinars of Microsoft Teams, and Microsoft Bookings.

    National clouds are another `base_url`, `authorize_url` and `token_url`.

    Settings beside the usual ones, in `extra`:
        tenant: of the app, when only one organization may sign in; "organizations".

    Attributes:
        push: see `providers.core.push`.
    """

    name = "teams"
    display_name = "Microsoft Teams"
    api_version = "v1.0"
    documentation_url = "https://learn.microsoft.com/graph/api/resources/onlinemeeting"
    base_url = "https://graph.microsoft.com/v1.0"
    auth_kinds = (provider_pb2.AUTH_KIND_OAUTH, provider_pb2.AUTH_KIND_SERVICE_ACCOUNT)
    oauth = auth.oauth(
        "Calendars.Read",
        "OnlineMeetings.Read",
        "OnlineMeetingRecording.Read.All",
        "OnlineMeetingTranscript.Read.All",
        "VirtualEvent.ReadWrite",
        "Bookings.ReadWrite.All",
        tenant="organizations",
    )
    pushed_kinds = frozenset({types_pb2.RESOURCE_KIND_RECORDING})
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._lanes = api.Lanes()
        self.push = push.recordings_push(self._api)

    def auth(self, grant: Grant) -> httpx.Auth:
        """Tokens of a person, or of an application that acts for a mailbox."""
        return auth.GraphAuth(grant)

    def classify(self, reply: Reply) -> ProviderError:
        """As Graph's errors mean."""
        return errors.classify(reply)

    def _api(self, call: Call) -> api.Api:
        return api.api(call, self._lanes)

    async def test_connection(self, call: Call) -> Account:
        """Who has signed in, or whom the application acts for."""
        graph = self._api(call)
        reply = await graph.send(
            "GET", graph.me, params={"$select": "displayName,mail,userPrincipalName"}
        )
        found = decode(reply, User)
        return Account(found.displayName or "", found.mail or found.userPrincipalName or "")

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
        return await webinars.list_webinars(self._api(call), request)

    async def get_webinar(
        self, call: Call, request: webinar_pb2.GetWebinarRequest
    ) -> webinar_pb2.GetWebinarResponse:
        return await webinars.get_webinar(self._api(call), request)

    async def create_webinar(
        self, call: Call, request: webinar_pb2.CreateWebinarRequest
    ) -> webinar_pb2.CreateWebinarResponse:
        return await writes.create_webinar(self._api(call), request)

    async def update_webinar(
        self, call: Call, request: webinar_pb2.UpdateWebinarRequest
    ) -> webinar_pb2.UpdateWebinarResponse:
        return await writes.update_webinar(self._api(call), request)

    async def delete_webinar(
        self, call: Call, request: webinar_pb2.DeleteWebinarRequest
    ) -> webinar_pb2.DeleteWebinarResponse:
        return await writes.delete_webinar(self._api(call), request)

    async def list_webinar_registrants(
        self, call: Call, request: webinar_pb2.ListWebinarRegistrantsRequest
    ) -> webinar_pb2.ListWebinarRegistrantsResponse:
        return await forms.list_registrants(self._api(call), request)

    async def create_webinar_registrant(
        self, call: Call, request: webinar_pb2.CreateWebinarRegistrantRequest
    ) -> webinar_pb2.CreateWebinarRegistrantResponse:
        return await forms.create_registrant(self._api(call), request)

    async def update_webinar_registrant_status(
        self, call: Call, request: webinar_pb2.UpdateWebinarRegistrantStatusRequest
    ) -> webinar_pb2.UpdateWebinarRegistrantStatusResponse:
        return await forms.update_status(self._api(call), request)

    async def list_links(
        self, call: Call, request: link_pb2.ListLinksRequest
    ) -> link_pb2.ListLinksResponse:
        return await bookings.list_links(self._api(call), request)

    async def get_link(
        self, call: Call, request: link_pb2.GetLinkRequest
    ) -> link_pb2.GetLinkResponse:
        return await bookings.get_link(self._api(call), request)

    async def create_link(
        self, call: Call, request: link_pb2.CreateLinkRequest
    ) -> link_pb2.CreateLinkResponse:
        return await bookings.create_link(self._api(call), request)

    async def update_link(
        self, call: Call, request: link_pb2.UpdateLinkRequest
    ) -> link_pb2.UpdateLinkResponse:
        return await bookings.update_link(self._api(call), request)

    async def delete_link(
        self, call: Call, request: link_pb2.DeleteLinkRequest
    ) -> link_pb2.DeleteLinkResponse:
        return await bookings.delete_link(self._api(call), request)
