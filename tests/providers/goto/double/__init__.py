"""GoTo on loopback: meetings, webinars and recordings of one organizer, as the vendor has them."""

from tests.providers.goto.double.server import GoTo

__all__ = ["GoTo"]
