"""Who a verified client certificate is of: a SPIFFE id, or DNS names.

TLS has checked the chain already; here its leaf is read. X.509-SVIDs hold exactly one URI (SPIFFE
X509-SVID, section 2), and are of no authority.
"""

import re

from cryptography import x509

from server.access.caller import Caller, expired, invalid
from server.access.subjects import Subjects

_SPIFFE = re.compile(r"spiffe://(?P<domain>[a-z0-9._-]{1,255})(?P<path>(/[A-Za-z0-9._-]+)+)")
_LONGEST = 2048


class Certificates:
    """Reads client certificates."""

    def __init__(self, trust_domains: tuple[str, ...], subjects: Subjects) -> None:
        """`trust_domains`: whose SPIFFE ids are taken."""
        self._domains = frozenset(trust_domains)
        self._subjects = subjects

    def caller(self, pem: bytes, now: float) -> Caller | None:
        """Who the certificate `pem` is of; None: it names nobody.

        Raises:
            ProviderError: UNAUTHENTICATED: it is of another trust domain, or not as it must be.
        """
        try:
            leaf = x509.load_pem_x509_certificate(pem)
            names = _names(leaf)
        except ValueError:
            raise invalid("the client certificate cannot be read") from None
        until = leaf.not_valid_after_utc.timestamp()
        if until <= now:
            raise expired("the client certificate")
        uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names else []
        dns = names.get_values_for_type(x509.DNSName) if names else []
        found = [self._spiffe(uris, leaf)] if uris else [f"dns:{name.lower()}" for name in dns]
        if not found:
            return None
        return Caller(found[0], self._subjects.policy(found), until)

    def _spiffe(self, uris: list[str], leaf: x509.Certificate) -> str:
        found = _SPIFFE.fullmatch(uris[0])
        dots = found is not None and {".", ".."} & set(found["path"].split("/"))
        if len(uris) > 1 or found is None or dots or len(uris[0]) > _LONGEST or _is_authority(leaf):
            raise invalid("the client certificate holds no SPIFFE id, or more than one URI")
        if found["domain"] not in self._domains:
            raise invalid("the client certificate is of a trust domain that is not taken")
        return uris[0]


def _names(leaf: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _is_authority(leaf: x509.Certificate) -> bool:
    try:
        return leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
