"""`ucal connect` with a real Chromium: what the terminal says, and what the browser shows."""

import asyncio

from tests.connect.chromium import chromium, or_skip, window
from tests.connect.world import world
from tests.ports import free_port
from tests.server.terminal import ended, started
from tests.server.vendor import VendorServer


async def _said(process: asyncio.subprocess.Process) -> str:
    """The address that the terminal asks for."""
    assert process.stderr is not None
    while True:
        line = (await process.stderr.readline()).decode()
        assert line, "the command ended"
        if line.strip().startswith("http"):
            return line.strip()


async def _connect(vendor: VendorServer, answer: str) -> tuple[str, str, str]:
    """Heading of the last page, and what the terminal printed: out and err."""
    or_skip()
    port = free_port()
    back = f"http://127.0.0.1:{port}/callback"
    async with world(vendor, redirect_uris=[back]) as here, chromium() as browser:
        here.page.redirects = {back}
        process = await started(
            *("connect", "vendor", "--no-browser", "--port", str(port)),
            *("--address", here.address),
        )
        try:
            async with asyncio.timeout(60), window(browser) as (page, seen):
                await page.goto(await _said(process))
                await page.get_by_role("button", name=answer).click()
                await page.get_by_role("heading", name="onnected").wait_for()
                heading = await page.locator("h1").inner_text()
                assert await page.title() == f"{heading} - ucal"
                assert seen.complaints == []
                out, err = await process.communicate()
        finally:
            await ended(process)
    return heading, out.decode(), err.decode()


async def test_a_yes_ends_in_the_terminal(vendor: VendorServer) -> None:
    heading, out, _ = await _connect(vendor, "Allow")
    assert heading == "Connected"
    assert out.startswith("connection: ")
    assert "try next: ucal connections test" in out


async def test_a_no_ends_in_the_terminal(vendor: VendorServer) -> None:
    heading, out, err = await _connect(vendor, "Deny")
    assert heading == "Not connected"
    assert out == ""
    assert "not connected; the provider says: access_denied" in err
