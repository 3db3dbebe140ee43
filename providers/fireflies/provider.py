"""Fireflies.ai's GraphQL API: transcribed meetings as Event and Recording, read-only."""

from collections.abc import Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core import times
from providers.core.call import Account, Call
from providers.core.cursors import read_cursor, write_cursor
from providers.core.errors import ProviderError
from providers.core.http import Reply
from providers.core.operations import Operation, ResourceKind
from providers.core.prompts import Prompt
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from providers.fireflies import api, errors, mapping, pages
from providers.fireflies.push import FirefliesPush
from providers.fireflies.wire import Transcript, User
from ucal.v1 import event_pb2, provider_pb2, recording_pb2, types_pb2

MAX_SEGMENTS = 1000
# The Pro plan has 500 requests a day.
_POLL = Duration(seconds=600)
# Fireflies filters by start: what began so long before a window may reach into it.
_LONGEST = timedelta(days=1)
_READ_ONLY = (
    "Fireflies records meetings and plans none; its mutations would destroy or rename recordings"
)
_NOTHING_LIKE_IT = "Fireflies has no such resource"
_WATCHED = "the service lists again and compares; Fireflies tells of no edits and no deletions"

FEATURES: Mapping[Operation, provider_pb2.Capability] = {
    ops.LIST_EVENTS: provider_pb2.Capability(
        max_page_size=pages.MAX_PAGE,
        readable_fields=mapping.READABLE_EVENT,
        query=True,
        notes="Meetings that were or are being transcribed, newest first; no future ones. "
        "A query looks in titles and in what was said, and leaves out meetings that still go on.",
    ),
    ops.GET_EVENT: provider_pb2.Capability(readable_fields=mapping.READABLE_EVENT),
    ops.WATCH_EVENTS: provider_pb2.Capability(min_poll_interval=_POLL, reason=_WATCHED),
    ops.LIST_RECORDINGS: provider_pb2.Capability(
        max_page_size=pages.MAX_PAGE,
        readable_fields=mapping.READABLE_RECORDING,
        notes="Newest first. The URLs of sound and picture are signed, and end.",
    ),
    ops.GET_RECORDING: provider_pb2.Capability(
        readable_fields=mapping.READABLE_RECORDING,
        notes="action_items is one text, as Fireflies has it.",
    ),
    ops.LIST_TRANSCRIPT_SEGMENTS: provider_pb2.Capability(max_page_size=MAX_SEGMENTS),
    ops.WATCH_RECORDINGS: provider_pb2.Capability(min_poll_interval=_POLL, reason=_WATCHED),
}
REASONS: Mapping[Operation | ResourceKind, str] = {
    ops.LIST_EVENT_INSTANCES: "Fireflies knows no series",
    ops.CREATE_EVENT: _READ_ONLY,
    ops.UPDATE_EVENT: _READ_ONLY,
    ops.DELETE_EVENT: _READ_ONLY,
    ops.RESPOND_TO_EVENT: _READ_ONLY,
    types_pb2.RESOURCE_KIND_CALENDAR: "Fireflies joins calendars but does not expose them",
    types_pb2.RESOURCE_KIND_BUSY: _NOTHING_LIKE_IT,
    types_pb2.RESOURCE_KIND_LINK: _NOTHING_LIKE_IT,
    types_pb2.RESOURCE_KIND_WEBINAR: _NOTHING_LIKE_IT,
    types_pb2.RESOURCE_KIND_ROOM: _NOTHING_LIKE_IT,
    types_pb2.RESOURCE_KIND_LOCATION: _NOTHING_LIKE_IT,
}


