"""The pages in a real Chromium, against doubles of what vendors show, and a real CalDAV server."""

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.caldav_servers import radicale, signed
from tests.connect.chromium import Seen, chromium, or_skip, window
from tests.connect.world import World, world
from tests.loopback import served
from tests.server.terminal import ucal
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

pb = connection_pb2


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Chromium."""
    or_skip()
    async with chromium() as found:
        yield found


@asynccontextmanager
async def app() -> AsyncIterator[str]:
    """An app that people come back to; it sends them on to another host of its own."""

    async def came(request: web.Request) -> web.Response:
        port = request.url.port
        return web.Response(
            status=302, headers={"location": f"http://localhost:{port}/in?{request.query_string}"}
        )

    async def inside(request: web.Request) -> web.Response:
        return web.Response(text=f"app has {request.query['connection_id']}")

    server = web.Application()
    server.router.add_get("/back", came)
    server.router.add_get("/in", inside)
    async with served(server) as url:
        yield f"{url}/back"


def clean(seen: Seen, here: World) -> None:
    """Nothing was complained of, and nobody else was asked for anything."""
    assert seen.complaints == []
    vendor = (here.page.url.removesuffix("/authorize"), "http://localhost:")
    strange = [url for url in seen.asked if not url.startswith((here.base, *vendor))]
    assert strange == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_person_connects_an_account(here: World, browser: Any, scripts: bool) -> None:
    async with window(browser, scripts=scripts) as (page, seen):
        await page.goto(f"{here.base}/connect/vendor")
        assert await page.title() == "Connect Vendor - ucal"
        await page.get_by_role("link", name="Continue to Vendor").click()
        await page.get_by_role("button", name="Allow").click()
        await page.get_by_role("heading", name="Vendor is connected").wait_for()
        assert "code=" not in page.url
        (made,) = await here.connections()
        assert (await page.locator("pre.id").inner_text()).strip() == made.id
        command = await page.locator("pre", has_text="ucal call").inner_text()
        grpcurl = await page.locator("pre", has_text="grpcurl").inner_text()
        clean(seen, here)
    ran = await ucal(*shlex.split(command)[1:])
    assert ran.code == 0, ran.err
    words = shlex.split(grpcurl)
    assert words[-2:] == [here.address, "ucal.v1.CalendarService/ListCalendars"]
    assert words[words.index("-d") + 1] == f'{{"connection_id": "{made.id}"}}'


async def test_a_person_says_no_and_then_yes(here: World, browser: Any) -> None:
    async with window(browser) as (page, seen):
        await page.goto(f"{here.base}/connect/vendor")
        await page.get_by_role("link", name="Continue to Vendor").click()
        await page.get_by_role("button", name="Deny").click()
        await page.get_by_role("heading", name="Not connected").wait_for()
        assert "vendor-canary" not in await page.content()
        await page.get_by_role("link", name="Try again").click()
        await page.get_by_role("link", name="Continue to Vendor").click()
        await page.get_by_role("button", name="Allow").click()
        await page.get_by_role("heading", name="Vendor is connected").wait_for()
        clean(seen, here)


async def test_an_answer_is_not_taken_twice(here: World, browser: Any) -> None:
    async with window(browser) as (page, seen):
        await page.goto(f"{here.base}/connect/vendor")
        await page.get_by_role("link", name="Continue to Vendor").click()
        await page.get_by_role("button", name="Allow").click()
        await page.get_by_role("heading", name="Vendor is connected").wait_for()
        (answer,) = [url for url in seen.asked if "/oauth/callback" in url]
        again = await page.goto(answer)
        assert again.status == 410
        await page.get_by_role("heading", name="This answer has been used").wait_for()
        async with window(browser) as (other, _):
            assert (await other.goto(answer)).status == 403
        clean(seen, here)
    assert len(await here.connections()) == 1


async def test_a_person_with_a_link_comes_back_to_the_app(
    vendor: VendorServer, browser: Any
) -> None:
    """By OAuth and by form, although the app sends them on: no policy stands in the way."""
    async with app() as uri, world(vendor, redirect_uris=[uri]) as here:
        async with window(browser, scripts=False) as (page, _):
            await page.goto(await here.link(return_uri=uri, display_name="Ann's desk"))
            assert "Ann's desk" in await page.locator("main").inner_text()
            await page.get_by_role("link", name="Continue to Vendor").click()
            await page.get_by_role("button", name="Allow").click()
            await page.get_by_text("app has").wait_for()
            (first,) = await here.connections()
            assert await page.locator("body").inner_text() == f"app has {first.id}"
        async with window(browser, scripts=False) as (page, seen):
            await page.goto(f"{await here.link(return_uri=uri)}&with=password")
            await page.get_by_label("User name").fill("ann")
            await page.get_by_label("Password").fill("secret")
            await page.get_by_role("button", name="Try it and connect").click()
            await page.get_by_text("app has").wait_for()
            assert seen.complaints == []
        assert len(await here.connections()) == 2


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_form_against_radicale(vendor: VendorServer, browser: Any, scripts: bool) -> None:
    with radicale() as server:
        async with httpx.AsyncClient(headers=signed(server), trust_env=False) as client:
            made = await client.request("MKCALENDAR", f"{server.url}{server.username}/team/")
            assert made.status_code == 201
        async with world(vendor) as here, window(browser, scripts=scripts) as (page, seen):
            await page.goto(f"{here.base}/connect/caldav")
            await page.get_by_label("Address of the server").fill(server.url)
            await page.get_by_label("User name").fill(server.username)
            await page.get_by_label("Password").fill("no such password")
            await page.get_by_role("button", name="Try it and connect").click()
            await page.get_by_role("alert").wait_for()
            assert await page.title() == "Error: Connect CalDAV - ucal"
            assert await page.locator(":focus").get_attribute("role") == "alert"
            assert await page.get_by_label("User name").input_value() == server.username
            assert await page.get_by_label("Password").input_value() == ""
            await page.get_by_role("alert").get_by_role("link").click()
            assert await page.locator(":focus").get_attribute("id") == "secret"
            await page.get_by_label("Password").fill(server.password)
            await page.get_by_role("button", name="Try it and connect").click()
            await page.get_by_role("heading", name="CalDAV is connected").wait_for()
            command = await page.locator("pre", has_text="ucal call").inner_text()
            clean(seen, here)
            ran = await ucal(*shlex.split(command)[1:])
            assert ran.code == 0, ran.err


async def test_the_keyboard_is_enough(here: World, browser: Any) -> None:
    async with window(browser) as (page, seen):
        await page.goto(f"{here.base}/connect/vendor")
        await page.keyboard.press("Tab")
        assert await page.locator(":focus").inner_text() == "Continue to Vendor"
        outline = await page.locator(":focus").evaluate("e => getComputedStyle(e).outlineWidth")
        assert outline == "3px"
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Allow").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Vendor is connected").wait_for()
        await page.goto(f"{here.base}/connect/vendor?with=password")
        for text in ("ann", "wrong"):
            await page.keyboard.press("Tab")
            await page.keyboard.type(text)
        await page.keyboard.press("Enter")
        await page.get_by_role("alert").wait_for()
        for _ in range(3):  # the link of the summary, the user name, the password
            await page.keyboard.press("Tab")
        await page.keyboard.type("secret")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Vendor is connected").wait_for()
        clean(seen, here)


PAGES = {
    "ask": "/connect/vendor",
    "form": "/connect/selfhosted",
    "trouble": "/connect/nothing",
}


async def every_page(here: World, page: Any) -> AsyncIterator[str]:
    """Brings up one page after another; the name of each."""
    for name, path in PAGES.items():
        await page.goto(f"{here.base}{path}")
        yield name
    await page.goto(f"{here.base}/connect/vendor?with=password")
    await page.get_by_label("User name").fill("ann")
    await page.get_by_role("button", name="Try it and connect").click()
    await page.get_by_role("alert").wait_for()
    yield "errors"
    await page.get_by_label("Password").fill("secret")
    await page.get_by_role("button", name="Try it and connect").click()
    await page.get_by_role("heading", name="Vendor is connected").wait_for()
    yield "done"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_axe_finds_nothing(here: World, browser: Any, dark: bool) -> None:
    """axe-core, which we did not write: landmarks, headings, names, contrast (WCAG 2.2 AA)."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright").Axe()
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    async with window(browser, dark=dark) as (page, _):
        async for name in every_page(here, page):
            found = await axe.run(page, options=options)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"
            assert len(found.response["passes"]) > 15
            unsure = [each["id"] for each in found.response["incomplete"]]
            assert "color-contrast" not in unsure, f"{name}: contrast could not be told"


async def test_both_themes_are_themes(here: World, browser: Any) -> None:
    grounds = []
    for dark in (False, True):
        async with window(browser, dark=dark) as (page, _):
            await page.goto(f"{here.base}/connect/vendor")
            grounds.append(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(238, 240, 246)", "rgb(15, 17, 23)"]


async def test_a_small_screen_is_wide_enough(here: World, browser: Any) -> None:
    async with window(browser, width=320, height=600) as (page, _):
        async for name in every_page(here, page):
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 320, f"{name} is {width} wide"
            for each in await page.locator("a.button, button, input:not([type=hidden])").all():
                box = await each.bounding_box()
                assert box["height"] >= 44, f"{name}: a target of {box['height']}"
                assert box["x"] + box["width"] <= 320
