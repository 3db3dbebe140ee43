"""Variables of the environment that look like settings and are none: typing errors, mostly."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping

from server.settings import Settings, variables

_PREFIX = "UCAL_"
_OF_PROVIDERS = "UCAL_PROVIDERS__"
_OF_COMMANDS = frozenset({
    "UCAL_ADDRESS", "UCAL_API_KEY", "UCAL_CA", "UCAL_CERT", "UCAL_CERT_KEY", "UCAL_CONFIG",
    "UCAL_TOKEN",
})  # fmt: skip
# Kubernetes tells each pod of the services beside it, one called "ucal" among them.
_OF_KUBERNETES = re.compile(r"UCAL_(.*_)?(SERVICE_HOST|SERVICE_PORT.*|PORT(_.*)?)")


def strays(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[str, str]]:
    """Names that begin with UCAL_ and mean nothing, each with the one that may be meant, or ""."""
    known = variables()
    referred = set(_references(settings))
    for name in sorted(environment):
        if not name.startswith(_PREFIX) or name in known or name in _OF_COMMANDS | referred:
            continue
        if name.startswith(_OF_PROVIDERS) or _OF_KUBERNETES.fullmatch(name):
            continue
        if settings.secrets.env_prefix and name.startswith(settings.secrets.env_prefix):
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        yield name, close[0] if close else ""


def _references(settings: Settings) -> Iterator[str]:
    """Variables that settings point to: "env:UCAL_KEYS"."""
    values: list[object] = [settings.keyring]
    for connection in settings.connections:
        given = connection.credentials
        values += given.values() if isinstance(given, dict) else [given]
    for value in values:
        if isinstance(value, str) and value.startswith("env:"):
            yield value.removeprefix("env:")
