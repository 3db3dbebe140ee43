"""What `ucal doctor` finds about access: who is let in, and whether anybody is."""

import time
from collections.abc import Iterator, Sequence

from providers.core.errors import ProviderError
from server.access.issuer import IssuerKeys
from server.access.key_store import KeyRow, KeyStore
from server.cli.reach import Finding
from server.cli.store_check import is_there
from server.connections.store import Store
from server.providers import Doors, ProviderPool
from server.settings import Settings, SettingsError

_SOON = 14 * 86_400


async def entrance(settings: Settings, *, online: bool) -> list[Finding]:
    """Access as it is set; `online`: issuers are asked for their keys."""
    modes = settings.access.mode
    if "open" in modes:
        return [
            Finding(
                "note",
                "access: open, whoever can connect may do everything",
                'for others than you: access.mode = ["api_key"], then ucal api-keys create',
            )
        ]
    found = [Finding("ok", f"access: {', '.join(modes)}, {len(settings.policies)} policies")]
    if "api_key" in modes:
        found += await _keys(settings)
    if "mtls" in modes and not settings.access.trust_domains:
        advice = "certificates are known by DNS names; for SPIFFE ids set access.trust_domains"
        found.append(Finding("note", "no trust domain is set", advice))
    if online and "oidc" in modes:
        found += await _issuers(settings)
    return found


async def _keys(settings: Settings) -> list[Finding]:
    rows = await _rows(settings) if is_there(settings) else ()
    now = time.time()
    active = [row for row in rows if row.state(now) == "active"]
    ours = [row for row in active if row.environment == settings.environment]
    if not ours:
        advice = "make one: ucal api-keys create NAME --allow read --connection '*'"
        return [Finding("note", f"no API key of {settings.environment} is active", advice)]
    return [Finding("ok", f"{len(ours)} API key(s) active"), *_ending(ours, now)]


async def _rows(settings: Settings) -> Sequence[KeyRow]:
    """Of a store that answers, which is told elsewhere."""
    try:
        store = Store(settings.store)
    except SettingsError:
        return ()
    try:
        return await KeyStore(store).all()
    except ProviderError:
        return ()
    finally:
        await store.close()


def _ending(rows: list[KeyRow], now: float) -> Iterator[Finding]:
    soon = [row for row in rows if row.expires_at and row.expires_at < now + _SOON]
    if soon:
        names = ", ".join(row.id for row in soon[:5])
        yield Finding("note", f"{len(soon)} API key(s) expire within 14 days", f"make new: {names}")


async def _issuers(settings: Settings) -> list[Finding]:
    found = []
    pool = ProviderPool({}, Doors.of(settings))
    try:
        for issuer in settings.access.issuers:
            keys = IssuerKeys(issuer, lambda url, until: pool.endpoint("oidc", url, until=until))
            try:
                await keys.find("")
            except ProviderError:
                advice = (
                    "its URL must be the `iss` of tokens, letter for letter; see access.issuers"
                )
                found.append(Finding("fail", f"issuer {issuer.name}: no keys to be had", advice))
            else:
                found.append(Finding("ok", f"issuer {issuer.name}: its keys can be had"))
            await keys.close()
    finally:
        await pool.close()
    return found
