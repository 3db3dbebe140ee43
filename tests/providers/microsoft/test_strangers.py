"""Three clients that are not ours drive the double: what they take for Graph, we may too.

msgraph-sdk and O365 come with the extra `strangers`; the JavaScript client is used where `node` and
the package `@microsoft/microsoft-graph-client` are (npm, found through NODE_PATH).
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from providers.core.push import Delivery
from providers.microsoft import webhook
from tests.loopback import served
from tests.providers.microsoft import spec
from tests.providers.microsoft.desk import BERLIN
from tests.providers.microsoft.double import Graph
from tests.providers.microsoft.double.tokens import TOKEN
from tests.providers.microsoft.double.world import ADA

pytestmark = [pytest.mark.stranger, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
SECRET = "of this connection"
START = datetime(2026, 10, 20, 14, 10, tzinfo=BERLIN)


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with Graph() as found:
        yield found
        spec.check_all(found.journal, bodies=False)


# -- msgraph-sdk


@asynccontextmanager
async def _sdk(graph: Graph) -> AsyncIterator[Any]:
    """Microsoft's client for Python, pointed at the double."""
    msgraph = pytest.importorskip("msgraph", reason="extra: strangers")
    import httpx
    from kiota_abstractions.authentication import AnonymousAuthenticationProvider
    from msgraph.graph_request_adapter import GraphRequestAdapter

    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client)
        adapter.base_url = graph.base_url
        yield msgraph.GraphServiceClient(request_adapter=adapter)


def _event(**fields: Any) -> Any:
    from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
    from msgraph.generated.models.event import Event

    end = START + timedelta(minutes=30)
    times = {
        name: DateTimeTimeZone(date_time=f"{when:%Y-%m-%dT%H:%M:%S}", time_zone="Europe/Berlin")
        for name, when in (("start", START), ("end", end))
    }
    return Event(**{**times, **fields})


def _weekly() -> Any:
    from datetime import date

    from msgraph.generated.models.day_of_week import DayOfWeek
    from msgraph.generated.models.patterned_recurrence import PatternedRecurrence
    from msgraph.generated.models.recurrence_pattern import RecurrencePattern
    from msgraph.generated.models.recurrence_pattern_type import RecurrencePatternType
    from msgraph.generated.models.recurrence_range import RecurrenceRange
    from msgraph.generated.models.recurrence_range_type import RecurrenceRangeType

    return PatternedRecurrence(
        pattern=RecurrencePattern(
            type=RecurrencePatternType.Weekly, interval=1, days_of_week=[DayOfWeek.Tuesday]
        ),
        range=RecurrenceRange(
            type=RecurrenceRangeType.Numbered,
            start_date=date(2026, 10, 20),
            number_of_occurrences=4,
        ),
    )


def _asking(builder: Any, **parameters: Any) -> Any:
    """A configuration of the query parameters that a request builder has."""
    names = [name for name in dir(builder) if name.endswith("GetQueryParameters")]
    from kiota_abstractions.base_request_configuration import RequestConfiguration

    return RequestConfiguration(query_parameters=getattr(builder, names[0])(**parameters))


async def test_the_sdk_lists_views_creates_and_changes(graph: Graph) -> None:
    async with _sdk(graph) as client:
        me = client.users.by_user_id(ADA)
        made = await me.events.post(_event(subject="Weekly", recurrence=_weekly()))
        assert made.original_start_time_zone == "W. Europe Standard Time"
        assert made.recurrence.range.number_of_occurrences == 4
        await me.events.by_event_id(made.id).patch(_event(subject="Renamed"))
        listed = await me.events.get()
        assert [e.subject for e in listed.value] == ["Renamed"]
        view = await me.calendar_view.get(
            _asking(
                me.calendar_view,
                start_date_time="2026-10-01T00:00:00Z",
                end_date_time="2026-12-01T00:00:00Z",
            )
        )
        assert [e.start.date_time[:16] for e in view.value] == [
            "2026-10-20T12:10",
            "2026-10-27T13:10",
            "2026-11-03T13:10",
            "2026-11-10T13:10",
        ]
        assert {e.series_master_id for e in view.value} == {made.id}
        await me.events.by_event_id(view.value[1].id).delete()
        series = await me.events.by_event_id(made.id).instances.get(
            _asking(
                me.events.by_event_id(made.id).instances,
                start_date_time="2026-10-01T00:00:00Z",
                end_date_time="2026-12-01T00:00:00Z",
            )
        )
        assert len(series.value) == 3


async def test_the_sdk_follows_changes(graph: Graph) -> None:
    async with _sdk(graph) as client:
        me = client.users.by_user_id(ADA)
        made = await me.events.post(_event(subject="One"))
        first = await me.calendar_view.delta.get(
            _asking(
                me.calendar_view.delta,
                start_date_time="2026-10-01T00:00:00Z",
                end_date_time="2026-12-01T00:00:00Z",
            )
        )
        assert [e.subject for e in first.value] == ["One"]
        await me.events.by_event_id(made.id).delete()
        after = await me.calendar_view.delta.with_url(first.odata_delta_link).get()
        assert [(e.id, e.additional_data["@removed"]["reason"]) for e in after.value] == [
            (made.id, "deleted")
        ]


