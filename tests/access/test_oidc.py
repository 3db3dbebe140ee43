"""OIDC tokens: good ones, all kinds of bad ones, keys that rotate, and an issuer that is down."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwk

from providers.core.errors import ProviderError
from providers.core.http import Http
from server.access.issuer import IssuerKeys
from server.access.oidc import Tokens
from server.access.subjects import Subjects
from server.connections.facade import Connections
from server.settings import SettingsError, parse
from server.settings_model import Issuer
from tests.access.door import opened, place
from tests.access.issuer_double import AUDIENCE, IssuerDouble, forged
from ucal.v1 import event_pb2

EVENTS = event_pb2.ListEventsRequest(connection_id="box", page_size=1)
INVALID = "CALLER_CREDENTIALS_INVALID"
EXPIRED = "CALLER_CREDENTIALS_EXPIRED"


class Clock:
    """Ages, apart from the time that tokens speak of."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


class House:
    """Tokens of one issuer, over the real guarded way out."""

    def __init__(self, issuer: IssuerDouble, connections: Connections, **more: Any) -> None:
        self.issuer = issuer
        self.clock = Clock()
        record = settings(issuer, **more)
        self.keys = IssuerKeys(record, self._way, clock=self.clock)
        self.tokens = Tokens({record.issuer: (record, self.keys)}, Subjects(()))
        self._pool = connections.pool

    def _way(self, url: str, until: float) -> Http:
        return self._pool.endpoint("oidc", url, until=until)

    async def verdict(self, token: str) -> str:
        """The caller's name up to its colon, or the reason against it."""
        try:
            return (await self.tokens.caller(token)).name.partition(":")[0]
        except ProviderError as error:
            return error.reason if token not in error.message or not token else "REPEATED"


def settings(issuer: IssuerDouble, **more: Any) -> Issuer:
    return Issuer(name="corp", issuer=issuer.url, audiences=(AUDIENCE, "other"), **more)


@pytest.fixture
async def issuer() -> AsyncIterator[IssuerDouble]:
    async with IssuerDouble().running() as found:
        yield found


@pytest.fixture
async def house(issuer: IssuerDouble) -> AsyncIterator[House]:
    connections = Connections(parse(settings_of(issuer)))
    await connections.open()
    found = House(issuer, connections)
    try:
        yield found
    finally:
        await found.keys.close()
        await connections.close()


def settings_of(issuer: IssuerDouble) -> dict[str, Any]:
    return {
        "store": "memory:",
        "access": {
            "mode": ["oidc"],
            "issuers": [{"name": "corp", "issuer": issuer.url, "audiences": [AUDIENCE]}],
        },
        "policies": [
            {"subjects": ["oidc:corp:groups=admins"], "allow": ["read"], "connections": ["box"]}
        ],
    }


async def test_a_good_token_is_a_digest_of_whom_it_is_about(house: House) -> None:
    caller = await house.tokens.caller(house.issuer.token())
    digest = hashlib.sha256(f"{house.issuer.url}\0ann".encode()).hexdigest()[:32]
    assert caller.name == f"oidc:{digest}"
    assert house.issuer.asked == ["/realm/.well-known/openid-configuration", "/realm/keys"]
    same = await house.tokens.caller(house.issuer.token(iat=int(time.time()) - 1))
    assert same.name == caller.name
    assert len(house.issuer.asked) == 2


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": ["x", AUDIENCE]}, "oidc"),
        ({"aud": "other"}, "oidc"),
        ({"aud": "somebody"}, INVALID),
        ({"aud": None}, INVALID),
        ({"aud": [["ucal"]]}, INVALID),
        ({"iss": "https://evil.example"}, INVALID),
        ({"iss": None}, INVALID),
        ({"iss": 5}, INVALID),
        ({"sub": None}, INVALID),
        ({"sub": 7}, INVALID),
        ({"exp": None}, INVALID),
        ({"exp": "tomorrow"}, INVALID),
        ({"exp": -3600}, EXPIRED),
        ({"exp": -30}, "oidc"),  # clocks may differ by a minute
        ({"nbf": +3600}, INVALID),
        ({"nbf": +30}, "oidc"),
        ({"iat": +3600}, INVALID),
        ({"groups": [f"g{number}" for number in range(200)]}, "oidc"),
        ({"scope": " ".join("x" for _ in range(600))}, INVALID),
    ],
)
async def test_claims(house: House, claims: dict[str, Any], reason: str) -> None:
    """Times are seconds from now."""
    for name in {"exp", "nbf", "iat"} & claims.keys():
        if isinstance(claims[name], int):
            claims = claims | {name: int(time.time()) + claims[name]}
    assert await house.verdict(house.issuer.token(**claims)) == reason


