"""The token endpoint of the double, and which access tokens it takes."""

import base64
import json
import uuid
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.providers.google.double.faults import NewProblem, Problem
from tests.providers.google.double.world import ADA, Json

TOKEN = "ya29.valid"
REFRESH = "1//refresh"
CLIENT = ("client-1.apps.googleusercontent.com", "client-secret")
SERVICE = "robot@project.iam.gserviceaccount.com"


class TokenProblem(Problem):
    """The form of RFC 6749 section 5.2."""

    def body(self) -> Json:
        return {"error": self.reason, "error_description": self.message}


class Tokens:
    """Access and refresh tokens.

    Attributes:
        refreshed: how often a refresh token was used.
        keys: public keys of service accounts that may act for people.
    """

    def __init__(self) -> None:
        self.access = {TOKEN}
        self.refresh = {REFRESH}
        self.codes: dict[str, Json] = {}
        self.refreshed = 0
        self.keys: dict[str, rsa.RSAPublicKey] = {}

    def check(self, header: str, *, new: bool) -> None:
        if header.removeprefix("Bearer ") in self.access:
            return
        if new:
            raise NewProblem(
                401, "ACCESS_TOKEN_EXPIRED", "Invalid credentials", domain="UNAUTHENTICATED"
            )
        raise Problem(
            401, "authError", "Invalid Credentials", locationType="header", location="Authorization"
        )

    def expire_access(self) -> None:
        self.access.clear()

    def revoke(self) -> None:
        self.access.clear()
        self.refresh.clear()

    def issue(self) -> Json:
        token = f"ya29.{uuid.uuid4().hex}"
        self.access.add(token)
        return {
            "access_token": token,
            "expires_in": 3599,
            "scope": "https://www.googleapis.com/auth/calendar",
            "token_type": "Bearer",
        }

    def service_key(self) -> str:
        """A new private key of the service account, as PEM."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.keys[SERVICE] = key.public_key()
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()


def _client(body: Json) -> None:
    if (body.get("client_id"), body.get("client_secret")) != CLIENT:
        raise TokenProblem(401, "invalid_client", "The OAuth client was not found.")


def _token(google: Any, match: Any, query: Json, body: Json, headers: Any) -> Any:
    tokens: Tokens = google.tokens
    grant = body.get("grant_type")
    if grant == "refresh_token":
        _client(body)
        if body.get("refresh_token") not in tokens.refresh:
            raise TokenProblem(400, "invalid_grant", "Token has been expired or revoked.")
        tokens.refreshed += 1
        return tokens.issue()
    if grant == "authorization_code":
        _client(body)
        if tokens.codes.pop(body.get("code", ""), None) is None:
            raise TokenProblem(400, "invalid_grant", "Bad Request")
        refresh = f"1//{uuid.uuid4().hex}"
        tokens.refresh.add(refresh)
        return {**tokens.issue(), "refresh_token": refresh}
    if grant == "urn:ietf:params:oauth:grant-type:jwt-bearer":
        _verify(tokens, body.get("assertion", ""))
        return tokens.issue()
    raise TokenProblem(400, "unsupported_grant_type", "Invalid grant_type")


def _part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _verify(tokens: Tokens, assertion: str) -> None:
    try:
        head, claims, signature = assertion.split(".")
        asked = json.loads(_part(claims))
        key = tokens.keys[asked["iss"]]
        key.verify(
            _part(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except Exception:  # noqa: BLE001 - whatever is wrong with it
        raise TokenProblem(400, "invalid_grant", "Invalid JWT Signature.") from None
    if asked.get("sub", ADA) != ADA or not asked.get("scope"):
        raise TokenProblem(401, "unauthorized_client", "Client is unauthorized.")


def _revoke(google: Any, match: Any, query: Json, body: Any, headers: Any) -> Any:
    token = query.get("token") or (body or {}).get("token", "")
    google.tokens.refresh.discard(token)
    google.tokens.access.discard(token)
    return {}


ROUTES = [("POST", "/token", _token), ("POST", "/revoke", _revoke)]
