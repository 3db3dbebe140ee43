"""`ucal call`: any RPC from the shell."""

import sys

import click
from click.shell_completion import CompletionItem

from server.cli.client import (
    METHODS,
    invoke,
    message_from_json,
    method_named,
    run,
    target_of,
    with_target,
)
from server.cli.fields import request_text, suggestions
from server.cli.tables import printer, rows_field


def _rpcs(_context: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in METHODS if name.startswith(begun)]


def _words(context: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
    method = METHODS.get(str(context.params.get("rpc", "")).rpartition("/")[2])
    found = suggestions(method.input_type, begun) if method else ()
    return [CompletionItem(each) for each in found]


@click.command(epilog="Example: ucal call ListEvents connection_id=local page_size=5 --table")
@click.argument("rpc", shell_complete=_rpcs)
@click.argument("request_words", metavar="[REQUEST]...", nargs=-1, shell_complete=_words)
@click.option("--timeout", default=30.0, show_default=True, help="Seconds; streams have none.")
@click.option("--compact", is_flag=True, help="JSON, one line per message.")
@click.option(
    "--table/--json",
    "as_table",
    default=None,
    help="Default: a table of a list on a terminal, else JSON.",
)
@with_target
def call(
    context: click.Context,
    rpc: str,
    request_words: tuple[str, ...],
    timeout: float,
    compact: bool,
    as_table: bool | None,
) -> None:
    """Call RPC and print the answer.

    REQUEST is JSON ("-": from standard input), field=value words, or JSON and then words. Dots
    lead into messages, values may be JSON, enums go by their short names, a repeated field takes
    one more with every word: event.subject=Planning kinds=event labels.team=a
    """
    target = target_of(context)
    method = method_named(rpc)
    standard_input = sys.stdin.read() if request_words[:1] == ("-",) else ""
    text = request_text(method.input_type, request_words, standard_input)
    request = message_from_json(method, text)
    show = printer(as_table, is_list=rows_field(method.output_type) is not None, compact=compact)

    async def work() -> None:
        async with target.channel() as channel:
            rpc_call = invoke(channel, method)
            if method.server_streaming:
                async for message in rpc_call(request, metadata=target.metadata):
                    show(message)
                return
            show(await rpc_call(request, metadata=target.metadata, timeout=timeout))

    run(work(), target)
