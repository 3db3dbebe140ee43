"""The key ring, tokens and envelopes at their edges: what just passes, and what a refusal says."""

import base64
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from providers.core.errors import Kind, ProviderError
from server.connections import keyring
from server.connections.envelope import Envelope
from server.connections.keyring import Key, KeyRing, KeyRingError, read_keys
from server.connections.sealer import ExpiredTokenError, InvalidTokenError, Sealer

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32
TEXT = base64.b64encode(A).decode()
LARGEST = 256 * 1024


def key_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "keys"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


def problem(call: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(KeyRingError) as caught:
        call(*args, **more)
    text = str(caught.value)
    assert text.startswith("keyring")
    assert "None" not in text
    return text


# -- the ring


def test_sixteen_keys_are_taken_and_one_more_is_not() -> None:
    keys = [bytes([number]) * 32 for number in range(17)]
    assert len(KeyRing(keys[:16]).ids) == 16
    assert "1 to 16 keys, not 17" in problem(KeyRing, keys)
    assert "not 0" in problem(KeyRing, [])


def test_a_key_of_another_length_is_told_its_length() -> None:
    assert "32 bytes, this one has 31" in problem(KeyRing, [A, b"x" * 31])
    with pytest.raises(ValueError, match="this one has 33"):
        Key.of(b"x" * 33)


def test_a_closed_ring_says_when_to_come_again() -> None:
    """R15: the vault is away: that is no fault of the token's."""
    ring = KeyRing.closed()
    assert ring.ids == ()
    for ask in (lambda: ring.primary, lambda: ring.find(b"key!")):
        with pytest.raises(ProviderError) as caught:
            ask()
        error = caught.value
        assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "KEYS_UNAVAILABLE")
        assert error.retry_after == 5.0
        assert "vault" in str(error)
    ring.replace([A])
    assert ring.primary.material == A
    ring.close()
    with pytest.raises(ProviderError):
        Sealer(ring, "page").seal(b"x")


def test_the_key_that_is_named_seals_if_it_is_there() -> None:
    a, b, c = (Key.of(each).id for each in (A, B, C))
    ring = KeyRing([A, B])
    assert ring.primary.id == a
    ring.replace([A, B], seals=b)
    assert ring.primary.id == b
    ring.replace([A, B], seals=c)
    assert ring.primary.id == a
    ring.seal_with(b)
    ring.seal_with(c)
    assert ring.primary.id == b
    ring.replace([A, B])
    assert ring.primary.id == a


def test_a_ring_that_was_generated_has_one_key_of_its_own() -> None:
    one, two = KeyRing.generate(), KeyRing.generate()
    assert len(one.ids) == len(two.ids) == 1
    assert one.primary.material != two.primary.material
    assert len(one.primary.material) == 32


# -- key files


def test_a_line_with_signs_that_are_no_base64_is_not_read_as_if_without_them() -> None:
    assert read_keys(f"{TEXT}\n", "x") == [A]
    assert "x, line 2: no base64" in problem(read_keys, f"\n{TEXT}!!!!", "x")
    assert "$KEYS, line 1" in problem(
        KeyRing.from_setting, "env:KEYS", environment={"KEYS": "rubbish!"}
    )
    assert "there, line 1" in problem(KeyRing.parse, "rubbish!", "there")


def test_a_key_file_says_which_it_is_and_what_is_wrong(tmp_path: Path) -> None:
    path = key_file(tmp_path, b"\xff\xfe")
    assert f"{path}: not a text file" in problem(KeyRing.from_file, path)
    path = key_file(tmp_path, "rubbish!")
    assert f"{path}, line 1" in problem(KeyRing.from_file, path)
    missing = tmp_path / "missing"
    assert f"{missing}: No such file" in problem(KeyRing.from_file, missing)
    assert "No such file" in problem(KeyRing.from_setting, str(missing))
    assert not missing.exists(), "made without being asked"


def test_no_more_of_a_file_is_read_than_keys_can_fill(tmp_path: Path) -> None:
    """Whoever names the wrong file does not fill the memory."""
    path = key_file(tmp_path, f"{TEXT}\n".ljust(16 * 1024, "#") + f"\n{TEXT}")
    assert KeyRing.from_file(path).ids == KeyRing([A]).ids


def test_a_comment_in_another_script_is_read_whatever_the_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = key_file(tmp_path, f"{TEXT}  # Schlüssel für März\n")
    monkeypatch.setenv("LC_ALL", "C")
    assert KeyRing.from_file(path).ids == KeyRing([A]).ids


@pytest.mark.parametrize("setting", ["vault:transit/ucal", "vault:"])
def test_a_vault_is_no_file(setting: str) -> None:
    assert "vault" in problem(KeyRing.from_setting, setting)


