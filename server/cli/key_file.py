"""The key file, changed in one step: a new key in front, old ones out. Of two who change it at
once, the second sees what the first has done.
"""

import base64
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from server.connections.keyring import KEY_BYTES, Key, KeyRing


def new_key() -> str:
    """32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def add_key(path: Path) -> KeyRing:
    """Put a new key in front; the ring that the file holds then.

    Raises:
        KeyRingError: it is no key file, or is full.
        OSError: it cannot be written.
    """
    return _change(path, _in_front)


def drop_keys(path: Path, key_ids: Sequence[bytes]) -> KeyRing:
    """Take keys out; the ring that the file holds then.

    Raises:
        KeyRingError: it is no key file, or none would be left.
        OSError: it cannot be written.
    """
    return _change(path, lambda text: _without(text, key_ids))


def _change(path: Path, change: Callable[[str], str]) -> KeyRing:
    """Write the file anew; what it becomes is read before it counts."""
    KeyRing.from_file(path)
    with _locked(path) as (text, status):
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            write_new(draft, change(text), owner=(status.st_uid, status.st_gid))
            ring = KeyRing.from_file(draft)
            draft.replace(path)
            _sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
        return ring


def _in_front(text: str) -> str:
    """`text` with a new key before the first line that is no comment."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.partition("#")[0].strip())
    return "\n".join([*lines[:first], new_key(), *lines[first:]]) + "\n"


def _without(text: str, key_ids: Sequence[bytes]) -> str:
    """`text` without the keys of these ids, and without lines that held nothing else."""
    kept = []
    for line in text.splitlines():
        keys, hash_, comment = line.partition("#")
        words = keys.replace(",", " ").split()
        left = [word for word in words if Key.of(base64.b64decode(word)).id not in key_ids]
        if left == words:
            kept.append(line)
        elif left:
            kept.append(f"{' '.join(left)}  {hash_}{comment}".rstrip())
    return "\n".join(kept) + "\n"


@contextmanager
def _locked(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The file's text, while nobody else changes it."""
    while True:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            status = os.fstat(file.fileno())
            if os.path.samestat(status, path.stat()):
                yield file.read(), status
                return


def write_new(path: Path, text: str, owner: tuple[int, int] | None = None) -> None:
    """Write a file that was not there, for its owner alone, down to the disk.

    Raises:
        OSError: it is there, or cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        made = os.fstat(descriptor)
        # An administrator rotates for the service's user: who could not read it any more else.
        if owner is not None and owner != (made.st_uid, made.st_gid):
            os.fchown(descriptor, *owner)
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
