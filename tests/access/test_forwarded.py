"""Callers behind a proxy that says who they are: Envoy's `x-forwarded-client-cert`."""

from pathlib import Path
from typing import Any

import pytest

from server.access.forwarded import uris
from server.service import running
from server.settings import SettingsError, parse
from tests.access.test_certificates import AUTHORITY, EVENTS, secure, tls

PROXY = "spiffe://example.org/ns/mesh/envoy"
WEB = "spiffe://example.org/ns/prod/web"
HASH = "468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688"


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], []),
        ([""], []),
        ([f"URI={WEB}"], [WEB]),
        ([f"uri={WEB}"], [WEB]),
        ([f"By={PROXY};Hash={HASH};URI={WEB}"], [WEB]),
        ([f'By={PROXY};Hash={HASH};Subject="/C=US/CN=a\\"b,URI=x;";URI={WEB};DNS=a.b'], [WEB]),
        ([f'URI="{WEB}"'], [WEB]),
        ([f'By={PROXY};Hash={HASH};Subject="";URI='], []),
        # The nearest proxy stands last, in one value or in several.
        ([f"URI={PROXY},By=x;URI={WEB}"], [WEB]),
        ([f"URI={PROXY}", f"URI={WEB}"], [WEB]),
        ([f"URI={WEB},By=x;Hash={HASH}"], []),
        ([f"URI={WEB};URI={PROXY}"], [WEB, PROXY]),
        ([f'Chain="URI={PROXY}";Hash=1'], []),
    ],
)
def test_the_nearest_proxys_word_is_read(values: list[str], found: list[str]) -> None:
    assert uris(values) == found


@pytest.mark.parametrize(
    "text",
    [
        WEB, "URI", f"URI={WEB};", f"URI={WEB},", f",URI={WEB}", f";URI={WEB}", f"URI={WEB} ;x",
        f'URI="{WEB}', f'URI={WEB}"', f'Subject="a"b;URI={WEB}', f'Subject="a\\";URI={WEB}',
        f"URI=a\\;URI={WEB}", f"U RI={WEB}", "a=b," * 5000 + f"URI={WEB}", f"URI={WEB};;Hash=1",
        f"=;URI={WEB}", f"URI=={WEB}",
    ],
)  # fmt: skip
def test_what_is_no_such_header_is_not_guessed_at(text: str) -> None:
    with pytest.raises(ValueError, match=r"pair|long"):
        uris([text])


async def test_a_proxy_speaks_for_whoever_called_it(tmp_path: Path) -> None:
    place = tls(tmp_path, mode=["mtls"], trusted_proxies=["10.0.0.0/8", PROXY])
    async with (
        running(place.settings) as service,
        secure(service.port, AUTHORITY.leaf(uris=[PROXY])) as door,
    ):
        for header, code in (
            (f"By={PROXY};Hash={HASH};URI={WEB}", "OK"),
            (f"By={PROXY};Hash={HASH};URI=spiffe://example.org/ns/test/web", "PERMISSION_DENIED"),
            (f"URI={WEB},By={PROXY};URI=spiffe://example.org/x", "PERMISSION_DENIED"),
            (f"By={PROXY};Hash={HASH};URI=spiffe://evil.example/ns/prod/web", "UNAUTHENTICATED"),
            (f"URI={WEB};URI={WEB}/b", "UNAUTHENTICATED"),
            (f"By={PROXY};Hash={HASH}", "UNAUTHENTICATED"),
            ("nonsense", "UNAUTHENTICATED"),
            (f"By={PROXY};Hash={HASH};URI={WEB}", "OK"),
        ):
            refusal = await door.refusal("ListEvents", EVENTS, x_forwarded_client_cert=header)
            assert refusal.code == code, header
        # Whoever showed the proxy nothing has none of its rights.
        assert (await door.refusal("ListEvents", EVENTS)).reason == "CALLER_CREDENTIALS_MISSING"


async def test_what_anybody_else_writes_there_counts_for_nothing(tmp_path: Path) -> None:
    forged = {"x_forwarded_client_cert": f"By={PROXY};Hash={HASH};URI={WEB}"}
    other, child = "spiffe://example.org/ns/test/app", f"{PROXY}/b"
    place = tls(tmp_path, mode=["mtls"], trusted_proxies=[PROXY])
    async with running(place.settings) as service:
        for own in (other, child):
            async with secure(service.port, AUTHORITY.leaf(uris=[own])) as door:
                assert (await door.refusal("ListEvents", EVENTS, **forged)).short == (
                    "PERMISSION_DENIED", "ACCESS_DENIED",
                )  # fmt: skip
        async with secure(service.port, AUTHORITY.leaf(uris=[WEB])) as door:
            written = {"x_forwarded_client_cert": f"URI={other}"}
            assert (await door.refusal("ListEvents", EVENTS, **written)).code == "OK"
    # And of no proxy at all where none is trusted.
    async with (
        running(tls(tmp_path, mode=["mtls"]).settings) as service,
        secure(service.port, AUTHORITY.leaf(uris=[PROXY])) as door,
    ):
        assert (await door.refusal("ListEvents", EVENTS, **forged)).code == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("proxy", "access"),
    [
        ("spiffe://example.org/ns/*", {"mode": ["mtls"]}),
        ("spiffe://example.org", {"mode": ["mtls"]}),
        ("spiffe://other.org/envoy", {"mode": ["mtls"]}),
        (PROXY, {"mode": ["api_key"]}),
    ],
)
def test_proxies_that_could_not_be_told(proxy: str, access: dict[str, Any]) -> None:
    given = {"trust_domains": ["example.org"], "trusted_proxies": [proxy], **access}
    files = {"cert": "c", "key": "k", "client_ca": "a"}
    policies = [{"subjects": ["*"], "allow": ["read"], "connections": ["*"]}]
    with pytest.raises(SettingsError, match=r"access\.trusted_proxies"):
        parse({"tls": files, "access": given, "policies": policies})
