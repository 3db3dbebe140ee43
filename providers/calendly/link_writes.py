"""Making and changing event types; links that can be used once.

Three things come into being by CreateLink: an event type; with `parent_link_id` a single-use link
of one, which Calendly shows this once and never again; with `max_uses` 1 and no parent a one-off
event type. Calendly drops keys that it does not know without a word, so none are sent.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from providers.calendly import ids, links, places, tables
from providers.calendly.api import Api
from providers.calendly.wire import EventType, SchedulingLink, Share
from providers.core.call import Call
from providers.core.errors import Kind, ProviderError
from ucal.v1 import link_pb2

WRITABLE_ON_UPDATE = (
    "name",
    "description",
    "duration",
    "duration_options",
    "is_active",
    "location",
    "locations",
    "color",
)
WRITABLE_ON_CREATE = (*WRITABLE_ON_UPDATE, "parent_link_id", "max_uses")
MAX_MINUTES = 720
MAX_OPTIONS = 4
ONE_OFF_DAYS = 60
_ONE_OFF_NAME = 55

Body: TypeAlias = dict[str, object]


async def create_link(
    api: Api, call: Call, request: link_pb2.CreateLinkRequest
) -> link_pb2.CreateLinkResponse:
    """CreateLink."""
    link = request.link
    if link.parent_link_id:
        return await _single_use(api, call, request)
    if link.max_uses > 1:
        raise ProviderError.invalid("link.max_uses", "Calendly knows 1, and 0 for no limit")
    if not link.name.strip():
        raise ProviderError.invalid("link.name", "is required")
    if link.max_uses == 1:
        return await _one_off(api, call, request)
    body = dump_link(link, _set(link, WRITABLE_ON_UPDATE))
    body["owner"] = (await api.me()).user
    made = await api.one(EventType, "event_types", method="POST", json=body)
    if link.HasField("is_active") and made.it.active is not link.is_active:
        # Seen in 2026: a new type comes out inactive though "active" was sent.
        made = await api.one(
            EventType,
            f"event_types/{ids.tail(made.it.uri)}",
            method="PATCH",
            json={"active": link.is_active},
        )
    answer = link_pb2.CreateLinkResponse()
    links.parse_link(answer.link, made, call.connection_id)
    return answer


def _set(link: link_pb2.Link, names: Iterable[str]) -> list[str]:
    present = {field.name for field, _ in link.ListFields()}
    return [name for name in names if name in present]


async def update_link(
    api: Api, call: Call, request: link_pb2.UpdateLinkRequest
) -> link_pb2.UpdateLinkResponse:
    """UpdateLink; Calendly refuses types that several people host."""
    path = f"event_types/{ids.checked('link', request.id)}"
    names = dict.fromkeys(path.partition(".")[0] for path in request.update_mask.paths)
    body = dump_link(request.link, names)
    await links.read_type(api, request.id)
    made = await api.one(EventType, path, kind="link", own_id=request.id, method="PATCH", json=body)
    answer = link_pb2.UpdateLinkResponse()
    links.parse_link(answer.link, made, call.connection_id)
    return answer


# -- single use


async def _single_use(
    api: Api, call: Call, request: link_pb2.CreateLinkRequest
) -> link_pb2.CreateLinkResponse:
    """A link of an event type that dies after one booking. It has no id."""
    link = request.link
    if link.max_uses > 1:
        raise ProviderError.invalid("link.max_uses", "such a link can be used once")
    overrides = _set(link, ("name", "duration", "duration_options"))
    lost = _set(link, ("description", "is_active", "location", "locations", "color"))
    coerced = [] if link.max_uses else ["max_uses"]
    refuse_losses(request.strict, (*lost, *coerced))
    found = await _booking_page(api, link, overrides)
    answer = link_pb2.CreateLinkResponse()
    shown = answer.link
    shown.connection_id = call.connection_id
    shown.url = found.booking_url
    shown.parent_link_id = link.parent_link_id
    shown.max_uses = 1
    shown.name = link.name
    if link.HasField("duration"):
        shown.duration.CopyFrom(link.duration)
    shown.duration_options.extend(link.duration_options)
    answer.report.dropped_fields.CopyFrom(FieldMask(paths=lost))
    answer.report.coerced_fields.CopyFrom(FieldMask(paths=coerced))
    return answer


async def _booking_page(api: Api, link: link_pb2.Link, overrides: list[str]) -> SchedulingLink:
    try:
        parent = ids.uri("event_types", ids.checked("link", link.parent_link_id))
        if overrides:
            body: Body = {"event_type": parent, **dump_link(link, overrides)}
            share = await api.one(Share, "shares", method="POST", json=body)
            return _first(share.it.scheduling_links)
        body = {"max_event_count": 1, "owner": parent, "owner_type": "EventType"}
        return (await api.one(SchedulingLink, "scheduling_links", method="POST", json=body)).it
    except ProviderError as error:
        if error.kind is Kind.NOT_FOUND:
            raise ProviderError.invalid(
                "link.parent_link_id", "names no link of this connection"
            ) from None
        raise


def _first(found: list[SchedulingLink]) -> SchedulingLink:
    if not found:
        raise ProviderError(
            Kind.OUTCOME_UNKNOWN, "Calendly answered without a link: make another one"
        )
    return found[0]


async def _one_off(
    api: Api, call: Call, request: link_pb2.CreateLinkRequest
) -> link_pb2.CreateLinkResponse:
    """An event type for one booking, open for the next days."""
    link = request.link
    if len(link.name) > _ONE_OFF_NAME:
        raise ProviderError.invalid("link.name", f"has {_ONE_OFF_NAME} characters at most here")
    if not link.HasField("duration"):
        raise ProviderError.invalid("link.duration", "is required")
    lost = _set(link, ("description", "duration_options", "color"))
    lost += ["is_active"] if link.HasField("is_active") and not link.is_active else []
    refuse_losses(request.strict, lost)
    body: Body = {
        "name": link.name,
        "host": (await api.me()).user,
        "duration": _minutes(link.duration, "link.duration"),
        "date_setting": {
            "type": "days_in_future",
            "days": ONE_OFF_DAYS,
            "only_weekdays": False,
        },
    }
    offered = _places(link)
    if len(offered) > 1:
        raise ProviderError.invalid("link.locations", "such a link has one place")
    if offered:
        body["location"] = offered[0]
    made = await api.one(EventType, "one_off_event_types", method="POST", json=body)
    answer = link_pb2.CreateLinkResponse()
    links.parse_link(answer.link, made, call.connection_id)
    answer.report.dropped_fields.CopyFrom(FieldMask(paths=lost))
    return answer


def refuse_losses(strict: bool, lost: Iterable[str]) -> None:
    """With `strict` nothing is lost or changed.

    Raises:
        ProviderError: PRECONDITION.
    """
    names = list(lost)
    if strict and names:
        raise ProviderError(
            Kind.PRECONDITION,
            f"such a link cannot keep: {', '.join(names)}",
            reason="FIELDS_NOT_SUPPORTED",
            violations=[(f"link.{name}", "cannot be kept") for name in names],
        )


# -- bodies


def dump_link(link: link_pb2.Link, names: Iterable[str]) -> Body:
    """The fields `names` in Calendly's words.

    Raises:
        ProviderError: INVALID, naming the field.
    """
    body: Body = {}
    wanted = list(names)
    for name in wanted:
        if not (name == "location" and "locations" in wanted):
            key, dump = _DUMP[name]
            body[key] = dump(link)
    return body


def _minutes(length: Duration, field: str) -> int:
    seconds = length.seconds
    if length.nanos or seconds % 60 or not 60 <= seconds <= 60 * MAX_MINUTES:
        raise ProviderError.invalid(field, f"takes whole minutes, from 1 to {MAX_MINUTES}")
    return seconds // 60


def _name(link: link_pb2.Link) -> str:
    if not link.name.strip():
        raise ProviderError.invalid("link.name", "cannot be empty")
    return link.name


def _options(link: link_pb2.Link) -> list[int]:
    if len(link.duration_options) > MAX_OPTIONS:
        raise ProviderError.invalid("link.duration_options", f"takes {MAX_OPTIONS} at most")
    return [
        _minutes(option, f"link.duration_options[{index}]")
        for index, option in enumerate(link.duration_options)
    ]


def _places(link: link_pb2.Link) -> list[dict[str, Any]]:
    """`locations`, or the one place that `location` names."""
    if link.locations or not link.location:
        return places.dump_places(list(link.locations), "link.locations")
    return [{"kind": tables.PHYSICAL, "location": link.location}]


_DUMP: Mapping[str, tuple[str, Callable[[link_pb2.Link], object]]] = {
    "name": ("name", _name),
    "description": ("description", lambda link: link.description),
    "duration": ("duration", lambda link: _minutes(link.duration, "link.duration")),
    "duration_options": ("duration_options", _options),
    "is_active": ("active", lambda link: link.is_active),
    "location": ("locations", _places),
    "locations": ("locations", _places),
    "color": ("color", lambda link: link.color.lower()),
}
