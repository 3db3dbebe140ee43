"""`ucal connect`: from a provider's name to a connection, by the browser or by the keyboard."""

import asyncio
import threading
import webbrowser
from datetime import UTC
from urllib.parse import urlsplit

import click
import grpc
from google.rpc import error_details_pb2

from server.cli.client import (
    Target,
    ask,
    ask_once,
    details_of,
    fail,
    run,
    target_of,
    with_target,
)
from server.cli.connections import labels_of, make, provider_names, provider_of, welcome
from server.cli.credentials import KINDS, ask_person, choose
from server.cli.loopback import DeclinedError, Loopback, listening
from ucal.v1 import connection_pb2

_SECONDS = 600  # as long as the service's state is good for


@click.command(epilog="Example: ucal connect google_calendar")
@click.argument("provider", shell_complete=provider_names)
@click.option("--auth", type=click.Choice(list(KINDS)), default=None, help="How to sign in.")
@click.option("--id", "own_id", default="", help="Id of the connection; not with OAuth.")
@click.option("--again", default="", help="OAuth: authorize this connection anew.")
@click.option("--base-url", default="", help="Of a self-hosted provider or a CalDAV server.")
@click.option("--scope", "scopes", multiple=True, help="OAuth: ask for this one; repeatable.")
@click.option(
    "--port", default=8765, show_default=True, help="OAuth: where the browser comes back to."
)
@click.option("--no-browser", is_flag=True, help="OAuth: print the address only.")
@click.option("--link", is_flag=True, help="Print a link to the page on which somebody connects.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="--link: repeatable.")
@click.option("--display-name", default="", help="--link: name of the connection; it is shown.")
@click.option("--return-uri", default="", help="--link: where to go at the end.")
@with_target
def connect(
    context: click.Context,
    provider: str,
    auth: str | None,
    own_id: str,
    again: str,
    base_url: str,
    scopes: tuple[str, ...],
    port: int,
    no_browser: bool,
    link: bool,
    labels: tuple[str, ...],
    display_name: str,
    return_uri: str,
) -> None:
    """Connect an account at PROVIDER.

    With OAuth the browser opens, and comes back to http://127.0.0.1:PORT/callback on this machine.
    That address must be in the service's redirect_uris and in the app that you registered at the
    provider. Otherwise password or API key are asked for, without echo.

    With --link a link is printed instead, for whoever has the account: it opens a page of the
    service, works once and for an hour.
    """
    target = target_of(context)
    wanted = connection_pb2.CreateConnectLinkRequest(
        provider=provider,
        labels=labels_of(labels),
        display_name=display_name,
        connection_id=again,
        return_uri=return_uri,
        scopes=scopes,
    )
    if link:
        if auth or own_id or base_url:
            raise click.UsageError("--auth, --id and --base-url are not for --link")
        print_link(target, wanted)
        return
    if labels or display_name or return_uri:
        raise click.UsageError("--label, --display-name and --return-uri are for --link")

    known = provider_of(target, provider)
    kind = choose(known, auth or "")
    if kind != "oauth":
        if again or scopes:
            raise click.UsageError("--again and --scope are for OAuth")
        wished = connection_pb2.Connection(id=own_id, provider=provider, base_url=base_url)
        # Outside of an event loop: there, Ctrl-C would not end the questions.
        ask_person(wished, kind)
        make(target, wished, known)
        return
    if own_id or base_url:
        raise click.UsageError("--id and --base-url are not for OAuth")
    request = connection_pb2.StartAuthorizationRequest(
        provider=provider, scopes=scopes, connection_id=again
    )

    async def work() -> None:
        async with target.channel() as channel:
            made = await _by_browser(channel, target, request, port, no_browser)
            welcome(made, known, target)

    run(work(), target)


def print_link(target: Target, request: connection_pb2.CreateConnectLinkRequest) -> None:
    """Make a link and print it."""
    made = ask_once(target, "CreateConnectLink", request)
    click.echo(made.url)
    until = made.expires_at.ToDatetime(tzinfo=UTC)
    click.echo(f"Works once, until {until:%Y-%m-%d %H:%M} UTC. Send it to one person.", err=True)


async def _by_browser(
    channel: grpc.aio.Channel,
    target: Target,
    request: connection_pb2.StartAuthorizationRequest,
    port: int,
    no_browser: bool,
) -> connection_pb2.Connection:
    """The connection that the person has said yes to."""
    try:
        async with listening(port) as loopback:
            request.redirect_uri = loopback.redirect_uri
            try:
                begun = await ask(channel, target, "StartAuthorization", request)
            except grpc.aio.AioRpcError as error:
                fail(error, target, _advice(error, request))
            _open(begun.authorization_url, no_browser, loopback.port)
            return await _come_back(channel, target, loopback, begun.state)
    except OSError as error:
        raise click.ClickException(
            f"port {port} of 127.0.0.1: {error.strerror}; choose another with --port, "
            "and allow it as redirect_uri"
        ) from None


def _open(url: str, no_browser: bool, port: int) -> None:
    """Show the provider's page; what the service sends must be a web page, not a program."""
    if urlsplit(url).scheme not in {"https", "http"}:
        raise click.ClickException("the service answered with what is no web address")
    click.echo(f"Open this page and say yes:\n\n  {url}\n", err=True)
    if no_browser:
        click.echo(
            f"From another machine: ssh -L {port}:127.0.0.1:{port} to this one first.", err=True
        )
    else:
        # Some browsers are waited for, until they are closed: nothing waits for this thread.
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
    click.echo("Waiting for the browser to come back (Ctrl-C ends) ...", err=True)


async def _come_back(
    channel: grpc.aio.Channel, target: Target, loopback: Loopback, state: str
) -> connection_pb2.Connection:
    """The connection, once the person said yes; the browser is told how it went."""
    try:
        async with asyncio.timeout(_SECONDS):
            code = await loopback.code(state)
    except TimeoutError:
        raise click.ClickException("nobody came back within ten minutes") from None
    except DeclinedError as error:
        loopback.tell("Not connected", f"The provider says: {error}. You can close this page.", 400)
        raise click.ClickException(f"not connected; the provider says: {error}") from None
    request = connection_pb2.CompleteAuthorizationRequest(state=state, code=code)
    try:
        answer = await ask(channel, target, "CompleteAuthorization", request)
    except grpc.aio.AioRpcError:
        loopback.tell("Not connected", "The terminal says why. You can close this page.", 502)
        raise
    loopback.tell("Connected", "You can close this page and go back to the terminal.")
    made: connection_pb2.Connection = answer.connection
    return made


def _advice(error: grpc.aio.AioRpcError, request: connection_pb2.StartAuthorizationRequest) -> str:
    """What the operator has to do, for what is not set up yet."""
    bad, info = error_details_pb2.BadRequest(), error_details_pb2.ErrorInfo()
    for packed in details_of(error):
        if packed.Unpack(bad) and any(v.field == "redirect_uri" for v in bad.field_violations):
            return (
                f'Set redirect_uris = ["{request.redirect_uri}"] in the settings of the service '
                f"(or UCAL_REDIRECT_URIS={request.redirect_uri}), restart it, and register the "
                "same address at the provider."
            )
        if packed.Unpack(info) and info.reason == "OAUTH_CLIENT_MISSING":
            return (
                f"Register an app at the provider with the redirect {request.redirect_uri} and "
                f"set [providers.{request.provider}] client_id and client_secret."
            )
    return ""
