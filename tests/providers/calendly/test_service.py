"""A move at Calendly, as a watcher of the whole service sees it (P86)."""

from datetime import timedelta
from typing import cast

from google.protobuf.duration_pb2 import Duration

from tests.conformance.serve import served
from tests.conformance.subjects import subjects
from tests.providers.calendly.desk import monday
from tests.providers.calendly.double.world import API, QUICK, tail
from tests.providers.calendly.harness import Harness
from ucal.v1 import event_pb2, types_pb2, watch_pb2


async def test_a_move_is_told_once_to_whoever_polls() -> None:
    (subject,) = [each for each in subjects() if each.provider == "calendly"]
    async with served(subject) as client:
        world = cast("Harness", client.harness).double.world
        made = world.add_event(world.types[QUICK], monday(), "ada@example.com")
        old = world.events[made["event"]]
        scope = watch_pb2.WatchScope(
            connection_id=client.connection_id, kinds=[types_pb2.RESOURCE_KIND_EVENT]
        )
        request = watch_pb2.PollEventsRequest(scope=scope)
        request.resume_token = (await client.poll(request)).resume_token
        new = world.reschedule(old, monday() + timedelta(hours=5))
        request.wait.CopyFrom(Duration(seconds=5))
        answer = await client.poll(request)
        (change,) = answer.changes
        assert change.type == watch_pb2.CHANGE_TYPE_UPDATED
        assert change.id == tail(new["uri"])
        assert change.previous_id == tail(old["uri"])
        # Later changes of the new one are plain updates; the old one is never told again.
        new["name"], new["updated_at"] = "Renamed", world.now()
        world.invitees[old["uri"]][0]["updated_at"] = old["updated_at"] = world.now()
        request.resume_token = answer.resume_token
        client.hub.nudge(client.connection_id)
        answer = await client.poll(request)
        assert [(c.type, c.id) for c in answer.changes] == [
            (watch_pb2.CHANGE_TYPE_UPDATED, tail(new["uri"]))
        ]
        world.cancel(new, "Ill")
        request.resume_token = answer.resume_token
        client.hub.nudge(client.connection_id)
        (change,) = (await client.poll(request)).changes
        assert change.type == watch_pb2.CHANGE_TYPE_UPDATED
        assert change.event.status == event_pb2.EVENT_STATUS_CANCELED
        assert f"{API}/scheduled_events/{change.id}" == new["uri"]
