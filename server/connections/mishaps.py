"""What the log says of a store that fails: the sort of failure, by the database's own code.

Never its words or the statement, which quote values. A full disk, a standby that takes no writes
and a server that is away are all `STORE_UNAVAILABLE` to callers; here they are told apart.
"""

import time
from collections.abc import Callable

from server.log import LOG

_EVERY_SECONDS = 60.0
# A database has no more ways of failing than this that an operator would read.
_CODES = 100


class Mishaps:
    """Tells each sort of failure once a minute, however many calls meet it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: for tests."""
        self._clock = clock
        self._told: dict[str, float] = {}

    def met(self, error: Exception) -> None:
        """A statement, or a connection to the database, has failed with `error`."""
        code, now = code_of(error), self._clock()
        if now - self._told.get(code, float("-inf")) < _EVERY_SECONDS:
            return
        if len(self._told) >= _CODES:
            self._told.clear()
        self._told[code] = now
        LOG.error("the store fails", extra={"code": code, "reason": "STORE_UNAVAILABLE"})


def code_of(error: Exception) -> str:
    """PostgreSQL's SQLSTATE ("53100"), SQLite's name ("SQLITE_FULL"), else the exception's type."""
    inner = getattr(error, "orig", None) or error
    code = getattr(inner, "sqlstate", None) or getattr(inner, "sqlite_errorname", None)
    return str(code or type(inner).__name__)
