"""ConnectionService over the wire: every RPC, with the interceptors around it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from server.app import GrpcServer, Service
from server.connect.origin import Origin
from server.connections.facade import Connections
from server.services.connections import ConnectionService
from tests.server.house import basic, house, oauth
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2, connection_pb2_grpc

pb = connection_pb2
# The generated stub for asyncio exists for type checkers only.
Stub: TypeAlias = Any


@asynccontextmanager
async def serving(
    found: Connections,
) -> AsyncIterator[Stub]:
    """The service on a port of its own."""
    origin = Origin("https://ucal.example", is_open=False)
    service = ConnectionService(
        directory=found.directory,
        authorizations=found.authorizations,
        tickets=found.tickets,
        origin=origin,
        sealer=found.sealer("connections"),
    )
    add = connection_pb2_grpc.add_ConnectionServiceServicer_to_server
    server = GrpcServer([Service("ucal.v1.ConnectionService", add, service)])
    port = await server.start("127.0.0.1:0")
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield connection_pb2_grpc.ConnectionServiceStub(channel)
    finally:
        await server.drain(0, 0)


@pytest.fixture
async def stub(
    connections: Connections,
) -> AsyncIterator[Stub]:
    async with serving(connections) as found:
        yield found


async def fails(call: Any) -> tuple[grpc.StatusCode, str, list[str]]:
    """Code, reason and fields of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    status = rpc_status.from_call(failed.value)  # type: ignore[arg-type]  # has what it reads
    assert status is not None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return failed.value.code(), info.reason, [each.field for each in bad.field_violations]


async def test_a_connections_life(stub: Stub, vendor: VendorServer) -> None:
    made = await stub.CreateConnection(
        pb.CreateConnectionRequest(connection=basic("a", display_name="A"))
    )
    assert made.connection.WhichOneof("credentials") is None
    read = await stub.GetConnection(pb.GetConnectionRequest(id="a"))
    assert read.connection == made.connection
    tested = await stub.TestConnection(pb.TestConnectionRequest(id="a"))
    assert tested.HasField("result")
    assert (tested.result.code, tested.account_email) == (0, "ann@example.com")
    changed = await stub.UpdateConnection(
        pb.UpdateConnectionRequest(
            id="a", connection=pb.Connection(display_name="B", etag=read.connection.etag)
        )
    )
    assert changed.connection.display_name == "B"
    gone = await stub.DeleteConnection(
        pb.DeleteConnectionRequest(id="a", etag=changed.connection.etag)
    )
    assert not gone.already_absent
    again = await stub.DeleteConnection(pb.DeleteConnectionRequest(id="a", allow_missing=True))
    assert again.already_absent
    assert await fails(stub.GetConnection(pb.GetConnectionRequest(id="a"))) == (
        grpc.StatusCode.NOT_FOUND,
        "NOT_FOUND",
        [],
    )


async def test_pages(stub: Stub) -> None:
    for number in range(5):
        await stub.CreateConnection(
            pb.CreateConnectionRequest(connection=pb.Connection(id=f"c{number}", provider="plain"))
        )
    seen: list[str] = []
    token = ""
    while True:
        page = await stub.ListConnections(
            pb.ListConnectionsRequest(page_size=2, page_token=token, provider="plain")
        )
        seen += [each.id for each in page.connections]
        token = page.next_page_token
        if not token:
            break
        last = token
    assert seen == [f"c{number}" for number in range(5)]
    for request in (
        pb.ListConnectionsRequest(page_token=last),
        pb.ListConnectionsRequest(
            page_token=last[:-1] + ("B" if last[-1] == "A" else "A"), provider="plain"
        ),
        pb.ListConnectionsRequest(page_token="c2", provider="plain"),
    ):
        assert await fails(stub.ListConnections(request)) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_PAGE_TOKEN",
            ["page_token"],
        )
    code, _, fields = await fails(stub.ListConnections(pb.ListConnectionsRequest(page_size=-1)))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_size"])


