"""Settings: defaults, file, environment, and errors that name the key and hold no secret."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from providers.core.settings import ProviderSettings
from server import settings_rules
from server.settings import DEFAULT_STORE, Settings, SettingsError, load, parse, variables

CANARY = "canary-9c1f"
EVERYTHING = """
listen = "127.0.0.1:0"
http_listen = ""
public_url = "https://ucal.example.com"
store = "postgresql://ann:canary-9c1f@db/ucal"
bus = "nats://ann:canary-9c1f@bus:4222"
keyring = "/etc/ucal/keys"
region = "eu"
environment = "production"
log_level = "warning"
passthrough = true
allowed_hosts = ["dav.internal"]
allowed_networks = ["10.1.0.0/16"]

[tls]
cert = "c.pem"
key = "k.pem"
client_ca = "ca.pem"

[access]
mode = ["mtls"]
ip_allow_list = ["192.0.2.0/24", "2001:db8::/32"]

[[policies]]
subjects = ["dns:caller.example.com"]
allow = ["read"]
connections = ["*"]

[limits]
max_calls = 10
default_deadline = 2.5

[providers.known]
base_url = "https://gateway.example.com/caldav"
client_secret = "canary-9c1f"
webhook_secret = "canary-9c1f"
tenant = "canary-9c1f"
number = 5

[[connections]]
id = "work"
provider = "known"
base_url = "https://dav.example.com/"
labels = { team = "blue" }
credentials = { username = "ann", password = "canary-9c1f" }

