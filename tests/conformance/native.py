"""A provider's harness behind a service that the vendor can reach: its deliveries wake watches."""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx

from providers.registry import provider_class
from server.service import running
from server.settings import Settings
from server.settings_model import Limits
from tests.conformance.client import Client, connect
from tests.conformance.kinds import KINDS, Kind
from tests.conformance.serve import same_account
from tests.conformance.subjects import Subject, subjects
from tests.ports import free_port
from tests.push.bells import APP_SECRET, BELLS, BELLS_BY_HAND, ONLY_HTTPS


def pushed() -> list[tuple[Subject, Kind]]:
    """Every provider with push, and every kind that it tells of and that can be planted."""
    return [
        (subject, KINDS[kind])
        for subject in subjects()
        for kind in sorted(_kinds(subject) - subject.fixed_kinds)
        if provider_class(subject.provider).watchable(kind)
    ]


def _kinds(subject: Subject) -> frozenset[Any]:
    if subject.provider in BELLS_BY_HAND:
        by_hand = provider_class(subject.provider)
        return frozenset(by_hand(_secret_settings(subject)).push.kinds)  # type: ignore[attr-defined]
    return provider_class(subject.provider).pushed_kinds


def _secret_settings(subject: Subject) -> Any:
    return dataclasses.replace(subject.make().settings, webhook_secret=APP_SECRET)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Stage:
    """A caller of the provider, and what the vendor does after a change.

    Attributes:
        by_hand: the operator entered the address at the vendor's; watches say that they poll.
    """

    client: Client
    wire: httpx.AsyncClient
    by_hand: bool

    async def ring(self) -> Sequence[int]:
        """Deliver; the statuses that the vendor sees."""
        provider = self.client.harness.provider
        bell = (BELLS_BY_HAND if self.by_hand else BELLS)[provider]
        return await bell(self.client.harness, self.wire)


@asynccontextmanager
async def reachable(subject: Subject) -> AsyncIterator[Stage]:
    """A stage; server and double end with the block."""
    by_hand = subject.provider in BELLS_BY_HAND
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with subject.make() as made, httpx.AsyncClient(trust_env=False) as wire:
        harness: Any = made
        if by_hand:
            harness.settings = dataclasses.replace(harness.settings, webhook_secret=APP_SECRET)
        harness.address = f"{url}/webhooks/{harness.provider}"
        if hasattr(harness, "deliver_to"):
            harness.deliver_to(harness.address)
        settings = Settings(
            listen="127.0.0.1:0",
            http_listen=f"127.0.0.1:{port}",
            public_url=url.replace("http:", "https:") if harness.provider in ONLY_HTTPS else url,
            store="memory:",
            log_level="warning",
            providers={harness.provider: harness.settings},
            connections=same_account(harness),
            limits=Limits(drain_delay=0, drain_grace=1),
        )
        async with (
            running(settings) as service,
            grpc.aio.insecure_channel(service.address) as channel,
        ):
            client = await connect(subject.id, harness, channel, service.hub)
            yield Stage(client, wire, by_hand)
