"""Sealed tokens: state that the caller holds and cannot read, change, or use elsewhere.

`Sealer(ring, "page", region="eu")` has

    seal(payload: bytes, *, bound_to: bytes = b"") -> bytes
    open(token: bytes | str, *, bound_to: bytes = b"", max_age: timedelta | None = None) -> bytes

A token is ASCII (base64url without padding), 60 characters longer than 4/3 of its payload:

    version 1 | key id 4 | issued at 4 | binding 8 | nonce 12 | ciphertext, tag 16

AES-256-GCM under a subkey of the ring's key for the purpose, the region and the day of issue: by
the day, so that random nonces stay far below the 2^32 uses that NIST SP 800-38D allows a key.
Associated data: what stands in front, and `bound_to`. `binding` is a keyed hash of `bound_to`,
which tells a token of another list or connection from a forged one.
"""

import binascii
import hashlib
import os
import struct
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from providers.core.errors import Kind, ProviderError
from server.connections.keyring import KEY_ID_BYTES, Key, KeyRing, derive

_VERSION: Final = 1
_HEAD = struct.Struct(f">B{KEY_ID_BYTES}sI")
_BINDING = 8
_NONCE = 12
_TAG = 16
_LEAST = _HEAD.size + _BINDING + _NONCE + _TAG
_MOST = 256 * 1024
_DAY = 86_400
# Replicas' clocks differ; one may be ten minutes ahead while another is ten behind.
SKEW = 1_800
_SUBKEYS = 256
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


class TokenError(ProviderError):
    """A token that does not open, whatever is done about it."""


class InvalidTokenError(TokenError):
    """INVALID, TOKEN_INVALID: not sealed here, or changed since."""


class ForeignTokenError(TokenError):
    """INVALID, TOKEN_MISMATCH: sealed here, for something else: purpose, region or `bound_to`."""


class ExpiredTokenError(TokenError):
    """CURSOR_EXPIRED, TOKEN_EXPIRED: too old, or its key is retired."""


class Sealer:
    """Seals and opens tokens of one purpose. Costs a few microseconds; safe in any task."""

    def __init__(
        self,
        ring: KeyRing,
        purpose: str,
        region: str = "",
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now`: seconds since 1970, for tests."""
        self._ring = ring
        self._info = f"token\0{purpose}\0{region}\0".encode()
        self._now = now
        self._subkeys: dict[tuple[bytes, int], tuple[AESGCM, bytes]] = {}

    def _subkey(self, key: Key, day: int) -> tuple[AESGCM, bytes]:
        found = self._subkeys.get((key.id, day))
        if found is None:
            both = derive(key.material, self._info + str(day).encode(), 64)
            found = (AESGCM(both[:32]), both[32:])
            if len(self._subkeys) >= _SUBKEYS:
                self._subkeys.clear()
            self._subkeys[(key.id, day)] = found
        return found

    def seal(self, payload: bytes, *, bound_to: bytes = b"") -> bytes:
        """A token of `payload`, which opens only with an equal `bound_to`."""
        key = self._ring.primary
        issued = int(self._now())
        cipher, binder = self._subkey(key, issued // _DAY)
        binding = hashlib.blake2b(bound_to, digest_size=_BINDING, key=binder).digest()
        head = _HEAD.pack(_VERSION, key.id, issued) + binding
        nonce = os.urandom(_NONCE)
        return _to_text(head + nonce + cipher.encrypt(nonce, payload, head + bound_to))

    def open(
        self, token: bytes | str, *, bound_to: bytes = b"", max_age: timedelta | None = None
    ) -> bytes:
        """What was sealed.

        Raises:
            InvalidTokenError: not sealed here, or changed.
            ForeignTokenError: sealed for something else.
            ExpiredTokenError: older than `max_age`, or its key is retired.
            ProviderError: UNAVAILABLE, KEYS_UNAVAILABLE: it may open later.
        """
        raw = _from_text(token)
        version, key_id, issued = _HEAD.unpack_from(raw)
        age = self._now() - issued
        if version != _VERSION or age < -SKEW:
            raise _invalid()
        key = self._ring.find(key_id)
        if key is None:
            raise _expired("its key is retired")
        cipher, binder = self._subkey(key, issued // _DAY)
        head = raw[: _HEAD.size + _BINDING]
        binding = hashlib.blake2b(bound_to, digest_size=_BINDING, key=binder).digest()
        # Not a secret comparison: a forged binding fails at the tag.
        if head[_HEAD.size :] != binding:
            raise ForeignTokenError(
                Kind.INVALID, "the token belongs to something else", reason="TOKEN_MISMATCH"
            )
        nonce = raw[len(head) : len(head) + _NONCE]
        try:
            payload = cipher.decrypt(nonce, raw[len(head) + _NONCE :], head + bound_to)
        except InvalidTag:
            raise _invalid() from None
        if max_age is not None and age > max_age.total_seconds():
            raise _expired("it is too old")
        return payload


def _invalid() -> InvalidTokenError:
    return InvalidTokenError(
        Kind.INVALID, "the token is none of this service", reason="TOKEN_INVALID"
    )


def _expired(why: str) -> ExpiredTokenError:
    return ExpiredTokenError(
        Kind.CURSOR_EXPIRED, f"the token cannot be used any more: {why}", reason="TOKEN_EXPIRED"
    )


def _to_text(raw: bytes) -> bytes:
    return binascii.b2a_base64(raw, newline=False).rstrip(b"=").translate(_TO_URL)


def _from_text(token: bytes | str) -> bytes:
    """The bytes of a token; only the one spelling that `_to_text` writes is read."""
    try:
        text = token.encode("ascii") if isinstance(token, str) else token
        if len(text) > _MOST:
            raise _invalid()
        padding = b"=" * (-len(text) % 4)
        raw = binascii.a2b_base64(text.translate(_FROM_URL) + padding, strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _invalid() from None
    if len(raw) < _LEAST or _to_text(raw) != text:
        raise _invalid()
    return raw
