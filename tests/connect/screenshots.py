"""Pictures of the pages for the documentation: `python -m tests.connect.screenshots [folder]`.

A real Chromium shows them, against the doubles of the tests; what is written is small enough to be
kept (150 kB). Without a folder, docs/assets is brought up to date.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from providers.registry import PROVIDERS
from tests.connect.chromium import chromium, window
from tests.connect.world import World, world
from tests.server.vendor import ROW, VendorServer

DOCS = Path(__file__).resolve().parents[2] / "docs/assets"
# Shown in docs/connect.md; the others are for the eyes of whoever changes a page.
KEPT = ("connect-ask-light.png", "connect-form-dark.png", "connect-done-light.png")
_ALL = tuple(
    f"connect-{name}-{theme}.png"
    for name in ("ask", "form", "errors", "done", "trouble", "denied", "link")
    for theme in ("light", "dark")
)


async def _to(page: Any, here: World, name: str) -> None:
    """Bring up the page called `name`."""
    if name == "ask":
        await page.goto(f"{here.base}/connect/google_calendar")
    elif name == "link":
        await page.goto(await here.link(display_name="Front desk, Berlin"))
    elif name == "form":
        await page.goto(f"{here.base}/connect/apple_icloud")
    elif name == "trouble":
        await page.goto(f"{here.base}/oauth/callback?state=x&code=y")
    elif name == "errors":
        await page.goto(f"{here.base}/connect/caldav")
        await page.get_by_label("User name").fill("ann")
        await page.get_by_role("button", name="Try it and connect").click()
    elif name == "denied":
        await _answered(page, here, "Deny")
    elif name == "done":
        await _answered(page, here, "Allow")


async def _answered(page: Any, here: World, answer: str) -> None:
    await page.goto(f"{here.base}/connect/outlook")
    await page.get_by_role("link", name="Continue to").click()
    await page.get_by_role("button", name=answer).click()
    await page.locator(".mark").wait_for()


async def shoot(folder: Path, names: tuple[str, ...]) -> None:
    """Write the pictures `names` into `folder`."""
    PROVIDERS["vendor"] = ROW
    async with VendorServer().running() as vendor:
        clients = {"google_calendar": False, "outlook": True}
        async with (
            world(vendor, with_oauth=clients, listen="127.0.0.1:50051") as here,
            chromium() as browser,
        ):
            for file in names:
                _, name, theme = Path(file).stem.split("-")
                async with window(browser, dark=theme == "dark", width=760, height=400) as (
                    page,
                    _,
                ):
                    await _to(page, here, name)
                    await page.screenshot(path=folder / file, full_page=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(shoot(Path(sys.argv[1]), _ALL))
    else:
        asyncio.run(shoot(DOCS, KEPT))
