"""`ucal doctor`: what it looks at, and what it advises."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from server.cli.reach import origins
from server.settings import parse
from tests.loopback import served
from tests.server.terminal import ucal


@asynccontextmanager
async def api(ahead: timedelta) -> AsyncIterator[str]:
    """Something that answers, with a clock that is `ahead`; its URL."""

    async def root(request: web.Request) -> web.Response:
        assert "authorization" not in request.headers
        date = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
        return web.Response(status=401, headers={"date": date})

    app = web.Application()
    app.router.add_get("/", root)
    async with served(app) as url:
        yield url


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], str]:
    def written(url: str) -> str:
        path = tmp_path / "ucal.toml"
        path.write_text(
            'listen = "127.0.0.1:0"\nstore = "memory:"\n'
            '[[connections]]\nid = "mine"\nprovider = "caldav"\n'
            f'base_url = "{url}/ann/secret-path/"\n'
            'credentials = { username = "ann", password = "hunter2" }\n'
        )
        return str(path)

    return written


async def test_a_provider_that_answers_is_well(config: Callable[[str], str]) -> None:
    async with api(timedelta()) as url:
        ran = await ucal("doctor", "--config", config(url))
    assert ran.code == 0, ran.out
    assert f"ok    caldav: {url.removeprefix('http://')} answers, clocks agree" in ran.out
    assert "hunter2" not in ran.out
    assert "secret-path" not in ran.out


async def test_a_wrong_clock_is_told(config: Callable[[str], str]) -> None:
    async with api(timedelta(minutes=10)) as url:
        ran = await ucal("doctor", "--config", config(url))
    assert ran.code == 1
    assert "behind" in ran.out
    assert "NTP" in ran.out


async def test_a_provider_out_of_reach_is_told_unless_offline(
    config: Callable[[str], str],
) -> None:
    path = config("http://127.0.0.1:1")
    ran = await ucal("doctor", "--config", path)
    assert ran.code == 1
    assert "fail  caldav: 127.0.0.1:1 cannot be reached (ConnectError)" in ran.out
    quiet = await ucal("doctor", "--config", path, "--offline")
    assert quiet.code == 0, quiet.out
    assert "caldav" not in quiet.out


def test_what_is_set_up_is_asked() -> None:
    found = parse(
        {
            "store": "memory:",
            "providers": {"zoom": {"client_id": "a"}},
            "connections": [{"id": "s", "provider": "sandbox"}, {"id": "z", "provider": "zoom"}],
        }
    )
    assert list(dict.fromkeys(origins(found))) == [("zoom", "https://api.zoom.us/")]
