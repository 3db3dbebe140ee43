"""`ucal connect --link`."""

import re

from tests.connect.person import back, said, to_the_vendor
from tests.connect.world import APP, World, browser
from tests.server.terminal import ucal


async def test_a_link_is_printed_and_works(here: World) -> None:
    ran = await ucal(
        *("connect", "vendor", "--link", "--label", "team=a", "--display-name", "Ann's desk"),
        *("--return-uri", APP, "--address", here.address),
    )
    assert ran.code == 0, ran.err
    assert re.match(r"Works once, until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", ran.err)
    link = ran.out.strip()
    assert link.startswith(f"{here.base}/connect/vendor?link=")
    async with browser() as person:
        answer = await back(person, await said(person, await to_the_vendor(person, link)))
    (made,) = await here.connections()
    assert answer.headers["location"] == f"{APP}&connection_id={made.id}"
    assert dict(made.labels) == {"team": "a"}


async def test_a_link_to_nowhere_is_refused(here: World) -> None:
    ran = await ucal(
        *("connect", "vendor", "--link", "--return-uri", "https://evil.example/"),
        *("--address", here.address),
    )
    assert ran.code == 3
    assert "return_uri" in ran.err
    assert ran.out == ""


async def test_options_that_do_not_go_together(here: World) -> None:
    for words in (("--link", "--id", "a"), ("--return-uri", APP), ("--link", "--label", "a")):
        ran = await ucal("connect", "vendor", *words, "--address", here.address)
        assert ran.code == 2
