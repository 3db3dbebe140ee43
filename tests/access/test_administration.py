"""ConnectionService under policies: what may be made, moved, listed and taken away."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.access.door import Door, Place, grant, opened, place
from ucal.v1 import connection_pb2

pb = connection_pb2


@pytest.fixture
def where(tmp_path: Path) -> Place:
    return place(tmp_path, redirect_uris=["https://app.example.com/back"])


@pytest.fixture
async def door(where: Place) -> AsyncIterator[Door]:
    async with opened(where) as found:
        yield found


def new(own_id: str = "", tenant: str = "", provider: str = "sandbox") -> Any:
    labels = {"tenant": tenant} if tenant else {}
    return pb.CreateConnectionRequest(
        connection=pb.Connection(id=own_id, provider=provider, labels=labels)
    )


ACME = grant("admin", connections=(), labels={"tenant": "acme"})
NO = ("PERMISSION_DENIED", "ACCESS_DENIED")


async def test_a_tenant_makes_connections_with_its_own_labels_alone(
    where: Place, door: Door
) -> None:
    key = await where.key(ACME)
    made = (await door.call("CreateConnection", new(tenant="acme"), key)).connection
    assert made.labels == {"tenant": "acme"}
    for wrong in (new(), new(tenant="globex")):
        assert (await door.refusal("CreateConnection", wrong, key)).short == NO
    # An id of one's choice would tell which ids others have.
    assert (await door.refusal("CreateConnection", new("mine", "acme"), key)).short == NO


async def test_ids_are_chosen_by_those_whose_policy_names_them(where: Place, door: Door) -> None:
    named = await where.key(grant("admin", connections=("acme-*",), labels={"tenant": "acme"}))
    every = await where.key(grant("admin"))
    assert (await door.call("CreateConnection", new("acme-1", "acme"), named)).connection
    for wrong in (new("other", "acme"), new("acme-2", "globex"), new("", "acme")):
        assert (await door.refusal("CreateConnection", wrong, named)).short == NO
    assert (await door.call("CreateConnection", new("any", "x"), every)).connection.id == "any"


async def test_a_provider_in_the_policy_bounds_what_is_made(where: Place, door: Door) -> None:
    key = await where.key(grant("admin", connections=(), providers=["sandbox"]))
    assert (await door.call("CreateConnection", new(), key)).connection.provider == "sandbox"
    assert (await door.refusal("CreateConnection", new(provider="caldav"), key)).short == NO


async def test_a_connection_cannot_be_moved_to_another_tenant(where: Place, door: Door) -> None:
    key, root = await where.key(ACME), await where.key(grant("admin"))
    own = (await door.call("CreateConnection", new(tenant="acme"), key)).connection
    foreign = (await door.call("CreateConnection", new(tenant="globex"), root)).connection
    for mask, labels in (
        (None, {"tenant": "globex"}),
        (["labels"], {}),
        (["labels"], {"tenant": "globex"}),
        (["labels", "display_name"], {"team": "x"}),
    ):
        asked = pb.UpdateConnectionRequest(id=own.id, connection=pb.Connection(labels=labels))
        if mask is not None:
            asked.update_mask.paths.extend(mask)
        assert (await door.refusal("UpdateConnection", asked, key)).short == NO
    read = await door.call("GetConnection", pb.GetConnectionRequest(id=own.id), key)
    assert read.connection.labels == {"tenant": "acme"}
    rename = pb.UpdateConnectionRequest(id=own.id, connection=pb.Connection(display_name="n"))
    assert (await door.call("UpdateConnection", rename, key)).connection.display_name == "n"
    # Nor can a foreign one be pulled over.
    steal = pb.UpdateConnectionRequest(
        id=foreign.id, connection=pb.Connection(labels={"tenant": "acme"})
    )
    assert (await door.refusal("UpdateConnection", steal, key)).code == "NOT_FOUND"


async def test_a_change_of_labels_counts_for_the_next_call(where: Place, door: Door) -> None:
    key, root = await where.key(ACME), await where.key(grant("admin"))
    own = (await door.call("CreateConnection", new(tenant="acme"), key)).connection
    request = pb.GetConnectionRequest(id=own.id)
    assert (await door.refusal("GetConnection", request, key)).code == "OK"
    move = pb.UpdateConnectionRequest(
        id=own.id, connection=pb.Connection(labels={"tenant": "globex"})
    )
    await door.call("UpdateConnection", move, root)
    assert (await door.refusal("GetConnection", request, key)).code == "NOT_FOUND"


async def test_deleting_what_one_does_not_see_is_deleting_nothing(where: Place, door: Door) -> None:
    key, root = await where.key(ACME), await where.key(grant("admin"))
    foreign = (await door.call("CreateConnection", new(tenant="globex"), root)).connection
    for own_id in (foreign.id, "nobody"):
        missing = pb.DeleteConnectionRequest(id=own_id, allow_missing=True)
        assert (await door.call("DeleteConnection", missing, key)).already_absent
        strict = pb.DeleteConnectionRequest(id=own_id)
        assert (await door.refusal("DeleteConnection", strict, key)).code == "NOT_FOUND"
    read = await door.call("GetConnection", pb.GetConnectionRequest(id=foreign.id), root)
    assert read.connection.id == foreign.id


async def test_lists_have_neither_others_nor_holes_nor_tokens_that_tell(
    where: Place, door: Door
) -> None:
    key, root = await where.key(ACME), await where.key(grant("admin"))
    for number in range(9):
        tenant = "acme" if number % 3 == 0 else "globex"
        await door.call("CreateConnection", new(f"c{number}", tenant), root)
    pages, token = [], ""
    while True:
        answer = await door.call(
            "ListConnections", pb.ListConnectionsRequest(page_size=2, page_token=token), key
        )
        pages.append([each.id for each in answer.connections])
        token = answer.next_page_token
        if not token:
            break
    assert pages == [["c0", "c3"], ["c6"]]
    whole = await door.call("ListConnections", pb.ListConnectionsRequest(page_size=3), key)
    assert len(whole.connections) == 3
    # Connections that others have lie behind; no token says so.
    assert whole.next_page_token == ""
    nobody = await where.key(grant("read", labels={"tenant": "nobody"}))
    empty = await door.call("ListConnections", pb.ListConnectionsRequest(), nobody)
    assert (len(empty.connections), empty.next_page_token) == (0, "")


async def test_the_dance_begins_for_connections_that_may_be_made(where: Place, door: Door) -> None:
    key = await where.key(ACME)
    asked = pb.StartAuthorizationRequest(
        provider="google_calendar", redirect_uri="https://app.example.com/back"
    )
    assert (await door.refusal("StartAuthorization", asked, key)).short == NO
    link = pb.CreateConnectLinkRequest(provider="google_calendar", labels={"tenant": "globex"})
    assert (await door.refusal("CreateConnectLink", link, key)).short == NO
    link.labels["tenant"] = "acme"
    assert (await door.refusal("CreateConnectLink", link, key)).short != NO
    for own_id in ("nobody",):
        asked.connection_id = own_id
        assert (await door.refusal("StartAuthorization", asked, key)).code == "NOT_FOUND"


async def test_a_request_id_of_another_tenant_shows_nothing(where: Place, door: Door) -> None:
    """It is each caller's own: the same one makes another connection, and tells of none."""
    key, root = await where.key(ACME), await where.key(grant("admin"))
    foreign = new(tenant="globex")
    foreign.request_id = "6f1ed002-ab1e-4f2c-9f0e-5b1a3c7d9e11"
    made = (await door.call("CreateConnection", foreign, root)).connection
    mine = new(tenant="acme")
    mine.request_id = foreign.request_id
    own = (await door.call("CreateConnection", mine, key)).connection
    assert (own.id != made.id, own.labels) == (True, {"tenant": "acme"})
    for asked, whose, known in ((mine, key, own), (foreign, root, made)):
        again = (await door.call("CreateConnection", asked, whose)).connection
        assert again.id == known.id


