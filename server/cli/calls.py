"""`ucal call` and `ucal watch`: any RPC from the shell."""

import asyncio
import sys
from pathlib import Path

import click
import grpc
from google.protobuf.duration_pb2 import Duration

from server.cli.client import (
    METHODS,
    Target,
    fail,
    invoke,
    message_from_json,
    method_named,
    target_of,
    to_json,
    with_target,
)
from server.cli.lines import line_of
from ucal.v1 import types_pb2, watch_pb2

_KINDS = [name.removeprefix("RESOURCE_KIND_").lower() for name in types_pb2.ResourceKind.keys()[1:]]


@click.command(
    epilog='Example: ucal call ListEvents \'{"connection_id": "local", "page_size": 5}\''
)
@click.argument("rpc")
@click.argument("request_json", metavar="[REQUEST]", default="{}")
@click.option("--timeout", default=30.0, show_default=True, help="Seconds; streams have none.")
@click.option("--compact", is_flag=True, help="One line per message.")
@with_target
def call(
    context: click.Context, rpc: str, request_json: str, timeout: float, compact: bool
) -> None:
    """Call RPC with REQUEST in JSON, "-" for standard input; print the answer in JSON."""
    target = target_of(context)
    method = method_named(rpc)
    text = sys.stdin.read() if request_json == "-" else request_json
    request = message_from_json(method, text)
    indent = None if compact else 2

    async def run() -> None:
        async with target.channel() as channel:
            rpc_call = invoke(channel, method)
            if method.server_streaming:
                async for message in rpc_call(request, metadata=target.metadata):
                    click.echo(to_json(message, indent=indent))
                return
            answer = await rpc_call(request, metadata=target.metadata, timeout=timeout)
            click.echo(to_json(answer, indent=indent))

    _run(run(), target)


@click.command(epilog="Example: ucal watch local --kind event --token-file last.token")
@click.argument("connection_id")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS), default=("event",))
@click.option("--calendar", "calendars", multiple=True, help="Calendar id; default the primary.")
@click.option("--initial", is_flag=True, help="Begin with everything there is.")
@click.option("--poll", "poll_seconds", type=int, help="Wished seconds between looks.")
@click.option("--json", "as_json", is_flag=True, help="Messages in JSON, one a line.")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="Resume from it, and keep it current."
)
@with_target
def watch(
    context: click.Context,
    connection_id: str,
    kinds: tuple[str, ...],
    calendars: tuple[str, ...],
    initial: bool,
    poll_seconds: int | None,
    as_json: bool,
    token_file: Path | None,
) -> None:
    """Follow the changes of CONNECTION_ID until Ctrl-C; comes back by itself after a rotation."""
    target = target_of(context)
    request = watch_pb2.WatchEventsRequest(
        scope=watch_pb2.WatchScope(
            connection_id=connection_id,
            kinds=[types_pb2.ResourceKind.Value(f"RESOURCE_KIND_{kind.upper()}") for kind in kinds],
            calendar_ids=calendars,
        ),
        start=watch_pb2.WATCH_START_INITIAL_STATE if initial else watch_pb2.WATCH_START_NOW,
        poll_interval=Duration(seconds=poll_seconds) if poll_seconds else None,
    )
    if token_file is not None and token_file.exists():
        _resume(request, token_file.read_bytes())
    _run(_follow(request, target, as_json, token_file), target)


def _keep(token: bytes, token_file: Path | None) -> None:
    """Replace the file in one step: a cut in the middle must not lose the place."""
    if token_file is not None:
        fresh = token_file.with_name(f"{token_file.name}.new")
        fresh.write_bytes(token)
        fresh.replace(token_file)


def _resume(request: watch_pb2.WatchEventsRequest, token: bytes) -> None:
    request.resume_token = token
    request.start = watch_pb2.WATCH_START_UNSPECIFIED


async def _follow(
    request: watch_pb2.WatchEventsRequest, target: Target, as_json: bool, token_file: Path | None
) -> None:
    rotated = True
    async with target.channel() as channel:
        while rotated:
            rotated = False
            stream = invoke(channel, METHODS["WatchEvents"])(request, metadata=target.metadata)
            try:
                async for message in stream:
                    rotated = message.WhichOneof("message") == "closing"
                    _show(message, as_json)
                    if message.resume_token:
                        _resume(request, message.resume_token)
                        _keep(message.resume_token, token_file)
            except grpc.aio.AioRpcError as error:
                if not rotated or error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                await asyncio.sleep(1)


def _show(message: watch_pb2.WatchEventsResponse, as_json: bool) -> None:
    if as_json:
        click.echo(to_json(message, indent=None))
        return
    for line in line_of(message):
        click.echo(line)


def _run(work: object, target: Target) -> None:
    try:
        asyncio.run(work)  # type: ignore[arg-type]
    except grpc.aio.AioRpcError as error:
        fail(error, target)
    except KeyboardInterrupt:
        sys.exit(130)
