"""Four clients that are not ours drive the double: what they take for Google, we may too.

google-api-python-client, gcsa and google-apps-meet come with the extra `strangers`; the Node client
is used where `node` and the package `@googleapis/calendar` are (npm, found through NODE_PATH).
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.providers.google import spec
from tests.providers.google.desk import BERLIN
from tests.providers.google.double import Google
from tests.providers.google.double.tokens import TOKEN
from tests.providers.google.double.world import ADA

pytestmark = pytest.mark.stranger
START = datetime(2026, 10, 20, 14, 10, tzinfo=BERLIN)


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    async with Google() as found:
        yield found
        spec.check_all(found.journal)


def _service(google: Google, name: str = "calendar.v3") -> Any:
    """Google's client for Python, pointed at the double."""
    discovery = pytest.importorskip("googleapiclient.discovery", reason="extra: strangers")
    from google.oauth2.credentials import Credentials

    folder = resources.files("googleapiclient").joinpath("discovery_cache", "documents")
    document = json.loads(folder.joinpath(f"{name}.json").read_text())
    document["rootUrl"] = document["baseUrl"] = f"{google.url}/"
    for key in [key for key in document if key.startswith("mtls")]:
        del document[key]
    return discovery.build_from_document(document, credentials=Credentials(TOKEN))


async def _in_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


def _times(start: datetime, minutes: int = 30) -> dict[str, Any]:
    zone = {"timeZone": "Europe/Berlin"}
    end = start + timedelta(minutes=minutes)
    return {
        "start": {"dateTime": start.isoformat(), **zone},
        "end": {"dateTime": end.isoformat(), **zone},
    }


async def test_googles_client_for_python(google: Google) -> None:
    def work() -> None:
        from googleapiclient.errors import HttpError

        with _service(google) as api:
            body = {
                "summary": "Weekly",
                "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
                "attendees": [{"email": "cid@example.net"}],
                **_times(START),
            }
            made = api.events().insert(calendarId="primary", body=body, sendUpdates="all").execute()
            request = api.events().patch(
                calendarId="primary", eventId=made["id"], body={"location": "Room 4"}
            )
            request.headers["If-Match"] = made["etag"]
            request.execute()
            with pytest.raises(HttpError) as caught:
                request.execute()
            assert caught.value.resp.status == 412
            found = api.events().instances(calendarId="primary", eventId=made["id"]).execute()
            assert [e["start"]["dateTime"] for e in found["items"]][:2] == [
                "2026-10-20T14:10:00+02:00", "2026-10-27T14:10:00+01:00",
            ]  # fmt: skip
            api.events().delete(calendarId="primary", eventId=found["items"][1]["id"]).execute()
            _sync(api, made["id"])
            asked = {
                "timeMin": "2026-10-19T00:00:00Z",
                "timeMax": "2026-11-13T00:00:00Z",
                "items": [{"id": ADA}, {"id": "nobody@example.com"}],
            }
            busy = api.freebusy().query(body=asked).execute()["calendars"]
            assert len(busy[ADA]["busy"]) == 3
            assert busy["nobody@example.com"]["errors"][0]["reason"] == "notFound"

    await _in_thread(work)
    assert google.world.mails[0]["to"] == ["cid@example.net"]


def _sync(api: Any, master: str) -> None:
    items, request = [], api.events().list(calendarId="primary", maxResults=1)
    while request is not None:
        answer = request.execute()
        items += answer["items"]
        request = api.events().list_next(request, answer)
    assert [e["status"] for e in items] == ["confirmed", "cancelled"]
    assert items[1]["recurringEventId"] == master
    token = answer["nextSyncToken"]
    api.events().quickAdd(calendarId="primary", text="Lunch").execute()
    changed = api.events().list(calendarId="primary", syncToken=token).execute()
    assert [e["summary"] for e in changed["items"]] == ["Lunch"]


async def test_googles_client_sends_batches(google: Google) -> None:
    def work() -> dict[str, Any]:
        with _service(google) as api:
            answers: dict[str, Any] = {}

            def keep(own_id: str, answer: Any, error: Any) -> None:
                answers[own_id] = error.resp.status if error else answer["summary"]

            batch = api.new_batch_http_request(callback=keep)
            for number in range(5):
                body = {"summary": f"Number {number}", **_times(START)}
                request = api.events().insert(calendarId="primary", body=body)
                batch.add(request, request_id=str(number))
            request = api.events().get(calendarId="primary", eventId="nothere")
            batch.add(request, request_id="missing")
            batch.execute()
            return answers

    answers = await _in_thread(work)
    assert answers == {**{str(n): f"Number {n}" for n in range(5)}, "missing": 404}


async def test_googles_client_and_the_directory(google: Google) -> None:
    def work() -> list[str]:
        with _service(google, "admin.directory_v1") as api:
            rooms = api.resources().calendars()
            found = rooms.list(customer="my_customer", query='buildingId="BER-1"').execute()
            return [each["resourceName"] for each in found["items"]]

    assert await _in_thread(work) == ["Aquarium", "Bibliothek", "Forum"]


