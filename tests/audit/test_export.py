"""`ucal audit export`: the record leaves whole, in order, a page at a time."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from server.audit import export
from server.audit.entries import Entry, noted
from server.cli import main
from server.connections.store import Store
from server.connections.tables import AUDIT

DAY = 86_400_000_000


def ran(url: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["audit", "export", "--store", url, *words])


@pytest.fixture
async def url(tmp_path: Path) -> str:
    """A store with an entry a day, from the first of November 2026 on."""
    url = f"sqlite:///{tmp_path}/ucal.db"
    store = Store(url)
    await store.open()
    begin = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1_000_000)
    row = Entry("connection.create", provider="caldav", region="eu")
    async with store.several() as database:
        for day in range(5):
            fields = {"act": row.act, "provider": "caldav", "region": "eu", "result": "OK"}
            await database.execute(
                insert(AUDIT).values(
                    at=begin + day * DAY, actor="open", connection_id=f"c{day}", **fields
                )
            )
    await store.close()
    return url


def connections(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [json.loads(line)["connection_id"] for line in result.output.splitlines()]


def test_every_line_is_an_object(url: str) -> None:
    result = ran(url)
    assert connections(result) == ["c0", "c1", "c2", "c3", "c4"]
    assert json.loads(result.output.splitlines()[0]) == {
        "id": 1, "at": "2026-11-01T00:00:00.000Z", "actor": "open", "act": "connection.create",
        "connection_id": "c0", "provider": "caldav", "region": "eu", "result": "OK",
    }  # fmt: skip


def test_the_settings_name_the_store_too(url: str) -> None:
    environment = {"UCAL_CONFIG": "", "UCAL_STORE": url, "UCAL_KEYRING": "env:NOT_READ"}
    result = CliRunner().invoke(main, ["audit", "export"], env=environment)
    assert len(connections(result)) == 5


def test_since_is_included_and_until_is_not(url: str) -> None:
    assert connections(ran(url, "--since", "2026-11-02", "--until", "2026-11-04")) == ["c1", "c2"]
    assert connections(ran(url, "--since", "2026-11-02T00:00:00.000001Z")) == ["c2", "c3", "c4"]
    assert connections(ran(url, "--since", "2026-11-02T01:00:00+01:00"))[0] == "c1"


def test_csv_has_a_heading(url: str) -> None:
    result = ran(url, "--format", "csv", "--until", "2026-11-02")
    rows = list(csv.DictReader(io.StringIO(result.output)))
    assert [(row["connection_id"], row["result"]) for row in rows] == [("c0", "OK")]


@pytest.mark.parametrize("given", ["yesterday", "7w", "2026-13-01", "999999d"])
def test_what_is_no_time_is_said_so(url: str, given: str) -> None:
    result = ran(url, "--since", given)
    assert result.exit_code == 2
    assert "is no time such as" in result.output


async def test_how_long_ago_is_a_time_too(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/ucal.db")
    await store.open()
    await noted(store, Entry("api_key.create"))
    begin = datetime.now(UTC) - timedelta(hours=1)
    assert len([row async for row in export.rows(store, begin, None)]) == 1
    assert [row async for row in export.rows(store, None, begin)] == []
    await store.close()


async def test_a_long_record_is_read_in_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_PAGE", 7)
    store = Store(f"sqlite:///{tmp_path}/ucal.db")
    await store.open()
    for number in range(21):
        await noted(store, Entry("connection.test", f"c{number}", actor=f"api_key:{number}"))
    rows = [row async for row in export.rows(store, None, None)]
    assert [row["connection_id"] for row in rows] == [f"c{number}" for number in range(21)]
    await store.close()


def test_a_store_that_is_away_is_said_so() -> None:
    result = ran("postgresql://nobody@127.0.0.1:1/none")
    assert result.exit_code == 1
    assert "cannot be reached" in result.output


def test_the_help_has_an_example() -> None:
    result = CliRunner().invoke(main, ["audit", "export", "--help"])
    assert "Example: ucal audit export --since" in result.output
