"""Who a verified client certificate is of: a SPIFFE id, or DNS names.

TLS has checked the chain already; here its leaf is read. X.509-SVIDs hold exactly one URI (SPIFFE
X509-SVID, section 2), and are of no authority.
"""

import re
from collections.abc import Iterable, Sequence

from cryptography import x509

from server.access.caller import Caller, expired, invalid
from server.access.forwarded import uris as forwarded_uris
from server.access.subjects import Subjects

_SPIFFE = re.compile(r"spiffe://(?P<domain>[a-z0-9._-]{1,255})(?P<path>(/[A-Za-z0-9._-]+)+)")
_LONGEST = 2048


class Certificates:
    """Reads client certificates.

    Attributes:
        hears_proxies: some tell, in a header, who called them.
    """

    def __init__(
        self, trust_domains: tuple[str, ...], subjects: Subjects, proxies: Iterable[str] = ()
    ) -> None:
        """Whose certificates are taken.

        Args:
            trust_domains: whose SPIFFE ids are.
            proxies: SPIFFE ids of those who tell whom they were called by.
        """
        self._domains = frozenset(trust_domains)
        self._subjects = subjects
        self._proxies = frozenset(proxies)
        self.hears_proxies = bool(self._proxies)

    def caller(self, pem: bytes, now: float, forwarded: Sequence[str] = ()) -> Caller | None:
        """Who the certificate `pem` is of, or whom a proxy says that it speaks for; None: nobody.

        `forwarded`: what came in the header of proxies; of anybody else it counts for nothing.

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
        if found and found[0] in self._proxies:
            # Never the proxy itself: whoever shows it nothing would have its rights.
            found = self._behind(forwarded)
        if not found:
            return None
        return Caller(found[0], self._subjects.policy(found), until)

    def _behind(self, forwarded: Sequence[str]) -> list[str]:
        try:
            uris = forwarded_uris(forwarded)
        except ValueError:
            raise invalid("what the proxy says of the client certificate cannot be read") from None
        return [self._id(uris)] if uris else []

    def _spiffe(self, uris: list[str], leaf: x509.Certificate) -> str:
        if _is_authority(leaf):
            raise invalid("the client certificate is one of an authority")
        return self._id(uris)

    def _id(self, uris: list[str]) -> str:
        found = _SPIFFE.fullmatch(uris[0])
        dots = found is not None and {".", ".."} & set(found["path"].split("/"))
        if len(uris) > 1 or found is None or dots or len(uris[0]) > _LONGEST:
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
