"""Schedules of Zoom Scheduler as booking links."""

from datetime import timedelta

import pytest

from providers.core.errors import Kind
from tests.providers.desk import refused
from tests.providers.zoom.desk import Desk
from tests.providers.zoom.double import scheduler
from ucal.v1 import link_pb2, types_pb2


def _link(**fields: object) -> link_pb2.Link:
    return link_pb2.Link(name="Intro call", **fields)  # type: ignore[arg-type]


async def _make(desk: Desk, link: link_pb2.Link) -> link_pb2.Link:
    answer = await desk.provider.create_link(desk.call, link_pb2.CreateLinkRequest(link=link))
    return answer.link


async def _get(desk: Desk, id: str) -> link_pb2.Link:
    return (await desk.provider.get_link(desk.call, link_pb2.GetLinkRequest(id=id))).link


async def test_a_link_takes_the_users_usual_hours(desk: Desk) -> None:
    link = _link(buffer_after=timedelta(minutes=10), minimum_notice=timedelta(hours=1))
    made = await _make(desk, link)
    found = await _get(desk, made.id)
    assert found == made
    assert found.url.startswith("https://scheduler.zoom.us/dana/")
    assert found.duration.seconds == 1800
    assert (found.buffer_after.seconds, found.minimum_notice.seconds) == (600, 3600)
    assert found.is_active
    assert found.capacity == 1
    assert found.owner.email == "dana@example.com"
    assert [c.kind for c in found.conferences] == [types_pb2.CONFERENCE_KIND_ZOOM]
    body = desk.zoom.asked("POST")[0].body
    rule = {"use_custom": False, "availability_id": scheduler.AVAILABILITY}
    assert body["availability_rules"] == [rule]


async def test_one_buffer_leaves_the_other(desk: Desk) -> None:
    made = await _make(desk, _link(buffer_after=timedelta(minutes=10)))
    request = link_pb2.UpdateLinkRequest(id=made.id)
    request.link.buffer_before.seconds = 300
    request.update_mask.paths.append("buffer_before")
    found = (await desk.provider.update_link(desk.call, request)).link
    assert (found.buffer_before.seconds, found.buffer_after.seconds) == (300, 600)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"duration": timedelta(minutes=14)}, "link.duration"),
        ({"duration": timedelta(seconds=1801)}, "link.duration"),
        ({"buffer_before": timedelta(minutes=241)}, "link.buffer_before"),
        ({"minimum_notice": timedelta(days=10)}, "link.minimum_notice"),
        ({"capacity": 201}, "link.capacity"),
        ({"description": "x" * 8193}, "link.description"),
    ],
)
async def test_what_zoom_does_not_take(desk: Desk, fields: dict[str, object], field: str) -> None:
    with refused(Kind.INVALID, field=field):
        await _make(desk, _link(**fields))
    assert desk.zoom.journal == []


async def test_a_deleted_link_is_gone(desk: Desk) -> None:
    made = await _make(desk, _link())
    request = link_pb2.DeleteLinkRequest(id=made.id)
    await desk.provider.delete_link(desk.call, request)
    with refused(Kind.NOT_FOUND):
        await desk.provider.delete_link(desk.call, request)
    request.allow_missing = True
    assert (await desk.provider.delete_link(desk.call, request)).already_absent
    with refused(Kind.NOT_FOUND):
        await _get(desk, made.id)
