"""Calendars on real servers."""

import pytest

from providers.core.errors import Kind, ProviderError
from tests.providers.caldav.world import World
from ucal.v1 import calendar_pb2

C = calendar_pb2


async def _list(dav: World) -> dict[str, C.Calendar]:
    answer = await dav.provider.list_calendars(dav.call, C.ListCalendarsRequest())
    return {found.id: found for found in answer.calendars}


async def test_a_calendar_keeps_what_it_is_given(dav: World) -> None:
    given = C.Calendar(
        name="Équipe ✓ 😀 & <b>", description="One & two", color="#CC73E1", timezone="Europe/Paris"
    )
    answer = await dav.provider.create_calendar(dav.call, C.CreateCalendarRequest(calendar=given))
    found = (
        await dav.provider.get_calendar(dav.call, C.GetCalendarRequest(id=answer.calendar.id))
    ).calendar
    for name in ("name", "description", "color", "timezone"):
        assert getattr(found, name) == getattr(given, name)
    assert found.access_role == C.ACCESS_ROLE_OWNER
    assert not found.is_read_only
    assert found.id.startswith("/")
    assert found.id.endswith("/")
    assert found.id in await _list(dav)


async def test_only_collections_of_events_are_listed(dav: World) -> None:
    """P76: no inbox, outbox, home or task list."""
    listed = await _list(dav)
    names = [i.rstrip("/").rpartition("/")[2].lower() for i in listed]
    assert not {"inbox", "outbox", "tasks", "calendars"} & set(names)
    assert dav.calendar_id in listed


async def test_an_update_touches_the_named_properties(dav: World) -> None:
    request = C.UpdateCalendarRequest(
        id=dav.calendar_id,
        calendar=C.Calendar(name="Other", color="#0B8043"),
        update_mask={"paths": ["name", "color"]},
    )
    changed = (await dav.provider.update_calendar(dav.call, request)).calendar
    assert (changed.name, changed.color) == ("Other", "#0B8043")
    assert changed.timezone == "Europe/Berlin"
    request = C.UpdateCalendarRequest(
        id=dav.calendar_id, calendar=C.Calendar(), update_mask={"paths": ["description"]}
    )
    changed = (await dav.provider.update_calendar(dav.call, request)).calendar
    assert changed.description == ""
    assert changed.name == "Other"


async def test_there_is_one_primary_calendar_and_it_stays(dav: World) -> None:
    before = [own_id for own_id, found in (await _list(dav)).items() if found.is_primary]
    assert len(before) == 1
    found = (await dav.provider.get_calendar(dav.call, C.GetCalendarRequest(id="primary"))).calendar
    assert found.id == before[0]


async def test_a_deleted_calendar_is_gone(dav: World) -> None:
    await dav.provider.delete_calendar(dav.call, C.DeleteCalendarRequest(id=dav.calendar_id))
    assert dav.calendar_id not in await _list(dav)
    with pytest.raises(ProviderError) as caught:
        await dav.provider.delete_calendar(dav.call, C.DeleteCalendarRequest(id=dav.calendar_id))
    assert caught.value.kind is Kind.NOT_FOUND
    assert caught.value.resource == ("calendar", dav.calendar_id)
    answer = await dav.provider.delete_calendar(
        dav.call, C.DeleteCalendarRequest(id=dav.calendar_id, allow_missing=True)
    )
    assert answer.already_absent


async def test_one_request_id_makes_one_calendar(dav: World) -> None:
    request = C.CreateCalendarRequest(
        calendar=C.Calendar(name="Once"), request_id="6f1c9d1e-5a63-4d0e-9b7e-2f6c1b9f8a11"
    )
    one = (await dav.provider.create_calendar(dav.call, request)).calendar
    other = (await dav.provider.create_calendar(dav.call, request)).calendar
    assert one.id == other.id
    await dav.provider.delete_calendar(dav.call, C.DeleteCalendarRequest(id=one.id))


@pytest.mark.parametrize(
    "id",
    [
        "/",
        "//evil.example.com/x/",
        "/../etc/",
        "/alice@example.com/",
        "/a/%2e%2e/b/",
        "nothing",
        "/a|b/",
    ],
)
async def test_a_path_that_is_no_calendar_is_not_found(one: World, id: str) -> None:
    """The home itself, other hosts, paths that climb: none of them is deleted."""
    for call in (
        one.provider.get_calendar(one.call, C.GetCalendarRequest(id=id)),
        one.provider.delete_calendar(one.call, C.DeleteCalendarRequest(id=id)),
    ):
        with pytest.raises(ProviderError) as caught:
            await call
        assert caught.value.kind is Kind.NOT_FOUND
    assert one.calendar_id in await _list(one)


async def test_a_name_with_control_characters_is_refused(one: World) -> None:
    request = C.CreateCalendarRequest(calendar=C.Calendar(name="a\x01b"))
    with pytest.raises(ProviderError) as caught:
        await one.provider.create_calendar(one.call, request)
    assert caught.value.violations == (("calendar.name", "holds control characters"),)


async def test_raw_shows_what_the_server_says(dav: World) -> None:
    request = C.GetCalendarRequest(id=dav.calendar_id, include_raw=True)
    found = (await dav.provider.get_calendar(dav.call, request)).calendar
    assert found.raw["__id"] == dav.calendar_id
    assert found.raw["displayname"] == "Test"
