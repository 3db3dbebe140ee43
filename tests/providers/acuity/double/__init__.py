"""Acuity on loopback, stateful. Written from the vendor's reference; `test_spec` judges it."""

from tests.providers.acuity.double.server import KEY, TOKEN, USER, Acuity

__all__ = ["KEY", "TOKEN", "USER", "Acuity"]
