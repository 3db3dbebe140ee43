"""A provider in memory, time that passes on demand, and a client that believes what it is told."""

import asyncio
import contextlib
import random
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration

from providers.core.call import ChangesPage, ChangesQuery
from providers.core.errors import Kind, ProviderError
from server.watch.hub import Hub
from server.watch.ports import WatchSettings
from server.watch.session import Session
from server.watch.token import Tokens
from tests.watch.believer import Client
from tests.watch.manual import ManualClock, PlainSealer, settle
from ucal.v1 import calendar_pb2, event_pb2, provider_pb2, types_pb2, watch_pb2

__all__ = ["Client", "ManualClock", "PlainSealer", "settle"]
EVENT = types_pb2.RESOURCE_KIND_EVENT
CALENDAR = types_pb2.RESOURCE_KIND_CALENDAR


class Upstream:
    """A vendor: calendars of events, with a journal behind its cursors.

    Like RFC 6578 servers it says nothing of what came and went between two questions.
    """

    def __init__(
        self, clock: ManualClock, *, page: int = 100, upserts: bool = True, etags: bool = True
    ) -> None:
        self.clock = clock
        self.page = page
        self.upserts = upserts
        self.etags = etags
        self.calendars: defaultdict[str, dict[str, event_pb2.Event]] = defaultdict(dict)
        self.generation = 1
        self.calls: list[tuple[str, str]] = []
        self.failures: deque[ProviderError] = deque()
        self.hold: asyncio.Event | None = None
        self._journal: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self._born: dict[tuple[str, str], int] = {}
        self._serial = 0

    # -- from outside

    def put(self, event_id: str, subject: str = "", calendar: str = "", **fields: Any) -> None:
        self._serial += 1
        events = self.calendars[calendar]
        if event_id not in events:
            self._born[calendar, event_id] = self._serial
            events[event_id] = event_pb2.Event(id=event_id, calendar_id=calendar)
            events[event_id].created_at.FromDatetime(self.clock.now())
        event = event_pb2.Event()
        event.CopyFrom(events[event_id])
        event.subject = subject or f"{event_id} at {self._serial}"
        if self.etags:
            event.etag = f'"{self._serial}"'
        for name, value in fields.items():
            setattr(event, name, value)
        event.raw.update({"__id": event_id})
        events[event_id] = event
        self._journal[calendar].append((self._serial, event_id))

    def remove(self, event_id: str, calendar: str = "") -> None:
        self._serial += 1
        del self.calendars[calendar][event_id]
        self._journal[calendar].append((self._serial, event_id))

    def expire(self) -> None:
        self.generation += 1

    def state(self, *calendars: str) -> dict[tuple[str, str], str]:
        return {
            (name, event_id): event.subject
            for name in calendars or [""]
            for event_id, event in self.calendars[name].items()
        }

    def cursor(self) -> str:
        """What a list that ends now would give to go on from."""
        return self._cursor(self._serial)

    # -- its API

    async def answer(self, what: str, calendar: str) -> None:
        self.calls.append((what, calendar))
        if self.hold is not None:
            await self.hold.wait()
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.popleft()

    async def changes(self, query: ChangesQuery) -> ChangesPage:
        await self.answer("baseline" if query.baseline else "changes", query.calendar_id)
        events = self.calendars[query.calendar_id]
        if not query.cursor:
            if query.baseline:
                versions = {event.id: event.etag for event in events.values()}
                return ChangesPage([], self._cursor(self._serial), versions=versions)
            return self._page(query, 0, self._serial, sorted(events), whole=True)
        generation, since, until = (int(part) for part in query.cursor.split(":"))
        if generation != self.generation:
            raise ProviderError(Kind.CURSOR_EXPIRED, "the cursor is too old")
        journal = self._journal[query.calendar_id]
        if until:  # in the middle of a first listing
            return self._page(query, since, until, sorted(events), whole=True)
        touched = [(serial, name) for serial, name in journal if serial > since]
        last = {name: serial for serial, name in touched}
        ordered = sorted(last, key=lambda name: last[name])
        changes, cursor = [], since
        for name in ordered[: self.page]:
            cursor = last[name]
            if name in events:
                kind = watch_pb2.CHANGE_TYPE_UPSERTED
                if not self.upserts:
                    new = self._born[query.calendar_id, name] > since
                    kind = watch_pb2.CHANGE_TYPE_CREATED if new else watch_pb2.CHANGE_TYPE_UPDATED
                changes.append(self._change(kind, query, events[name]))
            elif self._born[query.calendar_id, name] <= since:
                changes.append(
                    watch_pb2.Change(type=watch_pb2.CHANGE_TYPE_DELETED, kind=EVENT, id=name)
                )
        more = len(ordered) > self.page
        return ChangesPage(changes, self._cursor(cursor if more else self._serial), more)

    def _page(
        self, query: ChangesQuery, offset: int, until: int, names: list[str], *, whole: bool
    ) -> ChangesPage:
        events = self.calendars[query.calendar_id]
        chosen = names[offset : offset + self.page]
        more = offset + self.page < len(names)
        cursor = f"{self.generation}:{offset + self.page}:{until}" if more else self._cursor(until)
        created = watch_pb2.CHANGE_TYPE_CREATED
        changes = [self._change(created, query, events[name]) for name in chosen]
        return ChangesPage(changes, cursor, more)

    def _cursor(self, serial: int) -> str:
        return f"{self.generation}:{serial}:0"

    @staticmethod
    def _change(kind: Any, query: ChangesQuery, event: event_pb2.Event) -> watch_pb2.Change:
        change = watch_pb2.Change(type=kind, kind=EVENT, id=event.id, event=event)
        if not query.include_raw:
            change.event.ClearField("raw")
        return change

    async def listing(
        self, kind: Any, calendar_id: str, window: types_pb2.TimeRange, *, include_raw: bool
    ) -> Sequence[Any]:
        await self.answer("listing", calendar_id)
        if kind == CALENDAR:
            return [
                calendar_pb2.Calendar(id=name or "primary", name=name) for name in self.calendars
            ]
        found = []
        for event in self.calendars[calendar_id].values():
            if event.HasField("end_at") and event.end_at.timestamp.seconds <= (
                window.start_at.seconds
            ):
                continue
            copy = event_pb2.Event()
            copy.CopyFrom(event)
            if not include_raw:
                copy.ClearField("raw")
            found.append(copy)
        return found


