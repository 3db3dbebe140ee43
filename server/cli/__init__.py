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


for _command in (
    api_keys,
    audit,
    call,
    completion,
    connect,
    connections,
    doctor,
    keys,
    providers,
    sandbox,
    serve,
    watch,
):
    main.add_command(_command)
