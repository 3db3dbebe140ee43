"""What nobody expected on a page: a page all the same, and a line that says where it was."""

import logging
from typing import Any

import pytest

from tests.connect.world import browser, pages
from tests.server.vendor import VendorServer

CANARY = "canary-in-an-exception"


@pytest.mark.parametrize("path", ["/connect/vendor?link=x", "/oauth/callback?state=x&code=c"])
async def test_an_exception_that_nobody_expected(
    vendor: VendorServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError(CANARY)

    async with pages(vendor) as (base, found), browser() as person:
        monkeypatch.setattr(found.tickets, "open", broken)
        monkeypatch.setattr(found.authorizations, "opened", broken)
        with caplog.at_level(logging.ERROR):
            async with person.get(f"{base}{path}") as answer:
                assert answer.status == 500
                assert "default-src 'none'" in answer.headers["content-security-policy"]
                page = await answer.text()
    assert "Something went wrong here" in page
    assert CANARY not in page
    told = [each for each in caplog.records if each.message == "unexpected exception"]
    assert [each.__dict__["exception"] for each in told] == ["ZeroDivisionError"]
    assert told[0].__dict__["at"].startswith("broken:")
    assert CANARY not in caplog.text
