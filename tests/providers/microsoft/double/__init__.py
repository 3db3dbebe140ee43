"""Microsoft Graph, as far as the tests need it, on a port of loopback."""

from tests.providers.microsoft.double.server import Graph

__all__ = ["Graph"]
