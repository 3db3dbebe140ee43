"""Forms: tried at the provider first, one connection each, and nobody else's to send."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from providers.registry import PROVIDERS
from tests.connect.person import back, fill_in, post, text_of, token_of
from tests.connect.world import APP, World, browser, pages, world
from tests.server.house import basic
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

pb = connection_pb2
RIGHT = {"user": "ann", "secret": "secret"}
WRONG = {"user": "ann", "secret": "wrong-canary"}
XSS = "\"'><script>alert(1)</script>{{1000001*7}}"


@pytest.fixture
async def person() -> AsyncIterator[ClientSession]:
    """Somebody's browser."""
    async with browser() as found:
        yield found


def form(here: World) -> str:
    """The page of the vendor's password form."""
    return f"{here.base}/connect/vendor?with=password"


async def test_a_password_that_works_makes_a_connection(here: World, person: ClientSession) -> None:
    answer = await fill_in(person, form(here), **RIGHT)
    assert answer.status == 303
    (made,) = await here.connections()
    assert f"<code>{made.id}</code>" in await text_of(person, answer.headers["location"])
    tested = await here.rpc.TestConnection(pb.TestConnectionRequest(id=made.id))
    assert tested.result.code == 0


async def test_a_wrong_password_is_told_and_not_repeated(
    here: World, person: ClientSession
) -> None:
    answer = await fill_in(person, form(here), **WRONG)
    page = await answer.text()
    assert answer.status == 422
    assert "wrong-canary" not in page
    assert 'value="ann"' in page
    field = re.search(r'<input id="secret"[^>]*>', page)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="secret-error"' in field[0]
    assert 'id="secret-error">Vendor does not accept this password.' in page
    assert 'href="#secret"' in page
    assert "<title>Error: Connect Vendor - ucal</title>" in page
    assert await here.connections() == []
    # The form that came back works.
    again = re.search(r'name="form" value="([^"]+)"', page)
    assert again
    assert (await post(person, form(here), {"form": again[1], **RIGHT})).status == 303


async def test_what_is_missing_is_told_before_the_provider_is_asked(
    here: World, person: ClientSession, vendor: VendorServer
) -> None:
    answer = await fill_in(person, form(here), user=" ", secret="")
    page = await answer.text()
    assert answer.status == 422
    assert "User name is needed." in page
    assert "Password is needed." in page
    assert not vendor.calls


async def test_a_form_sent_twice_makes_one_connection(here: World, person: ClientSession) -> None:
    link = f"{await here.link()}&with=password"
    token = await token_of(person, link)
    answers = await asyncio.gather(
        *(post(person, link, {"form": token, **RIGHT}) for _ in range(3))
    )
    assert [each.status for each in answers] == [303] * 3
    assert len(await here.connections()) == 1
    async with browser() as other:
        assert "has been used" in await text_of(other, link, 410)


async def test_a_link_is_used_up_by_a_form_that_works_only(
    here: World, person: ClientSession
) -> None:
    link = f"{await here.link(labels={'team': 'a'})}&with=password"
    async with browser() as other:
        foreign = await token_of(other, link)
        assert (await fill_in(person, link, **WRONG)).status == 422
        assert (await fill_in(person, link, **RIGHT)).status == 303
        assert (await post(other, link, {"form": foreign, **RIGHT})).status == 410
    (made,) = await here.connections()
    assert dict(made.labels) == {"team": "a"}


async def test_after_a_form_the_person_goes_back_to_the_app(
    here: World, person: ClientSession
) -> None:
    link = f"{await here.link(return_uri=APP)}&with=password"
    answer = await fill_in(person, link, **RIGHT)
    done = await back(person, answer.headers["location"])
    (made,) = await here.connections()
    assert done.headers["refresh"] == f"0; url={APP}&connection_id={made.id}"
    assert f"{APP}&amp;connection_id={made.id}" in await done.text()


async def test_a_password_is_renewed_in_place(here: World, person: ClientSession) -> None:
    old = basic("mine", labels={"team": "a"})
    old.basic.password = "old"
    await here.rpc.CreateConnection(pb.CreateConnectionRequest(connection=old))
    link = f"{await here.link(connection_id='mine')}&with=password"
    answer = await fill_in(person, link, **RIGHT)
    assert "connected again" in await text_of(person, answer.headers["location"])
    (made,) = await here.connections()
    assert (made.id, dict(made.labels)) == ("mine", {"team": "a"})
    tested = await here.rpc.TestConnection(pb.TestConnectionRequest(id="mine"))
    assert tested.result.code == 0


