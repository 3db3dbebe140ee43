"""Calendly on loopback, stateful. Written from the vendor's reference; `test_spec` judges it."""

from tests.providers.calendly.double.server import TOKEN, Calendly

__all__ = ["TOKEN", "Calendly"]
