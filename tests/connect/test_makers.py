"""Links and dances whose makers may do less than they might: what they began comes to nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from server.access.key_check import FRESH_SECONDS, KeyCheck
from server.access.makers import DANCE, LINK, Begun, Makers
from server.access.rpcs import Rpc
from server.access.sight import Sight
from server.access.subjects import Subjects
from server.settings_model import Grant, Policy
from tests.access.door import Place, grant, place
from tests.connect.person import back, post, said, text_of, to_the_vendor, token_of
from tests.connect.world import World, browser, world
from tests.server.vendor import VendorServer
from ucal.v1 import connection_pb2

pb = connection_pb2
ACME = grant("admin", connections=(), labels={"tenant": "acme"})
ENDED = "does not count any more"


@pytest.fixture
async def person() -> AsyncIterator[ClientSession]:
    """Somebody's browser."""
    async with browser() as found:
        yield found


@pytest.fixture
def where(tmp_path: Path) -> Place:
    return place(tmp_path)


@asynccontextmanager
async def served(vendor: VendorServer, where: Place, **more: Any) -> AsyncIterator[World]:
    """The service on the store of `where`, with access by API key."""
    kept = {"store": where.settings.store, "keyring": where.settings.keyring}
    given = {**kept, "access": {"mode": ["api_key"]}, **more}
    async with world(vendor, **given) as found:
        yield found


def bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)


async def link_of(here: World, key: str, **fields: Any) -> str:
    """A link that the holder of `key` made."""
    request = pb.CreateConnectLinkRequest(provider="vendor", **fields)
    return str((await here.rpc.CreateConnectLink(request, metadata=bearer(key))).url)


