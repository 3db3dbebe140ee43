"""The other side of `teams` for the conformance suite: the double, for a person and for an app."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from providers.core.operations import ResourceKind
from providers.core.settings import ProviderSettings
from tests.providers.microsoft import spec
from tests.providers.microsoft.double import Graph, events
from tests.providers.microsoft.double.bookings import BUSINESS
from tests.providers.microsoft.double.tokens import TOKEN
from tests.providers.microsoft.double.world import ADA
from ucal.v1 import connection_pb2, types_pb2

_RECORDING = types_pb2.RESOURCE_KIND_RECORDING
_WEBINAR = types_pb2.RESOURCE_KIND_WEBINAR
_LINK = types_pb2.RESOURCE_KIND_LINK


class TeamsHarness:
    """`teams` as Ada uses it."""

    provider: ClassVar[str] = "teams"
    fixed_kinds: ClassVar[frozenset[ResourceKind]] = frozenset()
    link_id = ""
    calendar_id = ""

    def __init__(self) -> None:
        self.graph = Graph()
        self.settings = ProviderSettings()
        self.connection = connection_pb2.Connection(provider=self.provider)
        self._sign_in()
        self.serial = 0

    def _sign_in(self) -> None:
        self.connection.oauth.access_token = TOKEN

    async def __aenter__(self) -> Self:
        await self.graph.__aenter__()
        self.settings = ProviderSettings(
            base_url=self.graph.base_url,
            token_url=self.graph.token_url,
            client_id="app",
            client_secret="secret",
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.graph.__aexit__(*exc)
        spec.check_all(self.graph.journal)

    @property
    def _box(self) -> Any:
        return self.graph.world.mailboxes[ADA]

    async def plant(self, kind: ResourceKind) -> str:
        """Put an object there, as another client would."""
        title = f"Planted {uuid.uuid4().hex[:8]}"
        self.serial += 1
        if kind == _LINK:
            made = self.graph.bookings.make(BUSINESS, {"displayName": title})
            return f"{BUSINESS}|{made['id']}"
        if kind == _WEBINAR:
            start = datetime.now(UTC) + timedelta(days=10, hours=self.serial)
            times = {
                name: {"dateTime": f"{when:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
                for name, when in (
                    ("startDateTime", start),
                    ("endDateTime", start + timedelta(hours=1)),
                )
            }
            return str(self.graph.teams.draft({"displayName": title, **times})["id"])
        return self._record(title)

    def _record(self, title: str) -> str:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5, minutes=-self.serial)
        body: dict[str, Any] = {"subject": title, "isOnlineMeeting": True}
        for name, minutes in (("start", 0), ("end", 30)):
            wall = (start + timedelta(minutes=minutes)).replace(tzinfo=None)
            body[name] = {"dateTime": wall.isoformat(), "timeZone": "UTC"}
        made = events.create(self._box, self._box.default, body)
        url = made.data["onlineMeeting"]["joinUrl"]
        own_id = self.graph.teams.record(self._box, url, start + timedelta(minutes=1))
        return f"{self.graph.teams.meeting_id(self._box, url)}|{own_id}"

    async def change(self, kind: ResourceKind, id: str) -> None:
        """Change its title."""
        title = f"Changed {uuid.uuid4().hex[:8]}"
        if kind == _LINK:
            business, service = id.split("|")
            self.graph.bookings.services[business][service]["displayName"] = title
        elif kind == _WEBINAR:
            self.graph.teams.webinars[id]["displayName"] = title
        else:
            for url, (_, event_id) in self.graph.world.meetings.items():
                if self.graph.teams.meeting_id(self._box, url) == id.partition("|")[0]:
                    self._box.default.items[event_id].data["subject"] = title

    async def remove(self, kind: ResourceKind, id: str) -> None:
        """Delete it."""
        if kind == _LINK:
            business, service = id.split("|")
            del self.graph.bookings.services[business][service]
        elif kind == _WEBINAR:
            del self.graph.teams.webinars[id]
        else:
            meeting, own_id = id.split("|")
            for table in (self.graph.teams.recordings, self.graph.teams.transcripts):
                table[meeting] = [each for each in table.get(meeting, []) if each["id"] != own_id]
            self.graph.teams.transcripts[meeting] = []

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


class TeamsAppHarness(TeamsHarness):
    """`teams` as an application of the tenant uses it, for Ada's mailbox."""

    variant = "app"

    def _sign_in(self) -> None:
        account = self.connection.service_account
        account.client_id, account.private_key = "app", "secret"
        account.subject, account.tenant_id = ADA, "contoso.com"
