"""What every test stands on: the event loop, no way out of this machine, nothing left behind."""

import asyncio
import ipaddress
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import server  # noqa: F401 - before gRPC: it settles how that takes forks

# A developer's own configuration and proxies must not reach the tests.
for _name in [n for n in os.environ if n.startswith("UCAL_") or n.lower().endswith("_proxy")]:
    del os.environ[_name]

settings.register_profile("house", deadline=None, database=None, derandomize="CI" in os.environ)
settings.load_profile("house")

_network_allowed = False


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0]).partition("%")[0]
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_the_world(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and not _network_allowed and not _is_local(args[1]):
        raise ConnectionRefusedError(f"a test tried to reach {args[1]!r}: tests are offline")


sys.addaudithook(_refuse_the_world)


@pytest.fixture(autouse=True)
def _live_tests_may_leave(request: pytest.FixtureRequest) -> Iterator[None]:
    """Open the network for a test marked `live`, and for no other."""
    global _network_allowed  # noqa: PLW0603 - the audit hook has no other way to know
    _network_allowed = request.node.get_closest_marker("live") is not None
    yield
    _network_allowed = False


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of production: uvloop on Linux."""
    if sys.platform == "linux":
        import uvloop

        return {"uvloop": uvloop.new_event_loop}
    else:
        return {"asyncio": asyncio.new_event_loop}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Watch the tasks of every asynchronous test with a loop of its own."""
    function = getattr(item, "function", None)
    marker = item.get_closest_marker("asyncio")
    shares_a_loop = marker is not None and marker.kwargs.get("loop_scope", "function") != "function"
    if (
        isinstance(item, pytest.Function)
        and asyncio.iscoroutinefunction(function)
        and not shares_a_loop
    ):
        item.fixturenames.insert(0, "_no_task_left_behind")


@pytest.fixture
async def _no_task_left_behind() -> AsyncIterator[None]:
    """Fail a test whose fixtures are torn down while a task of its loop still runs."""
    yield
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=1)
    assert not left, f"tasks left behind: {sorted(str(t.get_coro()) for t in left)}"


@pytest.fixture(scope="session", autouse=True)
def _no_process_left_behind() -> Iterator[None]:
    """Fail the last test of a session that ends with child processes alive (Linux)."""
    yield
    left = [command for command in _children() if b"resource_tracker" not in command]
    assert not left, f"processes left behind: {left}"


def _children() -> Iterator[bytes]:
    for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for pid in path.read_text().split():
            try:
                yield Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
            except FileNotFoundError:
                continue  # ended between the two reads
