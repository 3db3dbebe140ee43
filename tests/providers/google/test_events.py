"""Events: every field there and back, windows, pages, versions, deletions."""

from datetime import UTC, datetime

from tests.providers.google.desk import Desk, berlin, meeting, window
from ucal.v1 import event_pb2


async def test_a_plain_event_there_and_back(desk: Desk) -> None:
    sent = meeting("Review", location="Room 4", description="Agenda")
    made = await desk.make(sent)
    found = await desk.get(made.id)
    assert found == made
    assert found.subject == "Review"
    assert found.start_at == berlin(20, 14, 10)
    assert found.organizer.email == "ada@example.com"
    assert found.status == event_pb2.EVENT_STATUS_CONFIRMED
    assert found.etag
    listed = await desk.listed(window=window(datetime(2026, 10, 20, tzinfo=UTC), days=1))
    assert [e.id for e in listed] == [made.id]
    assert listed[0] == found
