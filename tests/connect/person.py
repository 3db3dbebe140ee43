"""What a person does, without a browser window: press the button, answer the vendor, fill in."""

import html
import re

from aiohttp import ClientResponse, ClientSession
from yarl import URL


async def text_of(person: ClientSession, url: str, status: int = 200) -> str:
    """The page at `url`."""
    async with person.get(URL(url, encoded=True)) as answer:
        assert answer.status == status, await answer.text()
        return await answer.text()


async def to_the_vendor(person: ClientSession, page: str) -> str:
    """Where the page's button leads."""
    found = re.search(r'class="button"[^>]* href="([^"]+)"', await text_of(person, page))
    assert found
    answer = await back(person, html.unescape(found[1]))
    assert answer.status == 303
    return answer.headers["location"]


async def said(person: ClientSession, authorize: str, answer: str = "yes") -> str:
    """Where the vendor sends a person back to, who answered so."""
    async with person.get(URL(authorize, encoded=True)) as login:
        assert login.status == 200, await login.text()
        url = login.url
    async with person.post(url, data={"say": answer}, allow_redirects=False) as response:
        return response.headers["location"]


async def back(person: ClientSession, url: str) -> ClientResponse:
    """The answer at `url`, read, no redirect followed."""
    async with person.get(URL(url, encoded=True), allow_redirects=False) as answer:
        await answer.read()
        return answer


async def token_of(person: ClientSession, page: str) -> str:
    """The form's token."""
    found = re.search(r'name="form" value="([^"]+)"', await text_of(person, page))
    assert found
    return found[1]


async def fill_in(person: ClientSession, page: str, **values: str) -> ClientResponse:
    """The answer to the page's form with `values`, read, no redirect followed."""
    values = {"form": await token_of(person, page), **values}
    return await post(person, page, values)


async def post(person: ClientSession, page: str, values: dict[str, str]) -> ClientResponse:
    """The answer to a form, read, no redirect followed."""
    async with person.post(URL(page, encoded=True), data=values, allow_redirects=False) as answer:
        await answer.read()
        return answer
