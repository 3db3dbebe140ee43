"""The searcher finds each writing in each channel: else its silence proves nothing."""

import base64
import gzip
import json
import logging
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import grpc
import pytest

from providers.core.errors import Kind, ProviderError
from providers.sandbox.provider import Sandbox
from server.log import LOG, JsonLines
from server.metrics import DELIVERIES
from tests.conformance.client import CONNECTION
from tests.conformance.subjects import subjects
from tests.ports import free_port
from tests.zero_storage.calls import BY_NAME, rpcs
from tests.zero_storage.drive import Driver
from tests.zero_storage.marks import DEPTH, NEVER, fill, marked_json, variants
from tests.zero_storage.stage import Stage, stage
from tests.zero_storage.words import CORE, TEXT, Searcher

WRITINGS: dict[str, bytes] = {
    "plain": CORE.encode(),
    "in capitals": CORE.upper().encode(),
    "in a sentence": TEXT.encode(),
    "JSON": json.dumps({"a": TEXT}).encode(),
    "JSON, escaped": json.dumps({"a": TEXT}).replace("k", "\\u006b").encode(),
    "percent": quote(TEXT).encode(),
    "hexadecimal": CORE.encode().hex().encode(),
    "wide": TEXT.encode("utf-16-le"),
    "wide, the other way": TEXT.encode("utf-16-be"),
    "packed": gzip.compress(b"before" * 20 + TEXT.encode()),
    "packed, behind something": b"\x00\x01" + gzip.compress(TEXT.encode()),
    "base32": base64.b32encode(CORE.encode()),
}
WRITINGS["JSON, escaped"] = "".join(f"\\u{ord(each):04x}" for each in CORE).encode()
WRITINGS["percent, all of it"] = "".join(f"%{ord(each):02X}" for each in CORE).encode()
WRITINGS["bytes as Python shows them"] = "".join(f"\\x{ord(each):02x}" for each in CORE).encode()
for _ahead in range(6):
    WRITINGS[f"base64, {_ahead} ahead"] = base64.b64encode(b"~" * _ahead + TEXT.encode())
    WRITINGS[f"base64 of URLs, {_ahead} ahead"] = base64.urlsafe_b64encode(
        b"\xff" * _ahead + CORE.encode()
    )


@pytest.mark.parametrize("name", WRITINGS)
def test_every_writing_is_found(name: str) -> None:
    searcher = Searcher()
    assert searcher.hits(WRITINGS[name])
    assert searcher.hits(b"x" * 100_000 + WRITINGS[name] + b"y" * 1000)


def test_what_is_not_there_is_not_found() -> None:
    noise = struct.pack("<1000Q", *range(1000)) + zlib.compress(CORE.encode()[:5]) + b"\x1f\x8b\x08"
    assert Searcher().hits(noise) == []
    assert Searcher(["Kohlmeise-4417"]).hits(CORE) == []


def test_every_rpc_of_the_contract_is_known() -> None:
    """The files of the contract are counted on the disk, so that a new one is not forgotten."""
    folder = Path(__file__).resolve().parents[2] / "protos/ucal/v1"
    words = [
        line.split() for path in folder.glob("*.proto") for line in path.read_text().splitlines()
    ]
    named = {each[1].partition("(")[0] for each in words if each[:1] == ["rpc"]}
    assert {rpc.method.name for rpc in rpcs()} == named
    assert len(BY_NAME) == len(list(rpcs())), "two RPCs of one name"


@pytest.mark.parametrize("rpc", list(rpcs()), ids=lambda each: each.method.name)
def test_every_string_of_every_message_is_marked(rpc: Any) -> None:
    for kind in (rpc.request, rpc.answer):
        marked: set[str] = set()
        for choice in range(variants(kind.DESCRIPTOR)):
            message = kind()
            count = fill(message, choice=choice)
            assert message.SerializeToString().count(CORE.encode()) >= count
            marked |= set(_paths(message))
        assert marked == set(_string_fields(kind.DESCRIPTOR))


