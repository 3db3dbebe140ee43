"""One process of each server for all the tests of a session, one calendar for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.caldav_servers import SERVERS, DavServer, cyrus, has_cyrus, radicale
from tests.providers.caldav.world import World, opened


@pytest.fixture(scope="session", params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[DavServer]:
    """Each of the real servers in turn."""
    if request.param == "cyrus" and not has_cyrus():
        pytest.skip("Cyrus is not installed (Debian package cyrus-caldav)")
    with SERVERS[request.param]() as found:
        yield found


@pytest.fixture
async def dav(server: DavServer) -> AsyncIterator[World]:
    """The provider on each of the real servers."""
    async with opened(server) as world:
        yield world


@pytest.fixture(scope="session")
def one_server() -> Iterator[DavServer]:
    """Radicale, where one server is enough."""
    with radicale() as found:
        yield found


@pytest.fixture
async def one(one_server: DavServer) -> AsyncIterator[World]:
    """The provider on Radicale."""
    async with opened(one_server) as world:
        yield world


@pytest.fixture(scope="session")
def scheduler() -> Iterator[DavServer]:
    """A server that delivers invitations."""
    if not has_cyrus():
        pytest.skip("Cyrus is not installed (Debian package cyrus-caldav)")
    with cyrus() as found:
        yield found
