"""Tokens and their issuers' keys at the edges: what is just good, and what nearly passes.

Tokens are signed by hand here, so that a header says what a library would not write; documents come
from a stand-in for the network.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc import jwk

from providers.core.errors import Kind, ProviderError
from server.access.issuer import IssuerKeys
from server.access.oidc import Tokens
from server.settings_model import Issuer

NOW = 1_800_000_000.0
ISSUER = "https://issuer.example"
PRIVATE = rsa.generate_private_key(65537, 2048)
PUBLIC: dict[str, Any] = jwk.RSAKey.import_key(PRIVATE.public_key()).as_dict(private=False)
INVALID, EXPIRED = "CALLER_CREDENTIALS_INVALID", "CALLER_CREDENTIALS_EXPIRED"
LONGEST = 8 * 1024
LARGEST = 256 * 1024


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header: dict[str, Any] | None = None, claims: Any = None, **more: Any) -> str:
    """Rightly signed, whatever it says; None leaves a claim or a part of the header out."""
    said = {"iss": ISSUER, "aud": "ucal", "sub": "ann", "exp": NOW + 60} | more
    head = {"alg": "RS256", "kid": "k", "typ": "at+jwt"} | (header or {})
    parts = [
        {name: value for name, value in head.items() if value is not None},
        {name: value for name, value in said.items() if value is not None}
        if claims is None
        else claims,
    ]
    signed = ".".join(b64(json.dumps(part).encode()) for part in parts)
    mark = PRIVATE.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{b64(mark)}"


class Keys:
    """An issuer's keys that are there."""

    def __init__(self, **more: Any) -> None:
        self.key = jwk.RSAKey.import_key(PUBLIC | more)
        self.asked: list[str] = []

    async def find(self, key_id: str) -> Any:
        self.asked.append(key_id)
        return self.key


class Names:
    """Notes what policies are asked about."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def policy(self, names: Iterable[str]) -> Any:
        self.names = list(names)
        return self.names


class Desk:
    def __init__(self, *, keys: Keys | None = None, **issuer: Any) -> None:
        record = Issuer(name="corp", issuer=ISSUER, audiences=("ucal",), **issuer)
        self.skew = record.clock_skew
        self.keys, self.names, self.time = keys or Keys(), Names(), NOW
        given: Any = {ISSUER: (record, self.keys)}
        names: Any = self.names
        self.tokens = Tokens(given, names, now=lambda: self.time)

    async def reason(self, text: str) -> str:
        try:
            await self.tokens.caller(text)
        except ProviderError as error:
            return error.reason
        return ""


# -- tokens


async def test_a_caller_lasts_as_long_as_its_token() -> None:
    """And no longer: open streams end by it."""
    desk = Desk()
    caller = await desk.tokens.caller(token())
    assert caller.until == NOW + 60 + desk.skew
    desk.time = caller.until - 1
    assert await desk.reason(token()) == ""
    desk.time = caller.until
    assert await desk.reason(token()) == EXPIRED


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 0}, EXPIRED),
        ({"exp": 1}, EXPIRED),
        ({"exp": -1}, INVALID),
        ({"exp": 1e12}, INVALID),
        ({"exp": True}, INVALID),
        ({"exp": 1e12 - 1}, ""),
        ({"nbf": None, "iat": None}, ""),
        ({"nbf": 0}, ""),
        ({"nbf": "soon"}, INVALID),
        ({"iss": [ISSUER]}, INVALID),
        ({"iss": {}}, INVALID),
        ({"iss": ""}, INVALID),
        ({"sub": ""}, INVALID),
    ],
)
async def test_claims_at_their_edges(claims: dict[str, Any], reason: str) -> None:
    assert await Desk().reason(token(**claims)) == reason


async def test_a_token_begins_within_the_skew_of_clocks() -> None:
    """R11."""
    desk = Desk()
    assert await desk.reason(token(nbf=NOW + desk.skew)) == ""
    assert await desk.reason(token(nbf=NOW + desk.skew + 1)) == INVALID


@pytest.mark.parametrize("claims", [[1], "x", 5, None, [["iss", ISSUER]]])
async def test_claims_that_are_no_object(claims: Any) -> None:
    assert await Desk().reason(token(claims=claims if claims is not None else "null")) == INVALID


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": None}, ""),
        ({"typ": "JWT"}, ""),
        ({"typ": "logout+jwt"}, INVALID),
        ({"typ": 5}, INVALID),
        ({"alg": "RS512"}, INVALID),
        ({"alg": "none"}, INVALID),
        ({"pi.atm": "1", "x": {"y": 1}}, ""),  # PingFederate's, and what nobody knows
        ({"crit": ["exp"]}, INVALID),
        ({"crit": []}, INVALID),
        ({"crit": ["b64"], "b64": True}, INVALID),
    ],
)
async def test_headers_that_are_rightly_signed(header: dict[str, Any], reason: str) -> None:
    """RFC 7515: what is not known is ignored (section 4), unless it is critical (4.1.11)."""
    assert await Desk().reason(token(header)) == reason


@pytest.mark.parametrize(("kid", "asked"), [("k", "k"), (None, ""), (7, ""), (["k"], "")])
async def test_a_key_is_asked_for_by_its_id(kid: Any, asked: str) -> None:
    desk = Desk()
    await desk.reason(token({"kid": kid}))
    assert desk.keys.asked == [asked]


async def test_a_key_of_another_algorithm_signs_nothing() -> None:
    """RFC 8725, section 3.1: what a key is for is not the token's to say."""
    assert await Desk(keys=Keys(alg="RS256")).reason(token()) == ""
    assert await Desk(keys=Keys(alg="RS512")).reason(token()) == INVALID


