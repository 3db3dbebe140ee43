"""Whatever happens, a client that applies what it is told ends with the provider's true state.

Changes, failures, expired cursors, slow readers, kills, resumes from any token on any process, and
long polls, in every order that hypothesis thinks of.
"""

import asyncio
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.core.errors import Kind, ProviderError
from server.interceptors.scope import SCOPE, Scope
from server.watch.hub import Hub
from server.watch.poll import poll
from server.watch.ports import WatchSettings
from tests.watch.world import Client, Stream, World, settle
from ucal.v1 import watch_pb2

INITIAL = watch_pb2.WATCH_START_INITIAL_STATE
RESET = watch_pb2.WATCH_EXPIRY_RESET
NAMES = "abcdefgh"
CALENDARS = ("", "work", "primary")

names = st.sampled_from(NAMES)
calendars = st.sampled_from(CALENDARS)
index = st.integers(0, 7)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), names, calendars),
        st.tuples(st.just("put"), names, calendars),
        st.tuples(st.just("remove"), names, calendars),
        st.tuples(st.just("expire")),
        st.tuples(st.just("fail"), st.sampled_from([Kind.UNAVAILABLE, Kind.RATE_LIMITED])),
        st.tuples(st.just("advance"), st.sampled_from([0.3, 4.0, 12.0, 700.0, 4000.0])),
        st.tuples(st.just("hold")),
        st.tuples(st.just("release")),
        st.tuples(st.just("open"), index, st.sampled_from([(), ("work",), ("work", "")])),
        st.tuples(st.just("slow"), index),
        st.tuples(st.just("resume"), index, index, index, st.booleans()),
        st.tuples(st.just("kill"), index),
        st.tuples(st.just("nudge")),
        st.tuples(st.just("list"), index),
        st.tuples(st.just("stall"), index),
        st.tuples(st.just("read"), index),
        st.tuples(st.just("poll"), index, index, st.integers(1, 3), st.booleans()),
    ),
    max_size=40,
)


