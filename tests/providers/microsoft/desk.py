"""What the tests of Microsoft share: the provider on the double, short ways to ask it, events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from providers.core.call import Call
from providers.core.settings import ProviderSettings
from providers.microsoft.provider_outlook import Outlook
from tests.providers.desk import CONNECTION, EVENT, Caller, door, instant, refused, window  # noqa: F401
from tests.providers.microsoft import spec
from tests.providers.microsoft.double import Graph
from tests.providers.microsoft.double.tokens import APP_TOKEN, TOKEN
from tests.providers.microsoft.double.world import ADA, Calendar
from ucal.v1 import connection_pb2, event_pb2, types_pb2

BERLIN = ZoneInfo("Europe/Berlin")
THIS = types_pb2.UPDATE_SCOPE_THIS_INSTANCE
FOLLOWING = types_pb2.UPDATE_SCOPE_THIS_AND_FOLLOWING
ALL = types_pb2.UPDATE_SCOPE_ALL
TEAMS = types_pb2.CONFERENCE_KIND_TEAMS


class Held:
    """Credentials that are there and are not renewed."""

    def __init__(self, credentials: Any, fresh: str = "") -> None:
        self.credentials = credentials
        self.fresh = fresh
        self.renewals = 0

    async def renew(self, stale: str) -> str:
        self.renewals += 1
        return self.fresh


def person() -> Held:
    """Ada, signed in."""
    return Held(connection_pb2.OAuthCredentials(access_token=TOKEN))


def application(mailbox: str = ADA) -> Held:
    """An app of the tenant that acts for a mailbox."""
    account = connection_pb2.ServiceAccountCredentials(client_id="app", subject=mailbox)
    return Held(account, APP_TOKEN)


@dataclass(kw_only=True)
class Desk(Caller):
    """A caller of the provider on a double of its own."""

    graph: Graph
    account: str = "ada"
    grant: Held = field(default_factory=person)

    @property
    def call(self) -> Call:
        self.auth = self.provider.auth(self.grant)
        return super().call

    @property
    def box(self) -> Any:
        """Ada's mailbox as the double holds it."""
        return self.graph.world.mailboxes[ADA]

    @property
    def calendar(self) -> Calendar:
        """Her default calendar."""
        found: Calendar = self.box.default
        return found

    async def instances(self, id: str, **fields: Any) -> list[event_pb2.Event]:
        fields.setdefault("window", window(datetime(2026, 9, 1, tzinfo=UTC), days=400))
        return await super().instances(id, **fields)


@asynccontextmanager
async def desk(provider: type[Any] = Outlook, **extra: str) -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with Graph() as graph, door() as out:
        settings = ProviderSettings(base_url=graph.base_url, extra=extra)
        yield Desk(graph=graph, out=out, provider=provider(settings), url=graph.base_url)
        spec.check_all(graph.journal)


# -- short events


def berlin(day: int, hour: int, minute: int = 0, month: int = 10) -> types_pb2.EventTime:
    return instant(datetime(2026, month, day, hour, minute, tzinfo=BERLIN), "Europe/Berlin")


def day(when: date) -> types_pb2.EventTime:
    found = types_pb2.EventTime()
    found.date.year, found.date.month, found.date.day = when.year, when.month, when.day
    return found


def local(event: event_pb2.Event) -> str:
    """Start in Berlin, "10-20 14:10"."""
    return f"{event.start_at.timestamp.ToDatetime(UTC).astimezone(BERLIN):%m-%d %H:%M}"


def meeting(
    subject: str = "Meeting",
    at: types_pb2.EventTime | None = None,
    minutes: int = 30,
    rules: tuple[str, ...] = (),
    **fields: Any,
) -> event_pb2.Event:
    """On Tuesday 20 October at 14:10 in Berlin unless said otherwise; clocks change on the 25th."""
    event = event_pb2.Event(subject=subject, start_at=at or berlin(20, 14, 10), **fields)
    event.end_at.CopyFrom(event.start_at)
    event.end_at.timestamp.seconds += 60 * minutes
    if rules:
        event.recurrence.rules.extend(rules)
    return event


WEEKLY = ("RRULE:FREQ=WEEKLY;COUNT=4",)