async def test_a_token_of_eight_kilobytes_is_read_and_no_longer_one() -> None:
    near = (LONGEST - len(token(pad=""))) * 3 // 4
    made = [
        token({"kid": "x" * more}, pad="x" * (near + pad))
        for more in range(3)
        for pad in range(-12, 4)
    ]
    lengths = {len(text): text for text in made}
    assert await Desk().reason(lengths[LONGEST]) == ""
    assert await Desk().reason(lengths[LONGEST + 1]) == INVALID


@pytest.mark.parametrize(
    ("claim", "claims", "names"),
    [
        ("realm.roles", {"realm": {"roles": ["a", "b", 5]}}, ["a", "b"]),
        ("realm.roles", {"realm": "roles"}, []),
        ("realm.roles", {"realm": {"roles": {"a": 1}}}, []),
        ("realm.roles", {"realm.roles": ["whole"], "realm": {"roles": ["in"]}}, ["whole"]),
        ("a.b.c", {"a": {"b": {"c": "deep"}}}, ["deep"]),
        ("scope", {"scope": "read write"}, ["read", "write"]),
        ("scp", {"scp": "read write"}, ["read", "write"]),
        ("title", {"title": "read write"}, ["read write"]),
        ("title", {}, []),
    ],
)
async def test_names_are_of_the_claims_that_are_asked_for(
    claim: str, claims: dict[str, Any], names: list[str]
) -> None:
    desk = Desk(claims=(claim,))
    assert await desk.reason(token(**claims)) == ""
    assert desk.names.names == [f"oidc:corp:{claim}={each}" for each in names]


async def test_five_hundred_groups_are_looked_at() -> None:
    desk = Desk(claims=("groups",))
    groups = [str(number) for number in range(501)]
    assert await desk.reason(token(groups=groups[:500])) == ""
    assert len(desk.names.names) == 500
    assert await desk.reason(token(groups=groups)) == INVALID


# -- keys


@dataclass(frozen=True)
class Net:
    """Stands for `Http` and what is behind it: documents by URL, sent in pieces."""

    documents: dict[str, Any]
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    allowed_hosts: tuple[str, ...] = ()
    hold: asyncio.Event | None = None

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Any = None
    ) -> AsyncIterator["Net.Answer"]:
        self.asked.append((method, url, headers))
        if self.hold is not None:
            await self.hold.wait()
        found = self.documents[url]
        yield Net.Answer(found if isinstance(found, bytes) else json.dumps(found).encode())

    @dataclass
    class Answer:
        body: bytes

        async def chunks(self) -> AsyncIterator[bytes]:
            for at in range(0, len(self.body), 1000):
                yield self.body[at : at + 1000]


KEYS_AT, DISCOVERY = f"{ISSUER}/keys", f"{ISSUER}/.well-known/openid-configuration"


