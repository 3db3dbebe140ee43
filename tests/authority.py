"""A certificate authority for tests: its own certificate, and leaves with the names asked for.

What it makes is strict enough for Envoy and for readers of SPIFFE ids (X.509-SVID); it needs no
pytest, and its private key lives in memory only.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of tests")])
_HOLDER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "holder of tests")])
_BOTH_ENDS = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]


class Authority:
    """Makes certificates.

    Attributes:
        pem: its own certificate.
    """

    def __init__(self, *, uris: Sequence[str] = ()) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.pem = self._signed(self._key.public_key(), _NAME, _uris(uris), authority=True)

    def leaf(
        self,
        *,
        uris: Sequence[str] = (),
        dns: Sequence[str] = (),
        addresses: Sequence[str] = (),
        authority: bool = False,
        days: float = 1,
    ) -> tuple[bytes, bytes]:
        """Private key and certificate, PEM; good for both ends of a connection.

        Args:
            authority: it may sign others itself, as no leaf may.
            days: until it ends; negative: it has ended.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = [
            *_uris(uris),
            *(x509.DNSName(name) for name in dns),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
        ]
        certificate = self._signed(key.public_key(), _HOLDER, names, authority=authority, days=days)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return private, certificate

    def _signed(
        self,
        key: ec.EllipticCurvePublicKey,
        subject: x509.Name,
        names: Sequence[x509.GeneralName],
        *,
        authority: bool,
        days: float = 1,
    ) -> bytes:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_NAME)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(_usage(signs_certificates=authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage(_BOTH_ENDS), critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)


def _uris(uris: Sequence[str]) -> list[x509.UniformResourceIdentifier]:
    return [x509.UniformResourceIdentifier(uri) for uri in uris]


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates,
        crl_sign=signs_certificates, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
