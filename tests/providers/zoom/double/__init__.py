"""Zoom on loopback, with Zoom's own semantics."""

from tests.providers.zoom.double.server import TOKEN, Zoom

__all__ = ["TOKEN", "Zoom"]
