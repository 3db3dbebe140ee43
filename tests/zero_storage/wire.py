"""What a provider answers, marked or spoiled on its way in."""

import json
from dataclasses import dataclass, field

import httpx

from tests.zero_storage.marks import marked_json
from tests.zero_storage.words import CORE, TEXT


@dataclass(frozen=True)
class Spoiled:
    """An answer that no provider should give, and that speaks of somebody."""

    name: str
    status: int
    kind: str
    body: bytes = field(repr=False)


_MULTISTATUS = """<multistatus xmlns="DAV:"><response><href>/WORD</href><propstat><prop>
<calendar-data xmlns="urn:ietf:params:xml:ns:caldav">BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART:WORD
SUMMARY:WORD
</calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"""
_WORDS = json.dumps(TEXT).encode()
SPOILED = (
    Spoiled("no JSON", 200, "application/json", f"{TEXT} {CORE}".encode()),
    Spoiled("cut off", 200, "application/json", b'{"items": [{"id": ' + _WORDS),
    Spoiled("a list of words", 200, "application/json", b"[" + _WORDS + b"]"),
    Spoiled("words for numbers", 200, "application/json", b"".join([
        b'{"items": [{"id": ', _WORDS, b', "start": ', _WORDS, b', "start_time": ', _WORDS,
        b'}], "value": [{"start": ', _WORDS, b'}], "data": ', _WORDS, b', "collection": ', _WORDS,
        b', "meetings": [{"id": "x", "start_time": ', _WORDS, b', "duration": ', _WORDS, b"}]}",
    ])),
    Spoiled("a page", 200, "text/html", f"<html><title>{CORE}</title>{TEXT}".encode()),
    Spoiled("no UTF-8", 200, "application/json", b'{"summary": "' + CORE.encode() + b'\xff\xfe"}'),
    Spoiled("no calendar", 207, "text/xml", _MULTISTATUS.replace("WORD", CORE).encode()),
    Spoiled("an error that quotes", 400, "application/json", b"".join([
        b'{"error": {"code": ', _WORDS, b', "message": ', _WORDS, b', "errors": [{"reason": ',
        _WORDS, b', "message": ', _WORDS, b'}]}, "message": ', _WORDS, b', "title": ', _WORDS,
        b', "details": [{"parameter": ', _WORDS, b', "message": ', _WORDS, b"}]}",
    ])),
    Spoiled("a conflict that quotes", 409, "application/json", b'{"message": ' + _WORDS + b"}"),
    Spoiled("a gateway's page", 502, "text/html", f"<h1>{CORE}</h1>".encode()),
    Spoiled("a redirect away", 302, f"text/plain; location={CORE}", b""),
    Spoiled("a challenge", 401, "text/plain", TEXT.encode()),
)  # fmt: skip


class Wire:
    """Between the service and the real transports.

    Attributes:
        spoiled: what comes back instead of answers, if anything.
        marked: answers into which the word has been put.
    """

    def __init__(self) -> None:
        self.spoiled: Spoiled | None = None
        self.marked = 0

    def around(self, inner: httpx.AsyncBaseTransport) -> "_Around":
        """`inner`, marked."""
        return _Around(self, inner)


class _Around(httpx.AsyncBaseTransport):
    def __init__(self, wire: Wire, inner: httpx.AsyncBaseTransport) -> None:
        self._wire = wire
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        spoiled = self._wire.spoiled
        if spoiled is not None:
            return httpx.Response(
                spoiled.status,
                headers={
                    "content-type": spoiled.kind,
                    "location": f"https://{CORE}.example.com/{CORE}",
                    "www-authenticate": f'Bearer error="{CORE}"',
                    "retry-after": CORE,
                },
                content=spoiled.body,
            )
        response = await self._inner.handle_async_request(request)
        if "json" not in response.headers.get("content-type", ""):
            return response
        body = b"".join([chunk async for chunk in response.stream])  # type: ignore[union-attr]
        await response.aclose()
        marked = marked_json(body)
        self._wire.marked += marked != body
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in {"content-length", "content-encoding"}
        ]
        return httpx.Response(response.status_code, headers=headers, content=marked)

    async def aclose(self) -> None:
        await self._inner.aclose()
