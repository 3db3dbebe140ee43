"""Fathom's external API v1: recorded meetings as Event and Recording, read-only."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.auth import ApiKeyHeader, OAuthConfig
from providers.core.call import Account, Call
from providers.core.cursors import read_cursor, write_cursor
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, error_for
from providers.core.operations import Operation, ResourceKind
from providers.core.prompts import Prompt
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.core.wire import decode
from providers.fathom import mapping, meetings
from providers.fathom.push import FathomPush
from providers.fathom.wire import Summary, Transcript
from ucal.v1 import event_pb2, provider_pb2, recording_pb2, types_pb2, watch_pb2

MAX_SEGMENTS = 1000
_SCOPES = ("public_api",)
_SOME_MINUTES = Duration(seconds=300)
_READ_ONLY = "the Fathom API is read-only"
_NO_SINGLE = "Fathom reads no single meeting; the service lists the second in which it was made"
_NOTHING_LIKE_IT = "Fathom has no such resource"
_TOLD = (
    "Fathom tells when a meeting is ready, and nothing later: what is renamed or deleted is seen "
    "at the next look."
)
# Seconds until Fathom's window of a minute begins anew, when it does not say.
_WINDOW_SECONDS = 60.0

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_EVENTS: provider_pb2.Capability(
        max_page_size=meetings.PAGE,
        readable_fields=mapping.READABLE_EVENT,
        oauth_scopes=_SCOPES,
        notes="Meetings that were recorded, newest first; the organizer is who recorded.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        readable_fields=mapping.READABLE_EVENT,
        oauth_scopes=_SCOPES,
    ),
    ops.WATCH_EVENTS: provider_pb2.Capability(min_poll_interval=_SOME_MINUTES, notes=_TOLD),
    ops.LIST_RECORDINGS: provider_pb2.Capability(
        max_page_size=meetings.PAGE,
        readable_fields=[
            name for name in mapping.READABLE_RECORDING if name not in {"summary", "action_items"}
        ],
        oauth_scopes=_SCOPES,
        notes="Newest first. Summary and action items come with GetRecording.",
    ),
    ops.GET_RECORDING: provider_pb2.Capability(
        support=provider_pb2.SUPPORT_EMULATED,
        readable_fields=mapping.READABLE_RECORDING,
        oauth_scopes=_SCOPES,
        notes="Action items come with an API key only: Fathom refuses them to OAuth apps.",
    ),
    ops.LIST_TRANSCRIPT_SEGMENTS: provider_pb2.Capability(
        max_page_size=MAX_SEGMENTS, oauth_scopes=_SCOPES
    ),
    ops.WATCH_RECORDINGS: provider_pb2.Capability(
        min_poll_interval=_SOME_MINUTES,
        deletions=watch_pb2.DELETION_SUPPORT_RECONCILED,
        notes=_TOLD,
    ),
}
REASONS: Mapping[Operation | ResourceKind, str] = {
    ops.GET_EVENT: _NO_SINGLE,
    ops.GET_RECORDING: _NO_SINGLE,
    ops.LIST_EVENT_INSTANCES: "Fathom knows no series",
    ops.CREATE_EVENT: _READ_ONLY,
    ops.UPDATE_EVENT: _READ_ONLY,
    ops.DELETE_EVENT: _READ_ONLY,
    ops.RESPOND_TO_EVENT: _READ_ONLY,
    types_pb2.RESOURCE_KIND_CALENDAR: "Fathom records meetings and has no calendars",
    types_pb2.RESOURCE_KIND_BUSY: _NOTHING_LIKE_IT,
    types_pb2.RESOURCE_KIND_LINK: _NOTHING_LIKE_IT,
    types_pb2.RESOURCE_KIND_WEBINAR: _NOTHING_LIKE_IT,
    types_pb2.RESOURCE_KIND_ROOM: _NOTHING_LIKE_IT,
    types_pb2.RESOURCE_KIND_LOCATION: _NOTHING_LIKE_IT,
}


class Fathom(Provider):
    """Fathom. No settings of its own: `base_url` and `token_url` are all its hosts.

    Attributes:
        push: see `providers.core.push`. `settings.webhook_secret` is that of a webhook that was
            made by hand.
    """

    name = "fathom"
    display_name = "Fathom"
    api_version = "v1"
    documentation_url = "https://developers.fathom.ai"
    base_url = "https://api.fathom.ai/external/v1"
    auth_kinds = (provider_pb2.AUTH_KIND_API_KEY, provider_pb2.AUTH_KIND_OAUTH)
    api_key = ApiKeyHeader("X-Api-Key", "")
    prompts = (
        Prompt(
            kind=provider_pb2.AUTH_KIND_API_KEY,
            secret="API key",
            hint="In Fathom: User Settings, API Access, Generate API Key.",
        ),
    )
    oauth = OAuthConfig(
        authorize_url="https://fathom.video/external/v1/oauth2/authorize",
        token_url="https://fathom.video/external/v1/oauth2/token",
        scopes=_SCOPES,
        pkce=False,
        rotates=True,
    )
    pushed_kinds = FathomPush.kinds
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.push = FathomPush(settings.webhook_secret)

    def classify(self, reply: Reply) -> ProviderError:
        """By status; a 429 tells its wait in RateLimit-Reset."""
        error = error_for(reply)
        if reply.status == 429 and error.retry_after is None:
            text = reply.headers.get("ratelimit-reset", "")
            known = text.isascii() and text.isdigit() and len(text) < 6
            error.retry_after = float(text) if known else _WINDOW_SECONDS
        return error

    async def test_connection(self, call: Call) -> Account:
        """Fathom does not tell whose key it is."""
        await meetings.page(call, {}, "")
        return Account()

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        """GET /meetings."""
        _no_calendar(request.calendar_id)
        found, following = await meetings.listed(
            call,
            request.page_token,
            request.page_size,
            meetings.filters(request.window),
            lambda meeting: meetings.within(meeting, request.window, "event"),
        )
        answer = event_pb2.ListEventsResponse(next_page_token=following)
        for one in found:
            event = answer.events.add()
            mapping.parse_event(event, one.meeting, call.connection_id)
            if request.include_raw:
                one.fill_raw(event.raw)
        return answer

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        """GET /meetings, of the second in which it was made."""
        _no_calendar(request.calendar_id)
        own = mapping.parse_id(request.id, "event")
        found = await meetings.one(call, own, "event", {})
        answer = event_pb2.GetEventResponse()
        mapping.parse_event(answer.event, found.meeting, call.connection_id)
        if request.include_raw:
            found.fill_raw(answer.event.raw)
        return answer

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        """GET /meetings; with event_id, the recording of that meeting alone."""
        answer = recording_pb2.ListRecordingsResponse()
        if request.event_id:
            own = mapping.parse_id(request.event_id, "event")
            found = [await meetings.one(call, own, "event", {})]
            found = [
                one for one in found if meetings.within(one.meeting, request.window, "recording")
            ]
        else:
            found, answer.next_page_token = await meetings.listed(
                call,
                request.page_token,
                request.page_size,
                meetings.filters(request.window),
                lambda meeting: meetings.within(meeting, request.window, "recording"),
            )
        for one in found:
            recording = answer.recordings.add()
            mapping.parse_recording(recording, one.meeting, call.connection_id, call.http.base_url)
            if request.include_raw:
                one.fill_raw(recording.raw)
        return answer

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        """GET /meetings, of the second in which it was made, and its summary."""
        own = mapping.parse_id(request.id, "recording")
        found = await _with_action_items(call, own)
        answer = recording_pb2.GetRecordingResponse()
        recording = answer.recording
        mapping.parse_recording(recording, found.meeting, call.connection_id, call.http.base_url)
        reply = await call.http.send("GET", f"recordings/{own.recording}/summary", expect=(404,))
        if reply.status != 404:
            summary = decode(reply, Summary).summary
            recording.summary = (summary.markdown_formatted or "") if summary else ""
        if request.include_raw:
            found.fill_raw(recording.raw)
        return answer

    async def list_transcript_segments(
        self, call: Call, request: recording_pb2.ListTranscriptSegmentsRequest
    ) -> recording_pb2.ListTranscriptSegmentsResponse:
        """GET /recordings/{recording_id}/transcript, which comes whole."""
        own = mapping.parse_id(request.recording_id, "recording")
        try:
            reply = await call.http.send("GET", f"recordings/{own.recording}/transcript")
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND:
                raise ProviderError.not_found("recording", request.recording_id) from None
            raise
        items = decode(reply, Transcript).transcript
        begin = read_cursor(request.page_token, meetings.Cursor).skip
        end = begin + (request.page_size or MAX_SEGMENTS)
        answer = recording_pb2.ListTranscriptSegmentsResponse()
        starts: list[timedelta | None] = [mapping.offset(item.timestamp) for item in items]
        ends = [following for _, following in pairwise([*starts, None])]
        for item, until in zip(items[begin:end], ends[begin:end], strict=True):
            mapping.parse_segment(answer.segments.add(), item, until)
        if end < len(items):
            answer.next_page_token = write_cursor(meetings.Cursor(skip=end))
        return answer


async def _with_action_items(call: Call, own: mapping.Id) -> meetings.Found:
    """The meeting with its action items; without them where Fathom refuses them (OAuth apps)."""
    try:
        return await meetings.one(call, own, "recording", {"include_action_items": "true"})
    except ProviderError as error:
        if error.kind is not Kind.INVALID:
            raise
    return await meetings.one(call, own, "recording", {})


def _no_calendar(calendar_id: str) -> None:
    if calendar_id not in ("", "primary"):
        raise ProviderError.not_found("calendar", calendar_id)
