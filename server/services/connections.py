"""ConnectionService: credentials go in and never come out."""

from datetime import timedelta

from providers.core.errors import ProviderError
from providers.registry import PROVIDERS
from server.connect.origin import Origin
from server.connections.authorizations import Authorizations
from server.connections.directory import Directory
from server.connections.sealer import Sealer, TokenError
from server.connections.tickets import Tickets
from server.interceptors.scope import SCOPE
from server.interceptors.wrap import Context
from server.status import to_rpc_status
from ucal.v1 import connection_pb2, connection_pb2_grpc

_PAGE = 100
_LARGEST_PAGE = 1000
_TOKEN_LIFE = timedelta(hours=24)


class ConnectionService(connection_pb2_grpc.ConnectionServiceServicer):
    """Administration of connections."""

    def __init__(
        self,
        *,
        directory: Directory,
        authorizations: Authorizations,
        tickets: Tickets,
        origin: Origin,
        sealer: Sealer,
    ) -> None:
        """`sealer`: of the purpose "connections", for page tokens."""
        self._directory = directory
        self._authorizations = authorizations
        self._tickets = tickets
        self._origin = origin
        self._sealer = sealer

    async def ListConnections(
        self, request: connection_pb2.ListConnectionsRequest, context: Context
    ) -> connection_pb2.ListConnectionsResponse:
        bound = request.provider.encode()
        found, more = await self._directory.list(
            after=self._after(request.page_token, bound),
            provider=request.provider,
            size=min(request.page_size or _PAGE, _LARGEST_PAGE),
            sees=SCOPE.get().sees,
        )
        SCOPE.get().items = len(found)
        token = self._sealer.seal(more.encode(), bound_to=bound).decode() if more else ""
        return connection_pb2.ListConnectionsResponse(connections=found, next_page_token=token)

    def _after(self, token: str, bound: bytes) -> str:
        if not token:
            return ""
        try:
            return self._sealer.open(token, bound_to=bound, max_age=_TOKEN_LIFE).decode()
        except TokenError:
            raise ProviderError.invalid(
                "page_token",
                "is not a token of this list, or is older than a day; begin the list again",
                reason="INVALID_PAGE_TOKEN",
            ) from None

    async def GetConnection(
        self, request: connection_pb2.GetConnectionRequest, context: Context
    ) -> connection_pb2.GetConnectionResponse:
        found = await self._directory.get(request.id)
        return connection_pb2.GetConnectionResponse(connection=found)

    async def CreateConnection(
        self, request: connection_pb2.CreateConnectionRequest, context: Context
    ) -> connection_pb2.CreateConnectionResponse:
        made = await self._directory.create(request.connection, request.request_id)
        return connection_pb2.CreateConnectionResponse(connection=made)

    async def UpdateConnection(
        self, request: connection_pb2.UpdateConnectionRequest, context: Context
    ) -> connection_pb2.UpdateConnectionResponse:
        mask = request.update_mask if request.HasField("update_mask") else None
        changed = await self._directory.update(request.id, request.connection, mask)
        return connection_pb2.UpdateConnectionResponse(connection=changed)

    async def DeleteConnection(
        self, request: connection_pb2.DeleteConnectionRequest, context: Context
    ) -> connection_pb2.DeleteConnectionResponse:
        absent = await self._directory.delete(
            request.id,
            etag=request.etag,
            revoke=request.revoke,
            allow_missing=request.allow_missing,
        )
        return connection_pb2.DeleteConnectionResponse(already_absent=absent)

    async def TestConnection(
        self, request: connection_pb2.TestConnectionRequest, context: Context
    ) -> connection_pb2.TestConnectionResponse:
        metadata = dict(context.invocation_metadata() or ())
        tested = await self._directory.test(request.id, metadata)
        provider = tested.resolved.provider.name
        SCOPE.get().provider = provider
        rotated = tested.resolved.trailing_metadata()
        if rotated:
            context.set_trailing_metadata((*(context.trailing_metadata() or ()), *rotated))
        answer = connection_pb2.TestConnectionResponse(
            account_name=tested.account.name, account_email=tested.account.email
        )
        answer.result.SetInParent()
        if tested.error is not None:
            answer.result.CopyFrom(to_rpc_status(tested.error, provider=provider))
        return answer

    async def StartAuthorization(
        self, request: connection_pb2.StartAuthorizationRequest, context: Context
    ) -> connection_pb2.StartAuthorizationResponse:
        _about(request.provider)
        url, state = await self._authorizations.start(
            request.provider, request.redirect_uri, request.scopes, request.connection_id
        )
        return connection_pb2.StartAuthorizationResponse(authorization_url=url, state=state)

    async def CompleteAuthorization(
        self, request: connection_pb2.CompleteAuthorizationRequest, context: Context
    ) -> connection_pb2.CompleteAuthorizationResponse:
        made = await self._authorizations.complete(request.state, request.code)
        SCOPE.get().provider = made.provider
        return connection_pb2.CompleteAuthorizationResponse(connection=made)

    async def CreateConnectLink(
        self, request: connection_pb2.CreateConnectLinkRequest, context: Context
    ) -> connection_pb2.CreateConnectLinkResponse:
        _about(request.provider)
        token, until = await self._tickets.issue(request)
        answer = connection_pb2.CreateConnectLinkResponse(
            url=self._origin.link(request.provider, token)
        )
        answer.expires_at.FromSeconds(until)
        return answer


def _about(provider: str) -> None:
    """Note whom a call is about, if there is such a provider: logs and metrics say the name."""
    if provider in PROVIDERS:
        SCOPE.get().provider = provider
