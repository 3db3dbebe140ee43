"""What can only be read, or hardly needs words: calendars, rooms, locations, recordings."""

from providers.core.errors import ProviderError
from providers.sandbox import raw
from providers.sandbox.occurrences import bounds
from providers.sandbox.store import cut, unframe
from providers.sandbox.world import World
from ucal.v1 import calendar_pb2, location_pb2, recording_pb2, room_pb2


def list_calendars(
    world: World, request: calendar_pb2.ListCalendarsRequest
) -> calendar_pb2.ListCalendarsResponse:
    """ListCalendars."""
    frames, following = world.calendars.page(request.page_token, request.page_size)
    answer = calendar_pb2.ListCalendarsResponse.FromString(b"".join(frames))
    answer.next_page_token = following
    if request.include_raw:
        raw.fill(*answer.calendars)
    return answer


def get_calendar(
    world: World, request: calendar_pb2.GetCalendarRequest
) -> calendar_pb2.GetCalendarResponse:
    """GetCalendar."""
    record = world.calendars.record(world.calendar_id(request.id))
    answer = calendar_pb2.GetCalendarResponse.FromString(record.framed)
    if request.include_raw:
        raw.fill(answer.calendar)
    return answer


def list_rooms(world: World, request: room_pb2.ListRoomsRequest) -> room_pb2.ListRoomsResponse:
    """ListRooms."""
    if request.location_id:
        world.locations.record(request.location_id)
    wanted = request.location_id
    frames, following = world.rooms.page(
        request.page_token,
        request.page_size,
        (lambda room: room.location_id == wanted) if wanted else None,
    )
    answer = room_pb2.ListRoomsResponse.FromString(b"".join(frames))
    answer.next_page_token = following
    if request.include_raw:
        raw.fill(*answer.rooms)
    return answer


def get_room(world: World, request: room_pb2.GetRoomRequest) -> room_pb2.GetRoomResponse:
    """GetRoom."""
    answer = room_pb2.GetRoomResponse.FromString(world.rooms.record(request.id).framed)
    if request.include_raw:
        raw.fill(answer.room)
    return answer


def list_locations(
    world: World, request: location_pb2.ListLocationsRequest
) -> location_pb2.ListLocationsResponse:
    """ListLocations."""
    frames, following = world.locations.page(request.page_token, request.page_size)
    answer = location_pb2.ListLocationsResponse.FromString(b"".join(frames))
    answer.next_page_token = following
    if request.include_raw:
        raw.fill(*answer.locations)
    return answer


def get_location(
    world: World, request: location_pb2.GetLocationRequest
) -> location_pb2.GetLocationResponse:
    """GetLocation."""
    answer = location_pb2.GetLocationResponse.FromString(world.locations.record(request.id).framed)
    if request.include_raw:
        raw.fill(answer.location)
    return answer


def list_recordings(
    world: World, request: recording_pb2.ListRecordingsRequest
) -> recording_pb2.ListRecordingsResponse:
    """ListRecordings: newest first."""
    low, high = bounds(request.window)
    event_id = request.event_id

    def keep(recording: recording_pb2.Recording) -> bool:
        return (
            (not event_id or recording.event_id == event_id)
            and recording.start_at.ToMicroseconds() < high
            and recording.end_at.ToMicroseconds() > low
        )

    frames, following = world.recordings.page(request.page_token, request.page_size, keep)
    answer = recording_pb2.ListRecordingsResponse.FromString(b"".join(frames))
    answer.next_page_token = following
    if request.include_raw:
        raw.fill(*answer.recordings)
    return answer


def get_recording(
    world: World, request: recording_pb2.GetRecordingRequest
) -> recording_pb2.GetRecordingResponse:
    """GetRecording."""
    record = world.recordings.record(request.id)
    answer = recording_pb2.GetRecordingResponse.FromString(record.framed)
    if request.include_raw:
        raw.fill(answer.recording)
    return answer


def list_transcript_segments(
    world: World, request: recording_pb2.ListTranscriptSegmentsRequest
) -> recording_pb2.ListTranscriptSegmentsResponse:
    """ListTranscriptSegments.

    Raises:
        ProviderError: NOT_FOUND also for a recording that has no transcript, or none yet.
    """
    recording = unframe(
        world.recordings.record(request.recording_id).framed, recording_pb2.Recording
    )
    if not recording.has_transcript:
        raise ProviderError.not_found("transcript", request.recording_id)
    segments = world.transcripts[request.recording_id]
    rows = [(place, "") for place in range(len(segments))]
    chosen, following = cut(rows, request.page_token, request.page_size)
    answer = recording_pb2.ListTranscriptSegmentsResponse.FromString(
        b"".join(segments[place] for place, _ in chosen)
    )
    answer.next_page_token = following
    return answer
