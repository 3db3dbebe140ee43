"""Deliveries whose body is in no encoding: refused, and no fault of ours."""

from pathlib import Path

import httpx
import pytest

from server.service import running
from tests.access.door import place


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_what_cannot_be_decoded_is_refused(tmp_path: Path, encoding: str) -> None:
    where = place(tmp_path, http_listen="127.0.0.1:0")
    async with running(where.settings) as service, httpx.AsyncClient() as client:
        answer = await client.post(
            f"http://{service.http_address}/webhooks/zoom/abc",
            content=b"not packed",
            headers={"content-encoding": encoding},
        )
        assert (answer.status_code, answer.content) == (400, b"")