async def test_signatures_that_are_none(house: House) -> None:
    """alg none, the public key as an HMAC secret, and keys that the token brings along."""
    issuer = house.issuer
    good = issuer.token()
    head, body, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    for algorithm in ("none", "None", "NONE", ""):
        assert await house.verdict(forged({"alg": algorithm, "kid": "first"}, claims)) == INVALID
    public = issuer.keys["first"].as_pem(private=False)
    document = json.dumps({"keys": issuer.public()}).encode()
    for secret in (public, public.strip(), document):
        start = forged({"alg": "HS256", "kid": "first"}, claims).rpartition(".")[0]
        mac = hmac.digest(secret, start.encode(), "sha256")
        signed = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
        assert await house.verdict(f"{start}.{signed}") == INVALID
    stranger = jwk.RSAKey.generate_key(2048, {"kid": "first"})
    assert await house.verdict(issuer.token(key=stranger)) == INVALID
    own = stranger.as_dict(private=False)
    for extra in ({"jwk": own}, {"jku": "https://evil.example/keys"}, {"kid": "other"}):
        assert await house.verdict(issuer.token(key=stranger, header=extra)) == INVALID
    assert await house.verdict(f"{head}.{body}.") == INVALID
    assert await house.verdict(f"{head}.{body}.{signature[:-4]}AAAA") == INVALID
    assert await house.verdict(good) == "oidc"


@pytest.mark.parametrize(
    "token", ["", "..", "a.b.c", "a.b.c.d.e", "é.b.c", "x" * 20_000, "." * 9000]
)
async def test_what_is_no_token(house: House, token: str) -> None:
    assert await house.verdict(token) == INVALID
    assert house.issuer.asked == []


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "JWT"}, "oidc"),
        ({"typ": None}, "oidc"),
        ({"typ": "application/at+jwt"}, "oidc"),
        ({"typ": "logout+jwt"}, INVALID),
        ({"typ": "secevent+jwt"}, INVALID),
    ],
)
async def test_kinds_of_tokens(house: House, header: dict[str, Any], reason: str) -> None:
    assert await house.verdict(house.issuer.token(header=header)) == reason


async def test_a_token_that_is_nested_deep_or_has_critical_headers(house: House) -> None:
    deep = "[" * 4000 + "]" * 4000
    header = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"first"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(f'{{"iss":{deep}}}'.encode()).rstrip(b"=").decode()
    assert await house.verdict(f"{header}.{body}.AAAA") == INVALID
    claims = {"iss": house.issuer.url, "aud": AUDIENCE, "sub": "ann", "exp": 9_999_999_999}
    crit = {"alg": "RS256", "kid": "first", "crit": ["b64"], "b64": False}
    assert await house.verdict(forged(crit, claims, b"x" * 256)) == INVALID


# -- keys


async def test_a_new_key_is_fetched_when_it_is_first_seen(house: House) -> None:
    assert await house.verdict(house.issuer.token()) == "oidc"
    old = house.issuer.token()
    house.issuer.rotate("second", "EC")
    house.clock.time += 11
    assert await house.verdict(house.issuer.token()) == "oidc"
    assert house.issuer.asked.count("/realm/keys") == 2
    assert await house.verdict(old) == INVALID  # its key is gone


async def test_key_ids_that_nobody_knows_do_not_make_it_ask_again_and_again(house: House) -> None:
    assert await house.verdict(house.issuer.token()) == "oidc"
    for number in range(50):
        token = house.issuer.token(header={"kid": f"made-up-{number}"})
        assert await house.verdict(token) == INVALID
    assert house.issuer.asked.count("/realm/keys") == 1
    house.clock.time += 11
    await asyncio.gather(
        *(house.verdict(house.issuer.token(header={"kid": f"k{n}"})) for n in range(20))
    )
    assert house.issuer.asked.count("/realm/keys") == 2


async def test_the_old_keys_serve_while_the_issuer_is_down_for_a_day(house: House) -> None:
    assert await house.verdict(house.issuer.token()) == "oidc"
    house.issuer.status = 503
    for hours in (0.1, 1, 20):
        house.clock.time += hours * 3600
        assert await house.verdict(house.issuer.token()) == "oidc"
    house.clock.time += 4 * 3600
    assert await house.verdict(house.issuer.token()) == "ISSUER_UNAVAILABLE"
    house.issuer.status = 200
    house.clock.time += 11
    assert await house.verdict(house.issuer.token()) == "oidc"


async def test_an_issuer_that_was_never_reached_is_unavailable(house: House) -> None:
    house.issuer.status = 500
    assert await house.verdict(house.issuer.token()) == "ISSUER_UNAVAILABLE"
    asked = len(house.issuer.asked)
    assert await house.verdict(house.issuer.token()) == "ISSUER_UNAVAILABLE"
    assert len(house.issuer.asked) == asked
    house.issuer.status = 200
    house.clock.time += 11
    assert await house.verdict(house.issuer.token()) == "oidc"


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"jwks_uri": "https://evil.example/keys"},
        {"jwks_uri": "http://evil.example/keys"},
        {"jwks_uri": "http://127.0.0.1:1/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 5},
    ],
)
async def test_a_document_that_leads_elsewhere_is_not_followed(
    house: House, document: dict[str, Any]
) -> None:
    house.issuer.document = document
    assert await house.verdict(house.issuer.token()) == "ISSUER_UNAVAILABLE"
    assert "/realm/keys" not in house.issuer.asked


