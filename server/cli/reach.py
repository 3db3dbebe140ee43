"""Whether this machine reaches the providers that are set up, and whether its clock is right."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from providers.registry import provider_class
from server.settings import Settings

_SECONDS = 5.0
# Webhooks' signatures are good for five minutes, JWT grants often for less.
SKEW_SECONDS = 60.0


@dataclass(frozen=True)
class Finding:
    """What one look found.

    Attributes:
        state: "ok", "note" or "fail".
        text: what was found.
        advice: what to do about it.
    """

    state: str
    text: str
    advice: str = ""


def origins(settings: Settings) -> Iterator[tuple[str, str]]:
    """Providers that are set up, with the origin of each API; those in memory have none."""
    own = {name: each.base_url for name, each in settings.providers.items()}
    named = [(name, "") for name in own]
    named += [(each.provider, each.base_url) for each in settings.connections]
    for name, root in dict.fromkeys(named):
        url = root or own.get(name, "") or provider_class(name).base_url
        parts = urlsplit(url)
        if parts.hostname:
            host = parts.netloc.rpartition("@")[2]
            yield name, f"{parts.scheme}://{host}/"


async def reach(settings: Settings) -> list[Finding]:
    """One request, without credentials, to each API that is set up; any answer will do."""
    asked = list(dict.fromkeys(origins(settings)))
    async with httpx.AsyncClient(timeout=_SECONDS) as client:
        return list(await asyncio.gather(*(_look(client, *each) for each in asked)))


async def _look(client: httpx.AsyncClient, name: str, origin: str) -> Finding:
    host = urlsplit(origin).netloc
    try:
        async with client.stream("GET", origin) as answer:
            date = answer.headers.get("date", "")
    except httpx.HTTPError as error:
        return Finding(
            "fail",
            f"{name}: {host} cannot be reached ({type(error).__name__})",
            "check DNS, firewall and proxy (HTTPS_PROXY) of this machine",
        )
    skew = _skew(date, datetime.now(UTC))
    if abs(skew) > SKEW_SECONDS:
        way = "ahead of" if skew > 0 else "behind"
        return Finding(
            "fail",
            f"{name}: this clock is {abs(skew):.0f} s {way} {host}",
            "set the clock by NTP: tokens and signatures are refused otherwise",
        )
    return Finding("ok", f"{name}: {host} answers{', clocks agree' if date else ''}")


def _skew(date: str, now: datetime) -> float:
    """Seconds by which `now` is ahead of an HTTP date; 0 if there is none."""
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    return (now - told.astimezone(UTC)).total_seconds()
