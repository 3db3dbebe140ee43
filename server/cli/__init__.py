"""The `ucal` command."""

import click

from server.cli.calls import call
from server.cli.doctor import doctor
from server.cli.providers import providers
from server.cli.serve import sandbox, serve
from server.cli.watch import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ucal")
def main() -> None:
    """One gRPC contract over every calendar, booking and meeting provider."""


for _command in (call, doctor, providers, sandbox, serve, watch):
    main.add_command(_command)
