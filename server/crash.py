"""What a process leaves behind that dies, or nearly: places in the code, and no value from memory.

The interpreter prints the words of an exception that nobody has caught, of a warning, of whatever
goes wrong in a thread or a destructor; the kernel writes all memory to disk. Both may hold
somebody's calendar, or a token.
"""

import faulthandler
import logging
import resource
import sys
import threading
import traceback
from types import TracebackType
from typing import TYPE_CHECKING

from server.log import LOG

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# Below the least that a dump can have, and what tells Linux to start no program for it (core(5)).
_NO_DUMP = 1


def leave_nothing() -> None:
    """For a process that serves, once logging is configured.

    Stacks of crashes in native code are told: names of functions and lines, no values.
    """
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _in_thread
    logging.captureWarnings(True)
    faulthandler.enable()
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    least = _NO_DUMP if most == resource.RLIM_INFINITY else min(_NO_DUMP, most)
    resource.setrlimit(resource.RLIMIT_CORE, (least, least))


def _uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    del error
    if issubclass(kind, KeyboardInterrupt):
        return
    _tell(kind, where)


def _in_thread(arguments: threading.ExceptHookArgs) -> None:
    _tell(arguments.exc_type, arguments.exc_traceback)


def _unraisable(arguments: "UnraisableHookArgs") -> None:
    _tell(arguments.exc_type, arguments.exc_traceback)


def _tell(kind: type[BaseException], where: TracebackType | None) -> None:
    frames = traceback.extract_tb(where)
    LOG.critical(
        "uncaught exception",
        extra={
            "exception": kind.__name__,
            "at": f"{frames[-1].name}:{frames[-1].lineno}" if frames else "",
        },
    )
