"""Credentials from a person's keyboard, without echo, or from a file: never from arguments,
which every user of the machine can read.
"""

import sys
from pathlib import Path

import click
from google.protobuf import json_format

from ucal.v1 import connection_pb2, provider_pb2

KINDS = {
    "oauth": provider_pb2.AUTH_KIND_OAUTH,
    "password": provider_pb2.AUTH_KIND_BASIC,
    "api-key": provider_pb2.AUTH_KIND_API_KEY,
    "service-account": provider_pb2.AUTH_KIND_SERVICE_ACCOUNT,
    "none": provider_pb2.AUTH_KIND_NONE,
}
_FORMS = ("oauth", "basic", "api_key", "service_account", "secret_reference")
_MAX_FILE = 256 * 1024


def choose(provider: provider_pb2.Provider, wished: str) -> str:
    """How to sign in at `provider`: as wished, else as it names first, OAuth before all others.

    Raises:
        click.BadParameter: it does not sign in so.
    """
    offered = [name for name, kind in KINDS.items() if kind in provider.auth_kinds]
    if not wished and offered:
        return offered[0]
    if wished in offered:
        return wished
    raise click.BadParameter(f"{provider.display_name} takes {', '.join(offered) or 'nothing'}")


def ask_person(connection: connection_pb2.Connection, kind: str) -> None:
    """Ask for credentials of `kind` and write them into `connection`."""
    if kind == "password":
        connection.basic.username = click.prompt("User name")
        connection.basic.password = _secret("Password (an app password where there are such)")
    elif kind == "api-key":
        connection.api_key.api_key = _secret("API key")
        connection.api_key.account_id = _optional("Account or user id")
    elif kind == "service-account":
        account = connection.service_account
        account.client_id = click.prompt("Client id, or the service account's address")
        account.private_key = _key()
        account.tenant_id = _optional("Tenant or account id")
        account.subject = _optional("User to act for")


def _secret(what: str) -> str:
    return str(click.prompt(what, hide_input=True))


def _optional(what: str) -> str:
    return str(click.prompt(f"{what}, if any", default="", show_default=False))


def _key() -> str:
    path = _optional("Private key file in PEM")
    if not path:
        return _secret("Client secret")
    return _read(Path(path).expanduser())


def read_file(connection: connection_pb2.Connection, path: str) -> None:
    """Take credentials from JSON like {"basic": {"username": ..., "password": ...}}; "-": stdin.

    Raises:
        click.BadParameter: it cannot be read, or holds something else; its text is not told.
    """
    text = sys.stdin.read(_MAX_FILE) if path == "-" else _read(Path(path).expanduser())
    given = connection_pb2.Connection()
    try:
        json_format.Parse(text, given)
    except json_format.ParseError:
        raise click.BadParameter(f"{path}: no credentials in JSON") from None
    if given.WhichOneof("credentials") is None or len(given.ListFields()) != 1:
        raise click.BadParameter(f"{path}: needs exactly one of {', '.join(_FORMS)}")
    connection.MergeFrom(given)


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_MAX_FILE)
    except (OSError, UnicodeDecodeError):
        raise click.BadParameter(f"cannot read {path}") from None
