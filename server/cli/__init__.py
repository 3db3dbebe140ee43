"""The `ucal` command."""

import click

from server.cli.api_keys import api_keys
from server.cli.audit import audit
from server.cli.calls import call
from server.cli.completion import completion
from server.cli.connect import connect
from server.cli.connections import connections
from server.cli.doctor import doctor
from server.cli.keys import keys
from server.cli.providers import providers
from server.cli.serve import sandbox, serve
from server.cli.watch import watch


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: ucal call ListEvents connection_id=local page_size=5",
)
@click.version_option(package_name="ucal")
def main() -> None:
    """One gRPC contract over every calendar, booking and meeting provider."""


# In the list of commands a line each, as long as fits in 80 columns.
_COMMANDS = {
    api_keys: "Keys that callers show: create, list, revoke.",
    audit: "The record of administrative acts.",
    call: "Call any RPC and print the answer.",
    completion: "Print the script that completes commands in your shell.",
    connect: "Connect an account: by the browser, or asked for.",
    connections: "Connections to accounts: list, read, make, forget, test.",
    doctor: "Look for what would keep the service from running here.",
    keys: "Keys that seal credentials and tokens.",
    providers: "What every provider can do, and why not the rest.",
    sandbox: "Run the service with the sandbox alone, for tests.",
    serve: "Run the service until SIGTERM or Ctrl-C, then drain.",
    watch: "Follow the changes of a connection.",
}
for _command, _short in _COMMANDS.items():
    _command.short_help = _short
    main.add_command(_command)
