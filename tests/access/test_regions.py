"""Regions over the wire: another region's connections are refused with its name, and its tokens do
not open, though store, key ring and callers are the same.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from server.cli.client import METHODS
from tests.access.door import Door, Place, grant, opened, place
from tests.access.requests import CONNECTIONS, request_for
from ucal.v1 import connection_pb2, event_pb2, watch_pb2

pb = connection_pb2
# They tell of the connection and use no credentials of it: how an administrator finds out.
TELLS = {"GetConnection"}


@pytest.fixture
def where(tmp_path: Path) -> dict[str, Place]:
    """Two servers of one store and one key ring, in two regions."""
    return {
        region: place(
            tmp_path, region=region, passthrough=True,
            redirect_uris=["https://app.example.com/back"],
            providers={"google_calendar": {"client_id": "c", "client_secret": "s"}},
        )
        for region in ("eu", "us")
    }  # fmt: skip


@pytest.fixture
async def pair(where: dict[str, Place]) -> AsyncIterator[tuple[Door, Door, str]]:
    """The door in eu, the one in us, and a key of everything."""
    key = await where["eu"].key(grant("*"))
    async with opened(where["eu"]) as eu, opened(where["us"]) as us:
        yield eu, us, key


def facts(packed: bytes) -> dict[str, str]:
    """The metadata of ErrorInfo in a status."""
    info = error_details_pb2.ErrorInfo()
    for detail in Status.FromString(packed).details:
        detail.Unpack(info)
    return dict(info.metadata)


async def make(door: Door, key: str) -> str:
    asked = pb.CreateConnectionRequest(connection=pb.Connection(provider="sandbox"))
    made = (await door.call("CreateConnection", asked, key)).connection
    assert made.region == "eu"
    return str(made.id)


async def test_every_rpc_on_a_connection_of_another_region_names_the_right_one(
    pair: tuple[Door, Door, str],
) -> None:
    eu, us, key = pair
    own_id = await make(eu, key)
    on_it = [
        name
        for name, method in METHODS.items()
        if name in CONNECTIONS
        or any(
            field.name in {"connection_id", "scope", "call"} for field in method.input_type.fields
        )
    ]
    assert len(on_it) > 40
    wrong = {}
    for rpc in set(on_it) - TELLS - {"BatchListBusy", "CreateConnectLink"}:
        request: Any = request_for(rpc, own_id)
        refusal = await us.refusal(rpc, request, key)
        if refusal.short != ("FAILED_PRECONDITION", "WRONG_REGION"):
            wrong[rpc] = refusal.short
        elif facts(refusal.status)["region"] != "eu" or "eu" not in refusal.message:
            wrong[rpc] = ("names", refusal.message)
    assert wrong == {}
    read = await us.call("GetConnection", pb.GetConnectionRequest(id=own_id), key)
    assert read.connection.region == "eu"
    # And nothing has happened to it.
    back = await eu.call("GetConnection", pb.GetConnectionRequest(id=own_id), key)
    assert back.connection == read.connection


async def test_tokens_of_one_region_do_not_open_in_another(
    pair: tuple[Door, Door, str],
) -> None:
    eu, us, key = pair
    page = await eu.call("ListConnections", pb.ListConnectionsRequest(page_size=1), key)
    for _ in range(2):
        await make(eu, key)
    page = await eu.call("ListConnections", pb.ListConnectionsRequest(page_size=1), key)
    asked = pb.ListConnectionsRequest(page_size=1, page_token=page.next_page_token)
    assert (await eu.refusal("ListConnections", asked, key)).code == "OK"
    assert (await us.refusal("ListConnections", asked, key)).reason == "INVALID_PAGE_TOKEN"
    dance = await eu.call(
        "StartAuthorization",
        pb.StartAuthorizationRequest(
            provider="google_calendar", redirect_uri="https://app.example.com/back"
        ),
        key,
    )
    ended = pb.CompleteAuthorizationRequest(state=dance.state, code="c")
    refusal = await us.refusal("CompleteAuthorization", ended, key)
    assert refusal.code == "INVALID_ARGUMENT"


async def test_page_and_resume_tokens_are_bound_to_the_region(tmp_path: Path) -> None:
    """The same static connection in two regions: even so."""
    box = [{"id": "box", "provider": "sandbox"}]
    places = {name: place(tmp_path, region=name, connections=box) for name in ("eu", "us")}
    key = await places["eu"].key(grant("*"))
    scope = watch_pb2.WatchScope(connection_id="box")
    async with opened(places["eu"]) as eu, opened(places["us"]) as us:
        first = event_pb2.ListEventsRequest(connection_id="box", page_size=1)
        page = await eu.call("ListEvents", first, key)
        first.page_token = page.next_page_token
        assert (await eu.refusal("ListEvents", first, key)).code == "OK"
        assert (await us.refusal("ListEvents", first, key)).reason == "INVALID_PAGE_TOKEN"
        begun = await eu.call("PollEvents", watch_pb2.PollEventsRequest(scope=scope), key)
        on = watch_pb2.PollEventsRequest(scope=scope, resume_token=begun.resume_token)
        assert (await eu.refusal("PollEvents", on, key)).code == "OK"
        assert (await us.refusal("PollEvents", on, key)).code == "INVALID_ARGUMENT"
        stream = watch_pb2.WatchEventsRequest(scope=scope, resume_token=begun.resume_token)
        assert (await us.refusal("WatchEvents", stream, key)).code == "INVALID_ARGUMENT"
