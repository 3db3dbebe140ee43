"""Two layers: who calls, before anything is read; and what it may, once the request is known.

A connection on which a caller may do nothing does not exist for it: the answer is NOT_FOUND, word
for word that of an id that is not there. What it sees and may not do is PERMISSION_DENIED.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from providers.core.errors import Kind, ProviderError
from server.access import busy_only
from server.access.caller import Caller
from server.access.gate import Gate
from server.access.makers import Makers
from server.access.policy import Facts, Verdict
from server.access.rpcs import RPCS, Rpc, Where
from server.access.sight import Sight, facts_of
from server.access.standing import Standing
from server.connections import brought
from server.interceptors.scope import SCOPE
from server.interceptors.wrap import Context, Stream, Unary, Wrapping
from server.status import to_rpc_status
from ucal.v1 import busy_pb2, connection_pb2

# They last: their callers are looked at again while they do.
_LASTING = frozenset({"WatchEvents", "PollEvents"})


@dataclass(frozen=True, slots=True)
class Access:
    """Both layers, what has to be closed behind them, and who looks at makers again."""

    gate: Gate
    outer: Wrapping
    inner: Wrapping
    makers: Makers


class Callers(Wrapping):
    """Finds out who calls; refuses at once whom no policy lets call this RPC at all."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def _admit(self, rpc: Rpc | None, context: Context) -> None:
        caller = await self._gate.caller(context)
        scope = SCOPE.get()
        scope.caller, scope.access = caller.name, caller
        if rpc is None or rpc.where is Where.NOWHERE or not caller.policy.may(rpc):
            raise _masked() if rpc is not None and caller.policy.is_veiled(rpc) else _refused()

    def unary(self, method: str, inner: Unary) -> Unary:
        """Around a call with one answer."""
        rpc = RPCS.get(method)

        async def call(request: Any, context: Context) -> Any:
            await self._admit(rpc, context)
            return await inner(request, context)

        return call

    def stream(self, method: str, inner: Stream) -> Stream:
        """Around a call with a stream of answers."""
        rpc = RPCS.get(method)

        async def call(request: Any, context: Context) -> Any:
            await self._admit(rpc, context)
            async for message in inner(request, context):
                yield message

        return call


