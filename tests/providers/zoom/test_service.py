"""Signing in through the whole service, with tokens from the double."""

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from providers.core.settings import ProviderSettings
from tests.providers.zoom.double import Zoom
from tests.providers.zoom.double.server import CLIENT
from tests.providers.zoom.double.world import DANA, EVE
from tests.serving import serving
from ucal.v1 import connection_pb2, event_pb2, event_pb2_grpc


def _settings(zoom: Zoom) -> dict[str, ProviderSettings]:
    own = ProviderSettings(
        base_url=zoom.base_url,
        token_url=f"{zoom.url}/oauth/token",
        client_id=CLIENT[0],
        client_secret=CLIENT[1],
    )
    return {"zoom": own}


async def test_a_server_to_server_app_gets_its_own_tokens() -> None:
    connection = connection_pb2.Connection(id="app", provider="zoom")
    account = connection.service_account
    account.client_id, account.private_key = CLIENT
    account.tenant_id, account.subject = "AAAAAABBBB", "eve@example.com"
    async with Zoom() as zoom:
        zoom.world.create("meeting", EVE, {"topic": "Eve's"})
        zoom.world.create("meeting", DANA, {"topic": "Dana's"})
        async with serving([connection], _settings(zoom)) as channel:
            stub = event_pb2_grpc.EventServiceStub(channel)
            for name, topic in (("", "Eve's"), (DANA, "Dana's")):
                request = event_pb2.ListEventsRequest(connection_id="app", calendar_id=name)
                answer = await stub.ListEvents(request, timeout=20)
                assert [event.subject for event in answer.events] == [topic]
        (asked,) = zoom.asked("POST", "/oauth/token")
        assert asked.body["grant_type"] == "account_credentials"
        assert asked.body["account_id"] == "AAAAAABBBB"


async def test_a_dead_refresh_token_asks_for_the_person() -> None:
    """Codes 4735 and 4741, of which the body tells no more than "Invalid Token!"."""
    connection = connection_pb2.Connection(id="dana", provider="zoom")
    connection.oauth.access_token = "old"
    connection.oauth.refresh_token = "spent"
    connection.oauth.expires_at.CopyFrom(Timestamp(seconds=1))
    async with Zoom() as zoom, serving([connection], _settings(zoom)) as channel:
        stub = event_pb2_grpc.EventServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListEvents(event_pb2.ListEventsRequest(connection_id="dana"), timeout=20)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "REAUTHORIZATION_REQUIRED" in str(caught.value.trailing_metadata())
