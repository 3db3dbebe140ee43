"""What can be set: the record itself, with its defaults. `server.settings` fills it."""

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from providers.core.settings import ProviderSettings

DEFAULT_STORE = "sqlite:///~/.local/state/ucal/ucal.db"
DEFAULT_KEYRING = "~/.local/state/ucal/keys"
MASK = "(set)"


class SettingsError(Exception):
    """The settings cannot be used.

    Attributes:
        key: dotted TOML key, "tls.cert".
        problem: what is wrong with it.
    """

    def __init__(self, key: str, problem: str, source: str = "") -> None:
        super().__init__(f"{key}: {problem}{f' (from {source})' if source else ''}")
        self.key = key
        self.problem = problem


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of settings that prints no secret."""

    secret_fields: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.shown())
        return f"{type(self).__name__}({fields})"

    def shown(self) -> Iterator[tuple[str, object]]:
        """Names and values, secrets masked."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            yield name, MASK if value and name in self.secret_fields else value


class Tls(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[tls]`: how callers reach the service.

    Attributes:
        cert: certificate chain, PEM file.
        key: its private key, PEM file.
        client_ca: authorities whose client certificates are asked for, PEM file.
        http: the HTTP side is served over TLS too, with the same certificate.
        insecure: listen in plaintext on an address that is not loopback.
    """

    cert: str = ""
    key: str = ""
    client_ca: str = ""
    http: bool = False
    insecure: bool = False


class Issuer(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `[[access.issuers]]`: an OpenID provider whose tokens are taken.

    Attributes:
        name: how policies call it, "oidc:<name>:groups=...".
        issuer: its URL, exactly as tokens say it in `iss`.
        audiences: one of them must be in `aud`.
        claims: those that policies may ask for, "groups", or "realm_access.roles" for a nested one.
        algorithms: signatures that are taken; none of the symmetric ones can be named.
        hosts: where its keys may be fetched from, besides its own host.
        jwks_url: where its keys are; empty: as its discovery document says.
        clock_skew: seconds by which clocks may differ.
    """

    name: str
    issuer: str
    audiences: tuple[str, ...]
    claims: tuple[str, ...] = ("sub", "azp", "scope", "groups")
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256")
    hosts: tuple[str, ...] = ()
    jwks_url: str = ""
    clock_skew: float = 60.0


class Access(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[access]`: who may call.

    Attributes:
        mode: "open", or any of "api_key", "oidc", "mtls".
        ip_allow_list: networks that may call; empty: everybody.
        trusted_proxies: networks, or "unix", whose `x-forwarded-for` is believed; SPIFFE ids whose
            `x-forwarded-client-cert` is.
        trust_domains: SPIFFE trust domains whose certificates are taken.
        issuers: OpenID providers; in the environment a JSON list.
    """

    mode: tuple[str, ...] = ("open",)
    ip_allow_list: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    trust_domains: tuple[str, ...] = ()
    issuers: tuple[Issuer, ...] = ()


class Grant(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be called on which connections; all that is given has to hold.

    Attributes:
        allow: "read", "write" (and read), "admin" (and write), services, RPCs, or "*".
        connections: ids, "acme-*" for those that begin so, "*", and "-" for credentials that
            callers bring along; empty: all but "-".
        labels: values of the connection's labels; a list: one of them.
        providers: of the connection; empty: any.
        mask: "busy_only": free/busy and nothing else.
        secrets: what connections made under it may refer to, "vault:secret/tenants/acme/*" for all
            that begin so; empty: nothing, unless it is about all connections whatsoever.
    """

    allow: tuple[str, ...]
    connections: tuple[str, ...] = ()
    labels: dict[str, str | list[str]] = {}
    providers: tuple[str, ...] = ()
    mask: str = ""
    secrets: tuple[str, ...] = ()


class Policy(Grant, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `[[policies]]`: a grant, and whom it is for.

    Attributes:
        subjects: "api_key:<id or name>", "spiffe://domain/path", "spiffe://domain/path/*",
            "dns:<name>", "oidc:<issuer>:<claim>=<value>", or "*": everybody who is let in.
    """

    subjects: tuple[str, ...]


class Secrets(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[secrets]`: which secrets a connection made over the API may refer to, and how long they are
    held in memory.

    Attributes:
        env_prefix: variables that begin so; empty: none.
        folder: files below it; empty: none.
        vault_path: secrets below it, "secret/tenants"; empty: none.
        aws_prefix: names, or ARNs, that begin so; empty: none.
        fresh_seconds: for so long a secret of a vault is used without asking again.
        stale_seconds: for so long it is used while its vault cannot be asked.
    """

    env_prefix: str = "UCAL_SECRET_"
    folder: str = ""
    vault_path: str = ""
    aws_prefix: str = ""
    fresh_seconds: float = 60.0
    stale_seconds: float = 3600.0


class Vault(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[vault]`: a HashiCorp Vault or OpenBao, for the key ring and for secrets.

    Attributes:
        address: "https://vault.internal:8200"; empty: there is none.
        namespace: of an installation that has them.
        ca: authorities of its certificate, PEM file; empty: the usual ones.
        auth: how the service signs in: "token", "approle" or "kubernetes".
        auth_mount: where that method is mounted; empty: under its own name.
        token: for "token".
        token_file: the same, from a file that is read again when it changes (an agent's sink).
        role: for "kubernetes" the role, for "approle" the role id.
        secret_id: for "approle".
        secret_id_file: the same, from a file.
        jwt_file: for "kubernetes".
        timeout: seconds of one request.
        keys_seconds: for so long the key ring serves while the vault cannot be asked.
    """

    secret_fields: ClassVar[frozenset[str]] = frozenset({"token", "secret_id"})

    address: str = ""
    namespace: str = ""
    ca: str = ""
    auth: str = "token"
    auth_mount: str = ""
    token: str = ""
    token_file: str = ""
    role: str = ""
    secret_id: str = ""
    secret_id_file: str = ""
    jwt_file: str = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    timeout: float = 5.0
    keys_seconds: float = 3600.0


class Aws(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[aws]`: AWS Secrets Manager; credentials come from where AWS's own tools look for them.

    Attributes:
        region: "eu-central-1"; empty: secrets cannot be referred to.
        endpoint: in place of AWS's own: a VPC endpoint.
        timeout: seconds of one request.
    """

    region: str = ""
    endpoint: str = ""
    timeout: float = 5.0


class Limits(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[limits]`: how much at once, how long; times in seconds.

    Attributes:
        max_calls: calls under way in this process.
        max_streams: open watches in this process.
        default_deadline: of a call whose caller set none.
        max_connection_age: after which clients are asked to connect anew; 0: never.
        drain_delay: between "not serving" and the end of the listener.
        drain_grace: what calls under way get to end.
    """

    max_calls: int = 5_000
    max_streams: int = 20_000
    default_deadline: float = 30.0
    max_connection_age: float = 600.0
    drain_delay: float = 1.0
    drain_grace: float = 10.0


class StaticConnection(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `[[connections]]`: exists as long as the file says so.

    Attributes:
        id: callers name it so.
        provider: its name.
        base_url: API root, for providers that have servers of their own.
        display_name: for people.
        labels: for policies and filters.
        credentials: a table of `username, password`, of `api_key, account_id`, of `access_token,
            refresh_token, ...` or of `client_id, private_key, ...`; or one reference to a secret
            that holds such a table in JSON. Each value may be a reference: "env:NAME",
            "file:/path".
    """

    secret_fields: ClassVar[frozenset[str]] = frozenset({"credentials"})

    id: str
    provider: str
    base_url: str = ""
    display_name: str = ""
    labels: dict[str, str] = {}
    credentials: dict[str, str | list[str]] | str = ""


class Settings(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set.

    Attributes:
        listen: gRPC, "host:port" or "unix:path".
        http_listen: probes, metrics, webhooks; empty: none.
        public_url: where the HTTP side is reached from the internet; empty: no webhooks.
        store: where connections are kept.
        bus: how replicas tell one another of hints.
        keyring: key file, "env:NAME", or "vault:mount/key": a transit key of `[vault]`; empty: made
            beside the default store.
        region: region of this server and of the connections made here.
        environment: name of the installation, "development".
        log_level: debug, info, warning or error.
        traces: collector of spans, OTLP over HTTP, "http://host:4318/v1/traces"; empty: no traces.
        metrics_otlp: collector of metrics, OTLP over HTTP, "http://host:4318/v1/metrics"; empty:
            metrics are at /metrics alone.
        redirect_uris: where people may be sent back to after they authorized a connection, exactly,
            besides public_url's own callback.
        passthrough: PassthroughService is served.
        allowed_hosts: hosts that connections' base URLs may name although they are not public.
        allowed_networks: the same, by CIDR network.
        providers: settings of providers, by name.
        connections: static connections.
        policies: who may call what; in the environment a JSON list.
    """

    listen: str = "127.0.0.1:50051"
    http_listen: str = "127.0.0.1:8080"
    public_url: str = ""
    store: str = DEFAULT_STORE
    bus: str = "memory:"
    keyring: str = ""
    region: str = "us"
    environment: str = "development"
    log_level: str = "info"
    traces: str = ""
    metrics_otlp: str = ""
    redirect_uris: tuple[str, ...] = ()
    passthrough: bool = False
    allowed_hosts: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    tls: Tls = Tls()
    access: Access = Access()
    secrets: Secrets = Secrets()
    vault: Vault = Vault()
    aws: Aws = Aws()
    limits: Limits = Limits()
    providers: dict[str, ProviderSettings] = {}
    connections: tuple[StaticConnection, ...] = ()
    policies: tuple[Policy, ...] = ()

    def shown(self) -> Iterator[tuple[str, object]]:
        """Names and values; of places behind a network the scheme alone: there may be passwords."""
        for name, value in super().shown():
            hidden = (
                name in {"store", "bus"} and "://" in str(value) and "sqlite:" not in str(value)
            )
            yield name, f"{str(value).partition('//')[0]}//{MASK}" if hidden else value