@dataclass
class Course:
    """The processes and clients of one example."""

    world: World
    hubs: list[Hub] = field(default_factory=list)
    streams: list[tuple[Stream, tuple[str, ...]]] = field(default_factory=list)
    polls: list[asyncio.Task[None]] = field(default_factory=list)
    tokens: list[tuple[bytes, dict[tuple[str, str], str], tuple[str, ...]]] = field(
        default_factory=list
    )

    def hub(self, number: int) -> Hub:
        return self.hubs[number % len(self.hubs)]

    def collect(self) -> None:
        """Every token that anybody was given, with the state that went with it."""
        for stream, scope in self.streams:
            self.tokens += [(*pair, scope) for pair in stream.client.tokens]
            stream.client.tokens[:] = stream.client.tokens[-1:]

    async def do(self, what: str, *how: object) -> None:
        upstream = self.world.upstream
        match (what, *how):
            case ("put", str(name), str(calendar)):
                upstream.put(name, calendar=calendar)
            case ("remove", str(name), str(calendar)):
                if name in upstream.calendars[calendar]:
                    upstream.remove(name, calendar=calendar)
            case ("expire",):
                upstream.expire()
            case ("fail", Kind() as kind):
                upstream.failures.append(ProviderError(kind, "no"))
            case ("advance", float(seconds)):
                await self.world.clock.advance(seconds)
            case ("hold",):
                if upstream.hold is None:
                    upstream.hold = asyncio.Event()
            case ("release",):
                self.release()
            case ("nudge",):
                for hub in self.hubs:
                    hub.nudge("c1")
            case ("kill", int(number)):
                await self.kill(number)
            case ("list", int(number)) if self.world.reader.delta:
                token = self.hub(number).tokens.after_list("c1", "", upstream.cursor())
                self.tokens.append((token, upstream.state(), ()))
            case ("poll", int(number), int(which), int(size), bool(waits)):
                self.poll(number, which, size, waits=waits)
            case _:
                await self.stream(what, *how)
        await settle()
        self.collect()

    def release(self) -> None:
        hold, self.world.upstream.hold = self.world.upstream.hold, None
        if hold is not None:
            hold.set()

    async def kill(self, number: int) -> None:
        hub = self.hub(number)
        for stream, _ in self.streams:
            if stream.hub is hub:
                await stream.close()
        self.hubs[self.hubs.index(hub)] = self.world.process()

    async def stream(self, what: str, *how: object) -> None:
        match (what, *how):
            case ("open", int(number), tuple(scope)):
                await self.open(number, scope, start=INITIAL, on_expiry=RESET)
            case ("slow", int(number)):
                await self.open(number, (), slow=True, start=INITIAL, on_expiry=RESET)
            case ("resume", int(number), int(which), int(size), bool(resets)):
                if not self.tokens:
                    return
                token, state, scope = self.tokens[-1 - which % len(self.tokens)]
                await self.open(
                    number,
                    scope,
                    holding=state,
                    resume_token=token,
                    max_batch_size=1 + size,
                    on_expiry=RESET if resets else 0,
                )
            case ("stall" | "read", int(which)):
                slow = [s for s, _ in self.streams if s._gate is not None]
                if slow:
                    gate = slow[which % len(slow)]._gate
                    assert gate is not None
                    (gate.clear if what == "stall" else gate.set)()

    async def open(
        self, number: int, scope: tuple[str, ...], *, slow: bool = False, **request: object
    ) -> Stream:
        names = [name or "primary" for name in scope]
        stream = await self.world.open(self.hub(number), slow=slow, calendars=names, **request)
        self.streams.append((stream, scope))
        return stream

    def poll(self, number: int, which: int, size: int, *, waits: bool) -> None:
        if not self.tokens:
            return
        token, state, scope = self.tokens[-1 - which % len(self.tokens)]
        request = watch_pb2.PollEventsRequest(resume_token=token, max_batch_size=size)
        request.scope.connection_id = "c1"
        request.scope.calendar_ids.extend(name or "primary" for name in scope)
        if waits:
            request.wait.seconds = 20

        async def call() -> None:
            try:
                hub = self.hub(number)
                target, scope_asked = await hub.target(request.scope, {})
                answer = await poll(hub, request, target, scope_asked)
            except ProviderError as error:
                if error.kind not in (Kind.UNAVAILABLE, Kind.RATE_LIMITED, Kind.CURSOR_EXPIRED):
                    raise
                return
            client = Client()
            client.state = dict(state)
            assert len(answer.changes) <= size
            for change in answer.changes:
                client.apply(change)
            self.tokens.append((answer.resume_token, client.state, scope))

        self.polls.append(asyncio.get_running_loop().create_task(call()))

    async def finish(self) -> None:
        """The trouble ends; everybody reads; what has ended with a token comes back with it."""
        self.release()
        self.world.upstream.failures.clear()
        for stream, _ in self.streams:
            if stream._gate is not None:
                stream.read()
        await self.world.clock.advance(700)
        for stream, scope in list(self.streams):
            if not stream.ended or not stream.client.tokens:
                continue
            token, state = stream.client.tokens[-1]
            await self.open(0, scope, resume_token=token, on_expiry=RESET, holding=state)
        for number, (token, state, scope) in enumerate(self.tokens[-12:]):
            await self.open(number, scope, resume_token=token, on_expiry=RESET, holding=state)
        await self.world.clock.advance(60)
        for task in self.polls:
            await task

    def check(self) -> None:
        for stream, scope in self.streams:
            if stream.ended:
                assert stream.error is None or stream.error.kind in (
                    Kind.CURSOR_EXPIRED,
                    Kind.RATE_LIMITED,
                    Kind.UNAVAILABLE,
                )
                continue
            assert not stream.client.syncing
            chosen = [name or "primary" for name in scope] or [""]
            assert stream.client.state == self.world.upstream.state(*chosen)


async def scenario(course: Course, todo: list[tuple[object, ...]]) -> None:
    SCOPE.set(Scope(provider="scripted"))
    course.hubs = [course.world.process(), course.world.process()]
    try:
        for what, *how in todo:
            await course.do(str(what), *how)
        await course.finish()
        course.check()
    finally:
        course.release()
        for task in course.polls:
            task.cancel()
        await asyncio.gather(*course.polls, return_exceptions=True)
        await course.world.close()
        await settle()


@settings(max_examples=150)
@given(
    todo=steps,
    delta=st.booleans(),
    upserts=st.booleans(),
    etags=st.booleans(),
    page=st.sampled_from([2, 100]),
)
def test_a_client_ends_with_the_truth(
    todo: list[tuple[object, ...]], delta: bool, upserts: bool, etags: bool, page: int
) -> None:
    limits = replace(
        WatchSettings(default_poll=0), max_queued_changes=6, max_age=2000.0, heartbeat=300
    )
    with asyncio.Runner() as runner:

        async def run() -> None:
            world = World(delta=delta, settings=limits, upserts=upserts, etags=etags, page=page)
            await scenario(Course(world), todo)

        runner.run(run())
