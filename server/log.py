"""Logging: JSON lines on stderr with an allow-list of keys.

What is not on the list is not written, whoever says it. Libraries speak only from WARNING on, and
of their records only the logger's name and the level are kept: their words may quote a calendar.
"""

import json
import logging
import sys
from typing import TextIO

LOG = logging.getLogger("ucal")

ALLOWED = (
    "at", "address", "code", "count", "environment", "exception", "items", "kind", "method", "ms",
    "provider", "reason", "region", "seconds", "setting", "signal", "source", "version",
)  # fmt: skip


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Keep time, level, logger and allow-listed keys; the text only if it is our own."""
        ours = record.name == LOG.name
        line: dict[str, object] = {
            "ts": round(record.created, 3),
            "level": record.levelname.lower(),
            "event": record.msg if ours and isinstance(record.msg, str) else "library message",
        }
        if not ours:
            line["logger"] = record.name
            return json.dumps(line)
        for key in ALLOWED:
            value = record.__dict__.get(key)
            if value not in (None, ""):
                line[key] = value
        return json.dumps(line, default=str)


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send everything through `JsonLines`, at `level` for us and WARNING for libraries."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOG.setLevel(level.upper())
    logging.raiseExceptions = False
