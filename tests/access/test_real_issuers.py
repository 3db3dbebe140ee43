"""Servers that were not written here issue the tokens: npm's oidc-provider, and a SAML bridge.

They are looked for under NODE_PATH; `make test` installs the first. The bridge, BoxyHQ's
saml-jackson, is large: `npm install @boxyhq/saml-jackson` into a folder named by NODE_PATH.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.access.door import Place, opened, place
from ucal.v1 import event_pb2

HERE = Path(__file__).parent
EVENTS = event_pb2.ListEventsRequest(connection_id="box", page_size=1)
AUDIENCE = "https://ucal.example.com"
BOX = [{"id": "box", "provider": "sandbox"}]


def package(name: str) -> Path:
    """Where an npm package is, or the test is skipped by its name."""
    for folder in os.environ.get("NODE_PATH", "").split(os.pathsep):
        if folder and (Path(folder) / name / "package.json").exists():
            return Path(folder) / name
    pytest.skip(f"the npm package {name} is not in NODE_PATH")


def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    return found


@asynccontextmanager
async def script(name: str, *arguments: str, **environment: str) -> AsyncIterator[str]:
    """A script of this folder as a process; what it says first, when it serves."""
    process = await asyncio.create_subprocess_exec(
        node(), str(HERE / name), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | environment,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = b""
            while not line.startswith((b"http", b"{")):
                line = await process.stdout.readline()
                assert line, f"{name} has ended"
        yield line.decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def guarded(folder: Path, issuer: str, **more: Any) -> Place:
    claims = ["client_id", "scope", "groups"]
    return place(
        folder,
        connections=BOX,
        access={
            "mode": ["oidc"],
            "issuers": [
                {"name": "real", "issuer": issuer, "audiences": [AUDIENCE], "claims": claims} | more
            ],
        },
        policies=[
            {"subjects": ["oidc:real:client_id=app"], "allow": ["read"], "connections": ["box"]},
            {"subjects": ["oidc:real:groups=planners"], "allow": ["read"], "connections": ["box"]},
        ],
    )


async def token(issuer: str, client: str, resource: str = AUDIENCE) -> str:
    """An access token of the client-credentials grant (RFC 6749 4.4, RFC 8707)."""
    form = {
        "grant_type": "client_credentials",
        "scope": "calendar.read",
        "resource": resource,
    }
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{issuer}/token", data=form, auth=(client, "secret"))
    return str(answer.json()["access_token"])


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_tokens_of_oidc_provider(tmp_path: Path, algorithm: str) -> None:
    code = {"OIDC_PROVIDER": str(package("oidc-provider"))}
    async with script("oidc_provider.mjs", "0", "first", algorithm, **code) as issuer:
        good = await token(issuer, "app")
        async with opened(guarded(tmp_path, issuer)) as door:
            assert (await door.refusal("ListEvents", EVENTS, good)).code == "OK"
            other = await token(issuer, "other")
            assert (await door.refusal("ListEvents", EVENTS, other)).short == (
                "PERMISSION_DENIED",
                "ACCESS_DENIED",
            )
            elsewhere = await token(issuer, "app", "https://elsewhere.example.com")
            for bad in (elsewhere, f"{good[:-8]}AAAAAAAA"):
                assert (await door.refusal("ListEvents", EVENTS, bad)).short == (
                    "UNAUTHENTICATED",
                    "CALLER_CREDENTIALS_INVALID",
                )


async def test_a_server_with_new_keys_at_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.access.issuer._GAP_SECONDS", 0.0)
    code = {"OIDC_PROVIDER": str(package("oidc-provider"))}
    async with script("oidc_provider.mjs", "0", "first", "RS256", **code) as issuer:
        old = await token(issuer, "app")
        port = issuer.rpartition(":")[2]
        where = guarded(tmp_path, issuer)
        async with opened(where) as door:
            assert (await door.refusal("ListEvents", EVENTS, old)).code == "OK"
    async with opened(where) as door:
        # Nobody is there: nothing is known of its keys, and nobody is let in.
        assert (await door.refusal("ListEvents", EVENTS, old)).reason == "ISSUER_UNAVAILABLE"
        async with script("oidc_provider.mjs", port, "second", "RS256", **code):
            new = await token(issuer, "app")
            assert (await door.refusal("ListEvents", EVENTS, new)).code == "OK"
            assert (await door.refusal("ListEvents", EVENTS, old)).reason == (
                "CALLER_CREDENTIALS_INVALID"
            )


async def test_people_of_a_saml_identity_provider_come_in_by_a_bridge(tmp_path: Path) -> None:
    """A signed assertion goes in at the bridge; its groups come out as the claim of policies."""
    code = {"SAML_JACKSON": str(package("@boxyhq/saml-jackson"))}
    async with script("saml_bridge.mjs", **code) as line:
        told = json.loads(line)
        where = guarded(tmp_path, told["issuer"], audiences=[told["audience"]])
        async with opened(where) as door:
            assert (await door.refusal("ListEvents", EVENTS, told["planner"])).code == "OK"
            assert (await door.refusal("ListEvents", EVENTS, told["other"])).short == (
                "PERMISSION_DENIED",
                "ACCESS_DENIED",
            )
        elsewhere = guarded(tmp_path, told["issuer"], audiences=["another-client"])
        async with opened(elsewhere) as door:
            assert (await door.refusal("ListEvents", EVENTS, told["planner"])).short == (
                "UNAUTHENTICATED",
                "CALLER_CREDENTIALS_INVALID",
            )