async def test_the_sdk_asks_for_schedules(graph: Graph) -> None:
    async with _sdk(graph) as client:
        me = client.users.by_user_id(ADA)
        from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
        from msgraph.generated.users.item.calendar.get_schedule.get_schedule_post_request_body import (  # noqa: E501
            GetSchedulePostRequestBody,
        )

        await me.events.post(_event(subject="Lunch"))
        body = GetSchedulePostRequestBody(
            schedules=[ADA, "nobody@contoso.com"],
            start_time=DateTimeTimeZone(date_time="2026-10-20T00:00:00", time_zone="UTC"),
            end_time=DateTimeTimeZone(date_time="2026-10-21T00:00:00", time_zone="UTC"),
            availability_view_interval=60,
        )
        found = await me.calendar.get_schedule.post(body)
        assert [len(s.schedule_items) for s in found.value] == [1, 0]
        assert found.value[0].availability_view.count("2") == 1
        assert found.value[1].error.response_code == "ErrorMailRecipientNotFound"


@asynccontextmanager
async def _hook(*, right: bool = True) -> AsyncIterator[str]:
    """A webhook that answers handshakes as the ingress does; URL."""

    async def answer(request: web.Request) -> web.Response:
        delivery = Delivery({}, await request.read(), dict(request.query))
        token = webhook.handshake(delivery, SECRET) or b""
        return web.Response(text=token.decode() if right else "something else")

    app = web.Application()
    app.router.add_post("/graph", answer)
    async with served(app) as url:
        yield webhook.address_of(f"{url.replace('http:', 'https:')}/graph", "topic", SECRET)


async def test_the_sdk_subscribes(graph: Graph) -> None:
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError
    from msgraph.generated.models.subscription import Subscription

    def ask(url: str, days: float = 6) -> Any:
        return Subscription(
            change_type="created,updated,deleted",
            notification_url=url,
            resource="/me/events",
            client_state=webhook.client_state(SECRET),
            expiration_date_time=datetime.now(UTC) + timedelta(days=days),
        )

    async with _sdk(graph) as client, _hook() as url, _hook(right=False) as wrong:
        with pytest.raises(ODataError) as caught:
            await client.subscriptions.post(ask(wrong))
        assert caught.value.error.code == "ValidationError"
        made = await client.subscriptions.post(ask(url))
        assert made.client_state is None
        with pytest.raises(ODataError) as caught:
            await client.subscriptions.post(ask(url))
        assert caught.value.response_status_code == 409
        listed = await client.subscriptions.get()
        assert [each.id for each in listed.value] == [made.id]
        assert listed.value[0].notification_url == url
        later = Subscription(expiration_date_time=datetime.now(UTC) + timedelta(days=6.5))
        renewed = await client.subscriptions.by_subscription_id(made.id).patch(later)
        assert renewed.expiration_date_time > made.expiration_date_time
        await client.subscriptions.by_subscription_id(made.id).delete()
        with pytest.raises(ODataError):
            await client.subscriptions.post(ask(url, days=8))


# -- O365


def _account(graph: Graph) -> Any:
    """python-o365, pointed at the double. It keeps no token: the session has one."""
    pytest.importorskip("O365", reason="extra: strangers")
    from O365 import Account
    from O365.connection import MSGraphProtocol
    from O365.utils import EnvTokenBackend
    from requests import Session

    class Here(MSGraphProtocol):
        _protocol_url = f"{graph.url}/"

    account = Account(
        ("app", "secret"),
        protocol=Here(timezone=BERLIN),
        token_backend=EnvTokenBackend(),
    )
    account.con.session = Session()
    account.con.session.headers.update({"Authorization": f"Bearer {TOKEN}"})
    return account


async def test_o365(graph: Graph) -> None:
    def work() -> None:
        account = _account(graph)
        calendar = account.schedule().get_default_calendar()
        assert calendar.name == "Calendar"
        event = calendar.new_event(subject="Weekly")
        event.start, event.end = START, START + timedelta(minutes=30)
        event.attendees.add("cid@example.net")
        event.recurrence.set_weekly(
            1,
            days_of_week=["tuesday"],
            first_day_of_week="monday",
            start=START.date(),
            occurrences=3,
        )
        assert event.save()
        found = list(
            calendar.get_events(
                start_recurring=datetime(2026, 10, 1, tzinfo=UTC),
                end_recurring=datetime(2026, 12, 1, tzinfo=UTC),
                limit=10,
            )
        )
        assert [e.start.astimezone(BERLIN).hour for e in found] == [14, 14, 14]
        event.location = "Room 4"
        assert event.save()
        found[1].delete()
        masters = list(calendar.get_events(include_recurring=False, limit=10))
        assert [(e.subject, e.location["displayName"]) for e in masters] == [("Weekly", "Room 4")]
        busy = account.schedule().get_availability(
            [ADA], start=datetime(2026, 10, 20, tzinfo=UTC), end=datetime(2026, 10, 21, tzinfo=UTC)
        )
        assert len(busy[0]["scheduleItems"]) == 1
        made = account.schedule().new_calendar("Team")
        assert made.name == "Team"
        assert made.delete()

    await asyncio.to_thread(work)


# -- JavaScript


async def test_microsofts_client_for_javascript(graph: Graph) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")

    def there() -> bool:
        found = subprocess.run(
            [node, "-e", "require.resolve('@microsoft/microsoft-graph-client')"],
            check=False,
            capture_output=True,
            timeout=60,
        )
        return found.returncode == 0

    if not await asyncio.to_thread(there):
        pytest.skip("the npm package @microsoft/microsoft-graph-client is not in NODE_PATH")
    script = str(Path(__file__).with_name("node_reads.js"))

    def work() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [node, script, graph.base_url, TOKEN], check=False, capture_output=True, timeout=60
        )

    done = await asyncio.to_thread(work)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {
        "zone": "W. Europe Standard Time",
        "starts": [
            "2026-10-20T14:10:00.0000000",
            "2026-10-27T14:10:00.0000000",
            "2026-11-03T14:10:00.0000000",
        ],
        "first": 4,
        "again": 0,
        "busy": 1,
        "missing": "404 ErrorItemNotFound",
    }
