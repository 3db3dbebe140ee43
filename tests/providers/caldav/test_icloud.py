"""iCloud's deviations, one by one, against its double; discovery where it leads astray."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from providers.caldav.provider import AppleICloud, CalDav
from providers.core.call import ChangesQuery
from providers.core.errors import Kind, ProviderError
from tests.caldav_servers import DavServer
from tests.loopback import served
from tests.providers.caldav.double import DSID, HOME, PASSWORD, USER, ICloud, icloud
from tests.providers.caldav.world import MONDAY, World, opened, timed, window
from ucal.v1 import busy_pb2, calendar_pb2, event_pb2, types_pb2, watch_pb2

EVENT = types_pb2.RESOURCE_KIND_EVENT
C = calendar_pb2
SERIES = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Apple Inc.//iPhone OS 26.0//EN
BEGIN:VEVENT
UID:2F0A@example
DTSTAMP:20261010T101010Z
DTSTAMP:20261010T101011Z
DTSTART;TZID=Europe/Paris:20270308T100000
DTEND;TZID=Europe/Paris:20270308T110000
RRULE:FREQ=WEEKLY;COUNT=3
SUMMARY:Dentist & co
LOCATION:1 rue X\\n75001 Paris
X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-ADDRESS="1 rue X\\n75001 Paris":geo:48.86,2.34
SEQUENCE:0
END:VEVENT
END:VCALENDAR
"""


@asynccontextmanager
async def at_icloud(
    cloud: ICloud, password: str = PASSWORD, **fields: object
) -> AsyncIterator[World]:
    from pathlib import Path

    server = DavServer("icloud", cloud.url, {USER: password}, Path())
    second = cloud.partition.removeprefix("http://").rstrip("/")
    async with opened(
        server, provider=AppleICloud, calendar=False, hosts=(second,), **fields
    ) as world:  # type: ignore[arg-type]
        world.calendar.id = f"{HOME}home/"
        yield world


@pytest.fixture
async def cloud() -> AsyncIterator[ICloud]:
    async with icloud() as found:
        yield found


@pytest.fixture
async def dav(cloud: ICloud) -> AsyncIterator[World]:
    async with at_icloud(cloud) as world:
        yield world


async def test_p73_calendars_are_on_the_partition(cloud: ICloud, dav: World) -> None:
    answer = await dav.provider.list_calendars(dav.call, C.ListCalendarsRequest())
    found = {c.id: c for c in answer.calendars}
    assert set(found) == {f"{HOME}home/", f"{HOME}work/", f"{HOME}holidays/"}
    assert found[f"{HOME}home/"].is_primary
    assert found[f"{HOME}home/"].color == "#1BADF8"
    assert found[f"{HOME}holidays/"].is_read_only, "a subscription"
    assert cloud.strangers == 0, "never .well-known: it leads to the web site"
    assert [row for row in cloud.asked if row[0] == "main"] == [
        ("main", "PROPFIND", "/", "0"),
        ("main", "PROPFIND", f"/{DSID}/principal/", "0"),
    ]
    who = await dav.provider.test_connection(dav.call)
    assert who.email == "jane@icloud.com", "the preferred address"


async def test_p73_partitions_are_not_shared_between_accounts(cloud: ICloud) -> None:
    async with icloud() as other, at_icloud(cloud) as one:
        await one.events()
        async with at_icloud(other) as two:
            await two.events()
    assert {row[0] for row in other.asked} == {"main", "partition"}


