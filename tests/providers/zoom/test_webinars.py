"""Webinars: what hangs on them, who presents, who registers."""

from datetime import timedelta

import pytest

from providers.core.errors import Kind
from tests.providers.desk import refused, window
from tests.providers.zoom.desk import ALL, BASE, THIS, Desk, at, webinar
from tests.providers.zoom.double.world import DANA
from ucal.v1 import types_pb2, webinar_pb2

PENDING = webinar_pb2.REGISTRANT_STATUS_PENDING
APPROVED = webinar_pb2.REGISTRANT_STATUS_APPROVED
DENIED = webinar_pb2.REGISTRANT_STATUS_DENIED
CANCELED = webinar_pb2.REGISTRANT_STATUS_CANCELED
MANUAL = webinar_pb2.APPROVAL_MODE_MANUAL
AUTOMATIC = webinar_pb2.APPROVAL_MODE_AUTOMATIC
WEEKLY = ("RRULE:FREQ=WEEKLY;COUNT=4",)


def _panelists(*names: str) -> list[webinar_pb2.WebinarPanelist]:
    return [webinar_pb2.WebinarPanelist(name=n, email=f"{n.lower()}@example.org") for n in names]


async def _update(
    desk: Desk, id: str, wanted: webinar_pb2.Webinar, *paths: str, scope: int = 0
) -> webinar_pb2.UpdateWebinarResponse:
    request = webinar_pb2.UpdateWebinarRequest(id=id, webinar=wanted)
    request.scope = scope  # type: ignore[assignment]
    request.update_mask.paths.extend(paths)
    return await desk.provider.update_webinar(desk.call, request)


async def _status(
    desk: Desk, webinar_id: str, registrant_id: str, status: int
) -> webinar_pb2.WebinarRegistrant:
    request = webinar_pb2.UpdateWebinarRegistrantStatusRequest(
        webinar_id=webinar_id, registrant_id=registrant_id
    )
    request.status = status  # type: ignore[assignment]
    answer = await desk.provider.update_webinar_registrant_status(desk.call, request)
    return answer.registrant


async def _registrants(
    desk: Desk, id: str, status: int = 0, page_size: int = 0
) -> list[webinar_pb2.WebinarRegistrant]:
    request = webinar_pb2.ListWebinarRegistrantsRequest(webinar_id=id, page_size=page_size)
    request.status = status  # type: ignore[assignment]
    found: list[webinar_pb2.WebinarRegistrant] = []
    while True:
        answer = await desk.provider.list_webinar_registrants(desk.call, request)
        found += answer.registrants
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


async def test_a_webinar_with_all_that_hangs_on_it(desk: Desk) -> None:
    made = await desk.make_webinar(
        webinar(
            description="What is new",
            capacity=500,
            approval_mode=MANUAL,
            is_q_and_a_enabled=True,
            password="123456",
            panelists=_panelists("Ana", "Bo"),
            registration_fields=[
                webinar_pb2.RegistrationField(name="city", is_required=True),
                webinar_pb2.RegistrationField(name="team", label="Team size"),
            ],
        )
    )
    found = await desk.webinar(made.id)
    assert found == made
    assert (found.capacity, found.password, found.approval_mode) == (500, "123456", MANUAL)
    assert found.is_registration_required
    assert found.is_q_and_a_enabled
    assert not found.is_polling_enabled
    assert [p.name for p in found.panelists] == ["Ana", "Bo"]
    assert all(p.join_url for p in found.panelists)
    assert [(f.name, f.is_required) for f in found.registration_fields] == [
        ("city", True),
        ("Team size", False),
    ]
    assert "/register/" in found.registration_url


async def test_polls_and_sources_of_visitors(desk: Desk) -> None:
    made = await desk.make_webinar(webinar(approval_mode=AUTOMATIC))
    number = int(made.id)
    desk.zoom.world.polls[number] = [{"id": "p1", "title": "Warm-up", "questions": []}]
    source = {"source_name": "Newsletter", "tracking_url": "https://example.zoom.us/w?s=1"}
    desk.zoom.world.tracking[number] = [source]
    found = await desk.webinar(made.id)
    assert found.is_polling_enabled
    assert dict(found.tracking_urls) == {"Newsletter": "https://example.zoom.us/w?s=1"}
    desk.zoom.deny("/polls$", 400, 4400, "Polls have been disabled for this account.")
    assert not (await desk.webinar(made.id)).is_polling_enabled


async def test_a_mask_spares_requests(desk: Desk) -> None:
    made = await desk.make_webinar(webinar())
    desk.zoom.journal.clear()
    await desk.webinar(made.id, "subject", "start_at")
    assert [each.path for each in desk.zoom.journal] == [f"/v2/webinars/{made.id}"]
    desk.zoom.deny(
        "/panelists",
        400,
        4711,
        "Invalid access token, does not contain scopes:[webinar:read:list_panelists].",
    )
    with refused(Kind.INSUFFICIENT_SCOPE) as info:
        await desk.webinar(made.id)
    assert info.value.metadata["needed_scope"] == "webinar:read:list_panelists"


