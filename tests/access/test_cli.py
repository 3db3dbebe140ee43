"""`ucal api-keys` against a store, and the keys it makes against a service; `ucal doctor`."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from server.access.key_format import PATTERN, digest
from server.service import running
from tests.access.door import Place, place
from tests.server.terminal import ucal

BOX = [{"id": "box", "provider": "sandbox", "labels": {"tenant": "acme"}}]


@pytest.fixture
def where(tmp_path: Path) -> Place:
    return place(tmp_path, connections=BOX)


@pytest.fixture
def variables(where: Place, tmp_path: Path) -> dict[str, str]:
    """The environment of commands that share the store."""
    return {
        "UCAL_STORE": where.settings.store,
        "UCAL_KEYRING": where.settings.keyring,
        "UCAL_ACCESS": "api_key",
        "UCAL_HTTP_LISTEN": "",
    }


async def test_a_keys_life(where: Place, variables: dict[str, str], tmp_path: Path) -> None:
    made = await ucal(
        "api-keys", "create", "acme", "--allow", "read", "--label", "tenant=acme",
        "--expires", "90d", **variables,
    )  # fmt: skip
    assert made.code == 0, made.err
    key = made.out.strip()
    assert PATTERN.fullmatch(key)
    assert "not shown again" in made.err
    assert key not in made.err
    async with running(where.settings) as service:
        address = {"UCAL_ADDRESS": service.address}
        none = await ucal("call", "ListEvents", "connection_id=box", **address)
        assert none.code == 16
        assert "CALLER_CREDENTIALS_MISSING" in none.err
        for variable in ("UCAL_API_KEY", "UCAL_TOKEN"):
            good = await ucal(
                "call", "ListEvents", "connection_id=box", **address, **{variable: key}
            )
            assert good.code == 0, good.err
        option = await ucal("connections", "list", "--api-key", key, "--json", **address)
        assert [each["id"] for each in json.loads(option.out)["connections"]] == ["box"]
        written = await ucal(
            "call", "DeleteEvent", "connection_id=box", "id=x", "--api-key", key, **address
        )
        assert "ACCESS_DENIED" in written.err
    listed = await ucal("api-keys", "list", "--json", **variables)
    (row,) = json.loads(listed.out)
    assert row["state"] == "active"
    (held,) = row["grants"]
    assert (held["allow"], held["labels"], held["mask"]) == (["read"], {"tenant": "acme"}, "")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT.*Z", row["last_used_at"])
    # Nothing that is shown helps to call, or to find the key by its hash.
    assert key[-49:] not in listed.out
    assert digest(key).hex() not in listed.out
    gone = await ucal("api-keys", "revoke", row["id"], **variables)
    assert (gone.code, gone.out) == (0, f"revoked {row['id']}\n")
    again = await ucal("api-keys", "revoke", row["id"], **variables)
    assert again.code == 1
    table = await ucal("api-keys", "list", terminal=True, **variables)
    assert "revoked" in table.out
    assert "read on tenant=acme" in table.out
    acts = await ucal("audit", "export", **variables)
    assert [json.loads(line)["act"] for line in acts.out.splitlines()] == [
        "api_key.create", "api_key.revoke",
    ]  # fmt: skip


async def test_json_tells_the_key_once_and_all_that_is_known(variables: dict[str, str]) -> None:
    grants = ["--grant", '{"allow": ["read"], "connections": ["*"], "mask": "busy_only"}']
    made = await ucal("api-keys", "create", "n", "--json", *grants, "--expires", "1h", **variables)
    told: dict[str, Any] = json.loads(made.out)
    assert PATTERN.fullmatch(told["key"])
    assert told["grants"][0]["mask"] == "busy_only"
    assert told["expires_at"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert told["environment"] == "development"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["n", "--allow", "everything", "--connection", "*"], "grant.allow"),
        (["n", "--allow", "read"], "grant.connections"),
        (["n", "--allow", "read", "--connection", "a b"], "grant.connections"),
        (["n", "--allow", "read", "--provider", "nobody"], "grant.providers"),
        (["n", "--connection", "*"], "--allow"),
        (["n", "--grant", '{"allow": 5}'], "--grant"),
        (["n", "--grant", '{"allow": ["read"], "connection": ["*"]}'], "connection"),
        (["n", "--allow", "read", "--connection", "*", "--expires", "soon"], "90d"),
        (["two words", "--allow", "read", "--connection", "*"], "without spaces"),
    ],
)
async def test_what_is_wrong_is_said(
    variables: dict[str, str], words: list[str], told: str
) -> None:
    ran = await ucal("api-keys", "create", *words, **variables)
    assert ran.code == 2
    assert told in ran.err
    assert ran.out == ""


async def test_a_store_in_memory_keeps_no_keys() -> None:
    ran = await ucal("api-keys", "list", UCAL_STORE="memory:")
    assert ran.code == 1
    assert "keeps no keys" in ran.err


async def test_doctor_tells_who_is_let_in(variables: dict[str, str], where: Place) -> None:
    free = {"UCAL_LISTEN": "127.0.0.1:0"}
    first = await ucal("doctor", "--offline", **variables, **free)
    assert "access: api_key, 0 policies" in first.out
    assert "no API key of development is active" in first.out
    await where.key(expires_at=time.time() + 86_400)
    second = await ucal("doctor", "--offline", **variables, **free)
    assert "1 API key(s) active" in second.out
    assert "expire within 14 days" in second.out
    plain = {name: text for name, text in variables.items() if name != "UCAL_ACCESS"}
    assert "access: open" in (await ucal("doctor", "--offline", **plain, **free)).out