async def test_gcsa(google: Google) -> None:
    calendar = pytest.importorskip("gcsa.google_calendar", reason="gcsa (extra: strangers)")

    def work() -> None:
        from gcsa.conference import ConferenceSolutionCreateRequest
        from gcsa.event import Event
        from gcsa.recurrence import DAILY, Recurrence
        from google.oauth2.credentials import Credentials

        gc = calendar.GoogleCalendar(ADA, credentials=Credentials(TOKEN))
        gc.service.close()
        gc.service = _service(google)
        made = gc.add_event(
            Event(
                "Standup",
                start=START,
                end=START + timedelta(minutes=15),
                timezone="Europe/Berlin",
                recurrence=Recurrence.rule(freq=DAILY, count=3),
                attendees=["cid@example.net"],
                minutes_before_popup_reminder=10,
                conference_solution=ConferenceSolutionCreateRequest("hangoutsMeet"),
            )
        )
        assert made.conference_solution.entry_points[0].uri.startswith("https://meet.google.com/")
        made.location = "Room 4"
        assert gc.update_event(made).location == "Room 4"
        window = {"time_min": START - timedelta(days=1), "time_max": START + timedelta(days=9)}
        expanded = list(gc.get_events(**window, single_events=True, order_by="startTime"))
        assert [e.start for e in expanded] == [START + timedelta(days=n) for n in range(3)]
        assert len(list(gc.get_instances(made, **window))) == 3
        assert gc.get_event(made.event_id).summary == "Standup"
        busy = gc.get_free_busy(**window).calendars[ADA]
        assert len(busy) == 3
        gc.delete_event(made)
        assert list(gc.get_events(**window)) == []
        assert [c.summary for c in gc.get_calendar_list()] == ["Ada"]
        gc.service.close()

    await _in_thread(work)


async def test_googles_client_for_meet(google: Google) -> None:
    meet_v2 = pytest.importorskip("google.apps.meet_v2", reason="google-apps-meet")
    start = datetime(2026, 10, 12, 16, 0, 4, 918273, tzinfo=BERLIN)
    meet = google.meet
    for number in range(3):
        name = meet.hold(meet.space("abc-mnop-xyz"), start - timedelta(days=number))
        meet.record(name, start)
        transcript = meet.transcribe(name, start)
        who = meet.join(name, "signedinUser", "Ada", start)
        meet.say(transcript, who, f"Word {number}", start)

    def work() -> None:
        from google.apps.meet_v2.services.conference_records_service import transports
        from google.apps.meet_v2.services.spaces_service import transports as spaces
        from google.oauth2.credentials import Credentials

        shared = {
            "host": google.url.removeprefix("http://"),
            "url_scheme": "http",
            "credentials": Credentials(TOKEN),
        }
        api = meet_v2.ConferenceRecordsServiceClient(
            transport=transports.ConferenceRecordsServiceRestTransport(**shared)
        )
        records = list(
            api.list_conference_records(
                meet_v2.ListConferenceRecordsRequest(
                    page_size=2, filter='space.meeting_code = "abc-mnop-xyz"'
                )
            )
        )
        assert len(records) == 3
        newest = records[0].name
        (recording,) = api.list_recordings(parent=newest)
        assert recording.state == meet_v2.Recording.State.FILE_GENERATED
        (transcript,) = api.list_transcripts(parent=newest)
        (entry,) = api.list_transcript_entries(parent=transcript.name)
        assert entry.text == "Word 0"
        (person,) = api.list_participants(parent=newest)
        assert person.signedin_user.display_name == "Ada"
        rooms = meet_v2.SpacesServiceClient(transport=spaces.SpacesServiceRestTransport(**shared))
        made = rooms.create_space(meet_v2.CreateSpaceRequest(space=meet_v2.Space()))
        assert rooms.get_space(name=made.name).meeting_code == made.meeting_code
        api.transport.close()
        rooms.transport.close()

    await _in_thread(work)


async def test_googles_client_for_node(google: Google) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    found = await _in_thread(
        lambda: subprocess.run(
            [node, "-e", "require.resolve('@googleapis/calendar')"],
            check=False,
            capture_output=True,
        )
    )
    if found.returncode:
        pytest.skip("the npm package @googleapis/calendar is not installed (NODE_PATH)")
    script = str(Path(__file__).with_name("node_reads.js"))
    ran = await _in_thread(
        lambda: subprocess.run(
            [node, script, google.url, TOKEN], check=False, capture_output=True, timeout=60
        )
    )
    assert ran.returncode == 0, ran.stderr.decode()
    told = json.loads(ran.stdout)
    assert told["link"].startswith("https://meet.google.com/")
    assert told["instances"][:2] == ["2026-10-20T14:10:00+02:00", "2026-10-27T14:10:00+01:00"]
    assert told["listed"] == ["Room 4"]
    assert told["again"] == 0
    assert told["busy"] == [{"start": "2026-10-20T12:10:00Z", "end": "2026-10-20T12:40:00Z"}]
    assert told["missing"] == 404
    assert told["calendars"] == ["Ada"]