async def test_registrants_when_a_mask_asks_for_them(desk: Desk) -> None:
    made = await desk.make_webinar(webinar(approval_mode=AUTOMATIC))
    await desk.register(made.id, "Bo Li", "bo@example.net")
    assert not (await desk.webinar(made.id)).registrants
    (bo,) = (await desk.webinar(made.id, "registrants")).registrants
    assert bo.name == "Bo Li"


async def test_a_recording_when_a_mask_asks_for_it(desk: Desk) -> None:
    made = await desk.make_webinar(webinar())
    assert not (await desk.webinar(made.id, "has_recording")).has_recording
    data = desk.zoom.world.objects["webinar"][int(made.id)]
    desk.zoom.world.record(int(made.id), BASE, uuid=data["uuid"])
    assert (await desk.webinar(made.id, "has_recording")).has_recording


async def test_panelists_who_stay_keep_their_link(desk: Desk) -> None:
    made = await desk.make_webinar(webinar(panelists=_panelists("Ana", "Bo")))
    links = {p.email: p.join_url for p in made.panelists}
    wanted = webinar_pb2.Webinar(panelists=_panelists("Ana", "Cy"))
    answer = await _update(desk, made.id, wanted, "panelists")
    found = {p.email: p.join_url for p in answer.webinar.panelists}
    assert set(found) == {"ana@example.org", "cy@example.org"}
    assert found["ana@example.org"] == links["ana@example.org"]


async def test_many_panelists_are_invited_in_batches(desk: Desk) -> None:
    names = [f"P{number}" for number in range(65)]
    made = await desk.make_webinar(webinar(panelists=_panelists(*names)))
    assert len(made.panelists) == 65
    assert len(desk.zoom.asked("POST", "/panelists")) == 3


async def test_half_a_webinar_is_taken_back(desk: Desk) -> None:
    desk.zoom.deny("/panelists", 403, 200, "No permission.")
    with refused(Kind.FORBIDDEN):
        await desk.make_webinar(webinar(panelists=_panelists("Ana")))
    assert desk.zoom.world.objects["webinar"] == {}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"capacity": 20_001}, "webinar.capacity"),
        ({"password": "x" * 11}, "webinar.password"),
        (
            {"approval_mode": MANUAL, "is_registration_required": False},
            "webinar.approval_mode",
        ),
        ({"subject": "x" * 201}, "webinar.subject"),
        ({"rules": ("RRULE:FREQ=DAILY",)}, "webinar.recurrence.rules"),
    ],
)
async def test_what_zoom_does_not_take(desk: Desk, fields: dict[str, object], field: str) -> None:
    with refused(Kind.INVALID, field=field):
        await desk.make_webinar(webinar(**fields))  # type: ignore[arg-type]
    assert desk.zoom.journal == []


# -- series


async def test_one_occurrence_of_a_series(desk: Desk) -> None:
    """P80."""
    made = await desk.make_webinar(webinar(rules=WEEKLY))
    assert list(made.recurrence.rules) == list(WEEKLY)
    planned = BASE + timedelta(days=7)
    own_id = f"{made.id}:{round(planned.timestamp() * 1000)}"
    found = await desk.webinar(own_id)
    assert found.recurring_webinar_id == made.id
    assert not found.HasField("recurrence")
    moved = webinar(start=at(days=8))
    answer = await _update(desk, own_id, moved, "start_at", "end_at", scope=THIS)
    assert answer.webinar.start_at.timestamp.seconds == (BASE + timedelta(days=8)).timestamp()
    with refused(Kind.UNSUPPORTED, field="update_mask"):
        await _update(desk, own_id, webinar("New"), "subject", scope=THIS)
    with refused(Kind.INVALID, field="scope"):
        await _update(desk, made.id, webinar("New"), "subject")
    request = webinar_pb2.DeleteWebinarRequest(id=own_id, scope=THIS, send_notifications=True)
    answer_of_delete = await desk.provider.delete_webinar(desk.call, request)
    assert answer_of_delete.report.notifications == types_pb2.NOTIFICATION_OUTCOME_REQUESTED
    assert desk.zoom.asked("DELETE")[-1].query["cancel_webinar_reminder"] == "true"
    series = await desk.webinar(made.id)
    assert len(series.recurrence.excluded) == 1
    with refused(Kind.NOT_FOUND):
        await desk.provider.delete_webinar(desk.call, request)


async def test_a_series_is_renamed_and_deleted_as_a_whole(desk: Desk) -> None:
    made = await desk.make_webinar(webinar(rules=WEEKLY))
    answer = await _update(desk, made.id, webinar("New"), "subject", scope=ALL)
    assert answer.webinar.subject == "New"
    assert desk.zoom.asked("PATCH")[-1].body == {"topic": "New"}
    request = webinar_pb2.DeleteWebinarRequest(id=made.id, scope=ALL)
    await desk.provider.delete_webinar(desk.call, request)
    request.allow_missing = True
    assert (await desk.provider.delete_webinar(desk.call, request)).already_absent


