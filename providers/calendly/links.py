"""Reading event types as links."""

from collections.abc import Sequence

from providers.calendly import ids, places
from providers.calendly.api import MAX_PAGE, Api, Found
from providers.calendly.wire import EventType
from providers.core import times
from providers.core.call import Call
from providers.core.errors import ProviderError
from providers.core.raw import fill_raw
from ucal.v1 import link_pb2

ONE_OFF = "AdhocEventType"
READABLE = (
    "created_at",
    "updated_at",
    "name",
    "description",
    "url",
    "duration",
    "duration_options",
    "is_active",
    "conferences",
    "location",
    "max_uses",
    "slug",
    "owner",
    "locations",
    "questions",
    "color",
    "capacity",
    "raw",
)


def parse_link(
    target: link_pb2.Link, found: Found[EventType], connection_id: str, *, raw: bool = False
) -> None:
    """An event type into an empty `target`.

    Calendly tells whether a type is paid, but no price: price_amount stays unset, which says so.
    """
    kind = found.it
    target.connection_id = connection_id
    target.id = ids.tail(kind.uri)
    target.name = kind.name or ""
    target.description = kind.description_plain or ""
    target.url = kind.scheduling_url or ""
    target.slug = kind.slug or ""
    target.color = kind.color or ""
    if kind.duration:
        target.duration.seconds = 60 * kind.duration
    for minutes in kind.duration_options or ():
        target.duration_options.add(seconds=60 * minutes)
    if kind.active is not None:
        target.is_active = kind.active
    target.max_uses = 1 if kind.type == ONE_OFF else 0
    target.capacity = 1 if kind.kind == "solo" else 0
    if kind.profile is not None:
        target.owner.name = kind.profile.name or ""
    if kind.created_at:
        times.timestamp(target.created_at, times.parse_rfc3339(kind.created_at))
    if kind.updated_at:
        times.timestamp(target.updated_at, times.parse_rfc3339(kind.updated_at))
    places.parse_places(target, kind.locations or [])
    for question in kind.custom_questions or ():
        if question.enabled is not False and question.name:
            asked = target.questions.add(name=question.name, label=question.name)
            asked.provider_kind = question.type or ""
            asked.is_required = bool(question.required)
            asked.choices.extend(question.answer_choices or ())
    if raw:
        fill_raw(target.raw, found.raw(), kind.uri)


async def list_links(
    api: Api, call: Call, request: link_pb2.ListLinksRequest
) -> link_pb2.ListLinksResponse:
    """ListLinks: those of the user, and shared ones that the user hosts."""
    params: dict[str, str | int | Sequence[str]] = {
        "user": (await api.me()).user,
        "sort": "created_at:asc",
        "count": request.page_size or MAX_PAGE,
    }
    if request.HasField("is_active"):
        params["active"] = "true" if request.is_active else "false"
    if request.page_token:
        params["page_token"] = request.page_token
    page = await api.page(EventType, "event_types", params)
    answer = link_pb2.ListLinksResponse(next_page_token=page.following)
    for found in page.items:
        if found.it.deleted_at is None:
            parse_link(answer.links.add(), found, call.connection_id, raw=request.include_raw)
    return answer


async def get_link(
    api: Api, call: Call, request: link_pb2.GetLinkRequest
) -> link_pb2.GetLinkResponse:
    """GetLink."""
    answer = link_pb2.GetLinkResponse()
    found = await read_type(api, request.id)
    parse_link(answer.link, found, call.connection_id, raw=request.include_raw)
    return answer


async def read_type(api: Api, own_id: str) -> Found[EventType]:
    """One event type.

    Raises:
        ProviderError: NOT_FOUND, also for one that is deleted, which Calendly shows on.
    """
    path = f"event_types/{ids.checked('link', own_id)}"
    found = await api.one(EventType, path, kind="link", own_id=own_id)
    if found.it.deleted_at is not None:
        raise ProviderError.not_found("link", own_id)
    return found
