"""What is said at a vendor's token endpoint (RFC 6749, 7009, 7523): pure questions and answers.

No state, no store: `server.connections.grants` decides when, and keeps what comes back.
"""

import base64
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus

import msgspec

from providers.core.auth import OAuthConfig
from providers.core.errors import Kind, ProviderError
from providers.core.http import Http, Reply, quote
from providers.core.settings import ProviderSettings
from ucal.v1 import connection_pb2

# The grant is over: nothing but the person's own consent brings a new one.
_DEAD = frozenset(
    {"invalid_grant", "interaction_required", "consent_required", "login_required", "access_denied"}
)
_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
_PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
_ERRORS = (400, 401, 403)
_MAX_LIFE = 10 * 365 * 86_400
_MAX_TOKEN = 64 * 1024
_ASSERTION_LIFE = 600
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPES = re.compile(r"[\s,]+")


class DeadGrantError(Exception):
    """The vendor says that the grant is over."""


@dataclass(frozen=True, slots=True)
class TokenClient:
    """We, as the vendor knows us, and where it is asked.

    Attributes:
        token_url: endpoint for tokens.
        revoke_url: endpoint for revocation; "": there is none.
        habits: the vendor's.
        client_id: empty: nobody has set one.
    """

    token_url: str
    revoke_url: str
    habits: OAuthConfig
    client_id: str
    client_secret: str = field(default="", repr=False)

    @classmethod
    def of(
        cls,
        habits: OAuthConfig,
        settings: ProviderSettings,
        *,
        client: tuple[str, str],
        tenant: str,
    ) -> "TokenClient":
        """`client` (id and secret) and `tenant` are the connection's own, where it has them."""
        name = tenant or settings.extra.get("tenant", "") or habits.tenant
        client_id, secret = client if client[0] else (settings.client_id, settings.client_secret)
        return cls(
            token_url=_for_tenant(settings.token_url or habits.token_url, name),
            revoke_url=_for_tenant(settings.revoke_url or habits.revoke_url, name),
            habits=habits,
            client_id=client_id,
            client_secret=secret,
        )

    def signed(self, form: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Form and headers with the client's id and secret where the vendor wants them."""
        if not self.client_id:
            raise ProviderError(
                Kind.PRECONDITION,
                "no OAuth client is set for this provider: set client_id and client_secret in its "
                "settings, or in the connection's credentials",
                reason="OAUTH_CLIENT_MISSING",
            )
        if self.habits.client_auth == "basic" and self.client_secret:
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
            value = base64.b64encode(pair.encode()).decode()
            return dict(form), {"authorization": f"Basic {value}"}
        own = {"client_id": self.client_id}
        if self.client_secret:
            own["client_secret"] = self.client_secret
        return {**form, **own}, {}


def _for_tenant(url: str, tenant: str) -> str:
    if "{tenant}" not in url:
        return url
    if not tenant:
        raise ProviderError(
            Kind.PRECONDITION,
            "no tenant is named: set it in the provider's settings or in the credentials",
            reason="TENANT_MISSING",
        )
    return url.replace("{tenant}", quote(tenant))


class _Answer(msgspec.Struct, gc=False):
    """RFC 6749 section 5.1; vendors write expires_in as text and scope as a list too."""

    access_token: str = ""
    refresh_token: str = ""
    expires_in: float | str | None = None
    scope: str | list[str] | None = None


class _Failure(msgspec.Struct, gc=False):
    """RFC 6749 section 5.2, and where vendors say it in their own way."""

    error: str = ""
    reason: object = ""
    code: object = ""

    def says(self, words: frozenset[str]) -> bool:
        """Whether any of it is one of `words`."""
        return any(str(each).lower() in words for each in (self.error, self.reason, self.code))


async def refresh(
    http: Http, client: TokenClient, old: connection_pb2.OAuthCredentials
) -> connection_pb2.OAuthCredentials:
    """New tokens for the refresh token in `old` (RFC 6749 section 6).

    `http` is unsigned and its base URL is the token endpoint.

    Raises:
        DeadGrantError: the refresh token is spent, revoked or expired.
        ProviderError: UNAVAILABLE, RATE_LIMITED, PRECONDITION, PROVIDER_FAULT.
    """
    form = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
    answer = await _ask(http, client, form, repeatable=not client.habits.rotates)
    new = connection_pb2.OAuthCredentials()
    new.CopyFrom(old)
    _fill(new, answer)
    return new


async def exchange_code(
    http: Http, client: TokenClient, *, code: str, redirect_uri: str, verifier: str
) -> connection_pb2.OAuthCredentials:
    """Tokens for an authorization code (RFC 6749 section 4.1.3, RFC 7636).

    Raises:
        DeadGrantError: the code is spent, expired, or another client's.
        ProviderError: as `refresh`.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if verifier:
        form["code_verifier"] = verifier
    new = connection_pb2.OAuthCredentials()
    _fill(new, await _ask(http, client, form, repeatable=False))
    return new


async def service_token(
    http: Http, client: TokenClient, account: connection_pb2.ServiceAccountCredentials
) -> connection_pb2.OAuthCredentials:
    """An access token for a service account; it has no refresh token.

    Raises:
        DeadGrantError: the account or its key is not known any more.
        ProviderError: as `refresh`; PRECONDITION when the key is no key.
    """
    new = connection_pb2.OAuthCredentials()
    habits = client.habits
    scopes = tuple(account.scopes) or habits.service_scopes or habits.scopes
    if client.habits.service_grant == "jwt_bearer":
        form = {"grant_type": _JWT_BEARER, "assertion": _assertion(client, account, scopes)}
        answer = await _post(http, client, form, {}, repeatable=True)
    elif client.habits.service_grant == "account_credentials":
        form = {"grant_type": "account_credentials", "account_id": account.tenant_id}
        answer = await _ask(http, client, form, repeatable=True)
    else:
        form = {"grant_type": "client_credentials"}
        if scopes:
            form["scope"] = client.habits.scope_separator.join(scopes)
        answer = await _ask(http, client, form, repeatable=True)
    _fill(new, answer)
    new.refresh_token = ""
    return new


async def revoke(
    http: Http, client: TokenClient, credentials: connection_pb2.OAuthCredentials
) -> None:
    """Tell the vendor to forget the grant (RFC 7009). `http`: as `refresh`, at `revoke_url`.

    Raises:
        ProviderError: as `refresh`.
    """
    kind = "refresh_token" if credentials.refresh_token else "access_token"
    token = credentials.refresh_token or credentials.access_token
    form, headers = client.signed({"token": token, "token_type_hint": kind})
    reply = await http.send("POST", "", form=form, headers=headers, expect=_ERRORS, reads=True)
    # A token that is unknown already is what was wanted (RFC 7009 section 2.2).
    if reply.status in _ERRORS and _failure(reply).error in _CLIENT:
        raise _refused_client()


def _assertion(
    client: TokenClient,
    account: connection_pb2.ServiceAccountCredentials,
    scopes: Sequence[str],
) -> str:
    now = int(time.time())
    claims = {
        "iss": account.client_id,
        "aud": client.token_url,
        "scope": client.habits.scope_separator.join(scopes),
        "iat": now,
        "exp": now + _ASSERTION_LIFE,
    }
    if account.subject:
        claims["sub"] = account.subject
    header = {"alg": "RS256", "typ": "JWT"}
    if account.key_id:
        header["kid"] = account.key_id
    # Imported here: only service accounts sign, and every start would pay 80 ms for it.
    from joserfc import jwt  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import RSAKey  # noqa: PLC0415

    try:
        return jwt.encode(header, claims, RSAKey.import_key(account.private_key))
    except (JoseError, ValueError, TypeError):
        raise ProviderError(
            Kind.PRECONDITION,
            "the private key of the service account is no RSA key in PEM",
            reason="PRIVATE_KEY_MALFORMED",
        ) from None


async def _ask(
    http: Http, client: TokenClient, form: Mapping[str, str], *, repeatable: bool
) -> _Answer:
    return await _post(http, client, *client.signed(form), repeatable=repeatable)


async def _post(
    http: Http,
    client: TokenClient,
    form: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    repeatable: bool,
) -> _Answer:
    wanted = {"accept": "application/json", **headers}
    try:
        reply = await http.send(
            "POST", "", form=form, headers=wanted, expect=_ERRORS, retry_safe=repeatable
        )
    except ProviderError as error:
        if error.kind in {Kind.OUTCOME_UNKNOWN, Kind.TIMEOUT}:
            raise _no_answer() from None
        raise
    if reply.status in _ERRORS:
        raise _error(reply, client.habits)
    try:
        answer = msgspec.json.decode(reply.content, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _useless(reply) from None
    if not answer.access_token:
        # Some vendors say 200 and mean 400.
        raise _error(reply, client.habits)
    if len(answer.access_token) > _MAX_TOKEN or len(answer.refresh_token) > _MAX_TOKEN:
        raise _useless(reply)
    return answer


def _failure(reply: Reply) -> _Failure:
    try:
        return msgspec.json.decode(reply.content, type=_Failure)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Failure()


def _error(reply: Reply, habits: OAuthConfig) -> Exception:
    failure = _failure(reply)
    word = failure.error
    if word in _DEAD or failure.says(habits.dead_answers):
        return DeadGrantError()
    if word in _CLIENT:
        return _refused_client()
    return _no_answer() if word in _PASSING else _useless(reply)


def _refused_client() -> ProviderError:
    return ProviderError(
        Kind.PRECONDITION,
        "the provider does not know the OAuth client: check client_id and client_secret",
        reason="OAUTH_CLIENT_REFUSED",
    )


def _no_answer() -> ProviderError:
    return ProviderError(
        Kind.UNAVAILABLE,
        "the provider's token endpoint did not answer",
        reason="TOKEN_ENDPOINT_UNAVAILABLE",
        retry_after=1.0,
    )


def _useless(reply: Reply) -> ProviderError:
    return ProviderError(
        Kind.PROVIDER_FAULT,
        "the provider's token endpoint gave an answer of no use",
        reason="TOKEN_ENDPOINT_FAULT",
        metadata={"provider_status": str(reply.status)},
    )


def _fill(target: connection_pb2.OAuthCredentials, answer: _Answer) -> None:
    """Write `answer` over `target`; what it does not mention stays (RFC 6749 section 6)."""
    target.access_token = answer.access_token
    if answer.refresh_token:
        target.refresh_token = answer.refresh_token
    target.ClearField("expires_at")
    life = _seconds(answer.expires_in)
    if life is not None:
        target.expires_at.FromSeconds(int(time.time() + life))
    if answer.scope is not None:
        words = _SCOPES.split(answer.scope) if isinstance(answer.scope, str) else answer.scope
        del target.scopes[:]
        target.scopes.extend(word for word in words if word)


def _seconds(text: float | str | None) -> float | None:
    if text is None:
        return None
    try:
        found = float(text)
    except ValueError:
        return None
    return min(found, _MAX_LIFE) if found > 0 else None
