"""Credentials at rest: an envelope for each record (AES-256-GCM, NIST SP 800-38D).

    version 1 | key id 4 | nonce 12 | wrapped data key 48 | nonce 12 | ciphertext, tag 16

A random data key seals the record, a key of the ring wraps the data key. Associated data binds the
record to its place (connection, provider, region): a row that is copied to another place, cut or
changed does not open. The data key is bound to the key that wraps it alone, so that it is wrapped
anew without knowing the place, which may hold the digest of a secret.
"""

import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from providers.core.errors import Kind, ProviderError
from server.connections.keyring import KEY_BYTES, KEY_ID_BYTES, Key, KeyRing, derive

VERSION: Final = b"\x01"
_NONCE = 12
_TAG = 16
_WRAPPED = _NONCE + KEY_BYTES + _TAG
_HEAD = len(VERSION) + KEY_ID_BYTES


class Envelope:
    """Seals and opens records."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def seal(self, record: bytes, place: Sequence[str]) -> bytes:
        """`record`, sealed to `place`."""
        data_key = AESGCM.generate_key(256)
        bound = _bound(place)
        nonce = os.urandom(_NONCE)
        sealed = nonce + AESGCM(data_key).encrypt(nonce, record, bound)
        return _wrap(self._ring.primary, data_key) + sealed

    def open(self, envelope: bytes, place: Sequence[str]) -> bytes:
        """The record that was sealed to `place`.

        Raises:
            ProviderError: PRECONDITION, CREDENTIALS_UNREADABLE: it was not, or was changed since,
                or its key is retired; UNAVAILABLE, KEYS_UNAVAILABLE.
        """
        data_key = self._unwrap(envelope)
        at = _HEAD + _WRAPPED
        try:
            return AESGCM(data_key).decrypt(
                envelope[at : at + _NONCE], envelope[at + _NONCE :], _bound(place)
            )
        except (InvalidTag, ValueError):
            raise _unreadable() from None

    def rewrap(self, envelope: bytes) -> bytes:
        """The same record under the primary key; the record itself stays sealed.

        Raises:
            ProviderError: as `open`.
        """
        data_key = self._unwrap(envelope)
        return _wrap(self._ring.primary, data_key) + envelope[_HEAD + _WRAPPED :]

    def _unwrap(self, envelope: bytes) -> bytes:
        head, nonce = envelope[:_HEAD], envelope[_HEAD : _HEAD + _NONCE]
        key = self._ring.find(head[len(VERSION) :])
        if key is None or head[: len(VERSION)] != VERSION:
            raise _unreadable()
        wrapped = envelope[_HEAD + _NONCE : _HEAD + _WRAPPED]
        try:
            return _wrapper(key).decrypt(nonce, wrapped, head)
        except (InvalidTag, ValueError):
            raise _unreadable() from None


def _wrap(key: Key, data_key: bytes) -> bytes:
    head = VERSION + key.id
    nonce = os.urandom(_NONCE)
    return head + nonce + _wrapper(key).encrypt(nonce, data_key, head)


def _wrapper(key: Key) -> AESGCM:
    return AESGCM(derive(key.material, b"data keys"))


def _bound(place: Sequence[str]) -> bytes:
    """`place` in bytes; each part with its length, so that parts do not run into one another."""
    parts = [part.encode() for part in place]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _unreadable() -> ProviderError:
    return ProviderError(
        Kind.PRECONDITION,
        "the stored credentials of this connection do not open under the server's keys: "
        "restore the key that is missing, or enter the credentials again",
        reason="CREDENTIALS_UNREADABLE",
    )
