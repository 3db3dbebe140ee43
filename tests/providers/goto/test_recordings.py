"""Recordings of both products in one list, their ids, their signed URLs."""

import json
from datetime import timedelta

from providers.core.errors import Kind
from tests.providers.desk import refused, window
from tests.providers.goto.desk import NOW, Desk
from tests.providers.goto.harness import Harness
from ucal.v1 import recording_pb2, types_pb2

RECORDING = types_pb2.RESOURCE_KIND_RECORDING


async def _plant(desk: Desk, count: int) -> list[str]:
    """By turns of webinars and of meetings, each an hour older than the one before."""
    harness = Harness()
    harness.goto = desk.goto
    return [await harness.plant(RECORDING) for _ in range(count)]


async def test_both_products_stand_in_one_list(desk: Desk) -> None:
    made = await _plant(desk, 8)
    for size in (1, 2, 3):
        paged = await desk.recordings(page_size=size)
        assert sorted(each.id for each in paged) == sorted(made)
    found = await desk.recordings()
    assert sorted(each.id for each in found) == sorted(made)
    for each in found:
        request = recording_pb2.GetRecordingRequest(id=each.id, include_raw=True)
        one = (await desk.provider.get_recording(desk.call, request)).recording
        assert (one.title, one.event_id, one.web_url) == (each.title, each.event_id, each.web_url)
        assert all(media.url for media in one.media)
        assert not any(media.url for media in each.media), "P82"
        assert {media.kind for media in one.media} >= {recording_pb2.MEDIA_KIND_VIDEO}
    by_meeting = await desk.recordings(event_id=found[0].event_id)
    assert [each.id for each in by_meeting] == [found[0].id]
    by_webinar = await desk.recordings(event_id=found[-1].event_id)
    assert [each.id for each in by_webinar] == [found[-1].id]
    assert await desk.recordings(event_id="123456") == []


async def test_raw_of_lists_holds_no_link_either(desk: Desk) -> None:
    """P82."""
    await _plant(desk, 2)
    for each in await desk.recordings(include_raw=True):
        assert each.raw["__id"]
        assert "cdn.example.com" not in str(each.raw)


async def test_windows(desk: Desk) -> None:
    """Planted three and more hours ago."""
    made = await _plant(desk, 6)
    inside = window(NOW - timedelta(hours=4, minutes=50), days=1)
    assert sorted(each.id for each in await desk.recordings(window=inside)) == sorted(made[:3])


async def test_a_new_recording_repeats_nothing_over_the_border(desk: Desk) -> None:
    """P10: the newest comes first, and pushes the others."""
    await _plant(desk, 8)
    request = recording_pb2.ListRecordingsRequest(page_size=2)
    ids: list[str] = []
    while True:
        answer = await desk.provider.list_recordings(desk.call, request)
        ids += [each.id for each in answer.recordings]
        if any(each.id.startswith("w:") for each in answer.recordings) and len(ids) < 8:
            newest = dict(desk.goto.world.assets[0])
            newest |= {"recordingAssetKey": f"new-{len(ids)}", "createTime": "2030-01-01T00:00:00Z"}
            desk.goto.world.assets.append(newest)
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert len(ids) == len(set(ids)) == 8


async def test_a_user_of_one_product_sees_its_recordings(desk: Desk) -> None:
    """A list of the other product is answered with 403; of both: it is an error."""
    await _plant(desk, 2)
    await desk.provider.list_recordings(desk.call, recording_pb2.ListRecordingsRequest())
    desk.account = "a1"
    await desk.listed()
    desk.goto.fail(403)
    (only,) = await desk.recordings()
    assert only.id.startswith("w:")
    desk.goto.fail(403, times=2)
    with refused(Kind.FORBIDDEN):
        await desk.recordings()


async def test_an_empty_page_may_lack_embedded(desk: Desk) -> None:
    """Sheet section 5."""
    desk.account = "a1"
    await desk.listed()
    desk.goto.fail(200, body=b"[]")
    desk.goto.fail(200, body=json.dumps({"page": {"totalPages": 0, "number": 0}}).encode())
    assert await desk.recordings() == []


async def test_ids_that_are_none(desk: Desk) -> None:
    for own_id in (
        "1",
        "m:1:2",
        "m:99999999999:2",
        "w:0:nothing",
        "w:12:x/y",
        "w:12:none",
        "x:1:2",
    ):
        with refused(Kind.NOT_FOUND):
            request = recording_pb2.GetRecordingRequest(id=own_id)
            await desk.provider.get_recording(desk.call, request)
