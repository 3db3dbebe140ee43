"""`ucal connections`: what administrators do with connections."""

import sys
from collections.abc import Iterable

import click
import grpc
from click.shell_completion import CompletionItem

from providers.registry import PROVIDERS
from server.cli.client import Target, ask, ask_once, detail_lines, run, target_of, with_target
from server.cli.credentials import KINDS, ask_person, choose, read_file
from server.cli.tables import printer
from ucal.v1 import connection_pb2, provider_pb2, types_pb2

_LISTS = (
    (types_pb2.RESOURCE_KIND_CALENDAR, "ListCalendars"),
    (types_pb2.RESOURCE_KIND_EVENT, "ListEvents"),
    (types_pb2.RESOURCE_KIND_LINK, "ListLinks"),
    (types_pb2.RESOURCE_KIND_RECORDING, "ListRecordings"),
    (types_pb2.RESOURCE_KIND_WEBINAR, "ListWebinars"),
)
_WORKS = (provider_pb2.SUPPORT_NATIVE, provider_pb2.SUPPORT_EMULATED)

as_table = click.option(
    "--table/--json", "as_table", default=None, help="Default: a table on a terminal, else JSON."
)


def provider_names(
    _context: click.Context, _option: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Providers, for the shell."""
    return [CompletionItem(name) for name in PROVIDERS if name.startswith(begun)]


@click.group(epilog="Example: ucal connections list --provider caldav")
def connections() -> None:
    """Connections to accounts: list, read, make, forget, test. Credentials never come out."""


@connections.command("list", epilog="Example: ucal connections list --table")
@click.option("--provider", default="", help="Of this provider only.")
@as_table
@with_target
def list_(context: click.Context, provider: str, as_table: bool | None) -> None:
    """All connections."""
    target, show = target_of(context), printer(as_table, is_list=True)

    async def work() -> None:
        found = connection_pb2.ListConnectionsResponse()
        async with target.channel() as channel:
            request = connection_pb2.ListConnectionsRequest(provider=provider)
            while True:
                page = await ask(channel, target, "ListConnections", request)
                found.connections.extend(page.connections)
                request.page_token = page.next_page_token
                if not page.next_page_token:
                    break
        show(found)

    run(work(), target)


@connections.command(epilog="Example: ucal connections get local")
@click.argument("connection_id")
@with_target
def get(context: click.Context, connection_id: str) -> None:
    """One connection, in JSON."""
    request = connection_pb2.GetConnectionRequest(id=connection_id)
    answer = ask_once(target_of(context), "GetConnection", request)
    printer(None, is_list=False)(answer.connection)


@connections.command(
    epilog="Example: ucal connections create apple_icloud --id mine --credentials-file creds.json"
)
@click.argument("provider", shell_complete=provider_names)
@click.option("--id", "own_id", default="", help="Default: the service makes one.")
@click.option("--base-url", default="", help="Of a self-hosted provider or a CalDAV server.")
@click.option("--display-name", default="", help="For administrators; it is stored.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Repeatable.")
@click.option("--auth", type=click.Choice(list(KINDS)), default=None, help="How to sign in.")
@click.option(
    "--credentials-file",
    "path",
    default="",
    help='JSON, {"basic": {"username": ..., "password": ...}}; "-": standard input.',
)
@with_target
def create(
    context: click.Context,
    provider: str,
    own_id: str,
    base_url: str,
    display_name: str,
    labels: tuple[str, ...],
    auth: str | None,
    path: str,
) -> None:
    """Make a connection to PROVIDER from credentials at hand, asked for without echo.

    For OAuth with a browser: ucal connect PROVIDER.
    """
    target = target_of(context)
    wished = connection_pb2.Connection(
        id=own_id, provider=provider, base_url=base_url, display_name=display_name
    )
    wished.labels.update(labels_of(labels))
    if path:
        read_file(wished, path)

    # Questions are asked outside of an event loop: there, Ctrl-C would not end them.
    known = provider_of(target, provider)
    if not path:
        kind = choose(known, auth or "")
        if kind == "oauth":
            raise click.UsageError(
                f"run: ucal connect {provider}, or bring tokens in --credentials-file"
            )
        ask_person(wished, kind)
    make(target, wished, known)


@connections.command(epilog="Example: ucal connections delete mine --revoke")
@click.argument("connection_id")
@click.option("--revoke", is_flag=True, help="Also revoke the grant at the provider.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_target
def delete(context: click.Context, connection_id: str, revoke: bool, yes: bool) -> None:
    """Forget a connection and its credentials."""
    if not yes:
        click.confirm(f"Forget {connection_id} and its credentials?", abort=True, err=True)
    request = connection_pb2.DeleteConnectionRequest(id=connection_id, revoke=revoke)
    ask_once(target_of(context), "DeleteConnection", request)
    click.echo(f"forgotten: {connection_id}")


@connections.command(epilog="Example: ucal connections test local")
@click.argument("connection_id")
@with_target
def test(context: click.Context, connection_id: str) -> None:
    """Ask the provider whether the credentials work; exit 1 if they do not."""
    request = connection_pb2.TestConnectionRequest(id=connection_id)
    answer = ask_once(target_of(context), "TestConnection", request)
    if not answer.result.code:
        account = " ".join(filter(None, (answer.account_name, answer.account_email)))
        click.echo(f"works: {connection_id}{f' ({account})' if account else ''}")
        return
    code = next(each for each in grpc.StatusCode if each.value[0] == answer.result.code)
    lines = [f"{code.name}: {answer.result.message}", *detail_lines(answer.result.details)]
    click.echo("\n".join(lines), err=True)
    sys.exit(1)


def labels_of(words: Iterable[str]) -> dict[str, str]:
    """Labels from KEY=VALUE.

    Raises:
        click.BadParameter: a word is none.
    """
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise click.BadParameter(f"{word!r} is not KEY=VALUE")
        found[key] = value
    return found


def provider_of(target: Target, name: str) -> provider_pb2.Provider:
    """What the service knows of the provider."""
    request = provider_pb2.GetProviderRequest(id=name)
    found: provider_pb2.Provider = ask_once(target, "GetProvider", request).provider
    return found


def make(
    target: Target, wished: connection_pb2.Connection, provider: provider_pb2.Provider
) -> None:
    """Make the connection and say what may be done with it."""
    request = connection_pb2.CreateConnectionRequest(connection=wished)
    welcome(ask_once(target, "CreateConnection", request).connection, provider, target)


def welcome(
    made: connection_pb2.Connection, provider: provider_pb2.Provider, target: Target
) -> None:
    """Print the id, and the command to try next."""
    can = {
        each.kind
        for each in provider.capabilities
        if each.method == provider_pb2.METHOD_LIST
        and each.support in _WORKS
        and not each.list_needs_parent
    }
    rpc = next((rpc for kind, rpc in _LISTS if kind in can), "")
    where = target.said
    click.echo(f"connection: {made.id}")
    click.echo(f"try next: ucal connections test {made.id}{where}")
    if rpc:
        click.echo(f"          ucal call {rpc} connection_id={made.id}{where}")
