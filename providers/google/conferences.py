"""Calls of events: Google Meet that Google makes, and other products that add-ons attach.

developers.google.com/workspace/calendar/api/guides/create-events#conferencing. Google ignores
`conferenceData` in a body unless `conferenceDataVersion=1` is in the query (P55): it always is.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from providers.core.errors import ProviderError
from providers.google import tables
from providers.google.wire import ConferenceData, EntryPoint, Event
from ucal.v1 import types_pb2

KINDS = (types_pb2.CONFERENCE_KIND_GOOGLE_MEET,)
_MEET_LINK = re.compile(r"https://meet\.google\.com/([a-z]{3}-[a-z]{4}-[a-z]{3})/?")


def parse_conference(target: types_pb2.Conference, found: Event) -> None:
    """The call of `found`, which has one."""
    data = found.conferenceData
    if data is None:
        target.kind = types_pb2.CONFERENCE_KIND_GOOGLE_MEET
        target.state = types_pb2.CONFERENCE_STATE_READY
        target.join_url = found.hangoutLink
        return
    _parse_state(target, data)
    target.conference_id = data.conferenceId
    if data.notes:
        target.notes = data.notes
    for point in data.entryPoints:
        if point.entryPointType == "video":
            _parse_video(target, point)
        elif point.entryPointType == "phone":
            _parse_phone(target.phones.add(), point)
    if not target.join_url:
        target.join_url = found.hangoutLink
    _parse_kind(target, data)


def _parse_phone(target: types_pb2.ConferencePhone, point: EntryPoint) -> None:
    target.number = point.uri.removeprefix("tel:")
    target.country_code = point.regionCode
    target.pin = point.pin
    target.label = point.label


def _parse_state(target: types_pb2.Conference, data: ConferenceData) -> None:
    asked = data.createRequest
    if asked is not None and asked.status is not None and not data.entryPoints:
        target.state = tables.CONFERENCE_STATE.get(
            asked.status.statusCode, types_pb2.CONFERENCE_STATE_UNSPECIFIED
        )
    else:
        target.state = types_pb2.CONFERENCE_STATE_READY


def _parse_video(target: types_pb2.Conference, point: EntryPoint) -> None:
    target.join_url = point.uri
    if point.meetingCode:
        target.meeting_id = point.meetingCode
    if point.passcode or point.password:
        target.password = point.passcode or point.password
    if point.accessCode:
        target.participant_code = point.accessCode


def _parse_kind(target: types_pb2.Conference, data: ConferenceData) -> None:
    word = solution_type(data)
    kind = tables.CONFERENCE_KIND.get(word)
    if kind is None:
        host = urlsplit(target.join_url).hostname or ""
        kind = next(
            (k for name, k in tables.CONFERENCE_HOSTS if host == name or host.endswith(f".{name}")),
            types_pb2.CONFERENCE_KIND_OTHER,
        )
    target.kind = kind
    solution = data.conferenceSolution
    target.provider_kind = (solution.name if solution is not None else "") or word
    if kind == types_pb2.CONFERENCE_KIND_GOOGLE_MEET and not target.meeting_id:
        target.meeting_id = data.conferenceId


def solution_type(data: ConferenceData) -> str:
    """Google's word for the product: of the call that is there, else of the one asked for."""
    solution, asked = data.conferenceSolution, data.createRequest
    key = solution.key if solution is not None else None
    if key is None and asked is not None:
        key = asked.conferenceSolutionKey
    return key.type if key is not None else ""


def is_pending(found: Event) -> bool:
    """Whether a call was asked for, and Google is still making it."""
    data = found.conferenceData
    if data is None or data.entryPoints or data.createRequest is None:
        return False
    status = data.createRequest.status
    return status is not None and status.statusCode == "pending"


def is_meet(found: Event) -> bool:
    """Whether the event has a Meet call, made or in the making."""
    data = found.conferenceData
    return data is not None and solution_type(data) == tables.MEET


def dump_conference(conference: types_pb2.Conference, request_id: str) -> dict[str, Any] | None:
    """What asks for the call, or attaches it; None when nothing is asked for.

    Args:
        request_id: new for every wish: Google passes over one that it has seen.

    Raises:
        ProviderError: INVALID for a link that is none of Meet's, see `can_attach`.
    """
    if conference.join_url:
        found = _MEET_LINK.fullmatch(conference.join_url)
        if found is None:
            raise ProviderError.invalid("event.conference.join_url", _NOT_ATTACHED)
        return _attached(found[1])
    if conference.kind != types_pb2.CONFERENCE_KIND_GOOGLE_MEET:
        return None
    return {
        "createRequest": {
            "requestId": request_id,
            "conferenceSolutionKey": {"type": tables.MEET},
        }
    }


_NOT_ATTACHED = "only calls of Google Meet can be attached; other products need their own add-on"


def can_attach(conference: types_pb2.Conference) -> bool:
    """Whether Google keeps the link of a call made elsewhere: those of Meet only."""
    return not conference.join_url or _MEET_LINK.fullmatch(conference.join_url) is not None


def _attached(code: str) -> dict[str, Any]:
    link = f"https://meet.google.com/{code}"
    return {
        "conferenceId": code,
        "conferenceSolution": {"key": {"type": tables.MEET}},
        "entryPoints": [
            {"entryPointType": "video", "uri": link, "label": link.removeprefix("https://")}
        ],
    }