[[connections]]
id = "other"
provider = "known"
credentials = "file:/run/secrets/other"
"""


@pytest.fixture(autouse=True)
def _providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_rules, "PROVIDERS", {"known": "m:C", "google_x": "m:D"})


def test_defaults() -> None:
    settings = load({})
    assert settings == Settings()
    assert settings.listen == "127.0.0.1:50051"
    assert settings.http_listen == "127.0.0.1:8080"
    assert settings.store == DEFAULT_STORE
    assert settings.access.mode == ("open",)
    assert (settings.region, settings.environment, settings.log_level) == (
        "us",
        "development",
        "info",
    )


def test_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "ucal.toml"
    path.write_text(EVERYTHING)
    settings = load({"UCAL_CONFIG": str(path)})
    assert settings == load({}, config=str(path))
    assert settings.tls.client_ca == "ca.pem"
    assert settings.access.mode == ("mtls",)
    assert settings.limits.default_deadline == 2.5
    assert settings.limits.max_streams == 20_000
    assert settings.providers["known"] == ProviderSettings(
        base_url="https://gateway.example.com/caldav",
        client_secret=CANARY,
        webhook_secret=CANARY,
        extra={"tenant": CANARY, "number": "5"},
    )
    work, other = settings.connections
    assert work.credentials == {"username": "ann", "password": CANARY}
    assert other.credentials == "file:/run/secrets/other"


def test_nothing_prints_a_secret(tmp_path: Path) -> None:
    settings = parse(tomllib.loads(EVERYTHING))
    for shown in (repr(settings), str(settings), repr(settings.connections), f"{settings}"):
        assert CANARY not in shown
    assert "postgresql://(set)" in repr(settings)
    assert "sqlite:///~" in repr(Settings())


def test_the_environment_wins(tmp_path: Path) -> None:
    path = tmp_path / "ucal.toml"
    path.write_text(EVERYTHING)
    settings = load(
        {
            "UCAL_CONFIG": str(path),
            "UCAL_LISTEN": "unix:/run/ucal.sock",
            "UCAL_PASSTHROUGH": "false",
            "UCAL_ALLOWED_HOSTS": "a.internal, b.internal",
            "UCAL_ACCESS": "open",
            "UCAL_ACCESS_IP_ALLOW_LIST": "",
            "UCAL_TLS_CLIENT_CA": "",
            "UCAL_LIMITS_MAX_CALLS": "77",
            "UCAL_PROVIDERS__KNOWN__CLIENT_ID": "id",
            "UCAL_PROVIDERS__GOOGLE_X__TOKEN_URL": "http://127.0.0.1:1/token",
        }
    )
    assert settings.listen == "unix:/run/ucal.sock"
    assert settings.passthrough is False
    assert settings.allowed_hosts == ("a.internal", "b.internal")
    assert settings.access.mode == ("open",)
    assert settings.access.ip_allow_list == ()
    assert settings.limits.max_calls == 77
    assert settings.providers["known"].client_id == "id"
    assert settings.providers["known"].client_secret == CANARY
    assert settings.providers["google_x"].token_url == "http://127.0.0.1:1/token"


def test_what_kubernetes_puts_into_the_environment_of_a_service_called_ucal_does_not_matter() -> (
    None
):
    assert load({"UCAL_PORT": "tcp://10.0.0.1:50051", "UCAL_SERVICE_HOST": "10.0.0.1"}) == load({})


def test_every_variable_of_the_interface_exists() -> None:
    named = {
        "UCAL_LISTEN": "listen",
        "UCAL_HTTP_LISTEN": "http_listen",
        "UCAL_PUBLIC_URL": "public_url",
        "UCAL_STORE": "store",
        "UCAL_BUS": "bus",
        "UCAL_KEYRING": "keyring",
        "UCAL_REGION": "region",
        "UCAL_ENVIRONMENT": "environment",
        "UCAL_LOG_LEVEL": "log_level",
        "UCAL_TLS_CERT": "tls.cert",
        "UCAL_TLS_KEY": "tls.key",
        "UCAL_TLS_CLIENT_CA": "tls.client_ca",
        "UCAL_ACCESS": "access.mode",
        "UCAL_ACCESS_IP_ALLOW_LIST": "access.ip_allow_list",
    }
    assert named.items() <= variables().items()


CONNECTION = {"id": "a", "provider": "known"}
BAD: list[tuple[str, dict[str, Any]]] = [
    ("nonsense", {"nonsense": 1}),
    ("tls.crt", {"tls": {"crt": "x"}}),
    ("tls", {"tls": 3}),
    ("listen", {"listen": 5}),
    ("listen", {"listen": "here"}),
    ("listen", {"listen": "127.0.0.1:65536"}),
    ("listen", {"listen": "unix:"}),
    ("listen", {"listen": "0.0.0.0:50051", "access": {"mode": ["open"]}}),
    ("listen", {"listen": "[::]:50051", "access": {"mode": ["open"]}}),
    ("access.mode", {"listen": "0.0.0.0:50051", "tls": {"cert": "c", "key": "k"}}),
    ("access.mode", {"access": {"mode": ["everybody"]}}),
    ("access.mode", {"access": {"mode": []}}),
    ("access.mode", {"access": {"mode": ["open", "mtls"]}}),
    ("access.issuers", {"access": {"mode": ["oidc"]}}),
    ("access.mode", {"access": {"mode": ["mtls"]}}),
    ("access.mode", {"access": {"mode": "api_key"}}),
    ("access.ip_allow_list", {"access": {"ip_allow_list": ["10.0.0.0/99"]}}),
    ("http_listen", {"http_listen": "unix:/x"}),
    ("public_url", {"public_url": "ucal.example.com"}),
    ("public_url", {"public_url": "https://u:p@ucal.example.com"}),
    ("public_url", {"public_url": "https://ucal.example.com:99999"}),
    ("store", {"store": "mysql://x"}),
    ("bus", {"bus": "redis://x"}),
    ("bus", {"bus": "postgresql:"}),
    ("keyring", {"store": "sqlite:////var/lib/ucal.db"}),
    ("region", {"region": "EU"}),
    ("environment", {"environment": ""}),
    ("log_level", {"log_level": "loud"}),
    ("passthrough", {"passthrough": "perhaps"}),
    ("allowed_hosts", {"allowed_hosts": ["https://dav.internal"]}),
    ("allowed_networks", {"allowed_networks": ["10.1.2.3/8"]}),
    ("tls.key", {"tls": {"cert": "c"}}),
    ("tls.cert", {"tls": {"key": "k"}}),
    ("tls.client_ca", {"tls": {"client_ca": "k"}}),
    ("limits.max_calls", {"limits": {"max_calls": 0}}),
    ("limits.drain_delay", {"limits": {"drain_delay": -1}}),
    ("limits.default_deadline", {"limits": {"default_deadline": float("nan")}}),
    ("providers", {"providers": []}),
    ("providers.unknown", {"providers": {"unknown": {}}}),
    ("providers.known", {"providers": {"known": "x"}}),
    ("providers.known.base_url", {"providers": {"known": {"base_url": "ftp://x"}}}),
    ("providers.known.login_url", {"providers": {"known": {"login_url": "//x"}}}),
    ("providers.known.client_id", {"providers": {"known": {"client_id": ["a"]}}}),
    ("connections", {"connections": {"a": CONNECTION}}),
    ("connections[0]", {"connections": [{"id": "a"}]}),
    ("connections[0].password", {"connections": [CONNECTION | {"password": CANARY}]}),
    ("connections[0].credentials", {"connections": [CONNECTION | {"credentials": 5}]}),
    ("connections.id", {"connections": [CONNECTION | {"id": "-"}]}),
    ("connections.id", {"connections": [CONNECTION, CONNECTION]}),
    ("connections.a.provider", {"connections": [CONNECTION | {"provider": "nope"}]}),
    ("connections.a.base_url", {"connections": [CONNECTION | {"base_url": "https://"}]}),
    ("connections.a.labels", {"connections": [CONNECTION | {"labels": {"a b": "c"}}]}),
]


@pytest.mark.parametrize(("key", "given"), BAD)
def test_what_is_wrong_is_said_with_its_key(key: str, given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(given, default_source="ucal.toml")
    assert refused.value.key == key
    assert str(refused.value).startswith(f"{key}: ")
    assert str(refused.value).endswith("(from ucal.toml)")
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/x", "127.8.9.1:0"]
)
def test_loopback_needs_neither_tls_nor_keys(listen: str) -> None:
    assert parse({"listen": listen}).access.mode == ("open",)


def test_plaintext_on_a_network_is_the_operators_own_word() -> None:
    settings = parse(
        {"listen": "0.0.0.0:1", "tls": {"insecure": True}, "access": {"mode": ["open"]}}
    )
    assert settings.tls.insecure


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("UCAL_LISTEN", "nowhere", "listen"),
        ("UCAL_LIMITS_MAX_CALLS", "many", "limits.max_calls"),
        ("UCAL_TLS_INSECURE", "perhaps", "tls.insecure"),
        ("UCAL_PROVIDERS__KNOWN__BASE_URL", "x", "providers.known.base_url"),
        ("UCAL_PROVIDERS__KNOWN", "x", "UCAL_PROVIDERS__KNOWN"),
    ],
)
def test_a_bad_variable_is_named(variable: str, value: str, key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({variable: value})
    assert refused.value.key == key
    assert variable in str(refused.value)


@pytest.mark.parametrize("content", [b"listen = ", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ucal.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"ucal\.toml"):
        load({"UCAL_CONFIG": str(path)})


def test_the_command_line_wins_and_is_held_against_the_rules() -> None:
    environment = {"UCAL_LISTEN": "127.0.0.1:1"}
    assert load(environment, overrides={"listen": "127.0.0.1:2"}).listen == "127.0.0.1:2"
    with pytest.raises(SettingsError, match=r"listen: plaintext.*from --listen"):
        load(environment, overrides={"listen": "0.0.0.0:2"})


def test_a_table_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ucal.toml"
    path.write_text("tls = 3")
    with pytest.raises(SettingsError, match="tls: must be a table"):
        load({"UCAL_TLS_CERT": "c"}, config=str(path))