async def test_a_home_on_a_foreign_host_never_gets_the_password(cloud: ICloud) -> None:
    seen: list[web.Request] = []

    async def listen(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(status=207)

    async with _answering(listen) as url:
        cloud.home_set = f"{url}calendars/"
        async with at_icloud(cloud) as dav:
            with pytest.raises(ProviderError) as caught:
                await dav.events()
        assert caught.value.kind is Kind.INVALID
        assert caught.value.violations[0][0] == "base_url"
    assert seen == []


async def test_a_redirect_to_a_foreign_host_never_gets_the_password(one_server: DavServer) -> None:
    seen: list[str] = []

    async def listen(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=207)

    async with _answering(listen) as foreign:

        async def mislead(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(foreign)

        async with _answering(mislead) as url:
            with pytest.raises(ProviderError) as caught:
                async with opened(one_server, url=url):
                    pass
    assert caught.value.kind is Kind.INVALID
    assert seen == []


@asynccontextmanager
async def _answering(handler: object) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)  # type: ignore[arg-type]
    async with served(app) as url:
        yield f"{url}/"


async def test_a_wrong_password_is_asked_for_once(cloud: ICloud) -> None:
    async with at_icloud(cloud, password="wrong") as dav:
        with pytest.raises(ProviderError) as caught:
            await dav.events()
    assert caught.value.kind is Kind.UNAUTHENTICATED
    assert len(cloud.asked) == 1, "a repeated 401 may lock the account"


async def test_entities_and_doubled_lines_are_read(cloud: ICloud, dav: World) -> None:
    """calendar-data with &#13; at its line ends, DTSTAMP twice, parameters with \\n."""
    cloud.store(f"{HOME}home/a%40b.ics", SERIES)
    (found,) = await dav.events()
    assert found.id == f"{HOME}home/|a@b.ics"
    assert (found.subject, found.location) == ("Dentist & co", "1 rue X\n75001 Paris")
    instances = await dav.instances(MONDAY, MONDAY + timedelta(days=30))
    assert len(instances) == 3


async def test_p76_the_collection_inside_its_changes(cloud: ICloud, dav: World) -> None:
    cloud.store(f"{HOME}home/one.ics", SERIES)
    query = ChangesQuery(kind=EVENT, calendar_id=dav.calendar_id)
    page = await dav.provider.list_changes(dav.call, query)
    assert [c.id for c in page.changes] == [f"{HOME}home/|one.ics"]
    cloud.store(f"{HOME}home/two.ics", SERIES.replace("2F0A", "2F0B"))
    cloud.drop(f"{HOME}home/one.ics")
    query = ChangesQuery(kind=EVENT, calendar_id=dav.calendar_id, cursor=page.cursor)
    page = await dav.provider.list_changes(dav.call, query)
    assert [(c.type, c.id) for c in page.changes] == [
        (watch_pb2.CHANGE_TYPE_UPSERTED, f"{HOME}home/|two.ics"),
        (watch_pb2.CHANGE_TYPE_DELETED, f"{HOME}home/|one.ics"),
    ]
    cloud.dead += 1
    query = ChangesQuery(kind=EVENT, calendar_id=dav.calendar_id, cursor=page.cursor)
    with pytest.raises(ProviderError) as caught:
        await dav.provider.list_changes(dav.call, query)
    assert caught.value.kind is Kind.CURSOR_EXPIRED


async def test_p74_filters_name_the_components(cloud: ICloud, dav: World) -> None:
    cloud.store(f"{HOME}home/one.ics", SERIES)
    assert len(await dav.events()) == 1
    assert len(await dav.events(MONDAY, MONDAY + timedelta(days=7))) == 1


async def test_a_write_without_an_etag_in_its_answer(cloud: ICloud, dav: World) -> None:
    made = await dav.create(timed(MONDAY, subject="One"))
    assert made.etag == '"mgx1"'
    changed = (await dav.update(made.id, "subject", subject="Two")).event
    assert (changed.subject, changed.etag) == ("Two", '"mgx2"')
    with pytest.raises(ProviderError) as caught:
        await dav.update(made.id, "subject", subject="Three", etag=made.etag)
    assert caught.value.kind is Kind.CONFLICT


async def test_an_event_always_has_an_end(cloud: ICloud, dav: World) -> None:
    """iCloud refuses events without DTEND and DURATION."""
    event = timed(MONDAY, 0)
    made = await dav.create(event)
    assert made.end_at == made.start_at
    cloud.store(
        f"{HOME}home/no-end.ics", SERIES.replace("DTEND;TZID=Europe/Paris:20270308T110000\n", "")
    )
    await dav.update(f"{HOME}home/|no-end.ics", "start_at end_at", 3, **_times(timed(MONDAY)))


def _times(event: event_pb2.Event) -> dict[str, types_pb2.EventTime]:
    event.start_at.time_zone = event.end_at.time_zone = "Europe/Paris"
    return {"start_at": event.start_at, "end_at": event.end_at}


async def test_one_uid_in_two_calendars_is_refused(cloud: ICloud, dav: World) -> None:
    request_id = "6f1c9d1e-5a63-4d0e-9b7e-2f6c1b9f8a11"
    await dav.create(timed(MONDAY), request_id=request_id)
    with pytest.raises(ProviderError) as caught:
        await dav.create(timed(MONDAY, calendar_id=f"{HOME}work/"), request_id=request_id)
    assert caught.value.kind is Kind.ALREADY_EXISTS


async def test_busy_time_without_free_busy_query(cloud: ICloud, dav: World) -> None:
    await dav.create(timed(MONDAY))
    request = busy_pb2.ListBusyRequest(window=window(MONDAY, MONDAY + timedelta(days=1)))
    answer = await dav.provider.list_busy(dav.call, request)
    assert len(answer.busy) == 1


async def test_a_207_with_a_failed_part_is_a_failure(cloud: ICloud, dav: World) -> None:
    """The cause is told, not what failed because of it (424)."""
    request = C.UpdateCalendarRequest(
        id=dav.calendar_id,
        calendar=C.Calendar(name="New", description="Refused"),
        update_mask={"paths": ["name", "description"]},
    )
    with pytest.raises(ProviderError) as caught:
        await dav.provider.update_calendar(dav.call, request)
    assert caught.value.kind is Kind.FORBIDDEN


async def test_a_new_calendar_has_a_new_name(cloud: ICloud, dav: World) -> None:
    """A name that was used before shows old events for a while."""
    request = C.CreateCalendarRequest(calendar=C.Calendar(name="Team"))
    one = (await dav.provider.create_calendar(dav.call, request)).calendar
    other = (await dav.provider.create_calendar(dav.call, request)).calendar
    assert one.id != other.id
    assert len(one.id.rstrip("/").rpartition("/")[2]) == 36


async def test_throttling_is_waited_out(cloud: ICloud, dav: World) -> None:
    cloud.throttle = 1
    assert await dav.events() == []


# -- discovery of other servers


async def test_the_well_known_url_leads_where_the_base_url_does_not(one_server: DavServer) -> None:
    """RFC 6764: 404 at the base URL, a redirect at the well-known one, followed as PROPFIND."""
    methods: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        methods.append((request.method, request.path))
        if request.path == "/.well-known/caldav":
            raise web.HTTPMovedPermanently(one_server.url)
        return web.Response(status=404)

    real = one_server.url.removeprefix("http://").rstrip("/")
    async with (
        _answering(answer) as url,
        opened(one_server, url=f"{url}somewhere/", hosts=(real,)) as dav,
    ):
        assert await dav.events() == []
    assert methods == [("PROPFIND", "/somewhere/"), ("PROPFIND", "/.well-known/caldav")]


async def test_a_server_that_is_none_is_told(one_server: DavServer) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=404)

    async with _answering(answer) as url:
        with pytest.raises(ProviderError) as caught:
            async with opened(one_server, url=url):
                pass
    assert (caught.value.kind, caught.value.reason) == (Kind.PRECONDITION, "CALDAV_NOT_FOUND")


async def test_the_subclass_is_what_differs(one_server: DavServer) -> None:
    assert AppleICloud.__mro__[1] is CalDav
    assert AppleICloud.base_url == "https://caldav.icloud.com/"
    assert set(AppleICloud.allowed_hosts) == {".icloud.com", ".icloud.com.cn"}
