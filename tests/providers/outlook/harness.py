"""The other side of `outlook` for the conformance suite: the double, as Ada uses it."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.microsoft import spec
from tests.providers.microsoft.double import Graph, events
from tests.providers.microsoft.double.tokens import TOKEN
from tests.providers.microsoft.double.world import ADA, BEN, Calendar, Mailbox
from ucal.v1 import connection_pb2, types_pb2

_CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR
_BUSY = types_pb2.RESOURCE_KIND_BUSY


class OutlookHarness:
    """`outlook` on a mailbox of its own."""

    provider: ClassVar[str] = "outlook"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset(
        {_BUSY, types_pb2.RESOURCE_KIND_ROOM, types_pb2.RESOURCE_KIND_LOCATION}
    )
    link_id = ""
    calendar_id = ""

    def __init__(self) -> None:
        self.graph = Graph()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self.connection.oauth.access_token = TOKEN
        self.serial = 0

    async def __aenter__(self) -> Self:
        await self.graph.__aenter__()
        self.settings = ProviderSettings(base_url=self.graph.base_url)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.graph.__aexit__(*exc)
        spec.check_all(self.graph.journal)

    @property
    def _box(self) -> Mailbox:
        return self.graph.world.mailboxes[ADA]

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as another client would."""
        title = f"Planted {uuid.uuid4().hex[:8]}"
        if kind == _CALENDAR:
            return self._box.add_calendar(title).id
        self.serial += 1
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(
            days=14 + self.serial % 5, minutes=30 * (self.serial // 5)
        )
        return self._insert(self._box, title, start).id

    def _insert(self, box: Mailbox, title: str, start: datetime, **fields: Any) -> events.Item:
        body = {"subject": title, **fields}
        for name, minutes in (("start", 0), ("end", 30)):
            wall = (start + timedelta(minutes=minutes)).replace(tzinfo=None)
            body[name] = {"dateTime": wall.isoformat(), "timeZone": "UTC"}
        return events.create(box, box.default, body)

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        title = f"Changed {uuid.uuid4().hex[:8]}"
        if kind == _CALENDAR:
            self._box.calendars[id].data["name"] = title
            return
        calendar, item, day = self._box.find(id)
        events.change(self._box, calendar, item, day, {"subject": title})

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        if kind == _CALENDAR:
            del self._box.calendars[id]
            return
        events.delete(self._box, *self._box.find(id))

    async def invite(self) -> str:
        """Id of an event to which Ada and others are invited by Ben."""
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
        people = [
            {"emailAddress": {"address": address, "name": address}, "type": kind}
            for address, kind in ((ADA, "required"), ("cid@example.net", "optional"))
        ]
        return invite(self.graph, "Invitation", start, attendees=people).id

    async def expire_cursors(self) -> None:
        """Make every sync token dead."""
        self.graph.expire()

    async def fail_next(
        self, status: int, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Answer the next requests with an HTTP status."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self.graph.fail(status, times=times, headers=headers)

    async def lose_next(self) -> None:
        """Do the next write, and cut the connection before answering."""
        self.graph.losing = 1


def invite(graph: Graph, title: str, start: datetime, **fields: Any) -> events.Item:
    """Ben invites Ada: her copy of the event, as Exchange puts it into her calendar."""
    ben, ada = graph.world.mailboxes[BEN], graph.world.mailboxes[ADA]
    body = {"subject": title, **fields}
    for name, minutes in (("start", 0), ("end", 30)):
        wall = (start + timedelta(minutes=minutes)).replace(tzinfo=None)
        body[name] = {"dateTime": wall.isoformat(), "timeZone": "UTC"}
    made = events.create(ben, ben.default, body)
    calendar: Calendar = ada.default
    copy = events.create(ada, calendar, body)
    copy.data |= {
        "isOrganizer": False,
        "iCalUId": made.data["iCalUId"],
        "organizer": made.data["organizer"],
        "responseStatus": {"response": "notResponded", "time": "0001-01-01T00:00:00Z"},
        "showAs": "tentative",
        "attendees": made.data["attendees"],
    }
    return copy
