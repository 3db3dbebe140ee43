"""Answers of another vendor than was asked (RFC 9207; RFC 9700 section 4.4)."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tests.connect.person import back, said, text_of, to_the_vendor
from tests.connect.world import World, browser, world
from tests.server.vendor import VendorServer

GOOGLE = "https://accounts.google.com"


@pytest.fixture
async def person() -> AsyncIterator[ClientSession]:
    """Somebody's browser."""
    async with browser() as found:
        yield found


@pytest.fixture
async def two(vendor: VendorServer) -> AsyncIterator[World]:
    """A service with a vendor that does not say who it is, and one that does."""
    async with world(vendor, with_oauth={"google_calendar": True}) as found:
        yield found


@pytest.mark.parametrize(
    ("asked", "issuers"),
    [
        ("vendor", (GOOGLE,)),
        ("vendor", ("https://vendor.example", GOOGLE)),
        ("google_calendar", ("https://vendor.example",)),
        ("google_calendar", (GOOGLE, "https://vendor.example")),
        ("google_calendar", (f"{GOOGLE}/",)),
        ("google_calendar", ("",)),
    ],
)
async def test_an_answer_of_another_vendor_is_not_taken(
    two: World, person: ClientSession, vendor: VendorServer, asked: str, issuers: tuple[str, ...]
) -> None:
    link = await two.link(asked)
    two.page.issuers = issuers
    for answer in ("yes", "no"):
        url = await said(person, await to_the_vendor(person, link), answer)
        assert "Somebody else answered" in await text_of(person, url, 403)
    assert vendor.asked == []
    assert await two.connections() == []
    # Neither the link nor the state is used up by it.
    two.page.issuers = ()
    assert (await back(person, await said(person, await to_the_vendor(person, link)))).status == 303


@pytest.mark.parametrize(
    ("asked", "issuers"),
    [
        ("vendor", ()),
        ("vendor", ("https://vendor.example",)),
        ("google_calendar", ()),
        ("google_calendar", (GOOGLE,)),
    ],
)
async def test_an_answer_of_the_vendor_itself_is_taken(
    two: World, person: ClientSession, asked: str, issuers: tuple[str, ...]
) -> None:
    two.page.issuers = issuers
    url = await said(person, await to_the_vendor(person, await two.link(asked)))
    assert (await back(person, url)).status == 303
    assert [each.provider for each in await two.connections()] == [asked]
