"""`ucal watch`: changes as they come, shown, or handed to a command or a URL."""

import asyncio
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import click
import grpc
import httpx
from google.protobuf.duration_pb2 import Duration

from server.cli.client import METHODS, Target, invoke, run, target_of, to_json, with_target
from server.cli.deliveries import Attempt, Command, GivenUpError, Patience, deliver
from server.cli.lines import fitted, line_of
from server.cli.place import LostPlaceError, Place
from server.cli.webhooks import Post, can_post_to, read_secrets
from ucal.v1 import types_pb2, watch_pb2

_KINDS = [name.removeprefix("RESOURCE_KIND_").lower() for name in types_pb2.ResourceKind.keys()[1:]]
_LONGEST_PAUSE = 30.0
# What ends a stream that was open and is no reason to give up: a cut, or a handler that was slow.
_PASSING = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})
# Columns of a line before the id.
_BEFORE_IDS = 19
_TERMINATED = 128 + signal.SIGTERM

_Handle: TypeAlias = Callable[[watch_pb2.WatchEventsResponse], Awaitable[None]]


@click.command(
    epilog="Example: ucal watch local --token-file last.token --exec './on-change --json'"
)
@click.argument("connection_id")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS), default=("event",))
@click.option("--calendar", "calendars", multiple=True, help="Calendar id; default the primary.")
@click.option("--initial", is_flag=True, help="Begin with everything there is.")
@click.option(
    "--reset", is_flag=True, help="A token that is too old: begin anew with everything there is."
)
@click.option("--poll", "poll_seconds", type=int, help="Wished seconds between looks.")
@click.option("--json", "as_json", is_flag=True, help="Messages in JSON, one a line.")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="Resume from it, and keep it current."
)
@click.option("--exec", "command", default="", help="Run it for each change, JSON on its stdin.")
@click.option("--post", "url", default="", help="Post each change there, signed.")
@click.option(
    "--secret-file", type=click.Path(path_type=Path), help="Secrets that sign what is posted."
)
@click.option(
    "--attempts", default=8, show_default=True, type=click.IntRange(1), help="For each change."
)
@click.option(
    "--retry-delay",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds to the second; then doubled.",
)
@click.option(
    "--handler-timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds an attempt.",
)
@with_target
def watch(
    context: click.Context,
    connection_id: str,
    kinds: tuple[str, ...],
    calendars: tuple[str, ...],
    initial: bool,
    reset: bool,
    poll_seconds: int | None,
    as_json: bool,
    token_file: Path | None,
    command: str,
    url: str,
    secret_file: Path | None,
    attempts: int,
    retry_delay: float,
    handler_timeout: float,
) -> None:
    """Follow the changes of CONNECTION_ID until Ctrl-C; comes back by itself after a cut.

    With --exec or --post, changes are handed on one after the other, in order and at least once:
    --token-file moves on when the command exits with 0 or the URL answers 2xx. A change that is
    not taken is tried again, then the watch ends with exit code 1 and the next one begins there.
    Posts are Standard Webhooks; ucal keys generate --webhook makes a secret. UCAL_CHANGE_TYPE,
    UCAL_CHANGE_KIND and UCAL_DEDUP_KEY are set for the command.
    """
    target = target_of(context)
    request = watch_pb2.WatchEventsRequest(
        scope=watch_pb2.WatchScope(
            connection_id=connection_id,
            kinds=[types_pb2.ResourceKind.Value(f"RESOURCE_KIND_{kind.upper()}") for kind in kinds],
            calendar_ids=calendars,
        ),
        start=watch_pb2.WATCH_START_INITIAL_STATE if initial else watch_pb2.WATCH_START_NOW,
        poll_interval=Duration(seconds=poll_seconds) if poll_seconds else None,
        on_expiry=watch_pb2.WATCH_EXPIRY_RESET if reset else watch_pb2.WATCH_EXPIRY_UNSPECIFIED,
    )
    place = Place(token_file)
    if token := place.read():
        _resume(request, token)
    keys = _keys(command, url, secret_file)
    patience = Patience(attempts, retry_delay)

    async def work() -> None:
        _end_on_sigterm()
        async with _attempt(command, url, keys, handler_timeout) as attempt:
            handle = _shown(as_json) if attempt is None else _handed_on(attempt, patience)
            await _follow(request, target, handle, place)

    try:
        run(work(), target)
    except (GivenUpError, LostPlaceError) as error:
        click.echo(f"ucal: {error}", err=True)
        sys.exit(1)
    except asyncio.CancelledError:
        sys.exit(_TERMINATED)


def _keys(command: str, url: str, secret_file: Path | None) -> list[bytes]:
    """Secrets of the posts.

    Raises:
        click.ClickException: options do not go together.
    """
    if command and url:
        raise click.UsageError("--exec and --post: choose one")
    if command and not shlex.split(command):
        raise click.BadParameter("--exec names no command")
    if not url:
        return []
    if not can_post_to(url):
        raise click.BadParameter("--post needs an http or https URL")
    if secret_file is None:
        raise click.UsageError("--post needs --secret-file: ucal keys generate --webhook makes one")
    return read_secrets(secret_file)


def _end_on_sigterm() -> None:
    """End in order, so that a command under way ends too."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


@asynccontextmanager
async def _attempt(
    command: str, url: str, keys: list[bytes], seconds: float
) -> AsyncIterator[Attempt | None]:
    """What takes the changes, if they are handed on."""
    if url:
        async with httpx.AsyncClient(timeout=seconds) as client:
            yield Post(client, url, keys, seconds)
    else:
        yield Command(shlex.split(command), seconds) if command else None


def _shown(as_json: bool) -> _Handle:
    async def handle(message: watch_pb2.WatchEventsResponse) -> None:
        if as_json:
            click.echo(to_json(message, indent=None))
            return
        for line in line_of(message):
            click.echo(fitted(line, _BEFORE_IDS))

    return handle


def _handed_on(attempt: Attempt, patience: Patience) -> _Handle:
    async def handle(message: watch_pb2.WatchEventsResponse) -> None:
        if message.WhichOneof("message") != "changes":
            for line in line_of(message):
                click.echo(line, err=True)
            return
        for change in message.changes.changes:
            await deliver(change, attempt, patience)

    return handle


def _resume(request: watch_pb2.WatchEventsRequest, token: bytes) -> None:
    request.resume_token = token
    request.start = watch_pb2.WATCH_START_UNSPECIFIED


async def _follow(
    request: watch_pb2.WatchEventsRequest, target: Target, handle: _Handle, place: Place
) -> None:
    """Hand every message to `handle`; what was handled is committed and never asked for again."""
    pause = 0.0  # not open yet: what goes wrong now is told at once
    async with target.channel() as channel:
        while True:
            stream = invoke(channel, METHODS["WatchEvents"])(request, metadata=target.metadata)
            try:
                async for message in stream:
                    pause = 1.0
                    await handle(message)
                    if message.resume_token:
                        _resume(request, message.resume_token)
                        place.keep(message.resume_token)
            except grpc.aio.AioRpcError as error:
                if not pause or error.code() not in _PASSING:
                    raise
                click.echo(f"cut off ({error.code().name}); back in {pause:g} s", err=True)
            finally:
                stream.cancel()
            pause = max(pause, 1.0)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
