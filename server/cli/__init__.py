"""The `ucal` command."""

import importlib

import click
from click.shell_completion import CompletionItem

# By name: the module that has it, and a line for the list that fits into 80 columns. A module is
# loaded when its command is asked for: all of them together take a second, and whoever presses
# TAB waits for it.
_COMMANDS = {
    "api-keys": ("api_keys", "Keys that callers show: create, list, revoke."),
    "audit": ("audit", "The record of administrative acts."),
    "call": ("calls", "Call any RPC and print the answer."),
    "completion": ("completion", "Print the script that completes commands in your shell."),
    "connect": ("connect", "Connect an account: by the browser, or asked for."),
    "connections": ("connections", "Connections to accounts: list, read, make, forget, test."),
    "doctor": ("doctor", "Look for what would keep the service from running here."),
    "keys": ("keys", "Keys that seal credentials and tokens."),
    "providers": ("providers", "What every provider can do, and why not the rest."),
    "sandbox": ("serve", "Run the service with the sandbox alone, for tests."),
    "serve": ("serve", "Run the service until SIGTERM or Ctrl-C, then drain."),
    "watch": ("watch", "Follow the changes of a connection."),
}


class _Commands(click.Group):
    """The commands, each loaded when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Part of click.Group."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Part of click.Group."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"server.cli.{_COMMANDS[cmd_name][0]}")
        found: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Part of click.Group."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Part of click.Group."""
        named = [
            CompletionItem(name, help=short)
            for name, (_, short) in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return named + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: ucal call ListEvents connection_id=local page_size=5",
)
@click.version_option(package_name="ucal")
def main() -> None:
    """One gRPC contract over every calendar, booking and meeting provider."""
