"""What `ucal doctor` finds about files that hold secrets: who can read them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.cli.reach import Finding
from server.settings import Settings

_SECRET = frozenset({
    "access_token", "api_key", "client_secret", "password", "private_key", "refresh_token",
    "secret_id", "token", "webhook_secret",
})  # fmt: skip
_REFERENCES = ("env:", "file:", "vault:", "aws:")


def private_files(settings: Settings, config: str) -> list[Finding]:
    """Files that anybody on this machine can read, or that are not there; `config`: the settings
    file. The key ring's is not among them: the service refuses it then.
    """
    found = []
    for what, path in _named(settings, config):
        try:
            mode = path.stat().st_mode
        except OSError as error:
            found.append(Finding("fail", f"{what}: {path}: {error.strerror}"))
            continue
        if mode & 0o004:
            advice = f"chmod o-r {path}"
            found.append(Finding("note", f"{what}: {path} can be read by everybody", advice))
    return found


def _named(settings: Settings, config: str) -> Iterator[tuple[str, Path]]:
    if config and _holds_secrets(Path(config).expanduser()):
        yield "settings, which hold secrets", Path(config).expanduser()
    if settings.store.startswith("sqlite:///"):
        path = Path(settings.store.removeprefix("sqlite:///")).expanduser()
        if path.exists():
            yield "store", path
    vault = settings.vault
    for what, written in (
        ("tls.key", settings.tls.key),
        ("vault.token_file", vault.token_file),
        ("vault.secret_id_file", vault.secret_id_file),
    ):
        if written:
            yield what, Path(written).expanduser()
    for connection in settings.connections:
        given = connection.credentials
        for value in given.values() if isinstance(given, dict) else (given,):
            if isinstance(value, str) and value.startswith("file:"):
                yield f"connection {connection.id}", Path(value.removeprefix("file:")).expanduser()


def _holds_secrets(path: Path) -> bool:
    return any(_secrets(tomllib.loads(path.read_text("utf-8"))))


def _secrets(value: Any) -> Iterator[str]:
    """Names under which a secret itself is written, not where it is kept."""
    if isinstance(value, list):
        for each in value:
            yield from _secrets(each)
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if isinstance(inner, str) and name in _SECRET and not inner.startswith(_REFERENCES):
            yield name
        yield from _secrets(inner)
