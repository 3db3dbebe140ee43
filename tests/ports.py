"""Ports for servers that have to be told theirs beforehand.

They lie below the range from which the system takes the ends of outgoing connections (32768 and
up): a port that it gave for 0 and got back it may give to the next connection, before the server
that it was meant for listens there.
"""

import random
import socket

_FIRST, _LAST = 10_000, 32_767
_CHANCE = random.SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, and that this process has not been given before."""
    while True:
        port = _CHANCE.randint(_FIRST, _LAST)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