async def test_a_window_finds_a_series_by_its_occurrences(desk: Desk) -> None:
    made = await desk.make_webinar(webinar(rules=WEEKLY))
    late = webinar_pb2.ListWebinarsRequest(window=window(BASE + timedelta(days=20), days=3))
    answer = await desk.provider.list_webinars(desk.call, late)
    assert [w.id for w in answer.webinars] == [made.id]
    gone = webinar_pb2.ListWebinarsRequest(window=window(BASE + timedelta(days=22), days=3))
    assert not (await desk.provider.list_webinars(desk.call, gone)).webinars


async def test_a_meeting_is_no_webinar(desk: Desk) -> None:
    own_id = desk.zoom.world.create("meeting", DANA, {"topic": "No webinar"})["id"]
    with refused(Kind.NOT_FOUND):
        await desk.webinar(str(own_id))


# -- registrants


async def test_registrants_are_approved_and_denied(desk: Desk) -> None:
    made = await desk.make_webinar(webinar(approval_mode=MANUAL))
    bo = await desk.register(made.id, "Bo van der Li", "bo@example.net")
    cy = await desk.register(made.id, "Cy", "cy@example.net")
    assert (bo.status, bo.join_url, bo.name) == (PENDING, "", "Bo van der Li")
    approved = await _status(desk, made.id, bo.id, APPROVED)
    assert approved.status == APPROVED
    assert approved.join_url
    assert (await _status(desk, made.id, cy.id, DENIED)).status == DENIED
    assert [(r.name, r.status) for r in await _registrants(desk, made.id)] == [
        ("Bo van der Li", APPROVED),
        ("Cy", DENIED),
    ]
    assert [r.id for r in await _registrants(desk, made.id, DENIED)] == [cy.id]
    assert (await _status(desk, made.id, cy.id, CANCELED)).status == CANCELED
    assert [r.id for r in await _registrants(desk, made.id)] == [bo.id]
    with refused(Kind.UNSUPPORTED, field="status"):
        await _registrants(desk, made.id, CANCELED)
    with refused(Kind.NOT_FOUND):
        await _status(desk, made.id, "nobody", APPROVED)


async def test_answers_to_the_form(desk: Desk) -> None:
    made = await desk.make_webinar(webinar(approval_mode=AUTOMATIC))
    request = webinar_pb2.CreateWebinarRegistrantRequest(webinar_id=made.id)
    request.registrant.name, request.registrant.email = "Bo Li", "bo@example.net"
    answers = {"city": "Oslo", "Team size": "11-50"}
    request.registrant.answers.update(answers)
    answer = await desk.provider.create_webinar_registrant(desk.call, request)
    body = desk.zoom.asked("POST", "/registrants")[0].body
    assert body["city"] == "Oslo"
    assert body["custom_questions"] == [{"title": "Team size", "value": "11-50"}]
    assert dict(answer.registrant.answers) == answers


async def test_no_registration_no_registrant(desk: Desk) -> None:
    made = await desk.make_webinar(webinar())
    with refused(Kind.PRECONDITION, reason="REGISTRATION_OFF"):
        await desk.register(made.id, "Bo Li", "bo@example.net")
    with refused(Kind.INVALID, field="registrant.email"):
        await desk.register(made.id, "Bo Li", "nowhere")
    with refused(Kind.INVALID, field="registrant.name"):
        await desk.register(made.id, " ", "bo@example.net")


async def test_a_full_webinar(desk: Desk) -> None:
    made = await desk.make_webinar(webinar(approval_mode=AUTOMATIC, capacity=1))
    await desk.register(made.id, "Bo Li", "bo@example.net")
    with refused(Kind.QUOTA_EXCEEDED, reason="CAPACITY_REACHED"):
        await desk.register(made.id, "Cy Ono", "cy@example.net")


async def test_ten_thousand_registrants_in_pages_with_flat_memory(desk: Desk) -> None:
    """Issue 5, point 4: each page is one request, and nothing of it stays."""
    import tracemalloc

    made = await desk.make_webinar(webinar(approval_mode=AUTOMATIC))
    desk.zoom.world.registrants[int(made.id)] = [
        {
            "id": f"r{number}",
            "email": f"r{number}@example.net",
            "first_name": "Reg",
            "last_name": str(number),
            "status": "approved",
            "create_time": "2026-11-03T09:12:00Z",
        }
        for number in range(10_000)
    ]
    request = webinar_pb2.ListWebinarRegistrantsRequest(
        webinar_id=made.id, page_size=300, status=APPROVED
    )
    sizes: list[int] = []
    seen: set[str] = set()
    tracemalloc.start()
    try:
        while True:
            answer = await desk.provider.list_webinar_registrants(desk.call, request)
            seen.update(r.id for r in answer.registrants)
            request.page_token = answer.next_page_token
            desk.zoom.journal.clear()
            sizes.append(tracemalloc.get_traced_memory()[0])
            if not answer.next_page_token:
                break
    finally:
        tracemalloc.stop()
    assert len(seen) == 10_000
    assert len(sizes) == 34
    ids = 200 * 300 * 34  # what this test itself remembers
    assert sizes[-1] - sizes[5] < ids
