"""The watch engine before an upstream that costs nothing: whoever asks is told of one change.

python -m benchmarks.instant NATS_URL      prints its port, ends with its input
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import uvloop

from providers.core.call import ChangesPage, ChangesQuery
from server.app import GrpcServer, Service
from server.bus.nats_core import NatsBus
from server.bus.replicas import Replicas
from server.connections.keyring import KeyRing
from server.connections.sealer import Sealer
from server.push.hints import Hints
from server.services.watch import NAME, WatchService, add_watch_service
from server.watch.clock import LoopClock
from server.watch.hub import Hub
from server.watch.ports import WatchSettings
from server.watch.token import Tokens
from tests.replicas.fleet import KEYS
from ucal.v1 import event_pb2, provider_pb2, types_pb2, watch_pb2

EVENT = types_pb2.RESOURCE_KIND_EVENT


class Target:
    """One connection; each question finds its one event changed."""

    provider = "instant"
    shared = True

    def __init__(self, connection_id: str) -> None:
        self.connection_id = self.identity = self.key = connection_id
        self._serial = 0

    def capability(self, kind: Any) -> provider_pb2.Capability:
        return provider_pb2.Capability(kind=kind, deletions=watch_pb2.DELETION_SUPPORT_EXACT)

    def delta(self, kind: Any) -> bool:
        return True

    async def changes(self, query: ChangesQuery) -> ChangesPage:
        self._serial += 1
        change = watch_pb2.Change(type=watch_pb2.CHANGE_TYPE_UPDATED, kind=EVENT, id="e")
        change.event.CopyFrom(
            event_pb2.Event(id="e", subject=f"version {self._serial}", etag=str(self._serial))
        )
        return ChangesPage([] if query.baseline else [change], f"at {self._serial}")

    async def listing(self, *arguments: Any, include_raw: bool) -> Sequence[Any]:
        return []

    async def read(self, kind: Any, calendar_id: str, id: str) -> Any:
        return None

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return ()


class Reader:
    """Any name is a connection."""

    def __init__(self) -> None:
        self._targets: dict[str, Target] = {}

    async def target(self, connection_id: str, metadata: Mapping[str, str | bytes]) -> Target:
        return self._targets.setdefault(connection_id, Target(connection_id))


class NoRegistrations:
    """There are no subscriptions here."""

    def calendar_of(self, connection_id: str, subscription_id: str) -> None:
        return None


async def main(nats_url: str) -> None:
    clock, settings = LoopClock(), WatchSettings()
    ring = KeyRing.parse(KEYS["UCAL_TEST_KEYS"], "benchmark")
    replicas = Replicas(NatsBus(nats_url), Sealer(ring, "bus"), clock)
    tokens = Tokens(Sealer(ring, "resume"), clock, settings.token_lifetime)
    hub = Hub(Reader(), tokens, clock, settings)
    Hints(hub, NoRegistrations(), replicas)  # type: ignore[arg-type]
    await replicas.open()
    server = GrpcServer([Service(NAME, add_watch_service, WatchService(hub))])
    print(await server.start("127.0.0.1:0"), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    hub.drain(0)
    await server.drain(0, 1)
    await replicas.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