class ScriptedTarget:
    def __init__(
        self, upstream: Upstream, connection_id: str, key: Any, *, delta: bool, poll: float
    ) -> None:
        self.upstream = upstream
        self.connection_id = connection_id
        self.identity = connection_id
        self.key = key
        self.provider = "scripted"
        self.shared = True
        self.rotated: tuple[tuple[str, str | bytes], ...] = ()
        self._delta = delta
        self._poll = poll

    def capability(self, kind: Any) -> provider_pb2.Capability:
        if kind not in (EVENT, CALENDAR):
            raise ProviderError(Kind.UNSUPPORTED, "Scripted: nothing of that kind")
        every = Duration()
        every.FromNanoseconds(int(self._poll * 1e9))
        return provider_pb2.Capability(
            kind=kind,
            min_poll_interval=every,
            watch_source=watch_pb2.WATCH_SOURCE_POLLING,
            deletions=watch_pb2.DELETION_SUPPORT_EXACT
            if self.delta(kind)
            else watch_pb2.DELETION_SUPPORT_RECONCILED,
        )

    def delta(self, kind: Any) -> bool:
        return self._delta and kind == EVENT

    async def changes(self, query: ChangesQuery) -> ChangesPage:
        return await self.upstream.changes(query)

    async def listing(
        self, kind: Any, calendar_id: str, window: types_pb2.TimeRange, *, include_raw: bool
    ) -> Sequence[Any]:
        return await self.upstream.listing(kind, calendar_id, window, include_raw=include_raw)

    async def read(self, kind: Any, calendar_id: str, id: str) -> Any:
        await self.upstream.answer("read", calendar_id)
        return self.upstream.calendars[calendar_id].get(id)

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self.rotated


