"""Bearer tokens of OpenID providers: signed JWTs (RFC 7519, RFC 9068), verified by joserfc.

A SAML identity provider comes in through an OpenID bridge (docs/access.md): here it is one more
issuer.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError

from server.access.caller import Caller, expired, invalid
from server.access.issuer import IssuerKeys
from server.access.subjects import Subjects
from server.settings_model import Issuer

_MAX_TOKEN = 8 * 1024
_MAX_VALUES = 500
# A logout token or a SET is signed by the same keys and says nothing about who calls.
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})


class Tokens:
    """Verifies tokens of the issuers that are set."""

    def __init__(
        self,
        issuers: Mapping[str, tuple[Issuer, IssuerKeys]],
        subjects: Subjects,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`issuers`: by `iss`; `now`: seconds since 1970, for tests."""
        self._issuers = issuers
        self._subjects = subjects
        self._now = now

    async def caller(self, text: str) -> Caller:
        """Who the token `text` is about.

        Raises:
            ProviderError: UNAUTHENTICATED with the reason; UNAVAILABLE when the issuer's keys
                cannot be had.
        """
        header, said = _peek(text)
        found = self._issuers.get(said.get("iss", "")) if isinstance(said.get("iss"), str) else None
        if found is None:
            raise invalid("the token's issuer is none of those that are taken here")
        issuer, keys = found
        claims = await self._verified(text, header, issuer, keys)
        until = self._in_time(claims, issuer.clock_skew)
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if not any(each in issuer.audiences for each in named if isinstance(each, str)):
            raise invalid("the token is for another audience")
        subject = claims.get("sub")
        if claims.get("iss") != issuer.issuer or not isinstance(subject, str) or not subject:
            raise invalid("the token does not say whom it is about")
        digest = hashlib.sha256(f"{issuer.issuer}\0{subject}".encode()).hexdigest()[:32]
        names = [f"oidc:{issuer.name}:{each}" for each in _names(claims, issuer.claims)]
        return Caller(f"oidc:{digest}", self._subjects.policy(names), until)

    async def _verified(
        self, text: str, header: Mapping[str, Any], issuer: Issuer, keys: IssuerKeys
    ) -> Mapping[str, Any]:
        """The claims, once the signature has been found good."""
        algorithm, key_id = header.get("alg"), header.get("kid", "")
        if algorithm not in issuer.algorithms:
            raise invalid("the token is signed in a way that is not taken")
        kind = header.get("typ", "jwt")
        if not isinstance(kind, str) or kind.lower() not in _TYPES or "crit" in header:
            raise invalid("the token is of a kind that is not taken")
        key = await keys.find(key_id if isinstance(key_id, str) else "")
        if key is None or key.get("alg", algorithm) != algorithm:
            raise invalid("the token is signed with a key that its issuer does not have")
        try:
            # Parts of a header that are not known are ignored (RFC 7515, section 4); PingFederate's
            # tokens have some. What is critical was refused above.
            lenient = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
            return jwt.decode(text, key, registry=lenient).claims
        except (JoseError, ValueError, TypeError):
            raise invalid("the token's signature is not good") from None

    def _in_time(self, claims: Mapping[str, Any], skew: float) -> float:
        """When the token ends; `exp` is needed."""
        now = self._now()
        ends, begins = claims.get("exp"), claims.get("nbf", claims.get("iat", now))
        if not _is_time(ends) or not _is_time(begins):
            raise invalid("the token does not say when it ends")
        until = float(ends) + skew
        if until <= now:
            raise expired("the token")
        if float(begins) - skew > now:
            raise invalid("the token is not good yet")
        return until

    async def close(self) -> None:
        """End what is under way."""
        for _, keys in self._issuers.values():
            await keys.close()


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _peek(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, nothing of which is believed yet."""
    try:
        if len(text) > _MAX_TOKEN or text.count(".") != 2:
            raise ValueError
        opened = jws.extract_compact(text.encode("ascii"))
        said = msgspec.json.decode(opened.payload, type=dict[str, Any])
        header = opened.headers()
    except (JoseError, ValueError, TypeError, RecursionError, msgspec.MsgspecError):
        raise invalid("the bearer token is neither an API key nor a JWT") from None
    return header, said


def _names(claims: Mapping[str, Any], wanted: tuple[str, ...]) -> Iterator[str]:
    """Names like "groups=admins", one for each value of each claim that policies may ask for."""
    count = 0
    for claim in wanted:
        for value in _values(claims, claim):
            count += 1
            if count > _MAX_VALUES:
                raise invalid("the token has more groups than are looked at")
            yield f"{claim}={value}"


def _values(claims: Mapping[str, Any], claim: str) -> Iterator[str]:
    found: object = claims.get(claim)
    if found is None and "." in claim:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, str):
        # RFC 8693: scope is one string, with spaces in between.
        yield from found.split(" ") if claim in {"scope", "scp"} else (found,)
    elif isinstance(found, list):
        yield from (each for each in found if isinstance(each, str))
