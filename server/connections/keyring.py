"""The keys under which everything is sealed: page and resume tokens, data keys of credentials.

`KeyRing` holds 256-bit keys. One seals, usually the first, all of them open, so that a key is
retired by putting a new one in front and, later, taking the old one out
(`server.connections.rotation`). A key has no name of its own: its id is derived from it. Tokens are
sealed by `server.connections.sealer.Sealer`.
"""

import base64
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from providers.core.errors import Kind, ProviderError
from server.settings_model import SettingsError

KEY_BYTES = 32
KEY_ID_BYTES = 4
MAX_KEYS = 16
_MAX_FILE = 16 * 1024
_HEADER = "# ucal keys: 32 random bytes in base64 a line. The first one seals, all of them open.\n"


class KeyRingError(SettingsError):
    """The keys cannot be used; the text names the source and the line, never a key."""

    def __init__(self, problem: str) -> None:
        super().__init__("keyring", problem)


def derive(material: bytes, purpose: bytes, length: int = KEY_BYTES) -> bytes:
    """A key for `purpose` alone, from a key that is uniformly random (RFC 5869, expand)."""
    return HKDFExpand(SHA256(), length, b"ucal/1 " + purpose).derive(material)


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        id: derived from the key; stands in front of what it sealed.
        material: the secret. Never used itself: subkeys are derived from it by purpose.
    """

    id: bytes
    material: bytes = field(repr=False)

    @classmethod
    def of(cls, material: bytes) -> Self:
        """The key made of `material`.

        Raises:
            ValueError: not 32 bytes.
        """
        if len(material) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, this one has {len(material)}")
        return cls(derive(material, b"key id", KEY_ID_BYTES), material)


class KeyRing:
    """Keys that are in use; `replace` changes them while serving."""

    def __init__(self, materials: Sequence[bytes]) -> None:
        """`materials`: 32 bytes each, the sealing one first.

        Raises:
            KeyRingError: none, too many, one twice, or of another length.
        """
        self._keys: dict[bytes, Key] = {}
        self._seals = b""
        self.replace(materials)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key.id.hex() for key in self._keys.values())})"

    @classmethod
    def closed(cls) -> Self:
        """A ring whose keys are still to be fetched."""
        ring = cls.__new__(cls)
        ring.close()
        return ring

    def close(self) -> None:
        """Forget all keys: nothing is sealed or opened until `replace` brings them back."""
        self._keys = {}
        self._seals = b""

    def replace(self, materials: Sequence[bytes], *, seals: bytes = b"") -> None:
        """Use these keys from now on.

        Args:
            materials: as in the constructor.
            seals: id of the one that seals, if it is among them; else the first does.

        Raises:
            KeyRingError: as the constructor.
        """
        if not 1 <= len(materials) <= MAX_KEYS:
            raise KeyRingError(f"a key ring has 1 to {MAX_KEYS} keys, not {len(materials)}")
        try:
            keys = {key.id: key for key in map(Key.of, materials)}
        except ValueError as error:
            raise KeyRingError(str(error)) from None
        if len(keys) != len(materials):
            raise KeyRingError("a key is there twice")
        self._keys = keys
        self._seals = seals if seals in keys else next(iter(keys))

    def seal_with(self, key_id: bytes) -> None:
        """Let the key with this id, which must be in the ring, seal from now on."""
        if key_id in self._keys:
            self._seals = key_id

    @property
    def primary(self) -> Key:
        """The key that seals.

        Raises:
            ProviderError: UNAVAILABLE, KEYS_UNAVAILABLE: the ring is closed.
        """
        key = self._keys.get(self._seals)
        if key is None:
            raise _closed()
        return key

    @property
    def ids(self) -> tuple[bytes, ...]:
        """Ids of all keys, in their order; none when the ring is closed."""
        return tuple(self._keys)

    def find(self, key_id: bytes) -> Key | None:
        """The key with this id, if it is not retired.

        Raises:
            ProviderError: UNAVAILABLE, KEYS_UNAVAILABLE: the ring is closed.
        """
        if not self._keys:
            raise _closed()
        return self._keys.get(key_id)

    @classmethod
    def generate(cls) -> Self:
        """A ring of one new key, for stores that live in memory."""
        return cls([secrets.token_bytes(KEY_BYTES)])

    @classmethod
    def parse(cls, text: str, source: str) -> Self:
        """A ring from base64 keys, one a line (or comma-separated); "#" begins a comment.

        Raises:
            KeyRingError: a line is no key; `source` and the line's number are told.
        """
        return cls(read_keys(text, source))

    @classmethod
    def from_file(cls, path: Path, *, create: bool = False) -> Self:
        """A ring from a key file; with `create`, a missing one is made, readable by its owner only.

        Raises:
            KeyRingError: missing, unreadable, readable by others, or not a key file.
        """
        if create and not path.exists():
            _create(path)
        return cls(read_file(path))

    @classmethod
    def from_setting(
        cls, setting: str, *, create: bool = False, environment: Mapping[str, str] = os.environ
    ) -> Self:
        """The ring that the setting `keyring` names: "env:NAME", or the path of a key file.

        Raises:
            KeyRingError: see `from_file` and `parse`.
        """
        scheme, colon, rest = setting.partition(":")
        if colon and scheme == "env":
            if not environment.get(rest):
                raise KeyRingError(f"the environment variable {rest} holds no keys")
            return cls.parse(environment[rest], f"${rest}")
        if colon and scheme == "vault":
            raise KeyRingError("the keys are in the store, wrapped by a vault: no file holds them")
        return cls.from_file(Path(setting).expanduser(), create=create)


def read_file(path: Path) -> list[bytes]:
    """The keys in the file at `path`.

    Raises:
        KeyRingError: missing, unreadable, readable by others, or not a key file.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise KeyRingError(f"{path} can be read by others; run: chmod 600 {path}")
        with path.open("r", encoding="utf-8") as file:
            text = file.read(_MAX_FILE)
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRingError(f"cannot read the key file {path}: {_reason(error)}") from None
    return read_keys(text, str(path))


def read_keys(text: str, source: str) -> list[bytes]:
    """The keys written in `text`.

    Raises:
        KeyRingError: a line is no key.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        for word in line.partition("#")[0].replace(",", " ").split():
            try:
                material = base64.b64decode(word, validate=True)
            except ValueError:
                raise KeyRingError(f"{source}, line {number}: no base64") from None
            if len(material) != KEY_BYTES:
                raise KeyRingError(f"{source}, line {number}: a key has {KEY_BYTES} bytes")
            found.append(material)
    if not found:
        raise KeyRingError(f"{source}: holds no keys")
    return found


def _create(path: Path) -> None:
    """Write a new key file; of two processes that do so at the same moment one wins, whole."""
    line = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{_HEADER}{line}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise KeyRingError(f"cannot make the key file {path}: {_reason(error)}") from None


def _closed() -> ProviderError:
    return ProviderError(
        Kind.UNAVAILABLE,
        "the server's keys cannot be had from their vault at present",
        reason="KEYS_UNAVAILABLE",
        retry_after=5.0,
    )


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "unknown") if isinstance(error, OSError) else "not a text file"
