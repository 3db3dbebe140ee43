"""`ucal watch`: the file of its place, and what cannot be begun; receivers that never finish."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.cli.place import LostPlaceError, Place
from tests.server.terminal import ended, started, ucal
from tests.server.test_cli_watch import CALENDARS, SECRET, sandbox, script, until, words


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with sandbox() as found:
        yield found


@pytest.mark.parametrize("held", [b"", b"x" * 70_000], ids=["cut", "long"])
async def test_a_file_that_lost_its_token_is_not_taken_for_a_beginning(
    address: str, tmp_path: Path, held: bytes
) -> None:
    token = tmp_path / "token"
    token.write_bytes(held)
    answer = await ucal(*words(address, token), "--exec", script(tmp_path))
    assert answer.code == 2
    assert "holds no resume token" in answer.err
    assert (tmp_path / "log").read_text() == ""
    assert token.read_bytes() == held


async def test_a_place_that_cannot_be_kept_is_told_before_anything_is_handed_on(
    address: str, tmp_path: Path
) -> None:
    for token in (tmp_path / "no" / "folder", tmp_path):
        answer = await ucal(*words(address, token), "--exec", script(tmp_path))
        assert answer.code == 2, answer.err
        assert "Traceback" not in answer.err
    assert (tmp_path / "log").read_text() == ""


def test_a_place_that_can_no_longer_be_kept_ends_the_watch(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    place = Place(folder / "token")
    assert place.read() == b""
    place.keep(b"one")
    assert place.read() == b"one"
    assert [path.name for path in folder.iterdir()] == ["token"]
    (folder / "token").unlink()
    folder.rmdir()
    with pytest.raises(LostPlaceError):
        place.keep(b"two")


async def test_a_token_that_is_too_old_ends_the_watch_or_begins_it_anew(tmp_path: Path) -> None:
    token, command = tmp_path / "token", script(tmp_path)
    async with sandbox() as address:
        process = await started(*words(address, token), "--exec", command)
        try:
            await until(token.exists, process)
        finally:
            await ended(process)
    (tmp_path / "log").write_text("")
    async with sandbox() as address:  # with other keys
        answer = await ucal(*words(address, token), "--exec", command)
        assert answer.code != 0
        assert "RESUME_TOKEN_EXPIRED" in answer.err
        before = token.read_bytes()
        process = await started(*words(address, token), "--exec", command, "--reset")
        try:
            await until(lambda: token.read_bytes() != before, process)
        finally:
            await ended(process)
    assert set((tmp_path / "log").read_text().split()) == {f"created:{each}" for each in CALENDARS}


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://xn--\u2603.example/", "ftp://h"],
)
async def test_an_address_that_is_none_is_told_at_once(
    address: str, tmp_path: Path, url: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    answer = await ucal(
        *words(address, tmp_path / "token"), "--post", url, "--secret-file", str(secret)
    )
    assert answer.code == 2, answer.err
    assert "--post needs" in answer.err


async def test_a_receiver_that_never_ends_its_answer_is_given_up(
    address: str, tmp_path: Path
) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        try:
            while True:
                writer.write(b"y")
                await writer.drain()
                await asyncio.sleep(0.1)  # what is slow is what is tested
        except ConnectionError:
            writer.close()

    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        answer = await ucal(
            *words(address, tmp_path / "token"),
            *("--post", f"http://127.0.0.1:{port}/", "--secret-file", str(secret)),
            *("--attempts", "1", "--handler-timeout", "0.5"),
        )
    assert answer.code == 1
    assert "longer than 0.5 s" in answer.err
    assert not (tmp_path / "token").exists()