async def test_keys_elsewhere_are_fetched_where_the_operator_named_the_host(
    issuer: IssuerDouble,
) -> None:
    async with IssuerDouble().running() as elsewhere:
        elsewhere.keys = issuer.keys
        issuer.document = {"jwks_uri": f"{elsewhere.url}/keys"}
        host = elsewhere.url.split("/")[2]
        for hosts, verdict in (((), "ISSUER_UNAVAILABLE"), ((host,), "oidc")):
            given = settings_of(issuer)
            given["access"]["issuers"][0]["hosts"] = list(hosts)
            connections = Connections(parse(given))
            house = House(issuer, connections, hosts=hosts)
            assert await house.verdict(issuer.token()) == verdict
            assert bool(elsewhere.asked) is bool(hosts)
            await house.keys.close()
            await connections.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"keys": 5}', b'{"keys":' + b"[" * 50_000, b" " * 300_000],
)
async def test_keys_that_are_none(house: House, body: bytes) -> None:
    house.issuer.body = body
    assert await house.verdict(house.issuer.token()) == "ISSUER_UNAVAILABLE"


async def test_keys_that_may_not_sign_are_passed_over(house: House) -> None:
    short = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n
    modulus = base64.urlsafe_b64encode(short.to_bytes(128, "big")).rstrip(b"=").decode()
    secret = jwk.OctKey.generate_key(256, {"kid": "secret"})
    ours = house.issuer.public()[0]
    house.issuer.body = json.dumps(
        {
            "keys": [
                {"kty": "RSA", "kid": "weak", "n": modulus, "e": "AQAB"},
                secret.as_dict(private=True),
                {**ours, "kid": "sealing", "use": "enc"},
                {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
                {"kty": "strange", "kid": "strange"},
                ours,
            ]
        }
    ).encode()
    assert await house.verdict(house.issuer.token()) == "oidc"
    for kid in ("weak", "secret", "sealing", "broken", "strange"):
        assert await house.keys.find(kid) is None


async def test_one_who_gives_up_does_not_end_the_fetch_of_others(house: House) -> None:
    house.issuer.hold = asyncio.Event()
    hasty = asyncio.ensure_future(house.verdict(house.issuer.token()))
    patient = asyncio.ensure_future(house.verdict(house.issuer.token()))
    while not house.issuer.asked:
        await asyncio.sleep(0.005)
    hasty.cancel()
    house.issuer.hold.set()
    assert await patient == "oidc"
    assert house.issuer.asked.count("/realm/keys") == 1


# -- at the door


async def test_policies_speak_of_claims(issuer: IssuerDouble, tmp_path: Path) -> None:
    where = place(
        tmp_path,
        connections=[{"id": "box", "provider": "sandbox"}, {"id": "two", "provider": "sandbox"}],
        **{key: value for key, value in settings_of(issuer).items() if key != "store"},
    )
    async with opened(where) as door:
        assert (await door.refusal("ListEvents", EVENTS, issuer.token())).code == "OK"
        for claims in ({"groups": ["staff"]}, {"groups": None}, {"groups": "admin"}):
            refusal = await door.refusal("ListEvents", EVENTS, issuer.token(**claims))
            assert refusal.short == ("PERMISSION_DENIED", "ACCESS_DENIED")
        other = event_pb2.ListEventsRequest(connection_id="two")
        assert (await door.refusal("ListEvents", other, issuer.token())).code == "NOT_FOUND"
        assert (await door.refusal("ListEvents", EVENTS)).code == "UNAUTHENTICATED"
        key = "ucal_development_0123456789abcdef_" + "x" * 49
        refusal = await door.refusal("ListEvents", EVENTS, key)
        assert refusal.short == ("UNAUTHENTICATED", INVALID)


@pytest.mark.parametrize(
    ("key", "issuer"),
    [
        ("issuer", {"issuer": "http://login.example.com"}),
        ("issuer", {"issuer": "https://user:p@login.example.com"}),
        ("issuer", {"issuer": "login.example.com"}),
        ("audiences", {"audiences": []}),
        ("algorithms", {"algorithms": ["HS256"]}),
        ("algorithms", {"algorithms": ["none"]}),
        ("algorithms", {"algorithms": []}),
        ("jwks_url", {"jwks_url": "http://10.0.0.1/keys"}),
        ("hosts", {"hosts": ["https://keys.example.com/x"]}),
        ("name", {"name": "Corp:x"}),
        ("clock_skew", {"clock_skew": 7200}),
    ],
)
def test_settings_of_an_issuer(key: str, issuer: dict[str, Any]) -> None:
    good = {"name": "corp", "issuer": "https://login.example.com", "audiences": ["ucal"]}
    given = {"mode": ["oidc"], "issuers": [good | issuer]}
    with pytest.raises(SettingsError) as caught:
        parse({"access": given})
    assert caught.value.key == f"access.issuers.{key}"
