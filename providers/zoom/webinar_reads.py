"""Reading webinars: lists, one webinar and what hangs on it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from providers.core.errors import Kind, ProviderError
from providers.zoom import events, registrants, series, webinars
from providers.zoom.api import Api, items, together
from providers.zoom.ids import MeetingId, meeting_id, uuid_segment
from providers.zoom.webinars import WEBINAR, parse_instance, parse_webinar
from providers.zoom.wire import Meeting, Page, Panelist, Polls, Questions, TrackingSources
from ucal.v1 import webinar_pb2

T = TypeVar("T")
MAX_PAGE = 300
DEFAULT_PAGE = 100
# Fields that each cost a request. Those of the second line only when a mask names them.
_PARTS = ("panelists", "registration_fields", "is_polling_enabled", "tracking_urls")
_RARE = ("registrants", "has_recording")
_ABSENT = frozenset({Kind.NOT_FOUND, Kind.PRECONDITION})


async def list_webinars(
    api: Api, request: webinar_pb2.ListWebinarsRequest
) -> webinar_pb2.ListWebinarsResponse:
    """ListWebinars. Series stand there once; a window costs a request for each of them."""
    page = await api.page(
        f"users/{await api.user()}/webinars",
        size=request.page_size or DEFAULT_PAGE,
        token=request.page_token,
        params={"type": "scheduled"},
    )
    bounded = request.window.HasField("start_at") or request.window.HasField("end_at")

    async def detail(found: Meeting) -> Meeting | None:
        if not bounded or series.kind(found) not in series.FIXED:
            return found
        try:
            own_id = MeetingId(series.number(found))
            return (await events.fetch(api, own_id, path="webinars", resource=WEBINAR))[0]
        except ProviderError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise

    listed = items(page.webinars, Meeting)
    answer = webinar_pb2.ListWebinarsResponse(next_page_token=page.next_page_token or "")
    whole = await together(detail, [found for found, _ in listed])
    for found, (_, raw) in zip(whole, listed, strict=True):
        if found is not None and series.overlaps(found, request.window):
            parse_webinar(
                answer.webinars.add(),
                found,
                api.call.connection_id,
                raw=raw if request.include_raw else None,
            )
    return answer


async def get_webinar(
    api: Api, request: webinar_pb2.GetWebinarRequest
) -> webinar_pb2.GetWebinarResponse:
    """GetWebinar."""
    asked = meeting_id(request.id, WEBINAR)
    answer = webinar_pb2.GetWebinarResponse()
    names = frozenset(path.partition(".")[0] for path in request.read_mask.paths)
    await fill_webinar(api, answer.webinar, asked, names, raw=request.include_raw)
    return answer


async def fill_webinar(
    api: Api,
    target: webinar_pb2.Webinar,
    asked: MeetingId,
    names: frozenset[str] = frozenset(),
    *,
    raw: bool = False,
) -> Meeting:
    """Read a webinar into `target`; of `names` only, when there are any.

    Raises:
        ProviderError: NOT_FOUND.
    """
    found, content = await events.fetch(api, asked, path="webinars", resource=WEBINAR)
    shown = content if raw else None
    parse_webinar(target, found, api.call.connection_id, raw=shown)
    if asked.occurrence:
        slot = events.occurrence(asked, found)
        if slot is None:
            raise ProviderError.not_found(WEBINAR, str(asked))
        parse_instance(target, slot)
    wanted = [name for name in _PARTS if not names or name in names]
    wanted += [name for name in _RARE if name in names]
    parts = _Parts(api, target, found)
    await together(lambda name: parts.readers[name](), wanted)
    return found


class _Parts:
    """What hangs on a webinar, each read by a request of its own."""

    def __init__(self, api: Api, target: webinar_pb2.Webinar, found: Meeting) -> None:
        self.api = api
        self.target = target
        self.found = found
        self.path = f"webinars/{series.number(found)}"
        self.readers: dict[str, Callable[[], Awaitable[None]]] = {
            "panelists": self.panelists,
            "registration_fields": self.questions,
            "is_polling_enabled": self.polls,
            "tracking_urls": self.tracking,
            "registrants": self.registrants,
            "has_recording": self.recording,
        }

    async def panelists(self) -> None:
        """All of them; the list has no pages."""
        for panelist in await panelists_of(self.api, self.path):
            webinars.parse_panelist(self.target.panelists.add(), panelist)

    async def questions(self) -> None:
        """The registration form."""
        if webinars.has_registration(self.target):
            found = await self._if_there("registrants/questions", Questions)
            if found is not None:
                webinars.parse_questions(self.target, found)

    async def polls(self) -> None:
        """Whether there are any."""
        found = await self._if_there("polls", Polls)
        self.target.is_polling_enabled = bool(found and found.polls)

    async def tracking(self) -> None:
        """Sources of visitors."""
        if not webinars.has_registration(self.target):
            return
        found = await self._if_there("tracking_sources", TrackingSources)
        for source in (found and found.tracking_sources) or ():
            if source.source_name:
                self.target.tracking_urls[source.source_name] = source.tracking_url or ""

    async def registrants(self) -> None:
        """The first page."""
        if not webinars.has_registration(self.target):
            return
        page = await registrants.list_webinar_registrants(
            self.api,
            webinar_pb2.ListWebinarRegistrantsRequest(webinar_id=series.number(self.found)),
        )
        self.target.registrants.extend(page.registrants)

    async def recording(self) -> None:
        """Whether Zoom has one of the latest instance."""
        uuid = uuid_segment(self.found.uuid or "")
        try:
            await self.api.send("GET", f"meetings/{uuid}/recordings")
        except ProviderError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
        else:
            self.target.has_recording = True

    async def _if_there(self, tail: str, type: type[T]) -> T | None:
        """A part that may be off for this webinar or account."""
        try:
            return await self.api.get(f"{self.path}/{tail}", type)
        except ProviderError as error:
            if error.kind in _ABSENT:
                return None
            raise


async def panelists_of(api: Api, path: str) -> list[Panelist]:
    """Panelists of the webinar at `path`."""
    page = await api.get(f"{path}/panelists", Page)
    return [found for found, _ in items(page.panelists, Panelist)]
