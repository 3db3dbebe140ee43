"""The same calls as HTTP with JSON, through Envoy's transcoder."""

import asyncio
import json
import re
import shlex
import shutil
from collections import Counter

import httpx
from google.api import annotations_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor

from tests.interop.mesh.contract import METHODS
from tests.interop.mesh.replicas import CONFIG, Mesh, check, say, until
from tests.interop.mesh.requests import ASKED, Asked

NOWHERE = Asked()
_TIMED_OUT = 28  # of curl


async def every_rpc_as_json(here: Mesh, client: httpx.AsyncClient) -> None:
    """Each method's own HTTP rule ends at that method of a replica, and answers in JSON."""
    answered = []
    for method in METHODS:
        name = f"{method.containing_service.name}/{method.name}"
        before = (await here.seen())[name]

        # A refusal is counted just after it was sent.
        async def counted(name: str = name, before: int = before) -> bool:
            return (await here.seen())[name] > before

        status, lines = await _ask(client, method, ASKED.get(name, NOWHERE))
        await until(f"{name} (told {lines[:1]})", counted, 5)
        if name in ASKED:
            check(status == 200 and lines, f"{name}: {status} {lines[:1]}")
        if status == 200:
            answered.append(name)
            for line in lines:  # no field that the contract does not know
                json_format.Parse(line, message_factory.GetMessageClass(method.output_type)())
        else:
            check(json.loads(lines[0])["code"], f"{name}: {status} {lines[0][:80]}")
    say(f"JSON: {len(METHODS)} HTTP rules lead to their methods, {len(answered)} answered with OK")