DANCING: dict[str, Any] = {
    "redirect_uris": ["https://app.example.com/back"],
    "providers": {
        "google_calendar": {
            "client_id": "c",
            "client_secret": "s",
            "token_url": "http://127.0.0.1:1/token",
        }
    },
}


async def test_a_state_does_not_reach_a_connection_that_was_moved_away(tmp_path: Path) -> None:
    """Else the account of whoever began would be put under the other tenant's connection."""
    where = place(tmp_path, **DANCING)
    key, root = await where.key(ACME), await where.key(grant("admin"))
    theirs = new(tenant="acme", provider="google_calendar")
    theirs.connection.oauth.refresh_token = "r"
    async with opened(where) as door:
        made = (await door.call("CreateConnection", theirs, root)).connection
        begun = pb.StartAuthorizationRequest(
            provider="google_calendar",
            redirect_uri="https://app.example.com/back",
            connection_id=made.id,
        )
        states = [(await door.call("StartAuthorization", begun, key)).state for _ in range(2)]
        # As long as it is theirs they get as far as the vendor.
        ended = pb.CompleteAuthorizationRequest(state=states[0], code="c")
        assert (await door.refusal("CompleteAuthorization", ended, key)).code == "UNAVAILABLE"
        move = pb.UpdateConnectionRequest(
            id=made.id, connection=pb.Connection(labels={"tenant": "globex"})
        )
        await door.call("UpdateConnection", move, root)
        ended.state = states[1]
        assert (await door.refusal("CompleteAuthorization", ended, key)).code == "NOT_FOUND"


async def test_a_state_is_of_the_caller_that_began(tmp_path: Path) -> None:
    """Who has read another's state cannot end that dance with an account of its own."""
    where = place(tmp_path, **DANCING)
    first, second = await where.key(grant("admin")), await where.key(grant("admin"))
    begun = pb.StartAuthorizationRequest(
        provider="google_calendar", redirect_uri="https://app.example.com/back"
    )
    async with opened(where) as door:
        state = (await door.call("StartAuthorization", begun, first)).state
        ended = pb.CompleteAuthorizationRequest(state=state, code="c")
        refusal = await door.refusal("CompleteAuthorization", ended, second)
        assert refusal.code == "INVALID_ARGUMENT"
        assert "begin anew" in refusal.message
        # The state is not used up by that, and its own caller gets as far as the vendor.
        own = await door.refusal("CompleteAuthorization", ended, first)
        assert own.code == "UNAVAILABLE"
