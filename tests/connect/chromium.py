"""A real Chromium, without a window, that knows this machine alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path("/usr/bin/chromium")
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)  # fmt: skip


def or_skip() -> Any:
    """Playwright's package, or the test is skipped by the name of what is missing."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is missing (Debian's package chromium)")
    return pytest.importorskip("playwright.async_api")


class Seen:
    """What a page did that it must not.

    Attributes:
        complaints: on the console, violations of the policy among them; errors of scripts.
        asked: addresses of requests.
    """

    def __init__(self, page: Any) -> None:
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self._told(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def _told(self, kind: str, text: str) -> None:
        # Chromium's own note of a status that a test asks for is no complaint of the page.
        if not text.startswith("Failed to load resource: the server responded with a status of"):
            self.complaints.append(f"{kind}: {text}")


@asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """Playwright's Browser, with a profile of its own."""
    async with or_skip().async_playwright() as playwright:
        found = await playwright.chromium.launch(
            executable_path=str(PROGRAM), args=list(_ARGUMENTS)
        )
        try:
            yield found
        finally:
            await found.close()


@asynccontextmanager
async def window(
    browser: Any, *, dark: bool = False, scripts: bool = True, width: int = 900, height: int = 900
) -> AsyncIterator[tuple[Any, Seen]]:
    """A page in a profile of its own, and what it did."""
    context = await browser.new_context(
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        viewport={"width": width, "height": height},
    )
    context.set_default_timeout(20_000)
    page = await context.new_page()
    try:
        yield page, Seen(page)
    finally:
        await context.close()
