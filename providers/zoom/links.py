"""Booking links: schedules of Zoom Scheduler, for users with its licence."""

from providers.core.errors import Kind, ProviderError
from providers.core.wire import decode
from providers.zoom.api import AccountAuth, Api, items
from providers.zoom.ids import plain_segment
from providers.zoom.schedules import dump_link, merged_buffer, parse_link
from providers.zoom.wire import Availability, Schedule
from ucal.v1 import link_pb2

MAX_PAGE = 250
DEFAULT_PAGE = 100
_PATH = "scheduler/schedules"
_LINK = "link"


def _params(api: Api) -> dict[str, str | int]:
    """Whose schedules: a server-to-server app names its subject."""
    auth = api.call.http.auth
    if isinstance(auth, AccountAuth) and auth.subject:
        return {"user_id": auth.subject}
    return {}


async def list_links(api: Api, request: link_pb2.ListLinksRequest) -> link_pb2.ListLinksResponse:
    """ListLinks."""
    page = await api.page(
        _PATH,
        size=min(request.page_size or DEFAULT_PAGE, MAX_PAGE),
        token=request.page_token,
        params=_params(api),
    )
    answer = link_pb2.ListLinksResponse(next_page_token=page.next_page_token or "")
    for found, raw in items(page.items, Schedule):
        link = link_pb2.Link()
        shown = raw if request.include_raw else None
        parse_link(link, found, api.call.connection_id, raw=shown)
        if not request.HasField("is_active") or request.is_active == link.is_active:
            answer.links.append(link)
    return answer


async def _fetch(api: Api, id: str) -> tuple[Schedule, bytes]:
    path = f"{_PATH}/{plain_segment(id, _LINK)}"
    reply = await api.send("GET", path, params=_params(api), resource=(_LINK, id))
    return decode(reply, Schedule), reply.content


async def get_link(api: Api, request: link_pb2.GetLinkRequest) -> link_pb2.GetLinkResponse:
    """GetLink."""
    found, raw = await _fetch(api, request.id)
    answer = link_pb2.GetLinkResponse()
    shown = raw if request.include_raw else None
    parse_link(answer.link, found, api.call.connection_id, raw=shown)
    return answer


async def create_link(api: Api, request: link_pb2.CreateLinkRequest) -> link_pb2.CreateLinkResponse:
    """CreateLink: a one-to-one Zoom call at the times of the user's default availability."""
    link = request.link
    body = dump_link(link, frozenset(field.name for field, _ in link.ListFields()))
    body = {
        "duration": 30,
        "capacity": 1,
        "add_on_type": "zoomMeeting",
        "active": True,
        **body,
        "schedule_type": "one",
        "interval_type": "unlimited",
        "availability_override": False,
        "availability_rules": [await _availability(api)],
    }
    reply = await api.send("POST", _PATH, params=_params(api), json=body)
    answer = link_pb2.CreateLinkResponse()
    parse_link(answer.link, decode(reply, Schedule), api.call.connection_id)
    return answer


async def _availability(api: Api) -> dict[str, object]:
    """The rule that names the user's default hours.

    Raises:
        ProviderError: PRECONDITION, when the user has none.
    """
    page = await api.page(
        "scheduler/availability", size=DEFAULT_PAGE, token="", params=_params(api)
    )
    found = [each for each, _ in items(page.items, Availability) if each.availability_id]
    chosen = next((each for each in found if each.default), found[0] if found else None)
    if chosen is None:
        raise ProviderError(
            Kind.PRECONDITION,
            "the user has no availability in Zoom Scheduler yet: set working hours there",
            reason="AVAILABILITY_MISSING",
        )
    return {"use_custom": False, "availability_id": chosen.availability_id}


async def update_link(api: Api, request: link_pb2.UpdateLinkRequest) -> link_pb2.UpdateLinkResponse:
    """UpdateLink."""
    roots = frozenset(path.partition(".")[0] for path in request.update_mask.paths)
    body = dump_link(request.link, roots)
    path = f"{_PATH}/{plain_segment(request.id, _LINK)}"
    found, _ = await _fetch(api, request.id)
    merged_buffer(body, found)
    named = (_LINK, request.id)
    await api.send("PATCH", path, params=_params(api), json=body, resource=named)
    found, _ = await _fetch(api, request.id)
    answer = link_pb2.UpdateLinkResponse()
    parse_link(answer.link, found, api.call.connection_id)
    return answer


async def delete_link(api: Api, request: link_pb2.DeleteLinkRequest) -> link_pb2.DeleteLinkResponse:
    """DeleteLink."""
    answer = link_pb2.DeleteLinkResponse()
    try:
        path = f"{_PATH}/{plain_segment(request.id, _LINK)}"
        await api.send("DELETE", path, params=_params(api), resource=(_LINK, request.id))
    except ProviderError as error:
        if error.kind is not Kind.NOT_FOUND or not request.allow_missing:
            raise
        answer.already_absent = True
    return answer
