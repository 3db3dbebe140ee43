"""Schedules of Zoom Scheduler as links of the contract, and back. Pure mapping.

developers.zoom.us/docs/api/scheduler. Lengths are minutes there. Prices are not told.
"""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from providers.core import times
from providers.core.errors import ProviderError
from providers.zoom import secrets, series
from providers.zoom.wire import Buffer, Schedule
from ucal.v1 import link_pb2, types_pb2

ADD_ONS: Mapping[str, types_pb2.ConferenceKind.ValueType] = {
    "zoomMeeting": types_pb2.CONFERENCE_KIND_ZOOM,
    "zoomPhone": types_pb2.CONFERENCE_KIND_PHONE,
}
CANCELLED = "cancelled"
WRITABLE = (
    "name",
    "description",
    "duration",
    "is_active",
    "slug",
    "color",
    "capacity",
    "location",
    "buffer_before",
    "buffer_after",
    "minimum_notice",
)
READABLE = (*WRITABLE, "updated_at", "url", "owner", "conferences", "questions", "raw")
_MINUTE = timedelta(minutes=1)
# Field of the contract: field of Zoom's, lowest and highest minutes.
_LENGTHS: Mapping[str, tuple[str, int, int]] = {
    "duration": ("duration", 15, 1440),
    "minimum_notice": ("cushion", 0, 14340),
    "buffer_before": ("before", 0, 240),
    "buffer_after": ("after", 0, 240),
}
# Field of the contract: field of Zoom's, most characters.
_TEXTS: Mapping[str, tuple[str, int]] = {
    "name": ("summary", 256),
    "description": ("description", 8192),
    "location": ("location", 1024),
    "slug": ("slug", 256),
    "color": ("color", 7),
}
_MAX_CAPACITY = 200


def parse_link(
    target: link_pb2.Link,
    found: Schedule,
    connection_id: str,
    *,
    raw: bytes | msgspec.Raw | None = None,
) -> None:
    """Write a schedule into `target`."""
    target.connection_id = connection_id
    target.id = found.schedule_id
    target.url = found.scheduling_url or ""
    target.name = found.summary or ""
    target.description = found.description or ""
    target.location = found.location or ""
    target.slug = found.slug or ""
    target.color = (found.color or "").upper()
    target.is_active = found.active is not False and found.status != CANCELLED
    target.capacity = series.whole(found.capacity)
    if found.duration:
        target.duration.FromTimedelta(series.minutes(found.duration) * _MINUTE)
    _parse_pauses(target, found)
    updated = series.instant(found.updated)
    if updated is not None:
        times.timestamp(target.updated_at, updated)
    if found.organizer:
        target.owner.email = found.organizer.email or ""
        target.owner.name = found.organizer.display_name or ""
    if found.add_on_type and found.add_on_type in ADD_ONS:
        call = target.conferences.add(kind=ADD_ONS[found.add_on_type])
        call.provider_kind = found.add_on_type
    for question in found.custom_fields or ():
        target.questions.add(
            name=question.custom_field_id or question.name or "",
            label=question.name or "",
            provider_kind=question.format or "",
            is_required=bool(question.required),
            choices=question.answer_choices or (),
        )
    if raw is not None:
        secrets.fill(target.raw, raw, found.schedule_id)


def _parse_pauses(target: link_pb2.Link, found: Schedule) -> None:
    buffer = found.buffer or Buffer()
    for pause, value in (
        (target.buffer_before, buffer.before),
        (target.buffer_after, buffer.after),
        (target.minimum_notice, found.cushion),
    ):
        if value:
            pause.FromTimedelta(series.minutes(value) * _MINUTE)


def dump_link(link: link_pb2.Link, roots: frozenset[str]) -> dict[str, object]:
    """Body for the fields in `roots`.

    Raises:
        ProviderError: INVALID, for what Zoom does not take.
    """
    body: dict[str, object] = {}
    buffer: dict[str, int] = {}
    for name, (theirs, low, high) in _LENGTHS.items():
        if name in roots:
            minutes = _minutes(link, name, low, high)
            (buffer if name.startswith("buffer") else body)[theirs] = minutes
    if buffer:
        body["buffer"] = buffer
    for name, (theirs, most) in _TEXTS.items():
        if name in roots:
            text: str = getattr(link, name)
            if len(text) > most:
                raise ProviderError.invalid(f"link.{name}", f"Zoom takes {most} characters at most")
            body[theirs] = text
    if "is_active" in roots:
        body["active"] = link.is_active
    if "capacity" in roots:
        if not 1 <= link.capacity <= _MAX_CAPACITY:
            raise ProviderError.invalid("link.capacity", f"Zoom takes 1 to {_MAX_CAPACITY} places")
        body["capacity"] = link.capacity
    return body


def _minutes(link: link_pb2.Link, name: str, low: int, high: int) -> int:
    length = getattr(link, name).ToTimedelta()
    if length % _MINUTE or not low <= length // _MINUTE <= high:
        raise ProviderError.invalid(f"link.{name}", f"Zoom takes {low} to {high} whole minutes")
    return int(length // _MINUTE)


def merged_buffer(body: dict[str, object], found: Schedule) -> None:
    """Zoom replaces `buffer` as a whole: put the side in that is to stay."""
    buffer = body.get("buffer")
    if isinstance(buffer, dict) and found.buffer:
        buffer.setdefault("before", series.minutes(found.buffer.before))
        buffer.setdefault("after", series.minutes(found.buffer.after))
