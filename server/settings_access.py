"""Rules of `[access]` and `[[policies]]`, and of the grants that API keys hold."""

import re
from urllib.parse import urlsplit

from providers.core.guard import Guard, literal
from providers.registry import PROVIDERS
from server.settings_model import Grant, Issuer, Policy, Settings, SettingsError

_ISSUER = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_PROXY = re.compile(r"spiffe://(?P<domain>[a-z0-9._-]{1,255})(/[A-Za-z0-9._-]+)+")
_CONNECTION = re.compile(r"\*|-|[A-Za-z0-9][A-Za-z0-9_-]{0,63}\*?")
_LABEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SUBJECT = re.compile(
    r"\*"
    r"|api_key:[^\s*]{1,128}"
    r"|spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)*(/\*)?"
    r"|dns:[a-z0-9._-]{1,253}"
    r"|oidc:(?P<issuer>[a-z0-9-]{1,32}):(?P<claim>[^=*]{1,128})=[^\x00-\x1f]{1,512}"
)
# None of these needs a secret that is shared with the issuer, and all are signatures.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
_SECRET = re.compile(r"(env|file|vault|aws):[^\s*]{1,1024}\*?")
_MASKS = ("", "busy_only")


def check_access(settings: Settings) -> None:
    """Hold access and policies against the rules.

    Raises:
        SettingsError: the first one that is broken.
    """
    access = settings.access
    names = [each.name for each in access.issuers]
    for issuer in access.issuers:
        _issuer(issuer)
    if len(set(names)) < len(names):
        raise SettingsError("access.issuers.name", "is there twice")
    if ("oidc" in access.mode) != bool(access.issuers):
        raise SettingsError("access.issuers", 'go with "oidc" in access.mode')
    for domain in access.trust_domains:
        if not _TRUST_DOMAIN.fullmatch(domain):
            raise SettingsError("access.trust_domains", "must be trust domains like example.org")
    for policy in settings.policies:
        _policy(policy, settings)
    for proxy in filter(is_spiffe, access.trusted_proxies):
        _proxy(proxy, settings)
    if "api_key" in access.mode and settings.store == "memory:":
        raise SettingsError("store", "memory: keeps no API keys: set one that lasts")
    if not settings.policies and not {"open", "api_key"} & set(access.mode):
        raise SettingsError("policies", "are needed: without one nobody may call anything")


def is_spiffe(name: str) -> bool:
    """Whether `name`, of a trusted proxy, is a SPIFFE id and no network."""
    return name.startswith("spiffe://")


def _proxy(proxy: str, settings: Settings) -> None:
    where = "access.trusted_proxies"
    found = _PROXY.fullmatch(proxy)
    if found is None:
        raise SettingsError(where, "must be networks, unix, or whole ids: spiffe://domain/path")
    if "mtls" not in settings.access.mode:
        raise SettingsError(where, 'with SPIFFE ids go with "mtls" in access.mode')
    if found["domain"] not in settings.access.trust_domains:
        raise SettingsError(where, "must be of a trust domain of access.trust_domains")


def _issuer(issuer: Issuer) -> None:
    where = "access.issuers"
    if not _ISSUER.fullmatch(issuer.name):
        raise SettingsError(f"{where}.name", "must be 1 to 32 of a-z, 0-9 and -")
    for key in ("issuer", "jwks_url"):
        url = getattr(issuer, key)
        if (url or key == "issuer") and not secure(url):
            raise SettingsError(f"{where}.{key}", "must be an https URL; http on loopback alone")
    try:
        Guard(issuer.hosts)
    except ValueError:
        raise SettingsError(f"{where}.hosts", "must be hosts like keys.example.com") from None
    if not issuer.audiences or not all(issuer.audiences):
        raise SettingsError(f"{where}.audiences", "must name who the tokens are for: this service")
    if not issuer.algorithms or not ALGORITHMS.issuperset(issuer.algorithms):
        raise SettingsError(f"{where}.algorithms", f"must be of {', '.join(sorted(ALGORITHMS))}")
    if not 0 <= issuer.clock_skew <= 600:
        raise SettingsError(f"{where}.clock_skew", "must be 0 to 600 seconds")


def secure(url: str) -> bool:
    """Whether `url` is an https URL, or an http one of this machine."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a port that is none
        address = literal(parts.hostname or "")
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        return False
    local = parts.hostname == "localhost" or (address is not None and address.is_loopback)
    return parts.scheme == "https" or (parts.scheme == "http" and local)


def _policy(policy: Policy, settings: Settings) -> None:
    if not policy.subjects:
        raise SettingsError("policies.subjects", "must name whom the policy is for")
    issuers = {each.name: each for each in settings.access.issuers}
    for subject in policy.subjects:
        found = _SUBJECT.fullmatch(subject)
        if found is None:
            raise SettingsError(
                "policies.subjects",
                "must be api_key:<id or name>, spiffe://<domain>/<path>, dns:<name>, "
                "oidc:<issuer>:<claim>=<value>, or *",
            )
        name, claim = found["issuer"], found["claim"]
        if name is not None and (name not in issuers or claim not in issuers[name].claims):
            raise SettingsError(
                "policies.subjects", "names an issuer or claim that access.issuers does not"
            )
    check_grant(policy, "policies")


def check_grant(grant: Grant, where: str) -> None:
    """Hold a grant against the rules.

    Raises:
        SettingsError: the first one that is broken, with its key below `where`.
    """
    if not grant.allow or not _words().issuperset(grant.allow):
        raise SettingsError(f"{where}.allow", "must be of read, write, admin, services, RPCs, or *")
    if not (grant.connections or grant.labels or grant.providers):
        raise SettingsError(f"{where}.connections", 'must be named; ["*"] for all of them')
    for pattern in grant.connections:
        if not _CONNECTION.fullmatch(pattern):
            raise SettingsError(
                f"{where}.connections", "must be ids, beginnings like acme-*, * or -"
            )
    for key, value in grant.labels.items():
        if not _LABEL.fullmatch(key) or not value:
            raise SettingsError(f"{where}.labels", "must have keys of A-Z, a-z, 0-9, _, . and -")
    for name in grant.providers:
        if name not in PROVIDERS:
            raise SettingsError(f"{where}.providers", f"must be of {', '.join(PROVIDERS)}")
    for text in grant.secrets:
        if not _SECRET.fullmatch(text):
            raise SettingsError(
                f"{where}.secrets", "must be references, or beginnings: vault:secret/acme/*"
            )
    if grant.mask not in _MASKS:
        raise SettingsError(f"{where}.mask", 'must be "busy_only", or empty')


def _words() -> frozenset[str]:
    # Here, for the settings of a program that serves nothing need no contract.
    from server.access.rpcs import WORDS  # noqa: PLC0415

    return WORDS
