"""The meeting that moves now and then: which one it is, and where it is at each step."""

from datetime import datetime, timedelta

ID = "moving-coffee"
PLACES = ("Café Kante", "Kitchen, 3rd floor", "Roof terrace")

_HOURS = (10, 11, 14, 15, 16)


def start_at(now: datetime, step: int) -> datetime:
    """Tomorrow, at one of a few hours UTC."""
    tomorrow = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    return tomorrow.replace(hour=_HOURS[step % len(_HOURS)])
