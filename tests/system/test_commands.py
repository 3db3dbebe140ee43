"""The commands of README.md and of docs/ do what is written there, on what `make run` starts."""

import re
import shlex
from pathlib import Path

import click
import pytest

from server.cli import main
from tests.system.commands import OURS, PAGES, ROOT, Command, beside_a_reader, commands, demo, run

ALL = {page: commands(page) for page in PAGES}
# Programs of other blocks, and who runs them instead.
ELSEWHERE = {
    "bao": "tests/vaults set a real OpenBao up by its API",
    "grpcurl": "tests.interop.documented, in make interop",
    "make": "the targets of CI",
    "docker": "tests/test_deploy.py reads the files: there is no engine here",
    "helm": "tests/test_deploy.py renders the chart",
    "kubectl": "there is no cluster here",
}
# Words that a page writes in place of what the reader has.
_SHELL = frozenset({"cd", "chown", "cp", "curl", "done", "for", "mkdir", "mv", "openssl", "printf"})


def _run_here(page: Path) -> list[Command]:
    return [
        each for each in ALL[page] if each.program in OURS and not each.needs_an_account
    ]  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.stem) for page in PAGES if _run_here(page)]
)
def test_the_commands_of_a_page(page: Path, tmp_path: Path) -> None:
    beside_a_reader(tmp_path)
    with demo(tmp_path) as port:
        for command in _run_here(page):
            run(command, port, tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(each, id=str(each))
        for found in ALL.values()
        for each in found
        if each.needs_an_account
    ],
)
def test_what_needs_an_account_is_told(command: Command) -> None:
    if command.program == "ucal":
        check_words(shlex.split(re.sub(r"[<>]", "", command.line))[1:])
    pytest.skip(f"has a placeholder, its words alone were looked at: {command}")


def test_no_command_is_forgotten() -> None:
    """A program that nobody runs is either run here, or its name is written above."""
    every = [each for found in ALL.values() for each in found]
    assert {Path(each.page).stem for each in every if each.program in OURS} >= {
        "README", "quickstart", "recipes", "watch",
    }  # fmt: skip
    known = set(OURS) | set(ELSEWHERE) | _SHELL
    assert [str(each) for each in every if each.program not in known] == []


# -- commands in the text

_INLINE = re.compile(r"`(?:\.venv/bin/)?(ucal [^`\n]+)`")


def check_words(words: list[str]) -> None:
    """Groups, commands and options exist; what arguments say is not looked at.

    Raises:
        AssertionError: naming the word that does not.
    """
    at: click.Command = main
    context = click.Context(main)
    options = {name for each in main.params for name in (*each.opts, *each.secondary_opts)}
    for word in words:
        if isinstance(at, click.Group) and not word.startswith("-"):
            inner = at.get_command(context, word)
            assert inner is not None, f"{at.name} has no command {word}"
            at = inner
            options |= {name for each in at.params for name in (*each.opts, *each.secondary_opts)}
        elif word.startswith("--"):
            name = word.partition("=")[0]
            assert name in options | {"--help"}, f"{at.name} has no option {name}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md"], ids=lambda page: page.stem)
def test_commands_in_the_text_exist(page: Path) -> None:
    for line in _INLINE.findall(page.read_text()):
        words = re.sub(r"[…']", "", line).split()[1:]
        check_words([word for word in words if not word.isupper() and "..." not in word])


def test_a_wrong_command_is_found() -> None:
    with pytest.raises(AssertionError, match="no command conect"):
        check_words(["conect", "zoom"])
    with pytest.raises(AssertionError, match="watch has no option --tokens"):
        check_words(["watch", "local", "--tokens", "x"])
