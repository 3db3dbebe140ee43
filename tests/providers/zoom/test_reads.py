"""Reading meetings: lists, series, occurrences, what is a secret, whose calendar it is."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.core.errors import Kind
from tests.providers.desk import refused, window
from tests.providers.zoom.desk import BASE, Desk
from tests.providers.zoom.double.world import DANA, EVE
from ucal.v1 import calendar_pb2, event_pb2

_SERIES = {
    "topic": "Weekly",
    "type": 8,
    "start_time": f"{BASE:%Y-%m-%dT%H:%M:%S}",
    "timezone": "Europe/Berlin",
    "duration": 45,
    "agenda": "x" * 400,
    "recurrence": {"type": 2, "repeat_interval": 1, "weekly_days": "3", "end_times": 5},
}


def _plant(desk: Desk, **fields: object) -> str:
    body = {"topic": "One", "start_time": f"{BASE.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    return str(desk.zoom.world.create("meeting", DANA, {**body, **fields})["id"])


async def test_a_list_is_a_summary_and_says_so(desk: Desk) -> None:
    own_id = _plant(desk, **_SERIES)
    (found,) = await desk.listed()
    assert (found.id, found.calendar_id) == (own_id, DANA)
    assert len(found.description) == 250
    assert {"recurrence", "attendees", "organizer", "description"} <= set(
        found.unknown_fields.paths
    )
    (whole,) = await desk.listed(view=event_pb2.EVENT_VIEW_FULL)
    assert not whole.HasField("unknown_fields")
    assert len(whole.description) == 400
    assert list(whole.recurrence.rules) == ["RRULE:FREQ=WEEKLY;COUNT=5"]


async def test_a_series_is_found_by_its_occurrences(desk: Desk) -> None:
    """P43: it began before the window."""
    own_id = _plant(desk, **_SERIES)
    late = window(BASE + timedelta(days=20), days=2)
    assert [e.id for e in await desk.listed(window=late)] == [own_id]
    between = window(BASE + timedelta(days=22), days=2)
    assert await desk.listed(window=between) == []


async def test_occurrences_are_named_by_their_planned_start(desk: Desk) -> None:
    """P80, P83: ids are text; an occurrence's is its planned start and stays when it is moved."""
    own_id = _plant(desk, **_SERIES)
    data = desk.zoom.world.objects["meeting"][int(own_id)]
    moved = data["occurrences"][1]
    desk.zoom.world.update(
        "meeting",
        own_id,
        {"occurrence_id": moved["occurrence_id"]},
        {"start_time": f"{BASE + timedelta(days=6):%Y-%m-%dT%H:%M:%S}"},
    )
    data["occurrences"][3]["status"] = "deleted"
    found = await desk.instances(own_id)
    assert len(found) == 4
    assert [e.is_exception for e in found] == [False, True, False, False]
    assert found[1].id == f"{own_id}:{moved['occurrence_id']}"
    planned = found[1].original_start_at.timestamp.ToDatetime(UTC)
    assert planned == BASE + timedelta(days=7)
    again = await desk.get(found[1].id)
    assert again.start_at == found[1].start_at
    assert again.recurring_event_id == own_id
    everything = await desk.instances(own_id, include_canceled=True)
    assert everything[3].status == event_pb2.EVENT_STATUS_CANCELED
    series = await desk.get(own_id)
    assert [w.timestamp.ToDatetime(UTC) for w in series.recurrence.excluded] == [
        BASE + timedelta(days=21)
    ]


async def test_nobody_is_made_the_host(desk: Desk) -> None:
    """Trap 7: start_url and its key are in no answer, not even in raw."""
    own_id = _plant(desk)
    for found in [await desk.get(own_id, include_raw=True), *await desk.listed(include_raw=True)]:
        text = str(found)
        assert "host-secret" not in text
        assert "start_url" not in text
        assert found.raw.fields["__id"].string_value == own_id
        assert found.raw.fields["id"].number_value == int(own_id)


