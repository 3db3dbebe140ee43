"""`ucal keys` and `ucal completion`, and that every command explains itself."""

import base64
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from server.cli import main
from server.cli.key_file import add_key
from server.cli.webhooks import read_secrets
from server.connections.keyring import KeyRing, KeyRingError
from server.connections.sealer import Sealer


def ran(*words: str, **environment: str) -> Result:
    clean = {"UCAL_CONFIG": "", "UCAL_KEYRING": ""}
    return CliRunner().invoke(main, list(words), env=clean | environment)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "ucal.keys"
    assert ran("keys", "generate", "--file", str(found)).exit_code == 0
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_32_random_bytes() -> None:
    texts = {ran("keys", "generate").output for _ in range(2)}
    assert len(texts) == 2
    assert {len(base64.b64decode(text)) for text in texts} == {32}


def test_a_key_file_is_made_once(path: Path) -> None:
    assert mode(path) == 0o600
    before = path.read_text()
    again = ran("keys", "generate", "--file", str(path))
    assert again.exit_code == 1
    assert "is there already" in again.output
    assert path.read_text() == before


def test_a_webhook_secret_is_what_watch_reads(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert ran("keys", "generate", "--webhook", "--file", str(path)).exit_code == 0
    assert mode(path) == 0o600
    assert [len(key) for key in read_secrets(path)] == [32]
    path.chmod(0o644)
    with pytest.raises(click.BadParameter, match="chmod 600"):
        read_secrets(path)


def test_rotating_puts_a_new_key_first_and_keeps_the_old(path: Path) -> None:
    sealed = Sealer(KeyRing.from_file(path), "page").seal(b"text", bound_to=b"")
    old = KeyRing.from_file(path)
    answer = ran("keys", "rotate", "--file", str(path))
    assert answer.exit_code == 0
    assert "see it within seconds" in answer.output
    new = KeyRing.from_file(path)
    assert new.ids[1:] == old.ids
    assert new.primary.id != old.primary.id
    assert mode(path) == 0o600
    assert path.read_text().startswith("# ucal keys")
    assert list(path.parent.iterdir()) == [path]
    assert Sealer(new, "page").open(sealed, bound_to=b"") == b"text"
    listed = ran("keys", "list", "--file", str(path)).output.splitlines()
    assert [line.split()[0] for line in listed] == [own_id.hex() for own_id in new.ids]
    assert [line.split()[1] for line in listed] == ["seals", "opens"]


def test_no_key_is_ever_shown(path: Path) -> None:
    ran("keys", "rotate", "--file", str(path))
    shown = ran("keys", "list", "--file", str(path)).output
    shown += ran("keys", "rotate", "--file", str(path)).output
    for line in path.read_text().splitlines():
        assert line not in shown


def test_two_who_rotate_at_once_both_leave_a_key(path: Path) -> None:
    threads = [threading.Thread(target=add_key, args=(path,)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(KeyRing.from_file(path).ids) == 5


def test_a_full_ring_stays_as_it_is(path: Path) -> None:
    while len(KeyRing.from_file(path).ids) < 16:
        assert ran("keys", "rotate", "--file", str(path)).exit_code == 0
    before = path.read_text()
    answer = ran("keys", "rotate", "--file", str(path))
    assert answer.exit_code == 1
    assert "1 to 16 keys" in answer.output
    assert path.read_text() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_link_is_followed_not_replaced(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    assert ran("keys", "rotate", "--file", str(link)).exit_code == 0
    assert link.is_symlink()
    assert len(KeyRing.from_file(path).ids) == 2


@pytest.mark.parametrize("command", ["list", "rotate"])
def test_files_that_cannot_be_used_are_told(command: str, path: Path, tmp_path: Path) -> None:
    assert "cannot read" in ran("keys", command, "--file", str(tmp_path / "none")).output
    path.chmod(0o644)
    with pytest.raises(KeyRingError):
        KeyRing.from_file(path)
    assert "chmod 600" in ran("keys", command, "--file", str(path)).output


def test_keys_in_a_variable_are_rotated_by_hand(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/ucal.db"
    answer = ran("keys", "rotate", UCAL_KEYRING="env:MINE", UCAL_STORE=store)
    assert answer.exit_code == 1
    assert "in the variable MINE" in answer.output


def test_a_command_loads_what_it_needs_and_not_the_service() -> None:
    """Whoever presses TAB waits for it each time."""
    code = (
        "import sys\n"
        "from server.cli import main\n"
        "main(['call', '--help'], standalone_mode=False)\n"
        "print({'server.service', 'sqlalchemy', 'aiohttp'} & set(sys.modules))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_taught_by_name(shell: str) -> None:
    answer = ran("completion", shell)
    assert answer.exit_code == 0
    assert "_UCAL_COMPLETE" in answer.output


def completed(*words: str) -> set[str]:
    """What bash is offered for the last of `words`."""
    answer = CliRunner().invoke(
        main,
        prog_name="ucal",
        env={
            "_UCAL_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["ucal", *words]),
            "COMP_CWORD": str(len(words)),
        },
    )
    return {line.partition(",")[2] for line in answer.output.splitlines()}


def test_rpcs_fields_and_providers_are_completed() -> None:
    assert completed("call", "ListE") == {"ListEvents", "ListEventInstances"}
    assert "page_size=" in completed("call", "ListEvents", "page")
    assert completed("connect", "google_c") == {"google_calendar"}


def commands(group: click.Group, name: str = "ucal") -> Iterator[tuple[str, click.Command]]:
    yield name, group
    context = click.Context(group)
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {each}")
        else:
            yield f"{name} {each}", command


@pytest.mark.parametrize(("name", "command"), list(commands(main)))
def test_every_command_has_help_and_an_example_of_itself(name: str, command: click.Command) -> None:
    answer = ran(*name.split()[1:], "--help")
    assert answer.exit_code == 0
    example = " ".join(answer.output.partition("Example: ")[2].split())
    assert name in example
    assert command.help
