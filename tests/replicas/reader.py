"""A client that keeps a history of what it was told, and what that history is held against.

After etcd's robustness tests: each word that a watch promises has a validator of its own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc
from google.protobuf.duration_pb2 import Duration

from tests.replicas.diary import CALENDAR
from ucal.v1 import watch_pb2, watch_pb2_grpc

INITIAL = watch_pb2.WATCH_START_INITIAL_STATE
RESET = watch_pb2.WATCH_EXPIRY_RESET
_CREATED, _DELETED = watch_pb2.CHANGE_TYPE_CREATED, watch_pb2.CHANGE_TYPE_DELETED


@dataclass(frozen=True)
class Told:
    """One change as it arrived.

    Attributes:
        stream: number of the stream that told it.
        life: grows with each Reset.
    """

    stream: int
    life: int
    uid: str
    type: int
    subject: str
    dedup_key: str


@dataclass
class Reader:
    """Follows one diary through whatever happens, at whichever replica answers.

    Attributes:
        addresses: of replicas, tried in turn.
        held: what the reader believes is there, subject by uid.
        history: everything that it was told.
    """

    addresses: Sequence[str]
    connection: str = "diary"
    poll: int = 2
    held: dict[str, str] = field(default_factory=dict)
    history: list[Told] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    token: bytes = b""
    streams: int = 0
    resets: int = 0
    degraded: list[str] = field(default_factory=list)
    errors: list[grpc.StatusCode] = field(default_factory=list)
    synced: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watch, and come back with the token whenever the stream ends; until cancelled."""
        while True:
            address = self.addresses[self.streams % len(self.addresses)]
            self.streams += 1
            try:
                await self._follow(address)
            except grpc.aio.AioRpcError as error:
                self.errors.append(error.code())
                await asyncio.sleep(0.1)

    async def _follow(self, address: str) -> None:
        request = watch_pb2.WatchEventsRequest(
            scope=watch_pb2.WatchScope(connection_id=self.connection, calendar_ids=[CALENDAR]),
            resume_token=self.token,
            start=0 if self.token else INITIAL,
            on_expiry=RESET,
            poll_interval=Duration(seconds=self.poll),
        )
        if not self.token:
            self.held.clear()
        async with grpc.aio.insecure_channel(address) as channel:
            stub = watch_pb2_grpc.WatchServiceStub(channel)
            call = stub.WatchEvents(request, wait_for_ready=False)
            async for message in call:
                self._take(message)
                if message.HasField("closing"):
                    call.cancel()
                    return

    def _take(self, message: watch_pb2.WatchEventsResponse) -> None:
        kind = message.WhichOneof("message") or ""
        self.kinds.append(kind)
        if kind == "reset":
            self.held.clear()
            self.resets += 1
            self.token = b""
        elif kind == "degraded":
            self.degraded.append(message.degraded.cause.message)
        for change in message.changes.changes:
            self._apply(change)
        if message.resume_token:
            self.token = message.resume_token
            self.synced.set()
        self.news.set()

    def _apply(self, change: watch_pb2.Change) -> None:
        uid = change.id.rpartition("|")[2].removesuffix(".ics")
        subject = change.event.subject
        self.history.append(
            Told(self.streams, self.resets, uid, change.type, subject, change.dedup_key)
        )
        if change.type == _DELETED:
            self.held.pop(uid, None)
        else:
            self.held[uid] = subject

    async def until(self, what: dict[str, str], seconds: float) -> None:
        """Wait until the reader believes `what`."""
        async with asyncio.timeout(seconds):
            while self.held != what:
                self.news.clear()
                await self.news.wait()


# -- what a watch promises; subjects are "version <number>", and numbers only grow


def ordered(reader: Reader) -> None:
    """Of one object no older state comes after a newer one."""
    newest: dict[tuple[int, str], int] = {}
    for told in reader.history:
        if told.type == _DELETED:
            continue
        number = int(told.subject.rpartition(" ")[2])
        key = (told.life, told.uid)
        assert number >= newest.get(key, -1), f"{told.uid} went back to {number}"
        newest[key] = number


def unique(reader: Reader) -> None:
    """Within one stream nothing is told twice."""
    seen: set[tuple[int, int, str]] = set()
    for told in reader.history:
        key = (told.stream, told.life, f"{told.uid} {told.type == _DELETED} {told.subject}")
        if told.type != _DELETED:
            assert key not in seen, f"told twice in one stream: {key}"
        seen.add(key)


def typed(reader: Reader) -> None:
    """CREATED tells what was not there, UPDATED and DELETED what was, as the reader knows it."""
    held: set[tuple[int, str]] = set()
    for told in reader.history:
        key = (told.life, told.uid)
        if told.type == _CREATED and told.stream == 1:
            assert key not in held, f"created twice: {told}"
        if told.type == _DELETED:
            assert key in held, f"deleted and never told: {told}"
            held.discard(key)
        else:
            held.add(key)


VALIDATORS = (ordered, unique, typed)
