"""What `ucal doctor` finds about keys, vaults and the TLS certificate."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from providers.core.errors import ProviderError
from server.cli.reach import Finding
from server.cli.ring import Ring, View, ring_of
from server.cli.store_check import is_there
from server.connections.key_places import key_place
from server.connections.keyring import KeyRing, KeyRingError
from server.settings import DEFAULT_KEYRING, Settings, SettingsError
from server.tls import days_left, read_identity
from server.vaults.aws import AwsSecrets
from server.vaults.client import VaultClient

_SECONDS = 20.0
_SOON_DAYS = 14.0
# Any name: whether AWS finds it or not, the answer tells whether the service is let in.
_PROBE = "ucal-doctor"


async def safes(settings: Settings) -> list[Finding]:
    """Key ring, vault, AWS and certificate, as far as they are set up."""
    found = list(_keys_at_hand(settings))
    if settings.vault.address:
        found.append(await _vault(settings))
    if settings.aws.region:
        found.append(await _aws(settings))
    told = all(each.state == "ok" for each in found)
    if told and settings.store != "memory:" and is_there(settings):
        found += [each async for each in _records(settings)]
    return [*found, *_certificate(settings)]


def _keys_at_hand(settings: Settings) -> Iterator[Finding]:
    """A ring in a file or a variable."""
    place = key_place(settings)
    if not place:
        yield Finding("note", "key ring: made for each start", "tokens end with the process")
        return
    if place.startswith("vault:"):
        return
    if place == DEFAULT_KEYRING and not Path(place).expanduser().exists():
        yield Finding("note", "key ring: none yet", "ucal serve makes it on its first start")
        return
    try:
        ring = KeyRing.from_setting(place)
    except KeyRingError as error:
        yield Finding("fail", str(error), _make(place))
        return
    yield Finding("ok", f"key ring: {len(ring.ids)} key(s), the first one seals")


def _make(place: str) -> str:
    """What to do about a ring that cannot be used."""
    if place.startswith("env:"):
        return "ucal keys generate prints what belongs there; replicas all have the same"
    if Path(place).expanduser().exists():
        return "the service's user, and nobody else, reads it"
    return f"ucal keys generate --file {place}, or bring back the one that sealed the store"


async def _records(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the ring has the keys of all records; a store that is away is told elsewhere."""
    try:
        async with asyncio.timeout(_SECONDS), ring_of(settings) as ring:
            if key_place(settings).startswith("vault:"):
                wrapped = await _wrapped(ring)
                yield wrapped
                if wrapped.state != "ok":
                    return
            for finding in _told(await ring.view()):
                yield finding
    except (SettingsError, ProviderError) as error:
        yield Finding("note", "key ring: its records were not looked at", _text(error))
    except TimeoutError:
        yield Finding("note", "key ring: its records were not looked at")


async def _wrapped(ring: Ring) -> Finding:
    count = await ring.proved()
    if not count:
        return Finding("note", "key ring: none yet", "ucal serve makes it on its first start")
    return Finding("ok", f"key ring: {count} key(s) in the store, which the vault unwraps")


def _told(view: View) -> Iterator[Finding]:
    lost = sum(number for key, number in view.records.items() if key not in view.keys)
    if lost:
        yield Finding(
            "fail",
            f"key ring: {lost} record(s) open under none of its keys",
            "bring the missing key back, or enter those credentials again (ucal keys status)",
        )
    if view.stale:
        yield Finding(
            "note",
            f"key ring: {view.stale} record(s) are wrapped by an older key",
            "a running server wraps them anew; retire old keys then (ucal keys retire)",
        )


async def _vault(settings: Settings) -> Finding:
    host = urlsplit(settings.vault.address).netloc
    try:
        client = VaultClient(settings.vault)
    except SettingsError as error:
        return Finding("fail", "vault", str(error))
    try:
        async with asyncio.timeout(_SECONDS):
            await client.tend()
    except (ProviderError, TimeoutError) as error:
        return Finding("fail", f"vault: {host}: {_text(error)}", "check [vault]")
    finally:
        client.close()
    return Finding("ok", f"vault: {host} takes the service's sign-in")


async def _aws(settings: Settings) -> Finding:
    try:
        secrets = AwsSecrets(settings.aws)
    except SettingsError as error:
        return Finding("fail", "AWS Secrets Manager", str(error))
    try:
        async with asyncio.timeout(_SECONDS):
            await secrets.read(_PROBE)
    except ProviderError as error:
        if error.reason not in {"SECRET_UNAVAILABLE", "SECRET_DENIED"}:
            return Finding("fail", f"AWS Secrets Manager: {error.message}", "check [aws]")
    except TimeoutError as error:
        return Finding("fail", f"AWS Secrets Manager: {_text(error)}", "check [aws]")
    finally:
        secrets.close()
    return Finding("ok", f"AWS Secrets Manager: {settings.aws.region} lets the service in")


def _certificate(settings: Settings) -> Iterator[Finding]:
    if not settings.tls.cert:
        return
    try:
        left = days_left(read_identity(settings.tls))
    except SettingsError as error:
        yield Finding("fail", "TLS certificate or key", str(error))
        return
    advice = "put new files in their place: the service takes them without a restart"
    if left <= 0:
        yield Finding("fail", "TLS: the certificate has ended", advice)
    elif left < _SOON_DAYS:
        yield Finding("note", f"TLS: the certificate ends in {left:.0f} days", advice)
    else:
        yield Finding("ok", f"TLS: the certificate ends in {left:.0f} days")


def _text(error: Exception) -> str:
    if isinstance(error, ProviderError):
        return error.message
    return str(error) or "no answer in time"
