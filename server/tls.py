"""How callers reach the service over TLS 1.2 or newer: certificates that change without a restart.

The files are looked at when a handshake begins, so that what cert-manager or an administrator has
put there counts from the next connection on; connections that are open live on. Files that do not
go together, as between two writes, are left alone until they do.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from server.log import LOG
from server.metrics import CERTIFICATE_ENDS
from server.settings_model import SettingsError, Tls

_MAX_FILE = 1024 * 1024
# `grpc` is a method within `Certificates`.
_Configuration: TypeAlias = grpc.ServerCertificateConfiguration


@dataclass(frozen=True, slots=True)
class Identity:
    """What the files hold.

    Attributes:
        cert: chain, PEM.
        key: PEM.
        client_ca: authorities of clients, PEM; empty: clients show no certificate.
        ends: when the service's certificate does, UTC.
    """

    cert: bytes
    key: bytes = field(repr=False)
    client_ca: bytes
    ends: datetime


def read_identity(tls: Tls) -> Identity:
    """What the files of `tls` hold now.

    Raises:
        SettingsError: they cannot be read, are no PEM, or do not go together.
    """
    cert, key = _read(tls.cert, "tls.cert"), _read(tls.key, "tls.key")
    client_ca = _read(tls.client_ca, "tls.client_ca") if tls.client_ca else b""
    try:
        own = x509.load_pem_x509_certificates(cert)[0]
        if client_ca:
            x509.load_pem_x509_certificates(client_ca)
    except ValueError:
        raise SettingsError("tls.cert", "or tls.client_ca is no certificate in PEM") from None
    try:
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError):
        raise SettingsError("tls.key", "is no private key in PEM without password") from None
    if _public(private.public_key()) != _public(own.public_key()):
        raise SettingsError("tls.key", "is not the key of tls.cert")
    return Identity(cert, key, client_ca, own.not_valid_after_utc)


def _read(path: str, key: str) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(_MAX_FILE)
    except OSError as error:
        raise SettingsError(key, f"cannot read {path}: {error.strerror}") from None


def _status(path: str) -> tuple[int, ...]:
    """Empty: there is no such file."""
    try:
        found = Path(path).expanduser().stat() if path else None
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found is not None else ()


def _public(key: object) -> bytes:
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    encoded: bytes = key.public_bytes(*form)  # type: ignore[attr-defined]
    return encoded


class Certificates:
    """The identity of `[tls]`, as its files say at each handshake."""

    def __init__(self, tls: Tls) -> None:
        """Read the files.

        Raises:
            SettingsError: see `read_identity`.
        """
        self._tls = tls
        self._seen = self._look()
        self._identity = read_identity(tls)
        self._context = self._made()
        _tell(self._identity)

    def _look(self) -> tuple[tuple[int, ...], ...]:
        """What tells whether a file has changed; links are followed."""
        return tuple(map(_status, (self._tls.cert, self._tls.key, self._tls.client_ca)))

    def _changed(self) -> bool:
        """Take over what has changed; whether anything has. Called from gRPC's threads too."""
        try:
            seen = self._look()
            if seen == self._seen:
                return False
            found, context = read_identity(self._tls), self._made()
        except (SettingsError, OSError):
            # Half of the files may be new yet. The next handshake looks again.
            return False
        self._seen = seen
        if found == self._identity:
            return False
        self._identity, self._context = found, context
        _tell(found)
        LOG.info("the TLS certificate has changed", extra={"setting": "tls.cert"})
        return True

    # -- gRPC

    def grpc(self) -> grpc.ServerCredentials:
        """Credentials that follow the files. gRPC speaks TLS 1.2 and 1.3 alone."""
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(),
            self._fetched,  # type: ignore[arg-type]  # the stubs know nothing of None: no change
            require_client_authentication=bool(self._tls.client_ca),
        )

    def _configuration(self) -> _Configuration:
        now = self._identity
        return grpc.ssl_server_certificate_configuration(
            [(now.key, now.cert)], root_certificates=now.client_ca or None
        )

    def _fetched(self) -> _Configuration | None:
        return self._configuration() if self._changed() else None

    # -- HTTP

    def http(self) -> ssl.SSLContext:
        """A context that follows the files. Clients show no certificate there."""
        outer = self._made()
        outer.sni_callback = self._greeted
        return outer

    def _greeted(self, connection: ssl.SSLObject, name: str | None, outer: ssl.SSLContext) -> None:
        self._changed()
        connection.context = self._context

    def _made(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._tls.cert, self._tls.key)
        return context


def _tell(identity: Identity) -> None:
    CERTIFICATE_ENDS.set(identity.ends.timestamp())


def days_left(identity: Identity, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float:
    """Days until the certificate ends; negative: it has."""
    return (identity.ends - now()).total_seconds() / 86_400
