"""Posting changes to a URL, signed as Standard Webhooks has it (standardwebhooks.com, 1.0.0).

Headers `webhook-id` (the same for every attempt, and for repeats of one change),
`webhook-timestamp` (Unix seconds) and `webhook-signature`: for each secret `v1,` and the base64 of
HMAC-SHA256 over `<id>.<timestamp>.<body>`.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click
import httpx
from google.protobuf import json_format

from server.cli.deliveries import RefusedError
from server.cli.lines import word
from ucal.v1 import types_pb2, watch_pb2

PREFIX = "whsec_"
_MAX_FILE = 16 * 1024
_KEY_BYTES = (24, 64)  # the standard's bounds
_LONGEST_WAIT = 600.0
_GONE = 410


def read_secrets(path: Path) -> list[bytes]:
    """The keys in `path`, `whsec_<base64>` each, white space between; all of them sign.

    Raises:
        click.BadParameter: it cannot be read, is readable by others, or holds something else.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise click.BadParameter(f"{path} can be read by others; run: chmod 600 {path}")
        with path.open(encoding="utf-8") as file:
            words = file.read(_MAX_FILE).split()
    except (OSError, UnicodeDecodeError):
        raise click.BadParameter(f"cannot read {path}") from None
    least, most = _KEY_BYTES
    keys = []
    for text in words:
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if not text.startswith(PREFIX) or not least <= len(key) <= most:
            raise click.BadParameter(
                f"{path}: a secret is {PREFIX} and the base64 of {least} to {most} bytes; "
                "ucal keys generate --webhook makes one"
            )
        keys.append(key)
    if not keys:
        raise click.BadParameter(f"{path} holds no secret; ucal keys generate --webhook makes one")
    return keys


def signature(keys: Sequence[bytes], own_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{own_id}.{timestamp}.".encode() + body
    found = (base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)
    return " ".join(f"v1,{text}" for text in found)


def payload(change: watch_pb2.Change, now: datetime) -> bytes:
    """The body: `type` ("event.created"), `timestamp` and `data`, the change itself.

    `now` stands for the time of the change where the provider does not tell it.
    """
    at = change.changed_at.ToDatetime(UTC) if change.HasField("changed_at") else now
    kind = word(types_pb2.ResourceKind.Name(change.kind))
    body = {
        "type": f"{kind}.{word(watch_pb2.ChangeType.Name(change.type))}",
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "data": json_format.MessageToDict(change, preserving_proto_field_name=True),
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def delivery_id(change: watch_pb2.Change) -> str:
    """The same for every delivery of `change`."""
    key = change.dedup_key.encode() or change.SerializeToString(deterministic=True)
    return f"msg_{hashlib.sha256(key).hexdigest()[:32]}"


def can_post_to(url: str) -> bool:
    """Whether `url` is one that can be posted to."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    port = parts.port
    return parts.scheme in {"http", "https"} and bool(parts.host) and (port or 1) in range(1 << 16)


class Post:
    """Posts each change; 2xx means that it is taken."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, keys: Sequence[bytes], seconds: float
    ) -> None:
        """`client`: follows no redirects; `seconds`: how long one attempt may take, in all."""
        self._client = client
        self._url = url
        self._host = urlsplit(url).netloc.rpartition("@")[2]
        self._keys = keys
        self._seconds = seconds

    async def __call__(self, change: watch_pb2.Change) -> None:
        """Post it once.

        Raises:
            RefusedError: no answer, or another one than 2xx; final for 410 Gone.
        """
        own_id, now = delivery_id(change), int(time.time())
        body = payload(change, datetime.fromtimestamp(now, UTC))
        headers = {
            "content-type": "application/json",
            "user-agent": "ucal-watch",
            "webhook-id": own_id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(self._keys, own_id, now, body),
        }
        try:
            # The client's own timeout is for each read: who answers byte by byte never reaches it.
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                status, wait = answer.status_code, answer.headers.get("retry-after", "")
        except TimeoutError:
            raise RefusedError(f"{self._host}: longer than {self._seconds:g} s") from None
        except httpx.HTTPError as error:
            raise RefusedError(f"{self._host}: {type(error).__name__}") from None
        if not 200 <= status < 300:
            asked = min(float(wait), _LONGEST_WAIT) if wait.isascii() and wait.isdigit() else 0.0
            raise RefusedError(
                f"{self._host}: HTTP {status}", is_final=status == _GONE, retry_after=asked
            )
