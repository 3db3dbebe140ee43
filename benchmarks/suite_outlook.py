"""Views of Outlook's events: through the service, and by msgraph-sdk and O365 in-process.

All ask for the same properties of the same events, and get the same bytes from memory.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import httpx
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.graph_request_adapter import GraphRequestAdapter
from O365 import Account
from O365.calendar import Calendar
from O365.connection import MSGraphProtocol
from O365.utils import EnvTokenBackend
from requests import Session

from benchmarks.listings import awaited, library, through
from benchmarks.paired import Measure, Ratio, interleaved, ratio
from benchmarks.processes import started
from benchmarks.suite_service import service
from providers.microsoft import reading
from providers.microsoft.event_parse import METADATA_ID
from tests.providers.microsoft.double import Graph, events
from tests.providers.microsoft.double.tokens import TOKEN
from tests.providers.microsoft.double.world import ADA
from ucal.v1 import event_pb2

SIZES = (50, 250)
_FIRST, _LAST = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
_SETTINGS = """\
listen = "127.0.0.1:0"
http_listen = ""
store = "memory:"
log_level = "warning"

[[connections]]
id = "bench"
provider = "outlook"
base_url = "http://127.0.0.1:{port}/v1.0"
credentials = {{ access_token = "{token}" }}
"""
# As the service asks, so that all read the same bytes.
_SELECT = reading.selection([*reading.names_of(()), "recurrence"])
_EXPAND = f"singleValueExtendedProperties($filter=id eq '{METADATA_ID}')"


def _body(number: int) -> dict[str, Any]:
    start = datetime(2027, 1, 4, 9) + timedelta(hours=3 * number)  # noqa: DTZ001 - beside its zone
    times = {
        name: {"dateTime": when.isoformat(), "timeZone": "W. Europe Standard Time"}
        for name, when in (("start", start), ("end", start + timedelta(minutes=45)))
    }
    guests = (("ben", "Ben", "required"), ("cleo", "Cleo", "optional"))
    return {
        "subject": f"Meeting {number} about the state of things",
        "body": {
            "contentType": "text",
            "content": "A few lines, as people write them.\nAgenda: what was done; what comes.",
        },
        "location": {"displayName": f"Room {number % 12}"},
        "attendees": [
            {
                "type": kind,
                "emailAddress": {"address": f"{word}@contoso.com", "name": f"{name} Example"},
            }
            for word, name, kind in guests
        ],
        "categories": ["Project"] if number % 3 == 0 else [],
        "isOnlineMeeting": number % 2 == 0,
        **times,
    }


def _fill(graph: Graph, size: int) -> str:
    """Id of a calendar with `size` instances: a fifth of them of one series, half with a call."""
    box = graph.world.mailboxes[ADA]
    calendar = box.add_calendar(f"bench {size}")
    planned = size // 5
    series = _body(0)
    series["recurrence"] = {
        "pattern": {"type": "daily", "interval": 1},
        "range": {
            "type": "numbered",
            "startDate": series["start"]["dateTime"][:10],
            "numberOfOccurrences": planned,
        },
    }
    events.create(box, calendar, series)
    for number in range(1, size - planned + 1):
        events.create(box, calendar, _body(number))
    return calendar.id


def _sdk(url: str, client: httpx.AsyncClient) -> GraphServiceClient:
    """Microsoft's client for Python, pointed at `url`."""
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client)
    adapter.base_url = f"{url}v1.0"
    return GraphServiceClient(request_adapter=adapter)


def _of_sdk(
    sdk: GraphServiceClient, calendar_id: str, size: int
) -> Callable[[], Awaitable[list[str | None]]]:
    view = sdk.users.by_user_id(ADA).calendars.by_calendar_id(calendar_id).calendar_view
    asked = RequestConfiguration(
        query_parameters=view.CalendarViewRequestBuilderGetQueryParameters(
            start_date_time=_FIRST.isoformat(),
            end_date_time=_LAST.isoformat(),
            select=_SELECT.split(","),
            expand=[_EXPAND],
            orderby=["start/dateTime"],
            top=size,
        )
    )

    async def titles() -> list[str | None]:
        found = await view.get(asked)
        return [event.subject for event in found.value]

    return titles


class _Selecting:
    """A query of O365 that names properties, and filters nothing."""

    def as_params(self) -> dict[str, str]:
        return {"$select": _SELECT, "$expand": _EXPAND}


def _account(url: str) -> Account:
    """python-o365, pointed at `url`. It keeps no token, the session has one, and never pauses."""

    class Here(MSGraphProtocol):
        _protocol_url = url

    account = Account(
        ("app", "secret"),
        protocol=Here(timezone=ZoneInfo("Europe/Berlin")),
        token_backend=EnvTokenBackend(),
        requests_delay=0,
    )
    account.con.session = Session()
    account.con.session.trust_env = False
    account.con.session.headers.update({"Authorization": f"Bearer {TOKEN}"})
    return account


def _of_o365(calendar: Calendar, size: int) -> Callable[[], list[str | None]]:
    def titles() -> list[str | None]:
        found = calendar.get_events(
            limit=size,
            query=_Selecting(),
            order_by="start/dateTime",
            start_recurring=_FIRST,
            end_recurring=_LAST,
        )
        return [event.subject for event in found]

    return titles


def _request(calendar_id: str, size: int) -> event_pb2.ListEventsRequest:
    request = event_pb2.ListEventsRequest(
        connection_id="bench", calendar_id=calendar_id, page_size=size, expand_recurring=True
    )
    request.window.start_at.FromDatetime(_FIRST)
    request.window.end_at.FromDatetime(_LAST)
    return request


def _rows(found: dict[str, list[float]], size: int) -> list[Ratio]:
    sdk, o365, ours = (found[f"{name} {size}"] for name in ("sdk", "o365", "ours"))
    return [
        ratio(f"{size} events: msgraph-sdk / service", sdk, ours, ">= 100", "ms"),
        ratio(f"{size} events: O365 / service", o365, ours, ">= 10", "ms"),
        ratio(f"A/A: service / service, {size}", ours, found[f"again {size}"]),
    ]


async def run(rounds: int) -> list[Ratio]:
    """The figures."""
    async with (
        Graph() as graph,
        started("benchmarks.replay", graph.url) as upstream,
        httpx.AsyncClient(
            headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=60
        ) as client,
    ):
        url = f"http://127.0.0.1:{upstream.port}/"
        sdk, account = _sdk(url, client), _account(url)
        settings = _SETTINGS.format(port=upstream.port, token=TOKEN)
        async with (
            service(settings) as ours,
            grpc.aio.insecure_channel(f"127.0.0.1:{ours.port}") as channel,
        ):
            contestants: dict[str, Measure] = {}
            for size in SIZES:
                own_id = _fill(graph, size)
                calendar = await asyncio.to_thread(account.schedule().get_calendar, own_id)
                listed = through(channel, _request(own_id, size), size)
                contestants |= {
                    f"sdk {size}": awaited("msgraph-sdk", _of_sdk(sdk, own_id, size), size),
                    f"o365 {size}": library("O365", _of_o365(calendar, size), size),
                    f"ours {size}": listed,
                    f"again {size}": listed,
                }
            for first in list(contestants.values()):
                await first()
            found = await interleaved(contestants, rounds)
        account.con.session.close()
    return [row for size in SIZES for row in _rows(found, size)]
