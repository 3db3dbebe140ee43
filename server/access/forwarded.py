"""Who a trusted proxy says it was called by: Envoy's header `x-forwarded-client-cert`.

    By=spiffe://…;Hash=…;URI=spiffe://…,By=…

An element for each proxy on the way, the nearest last; in it pairs, values quoted where they hold
signs of the grammar (Envoy, HTTP connection manager, headers). What the nearest proxy says is read
and nothing else: what stands left of it, its own caller can have written.
"""

import re
from collections.abc import Iterable, Iterator

HEADER = "x-forwarded-client-cert"
_LONGEST = 16 * 1024
_PAIR = re.compile(r'(?P<key>[A-Za-z]{1,32})=(?P<value>"(?:[^"\\]|\\.)*"|[^",;=\\][^",;\\]*|)')


def uris(values: Iterable[str]) -> list[str]:
    """URIs of the certificate that the nearest proxy was shown; none: it was shown none.

    `values`: of the header, in the order in which they came.

    Raises:
        ValueError: that is no such header.
    """
    text = ",".join(values)
    if len(text) > _LONGEST:
        raise ValueError("too long")
    found: list[str] = []
    for key, value, ends in _pairs(text):
        if key.lower() == "uri":
            found.append(value)
        if ends == ",":
            found = []
    return [each for each in found if each]


def _pairs(text: str) -> Iterator[tuple[str, str, str]]:
    """Key, value, and what follows: ";", "," or "" at the end."""
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            raise ValueError("no pair")
        at = pair.end()
        ends = text[at : at + 1]
        if ends not in {";", ",", ""} or (ends and at + 1 == len(text)):
            raise ValueError("a pair does not end")
        value = pair["value"]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        yield pair["key"], value, ends
        at += 1
