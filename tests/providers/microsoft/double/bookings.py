"""Microsoft Bookings: businesses and their services."""

from typing import TYPE_CHECKING

from tests.providers.microsoft.double.problems import unknown_path

if TYPE_CHECKING:
    from tests.providers.microsoft.double.routes import Asked, Found


def answer(asked: "Asked", rest: list[str]) -> "Found":
    raise unknown_path("bookingBusinesses")