def test_a_path_with_a_colon_is_a_path(tmp_path: Path) -> None:
    for name in ("vaults", "a:b", "vault"):
        made = KeyRing.from_setting(str(tmp_path / name), create=True)
        assert KeyRing.from_file(tmp_path / name).ids == made.ids
    assert "ENV:X:Y" in problem(KeyRing.from_setting, "env:ENV:X:Y", environment={})


def test_a_key_file_is_made_in_folders_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "keys"
    mask = os.umask(0)
    try:
        made = KeyRing.from_file(path, create=True)
        again = KeyRing.from_file(tmp_path / "a" / "b" / "more", create=True)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert made.ids != again.ids
    assert path.read_text().startswith("# ucal keys: 32 random bytes in base64 a line.")
    assert {each.name for each in path.parent.iterdir()} == {"keys", "more"}


def test_of_two_that_make_the_file_one_wins_and_both_have_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys"
    link = os.link

    def beaten(source: Any, target: Any) -> None:
        key_file(tmp_path, TEXT)
        link(source, target)

    monkeypatch.setattr(keyring.os, "link", beaten)
    assert KeyRing.from_file(path, create=True).ids == KeyRing([A]).ids
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_made_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = problem(KeyRing.from_file, tmp_path / "file" / "keys", create=True)
    assert f"{tmp_path}/file/keys: " in told
    assert told.endswith(("Not a directory", "File exists"))


# -- tokens


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


def test_a_token_may_come_from_half_an_hour_ahead_and_no_second_more() -> None:
    """R11."""
    clock = Clock()
    sealer = Sealer(KeyRing([A]), "page", now=clock)
    token = sealer.seal(b"x")
    clock.time -= 1_800
    assert sealer.open(token) == b"x"
    clock.time -= 1
    with pytest.raises(InvalidTokenError):
        sealer.open(token)


def test_a_day_has_a_subkey_of_its_own() -> None:
    """A key seals far less than 2^32 times under one subkey (NIST SP 800-38D)."""
    clock = Clock()
    sealer = Sealer(KeyRing([A]), "page", now=clock)
    bindings = []
    for _ in range(2):
        token = sealer.seal(b"xy").decode()
        bindings.append(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[9:17])
        clock.time += 86_400
    assert bindings[0] != bindings[1], "the same was bound alike: under one subkey"


def test_an_expired_token_says_why() -> None:
    token = Sealer(KeyRing([A]), "page").seal(b"x")
    with pytest.raises(ExpiredTokenError, match="retired") as caught:
        Sealer(KeyRing([B]), "page").open(token)
    assert (caught.value.kind, caught.value.reason) == (Kind.CURSOR_EXPIRED, "TOKEN_EXPIRED")


def test_a_token_is_of_a_quarter_of_a_megabyte_at_most_and_goes_in_a_url() -> None:
    sealer = Sealer(KeyRing([A]), "page")
    # 45 bytes stand in front and behind; four signs hold three bytes.
    largest = LARGEST * 3 // 4 - 45
    token = sealer.seal(b"\xff" * largest)
    assert len(token) == LARGEST
    assert sealer.open(token) == b"\xff" * largest
    assert set(token.decode()) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )
    with pytest.raises(InvalidTokenError):
        sealer.open(sealer.seal(b"\xff" * (largest + 1)))


def test_a_token_without_a_region_is_of_no_region() -> None:
    token = Sealer(KeyRing([A]), "page").seal(b"x")
    assert Sealer(KeyRing([A]), "page", "").open(token) == b"x"


# -- envelopes


def test_an_envelope_that_does_not_open_says_what_to_do() -> None:
    sealed = Envelope(KeyRing([A])).seal(b"secret", ("c", "p"))
    for other, place in [(KeyRing([B]), ("c", "p")), (KeyRing([A]), ("c", "q"))]:
        with pytest.raises(ProviderError, match="enter the credentials again") as caught:
            Envelope(other).open(sealed, place)
        error = caught.value
        assert (error.kind, error.reason) == (Kind.PRECONDITION, "CREDENTIALS_UNREADABLE")


def test_parts_of_a_place_do_not_run_into_one_another() -> None:
    envelope = Envelope(KeyRing([A]))
    sealed = envelope.seal(b"secret", ("ab", "c"))
    for place in (("a", "bc"), ("abc",), ("ab", "c", ""), ("abc", ""), ("c", "ab")):
        with pytest.raises(ProviderError):
            envelope.open(sealed, place)


def test_an_envelope_of_the_first_release_opens() -> None:
    """Made by hand after the module's words, so that a later release still opens what is stored."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = Key.of(A)
    data_key, nonce, place = b"d" * 32, b"n" * 12, b"\x00\x00\x00\x01c\x00\x00\x00\x02pq"
    head = b"\x01" + key.id
    wrapped = AESGCM(keyring.derive(A, b"data keys")).encrypt(nonce, data_key, head)
    sealed = nonce + AESGCM(data_key).encrypt(nonce, b"secret", place)
    found = head + nonce + wrapped + sealed
    assert Envelope(KeyRing([A])).open(found, ("c", "pq")) == b"secret"
