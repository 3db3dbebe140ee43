"""Lists of Google's events: through the service, and by Google's client and gcsa in-process.

All ask for the same fields of the same events, and get the same bytes from memory.
"""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import resources
from typing import Any

import grpc
import httpx
from gcsa.google_calendar import GoogleCalendar
from google.oauth2.credentials import Credentials
from googleapiclient import discovery

from benchmarks.listings import library, repeats, through
from benchmarks.paired import Measure, Ratio, interleaved, ratio
from benchmarks.processes import started
from benchmarks.suite_service import service
from providers.core.http import Reply
from providers.google import reading
from tests.providers.google.double import Google, events
from tests.providers.google.double.tokens import TOKEN
from tests.providers.google.double.world import ADA
from ucal.v1 import event_pb2

SIZES = (50, 250, 2_500)
_FIRST, _LAST = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
_SETTINGS = """\
listen = "127.0.0.1:0"
http_listen = ""
store = "memory:"
log_level = "warning"

[providers.google_calendar]
requests_per_minute = "0"

[[connections]]
id = "bench"
provider = "google_calendar"
base_url = "http://127.0.0.1:{port}/calendar/v3"
credentials = {{ access_token = "{token}" }}
"""
_LINK = "https://meet.google.com/abc-defg-hij"
_CALL = {
    "conferenceId": "abc-defg-hij",
    "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
    "entryPoints": [
        {"entryPointType": "video", "uri": _LINK, "label": "meet.google.com/abc-defg-hij"},
        {"entryPointType": "phone", "uri": "tel:+49-30-5550100", "regionCode": "DE", "pin": "123"},
    ],
}


def _calendar(size: int) -> str:
    return f"bench{size}@group.calendar.google.com"


def _body(number: int) -> dict[str, Any]:
    start = _FIRST + timedelta(hours=3 * number)
    times = {
        name: {"dateTime": when.isoformat(), "timeZone": "Europe/Berlin"}
        for name, when in (("start", start), ("end", start + timedelta(minutes=45)))
    }
    body = {
        "summary": f"Meeting {number} about the state of things",
        "description": "A few lines, as people write them.\nAgenda: what was done; what comes.",
        "location": f"Room {number % 12}",
        "attendees": [
            {"email": ADA, "responseStatus": "accepted"},
            {"email": "ben@example.com", "displayName": "Ben Example"},
            {"email": "cleo@example.com", "displayName": "Cleo Example", "optional": True},
        ],
        **times,
    }
    if number % 5 == 0:
        body["recurrence"] = ["RRULE:FREQ=WEEKLY;COUNT=4"]
    return body


def _fill(google: Google, size: int) -> None:
    """A calendar of `size`: a fifth of them series, half of them with a call."""
    own_id = _calendar(size)
    calendar = google.world.add_calendar(own_id, "Bench", "Europe/Berlin", ADA)
    for number in range(size):
        entry = events.insert(google.world, calendar, _body(number), {})
        if number % 2 == 0:
            entry.data |= {"conferenceData": _CALL, "hangoutLink": _LINK}


def _query(size: int) -> dict[str, Any]:
    return {"maxResults": size, "fields": reading.page_fields(), "prettyPrint": False}


def _client(url: str) -> Any:
    """Google's client for Python, pointed at `url`."""
    folder = resources.files("googleapiclient").joinpath("discovery_cache", "documents")
    document = json.loads(folder.joinpath("calendar.v3.json").read_text())
    document["rootUrl"] = document["baseUrl"] = url
    for key in [key for key in document if key.startswith("mtls")]:
        del document[key]
    return discovery.build_from_document(document, credentials=Credentials(TOKEN))


def _of_google(client: Any, size: int) -> Callable[[], list[str | None]]:
    window = {"timeMin": _FIRST.isoformat(), "timeMax": _LAST.isoformat()}

    def titles() -> list[str | None]:
        asked = client.events().list(calendarId=_calendar(size), **window, **_query(size))
        return [event["summary"] for event in asked.execute()["items"]]

    return titles


