"""Where a person is sent to authorize, and the proof that goes along."""

import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from providers.core.auth import OAuthConfig
from providers.core.errors import Kind, ProviderError
from providers.core.oauth import authorization_url, challenge, new_verifier

CONFIG = OAuthConfig(
    authorize_url="https://login.example/{tenant}/authorize",
    token_url="https://login.example/{tenant}/token",
    scopes=("read", "write all"),
    authorize_params={"access_type": "offline", "state": "theirs"},
    tenant="common",
)


def asked(config: OAuthConfig = CONFIG, **options: object) -> tuple[str, dict[str, str]]:
    url = authorization_url(
        config,
        "client 1",
        redirect_uri="https://ucal.example/oauth/callback?a=b&c",
        state="s+/=",
        **options,  # type: ignore[arg-type]
    )
    place, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    assert len(pairs) == len(dict(pairs)), "a parameter twice"
    assert urlsplit(url).fragment == ""
    return place, dict(pairs)


def test_a_person_is_sent_to_the_vendor_with_everything_quoted() -> None:
    assert asked() == (
        "https://login.example/common/authorize",
        {
            "access_type": "offline",
            "response_type": "code",
            "client_id": "client 1",
            "redirect_uri": "https://ucal.example/oauth/callback?a=b&c",
            "state": "s+/=",
            "scope": "read write all",
        },
    )


def test_scopes_of_the_caller_come_before_the_usual_ones() -> None:
    comma = replace(CONFIG, scope_separator=",")
    assert asked(comma, scopes=["a", "b"])[1]["scope"] == "a,b"
    assert "scope" not in asked(replace(CONFIG, scopes=()))[1]


def test_pkce_where_the_vendor_understands_it() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    query = asked(verifier=verifier)[1]
    assert query["code_challenge"] == challenge(verifier)
    assert query["code_challenge_method"] == "S256"
    assert verifier not in str(query)
    assert "code_challenge" not in asked(replace(CONFIG, pkce=False), verifier=verifier)[1]
    assert "code_challenge" not in asked()[1]


def test_verifiers_are_fresh_and_well_formed() -> None:
    made = {new_verifier() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43,128}", each) for each in made)


def test_a_tenant_is_one_part_of_the_path() -> None:
    assert asked(tenant="a/../b?c")[0] == "https://login.example/a%2F..%2Fb%3Fc/authorize"
    for tenant in ("..", "."):
        with pytest.raises(ProviderError) as caught:
            asked(tenant=tenant)
        assert caught.value.kind is Kind.INVALID


def test_a_page_with_a_query_of_its_own_keeps_it() -> None:
    url = authorization_url(
        replace(CONFIG, authorize_url="https://x.example/a?v=2"), "c", redirect_uri="r", state="s"
    )
    assert url.startswith("https://x.example/a?v=2&")