class Fireflies(Provider):
    """Fireflies.ai. No settings of its own: `base_url` is its only host.

    Attributes:
        push: see `providers.core.push`. `settings.webhook_secret` is the dashboard's.
    """

    name = "fireflies"
    display_name = "Fireflies.ai"
    api_version = "GraphQL"
    documentation_url = "https://docs.fireflies.ai"
    base_url = "https://api.fireflies.ai"
    auth_kinds = (provider_pb2.AUTH_KIND_API_KEY,)
    prompts = (
        Prompt(
            kind=provider_pb2.AUTH_KIND_API_KEY,
            secret="API key",
            hint="In Fireflies: Integrations, Fireflies API.",
        ),
    )
    features = FEATURES
    reasons = REASONS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.push = FirefliesPush(settings.webhook_secret)

    def classify(self, reply: Reply) -> ProviderError:
        """By the code in the body: a bad key comes as HTTP 500."""
        return errors.classify(reply)

    async def test_connection(self, call: Call) -> Account:
        """Asks user, the owner of the key."""
        data, reply = await api.ask(call, api.GET_USER, {}, "user")
        user = api.part(data, reply, "user", User)
        return Account(user.name or "", user.email or "")

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        """Asks transcripts, and active_meetings beside its first page."""
        _no_calendar(request.calendar_id)
        filters = _filters(request.window)
        if request.query:
            filters |= {"keyword": request.query, "scope": "all"}
        found, following = await pages.events(
            call,
            request.page_token,
            request.page_size,
            filters,
            lambda meeting: mapping.within(meeting, request.window),
        )
        answer = event_pb2.ListEventsResponse(next_page_token=following)
        for one in found:
            _fill_event(answer.events.add(), one, call, raw=request.include_raw)
        return answer

    async def get_event(
        self, call: Call, request: event_pb2.GetEventRequest
    ) -> event_pb2.GetEventResponse:
        """Asks transcript; active_meetings when it is none yet."""
        _no_calendar(request.calendar_id)
        found = await api.event(call, request.id)
        answer = event_pb2.GetEventResponse()
        _fill_event(answer.event, found, call, raw=request.include_raw)
        return answer

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        """Asks transcripts; with event_id, query transcript."""
        answer = recording_pb2.ListRecordingsResponse()
        if request.event_id:
            one = await api.transcript(
                call, api.GET_RECORDING, request.event_id, Transcript, kind="event"
            )
            if mapping.within(one.it, request.window):
                _fill_recording(answer.recordings.add(), one, call, raw=request.include_raw)
            return answer
        found, answer.next_page_token = await pages.recordings(
            call,
            request.page_token,
            request.page_size,
            _filters(request.window),
            lambda meeting: mapping.within(meeting, request.window),
        )
        for each in found:
            _fill_recording(answer.recordings.add(), each, call, raw=request.include_raw)
        return answer

    async def get_recording(
        self, call: Call, request: recording_pb2.GetRecordingRequest
    ) -> recording_pb2.GetRecordingResponse:
        """Asks transcript."""
        found = await api.transcript(call, api.GET_RECORDING, request.id, Transcript)
        answer = recording_pb2.GetRecordingResponse()
        _fill_recording(answer.recording, found, call, raw=request.include_raw)
        return answer

    async def list_transcript_segments(
        self, call: Call, request: recording_pb2.ListTranscriptSegmentsRequest
    ) -> recording_pb2.ListTranscriptSegmentsResponse:
        """Asks transcript { sentences }, which come whole."""
        found = await api.words(call, request.recording_id)
        segments = mapping.utterances(found.sentences or (), found.speakers or ())
        begin = read_cursor(request.page_token, pages.Cursor).skip
        end = begin + (request.page_size or MAX_SEGMENTS)
        answer = recording_pb2.ListTranscriptSegmentsResponse(segments=segments[begin:end])
        if end < len(segments):
            answer.next_page_token = write_cursor(pages.Cursor(end))
        return answer


def _filters(window: types_pb2.TimeRange) -> dict[str, str | int]:
    """The window as Fireflies can be asked for it: by start."""
    low, high = times.bounds(window)
    found: dict[str, str | int] = {}
    if low is not None:
        found["fromDate"] = times.format_rfc3339(max(low - _LONGEST, times.EPOCH))
    if high is not None:
        found["toDate"] = times.format_rfc3339(high)
    return found


def _fill_event(target: event_pb2.Event, found: api.Meeting, call: Call, *, raw: bool) -> None:
    mapping.parse_event(target, found.it, call.connection_id)
    if raw:
        found.fill_raw(target.raw, found.it.id)


def _fill_recording(
    target: recording_pb2.Recording, found: api.Found[Transcript], call: Call, *, raw: bool
) -> None:
    mapping.parse_recording(target, found.it, call.connection_id)
    if raw:
        found.fill_raw(target.raw, found.it.id)


def _no_calendar(calendar_id: str) -> None:
    if calendar_id not in ("", "primary"):
        raise ProviderError.not_found("calendar", calendar_id)