class Objects(Wrapping):
    """Holds every connection that a request names against the caller's policy."""

    def __init__(self, gate: Gate, sight: Sight, standing: Standing) -> None:
        self._gate = gate
        self._sight = sight
        self._standing = standing

    def unary(self, method: str, inner: Unary) -> Unary:
        """Around a call with one answer."""
        rpc = RPCS.get(method)
        ways: dict[Where, Callable[[Rpc, Unary], Unary]] = {
            Where.FIELD: self._field,
            Where.EACH: self._each,
            Where.ID: self._administered,
            Where.LIST: self._list,
            Where.NEW: self._new,
            Where.DANCE: self._dance,
            Where.STATE: self._state,
            Where.NOTHING: lambda _, call: call,
        }
        way = ways.get(rpc.where) if rpc is not None else None
        if rpc is None or way is None:
            return _closed
        return way(rpc, inner)

    def stream(self, method: str, inner: Stream) -> Stream:
        """Around a call with a stream of answers."""
        rpc = RPCS.get(method)
        if rpc is None or rpc.where is not Where.FIELD:
            return _closed_stream
        lasts = rpc.name in _LASTING

        async def call(request: Any, context: Context) -> Any:
            caller, metadata = _caller(), _metadata(context)
            connection_id = rpc.connection_id(request)
            if await self._masked(caller, rpc, connection_id, metadata):
                request = busy_only.narrowed(request)
            if not lasts:
                async for message in inner(request, context):
                    yield message
                return
            async with self._kept(caller, rpc, connection_id, metadata):
                async for message in inner(request, context):
                    yield message

        return call

    # -- one way for each place where a request names connections

    def _field(self, rpc: Rpc, inner: Unary) -> Unary:
        lasts = rpc.name in _LASTING

        async def call(request: Any, context: Context) -> Any:
            caller, metadata = _caller(), _metadata(context)
            connection_id = rpc.connection_id(request)
            masked = await self._masked(caller, rpc, connection_id, metadata)
            if masked:
                request = busy_only.narrowed(request)
            if lasts:
                async with self._kept(caller, rpc, connection_id, metadata):
                    answer = await inner(request, context)
            else:
                answer = await inner(request, context)
            return busy_only.reduced(answer) if masked else answer

        return call

    def _each(self, rpc: Rpc, inner: Unary) -> Unary:
        """Of several connections those refused get an error of their own, in their places."""

        async def call(request: Any, context: Context) -> Any:
            caller, metadata = _caller(), _metadata(context)
            asked = busy_pb2.BatchListBusyRequest()
            places: list[tuple[bool, ProviderError | None]] = []
            for each in request.requests:
                try:
                    masked = await self._masked(caller, rpc, each.connection_id, metadata)
                except ProviderError as error:
                    places.append((False, error))
                    continue
                asked.requests.append(busy_only.narrowed(each) if masked else each)
                places.append((masked, None))
            found = busy_pb2.BatchListBusyResponse()
            if asked.requests:
                found = await inner(asked, context)
            return _in_their_places(found, places)

        return call

    def _administered(self, rpc: Rpc, inner: Unary) -> Unary:
        """The connection itself is what the call is about: as the store has it now."""

        async def call(request: Any, context: Context) -> Any:
            caller, own_id = _caller(), request.id
            facts = await self._sight.look(own_id, _metadata(context), anew=True)
            try:
                masked = _judge(caller, rpc, own_id, facts)
                _check_labels(caller, rpc, request, facts)
                _check_update_secret(caller, rpc, request, facts)
            except ProviderError as error:
                if error.kind is Kind.NOT_FOUND and getattr(request, "allow_missing", False):
                    return connection_pb2.DeleteConnectionResponse(already_absent=True)
                raise
            try:
                answer = await inner(request, context)
            finally:
                self._sight.forget(own_id)
            return busy_only.reduced(answer) if masked else answer

        return call

    def _list(self, rpc: Rpc, inner: Unary) -> Unary:
        async def call(request: Any, context: Context) -> Any:
            caller = _caller()

            def sees(connection: connection_pb2.Connection) -> bool:
                verdict = caller.policy.verdict(rpc, facts_of(connection))
                return verdict in {Verdict.FULL, Verdict.BUSY}

            SCOPE.get().sees = sees
            answer = await inner(request, context)
            kept = [each for each in answer.connections if sees(each)]
            del answer.connections[:]
            for each in kept:
                verdict = caller.policy.verdict(rpc, facts_of(each))
                answer.connections.append(
                    each if verdict is Verdict.FULL else busy_only.connection(each)
                )
            return answer

        return call

    def _new(self, rpc: Rpc, inner: Unary) -> Unary:
        async def call(request: Any, context: Context) -> Any:
            caller = _caller()
            facts = facts_of(request.connection)
            if not caller.policy.may_make(rpc, facts):
                raise _not_to_make()
            _check_secret(caller, rpc, request.connection, facts)
            answer = await inner(request, context)
            self._sight.forget(answer.connection.id)
            # This request_id may have made it before, and it may have been moved since.
            _judge(caller, rpc, answer.connection.id, facts_of(answer.connection))
            return answer

        return call

    def _dance(self, rpc: Rpc, inner: Unary) -> Unary:
        async def call(request: Any, context: Context) -> Any:
            caller = _caller()
            if request.connection_id:
                facts = await self._sight.look(request.connection_id, {}, anew=True)
                _judge(caller, rpc, request.connection_id, facts)
            else:
                labels = dict(getattr(request, "labels", {}))
                if not caller.policy.may_make(rpc, Facts("", request.provider, labels)):
                    raise _not_to_make()
            return await inner(request, context)

        return call

    def _state(self, rpc: Rpc, inner: Unary) -> Unary:
        """Whoever may begin the dance sealed into `state` what comes of it."""

        async def call(request: Any, context: Context) -> Any:
            caller = _caller()

            def sees(connection: connection_pb2.Connection) -> bool:
                return caller.policy.verdict(rpc, facts_of(connection)) is Verdict.FULL

            SCOPE.get().sees = sees
            answer = await inner(request, context)
            self._sight.forget(answer.connection.id)
            _judge(caller, rpc, answer.connection.id, facts_of(answer.connection))
            return answer

        return call

    # -- the decision

    def _kept(
        self, caller: Caller, rpc: Rpc, connection_id: str, metadata: dict[str, str | bytes]
    ) -> AbstractAsyncContextManager[None]:
        """A block that ends when the caller would not be let in any more."""

        async def check() -> None:
            await self._gate.refuse_ended(caller)
            await self._masked(caller, rpc, connection_id, metadata)

        return self._standing.kept(check)

    async def _masked(
        self, caller: Caller, rpc: Rpc, connection_id: str, metadata: dict[str, str | bytes]
    ) -> bool:
        """Whether the caller is to see free/busy alone of the connection.

        Raises:
            ProviderError: NOT_FOUND or FORBIDDEN: it may not do this there.
        """
        facts = await self._sight.look(connection_id, metadata)
        return _judge(caller, rpc, connection_id, facts)


