"""How requests to Graph are signed, and whose mailbox they are about.

An app-only token belongs to no mailbox: `/me` is refused, so paths begin with `/users/{id}` of the
mailbox that the service account is to act for. A token refused with a claims challenge (continuous
access evaluation) is not renewed: only a person can meet the challenge
(learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation).
"""

from collections.abc import AsyncGenerator

import httpx

from providers.core.auth import BearerAuth, Grant, OAuthConfig
from ucal.v1 import connection_pb2

TENANT = "common"
_LOGIN = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
# What an application asks for: everything that its administrator has consented to.
APPLICATION_SCOPES = ("https://graph.microsoft.com/.default",)


def oauth(*scopes: str, tenant: str = TENANT) -> OAuthConfig:
    """Entra's v2.0 endpoints, with what a person is asked for. Refresh tokens rotate."""
    return OAuthConfig(
        authorize_url=f"{_LOGIN}/authorize",
        token_url=f"{_LOGIN}/token",
        scopes=("offline_access", "User.Read", *scopes),
        rotates=True,
        tenant=tenant,
        service_scopes=APPLICATION_SCOPES,
    )


def challenge_of(headers: httpx.Headers) -> bool:
    """Whether a 401 carries a claims challenge (RFC 6750 with `claims`)."""
    text = headers.get("www-authenticate", "")
    return "insufficient_claims" in text and "claims=" in text


class GraphAuth(BearerAuth):
    """Bearer tokens of a person or of an application.

    Attributes:
        mailbox: whom an application acts for, an object id or address; "" for a person's token.
        is_application: the token is an application's own.
    """

    def __init__(self, grant: Grant) -> None:
        super().__init__(grant)
        credentials = grant.credentials
        self.is_application = isinstance(credentials, connection_pb2.ServiceAccountCredentials)
        self.mailbox = (
            credentials.subject
            if isinstance(credentials, connection_pb2.ServiceAccountCredentials)
            else ""
        )

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Part of httpx.Auth: as BearerAuth, but a claims challenge ends it."""
        flow = super().async_auth_flow(request)
        try:
            signed = await anext(flow)
            while True:
                response = yield signed
                if response.status_code == 401 and challenge_of(response.headers):
                    return
                signed = await flow.asend(response)
        except StopAsyncIteration:
            return
        finally:
            await flow.aclose()
