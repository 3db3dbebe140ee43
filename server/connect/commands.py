"""The commands to paste next, for whoever has just made a connection."""

from dataclasses import dataclass

from providers.core.provider import Provider
from server.connect.words import first_call
from server.settings import Settings
from server.settings_rules import split_address

_USUAL = "127.0.0.1:50051"


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what runs it."""

    label: str
    text: str


class Commands:
    """Knows how this server is called."""

    def __init__(self, settings: Settings) -> None:
        host, port = split_address(settings.listen, "listen")
        self._socket = settings.listen if host.startswith("unix:") else ""
        near = host in {"0.0.0.0", "::"}  # noqa: S104 - looked at, not listened to
        self._address = f"{'localhost' if near else host}:{port}"
        self._tls = bool(settings.tls.cert)
        self._token = any(mode in {"api_key", "oidc"} for mode in settings.access.mode)

    def of(self, provider: type[Provider], connection_id: str) -> list[Command]:
        """The first call to make with a connection; none where there is nothing to list."""
        service, rpc = first_call(provider)
        if not rpc:
            return []
        return [
            Command("With ucal:", self._ucal(rpc, connection_id)),
            Command("With grpcurl:", self._grpcurl(f"ucal.v1.{service}/{rpc}", connection_id)),
        ]

    def _ucal(self, rpc: str, connection_id: str) -> str:
        words = ["ucal", "call", rpc, f"connection_id={connection_id}"]
        address = self._socket or self._address
        if address != _USUAL:
            words += ["--address", address]
        if self._tls:
            words += ["--ca", "ca.crt"]
        if self._token:
            words += ["--token", '"$UCAL_TOKEN"']
        return " ".join(words)

    def _grpcurl(self, method: str, connection_id: str) -> str:
        words = ["grpcurl", "-cacert ca.crt" if self._tls else "-plaintext"]
        if self._token:
            words.append('-H "authorization: Bearer $UCAL_TOKEN"')
        words.append(f'-d \'{{"connection_id": "{connection_id}"}}\'')
        if self._socket:
            words += ["-unix", self._socket.removeprefix("unix:")]
        else:
            words.append(self._address)
        return " ".join([*words, method])
