"""`ucal completion`: what teaches a shell to complete our commands, RPCs and fields."""

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_UCAL_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")


@click.command(epilog='Example: eval "$(ucal completion bash)"')
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    r"""Print the script that makes SHELL complete ucal: commands, options, RPCs, fields, providers.

    \b
    bash  eval "$(ucal completion bash)"  in ~/.bashrc
    zsh   eval "$(ucal completion zsh)"  in ~/.zshrc, after compinit
    fish  ucal completion fish > ~/.config/fish/completions/ucal.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.BadParameter(f"click knows no completion for {shell}")
    click.echo(kind(context.find_root().command, {}, "ucal", _VARIABLE).source())
