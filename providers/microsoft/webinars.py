"""Webinars of Teams (learn.microsoft.com/graph/api/resources/virtualeventwebinar).

A webinar is drafted, then published; what belongs to it (presenters, sessions, the form) is read
and written apart. Those that were canceled can be read and are not listed.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.core import times, timezones
from providers.core.errors import Kind, ProviderError
from providers.core.http import Reply, quote
from providers.core.raw import fill_raw
from providers.core.wire import decode
from providers.microsoft import errors, event_times, forms, tables
from providers.microsoft.api import Api, malformed
from providers.microsoft.wire import RawPage
from providers.microsoft.wire_teams import (
    Presenter,
    Presenters,
    Questions,
    RegistrationConfiguration,
    Sessions,
    Webinar,
)
from ucal.v1 import event_pb2, types_pb2, webinar_pb2

ROOT = "solutions/virtualEvents/webinars"
EVENTS = "solutions/virtualEvents/events"
MAX_PAGE = 20
_PLAIN = ("subject", "description", "start_at", "end_at", "is_registration_required")
WRITABLE = (*_PLAIN, "panelists", "capacity", "registration_fields", "is_published")
READABLE = (
    *WRITABLE,
    "status",
    "join_url",
    "has_recording",
    "registration_url",
    "approval_mode",
    "organizer",
    "raw",
)
_CANCELED = "canceled"
# What is read apart, and what it tells.
_PARTS = {
    "presenters": ("panelists",),
    "sessions": ("join_url", "has_recording"),
    "registrationConfiguration": ("capacity", "registration_url", "approval_mode"),
    "registrationConfiguration/questions": ("registration_fields",),
}


def path_of(webinar_id: str) -> str:
    """`solutions/virtualEvents/webinars/<id>`. Ids hold "@"."""
    return f"{ROOT}/{quote(webinar_id)}"


async def list_webinars(
    api: Api, request: webinar_pb2.ListWebinarsRequest
) -> webinar_pb2.ListWebinarsResponse:
    """ListWebinars: those that the account organizes. A page may be short."""
    if request.page_token:
        reply = await api.send("GET", request.page_token)
    else:
        reply = await api.send(
            "GET", _list_path(api), params={"$top": request.page_size or MAX_PAGE}
        )
    page = decode(reply, RawPage)
    pairs = [(_convert(reply, item), item) for item in page.value]
    answer = webinar_pb2.ListWebinarsResponse()
    wanted = [pair for pair in pairs if _is_wanted(pair[0], request.window)]
    paths = parts_of(request.read_mask.paths)
    replies = await api.read_many([f"{path_of(w.id)}/{part}" for w, _ in wanted for part in paths])
    for number, (found, item) in enumerate(wanted):
        target = answer.webinars.add()
        parse_webinar(target, found, api, item if request.include_raw else None)
        own = replies[number * len(paths) : (number + 1) * len(paths)]
        for part, each in zip(paths, own, strict=True):
            _parse_part(target, part, each)
    if page.nextLink:
        answer.next_page_token = api.relative(page.nextLink, reply)
    return answer


def _list_path(api: Api) -> str:
    if not api.is_application:
        return f"{ROOT}/getByUserRole(role='organizer')"
    who = api.me.partition("/")[2]  # quoted already
    return f"{ROOT}/getByUserIdAndRole(userId='{who}',role='organizer')"


def _convert(reply: Reply, item: dict[str, Any]) -> Webinar:
    try:
        return msgspec.convert(item, Webinar)
    except msgspec.ValidationError:
        raise malformed(reply) from None


def _is_wanted(found: Webinar, window: types_pb2.TimeRange) -> bool:
    if found.status == _CANCELED:
        return False
    if found.startDateTime is None or found.endDateTime is None:
        return True
    low, high = times.bounds(window)
    first = event_times.moment(found.startDateTime)
    last = event_times.moment(found.endDateTime)
    return (high is None or first < high) and (low is None or last > low or first >= low)


def parts_of(paths: Sequence[str]) -> list[str]:
    """What has to be read apart for the fields that a mask names."""
    names = {path.partition(".")[0] for path in paths}
    if not names or "*" in names:
        return list(_PARTS)
    return [part for part, fields in _PARTS.items() if names & set(fields)]


def parse_webinar(
    target: webinar_pb2.Webinar, found: Webinar, api: Api, raw: dict[str, Any] | None = None
) -> None:
    """A webinar of Graph into an empty `target`, without what is read apart."""
    target.connection_id = api.connection_id
    target.id = found.id
    target.subject = found.displayName or ""
    if found.description is not None:
        target.description = found.description.content or ""
    for source, field in ((found.startDateTime, "start_at"), (found.endDateTime, "end_at")):
        if source is not None and source.dateTime:
            zone = timezones.iana_name(source.timeZone or "UTC") or "UTC"
            times.set_instant(getattr(target, field), event_times.moment(source), zone)
    target.status = tables.WEBINAR_STATUS.get(
        found.status or "", event_pb2.EVENT_STATUS_UNSPECIFIED
    )
    target.is_published = found.status == "published"
    if found.isRegistrationRequired is not None:
        target.is_registration_required = found.isRegistrationRequired
    person = found.createdBy.user if found.createdBy is not None else None
    if person is not None and person.displayName:
        target.organizer.name = person.displayName
    if raw is not None:
        fill_raw(target.raw, raw, found.id)


def _parse_part(target: webinar_pb2.Webinar, part: str, reply: Reply) -> None:
    """One of the parts that are read apart; what is not there yet leaves its fields alone."""
    if reply.status == 404:
        return
    if reply.status != 200:
        raise errors.classify(reply)
    if part == "presenters":
        for each in decode(reply, Presenters).value:
            _parse_presenter(target.panelists.add(), each)
    elif part == "sessions":
        for session in decode(reply, Sessions).value[:1]:
            target.join_url = session.joinWebUrl or ""
            target.has_recording = bool(session.videoOnDemandWebUrl)
    elif part == "registrationConfiguration":
        found = decode(reply, RegistrationConfiguration)
        target.capacity = tables.counted(found.capacity)
        target.registration_url = found.registrationWebUrl or ""
        manual = bool(found.isManualApprovalEnabled)
        target.approval_mode = (
            webinar_pb2.APPROVAL_MODE_MANUAL if manual else webinar_pb2.APPROVAL_MODE_AUTOMATIC
        )
    else:
        forms.parse_questions(target, decode(reply, Questions))


def _parse_presenter(target: webinar_pb2.WebinarPanelist, found: Presenter) -> None:
    target.id = found.id
    person = found.identity
    target.email = found.email or (person.email if person is not None else None) or ""
    target.name = (person.displayName if person is not None else None) or ""


async def get_webinar(
    api: Api, request: webinar_pb2.GetWebinarRequest
) -> webinar_pb2.GetWebinarResponse:
    """GetWebinar, one that was canceled too."""
    answer = webinar_pb2.GetWebinarResponse()
    item = await read(api, request.id)
    await fill(api, answer.webinar, item, request.read_mask.paths, raw=request.include_raw)
    return answer


async def read(api: Api, webinar_id: str) -> dict[str, Any]:
    """The webinar as it is.

    Raises:
        ProviderError: NOT_FOUND.
    """
    reply = await api.send("GET", path_of(webinar_id), resource=("webinar", webinar_id))
    item = decode(reply, dict[str, Any])
    _convert(reply, item)
    return item


async def fill(
    api: Api,
    target: webinar_pb2.Webinar,
    item: dict[str, Any],
    paths: Sequence[str] = (),
    *,
    raw: bool = False,
) -> None:
    """A webinar, and what belongs to it, into `target`."""
    found = msgspec.convert(item, Webinar)
    parse_webinar(target, found, api, item if raw else None)
    parts = parts_of(paths)
    replies = await api.read_many([f"{path_of(found.id)}/{part}" for part in parts])
    for part, reply in zip(parts, replies, strict=True):
        _parse_part(target, part, reply)
    if "registrants" in paths:
        await _fill_registrants(api, target)


async def _fill_registrants(api: Api, target: webinar_pb2.Webinar) -> None:
    page = await forms.registrants_page(api, target.id, "")
    target.registrants.extend(page[0])


def refuse_times(webinar: webinar_pb2.Webinar, names: Sequence[str]) -> None:
    """Refuse times that a webinar cannot have.

    Raises:
        ProviderError: INVALID, naming the field.
    """
    for name in ("start_at", "end_at"):
        if name in names and getattr(webinar, name).WhichOneof("value") != "timestamp":
            raise ProviderError.invalid(f"webinar.{name}", "a webinar begins and ends at a time")


def not_there(webinar_id: str) -> ProviderError:
    """The error of a webinar that was canceled already."""
    return ProviderError(
        Kind.NOT_FOUND,
        "the webinar does not exist, or was canceled",
        resource=("webinar", webinar_id),
    )
