"""R20 for what callers present: whatever it is, it is refused in words of the contract, at once."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.core.errors import Kind, ProviderError
from server.access.certificates import Certificates
from server.access.gate import Gate
from server.access.key_check import KeyCheck
from server.access.key_format import ALPHABET, new_key, parse
from server.access.key_store import KeyStore
from server.access.oidc import Tokens
from server.access.subjects import Subjects
from server.connections.store import Store
from server.interceptors.peers import Peers
from server.settings_model import Issuer
from tests.access.issuer_double import forged

# What takes long to draw says more of the machine than of the test.
busy_machine = settings(suppress_health_check=[HealthCheck.too_slow])
ISSUER = "https://login.example.com"
SUBJECTS = Subjects(())


class NoKeys:
    """An issuer without keys."""

    async def find(self, key_id: str) -> None:
        return None

    async def close(self) -> None:
        return None


class Nothing(KeyStore):
    """A table without rows."""

    def __init__(self) -> None:
        super().__init__(Store("memory:"))

    async def get(self, own_id: str) -> None:
        return None


class Call:
    def __init__(self, metadata: Any, pem: bytes = b"") -> None:
        self.metadata = metadata
        self.pem = pem

    def invocation_metadata(self) -> Any:
        return self.metadata

    def auth_context(self) -> Any:
        return {"x509_pem_cert": [self.pem]} if self.pem else {}


def gate() -> Gate:
    issuer = Issuer(name="x", issuer=ISSUER, audiences=("a",))
    keys: Any = NoKeys()
    return Gate(
        keys=KeyCheck(Nothing(), SUBJECTS, "test"),
        tokens=Tokens({ISSUER: (issuer, keys)}, SUBJECTS),
        certificates=Certificates(("example.org",), SUBJECTS),
    )


async def refused(call: Call) -> None:
    """The call is UNAUTHENTICATED, soon, and what it presented is not repeated."""
    began = time.process_time()  # whatever else the machine does
    with pytest.raises(ProviderError) as caught:
        await gate().caller(call)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    assert caught.value.reason.startswith("CALLER_CREDENTIALS_")
    assert time.process_time() - began < 1


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)
_claims = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("aud", "sub", "exp", "nbf", "iat", "groups", "scope"), _json),
).map(lambda found: {"iss": ISSUER, **found})
_header = st.fixed_dictionaries(
    {},
    optional={
        "alg": _json | st.sampled_from(["RS256", "none", "HS256", "ES256"]),
        "kid": _json,
        "typ": _json | st.sampled_from(["JWT", "at+jwt"]),
        "crit": _json,
    },
)


@busy_machine
@given(st.text(max_size=200) | st.text(alphabet=ALPHABET + "_-. ", max_size=200))
async def test_any_words_as_authorization(text: str) -> None:
    await refused(Call([("authorization", text)]))
    await refused(Call([("authorization", f"Bearer {text}")]))
    await refused(Call([("authorization", f"Bearer ucal_{text}")]))


@busy_machine
@given(_header, _claims | _json, st.binary(max_size=300))
async def test_any_header_and_claims(header: Any, claims: Any, signature: bytes) -> None:
    await refused(Call([("authorization", f"Bearer {forged(header, claims, signature)}")]))


@busy_machine
@given(st.binary(min_size=1, max_size=400))
async def test_any_bytes_as_a_certificate(data: bytes) -> None:
    await refused(Call([], data))
    await refused(Call([], b"-----BEGIN CERTIFICATE-----\n" + data))


@busy_machine
@given(st.text(max_size=120))
def test_any_text_as_a_key(text: str) -> None:
    assert parse(text) is None


@busy_machine
@given(st.integers(min_value=0, max_value=95), st.characters())
def test_a_key_with_another_sign(at: int, sign: str) -> None:
    text = new_key("test").text
    at %= len(text)
    if text[at] != sign:
        assert parse(text[:at] + sign + text[at + 1 :]) is None


@busy_machine
@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=4))
def test_any_peer_and_any_forwarded_header(peer: str, forwarded: list[str]) -> None:
    peers = Peers(["192.0.2.0/24"], ["10.0.0.0/8"])
    assert peers.allows(f"ipv4:203.0.113.1:{peer}", forwarded) is False
    assert peers.allows(peer, forwarded) in {True, False}