async def test_a_refused_password_is_an_answer(stub: Stub, vendor: VendorServer) -> None:
    wrong = basic("a")
    wrong.basic.password = "wrong"
    await stub.CreateConnection(pb.CreateConnectionRequest(connection=wrong))
    tested = await stub.TestConnection(pb.TestConnectionRequest(id="a"))
    assert tested.result.code == grpc.StatusCode.UNAUTHENTICATED.value[0]
    assert tested.account_email == ""


async def test_credentials_that_are_brought_are_tested_and_handed_back(
    stub: Stub, vendor: VendorServer
) -> None:
    vendor.refresh.add("r0")
    old = pb.OAuthCredentials(access_token="old", refresh_token="r0").SerializeToString()
    call = stub.TestConnection(
        pb.TestConnectionRequest(id="-"),
        metadata=(("ucal-provider", "vendor"), ("ucal-credentials-bin", old)),
    )
    answer = await call
    assert (answer.result.code, answer.account_name) == (0, "Ann")
    trailing = dict(await call.trailing_metadata())
    back = pb.OAuthCredentials.FromString(trailing["ucal-rotated-credentials-bin"])
    assert back.refresh_token == "refresh-1"


@pytest.mark.parametrize(
    ("method", "asked", "expected"),
    [
        (
            "CreateConnection",
            pb.CreateConnectionRequest(connection=pb.Connection(provider="nope")),
            (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ["connection.provider"]),
        ),
        (
            "CreateConnection",
            pb.CreateConnectionRequest(),
            (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ["connection"]),
        ),
        (
            "CreateConnection",
            pb.CreateConnectionRequest(connection=pb.Connection(id="-", provider="plain")),
            (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ["connection.id"]),
        ),
        (
            "CreateConnection",
            pb.CreateConnectionRequest(connection=basic(""), request_id="x"),
            (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ["request_id"]),
        ),
        (
            "UpdateConnection",
            pb.UpdateConnectionRequest(id="nope", connection=pb.Connection(display_name="x")),
            (grpc.StatusCode.NOT_FOUND, "NOT_FOUND", []),
        ),
        (
            "DeleteConnection",
            pb.DeleteConnectionRequest(id="nope"),
            (grpc.StatusCode.NOT_FOUND, "NOT_FOUND", []),
        ),
        (
            "TestConnection",
            pb.TestConnectionRequest(id="nope"),
            (grpc.StatusCode.NOT_FOUND, "NOT_FOUND", []),
        ),
        (
            "TestConnection",
            pb.TestConnectionRequest(id="-"),
            (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ["metadata.ucal-provider"]),
        ),
        (
            "StartAuthorization",
            pb.StartAuthorizationRequest(provider="vendor", redirect_uri="https://a.example/x"),
            (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ["redirect_uri"]),
        ),
        (
            "CompleteAuthorization",
            pb.CompleteAuthorizationRequest(state="s", code="c"),
            (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ["state"]),
        ),
    ],
)
async def test_what_fails_says_how(
    stub: Stub, method: str, asked: Any, expected: tuple[grpc.StatusCode, str, list[str]]
) -> None:
    assert await fails(getattr(stub, method)(asked)) == expected


async def test_no_answer_and_no_error_holds_a_secret(vendor: VendorServer) -> None:
    """Canary, over the wire: answers, details, trailing metadata."""
    canary = "canary-31cd"
    async with house(vendor) as found, serving(found) as stub:
        made = oauth("a", access_token=canary, refresh_token=canary, client_secret=canary)
        answers: list[Any] = [
            await stub.CreateConnection(pb.CreateConnectionRequest(connection=made)),
            await stub.GetConnection(pb.GetConnectionRequest(id="a")),
            await stub.ListConnections(pb.ListConnectionsRequest()),
            await stub.TestConnection(pb.TestConnectionRequest(id="a")),
            await stub.UpdateConnection(
                pb.UpdateConnectionRequest(id="a", connection=pb.Connection(display_name="x"))
            ),
        ]
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.CreateConnection(pb.CreateConnectionRequest(connection=made))
        answers.append(failed.value.trailing_metadata())
        made.oauth.access_token = f"{canary}\n"
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.CreateConnection(pb.CreateConnectionRequest(connection=made))
        answers += [failed.value.trailing_metadata(), failed.value.debug_error_string()]
    assert canary not in repr(answers)
