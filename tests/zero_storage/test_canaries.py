"""R17: nothing of a calendar and no credential is in any log, trace, metric, file, bus or error.

For each provider: every RPC, every webhook, every kind of failure, with the word in every free-text
field of requests and answers; an unexpected exception at each await. Then everything is searched.
"""

from pathlib import Path

import pytest

from tests.conformance.subjects import Subject, subjects
from tests.ports import free_port
from tests.zero_storage import webhooks
from tests.zero_storage.calls import BY_NAME
from tests.zero_storage.drive import Driver
from tests.zero_storage.stage import Stage, stage
from tests.zero_storage.words import CORE, Searcher


async def searched(found: Stage) -> None:
    """That nothing is anywhere."""
    searcher = Searcher([CORE, *found.secrets])
    channels = await found.channels()
    for name, contents in channels.items():
        for content in contents:
            assert searcher.hits(content) == [], f"{found.client.name}: in {name}"
    loud = ("logs", "traces", "metrics", "metrics by OTLP", "errors")
    silent = {name for name in loud if not any(channels[name])}
    assert not silent, f"{silent}: nothing was caught, so nothing is proven"
    assert b'"event": "call"' in channels["logs"][0]
    for name in ("metrics", "metrics by OTLP"):
        assert found.client.harness.provider.encode() in channels[name][-1]


@pytest.mark.parametrize(
    "subject",
    [pytest.param(each, marks=pytest.mark.xdist_group(f"zero-{each.id}")) for each in subjects()],
    ids=lambda each: each.id,
)
async def test_every_call_webhook_and_failure_leaves_nothing(
    subject: Subject, tmp_path: Path
) -> None:
    async with stage(subject, tmp_path / "run", free_port()) as found:
        driver = Driver(found)
        await driver.all_sound()
        await driver.watches()
        await driver.passthrough()
        await driver.on_connections()
        await driver.on_pages()
        assert driver.pages, "no page was filled in"
        assert await driver.marked_answers() > 100
        await driver.unexpected()
        await driver.failing_answers()
        await driver.marked()
        await webhooks.deliver_all(found, as_if_signed=False)
        await webhooks.deliver_all(found, as_if_signed=True)
        await webhooks.browse(found)
        assert set(driver.asked) == set(BY_NAME)
        assert len(driver.succeeded) >= 0.8 * len(driver.declared), driver.unanswered
        assert driver.came_back >= 20, "the word hardly came back: it was not there to be lost"
        await searched(found)
        assert (found.folder / "ucal.db").stat().st_size > 0