async def test_a_form_of_another_site_is_not_taken(here: World, person: ClientSession) -> None:
    """CSRF: no cookie, another browser's form, none, a forged one, and what browsers say of it."""
    mine = await token_of(person, form(here))
    async with browser() as other:
        theirs = await token_of(other, form(here))
        async with browser() as nobody:
            assert (await post(nobody, form(here), {"form": mine, **RIGHT})).status == 403
    for values in ({"form": theirs, **RIGHT}, RIGHT, {"form": "", **RIGHT}, {"form": "x", **RIGHT}):
        assert (await post(person, form(here), values)).status == 403
    async with person.post(
        form(here), data={"form": mine, **RIGHT}, headers={"sec-fetch-site": "cross-site"}
    ) as answer:
        assert answer.status == 403
    # A form of one way, provider or link is no form of another.
    key = f"{here.base}/connect/vendor?with=key"
    assert (await post(person, key, {"form": mine, **RIGHT})).status == 403
    link = f"{await here.link()}&with=password"
    assert (await post(person, link, {"form": mine, **RIGHT})).status == 403
    assert await here.connections() == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"form=x&secret=" + b"a" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"f%d=1" % n for n in range(50)), "application/x-www-form-urlencoded", 400),
        (b"form=\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"form=%ff", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"", "multipart/form-data; boundary=x", 415),
    ],
)
async def test_bodies_are_bounded(
    here: World, person: ClientSession, body: bytes, kind: str, status: int
) -> None:
    headers = {"content-type": kind}
    async with person.post(form(here), data=body, headers=headers) as answer:
        assert answer.status == status


async def test_an_encoding_that_is_none_is_no_form(here: World, person: ClientSession) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip"}
    async with person.post(form(here), data=b"form=x", headers=headers) as answer:
        assert answer.status == 400
        assert "This is no form" in await answer.text()


async def test_values_are_escaped_wherever_they_stand(here: World, person: ClientSession) -> None:
    answer = await fill_in(person, form(here), user=XSS, secret="x")
    found = [await answer.text()]
    named = await here.link(display_name=XSS, labels={"a": XSS})
    found.append(await text_of(person, named))
    for path in (
        f"/connect/{XSS}",
        f"/connect/vendor?with={XSS}",
        f"/connect/vendor?link={XSS}",
        f"/connect/vendor/done?receipt={XSS}",
        f"/oauth/callback?state={XSS}&error={XSS}&error_description={XSS}",
    ):
        async with person.get(f"{here.base}{path}") as page:
            found.append(await page.text())
    for text in found:
        assert "<script" not in text
        assert "7000007" not in text
    assert "&lt;script&gt;" in found[0]
    assert "&lt;script&gt;" in found[1]


async def test_guessing_through_a_link_ends(here: World, person: ClientSession) -> None:
    link = f"{await here.link()}&with=password"
    answers = [(await fill_in(person, link, **WRONG)).status for _ in range(11)]
    assert answers == [422] * 10 + [429]


async def test_a_server_of_ones_own(
    here: World, person: ClientSession, vendor: VendorServer
) -> None:
    page = f"{here.base}/connect/selfhosted"
    missing = await fill_in(person, page, base_url="", **RIGHT)
    assert "Address of the server is needed." in await missing.text()
    for url in ("http://169.254.169.254/", "http://[::1]:1/", "ftp://x.example", "https://a b"):
        refused = await fill_in(person, page, base_url=url, **RIGHT)
        text = await refused.text()
        assert refused.status == 422, url
        assert 'id="base_url-error"' in text, url
    assert (await fill_in(person, page, base_url=vendor.url, **RIGHT)).status == 303
    (made,) = await here.connections()
    assert made.base_url == vendor.url


async def test_a_provider_without_accounts(here: World, person: ClientSession) -> None:
    answer = await fill_in(person, f"{here.base}/connect/plain")
    assert answer.status == 303
    page = await text_of(person, answer.headers["location"])
    assert "Plain is connected" in page


async def test_an_outage_of_the_provider_is_told(
    vendor: VendorServer, person: ClientSession
) -> None:
    providers = vendor.settings()
    providers["vendor"]["base_url"] = "http://127.0.0.1:9"
    async with world(vendor, providers=providers) as here:
        answer = await fill_in(person, form(here), **RIGHT)
        assert answer.status == 503
        assert "does not answer at the moment" in await answer.text()
        assert await here.connections() == []


async def test_every_provider_has_a_page(vendor: VendorServer, person: ClientSession) -> None:
    client = {"client_id": "client", "client_secret": "s"}
    providers = dict.fromkeys(PROVIDERS, client) | vendor.settings()
    async with pages(vendor, providers=providers) as (base, _):
        for name in PROVIDERS:
            page = await text_of(person, f"{base}/connect/{name}")
            assert "<h1>Connect " in page
            assert page.count("<li>") >= 1, f"{name}: nothing is said of what it is for"
            for way in re.findall(r'href="([^"]*with=[^"]*)"', page):
                assert "<h1>Connect " in await text_of(person, way.replace("&amp;", "&"))
