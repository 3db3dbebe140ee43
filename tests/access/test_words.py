"""What callers present is written nowhere: no key, token or subject, in neither log nor store."""

import asyncio
import json
from pathlib import Path

import grpc
import pytest

from tests.access.door import Door, grant, place
from tests.access.issuer_double import AUDIENCE, IssuerDouble
from tests.server.terminal import ended, started
from ucal.v1 import event_pb2

EVENTS = event_pb2.ListEventsRequest(connection_id="box", page_size=1)
PERSON = "canary-person-7731"


async def _address(process: asyncio.subprocess.Process, written: list[str]) -> str:
    """Where the service listens, by its own words."""
    assert process.stderr is not None
    while True:
        line = (await process.stderr.readline()).decode()
        assert line, written
        written.append(line)
        if '"serving"' in line:
            return str(json.loads(line)["address"])


@pytest.mark.timeout(90)
async def test_neither_keys_nor_tokens_nor_people_are_written(tmp_path: Path) -> None:
    async with IssuerDouble().running() as issuer:
        issuers = [{"name": "corp", "issuer": issuer.url, "audiences": [AUDIENCE]}]
        policies = [
            {"subjects": ["oidc:corp:groups=admins"], "allow": ["read"], "connections": ["box"]}
        ]
        where = place(
            tmp_path, connections=[{"id": "box", "provider": "sandbox"}], policies=policies,
            access={"mode": ["api_key", "oidc"], "issuers": issuers},
        )  # fmt: skip
        key, dead = await where.key(grant("read")), await where.key()
        config = tmp_path / "ucal.toml"
        config.write_text(
            'connections = [{ id = "box", provider = "sandbox" }]\n'
            f'listen = "127.0.0.1:0"\nhttp_listen = ""\nlog_level = "debug"\n'
            f'store = "{where.settings.store}"\nkeyring = "{where.settings.keyring}"\n'
            '[access]\nmode = ["api_key", "oidc"]\n'
        )
        process = await started(
            "serve", "--config", str(config),
            UCAL_ACCESS_ISSUERS=json.dumps(issuers), UCAL_POLICIES=json.dumps(policies),
        )  # fmt: skip
        written: list[str] = []
        good, old = issuer.token(sub=PERSON), issuer.token(sub=PERSON, exp=1)
        bad = f"{good[:-8]}AAAAAAAA"
        presented = [key, dead, key[:-1], good, old, bad, f"{PERSON}.{PERSON}.{PERSON}"]
        try:
            address = await _address(process, written)
            async with grpc.aio.insecure_channel(address) as channel:
                codes = [
                    (await Door(channel).refusal("ListEvents", EVENTS, each)).code
                    for each in presented
                ]
            process.terminate()
            _, rest = await asyncio.wait_for(process.communicate(), 30)
        finally:
            await ended(process)
    assert codes == [
        "OK",
        "PERMISSION_DENIED",
        *["UNAUTHENTICATED"],
        "OK",
        *["UNAUTHENTICATED"] * 3,
    ]
    log = "".join(written) + rest.decode()
    assert log.count('"event": "call"') == len(presented)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for each in presented:
        secret = each[-40:]
        assert secret not in log
        assert secret.encode() not in kept
    assert PERSON not in log
    assert PERSON.encode() not in kept
