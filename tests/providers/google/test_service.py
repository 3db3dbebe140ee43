"""The whole service in front of the double: tokens that end, storms, watches that go on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from providers.core.settings import ProviderSettings
from tests.providers.google.double import Google, events
from tests.providers.google.double.tokens import CLIENT, REFRESH, SERVICE, TOKEN
from tests.providers.google.double.world import ADA
from tests.serving import serving
from ucal.v1 import (
    connection_pb2,
    connection_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    watch_pb2,
    watch_pb2_grpc,
)

CREATED, UPDATED = watch_pb2.CHANGE_TYPE_CREATED, watch_pb2.CHANGE_TYPE_UPDATED
DELETED = watch_pb2.CHANGE_TYPE_DELETED


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    async with Google() as found:
        yield found


def _connection(**credentials: Any) -> connection_pb2.Connection:
    found = connection_pb2.Connection(id="ada", provider="google_calendar")
    for name, value in credentials.items():
        getattr(found, name).MergeFrom(value)
    return found


def _oauth(access: str = TOKEN, refresh: str = REFRESH) -> connection_pb2.Connection:
    tokens = connection_pb2.OAuthCredentials(access_token=access, refresh_token=refresh)
    return _connection(oauth=tokens)


@asynccontextmanager
async def service(
    google: Google, connection: connection_pb2.Connection
) -> AsyncIterator[grpc.aio.Channel]:
    settings = ProviderSettings(
        base_url=google.calendar_url,
        token_url=f"{google.url}/token",
        revoke_url=f"{google.url}/revoke",
        client_id=CLIENT[0],
        client_secret=CLIENT[1],
        extra={"directory_url": google.url, "requests_per_minute": "0"},
    )
    async with serving([connection], {"google_calendar": settings}) as channel:
        yield channel


async def _list(channel: grpc.aio.Channel) -> event_pb2.ListEventsResponse:
    request = event_pb2.ListEventsRequest(connection_id="ada")
    return await event_pb2_grpc.EventServiceStub(channel).ListEvents(request, timeout=20)


def _reason(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # has what it reads
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    return str(info.reason)


def _put(google: Google, summary: str) -> str:
    times = {
        name: {"dateTime": f"2026-12-01T{hour}:00:00Z"}
        for name, hour in (("start", "09"), ("end", "10"))
    }
    calendar = google.world.calendars[ADA]
    return str(events.insert(google.world, calendar, {"summary": summary, **times}, {}).data["id"])


# -- tokens


async def test_many_calls_on_an_expired_token_make_one_refresh(google: Google) -> None:
    """P64."""
    async with service(google, _oauth("ya29.expired")) as channel:
        await asyncio.gather(*(_list(channel) for _ in range(50)))
    assert google.tokens.refreshed == 1


async def test_a_dead_refresh_token(google: Google) -> None:
    """Google says 400 invalid_grant, not 401: the person has to consent again."""
    google.tokens.revoke()
    async with service(google, _oauth()) as channel:
        for _ in range(2):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await _list(channel)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            assert _reason(caught.value) == "REAUTHORIZATION_REQUIRED"


async def test_a_client_that_google_does_not_know(google: Google) -> None:
    tokens = connection_pb2.OAuthCredentials(
        access_token="x", refresh_token=REFRESH, client_id="other", client_secret="y"
    )
    async with service(google, _connection(oauth=tokens)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _list(channel)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_service_account_acts_for_a_user(google: Google) -> None:
    account = connection_pb2.ServiceAccountCredentials(
        client_id=SERVICE, private_key=google.tokens.service_key(), key_id="k1", subject=ADA
    )
    async with service(google, _connection(service_account=account)) as channel:
        _put(google, "Seen")
        assert [e.subject for e in (await _list(channel)).events] == ["Seen"]
    account.subject = "eve@example.com"
    async with service(google, _connection(service_account=account)) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await _list(channel)


async def test_the_account_is_told(google: Google) -> None:
    async with service(google, _oauth()) as channel:
        stub = connection_pb2_grpc.ConnectionServiceStub(channel)
        answer = await stub.TestConnection(connection_pb2.TestConnectionRequest(id="ada"))
    assert answer.result.code == 0
    assert (answer.account_name, answer.account_email) == ("Ada", ADA)


# -- watches


class Watch:
    """An open stream."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self.token = b""
        self.seen: list[str] = []

    async def next(self) -> Any:
        while True:
            async with asyncio.timeout(20):
                message = await self._call.read()
            assert message is not grpc.aio.EOF, self.seen
            self.token = message.resume_token or self.token
            name = message.WhichOneof("message")
            if name != "heartbeat":
                self.seen.append(name)
                return message

    async def until(self, wanted: Callable[[Any], bool]) -> Any:
        while not wanted(message := await self.next()):
            pass
        return message

    async def told(self) -> list[tuple[int, str]]:
        """Types and ids of the next batch."""
        message = await self.until(lambda m: m.HasField("changes"))
        return [(c.type, c.id) for c in message.changes.changes]


