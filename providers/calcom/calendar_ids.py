"""Ids of calendars: the one of the bookings, and those that the account has connected."""

import base64
import binascii

from providers.calcom.booking_parse import CALENDAR_ID
from providers.core.errors import Kind, ProviderError

_MAX_EXTERNAL = 2_000


def connected_id(credential_id: int | None, external_id: str) -> str:
    """Id of a connected calendar: its account and its name there, neither of which is enough."""
    text = f"{credential_id or 0}:{external_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def connected(calendar_id: str) -> tuple[str, str] | None:
    """Credential id and external id of a connected calendar; None for what is none."""
    try:
        padded = calendar_id + "=" * (-len(calendar_id) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    credential, colon, external = text.partition(":")
    whole = colon and external and credential.isascii() and credential.isdecimal()
    if not whole or len(credential) > 18 or len(external) > _MAX_EXTERNAL:
        return None
    return credential, external


def is_bookings(calendar_id: str) -> bool:
    """Whether this is the calendar of the bookings, which is the primary one."""
    return calendar_id in ("", "primary", CALENDAR_ID)


def check_calendar(calendar_id: str) -> None:
    """Events are in the calendar of the bookings only.

    Raises:
        ProviderError: UNSUPPORTED for a connected calendar, NOT_FOUND for any other.
    """
    if is_bookings(calendar_id):
        return
    if connected(calendar_id) is None:
        raise ProviderError.not_found("calendar", calendar_id)
    raise ProviderError(
        Kind.UNSUPPORTED,
        "Cal.com shows only the busy time of connected calendars: connect their provider itself",
        metadata={"capability": "list_events"},
    )
