"""The bus that the setting `bus` names."""

from server.bus.memory import MemoryBus
from server.bus.ports import Bus
from server.settings_model import Settings, SettingsError


def bus_of(settings: Settings) -> Bus:
    """A bus, not yet open.

    Raises:
        SettingsError: what it needs is not installed.
    """
    # Optional packages are loaded where they are wanted: a single process needs none of them.
    try:
        if settings.bus == "postgresql:":
            from server.bus.postgresql import PostgresBus  # noqa: PLC0415

            return PostgresBus(settings.store)
        if settings.bus.startswith("nats://"):
            from server.bus.nats_core import NatsBus  # noqa: PLC0415

            return NatsBus(settings.bus)
    except ModuleNotFoundError as error:
        raise SettingsError("bus", f"needs the package {error.name}, which is missing") from None
    return MemoryBus()
