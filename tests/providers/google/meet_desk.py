"""What the tests of Google Meet share: the provider on the double, short ways to ask it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from providers.core.auth import HeaderAuth
from providers.core.call import Call
from providers.core.http import Http
from providers.core.settings import ProviderSettings
from providers.google.provider_meet import GoogleMeet
from tests.providers.google import spec
from tests.providers.google.desk import CONNECTION, door
from tests.providers.google.double import Google, events
from tests.providers.google.double.tokens import TOKEN
from tests.providers.google.double.world import ADA
from ucal.v1 import recording_pb2

TOPIC = "projects/p/topics/meet"
SECRET = "the operator's own"


class MeetDesk:
    """A caller of google_meet on a double of its own."""

    def __init__(self, google: Google, out: Any) -> None:
        self.google, self.out, self.meet = google, out, google.meet
        self.provider = self.make(pubsub_topic=TOPIC)

    def make(self, secret: str = SECRET, **extra: str) -> GoogleMeet:
        return GoogleMeet(
            ProviderSettings(
                base_url=self.google.meet_url,
                webhook_secret=secret,
                extra={
                    "calendar_url": self.google.calendar_url,
                    "workspace_events_url": self.google.events_url,
                    "userinfo_url": self.google.url,
                    "drive_url": "https://drive.example/v3",
                    "requests_per_minute": "0",
                    **extra,
                },
            )
        )

    @property
    def call(self) -> Call:
        http = Http(
            self.out,
            self.google.meet_url,
            auth=HeaderAuth("authorization", f"Bearer {TOKEN}"),
            deadline=asyncio.get_running_loop().time() + 20,
            classify=self.provider.classify,
            provider=self.provider.name,
        )
        return Call(CONNECTION, http)

    async def listed(self, **fields: Any) -> list[recording_pb2.Recording]:
        request = recording_pb2.ListRecordingsRequest(**fields)
        found: list[recording_pb2.Recording] = []
        while True:
            answer = await self.provider.list_recordings(self.call, request)
            assert not request.page_size or len(answer.recordings) <= request.page_size
            found += answer.recordings
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def get(self, id: str, **fields: Any) -> recording_pb2.Recording:
        request = recording_pb2.GetRecordingRequest(id=id, **fields)
        return (await self.provider.get_recording(self.call, request)).recording

    async def segments(self, id: str, page_size: int = 0) -> list[Any]:
        request = recording_pb2.ListTranscriptSegmentsRequest(recording_id=id, page_size=page_size)
        found: list[Any] = []
        while True:
            answer = await self.provider.list_transcript_segments(self.call, request)
            found += answer.segments
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    def event(self, start: datetime, code: str, summary: str = "Review", **more: Any) -> str:
        """An event of Ada's with this meeting code."""
        calendar = self.google.world.calendars[ADA]
        zone = {"timeZone": "Europe/Berlin"}
        body = {
            "summary": summary,
            "start": {"dateTime": start.isoformat(), **zone},
            "end": {"dateTime": (start + timedelta(minutes=45)).isoformat(), **zone},
            "conferenceData": {
                "conferenceId": code,
                "conferenceSolution": {"key": {"type": "hangoutsMeet"}},
                "entryPoints": [
                    {"entryPointType": "video", "uri": f"https://meet.google.com/{code}"}
                ],
            },
            **more,
        }
        query = {"conferenceDataVersion": "1"}
        return str(events.insert(self.google.world, calendar, body, query).data["id"])


@asynccontextmanager
async def meet_desk() -> AsyncIterator[MeetDesk]:
    """A desk, for as long as the block."""
    async with Google() as google, door() as out:
        yield MeetDesk(google, out)
        spec.check_all(google.journal)
