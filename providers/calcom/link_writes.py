"""Writing event types and private links.

A price is no field that Cal.com lets anybody write: payments are settings of apps. Of questions
there is no update, for Cal.com then replaces all of them, the ones it asks by default too.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from providers.calcom import places
from providers.calcom.api import EVENT_TYPES, PRIVATE_LINKS, ask, data_of
from providers.calcom.link_parse import parse_link
from providers.calcom.links import fill_link, minutes, parts
from providers.calcom.wire import EventType, PrivateLink
from providers.core import times
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import link_pb2

_PRIVATE = ("max_uses", "expires_at")
_DISABLED = {"disabled": True}
# Kinds of questions that offer a choice; one that says nothing is answered with a line of text.
_CHOICES = frozenset({"select", "multiselect", "checkbox", "radio"})


def _length(link: link_pb2.Link) -> int:
    if not link.HasField("duration"):
        raise ProviderError.invalid("link.duration", "is required")
    return minutes(link.duration, "link.duration")


def _options(link: link_pb2.Link) -> list[int]:
    return [
        minutes(each, f"link.duration_options[{index}]")
        for index, each in enumerate(link.duration_options)
    ]


def _seats(link: link_pb2.Link) -> dict[str, Any]:
    if link.capacity <= 1:
        return dict(_DISABLED)
    return {
        "seatsPerTimeSlot": link.capacity,
        "showAttendeeInfo": False,
        "showAvailabilityCount": True,
    }


def _color(link: link_pb2.Link) -> dict[str, str]:
    if not link.color:
        raise ProviderError.invalid("link.color", "cannot be cleared")
    return {"lightThemeHex": link.color, "darkThemeHex": link.color}


def _title(link: link_pb2.Link) -> str:
    if not link.name.strip():
        raise ProviderError.invalid("link.name", "is required")
    return link.name


def _slug(link: link_pb2.Link) -> str:
    """The one that is asked for, or what can be made of the name."""
    made = re.sub(r"[^a-z0-9]+", "-", link.name.lower()).strip("-")[:48]
    slug = link.slug or made
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", slug):
        raise ProviderError.invalid("link.slug", "takes letters, digits, hyphens, 100 at most")
    return slug


def _questions(link: link_pb2.Link) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for index, question in enumerate(link.questions):
        field = f"link.questions[{index}]"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", question.name):
            raise ProviderError.invalid(f"{field}.name", "takes letters, digits and hyphens")
        if question.name in seen:
            raise ProviderError.invalid(f"{field}.name", "is there twice")
        seen.add(question.name)
        kind = question.provider_kind or ("select" if question.choices else "text")
        entry: dict[str, Any] = {
            "type": kind,
            "slug": question.name,
            "label": question.label or question.name,
            "required": question.is_required,
            "placeholder": "",
            "hidden": False,
        }
        if question.choices or kind in _CHOICES:
            if kind not in _CHOICES or not question.choices:
                raise ProviderError.invalid(f"{field}.choices", f"do not fit the kind {kind}")
            entry["options"] = list(question.choices)
        found.append(entry)
    return found


_FIELDS: Mapping[str, tuple[str, Callable[[link_pb2.Link], Any]]] = {
    "name": ("title", _title),
    "slug": ("slug", _slug),
    "description": ("description", lambda link: link.description),
    "duration": ("lengthInMinutes", _length),
    "duration_options": ("lengthInMinutesOptions", _options),
    "is_active": ("hidden", lambda link: link.HasField("is_active") and not link.is_active),
    "locations": ("locations", lambda link: places.for_link(link.locations)),
    "buffer_before": (
        "beforeEventBuffer",
        lambda link: minutes(link.buffer_before, "link.buffer_before", least=0),
    ),
    "buffer_after": (
        "afterEventBuffer",
        lambda link: minutes(link.buffer_after, "link.buffer_after", least=0),
    ),
    "minimum_notice": (
        "minimumBookingNotice",
        lambda link: minutes(link.minimum_notice, "link.minimum_notice", least=0),
    ),
    "color": ("color", _color),
    "capacity": ("seats", _seats),
}
WRITABLE_ON_UPDATE = (*_FIELDS, *_PRIVATE)
WRITABLE_ON_CREATE = (*WRITABLE_ON_UPDATE, "questions", "parent_link_id")
_REQUIRED = ("name", "slug", "duration")


async def create_link(
    call: Call, request: link_pb2.CreateLinkRequest
) -> link_pb2.CreateLinkResponse:
    """CreateLink: an event type; with a parent, a private link of that event type."""
    link = request.link
    if link.parent_link_id:
        return await _create_private(call, request)
    for name in _PRIVATE:
        if _is_set(link, name):
            raise ProviderError.invalid(f"link.{name}", "is of links with a parent_link_id only")
    names = [name for name in _FIELDS if name in _REQUIRED or _is_set(link, name)]
    body = {_FIELDS[name][0]: _FIELDS[name][1](link) for name in names}
    _check_options(link)
    if link.questions:
        body["bookingFields"] = _questions(link)
    reply = await ask(
        call, "POST", "event-types", version=EVENT_TYPES, json=body, resource=("link", "")
    )
    answer = link_pb2.CreateLinkResponse()
    parse_link(answer.link, data_of(reply, EventType), call.connection_id)
    return answer


def _is_set(link: link_pb2.Link, name: str) -> bool:
    return any(field.name == name for field, _ in link.ListFields())


def _check_options(link: link_pb2.Link) -> None:
    if link.duration_options and link.duration not in link.duration_options:
        raise ProviderError.invalid("link.duration", "must be one of link.duration_options")


async def _create_private(
    call: Call, request: link_pb2.CreateLinkRequest
) -> link_pb2.CreateLinkResponse:
    """A private link has a limit, and all else of its event type."""
    link = request.link
    kept = {*_PRIVATE, "parent_link_id"}
    lost = sorted(field.name for field, _ in link.ListFields() if field.name not in kept)
    if request.strict and lost:
        raise ProviderError(
            Kind.PRECONDITION,
            f"a private link has these from its parent: {', '.join(lost)}",
            reason="FIELDS_NOT_SUPPORTED",
            violations=[(f"link.{name}", "is the parent's") for name in lost],
        )
    number, private = _parent(link.parent_link_id)
    if private:
        raise ProviderError.invalid("link.parent_link_id", "names a private link")
    path = f"event-types/{number}/private-links"
    try:
        reply = await ask(call, "POST", path, version=PRIVATE_LINKS, json=_limit(link, link))
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND:
            raise _no_parent() from None
        raise
    made = data_of(reply, PrivateLink)
    answer = link_pb2.CreateLinkResponse()
    await fill_link(answer.link, call, f"{number}/{made.linkId}")
    answer.report.dropped_fields.paths.extend(lost)
    return answer


def _parent(link_id: str) -> tuple[str, str]:
    try:
        return parts(link_id)
    except ProviderError:
        raise _no_parent() from None


def _no_parent() -> ProviderError:
    return ProviderError.invalid("link.parent_link_id", "names no link of this account")


def _limit(link: link_pb2.Link, named: link_pb2.Link | Sequence[str]) -> dict[str, Any]:
    """The limit of a private link: Cal.com takes a time or a number of uses.

    Raises:
        ProviderError: INVALID for both.
    """
    wanted = [name for name in _PRIVATE if _names(named, name)]
    if len(wanted) > 1:
        raise ProviderError.invalid("link.max_uses", "excludes expires_at at Cal.com")
    if "expires_at" in wanted:
        if not link.HasField("expires_at"):
            raise ProviderError.invalid("link.expires_at", "cannot be cleared: set another limit")
        return {"expiresAt": times.format_rfc3339(times.datetime_of(link.expires_at))}
    if "max_uses" in wanted and not link.max_uses:
        raise ProviderError.invalid("link.max_uses", "cannot be unlimited: set another limit")
    return {"maxUsageCount": link.max_uses or 1}


def _names(named: link_pb2.Link | Sequence[str], name: str) -> bool:
    if isinstance(named, link_pb2.Link):
        return _is_set(named, name)
    return name in named


async def update_link(
    call: Call, request: link_pb2.UpdateLinkRequest
) -> link_pb2.UpdateLinkResponse:
    """UpdateLink."""
    number, private = parts(request.id)
    names = list(dict.fromkeys(path.partition(".")[0] for path in request.update_mask.paths))
    if private:
        return await _update_private(call, request, names)
    for name in _PRIVATE:
        if name in names:
            raise ProviderError.invalid(f"link.{name}", "is of links with a parent_link_id only")
    if "slug" in names and not request.link.slug:
        raise ProviderError.invalid("link.slug", "cannot be cleared")
    if {"duration", "duration_options"} <= set(names):
        _check_options(request.link)
    body = {_FIELDS[name][0]: _FIELDS[name][1](request.link) for name in names}
    path, resource = f"event-types/{number}", ("link", request.id)
    reply = await ask(call, "PATCH", path, version=EVENT_TYPES, json=body, resource=resource)
    answer = link_pb2.UpdateLinkResponse()
    parse_link(answer.link, data_of(reply, EventType), call.connection_id)
    return answer


async def _update_private(
    call: Call, request: link_pb2.UpdateLinkRequest, names: Sequence[str]
) -> link_pb2.UpdateLinkResponse:
    for name in names:
        if name not in _PRIVATE:
            raise ProviderError.invalid("update_mask", f"{name} is that of the parent link")
    number, private = parts(request.id)
    path, resource = f"event-types/{number}/private-links/{private}", ("link", request.id)
    body = _limit(request.link, names)
    await ask(call, "PATCH", path, version=PRIVATE_LINKS, json=body, resource=resource)
    answer = link_pb2.UpdateLinkResponse()
    await fill_link(answer.link, call, request.id)
    return answer


async def delete_link(
    call: Call, request: link_pb2.DeleteLinkRequest
) -> link_pb2.DeleteLinkResponse:
    """DeleteLink. Bookings made through it stay."""
    number, private = parts(request.id)
    path, version = f"event-types/{number}", EVENT_TYPES
    if private:
        path, version = f"{path}/private-links/{private}", PRIVATE_LINKS
    try:
        await ask(call, "DELETE", path, version=version, resource=("link", request.id))
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND and request.allow_missing:
            return link_pb2.DeleteLinkResponse(already_absent=True)
        raise
    return link_pb2.DeleteLinkResponse()