class ScriptedReader:
    """Knows one connection, "c1"; "-" is whoever the metadata says."""

    def __init__(self, upstream: Upstream, *, delta: bool = True, poll: float = 10) -> None:
        self.upstream = upstream
        self.delta = delta
        self.poll = poll
        self.rotated: tuple[tuple[str, str | bytes], ...] = ()

    async def target(
        self, connection_id: str, metadata: Mapping[str, str | bytes]
    ) -> ScriptedTarget:
        if connection_id not in ("c1", "c2", "-"):
            raise ProviderError.not_found("connection", connection_id)
        key = (connection_id, metadata.get("ucal-credentials"))
        target = ScriptedTarget(self.upstream, connection_id, key, delta=self.delta, poll=self.poll)
        target.rotated = self.rotated
        return target


class World:
    """One provider and any number of processes of the service."""

    def __init__(
        self, *, delta: bool = True, poll: float = 10, settings: WatchSettings | None = None,
        **upstream: Any,
    ) -> None:  # fmt: skip
        self.clock = ManualClock()
        self.upstream = Upstream(self.clock, **upstream)
        self.reader = ScriptedReader(self.upstream, delta=delta, poll=poll)
        self.settings = settings or WatchSettings(default_poll=0)
        self.sealer = PlainSealer(self.clock)
        self.streams: list[Stream] = []

    def process(self) -> Hub:
        tokens = Tokens(self.sealer, self.clock, self.settings.token_lifetime)
        return Hub(self.reader, tokens, self.clock, self.settings, chance=random.Random(7))

    async def open(
        self, hub: Hub, *, slow: bool = False, holding: Any = (), **request: Any
    ) -> "Stream":
        """A stream whose client holds the state `holding` already."""
        stream = Stream(hub, slow=slow)
        stream.client.state.update(holding)
        self.streams.append(stream)
        await stream.open(watch(**request))
        return stream

    async def close(self) -> None:
        for stream in self.streams:
            await stream.close()


def watch(
    *calendars: str, connection: str = "c1", metadata: Any = None, **request: Any
) -> watch_pb2.WatchEventsRequest:
    del metadata
    names = request.pop("calendars", calendars)
    kinds = request.pop("kinds", ())
    horizon = request.pop("horizon", None)
    found = watch_pb2.WatchEventsRequest(
        scope=watch_pb2.WatchScope(connection_id=connection, calendar_ids=names, kinds=kinds)
    )
    if horizon:
        found.scope.horizon.seconds = horizon
    for name in ("poll_interval", "heartbeat_interval"):
        if name in request:
            getattr(found, name).FromNanoseconds(int(request.pop(name) * 1e9))
    for name, value in request.items():
        if name == "read_mask":
            found.read_mask.paths.extend(value)
        else:
            setattr(found, name, value)
    return found


class Stream:
    """A call of WatchEvents without the wire; `slow`: reads only when told to."""

    def __init__(self, hub: Hub, *, slow: bool = False) -> None:
        self.hub = hub
        self.client = Client()
        self.error: ProviderError | None = None
        self.session: Session | None = None
        self.sizes: list[int] = []
        self.raw: list[bytes] = []
        self._gate: asyncio.Event | None = asyncio.Event() if slow else None
        self._task: asyncio.Task[None] | None = None

    async def open(self, request: watch_pb2.WatchEventsRequest, **metadata: str) -> None:
        target, scope = await self.hub.target(request.scope, metadata)
        self.session = self.hub.open(request, target, scope)
        await self._send(self.session.opened)
        self._task = asyncio.get_running_loop().create_task(self._run(self.session))

    async def _run(self, session: Session) -> None:
        try:
            await session.run(self._send)
        except ProviderError as error:
            self.error = error
        finally:
            self.hub.close(session)

    async def _send(self, message: bytes) -> None:
        if self._gate is not None and self.client.messages:
            await self._gate.wait()
        self.raw.append(message)
        self.sizes.append(len(message))
        self.client.take(watch_pb2.WatchEventsResponse.FromString(message))

    def read(self) -> None:
        assert self._gate is not None
        self._gate.set()

    @property
    def ended(self) -> bool:
        return self._task is not None and self._task.done()

    async def close(self) -> None:
        """End the call; what its client found wrong is raised here."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
