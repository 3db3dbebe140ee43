"""Dialpad on loopback: users, rooms, meetings and their history, as the vendor has them."""

from tests.providers.dialpad.double.server import Dialpad

__all__ = ["Dialpad"]
