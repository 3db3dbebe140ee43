"""A store that fails: callers are told one thing, the log which sort it was, and nobody more."""

import logging
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from providers.core.errors import ProviderError
from server.connections.mishaps import Mishaps, code_of
from server.connections.store import Store
from tests.server.house import basic

CANARY = "canary-display-name"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Codes of what the log says of the store."""
    found = [each for each in caplog.records if each.message == "the store fails"]
    return [each.__dict__["code"] for each in found]


@pytest.mark.parametrize(
    ("pragma", "code"),
    [("PRAGMA query_only=ON", "SQLITE_READONLY"), ("PRAGMA max_page_count=1", "SQLITE_FULL")],
)
async def test_a_store_that_takes_no_writes_reads_on_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, pragma: str, code: str
) -> None:
    store = Store(f"sqlite:///{tmp_path}/ucal.db")
    await store.open()
    try:
        await store.insert(basic("a"), b"sealed", "")
        # Of the one connection that is in use; the pool hands it out again.
        async with store.one() as database:
            await database.execute(text(pragma))
        for number in range(50):
            with pytest.raises(ProviderError) as caught:
                await store.insert(basic(f"b{number}", display_name=CANARY * 10), b"s" * 9000, "")
            assert caught.value.reason == "STORE_UNAVAILABLE"
        assert await store.get("a") is not None
    finally:
        await store.close()
    assert told(caplog) == [code]
    assert CANARY not in caplog.text


async def test_a_role_that_may_not_and_a_server_that_is_not_there(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(f"{postgres_url}?options=-cdefault_transaction_read_only%3Don")
    with pytest.raises(ProviderError):
        await store.open()
    await store.close()
    away = Store("postgresql://test@127.0.0.1:1/x")
    with pytest.raises(ProviderError):
        await away.open()
    await away.close()
    first, second = told(caplog)
    assert first == "25006"
    assert second == "ConnectionRefusedError"


def test_each_sort_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = [0.0]
    mishaps = Mishaps(lambda: clock[0])
    with caplog.at_level(logging.ERROR):
        for second in range(130):
            clock[0] = float(second)
            mishaps.met(OSError(CANARY))
            mishaps.met(OperationalError("SELECT 1", {}, TimeoutError(CANARY)))
    assert told(caplog) == ["OSError", "TimeoutError"] * 3
    assert code_of(OperationalError("SELECT 1", {}, ValueError(CANARY))) == "ValueError"
    assert CANARY not in caplog.text