def _judge(caller: Caller, rpc: Rpc, connection_id: str, facts: Facts | None) -> bool:
    verdict = caller.policy.verdict(rpc, facts)
    if verdict is Verdict.FULL:
        return False
    if verdict is Verdict.BUSY:
        return True
    if verdict is Verdict.MASKED:
        raise _masked()
    if verdict is Verdict.UNSEEN and connection_id != brought.CONNECTION_ID:
        raise ProviderError.not_found("connection", connection_id[:64])
    raise _refused()


def _check_labels(caller: Caller, rpc: Rpc, request: Any, facts: Facts | None) -> None:
    """Refuse an update after which the connection would be another one's."""
    if rpc.name != "UpdateConnection" or facts is None:
        return
    masked = request.HasField("update_mask")
    paths = request.update_mask.paths if masked else ()
    if any(path.partition(".")[0] == "labels" for path in paths) or (
        not masked and request.connection.labels
    ):
        after = Facts(facts.id, facts.provider, dict(request.connection.labels))
        if caller.policy.verdict(rpc, after) is not Verdict.FULL:
            raise _not_to_make()


def _check_update_secret(caller: Caller, rpc: Rpc, request: Any, facts: Facts | None) -> None:
    """Refuse an update that writes a reference to somebody else's secret."""
    if rpc.name != "UpdateConnection" or facts is None:
        return
    masked = request.HasField("update_mask")
    if not masked or "secret_reference" in request.update_mask.paths:
        _check_secret(caller, rpc, request.connection, facts)


def _check_secret(caller: Caller, rpc: Rpc, asked: connection_pb2.Connection, facts: Facts) -> None:
    if not asked.HasField("secret_reference"):
        return
    reference = f"{asked.secret_reference.store}:{asked.secret_reference.key}"
    if not caller.policy.may_refer(rpc, facts, reference):
        raise ProviderError(
            Kind.FORBIDDEN,
            "no policy allows you to refer to this secret: `secrets` of a policy names those that "
            "its connections may hold",
            reason="ACCESS_DENIED",
        )


def _in_their_places(
    found: busy_pb2.BatchListBusyResponse, places: list[tuple[bool, ProviderError | None]]
) -> busy_pb2.BatchListBusyResponse:
    answers = iter(found.results)
    results = []
    for masked, error in places:
        if error is not None:
            status = to_rpc_status(error)
            results.append(busy_pb2.BatchListBusyResponse.Result(error=status))
            continue
        result = next(answers)
        if masked and result.HasField("response"):
            busy_only.reduced(result.response)
        results.append(result)
    return busy_pb2.BatchListBusyResponse(results=results)


def _caller() -> Caller:
    caller = SCOPE.get().access
    if caller is None:
        raise _refused()
    return caller


def _metadata(context: Context) -> dict[str, str | bytes]:
    return dict(context.invocation_metadata() or ())


async def _closed(request: Any, context: Context) -> Any:
    """An RPC of which access knows nothing."""
    del request, context
    raise _refused()


async def _closed_stream(request: Any, context: Context) -> Any:
    yield await _closed(request, context)


def _refused() -> ProviderError:
    return ProviderError(
        Kind.FORBIDDEN, "no policy allows you to do this here", reason="ACCESS_DENIED"
    )


def _not_to_make() -> ProviderError:
    return ProviderError(
        Kind.FORBIDDEN,
        "no policy allows you a connection of this id, provider and labels; an id may be chosen "
        "where a policy names ids",
        reason="ACCESS_DENIED",
    )


def _masked() -> ProviderError:
    return ProviderError(
        Kind.FORBIDDEN,
        "you may see free/busy alone: call ListBusy, or watch RESOURCE_KIND_BUSY",
        reason="ACCESS_BUSY_ONLY",
    )
