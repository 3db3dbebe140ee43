"""Links in the audit record: who made one, and on whose behalf a person did what followed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from providers.core.errors import ProviderError
from server.access.caller import Caller
from server.access.policy import Policy
from server.audit import export
from server.connections.facade import Connections
from server.interceptors.scope import SCOPE, Scope
from tests.connect.person import fill_in
from tests.connect.world import browser, pages
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

CALLER = Caller("api_key:k1", Policy(()))


@contextmanager
def calling() -> Iterator[None]:
    """A call of somebody who was let in."""
    token = SCOPE.set(Scope(caller=CALLER.name, access=CALLER))
    try:
        yield
    finally:
        SCOPE.reset(token)


async def told(found: Connections) -> list[tuple[str, str, str, str]]:
    """Actor, act, provider and result of every row."""
    keys = ("actor", "act", "provider", "result")
    return [tuple(row[key] for key in keys) async for row in export.rows(found.store, None, None)]


async def test_what_a_person_does_by_a_link_is_its_makers(vendor: VendorServer) -> None:
    """Else a caller could act through a link of its own, and nobody would know who it was."""
    async with pages(vendor, is_open=False) as (base, found), browser() as person:
        asked = connection_pb2.CreateConnectLinkRequest(provider="vendor")
        with calling():
            token, _ = await found.tickets.issue(asked)
        page = f"{base}/connect/vendor?link={token}&with=password"
        assert (await fill_in(person, page, user="ann", secret="secret")).status == 303
        assert await told(found) == [
            ("api_key:k1", "connection.link", "vendor", "OK"),
            ("link:api_key:k1", "connection.create", "vendor", "OK"),
        ]
    assert CALLER.name not in token


async def test_a_link_that_was_refused_is_recorded_without_its_words(vendor: VendorServer) -> None:
    async with pages(vendor) as (_, found):
        asked = connection_pb2.CreateConnectLinkRequest(
            provider="vendor", connection_id="Ada-Lovelace"
        )
        with calling(), pytest.raises(ProviderError):
            await found.tickets.issue(asked)
        assert await told(found) == [("api_key:k1", "connection.link", "", "NOT_FOUND")]
