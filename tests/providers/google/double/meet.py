"""Google Meet and Workspace Events of the double. Filled in by `tests` of Meet."""

from typing import Any


class Meet:
    """Conference records with their recordings, transcripts and notes."""


ROUTES: list[tuple[str, str, Any]] = []
