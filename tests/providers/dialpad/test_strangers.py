"""A client that is not ours drives the double: what it takes for Dialpad, we may too.

Dialpad's own python-dialpad comes with the extra `strangers`. Of meetings (its 3.2) it knows rooms,
their history and users; scheduled meetings are missing in it, and are asked for by its raw door.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from providers.core.push import Topic
from tests.providers.dialpad.desk import Desk, meeting
from tests.providers.dialpad.double.world import EMAIL, ROOM, TOKEN, USER
from tests.providers.dialpad.harness import Harness
from ucal.v1 import calendar_pb2, types_pb2

pytestmark = pytest.mark.stranger
RECORDINGS = Topic(types_pb2.RESOURCE_KIND_RECORDING)
ADDRESS = "https://ucal.example.com/webhooks/dialpad/c1"


@pytest.fixture
def client(desk: Desk) -> Iterator[Any]:
    """python-dialpad, pointed at the double."""
    module = pytest.importorskip("dialpad", reason="python-dialpad is missing (extra: strangers)")
    found = module.DialpadClient(TOKEN, base_url=desk.dialpad.url)
    yield found
    found._session.close()


async def test_rooms_and_users(desk: Desk, client: Any) -> None:
    """It walks our pages by cursor, and stops at the last one."""
    desk.dialpad.world.page = 1
    rooms = await asyncio.to_thread(lambda: list(client.meeting_rooms.list()))
    request = calendar_pb2.ListCalendarsRequest()
    ids = []
    while True:
        answer = await desk.provider.list_calendars(desk.call, request)
        ids += [each.id for each in answer.calendars]
        request.page_token = answer.next_page_token
        if not request.page_token:
            break
    assert [room["id"] for room in rooms] == ids
    assert ROOM in ids
    me = await asyncio.to_thread(client.users.get, "me")
    assert (me["id"], me["emails"]) == (USER, [EMAIL])
    found = await asyncio.to_thread(lambda: list(client.users.list(email=EMAIL)))
    assert [user["id"] for user in found] == [USER]


async def test_history(desk: Desk, client: Any) -> None:
    harness = Harness()
    harness.dialpad = desk.dialpad
    made = [await harness.plant(types_pb2.RESOURCE_KIND_RECORDING) for _ in range(3)]
    desk.dialpad.world.page = 2
    found = await asyncio.to_thread(lambda: list(client.meetings.list(room_id=ROOM)))
    assert [each["id"] for each in found] == [each.id for each in await desk.recordings()]
    assert {each["id"] for each in found} == set(made)


async def test_a_meeting_that_was_made_here(desk: Desk, client: Any) -> None:
    made = (await desk.create(meeting())).event
    path = f"/api/v2/meetings/{made.id}"
    reply = await asyncio.to_thread(
        lambda: client._raw_request(sub_path=path, params={"user_id": USER})
    )
    found = reply.json()
    assert (found["id"], found["title"]) == (made.id, made.subject)
    assert found["meeting_url"] == made.conference.join_url


async def test_it_sees_and_ends_what_was_subscribed_to(desk: Desk, client: Any) -> None:
    made = await desk.provider.push.create(desk.call, RECORDINGS, ADDRESS, "kitten")
    listed = await asyncio.to_thread(lambda: list(client.call_event_subscriptions.list()))
    assert [each["id"] for each in listed] == [made.id]
    assert listed[0]["webhook"]["hook_url"] == ADDRESS
    body = {"hook_url": "https://example.com/", "secret": "puppy"}
    theirs = await asyncio.to_thread(client.webhooks.create, body)
    assert theirs["signature"]["algo"] == "HS256"
    await asyncio.to_thread(client.call_event_subscriptions.delete, int(made.id))
    assert desk.dialpad.world.calls == {}