async def revoke(where: Place, key: str) -> None:
    async with where.keys() as keys:
        assert await keys.revoke(key.split("_")[2])


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Revocations are known at once, not within `FRESH_SECONDS`."""
    assert FRESH_SECONDS <= 4
    inner = KeyCheck._row

    async def row(self: KeyCheck, key_id: str) -> Any:
        self._fresh.drop(key_id)
        return await inner(self, key_id)

    monkeypatch.setattr(KeyCheck, "_row", row)


async def made(where: Place, here: World) -> int:
    """How many connections there are."""
    root = await where.key(grant("admin"))
    request = pb.ListConnectionsRequest()
    return len((await here.rpc.ListConnections(request, metadata=bearer(root))).connections)


@pytest.mark.usefixtures("at_once")
async def test_a_link_ends_with_the_key_that_made_it(
    vendor: VendorServer, where: Place, person: ClientSession
) -> None:
    key = await where.key(ACME)
    async with served(vendor, where) as here:
        link = await link_of(here, key, labels={"tenant": "acme"})
        came = await said(person, await to_the_vendor(person, link))
        form = f"{link}&with=password"
        token = await token_of(person, form)
        await revoke(where, key)
        # Opened, filled in, and come back from the vendor to.
        assert ENDED in await text_of(person, link, 410)
        values = {"form": token, "user": "ann", "secret": "secret"}
        assert (await post(person, form, values)).status == 410
        assert ENDED in await text_of(person, came, 410)
        assert await made(where, here) == 0
        assert vendor.asked == []


async def test_a_link_of_a_key_that_is_good_yet_works(
    vendor: VendorServer, where: Place, person: ClientSession
) -> None:
    key = await where.key(ACME)
    async with served(vendor, where) as here:
        link = await link_of(here, key, labels={"tenant": "acme"})
        assert (await back(person, await said(person, await to_the_vendor(person, link)))).status
        assert await made(where, here) == 1


@pytest.mark.usefixtures("at_once")
async def test_a_connection_that_was_moved_away_is_not_renewed_by_an_old_link(
    vendor: VendorServer, where: Place, person: ClientSession
) -> None:
    key, root = await where.key(ACME), await where.key(grant("admin"))
    async with served(vendor, where) as here:
        new = pb.Connection(id="desk", provider="vendor", labels={"tenant": "acme"})
        new.basic.username, new.basic.password = "ann", "secret"
        request = pb.CreateConnectionRequest(connection=new)
        await here.rpc.CreateConnection(request, metadata=bearer(root))
        link = await link_of(here, key, connection_id="desk")
        came = await said(person, await to_the_vendor(person, link))
        moved = pb.Connection(labels={"tenant": "globex"})
        update = pb.UpdateConnectionRequest(id="desk", connection=moved)
        await here.rpc.UpdateConnection(update, metadata=bearer(root))
        assert ENDED in await text_of(person, came, 410)
        assert ENDED in await text_of(person, link, 410)


@pytest.mark.usefixtures("at_once")
async def test_what_a_program_began_ends_with_its_key_too(
    vendor: VendorServer, where: Place, person: ClientSession
) -> None:
    key = await where.key(grant("admin"))
    async with served(vendor, where, public_url="http://127.0.0.1:1") as here:
        callback = "http://127.0.0.1:1/oauth/callback"
        begin = pb.StartAuthorizationRequest(provider="vendor", redirect_uri=callback)
        begun = await here.rpc.StartAuthorization(begin, metadata=bearer(key))
        came = f"{here.base}/oauth/callback?state={begun.state}&code=c"
        token = await token_of(person, came)
        await revoke(where, key)
        assert (await post(person, f"{here.base}/oauth/callback", {"form": token})).status == 410
        assert ENDED in await text_of(person, came, 410)
        assert vendor.asked == []


async def test_a_link_from_when_access_was_open_ends_with_that(
    vendor: VendorServer, where: Place, person: ClientSession
) -> None:
    kept = {"store": where.settings.store, "keyring": where.settings.keyring}
    async with world(vendor, **kept) as here:
        path = (await here.link()).removeprefix(here.base)
        came = (await said(person, await to_the_vendor(person, here.base + path))).removeprefix(
            here.base
        )
    async with served(vendor, where) as here:
        assert ENDED in await text_of(person, here.base + path, 410)
        assert ENDED in await text_of(person, here.base + came, 410)


# -- who is asked about


class Nowhere:
    """A directory with one connection."""

    async def get(self, connection_id: str) -> connection_pb2.Connection:
        return pb.Connection(id=connection_id, provider="vendor", labels={"tenant": "acme"})


def makers(*policies: Policy, modes: tuple[str, ...] = ("mtls", "oidc")) -> Makers:
    subjects = Subjects(policies)
    return Makers(keys=None, subjects=subjects, sight=Sight(Nowhere()), modes=modes, whole=240)


def begun(maker: str, rpc: Rpc = LINK, **more: Any) -> Begun:
    given = {"connection_id": "", "provider": "vendor", "labels": {"tenant": "acme"}, **more}
    return Begun(rpc, maker, **given)


SPIFFE = "spiffe://example.org/acme/app"


def policy(**more: Any) -> Policy:
    base: Grant = ACME
    given = {"allow": base.allow, "labels": base.labels, "subjects": (SPIFFE,), **more}
    return Policy(**given)


@pytest.mark.parametrize("rpc", [LINK, DANCE])
async def test_a_certificates_maker_is_held_against_the_policies_as_they_are(rpc: Rpc) -> None:
    assert await makers(policy()).may(begun(SPIFFE, rpc))
    assert await makers(policy()).may(begun(SPIFFE, rpc, connection_id="desk"))
    for other in (
        policy(labels={"tenant": "globex"}),
        policy(allow=("write",)),
        policy(providers=("zoom",)),
        policy(subjects=("spiffe://example.org/globex/*",)),
    ):
        assert not await makers(other).may(begun(SPIFFE, rpc))
    assert not await makers(policy(labels={"tenant": "globex"})).may(
        begun(SPIFFE, rpc, connection_id="desk")
    )


@pytest.mark.parametrize(
    ("maker", "modes", "may"),
    [
        ("oidc:0011", ("oidc",), True),
        ("oidc:0011", ("mtls",), False),
        ("dns:caller.example.org", ("mtls",), True),
        ("dns:caller.example.org", ("oidc",), False),
        (SPIFFE, ("oidc",), False),
        ("api_key:0123456789abcdef", ("oidc",), False),
        ("", ("oidc", "mtls"), False),
        ("open", ("oidc", "mtls"), False),
        (f"{SPIFFE}/{'x' * 240}"[:240], ("mtls",), True),
    ],
)
async def test_makers_of_whom_less_is_known(maker: str, modes: tuple[str, ...], may: bool) -> None:
    assert await makers(modes=modes).may(begun(maker)) is may