class Kept:
    """Keys of an issuer over a `Net`."""

    def __init__(self, keys: Any, issuer: str = ISSUER, **more: Any) -> None:
        found = {"issuer": issuer, "jwks_uri": KEYS_AT} | more
        self.net = Net({DISCOVERY: found, KEYS_AT: keys})
        self.time = 0.0
        record = Issuer(name="corp", issuer=issuer, audiences=("ucal",))
        way: Any = lambda url, until: self.net  # noqa: E731 - of one line
        self.keys = IssuerKeys(record, way, clock=lambda: self.time)


def published(*more: dict[str, Any]) -> dict[str, Any]:
    return {"keys": [*more, PUBLIC | {"kid": "k"}]}


async def test_the_only_key_needs_no_id_and_one_of_two_does() -> None:
    one = Kept(published())
    assert await one.keys.find("") is not None
    assert await one.keys.find("k") is await one.keys.find("")
    two = Kept(published(PUBLIC | {"kid": "other"}))
    assert await two.keys.find("") is None
    assert await two.keys.find("other") is not None
    assert {method for method, _, _ in one.net.asked} == {"GET"}
    assert all(headers == {"accept": "application/json"} for _, _, headers in one.net.asked)


async def test_keys_are_found_behind_those_that_are_none() -> None:
    okp = jwk.OKPKey.generate_key("Ed25519").as_dict(private=False) | {"kid": "o", "use": "sig"}
    found = Kept(
        published(
            {"kty": "RSA", "kid": "broken", "n": "!" * 400, "e": "AQAB"},
            {"kty": "EC", "kid": "odd", "crv": "P-0", "x": "", "y": ""},
            PUBLIC | {"kid": "sealing", "use": "enc"},
            okp,
        )
    )
    assert await found.keys.find("k") is not None
    assert await found.keys.find("o") is not None
    for kid in ("broken", "odd", "sealing", "None", "XXXX"):
        assert await found.keys.find(kid) is None, kid


async def test_a_key_without_an_id_is_not_called_something() -> None:
    found = Kept({"keys": [PUBLIC, PUBLIC | {"kid": "b"}]})
    assert await found.keys.find("None") is None
    assert await found.keys.find("") is not None


async def test_an_issuer_that_ends_with_a_slash_is_asked_at_one_address() -> None:
    slashed = f"{ISSUER}/"
    found = Kept(published(), issuer=slashed)
    assert await found.keys.find("k") is not None
    assert [url for _, url, _ in found.net.asked] == [DISCOVERY, KEYS_AT]


@pytest.mark.parametrize("uri", ["http://127.0.0.1/keys", "http://issuer.example/keys", "keys"])
async def test_an_issuer_with_tls_has_its_keys_behind_tls(uri: str) -> None:
    found = Kept(published(), jwks_uri=uri)
    found.net.documents[uri] = published()
    with pytest.raises(ProviderError) as caught:
        await found.keys.find("k")
    assert (caught.value.kind, caught.value.reason) == (Kind.UNAVAILABLE, "ISSUER_UNAVAILABLE")
    assert caught.value.retry_after == 10.0
    assert [url for _, url, _ in found.net.asked] == [DISCOVERY]


@pytest.mark.parametrize(("size", "found"), [(LARGEST, True), (LARGEST + 1, False)])
async def test_a_document_of_a_quarter_of_a_megabyte_is_read(size: int, found: bool) -> None:
    kept = Kept(json.dumps(published()).encode().ljust(size))
    if found:
        assert await kept.keys.find("k") is not None
    else:
        with pytest.raises(ProviderError):
            await kept.keys.find("k")


async def test_keys_are_asked_for_anew_beside_the_calls_after_five_minutes() -> None:
    kept = Kept(published())
    await kept.keys.find("k")
    kept.time = 300.0
    await kept.keys.find("k")
    await asyncio.sleep(0)
    assert len(kept.net.asked) == 2
    kept.time = 301.0
    # The call itself has its answer while the issuer has not.
    held = Net(kept.net.documents, kept.net.asked, hold=asyncio.Event())
    kept.net = held
    assert await kept.keys.find("k") is not None
    await asyncio.sleep(0)
    assert len(held.asked) == 3
    await kept.keys.close()


async def test_the_end_waits_for_no_issuer() -> None:
    kept = Kept(published())
    kept.net = Net(kept.net.documents, hold=asyncio.Event())
    waiting = asyncio.ensure_future(kept.keys.find("k"))
    while not kept.net.asked:
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await kept.keys.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await kept.keys.close()
