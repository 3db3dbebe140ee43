"""Calendars: two resources of Google's, one of ours; what may be deleted."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.errors import Kind
from tests.providers.google.desk import Desk, refused
from tests.providers.google.double.world import ADA
from ucal.v1 import calendar_pb2, types_pb2


async def _create(desk: Desk, **fields: Any) -> calendar_pb2.CreateCalendarResponse:
    request = calendar_pb2.CreateCalendarRequest(calendar=calendar_pb2.Calendar(**fields))
    return await desk.provider.create_calendar(desk.call, request)


async def _update(desk: Desk, id: str, **fields: Any) -> calendar_pb2.Calendar:
    request = calendar_pb2.UpdateCalendarRequest(
        id=id, calendar=calendar_pb2.Calendar(**fields), update_mask=FieldMask(paths=list(fields))
    )
    return (await desk.provider.update_calendar(desk.call, request)).calendar


async def _get(desk: Desk, id: str) -> calendar_pb2.Calendar:
    request = calendar_pb2.GetCalendarRequest(id=id)
    return (await desk.provider.get_calendar(desk.call, request)).calendar


async def _delete(desk: Desk, id: str, **fields: Any) -> calendar_pb2.DeleteCalendarResponse:
    request = calendar_pb2.DeleteCalendarRequest(id=id, **fields)
    return await desk.provider.delete_calendar(desk.call, request)


async def test_the_primary_calendar(desk: Desk) -> None:
    found = await _get(desk, "primary")
    assert found.id == ADA
    assert found.is_primary
    assert not found.is_read_only
    assert found.access_role == calendar_pb2.ACCESS_ROLE_OWNER
    assert found.timezone == "Europe/Berlin"
    assert found.color == "#9fe1e7"
    assert list(found.allowed_conference_kinds) == [types_pb2.CONFERENCE_KIND_GOOGLE_MEET]
    account = await desk.provider.test_connection(desk.call)
    assert (account.name, account.email) == ("Ada", ADA)


async def test_there_and_back(desk: Desk) -> None:
    fields = {
        "name": "Équipe ✓",
        "description": "What for",
        "location": "Berlin",
        "timezone": "America/New_York",
        "color": "#1e90ff",
    }
    made = (await _create(desk, **fields)).calendar
    found = await _get(desk, made.id)
    assert found == made
    assert {name: getattr(found, name) for name in fields} == fields
    assert desk.asked("PATCH")[-1].query["colorRgbFormat"] == "true"
    changed = await _update(desk, made.id, name="Team", description="", color="#000000")
    assert (changed.name, changed.description, changed.color) == ("Team", "", "#000000")
    assert changed.location == "Berlin"


async def test_a_name_of_the_users_own_wins(desk: Desk) -> None:
    desk.google.world.list[ADA].data["summaryOverride"] = "Mine"
    assert (await _get(desk, "primary")).name == "Mine"


@pytest.mark.parametrize(
    ("word", "role", "read_only"),
    [
        ("freeBusyReader", calendar_pb2.ACCESS_ROLE_FREE_BUSY_READER, True),
        ("reader", calendar_pb2.ACCESS_ROLE_READER, True),
        ("writerWithoutPrivateAccess", calendar_pb2.ACCESS_ROLE_WRITER, False),
        ("writer", calendar_pb2.ACCESS_ROLE_WRITER, False),
        ("owner", calendar_pb2.ACCESS_ROLE_OWNER, False),
        ("emperor", calendar_pb2.ACCESS_ROLE_UNSPECIFIED, True),
    ],
)
async def test_roles(desk: Desk, word: str, role: Any, read_only: bool) -> None:
    desk.google.world.list[ADA].data["accessRole"] = word
    found = await _get(desk, "primary")
    assert found.access_role == role
    assert found.is_read_only is read_only


async def test_a_colour_that_cannot_be_written_is_told(desk: Desk) -> None:
    desk.google.fail(403, "forbidden", only=["PATCH"])
    answer = await _create(desk, name="Team", color="#1e90ff")
    assert list(answer.report.dropped_fields.paths) == ["color"]
    assert answer.calendar.name == "Team"


async def test_what_cannot_be_cleared(desk: Desk) -> None:
    made = (await _create(desk, name="Team")).calendar
    for name in ("name", "color"):
        with refused(Kind.INVALID, field=f"calendar.{name}"):
            await _update(desk, made.id, **{name: ""})


async def test_the_primary_calendar_is_never_deleted_nor_cleared(desk: Desk) -> None:
    for own_id in ("primary", ADA):
        with refused(Kind.PRECONDITION, reason="PRIMARY_CALENDAR"):
            await _delete(desk, own_id)
    assert not desk.asked("DELETE")
    assert not desk.asked("POST")


async def test_an_own_calendar_is_deleted(desk: Desk) -> None:
    made = (await _create(desk, name="Team")).calendar
    await _delete(desk, made.id)
    assert made.id not in desk.google.world.calendars
    with refused(Kind.NOT_FOUND):
        await _delete(desk, made.id)
    assert (await _delete(desk, made.id, allow_missing=True)).already_absent


async def test_somebody_elses_calendar_is_unsubscribed(desk: Desk) -> None:
    world = desk.google.world
    world.add_calendar("team@group", "Team", "UTC", "bob@example.com", role="writer")
    await _delete(desk, "team@group")
    assert "team@group" in world.calendars
    assert world.list["team@group"].deleted


async def test_hidden_calendars_are_left_out(desk: Desk) -> None:
    hidden = desk.google.world.add_calendar("old@group", "Old", "UTC", ADA)
    desk.google.world.list[hidden.id].data["hidden"] = True
    request = calendar_pb2.ListCalendarsRequest(include_raw=True)
    answer = await desk.provider.list_calendars(desk.call, request)
    assert [each.id for each in answer.calendars] == [ADA]
    assert answer.calendars[0].raw["__id"] == ADA
    assert answer.calendars[0].raw["accessRole"] == "owner"
