"""All that watches need, put together: the engine, the other replicas, and what providers push."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.bus.opening import bus_of
from server.bus.replicas import Replicas
from server.bus.turn_rows import TurnRows
from server.bus.turns import SharedTurns
from server.connections.facade import Connections
from server.connections.keyring import derive
from server.push.calls import PushCalls
from server.push.hints import Hints
from server.push.ingress import Ingress
from server.push.registrations import Registrations
from server.push.secrets import MadeSecrets, WebhookSecrets
from server.push.subscription_rows import SubscriptionRows
from server.settings_model import Settings
from server.watch.clock import LoopClock
from server.watch.hub import Hub
from server.watch.ports import WatchSettings
from server.watch.reader import ConnectionReader
from server.watch.token import Tokens

_IN_MEMORY = "memory:"


@dataclass(frozen=True, slots=True)
class Watching:
    """What the rest of the service uses.

    Attributes:
        hub: the watch engine.
        registrations: subscriptions at providers.
        ingress: takes their deliveries.
    """

    hub: Hub
    registrations: Registrations
    ingress: Ingress


@asynccontextmanager
async def watching(settings: Settings, connections: Connections) -> AsyncIterator[Watching]:
    """Everything, from now until the block ends.

    Raises:
        SettingsError: the bus cannot be used.
    """
    clock, habits = LoopClock(), WatchSettings()
    alone = settings.bus == _IN_MEMORY
    replicas = Replicas(bus_of(settings), connections.sealer("bus"), clock, alone=alone)
    rows = TurnRows(connections.store, replicas.name)
    turns = None if alone else SharedTurns(rows, replicas, clock, _key(connections, "turns"))
    tokens = Tokens(connections.sealer("resume"), clock, habits.token_lifetime)
    hub = Hub(ConnectionReader(connections), tokens, clock, habits, turns=turns)
    secrets = WebhookSecrets(connections.ring)
    subscriptions = SubscriptionRows(
        connections.store,
        connections.sealer("subscriptions"),
        # With another address to deliver to, other subscriptions are wanted.
        _key(connections, f"subscriptions {settings.public_url}"),
    )
    registrations = Registrations(
        PushCalls(connections, secrets, settings.public_url),
        subscriptions,
        connections.store,
        hub,
        clock=clock,
        holder=replicas.name,
        lasting=settings.store != _IN_MEMORY,
    )
    hints = Hints(hub, registrations, replicas)
    ingress = Ingress(
        resolver=connections,
        pool=connections.pool,
        secrets=secrets,
        made=MadeSecrets(subscriptions.secrets),
        hints=hints,
    )
    await replicas.open()
    try:
        if turns is not None:
            await turns.open()
        await registrations.open()
        yield Watching(hub, registrations, ingress)
    finally:
        await registrations.close()
        if turns is not None:
            await turns.close()
        await replicas.close()


def _key(connections: Connections, purpose: str) -> Callable[[], bytes]:
    """What gives a key for names that tell nothing: the ring's own may change while serving."""
    return lambda: derive(connections.ring.primary.material, purpose.encode())