@asynccontextmanager
async def watching(channel: grpc.aio.Channel, **fields: Any) -> AsyncIterator[Watch]:
    request = watch_pb2.WatchEventsRequest(
        scope=watch_pb2.WatchScope(connection_id="ada"),
        poll_interval=Duration(seconds=1),
        heartbeat_interval=Duration(seconds=5),
        **fields,
    )
    call = watch_pb2_grpc.WatchServiceStub(channel).WatchEvents(request)
    try:
        yield Watch(call)
    finally:
        call.cancel()


@pytest.fixture(autouse=True)
def _polls_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty seconds between two questions are Google's quota, not a test's patience."""
    from providers.core import operations as ops
    from providers.google.provider_calendar import GoogleCalendar

    found = type(GoogleCalendar.features[ops.WATCH_EVENTS])()
    found.CopyFrom(GoogleCalendar.features[ops.WATCH_EVENTS])
    found.min_poll_interval.CopyFrom(Duration(nanos=50_000_000))
    features = {**GoogleCalendar.features, ops.WATCH_EVENTS: found}
    monkeypatch.setattr(GoogleCalendar, "features", features)


INITIAL = watch_pb2.WATCH_START_INITIAL_STATE


async def test_a_watch_survives_a_storm_of_429(google: Google) -> None:
    kept, gone = _put(google, "Kept"), _put(google, "Gone")
    async with (
        service(google, _oauth()) as channel,
        watching(channel, start=INITIAL) as watch,
    ):
        await watch.until(lambda m: m.HasField("synced"))
        google.fail(429, times=3, retry_after=1)
        calendar = google.world.calendars[ADA]
        events.delete(google.world, calendar, gone, {})
        events.change(google.world, calendar, calendar.entries[kept], {"summary": "New"}, {})
        degraded = await watch.until(lambda m: m.HasField("degraded"))
        assert degraded.degraded.cause.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
        assert degraded.degraded.next_attempt_at.ToDatetime(UTC) > datetime(2020, 1, 1, tzinfo=UTC)
        assert sorted(await watch.told()) == sorted([(DELETED, gone), (UPDATED, kept)])


async def test_a_watch_tells_deletions_exactly(google: Google) -> None:
    ids = [_put(google, f"N{n}") for n in range(4)]
    calendar = google.world.calendars[ADA]
    async with (
        service(google, _oauth()) as channel,
        watching(channel, start=INITIAL) as watch,
    ):
        await watch.until(lambda m: m.HasField("synced"))
        for own_id in ids[:2]:
            events.delete(google.world, calendar, own_id, {})
        events.change(google.world, calendar, calendar.entries[ids[2]], {"summary": "x"}, {})
        told: list[tuple[int, str]] = []
        while len(told) < 3:
            told += await watch.told()
    assert sorted(told) == sorted([(DELETED, ids[0]), (DELETED, ids[1]), (UPDATED, ids[2])])


async def test_a_dead_sync_token_resets_a_watch_or_ends_it(google: Google) -> None:
    """P01, P02: what was deleted meanwhile is not in the state that follows."""
    kept, gone = _put(google, "Kept"), _put(google, "Gone")
    async with service(google, _oauth()) as channel:
        async with watching(channel, start=INITIAL) as watch:
            await watch.until(lambda m: m.HasField("synced"))
            token = watch.token
        events.delete(google.world, google.world.calendars[ADA], gone, {})
        google.expire()
        async with watching(channel, resume_token=token) as watch:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await watch.until(lambda m: m.HasField("synced"))
        assert caught.value.code() is grpc.StatusCode.OUT_OF_RANGE
        assert _reason(caught.value) == "RESUME_TOKEN_EXPIRED"
        reset = watch_pb2.WATCH_EXPIRY_RESET
        async with watching(channel, resume_token=token, on_expiry=reset) as watch:
            await watch.until(lambda m: m.HasField("reset"))
            told = await watch.told()
            assert told == [(CREATED, kept)]
            await watch.until(lambda m: m.HasField("synced"))


async def test_revoked_access_ends_a_watch_once(google: Google) -> None:
    """P09: no endless attempts."""
    async with (
        service(google, _oauth()) as channel,
        watching(channel, start=INITIAL) as watch,
    ):
        await watch.until(lambda m: m.HasField("synced"))
        google.tokens.revoke()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch.until(lambda _: False)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        asked = len([e for e in google.journal if e.status == 401])
        assert 1 <= asked <= 3
