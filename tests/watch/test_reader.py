"""Real connections as the engine reads them, and the sandbox watched through the whole server."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from google.protobuf.duration_pb2 import Duration

from providers.core import operations as ops
from providers.core.call import Call, ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from providers.core.provider import Provider
from providers.core.settings import ProviderSettings
from server.interceptors.scope import SCOPE, Scope
from server.watch import reader as module
from server.watch.reader import ConnectionReader
from tests.watch.world import CALENDAR, EVENT
from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    event_pb2,
    provider_pb2,
    recording_pb2,
    types_pb2,
)

BUSY, LINK = types_pb2.RESOURCE_KIND_BUSY, types_pb2.RESOURCE_KIND_LINK
RECORDING, WEBINAR = types_pb2.RESOURCE_KIND_RECORDING, types_pb2.RESOURCE_KIND_WEBINAR
DAY = 86_400


class Vendor(Provider):
    """Lists events in pages of two and windows of ten days; tells changes of calendars."""

    name = "vendor"
    display_name = "Vendor"
    delta_kinds = frozenset({CALENDAR})
    features: ClassVar = {
        ops.LIST_EVENTS: provider_pb2.Capability(
            max_page_size=2, max_window=Duration(seconds=10 * DAY)
        ),
        ops.LIST_RECORDINGS: provider_pb2.Capability(list_needs_parent=True),
    }
    reasons: ClassVar = {WEBINAR: "there are no webinars", ops.WATCH_RECORDINGS: "only by meeting"}

    def __init__(self) -> None:
        super().__init__(ProviderSettings())
        self.requests: list[Any] = []
        self.deadlines: list[float] = []
        self.unreachable = False
        self.endless = False

    async def list_changes(self, call: Call, query: ChangesQuery) -> ChangesPage:
        self.deadlines.append(SCOPE.get().deadline)
        return ChangesPage([], "1")

    async def list_events(
        self, call: Call, request: event_pb2.ListEventsRequest
    ) -> event_pb2.ListEventsResponse:
        asked = event_pb2.ListEventsRequest()
        asked.CopyFrom(request)
        self.requests.append(asked)
        if self.endless:
            return event_pb2.ListEventsResponse(next_page_token="again")
        first = request.window.start_at.seconds // DAY
        names = [f"{first}-{n}" for n in range(3)] + ["spans-all"]
        at = int(request.page_token or 0)
        answer = event_pb2.ListEventsResponse(next_page_token=str(at + 2) if at < 2 else "")
        for name in names[at : at + 2]:
            answer.events.add(id=name)
        return answer

    async def list_busy(
        self, call: Call, request: busy_pb2.ListBusyRequest
    ) -> busy_pb2.ListBusyResponse:
        answer = busy_pb2.ListBusyResponse()
        answer.busy.add(id="b", calendar_id="".join(request.calendar_ids))
        if self.unreachable:
            answer.unreachable["x"].code = 14
        return answer

    async def list_calendars(
        self, call: Call, request: calendar_pb2.ListCalendarsRequest
    ) -> calendar_pb2.ListCalendarsResponse:
        return calendar_pb2.ListCalendarsResponse()

    async def list_recordings(
        self, call: Call, request: recording_pb2.ListRecordingsRequest
    ) -> recording_pb2.ListRecordingsResponse:
        return recording_pb2.ListRecordingsResponse()


@dataclass
class Found:
    provider: Provider
    call: Any
    rotated: tuple[tuple[str, str | bytes], ...] = ()

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self.rotated


@dataclass
class Resolver:
    provider: Vendor
    asked: list[tuple[str, dict[str, str | bytes]]] = field(default_factory=list)

    async def resolve(self, connection_id: str, metadata: Mapping[str, str | bytes]) -> Any:
        self.asked.append((connection_id, dict(metadata)))
        account = str(metadata.get("ucal-credentials", connection_id))
        return Found(self.provider, SimpleNamespace(account_key=account))


@pytest.fixture
def resolver() -> Resolver:
    return Resolver(Vendor())


def window(days: int) -> types_pb2.TimeRange:
    found = types_pb2.TimeRange()
    found.start_at.seconds, found.end_at.seconds = 100 * DAY, (100 + days) * DAY
    return found


async def test_a_listing_goes_through_all_windows_and_pages(resolver: Resolver) -> None:
    target = await ConnectionReader(resolver).target("c1", {})
    found = await target.listing(EVENT, "work", window(25), include_raw=True)
    names = [event.id for event in found]
    assert len(names) == len(set(names)) == 3 * 3 + 1
    requests = resolver.provider.requests
    assert len(requests) == 6
    for request in requests:
        assert (request.connection_id, request.calendar_id) == ("c1", "work")
        assert request.include_raw
        assert request.include_canceled
        assert not request.expand_recurring
        assert request.page_size == 2
        seconds = request.window.end_at.seconds - request.window.start_at.seconds
        assert seconds <= 10 * DAY
    assert requests[-1].window.end_at.seconds == 125 * DAY


async def test_a_partial_list_is_trouble_and_no_deletion(resolver: Resolver) -> None:
    target = await ConnectionReader(resolver).target("c1", {})
    assert await target.listing(BUSY, "", window(1), include_raw=False)
    resolver.provider.unreachable = True
    with pytest.raises(ProviderError) as caught:
        await target.listing(BUSY, "", window(1), include_raw=False)
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_an_endless_list_is_refused(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_PAGES", 50)
    resolver.provider.endless = True
    target = await ConnectionReader(resolver).target("c1", {})
    with pytest.raises(ProviderError) as caught:
        await target.listing(EVENT, "", window(1), include_raw=False)
    assert caught.value.reason == "WATCH_TOO_LARGE"


async def test_questions_have_patience_of_their_own(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = asyncio.get_running_loop().time()
    SCOPE.set(Scope(deadline=now + 0.5))
    target = await ConnectionReader(resolver).target("c1", {})
    await target.changes(ChangesQuery(CALENDAR))
    assert resolver.provider.deadlines[0] > now + 60
    assert SCOPE.get().deadline == now + 0.5

    async def never(call: Call, query: ChangesQuery) -> ChangesPage:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    monkeypatch.setattr(resolver.provider, "list_changes", never)
    with pytest.raises(ProviderError) as caught:
        await target.changes(ChangesQuery(CALENDAR))
    assert caught.value.kind is Kind.TIMEOUT


async def test_what_cannot_be_watched_has_the_declared_reason(resolver: Resolver) -> None:
    target = await ConnectionReader(resolver).target("c1", {})
    assert target.capability(CALENDAR).kind == CALENDAR
    assert target.delta(CALENDAR)
    assert not target.delta(EVENT)
    for kind, reason in ((WEBINAR, "there are no webinars"), (RECORDING, "only by meeting")):
        with pytest.raises(ProviderError) as caught:
            target.capability(kind)
        assert caught.value.kind is Kind.UNSUPPORTED
        assert reason in caught.value.message
    with pytest.raises(ProviderError):
        target.capability(LINK)


async def test_only_the_same_credentials_share_a_target(resolver: Resolver) -> None:
    reader = ConnectionReader(resolver)
    one = await reader.target("c1", {"authorization": "Bearer caller-1", "user-agent": "x"})
    two = await reader.target("c1", {"authorization": "Bearer caller-2"})
    assert one is two
    mine = await reader.target("-", {"ucal-provider": "vendor", "ucal-credentials": "Bearer a"})
    same = await reader.target("-", {"ucal-provider": "vendor", "ucal-credentials": "Bearer a"})
    other = await reader.target("-", {"ucal-provider": "vendor", "ucal-credentials": "Bearer b"})
    hinted = await reader.target("c1", {"ucal-vendor-slow": "1"})
    assert mine is same
    assert len({target.key for target in (one, mine, other, hinted)}) == 4
    assert mine.identity == other.identity, "a refreshed access token keeps its resume token"
    resolver.asked.clear()
    await other.changes(ChangesQuery(CALENDAR))
    assert resolver.asked == [("-", {"ucal-provider": "vendor", "ucal-credentials": "Bearer b"})], (
        "every question uses the watcher's own credentials"
    )
