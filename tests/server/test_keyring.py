"""The key ring and the tokens sealed under it: nothing forged, foreign or old opens."""

import base64
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core.errors import Kind, ProviderError
from server.connections.keyring import KeyRing, KeyRingError
from server.connections.sealer import (
    ExpiredTokenError,
    ForeignTokenError,
    InvalidTokenError,
    Sealer,
)

A, B = b"a" * 32, b"b" * 32
RING = KeyRing([A, B])


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@given(payload=st.binary(max_size=2000), bound_to=st.binary(max_size=100))
def test_what_was_sealed_opens(payload: bytes, bound_to: bytes) -> None:
    sealer = Sealer(RING, "page", "eu")
    token = sealer.seal(payload, bound_to=bound_to)
    assert token.isascii()
    assert sealer.open(token, bound_to=bound_to) == payload
    assert sealer.open(token.decode(), bound_to=bound_to, max_age=timedelta(hours=1)) == payload


def test_every_changed_byte_is_refused() -> None:
    sealer = Sealer(RING, "page")
    token = sealer.seal(b"cursor of forty bytes, or thereabouts...", bound_to=b"list")
    for at in range(len(token)):
        for sign in b"ABab01-_=+/ \n\xff":
            changed = token[:at] + bytes([sign]) + token[at + 1 :]
            if changed != token:
                with pytest.raises(ProviderError):
                    sealer.open(changed, bound_to=b"list")


@given(data=st.data())
def test_a_token_has_one_spelling(data: st.DataObject) -> None:
    """Any flipped bit, cut or addition is refused, spare bits of base64 too."""
    sealer = Sealer(RING, "page")
    token = sealer.seal(data.draw(st.binary(max_size=60)))
    at = data.draw(st.integers(0, len(token) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = token[:at] + bytes([token[at] ^ 1 << bit]) + token[at + 1 :]
    cut = token[:at]
    added = token[:at] + data.draw(st.binary(min_size=1, max_size=3)) + token[at:]
    for changed in (flipped, cut, added):
        with pytest.raises(ProviderError) as refused:
            sealer.open(changed)
        assert refused.value.kind in {Kind.INVALID, Kind.CURSOR_EXPIRED}


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_rubbish_is_invalid(rubbish: bytes | str) -> None:
    with pytest.raises(InvalidTokenError) as refused:
        Sealer(RING, "page").open(rubbish)
    assert refused.value.kind is Kind.INVALID
    assert refused.value.reason == "TOKEN_INVALID"


@pytest.mark.parametrize(
    ("purpose", "region", "bound_to"),
    [("watch", "eu", b"x"), ("page", "us", b"x"), ("page", "eu", b"y"), ("page", "eu", b"")],
)
def test_a_token_opens_only_where_it_belongs(purpose: str, region: str, bound_to: bytes) -> None:
    token = Sealer(RING, "page", "eu").seal(b"cursor", bound_to=b"x")
    with pytest.raises(ForeignTokenError) as refused:
        Sealer(RING, purpose, region).open(token, bound_to=bound_to)
    assert refused.value.kind is Kind.INVALID
    assert refused.value.reason == "TOKEN_MISMATCH"


def test_purpose_and_region_do_not_run_into_one_another() -> None:
    token = Sealer(RING, "page", "eu").seal(b"cursor")
    with pytest.raises(ForeignTokenError):
        Sealer(RING, "pagee", "u").open(token)


def test_age() -> None:
    clock = Clock()
    sealer = Sealer(RING, "page", now=clock)
    token = sealer.seal(b"cursor")
    clock.time += 3600
    assert sealer.open(token, max_age=timedelta(hours=1)) == b"cursor"
    clock.time += 1
    with pytest.raises(ExpiredTokenError) as refused:
        sealer.open(token, max_age=timedelta(hours=1))
    assert refused.value.kind is Kind.CURSOR_EXPIRED
    assert sealer.open(token) == b"cursor"


def test_a_token_from_the_future_is_refused_beyond_the_skew_of_clocks() -> None:
    clock = Clock()
    sealer = Sealer(RING, "page", now=clock)
    token = sealer.seal(b"cursor")
    clock.time -= 1_799
    assert sealer.open(token, max_age=timedelta(seconds=1)) == b"cursor"
    clock.time -= 2
    with pytest.raises(InvalidTokenError):
        sealer.open(token)


def test_tokens_outlive_many_days_and_more_days_than_are_cached() -> None:
    clock = Clock()
    sealer = Sealer(RING, "page", now=clock)
    first = sealer.seal(b"first")
    for _ in range(600):
        clock.time += 86_400
        sealer.seal(b"later")
    assert sealer.open(first) == b"first"


def test_rotation_keeps_old_tokens_until_the_key_is_retired() -> None:
    """R14: a new key seals at once; the old one opens until it is taken out."""
    ring = KeyRing([A])
    sealer = Sealer(ring, "page")
    old = sealer.seal(b"old")
    ring.replace([B, A])
    new = sealer.seal(b"new")
    assert Sealer(KeyRing([B]), "page").open(new) == b"new"
    assert sealer.open(old) == b"old"
    ring.replace([B])
    assert sealer.open(new) == b"new"
    with pytest.raises(ExpiredTokenError):
        sealer.open(old)


def test_nothing_prints_a_key() -> None:
    ring = KeyRing([b"\x01" * 32])
    shown = f"{ring!r} {ring.primary!r} {ring}"
    assert "\\x01" not in shown
    assert ring.primary.id.hex() in shown


def test_key_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys"
    made = KeyRing.from_setting(str(path), create=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing.from_file(path).ids == made.ids
    assert KeyRing.from_file(path, create=True).ids == made.ids
    assert list(path.parent.iterdir()) == [path]


def test_key_file_lists_keys_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    lines = [base64.b64encode(key).decode() for key in (B, A)]
    path.write_text(f"# two\n\n{lines[0]}  # since May\n{lines[1]}\n")
    path.chmod(0o600)
    assert KeyRing.from_file(path).ids == KeyRing([B, A]).ids


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys"
    path.write_text(base64.b64encode(A).decode())
    path.chmod(mode)
    with pytest.raises(KeyRingError, match="chmod 600"):
        KeyRing.from_file(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no keys"),
        ("# nothing", "holds no keys"),
        ("not base64!", "line 1: no base64"),
        ("\nc2hvcnQ=", "line 2: a key has 32 bytes"),
        ("\xff", "no base64"),
        ("\n".join([base64.b64encode(A).decode()] * 2), "twice"),
        ("\n".join(base64.b64encode(bytes([n]) * 32).decode() for n in range(17)), "1 to 16"),
    ],
)
def test_bad_key_files_say_where(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(KeyRingError, match=told) as refused:
        KeyRing.from_file(path)
    assert base64.b64encode(A).decode() not in str(refused.value)


def test_missing_key_file(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match="No such file"):
        KeyRing.from_file(tmp_path / "keys")
    with pytest.raises(KeyRingError, match="cannot make"):
        KeyRing.from_file(Path("/dev/null/keys"), create=True)


def test_keys_from_the_environment() -> None:
    keys = ",".join(base64.b64encode(key).decode() for key in (B, A))
    assert KeyRing.from_setting("env:KEYS", environment={"KEYS": keys}).ids == KeyRing([B, A]).ids
    with pytest.raises(KeyRingError, match="KEYS holds no keys"):
        KeyRing.from_setting("env:KEYS", environment={})
    with pytest.raises(KeyRingError, match="vault"):
        KeyRing.from_setting("vault:transit/ucal")