async def _ask(
    client: httpx.AsyncClient, method: MethodDescriptor, asked: Asked
) -> tuple[int, list[str]]:
    """The status, and the messages: of a stream that does not end, as many as tell its start."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    ids = {"connection_id": "sandbox"} | asked.ids
    path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], "nowhere"), getattr(rule, verb))
    content = json.dumps(asked.body).encode() if rule.body else None
    lines: list[str] = []
    async with client.stream(
        verb.upper(), path, params=asked.query, content=content,
        headers={"Content-Type": "application/json"},
    ) as answer:  # fmt: skip
        if not method.server_streaming:
            return answer.status_code, [(await answer.aread()).decode()]
        check(answer.headers["content-type"] == "application/json", f"{path}: no JSON")
        async for line in answer.aiter_lines():
            lines += [line] if line.strip() else []
            if "synced" in line:
                break
        return answer.status_code, lines


async def events_as_json(client: httpx.AsyncClient) -> None:
    """GET, POST, PATCH and DELETE of one event on a CalDAV server that both replicas see."""
    made = await client.post("/v1/connections/local/calendars", json={"name": "Mesh"})
    check(made.status_code == 200, f"POST: {made.text}")
    calendar = made.json()["calendar"]["id"]
    made = await client.post(
        "/v1/connections/local/events",
        json={
            "calendar_id": calendar,
            "subject": "Planning",
            "start_at": {"timestamp": "2027-03-01T09:00:00Z", "time_zone": "Europe/Berlin"},
            "end_at": {"timestamp": "2027-03-01T10:00:00Z", "time_zone": "Europe/Berlin"},
        },
    )
    check(made.status_code == 200, f"POST: {made.text}")
    event = made.json()["event"]["id"]
    path = f"/v1/connections/local/events/{_quoted(event)}"
    where = {"calendar_id": calendar}
    patched = await client.patch(
        path, params=where | {"update_mask": "subject"}, json={"subject": "Moved"}
    )
    check(patched.status_code == 200, f"PATCH: {patched.text}")
    read = await client.get(path, params=where)
    check(read.json()["event"]["subject"] == "Moved", f"GET: {read.text}")
    window = {"window.start_at": "2027-03-01T00:00:00Z", "window.end_at": "2027-03-02T00:00:00Z"}
    listed = await client.get("/v1/connections/local/events", params=where | window)
    check([each["id"] for each in listed.json()["events"]] == [event], f"list: {listed.text}")
    busy = await client.post(
        "/v1/busy:batchList",
        json={
            "requests": [
                {
                    "connection_id": "local",
                    "window": {
                        "start_at": "2027-03-01T00:00:00Z",
                        "end_at": "2027-03-02T00:00:00Z",
                    },
                }
            ]
        },
    )
    check(busy.status_code == 200 and "2027-03-01T09:00:00Z" in busy.text, f":verb: {busy.text}")
    gone = await client.delete(path, params=where)
    check(gone.status_code == 200, f"DELETE: {gone.text}")
    say("JSON: GET, POST, PATCH, DELETE and :verb, an id with slashes among them")


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" if byte in b"/:?#%&+ " else chr(byte) for byte in text.encode())


async def errors_as_json(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/providers/nowhere")
    told = answer.json()
    check(answer.status_code == 404 and told["code"] == 5, f"NOT_FOUND: {answer.text}")
    info = next(each for each in told["details"] if each["@type"].endswith(".ErrorInfo"))
    check(info["reason"] == "NOT_FOUND", f"ErrorInfo: {info}")
    answer = await client.post("/v1/connections/sandbox/events", json={})
    kinds = [each["@type"].rpartition(".")[2] for each in answer.json()["details"]]
    check(answer.status_code == 400 and "BadRequest" in kinds, f"INVALID: {answer.text}")
    answer = await client.get("/v1/providers", params={"no_such_field": "1"})
    check(answer.status_code == 400, f"an unknown query parameter: {answer.status_code}")
    answer = await client.get("/v1/nothing")
    check(answer.status_code == 404 and answer.json()["code"] == 12, f"unknown: {answer.text}")
    say("JSON: errors with details, unknown fields and paths refused")


async def watch_as_json(client: httpx.AsyncClient) -> None:
    asked = {"scope": {"connection_id": "sandbox"}, "start": "WATCH_START_INITIAL_STATE"}
    kinds = []
    async with client.stream("POST", "/v1/events:watch", json=asked) as answer:
        async for line in answer.aiter_lines():
            if line.strip():
                kinds += [
                    key for key in json.loads(line) if key not in {"resume_token", "observed_at"}
                ]
            if "synced" in kinds:
                break
    check(kinds[0] == "opened" and "changes" in kinds, f"the watch told {kinds}")
    say(f"JSON: a watch as NDJSON: {dict(Counter(kinds))}")


async def documented(here: Mesh) -> None:
    """The commands of `deploy/envoy/README.md`, by curl itself."""
    curl = shutil.which("curl")
    if curl is None:
        say("JSON: the commands of the README skipped, no curl")
        return
    every = re.findall(r"^curl (.+)$", (CONFIG / "README.md").read_text(), re.MULTILINE)
    check(every, "the README has no command")
    for line in every:
        words = shlex.split(line.replace("localhost:8080", here.address))
        process = await asyncio.create_subprocess_exec(
            curl, "--silent", "--show-error", "--fail-with-body", "--max-time", "4", *words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, trouble = await asyncio.wait_for(process.communicate(), 20)
        # A watch has no end of its own: curl's time ends it.
        ended = process.returncode in ({0, _TIMED_OUT} if "watch" in line else {0})
        check(ended and output, f"curl {line}: {process.returncode} {output!r} {trouble!r}")
        json.loads(output.splitlines()[0] if "watch" in line else output)
    say(f"JSON: {len(every)} commands of the README, by curl")


async def preflight(client: httpx.AsyncClient) -> None:
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    answer = await client.options("/ucal.v1.ProviderService/GetProvider", headers=asked)
    check(answer.headers.get("access-control-allow-origin"), "a preflight was refused")
    answer = await client.options("/v1/providers", headers=asked | {"Origin": "https://evil.test"})
    check("access-control-allow-origin" not in answer.headers, "a foreign origin was let in")
    say("CORS: the named origin alone")
