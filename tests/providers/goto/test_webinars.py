"""Webinars: there and back, sequences, whole definitions, panelists, registrants."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.core.errors import Kind
from tests.providers.desk import instant, refused, window
from tests.providers.goto.desk import NOW, SOON, Desk, launch
from tests.providers.goto.double import webinars as double
from tests.providers.goto.double.world import plain
from ucal.v1 import types_pb2, webinar_pb2

ALL = types_pb2.UPDATE_SCOPE_ALL


async def test_a_webinar_there_and_back(desk: Desk) -> None:
    answer = await desk.plan(
        launch("Lancement ✓", panelists=[{"name": "Ana Ruiz", "email": "ana@example.org"}])
    )
    assert not answer.report.coerced_fields.paths
    found = await desk.webinar(answer.webinar.id)
    assert found.subject == answer.webinar.subject == "Lancement ✓"
    assert found.description == "What is new"
    assert found.start_at == answer.webinar.start_at == instant(SOON, "America/New_York")
    assert found.join_url == found.registration_url
    assert found.join_url.endswith(found.id)
    assert found.capacity == 500
    assert found.organizer.name == "Dana Host"
    assert [field.name for field in found.registration_fields][-1] == "city"
    # Trap 10: panelistKey and panelistId are one.
    assert list(found.panelists) == list(answer.webinar.panelists)
    (listed,) = await desk.webinars()
    assert listed.id == found.id
    assert listed.approval_mode == webinar_pb2.APPROVAL_MODE_AUTOMATIC
    assert not (await desk.webinar(found.id, "subject")).panelists
    assert not desk.asked("GET", "/panelists")[1:]


async def test_panelists_that_are_refused_take_the_webinar_back(desk: Desk) -> None:
    with refused(Kind.INVALID):
        await desk.plan(launch(panelists=[{"name": "Ana", "email": "no address"}]))
    assert not desk.goto.world.webinars


async def test_lists_always_have_a_range(desk: Desk) -> None:
    """Trap 5. An open end is a year from now, and stays where it was between pages."""
    for number in range(5):
        double.add(desk.goto.world, _body(SOON + timedelta(days=number)))
    double.add(desk.goto.world, _body(SOON + timedelta(days=400)))
    found = await desk.webinars(page_size=2)
    assert len(found) == 5
    asked = desk.asked("GET", "/webinars")
    assert [each.query["page"] for each in asked] == ["0", "1", "2"]
    assert len({(each.query["fromTime"], each.query["toTime"]) for each in asked}) == 1
    inside = window(SOON + timedelta(days=2, minutes=30), days=1)
    assert len(await desk.webinars(window=inside)) == 2


def _body(start: datetime) -> dict[str, Any]:
    end = start + timedelta(hours=1)
    times = [{"startTime": plain(start), "endTime": plain(end)}]
    return {"subject": "Planted", "times": times}


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        ("FREQ=DAILY;COUNT=5", "daily"),
        ("FREQ=WEEKLY;COUNT=4", "weekly"),
        ("FREQ=MONTHLY;COUNT=3", "monthly"),
    ],
)
async def test_sequences_there_and_back(desk: Desk, rule: str, pattern: str) -> None:
    """P23: across the change of clocks in New York."""
    start = datetime(2031, 10, 20, 14, tzinfo=UTC)
    answer = await desk.plan(launch(start=start, rule=rule))
    (sent,) = desk.asked("POST")
    assert sent.body["type"] == "sequence"
    assert sent.body["recurrencePattern"] == pattern
    found = await desk.webinar(answer.webinar.id)
    assert list(found.recurrence.rules) == [f"RRULE:{rule}"]
    assert found.start_at == instant(start, "America/New_York")


async def test_until_ends_a_sequence_on_its_last_date(desk: Desk) -> None:
    """P34: the last one is in."""
    start = datetime(2031, 10, 20, 14, tzinfo=UTC)
    answer = await desk.plan(launch(start=start, rule="FREQ=WEEKLY;UNTIL=20311103T150000Z"))
    assert desk.asked("POST")[0].body["recurrenceEnd"] == "2031-11-03"
    found = await desk.webinar(answer.webinar.id)
    assert list(found.recurrence.rules) == ["RRULE:FREQ=WEEKLY;COUNT=3"]


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4", "INTERVAL"),
        ("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=2TU;BYSETPOS=1;COUNT=4", "BYDAY"),
        ("FREQ=YEARLY;COUNT=4", "FREQ"),
        ("FREQ=DAILY", "COUNT or UNTIL"),
        ("FREQ=DAILY;COUNT=2000", "1000"),
    ],
)
async def test_what_gotos_sequences_cannot_say_is_refused(desk: Desk, rule: str, part: str) -> None:
    """P45: naming the part."""
    with refused(Kind.INVALID, field="webinar.recurrence.rules") as caught:
        await desk.plan(launch(rule=rule))
    assert part in caught.value.message
    assert not desk.goto.journal


async def test_sessions_that_follow_no_rule_are_dates(desk: Desk) -> None:
    made = double.add(desk.goto.world, _body(SOON))
    made["times"] += [(SOON + timedelta(days=d), SOON + timedelta(days=d, hours=1)) for d in (3, 4)]
    found = await desk.webinar(str(made["key"]))
    assert len(found.recurrence.included) == 2
    made["times"][1] = (SOON + timedelta(days=3), SOON + timedelta(days=3, hours=2))
    found = await desk.webinar(str(made["key"]))
    assert found.recurrence.inexpressible


async def test_an_update_sends_the_whole_definition(desk: Desk) -> None:
    """Trap 4: all times again, and nobody is told unless asked."""
    answer = await desk.plan(launch(rule="FREQ=WEEKLY;COUNT=4"))
    own_id = answer.webinar.id
    before = dict(desk.goto.world.webinars[own_id])
    renamed = webinar_pb2.Webinar(subject="Renamed")
    with refused(Kind.INVALID, field="scope"):
        await desk.replan(own_id, renamed, "subject")
    changed = await desk.replan(own_id, renamed, "subject", scope=ALL)
    assert desk.goto.world.webinars[own_id] == before | {"subject": "Renamed"}
    assert list(changed.webinar.recurrence.rules) == ["RRULE:FREQ=WEEKLY;COUNT=4"]
    assert desk.asked("PUT")[0].query == {}
    renamed.send_notifications = True
    changed = await desk.replan(own_id, renamed, "subject", scope=ALL)
    assert desk.asked("PUT")[1].query == {"notifyParticipants": "true"}
    assert changed.report.notifications == types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    moved = webinar_pb2.Webinar(start_at=instant(SOON + timedelta(minutes=5)))
    with refused(Kind.INVALID, field="webinar.start_at"):
        await desk.replan(own_id, moved, "start_at", scope=ALL)


async def test_what_is_over_or_running_stays(desk: Desk) -> None:
    over = double.add(desk.goto.world, _body(NOW - timedelta(days=1)))
    with refused(Kind.PRECONDITION, reason="TOO_LATE"):
        await desk.replan(str(over["key"]), webinar_pb2.Webinar(subject="New"), "subject")
    running = double.add(desk.goto.world, _body(SOON))
    running["running"] = True
    request = webinar_pb2.DeleteWebinarRequest(id=str(running["key"]))
    with refused(Kind.PRECONDITION, reason="IN_SESSION"):
        await desk.provider.delete_webinar(desk.call, request)
    running["running"] = False
    request.send_notifications = True
    await desk.provider.delete_webinar(desk.call, request)
    query = desk.asked("DELETE")[-1].query
    assert query == {"sendCancellationEmails": "true", "deleteAll": "true"}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"subject": "x" * 129}, "webinar.subject"),
        ({"description": "x" * 2049}, "webinar.description"),
        ({"panelists": [{"name": "Ana"}]}, "webinar.panelists[0].email"),
        ({"end_at": instant(SOON)}, "webinar.end_at"),
    ],
)
async def test_bad_input_goes_nowhere(desk: Desk, fields: dict[str, Any], path: str) -> None:
    webinar = launch()
    for name in fields:
        webinar.ClearField(name)  # type: ignore[arg-type]  # any of its fields
    webinar.MergeFrom(webinar_pb2.Webinar(**fields))
    with refused(Kind.INVALID, field=path):
        await desk.plan(webinar)
    assert not desk.goto.journal


# -- registrants


async def test_registering_with_answers(desk: Desk) -> None:
    made = double.add(desk.goto.world, _body(SOON))
    made["questions"] = [
        {"questionKey": 9007199254740993, "question": "Why?", "required": True,
         "type": "shortAnswer", "maxSize": 128},
        {"questionKey": 12, "question": "Size?", "required": False, "type": "multipleChoice",
         "maxSize": 128, "answers": [{"answer": "11-50", "answerKey": 77}]},
    ]  # fmt: skip
    answers = {"city": "Berlin", "9007199254740993": "Because", "12": "11-50"}
    webinar = str(made["key"])
    answer = await desk.register(webinar, name="Bo van Li", email="bo@example.net", answers=answers)
    sent = desk.asked("POST", "/registrants")[0]
    assert sent.body == {
        "firstName": "Bo van",
        "lastName": "Li",
        "email": "bo@example.net",
        "city": "Berlin",
        "responses": [
            {"questionKey": 12, "answerKey": 77},
            {"questionKey": 9007199254740993, "responseText": "Because"},
        ],
    }
    assert "citrix" in sent.headers["accept"]
    assert answer.registrant.status == webinar_pb2.REGISTRANT_STATUS_APPROVED
    assert answer.registrant.created_at.seconds
    assert answer.registrant.join_url
    assert dict(answer.registrant.answers) == answers
    labels = {f.name: f.label for f in (await desk.webinar(webinar)).registration_fields}
    assert labels["12"] == "Size?"
    with refused(Kind.ALREADY_EXISTS):
        await desk.register(webinar, name="Bo Li", email="bo@example.net")
    for name, value in (("12", "9"), ("13", "x"), ("shoe size", "46")):
        with refused(Kind.INVALID, field="registrant.answers"):
            await desk.register(webinar, name="B L", email="b@example.net", answers={name: value})
    with refused(Kind.INVALID, field="registrant.name"):
        await desk.register(webinar, name="Bo", email="b@example.net")


async def test_ten_thousand_registrants_in_pages(desk: Desk) -> None:
    """Must show 4 of issue 5: each once, and the memory of one page."""
    made = double.add(desk.goto.world, _body(SOON))
    for number in range(10_000):
        made["registrants"][str(number)] = {
            "registrantKey": 5_300_954_500_000_000_000 + number,
            "firstName": "Bo",
            "lastName": f"Li {number}",
            "email": f"bo.{number}@example.net",
            "registrationDate": "2026-12-01T09:12:00Z",
            "status": "WAITING" if number % 100 == 0 else "APPROVED",
            "joinUrl": "https://global.gotowebinar.com/join/1/2",
            "timeZone": "Europe/Berlin",
        }
    request = webinar_pb2.ListWebinarRegistrantsRequest(webinar_id=str(made["key"]), page_size=200)
    ids, pages, early = set(), 0, 0
    tracemalloc.start()
    try:
        while True:
            page = await desk.provider.list_webinar_registrants(desk.call, request)
            ids |= {each.id for each in page.registrants}
            pages += 1
            desk.goto.journal.clear()
            if pages == 5:
                tracemalloc.reset_peak()
                early = tracemalloc.get_traced_memory()[0]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        peak = tracemalloc.get_traced_memory()[1] - early
    finally:
        tracemalloc.stop()
    assert (len(ids), pages) == (10_000, 50)
    assert peak < 4_000_000
    request.page_token, request.status = "", webinar_pb2.REGISTRANT_STATUS_PENDING
    found = await desk.provider.list_webinar_registrants(desk.call, request)
    assert len(found.registrants) == 2
    assert found.next_page_token


async def test_an_array_of_registrants_is_cut_here(desk: Desk) -> None:
    """Sheet section 5: a plain array comes when page and limit are not seen."""
    made = double.add(desk.goto.world, _body(SOON))
    for number in range(5):
        person = {"firstName": "B", "lastName": "L", "email": f"{number}@example.net"}
        double.register(desk.goto.world, made, person)
    body = json.dumps(list(made["registrants"].values())).encode()
    request = webinar_pb2.ListWebinarRegistrantsRequest(webinar_id=str(made["key"]), page_size=2)
    ids: list[str] = []
    desk.account = "a1"
    await desk.listed()
    for _ in range(3):
        desk.goto.fail(200, body=body)
        page = await desk.provider.list_webinar_registrants(desk.call, request)
        ids += [each.id for each in page.registrants]
        request.page_token = page.next_page_token
    assert ids == list(made["registrants"])
    assert request.page_token == ""
