"""Batch requests: multipart/mixed of application/http parts, each answered on its own."""

import email.parser
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from multidict import MultiDict

_LIMIT = 50


async def answer(google: Any, request: web.Request, raw: bytes) -> web.Response:
    """The answers in the order of the questions; Google promises none."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser().parsebytes(head + raw)
    parts = [part for part in message.walk() if part.get_content_type() == "application/http"]
    if len(parts) > _LIMIT:
        return web.json_response({"error": {"code": 400}}, status=400)
    boundary = "batch_double"
    lines = []
    outer = request.headers.get("Authorization", "")
    for part in parts:
        status, body = _one(google, part.get_payload(), outer)
        own = re.sub(r"^<", "<response-", part.get("Content-ID", "<x>"))
        text = "" if body is None else json.dumps(body)
        lines.append(
            f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: {own}\r\n\r\n"
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json; charset=UTF-8\r\n"
            f"Content-Length: {len(text.encode())}\r\n\r\n{text}\r\n"
        )
    whole = "".join(lines) + f"--{boundary}--\r\n"
    kind = f"multipart/mixed; boundary={boundary}"
    return web.Response(body=whole.encode(), headers={"Content-Type": kind})


def _one(google: Any, payload: Any, outer: str) -> tuple[int, Any]:
    head, _, body = str(payload).partition("\n\n")
    first, *rest = head.strip().splitlines()
    method, target, *_ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in rest if ": " in line)
    headers.setdefault("authorization", outer)
    parts = urlsplit(target)
    query: MultiDict[str] = MultiDict(parse_qsl(parts.query))
    status, found, _ = google.ask(method, parts.path, query, body.strip().encode(), headers)
    return status, found
