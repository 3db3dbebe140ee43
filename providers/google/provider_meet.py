"""Google Meet: which operation is carried out where. Nothing is decided here."""

from providers.core.call import Account, Call
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.google import errors, scopes
from providers.google.api import Api, api, pace_of
from providers.google.features_meet import FEATURES, REASONS
from providers.google.meet_push import EVENTS_URL, USERINFO_URL, MeetPush
from providers.google.meet_records import Meet
from providers.google.provider_calendar import GoogleCalendar
from ucal.v1 import provider_pb2, recording_pb2

_DRIVE = "https://www.googleapis.com/drive/v3"


class GoogleMeet(Provider):
    """Google Meet REST API v2, with the primary calendar for links to events.

    Settings beside the usual ones, in `extra`:
        calendar_url: root of the Calendar API, "https://www.googleapis.com/calendar/v3".
        drive_url: root of the Drive API in links to files, "https://www.googleapis.com/drive/v3".
        workspace_events_url: root of the Workspace Events API, see `meet_push`.
        userinfo_url: root of Google's userinfo, "https://www.googleapis.com".
        pubsub_topic: "projects/…/topics/…" that Google publishes to, see `meet_push`.
            `webhook_secret` is the token in the address that the topic is pushed to.
        requests_per_minute: what one connection may ask for in a minute, "600"; "0": no limit.
    """

    name = "google_meet"
    display_name = "Google Meet"
    api_version = "v2"
    documentation_url = "https://developers.google.com/workspace/meet/api/reference/rest/v2"
    base_url = "https://meet.googleapis.com/v2"
    allowed_hosts = ("www.googleapis.com", "workspaceevents.googleapis.com")
    auth_kinds = (provider_pb2.AUTH_KIND_OAUTH, provider_pb2.AUTH_KIND_SERVICE_ACCOUNT)
    oauth = scopes.oauth(
        scopes.scope("meetings.space.readonly"), scopes.scope("calendar.events.readonly")
    )
    pushed_kinds = MeetPush.kinds
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._pace = pace_of(settings)
        self.push = MeetPush(
            lambda call: self._at(call, "workspace_events_url", EVENTS_URL),
            lambda call: self._at(call, "userinfo_url", USERINFO_URL),
            settings.extra.get("pubsub_topic", ""),
            settings.webhook_secret,
        )

    def classify(self, reply: Reply) -> ProviderError:
        """As Google's error guide has it."""
        return errors.classify(reply)

    def _at(self, call: Call, setting: str, usual: str) -> Api:
        return api(call, self._pace).at(self.settings.extra.get(setting) or usual)

    def _meet(self, call: Call) -> Meet:
        calendar = self._at(call, "calendar_url", GoogleCalendar.base_url)
        drive_url = self.settings.extra.get("drive_url") or _DRIVE
        return Meet(api(call, self._pace), calendar, drive_url.rstrip("/"))

    async def test_connection(self, call: Call) -> Account:
        """Meet does not tell who the account is."""
        await api(call, self._pace).send("GET", "conferenceRecords", params={"pageSize": 1})
        return Account()

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        return await self._meet(call).list_recordings(call, request)

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        return await self._meet(call).get_recording(call, request)

    async def list_transcript_segments(
        self, call: Call, request: recording_pb2.ListTranscriptSegmentsRequest
    ) -> recording_pb2.ListTranscriptSegmentsResponse:
        return await self._meet(call).list_transcript_segments(call, request)
