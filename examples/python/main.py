"""Five calls of ucal from Python: list, create, update one instance, watch with resume, errors.

`pip install ucal-client`, then python main.py ADDRESS CONNECTION
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import grpc
from following import Watch, details
from google.protobuf.timestamp_pb2 import Timestamp

from ucal.v1 import event_pb2, types_pb2, watch_pb2
from ucal.v1.event_pb2_grpc import EventServiceStub
from ucal.v1.watch_pb2_grpc import WatchServiceStub

MONDAY = datetime(2027, 3, 1, 8, tzinfo=UTC)


def instant(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


MONTH = types_pb2.TimeRange(start_at=instant(MONDAY), end_at=instant(MONDAY + timedelta(days=31)))


def berlin(at: datetime) -> types_pb2.EventTime:
    """An instant, planned in a zone: a series keeps its wall time there."""
    return types_pb2.EventTime(timestamp=instant(at), time_zone="Europe/Berlin")


def listed(events: EventServiceStub, connection: str) -> list[event_pb2.Event]:
    """All pages."""
    found: list[event_pb2.Event] = []
    request = event_pb2.ListEventsRequest(
        connection_id=connection, window=MONTH, expand_recurring=True, page_size=2
    )
    while True:
        page = events.ListEvents(request, timeout=30)
        found.extend(page.events)
        request.page_token = page.next_page_token
        if not request.page_token:
            return found


def create(
    events: EventServiceStub, connection: str, subject: str, rules: Sequence[str] = ()
) -> event_pb2.Event:
    event = event_pb2.Event(
        subject=subject, start_at=berlin(MONDAY), end_at=berlin(MONDAY + timedelta(hours=1))
    )
    if rules:
        event.recurrence.rules.extend(rules)
    request = event_pb2.CreateEventRequest(connection_id=connection, event=event)
    return events.CreateEvent(request, timeout=30).event


def update_instance(events: EventServiceStub, connection: str, series: str) -> event_pb2.Event:
    """Renames the second instance of a series and leaves the others alone."""
    instances = events.ListEventInstances(
        event_pb2.ListEventInstancesRequest(
            connection_id=connection, recurring_event_id=series, window=MONTH
        ),
        timeout=30,
    )
    request = event_pb2.UpdateEventRequest(
        connection_id=connection,
        id=instances.events[1].id,
        scope=types_pb2.UPDATE_SCOPE_THIS_INSTANCE,
        event=event_pb2.Event(subject="Weekly, in another room"),
    )
    return events.UpdateEvent(request, timeout=30).event


def watch_and_resume(events: EventServiceStub, watch: Watch) -> None:
    """Ends a watch, writes while nobody looks, resumes, and counts what arrives."""
    seen: set[str] = set()
    written: list[event_pb2.Event] = []

    def note(changes: Sequence[watch_pb2.Change]) -> None:
        subjects = (change.event.subject for change in changes)
        seen.update(subject for subject in subjects if subject.startswith("python: "))

    def live(changes: Sequence[watch_pb2.Change]) -> bool:
        note(changes)
        if not written:
            written.append(create(events, watch.connection, "python: seen live"))
        return len(seen) < 1  # False kills the stream

    def rest(changes: Sequence[watch_pb2.Change]) -> bool:
        note(changes)
        return len(seen) < 3

    watch.run(live)
    for subject in ("python: missed 1", "python: missed 2"):
        create(events, watch.connection, subject)
    Watch(watch.stub, watch.connection, watch.token).run(rest)
    print("watch: cut, resumed, nothing lost")


def main(address: str, connection: str) -> None:
    with grpc.insecure_channel(address) as channel:
        events = EventServiceStub(channel)
        series = create(events, connection, "Weekly", ["RRULE:FREQ=WEEKLY;COUNT=4"])
        print("created:", series.subject)
        print("one instance:", update_instance(events, connection, series.id).subject)
        found = listed(events, connection)
        own = sum(event.recurring_event_id == series.id for event in found)
        if own != 4:
            sys.exit(f"{own} instances listed instead of 4")
        print("listed:", own, "instances")
        watch_and_resume(events, Watch(WatchServiceStub(channel), connection))
        try:
            events.ListEvents(event_pb2.ListEventsRequest(connection_id=connection, page_size=-1))
        except grpc.RpcError as error:
            reason, fields = details(error)
            if (reason, fields) != ("INVALID_REQUEST", ["page_size"]):
                raise
            print("error:", reason, *fields)
        else:
            sys.exit("a page of -1 events was given")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python main.py ADDRESS CONNECTION")
    main(*sys.argv[1:])
