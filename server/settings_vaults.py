"""Rules of `[vault]`, `[aws]` and `[secrets]`, and of a key ring that a vault wraps."""

import re
from urllib.parse import urlsplit

from server.settings_model import Settings, SettingsError

_AUTH = ("token", "approle", "kubernetes")
_TRANSIT = re.compile(r"vault:(?:[A-Za-z0-9_.-]+/)+[A-Za-z0-9_.-]+")
_PATH = re.compile(r"(?:[A-Za-z0-9_.-]+/)*[A-Za-z0-9_.-]+/?")
_LONGEST = 30 * 86_400


def check_vaults(settings: Settings) -> None:
    """Hold what concerns vaults against its rules.

    Raises:
        SettingsError: the first rule that is broken.
    """
    _vault(settings)
    _secrets(settings)
    _url(settings.aws.endpoint, "aws.endpoint")
    if settings.keyring.startswith("vault:"):
        if not _TRANSIT.fullmatch(settings.keyring) or _leads_away(settings.keyring[6:]):
            raise SettingsError("keyring", "must be vault:MOUNT/KEY, as in vault:transit/ucal")
        if not settings.vault.address:
            raise SettingsError("keyring", "needs vault.address")


def _vault(settings: Settings) -> None:
    vault = settings.vault
    if not vault.address:
        return
    _url(vault.address, "vault.address")
    if vault.auth not in _AUTH:
        raise SettingsError("vault.auth", f"must be one of {', '.join(_AUTH)}")
    if vault.auth == "token" and bool(vault.token) == bool(vault.token_file):
        raise SettingsError("vault.token", "or vault.token_file is needed, one of them")
    if vault.auth != "token" and not vault.role:
        raise SettingsError("vault.role", f"is needed with {vault.auth}")
    if vault.auth == "approle" and bool(vault.secret_id) == bool(vault.secret_id_file):
        raise SettingsError("vault.secret_id", "or vault.secret_id_file is needed, one of them")
    _seconds(vault.timeout, "vault.timeout")
    _seconds(vault.keys_seconds, "vault.keys_seconds")


def _secrets(settings: Settings) -> None:
    path = settings.secrets.vault_path
    if path and (not _PATH.fullmatch(path) or _leads_away(path)):
        raise SettingsError("secrets.vault_path", "must be a path like secret/tenants")
    _seconds(settings.secrets.fresh_seconds, "secrets.fresh_seconds")
    _seconds(settings.secrets.stale_seconds, "secrets.stale_seconds")
    _seconds(settings.aws.timeout, "aws.timeout")


def _leads_away(path: str) -> bool:
    return not {".", ".."}.isdisjoint(path.split("/"))


def _seconds(value: float, key: str) -> None:
    if not 0 < value <= _LONGEST:
        raise SettingsError(key, "must be more than 0, and 30 days at most, in seconds")


def _url(text: str, key: str) -> None:
    if not text:
        return
    try:
        parts = urlsplit(text)
        wrong = parts.port == 0
    except ValueError:
        raise SettingsError(key, "is no URL") from None
    if wrong or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(key, "must be an http or https URL")
    if parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(key, "must have neither user, query nor fragment")
