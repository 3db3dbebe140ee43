"""Whose secrets a connection may refer to: what is set apart is so for all tenants together."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.settings import SettingsError, parse
from tests.access.door import Door, Place, grant, opened, place
from ucal.v1 import connection_pb2

pb = connection_pb2
NO = ("PERMISSION_DENIED", "ACCESS_DENIED")
TENANT: dict[str, Any] = {"connections": (), "labels": {"tenant": "acme"}}


@pytest.fixture
def where(tmp_path: Path) -> Place:
    for name in ("acme", "globex"):
        folder = tmp_path / "secrets" / name
        folder.mkdir(parents=True)
        (folder / "login").write_text('{"username": "u", "password": "p"}')
    return place(tmp_path, secrets={"folder": str(tmp_path / "secrets")})


@pytest.fixture
async def door(where: Place) -> AsyncIterator[Door]:
    async with opened(where) as found:
        yield found


def referring(store: str, key: str) -> Any:
    """A connection that would send what is referred to, to a host of its maker's."""
    made = pb.Connection(
        provider="caldav", base_url="https://dav.example.com/", labels={"tenant": "acme"}
    )
    made.secret_reference.store, made.secret_reference.key = store, key
    return made


async def test_a_tenant_refers_to_no_secret_of_another(where: Place, door: Door) -> None:
    key = await where.key(grant("admin", **TENANT, secrets=["file:acme/*"]))
    own = pb.CreateConnectionRequest(connection=referring("file", "acme/login"))
    made = (await door.call("CreateConnection", own, key)).connection
    for store, name in (
        ("file", "globex/login"),
        ("file", "acme/../globex/login"),
        ("file", "acme/./../globex/login"),
        ("file", "./globex/login"),
        ("file", "acme//login"),
        ("env", "UCAL_SECRET_GLOBEX"),
    ):
        asked = referring(store, name)
        create = pb.CreateConnectionRequest(connection=asked)
        assert (await door.refusal("CreateConnection", create, key)).short == NO, name
        update = pb.UpdateConnectionRequest(id=made.id, connection=asked)
        assert (await door.refusal("UpdateConnection", update, key)).short == NO, name
        update.update_mask.paths.extend(["secret_reference", "base_url"])
        assert (await door.refusal("UpdateConnection", update, key)).short == NO, name
    read = await door.call("GetConnection", pb.GetConnectionRequest(id=made.id), key)
    assert read.connection.secret_reference.key == "acme/login"
    # What is read and written back, but for the reference, needs no right to it.
    read.connection.display_name = "n"
    rename = pb.UpdateConnectionRequest(id=made.id, connection=read.connection)
    rename.update_mask.paths.append("display_name")
    assert (await door.refusal("UpdateConnection", rename, key)).code == "OK"


async def test_without_secrets_in_its_policy_a_tenant_refers_to_none(
    where: Place, door: Door
) -> None:
    key = await where.key(grant("admin", **TENANT), grant("admin", providers=["caldav"]))
    asked = pb.CreateConnectionRequest(connection=referring("file", "acme/login"))
    assert (await door.refusal("CreateConnection", asked, key)).short == NO


async def test_who_administers_everything_refers_to_what_is_set_apart(
    where: Place, door: Door
) -> None:
    key = await where.key(grant("admin"))
    asked = pb.CreateConnectionRequest(connection=referring("file", "globex/login"))
    assert (await door.refusal("CreateConnection", asked, key)).code == "OK"


async def test_a_right_to_read_is_none_to_refer(where: Place, door: Door) -> None:
    key = await where.key(
        grant("admin", **TENANT), grant("read", **TENANT, secrets=["file:acme/*"])
    )
    asked = pb.CreateConnectionRequest(connection=referring("file", "acme/login"))
    assert (await door.refusal("CreateConnection", asked, key)).short == NO


@pytest.mark.parametrize("text", ["acme/*", "vault:", "vault:a b", "vault:*/a", "s3:bucket/x"])
def test_references_that_are_none(text: str) -> None:
    policy = {"subjects": ["*"], "allow": ["admin"], "labels": {"a": "b"}, "secrets": [text]}
    with pytest.raises(SettingsError, match=r"policies\.secrets"):
        parse({"policies": [policy]})