def _of_gcsa(calendar: GoogleCalendar, size: int) -> Callable[[], list[str | None]]:
    def titles() -> list[str | None]:
        found = calendar.get_events(
            _FIRST, _LAST, timezone="UTC", calendar_id=_calendar(size), **_query(size)
        )
        return [event.summary for event in found]

    return titles


def _request(size: int) -> event_pb2.ListEventsRequest:
    request = event_pb2.ListEventsRequest(
        connection_id="bench", calendar_id=_calendar(size), page_size=size
    )
    request.window.start_at.FromDatetime(_FIRST)
    request.window.end_at.FromDatetime(_LAST)
    return request


def _page(url: str, size: int) -> Reply:
    """The page that all read, as it comes from the provider."""
    params = {"timeMin": _FIRST.isoformat(), "timeMax": _LAST.isoformat(), **_query(size)}
    found = httpx.get(
        f"{url}calendar/v3/calendars/{_calendar(size)}/events",
        params=params,
        headers={"Authorization": f"Bearer {TOKEN}"},
        trust_env=False,
        timeout=60,
    )
    return Reply(found.status_code, found.headers, found.content, url)


def _timed(work: Callable[[], object], size: int) -> Measure:
    """Milliseconds of CPU: nothing here waits."""

    async def measure() -> float:
        begin = time.thread_time()
        for _ in range(repeats(size)):
            work()
        return (time.thread_time() - begin) / repeats(size) * 1000

    return measure


def _transform(page: Reply, size: int) -> Callable[[], object]:
    def work() -> None:
        target = event_pb2.ListEventsResponse()
        reading.fill_page(
            target.events, page, "bench", _calendar(size), expanded=False, canceled=False, raw=False
        )
        if len(target.events) != size:
            raise RuntimeError("the transform lost events")

    return work


def _rows(found: dict[str, list[float]], size: int) -> list[Ratio]:
    ours = found[f"ours {size}"]
    same = ratio(f"A/A: service / service, {size:,}", ours, found[f"again {size}"])
    noise = abs(same.median - 1)
    client, gcsa, json_loads = (found[f"{name} {size}"] for name in ("client", "gcsa", "loads"))
    transform = found[f"transform {size}"]
    return [
        ratio(f"{size:,} events: gcsa / service", gcsa, ours, ">= 8", "ms"),
        ratio(
            f"{size:,} events: google-api-python-client / service",
            client,
            ours,
            f">= {1 - noise:.3f}",
            "ms",
        ),
        same,
        ratio(f"{size:,} events: transform / json.loads", transform, json_loads, "<= 1.5", "ms"),
    ]


async def run(rounds: int) -> list[Ratio]:
    """The figures."""
    async with Google() as google, started("benchmarks.replay", google.url) as upstream:
        url = f"http://127.0.0.1:{upstream.port}/"
        client = _client(url)
        gcsa = GoogleCalendar(ADA, credentials=Credentials(TOKEN))
        gcsa.service.close()
        gcsa.service = _client(url)
        settings = _SETTINGS.format(port=upstream.port, token=TOKEN)
        async with (
            service(settings) as ours,
            grpc.aio.insecure_channel(f"127.0.0.1:{ours.port}") as channel,
        ):
            contestants: dict[str, Measure] = {}
            for size in SIZES:
                _fill(google, size)
                listed = through(channel, _request(size), size)
                contestants |= {
                    f"client {size}": library("the client", _of_google(client, size), size),
                    f"gcsa {size}": library("gcsa", _of_gcsa(gcsa, size), size),
                    f"ours {size}": listed,
                    f"again {size}": listed,
                }
            for first in list(contestants.values()):
                await first()
            found = await interleaved(contestants, rounds)
        pages = {size: await asyncio.to_thread(_page, google.url + "/", size) for size in SIZES}
    codecs = {}
    for size, page in pages.items():
        codecs[f"transform {size}"] = _timed(_transform(page, size), size)
        codecs[f"loads {size}"] = _timed(partial(json.loads, page.content), size)
    found |= await interleaved(codecs, rounds)
    return [row for size in SIZES for row in _rows(found, size)]
