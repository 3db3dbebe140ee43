"""The first half of the OAuth 2 dance: where a person is sent, and the proof kept for later.

What is said at token endpoints, and who keeps the tokens, is the server's (`connections`).
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from urllib.parse import quote as _percent
from urllib.parse import urlencode

from providers.core.auth import OAuthConfig
from providers.core.encode import quote


def new_verifier() -> str:
    """A fresh PKCE verifier: 64 unreserved signs, 384 bits (RFC 7636 section 4.1)."""
    return secrets.token_urlsafe(48)


def challenge(verifier: str) -> str:
    """Its S256 challenge (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def authorization_url(
    config: OAuthConfig,
    client_id: str,
    *,
    redirect_uri: str,
    state: str,
    verifier: str = "",
    scopes: Sequence[str] = (),
    tenant: str = "",
) -> str:
    """The page to send a person to (RFC 6749 section 4.1.1).

    Args:
        state: comes back with the code; sealed by the server.
        verifier: of PKCE; its challenge goes along where the vendor understands one.
        scopes: empty: those that the vendor's configuration names.
        tenant: stands for "{tenant}" in the URL; empty: the configuration's.
    """
    # The vendor's own parameters come first, so that none of them replaces one of the protocol's.
    query = {
        **config.authorize_params,
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    wanted = config.scope_separator.join(scopes or config.scopes)
    if wanted:
        query["scope"] = wanted
    if config.pkce and verifier:
        query["code_challenge"] = challenge(verifier)
        query["code_challenge_method"] = "S256"
    url = config.authorize_url
    if "{tenant}" in url:
        url = url.replace("{tenant}", quote(tenant or config.tenant))
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query, quote_via=_percent, safe='')}"
