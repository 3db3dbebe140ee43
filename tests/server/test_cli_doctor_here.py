"""`ucal doctor` on this machine: addresses, files, variables, the store, collectors."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from server.cli.addresses import addresses
from server.cli.private_files import private_files
from server.cli.reach import Finding
from server.cli.store_check import _clock, _schema, is_there, store_check
from server.cli.variables import strays
from server.connections.store import Store
from server.migrations.upgrade import HEAD
from server.service import running
from server.settings import Settings, parse
from tests.collector import Collector, collector
from tests.server.terminal import ended, started, ucal


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings that leave nothing outside the test's folder."""

    def made(**more: object) -> Settings:
        base = {
            "listen": "127.0.0.1:0",
            "http_listen": "127.0.0.1:0",
            "store": f"sqlite:///{tmp_path}/deep/ucal.db",
            "keyring": f"{tmp_path}/keys",
            "limits": {"drain_delay": 0, "drain_grace": 1},
        }
        return parse(base | more)

    return made


@pytest.fixture
def taken() -> Iterator[str]:
    """An address at which something listens, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        yield f"127.0.0.1:{mute.getsockname()[1]}"


@pytest.fixture
async def found() -> AsyncIterator[Collector]:
    async with collector() as each:
        yield each


def _states(findings: list[Finding], about: str) -> list[str]:
    return [each.state for each in findings if about in each.text]


async def test_an_address_that_is_taken_is_to_be_mended(
    settings: Callable[..., Settings], taken: str
) -> None:
    (grpc, http, *_) = await addresses(settings(listen=taken, http_listen=taken), online=False)
    assert (grpc.state, grpc.text) == ("fail", f"{taken}: in use")
    assert "set `listen`" in grpc.advice
    assert (http.state, http.text) == ("fail", f"{taken}: in use")
    assert "set `http_listen`" in http.advice


async def test_an_address_of_another_machine_is_told_as_that(
    settings: Callable[..., Settings],
) -> None:
    elsewhere = settings(http_listen="192.0.2.1:8080")  # RFC 5737: nobody's
    (found,) = [each for each in await addresses(elsewhere, online=False) if "192" in each.text]
    assert found.state == "fail"
    assert "no such address" in found.advice


async def test_the_service_that_runs_is_no_trouble(settings: Callable[..., Settings]) -> None:
    async with running(settings(store="memory:", keyring="")) as service:
        told = await addresses(
            settings(
                listen=service.address,
                http_listen=service.http_address,
                public_url=f"http://{service.http_address}",
            ),
            online=True,
        )
    assert [each.text for each in told if each.state == "ok"] == [
        f"{service.address}: a service is running and healthy",
        f"{service.http_address}: the HTTP side of a service is running",
        f"public_url: a ucal answers at {service.http_address}, seen from here",
    ]
    (seen,) = [each for each in told if "a ucal answers" in each.text]
    assert "only a look from there can tell" in seen.advice


@pytest.mark.parametrize(
    ("more", "state", "told"),
    [
        ({"public_url": "https://10.0.0.7"}, "note", "no provider reaches 10.0.0.7"),
        ({"public_url": "https://localhost"}, "note", "no provider reaches localhost"),
        ({"public_url": "http://ucal.example"}, "note", "providers deliver to https alone"),
        (
            {"public_url": "https://ucal.example", "http_listen": ""},
            "fail",
            "nothing is served there",
        ),
        ({"providers": {"outlook": {"client_id": "a"}}}, "note", "outlook could push"),
    ],
)
async def test_what_keeps_providers_from_pushing_is_told(
    settings: Callable[..., Settings], more: dict[str, object], state: str, told: str
) -> None:
    assert _states(await addresses(settings(**more), online=False), told) == [state]


async def test_something_else_behind_public_url_is_told(
    settings: Callable[..., Settings], found: Collector
) -> None:
    told = await addresses(settings(public_url=found.url), online=True)
    assert _states(told, "answers, but not as this service does (HTTP 405)") == ["note"]


async def test_looking_at_a_store_makes_none(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """A file that root's doctor made could not be opened by the service's user."""
    (found,) = await store_check(settings())
    assert (found.state, found.text) == ("note", "store: none yet")
    path = tmp_path / "ucal.toml"
    path.write_text(
        f'listen = "127.0.0.1:0"\nhttp_listen = ""\nstore = "sqlite:///{tmp_path}/deep/ucal.db"\n'
        f'keyring = "{tmp_path}/keys"\n[access]\nmode = ["api_key"]\n'
    )
    ran = await ucal("doctor", "--offline", "--config", str(path))
    assert "store: none yet" in ran.out
    assert f"ucal keys generate --file {tmp_path}/keys" in ran.out
    assert ran.out.rstrip().endswith("1 to mend")
    assert [each.name for each in tmp_path.iterdir()] == ["ucal.toml"]


async def test_a_folder_in_which_nothing_can_be_made_is_told(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    (found,) = await store_check(settings(store=f"sqlite:///{tmp_path}/file/ucal.db"))
    assert (found.state, found.text) == ("fail", f"store: no file can be made in {tmp_path}/file")


async def test_a_store_tells_its_schema(settings: Callable[..., Settings]) -> None:
    ours = settings()
    store = Store(ours.store)
    await store.open()
    assert is_there(ours)
    assert [each.state for each in await store_check(ours)] == ["ok"]
    async with store.one() as database:
        await database.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    (_, older) = await store_check(ours)
    assert older.state == "note"
    assert older.text == f"store: its schema is 0002, this version's is {HEAD}"
    assert "back it up first" in older.advice
    async with store.one() as database:
        await database.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    (_, newer) = await store_check(ours)
    assert newer.state == "fail"
    await store.close()
    assert [each.text for each in _schema(None)] == ["store: empty"]


@pytest.mark.parametrize(
    ("ahead", "state", "told"),
    [
        (None, [], ""),
        (2.0, ["ok"], "agree"),
        (90.0, ["fail"], "ahead"),
        (-90.0, ["fail"], "behind"),
    ],
)
def test_the_databases_clock_is_held_against_ours(
    ahead: float | None, state: list[str], told: str
) -> None:
    found = list(_clock(ahead))
    assert [each.state for each in found] == state
    assert all(told in each.text for each in found)


def test_files_with_secrets_that_everybody_reads_are_told(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    config, secret, gone = tmp_path / "ucal.toml", tmp_path / "secret", tmp_path / "gone"
    config.write_text('[providers.zoom]\nclient_id = "a"\nclient_secret = "b"\n')
    secret.write_text("c")
    ours = settings(
        connections=[
            {
                "id": "mine",
                "provider": "caldav",
                "base_url": "https://dav.example.com",
                "credentials": {"username": "ann", "password": f"file:{secret}"},
            },
            {"id": "lost", "provider": "fathom", "credentials": {"api_key": f"file:{gone}"}},
        ]
    )
    for path in (config, secret):
        path.chmod(0o644)
    told = private_files(ours, str(config))
    assert [(each.state, each.text.partition(":")[0]) for each in told] == [
        ("note", "settings, which hold secrets"),
        ("note", "connection mine"),
        ("fail", "connection lost"),
    ]
    assert told[0].advice == f"chmod o-r {config}"
    config.write_text('[[connections]]\ncredentials = { api_key = "env:FATHOM" }\n')
    secret.chmod(0o600)
    told = private_files(ours, str(config))
    assert [each.text.partition(":")[0] for each in told] == ["connection lost"]


def test_variables_that_mean_nothing_are_told(settings: Callable[..., Settings]) -> None:
    ours = settings(keyring="env:UCAL_KEYS")
    given = dict.fromkeys(
        (
            "UCAL_LISTENN", "UCAL_LISTEN", "UCAL_KEYS", "UCAL_SECRET_A", "UCAL_CONFIG",
            "UCAL_PROVIDERS__ZOOM__CLIENT_ID", "UCAL_SERVICE_HOST", "UCAL_PORT_50051_TCP_ADDR",
            "UCAL_PODS_SERVICE_PORT_GRPC", "UCAL_WHATEVER", "PATH",
        ),
        "x",
    )  # fmt: skip
    assert list(strays(ours, given)) == [("UCAL_LISTENN", "UCAL_LISTEN"), ("UCAL_WHATEVER", "")]


async def test_the_service_tells_of_them_when_it_starts() -> None:
    given = {"UCAL_STORE": "memory:", "UCAL_LISTEN": "127.0.0.1:0", "UCAL_HTTP_LISTEN": ""}
    process = await started("serve", UCAL_LISTENN="127.0.0.1:1", **given)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(40):
            while (line := json.loads(await process.stderr.readline()))["level"] != "warning":
                pass
    finally:
        await ended(process)
    assert line["event"] == "a variable of the environment is no setting"
    assert line["setting"] == "UCAL_LISTENN"


async def test_the_sandbox_listens_where_it_is_told_or_says_why_not() -> None:
    process = await started("sandbox", "--listen", "0.0.0.0:0", "--quiet")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(40):
            told = await process.stdout.readline()
    finally:
        await ended(process)
    assert told.startswith(b"ucal is serving on 0.0.0.0:")
    refused = await ucal("sandbox", "--listen", "nowhere")
    assert (refused.code, refused.err) == (2, 'ucal: listen: must be "host:port" or "unix:path"\n')


async def test_collectors_are_tried(found: Collector) -> None:
    given = {
        "UCAL_STORE": "memory:",
        "UCAL_LISTEN": "127.0.0.1:0",
        "UCAL_HTTP_LISTEN": "",
        "UCAL_TRACES": f"{found.url}/v1/traces",
        "UCAL_METRICS_OTLP": "http://127.0.0.1:9/v1/metrics",
    }
    ran = await ucal("doctor", "--json", **given)
    told = {each["text"]: each for each in json.loads(ran.out)}
    host = found.url.removeprefix("http://")
    assert told[f"traces: {host} takes what is sent"]["state"] == "ok"
    assert told["metrics_otlp: 127.0.0.1:9 cannot be reached (ConnectError)"]["state"] == "note"
    found.status = 401
    ran = await ucal("doctor", **given)
    assert f"note  traces: {host} answers HTTP 401" in ran.out
    assert "OTEL_EXPORTER_OTLP_HEADERS" in ran.out
    assert found.bodies == [b"", b""]


async def test_states_have_colours_on_a_terminal_alone() -> None:
    given = {"UCAL_STORE": "memory:", "UCAL_LISTEN": "127.0.0.1:0", "UCAL_HTTP_LISTEN": ""}
    piped, shown, plain = await asyncio.gather(
        ucal("doctor", "--offline", **given),
        ucal("doctor", "--offline", terminal=True, **given),
        ucal("doctor", "--offline", terminal=True, NO_COLOR="1", **given),
    )
    assert "\x1b[32mok" in shown.out
    assert "\x1b" not in piped.out + plain.out
    assert piped.out.rstrip().endswith("nothing keeps the service from running here")
