"""What an operator can set for one provider: `[providers.NAME]` of the settings file."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Settings of one provider; empty means the vendor's own.

    Attributes:
        base_url: API root; sovereign clouds, gateways, tests.
        authorize_url: OAuth 2 authorization endpoint.
        token_url: OAuth 2 token endpoint.
        revoke_url: OAuth 2 revocation endpoint (RFC 7009).
        client_id: OAuth 2 client.
        client_secret: its secret.
        webhook_secret: key of the signatures on what the vendor sends us.
        extra: other settings that a provider documents, by name: further hosts, tenant, account.
    """

    base_url: str = ""
    authorize_url: str = ""
    token_url: str = ""
    revoke_url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    extra: dict[str, str] = field(default_factory=dict, repr=False)
