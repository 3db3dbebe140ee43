"""What happens by itself, so that a watch shows life.

There is no background task: whoever visits a world finds done what has become due.
"""

from datetime import timedelta

from providers.core import times
from providers.sandbox.clock import MICRO
from providers.sandbox.seed import fillers, moving
from providers.sandbox.seed.drafts import ZONE, monday_of
from providers.sandbox.world import World
from ucal.v1 import recording_pb2

DEFAULT_PERIOD = timedelta(seconds=30)
PROCESSING_FOR = timedelta(seconds=60)


def period(text: str) -> timedelta | None:
    """The setting `life_seconds`; None for 0: nothing happens.

    Raises:
        ValueError: it is none.
    """
    if not text:
        return DEFAULT_PERIOD
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise ValueError("life_seconds of the sandbox must be a number from 0 to 999999")
    return timedelta(seconds=int(text)) if int(text) else None


def begin(world: World, every: timedelta | None) -> None:
    """Set everything going."""
    if every is None:
        return
    _move_later(world, every)
    world.at(world.now + PROCESSING_FOR, lambda: _finish_recordings(world))
    _turn_page_later(world)


def _move_later(world: World, every: timedelta) -> None:
    steps = (world.now - world.born) // every + 1

    def move() -> None:
        entry = world.agendas[world.primary_id].entries.get(moving.ID)
        if entry is None:
            return  # deleted, or moved elsewhere: let it rest
        event = entry.event()
        length = times.instant(event.end_at) - times.instant(event.start_at)
        now_at = (world.now - world.born) // every
        start = moving.start_at(world.now, now_at)
        times.set_instant(event.start_at, start, ZONE)
        times.set_instant(event.end_at, start + length, ZONE)
        event.location = moving.PLACES[now_at % len(moving.PLACES)]
        event.sequence += 1
        world.save_event(event)
        _move_later(world, every)

    world.at(world.born + steps * every, move)


def _finish_recordings(world: World) -> None:
    """Recordings that were being processed become ready, with their transcripts (P82)."""
    for recording in list(world.recordings):
        if recording.state != recording_pb2.MEDIA_STATE_PROCESSING:
            continue
        recording.state = recording_pb2.MEDIA_STATE_READY
        for media in recording.media:
            media.state = recording_pb2.MEDIA_STATE_READY
        recording.has_transcript = recording.id in world.transcripts
        world.save(world.recordings, recording)


def _turn_page_later(world: World) -> None:
    """On Monday another week far ahead gets its meetings, and a week long ago loses them."""
    monday = monday_of(world.now + timedelta(days=7))
    world.at(fillers.begin_of(monday) + MICRO, lambda: _turn_page(world))


def _turn_page(world: World) -> None:
    fillers.plant_week(world, monday_of(world.now) + fillers.AHEAD)
    fillers.clear_before(world, monday_of(world.now) - fillers.BEHIND)
    _turn_page_later(world)
