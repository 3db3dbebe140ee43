"""What the tests of GoTo share: the provider on the double, short ways to ask, short events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from providers.core.auth import HeaderAuth
from providers.core.settings import ProviderSettings
from providers.goto.provider import GoTo as Provider
from tests.providers.desk import Caller, door, instant, whole
from tests.providers.goto.double import GoTo
from tests.providers.goto.double.server import Exchange
from tests.providers.goto.double.world import TOKEN
from ucal.v1 import event_pb2, webinar_pb2

NOW = datetime.now(UTC).replace(microsecond=0)
SOON = NOW.replace(minute=0, second=0) + timedelta(days=7)


@dataclass(kw_only=True)
class Desk(Caller):
    """A caller of the provider on a double of its own."""

    goto: GoTo

    def asked(self, method: str = "", part: str = "") -> list[Exchange]:
        """What was sent to GoTo, of this method, to paths that hold `part`."""
        return [
            each
            for each in self.goto.journal
            if (not method or each.method == method) and part in each.path
        ]

    # -- webinars

    async def plan(self, webinar: webinar_pb2.Webinar) -> webinar_pb2.CreateWebinarResponse:
        request = webinar_pb2.CreateWebinarRequest(webinar=webinar)
        return await self.provider.create_webinar(self.call, request)

    async def replan(
        self, id: str, webinar: webinar_pb2.Webinar, *paths: str, **fields: Any
    ) -> webinar_pb2.UpdateWebinarResponse:
        request = webinar_pb2.UpdateWebinarRequest(
            id=id, webinar=webinar, update_mask=FieldMask(paths=paths), **fields
        )
        return await self.provider.update_webinar(self.call, request)

    async def webinars(self, **fields: Any) -> list[webinar_pb2.Webinar]:
        request = webinar_pb2.ListWebinarsRequest(**fields)
        found: list[webinar_pb2.Webinar] = await whole(
            self.provider.list_webinars, self.call, request
        )
        return found

    async def register(
        self, webinar_id: str, **fields: Any
    ) -> webinar_pb2.CreateWebinarRegistrantResponse:
        registrant = webinar_pb2.WebinarRegistrant(**fields)
        request = webinar_pb2.CreateWebinarRegistrantRequest(
            webinar_id=webinar_id, registrant=registrant
        )
        return await self.provider.create_webinar_registrant(self.call, request)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk, for as long as the block."""
    async with door() as out, GoTo() as goto:
        provider = Provider(ProviderSettings(base_url=goto.url))
        auth = HeaderAuth("authorization", f"Bearer {TOKEN}")
        yield Desk(out=out, provider=provider, url=goto.url, auth=auth, goto=goto)


def meeting(
    subject: str = "Review", start: datetime = SOON, minutes: int = 45, **fields: Any
) -> event_pb2.Event:
    end = instant(start + timedelta(minutes=minutes))
    return event_pb2.Event(subject=subject, start_at=instant(start), end_at=end, **fields)


def launch(
    subject: str = "Launch",
    start: datetime = SOON,
    zone: str = "America/New_York",
    rule: str = "",
    **fields: Any,
) -> webinar_pb2.Webinar:
    found = webinar_pb2.Webinar(
        subject=subject,
        description="What is new",
        start_at=instant(start, zone),
        end_at=instant(start + timedelta(hours=1), zone),
        **fields,
    )
    if rule:
        found.recurrence.rules.append(f"RRULE:{rule}")
    return found