def _paths(message: Any, path: str = "") -> Iterator[str]:
    """Fields that hold the word."""
    for field, value in message.ListFields():
        here = f"{path}.{field.name}"
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            yield from [here] if CORE in str(value) else []
        else:
            for inner in value if field.is_repeated else [value]:
                yield from _paths(inner, here)


def _string_fields(descriptor: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Fields that could hold it, as the contract has them."""
    for field in descriptor.fields:
        here, inner = f"{path}.{field.name}", field.message_type
        if inner is None:
            yield from [here] if field.type in (field.TYPE_STRING, field.TYPE_BYTES) else []
        elif inner.GetOptions().map_entry:
            if inner.fields_by_name["value"].type == field.TYPE_STRING:
                yield here
        elif inner != descriptor and inner.full_name not in NEVER and depth < DEPTH:
            yield from _string_fields(inner, here, depth + 1)


def test_texts_of_providers_are_marked_and_their_structure_is_kept() -> None:
    body = {
        "id": "abc_123", "start": {"dateTime": "2026-11-01T08:00:00Z"}, "summary": "Lunch",
        "list": [{"displayName": "Ada", "n": 1}], "url": "https://x.example/a", "type": "private",
    }  # fmt: skip
    found = json.loads(marked_json(json.dumps(body).encode()))
    assert found == body | {
        "summary": f"Lunch {CORE}",
        "list": [{"displayName": f"Ada {CORE}", "n": 1}],
    }
    assert marked_json(b"no json") == b"no json"


# -- leaks that are made by hand


async def _leak_everywhere(found: Stage, folder: Path) -> None:
    LOG.warning(CORE)
    with found.spans.tracer.start_as_current_span("x") as span:
        span.set_attribute("ucal.subject", TEXT)
    DELIVERIES.labels(CORE, "200").inc()
    request = BY_NAME["UpdateConnection"].request(id=CONNECTION)
    request.connection.display_name = TEXT  # of a connection; kept by design, so it must be found
    await BY_NAME["UpdateConnection"].call(found.client.channel, request)
    (found.folder / "tmp").mkdir()
    (found.folder / "tmp" / CORE).write_bytes(gzip.compress(TEXT.encode()))
    (folder / "elsewhere").write_text(base64.b64encode(TEXT.encode()).decode())
    found.client.hub.nudge(CORE)

    async def quoting(*_: object) -> None:
        raise ProviderError(Kind.PROVIDER_FAULT, TEXT)

    with patch.object(Sandbox, "list_events", quoting):
        await Driver(found).call(
            BY_NAME["ListEvents"], BY_NAME["ListEvents"].request(connection_id=CONNECTION)
        )
    found.pages.append(TEXT.encode())


async def test_a_leak_into_each_channel_is_found(tmp_path: Path) -> None:
    (sandbox,) = [each for each in subjects() if each.id == "sandbox"]
    try:
        async with stage(sandbox, tmp_path / "run", free_port()) as found:
            await _leak_everywhere(found, tmp_path)
            channels = await found.channels()
    finally:
        DELIVERIES.remove(CORE, "200")
    searcher = Searcher()
    without = {name for name, parts in channels.items() if not any(map(searcher.hits, parts))}
    assert without == set()


async def test_logging_that_is_not_ours_would_be_found(tmp_path: Path) -> None:
    """An unexpected exception is logged with its words, as any other service would."""
    (sandbox,) = [each for each in subjects() if each.id == "sandbox"]

    async def failed(*_: object) -> None:
        raise ValueError(TEXT)

    with (
        patch.object(JsonLines, "format", logging.Formatter().format),
        patch.object(Sandbox, "list_events", failed),
        patch("server.interceptors.errors.LOG.error", LOG.exception),
    ):
        async with stage(sandbox, tmp_path / "run", free_port()) as found:
            with pytest.raises(grpc.aio.AioRpcError):
                await BY_NAME["ListEvents"].call(
                    found.client.channel,
                    BY_NAME["ListEvents"].request(connection_id=CONNECTION),
                )
            channels = await found.channels()
    assert Searcher().hits(channels["logs"][0])