async def test_meetings_without_a_time_have_none(desk: Desk) -> None:
    own_id = _plant(desk, type=3)
    found = await desk.get(own_id)
    assert not found.HasField("start_at")
    assert not found.HasField("recurrence")
    assert found.provider_type == "recurring_without_fixed_time"
    assert await desk.listed(window=window(datetime.now(UTC), days=900)) == []


async def test_a_user_is_called_me_and_others_by_their_id(desk: Desk) -> None:
    """Zoom takes a user's own id under a user's token for a stranger's."""
    _plant(desk)
    for name in ("", "primary", "me", DANA):
        assert len(await desk.listed(calendar_id=name)) == 1
    assert await desk.listed(calendar_id=EVE) == []
    assert [e.path for e in desk.zoom.asked("GET", "/users/me$")] == ["/v2/users/me"]
    with refused(Kind.NOT_FOUND):
        await desk.listed(calendar_id="nobody")


async def test_a_meeting_is_in_its_hosts_calendar_only(desk: Desk) -> None:
    own_id = _plant(desk)
    assert (await desk.get(own_id, calendar_id=DANA)).id == own_id
    with refused(Kind.NOT_FOUND):
        await desk.get(own_id, calendar_id=EVE)


@pytest.mark.parametrize("bad", ["85:", ":1", "85361420174:x", "٣", "1" * 20, "a/b", "85 "])
async def test_what_is_no_id_is_never_sent(desk: Desk, bad: str) -> None:
    """Trap 2: an occurrence that cannot be read must not become its series."""
    with refused(Kind.NOT_FOUND):
        await desk.get(bad)
    assert desk.zoom.journal == []


async def test_a_dead_page_token_says_so(desk: Desk) -> None:
    for _ in range(3):
        _plant(desk)
    request = event_pb2.ListEventsRequest(page_size=1)
    answer = await desk.provider.list_events(desk.call, request)
    desk.zoom.pages.expire()
    request.page_token = answer.next_page_token
    with refused(Kind.INVALID, field="page_token", reason="PAGE_TOKEN_EXPIRED"):
        await desk.provider.list_events(desk.call, request)


async def test_errors_hide_in_answers_of_200(desk: Desk) -> None:
    """Trap 5."""
    desk.zoom.fail(200, 200, "Webinar plan is missing. You must subscribe to the webinar plan.")
    with refused(Kind.PRECONDITION, reason="PLAN_UPGRADE_REQUIRED"):
        await desk.listed()


@pytest.mark.parametrize(
    "body",
    [
        "<html>Bad gateway</html>",
        '{"meetings": [{"id": ',
        '{"meetings": {}}',
        '{"meetings": [{"id": []}]}',
        '{"meetings": [{"id": 1, "start_time": "soon"}]}',
        '{"meetings": [{"id": 1, "start_time": "2030-01-01T00:00:00Z", "duration": 1e300}]}',
        '{"meetings": [{"topic": "no id"}]}',
        '{"meetings": [{"id": "x"}]}',
    ],
)
async def test_hostile_answers_are_told_as_such(desk: Desk, body: str) -> None:
    desk.zoom.fail(200, body=body)
    with refused(Kind.PROVIDER_FAULT):
        await desk.listed()


async def test_unknown_words_do_no_harm(desk: Desk) -> None:
    """P70, P71: a type of next year, no title, a zone nobody knows."""
    desk.zoom.fail(
        200,
        body={
            "meetings": [
                {"id": 91, "type": 77, "start_time": "2030-01-01T00:00:00Z", "timezone": "Mars"},
                {"id": "92"},
            ]
        },
    )
    strange, bare = await desk.listed()
    assert strange.provider_type == "77"
    assert strange.is_timezone_inferred
    assert (bare.id, bare.subject) == ("92", "")


async def test_the_calendar_is_the_user(desk: Desk) -> None:
    answer = await desk.provider.list_calendars(desk.call, calendar_pb2.ListCalendarsRequest())
    (found,) = answer.calendars
    assert (found.id, found.name, found.timezone) == (DANA, "Dana Host", "Europe/Berlin")
    assert found.is_primary
    account = await desk.provider.test_connection(desk.call)
    assert account.email == "dana@example.com"
