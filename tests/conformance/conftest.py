"""The conformance suite: one set of tests that every provider passes.

A test takes `client`, a caller of a real gRPC server in front of one provider, and says by a marker
which operations it needs. It is then run for each provider that has a harness and that *declares*
those operations; what a provider declares unsupported is held to that by `test_capabilities`.

    pytest tests/conformance -k sandbox
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import pytest
import pytest_asyncio

from providers.core import operations as ops
from providers.core.operations import Operation
from tests.conformance.client import Client
from tests.conformance.kinds import CALLS, KINDS, WATCHES, Kind
from tests.conformance.serve import served
from tests.conformance.subjects import Subject, subjects
from ucal.v1 import provider_pb2

_START = 60.0


def pytest_configure(config: pytest.Config) -> None:
    """Markers of the suite."""
    for line in (
        "needs(*operations): run for providers that declare all of them",
        "each_kind(*methods): run for each kind with all of these methods; gives `kind`",
        "each_call: run for each operation of each provider, supported or not; gives `operation`",
        "each_supported(*methods): run for each declared operation; gives `operation`",
        "keeps(operation, *fields): run for providers whose `operation` declares these fields",
        "any_time: run for providers where an event can be at any time, not at free slots only",
        "declares(operation, *flags): run for providers whose `operation` declares these flags",
        "scoped(operation, scope): run for providers whose `operation` declares this scope",
        "expands: run for providers that list instances of series",
        "each_watch: run for each kind that a provider declares it can watch; gives `kind`",
        "planted: of these kinds, only those that the harness can plant, change and remove",
        "by_deltas: of these kinds, only those for which the provider tells what changed",
    ):
        config.addinivalue_line("markers", line)


def _kinds(subject: Subject, methods: Iterable[provider_pb2.Method.ValueType]) -> list[Kind]:
    return [
        kind
        for kind in KINDS.values()
        if all(kind.has(method) and subject.supports(kind.op(method)) for method in methods)
    ]


def _selected(definition: pytest.Item, subject: Subject) -> bool:
    """Whether the provider declares everything that the test's markers ask for."""
    return all(
        fits(subject, *marker.args)
        for name, fits in _FITS.items()
        for marker in definition.iter_markers(name)
    )


def _keeps(subject: Subject, operation: Operation, *fields: str) -> bool:
    declared = subject.capabilities[operation].writable_fields
    return subject.supports(operation) and set(fields) <= set(declared)


def _declares(subject: Subject, operation: Operation, *flags: str) -> bool:
    declared = subject.capabilities[operation]
    return subject.supports(operation) and all(getattr(declared, flag) for flag in flags)


def _scoped(subject: Subject, operation: Operation, scope: int) -> bool:
    return subject.supports(operation) and scope in subject.capabilities[operation].scopes


def _expands(subject: Subject) -> bool:
    lists = _declares(subject, ops.LIST_EVENTS, "expand_recurring")
    return lists or subject.supports(ops.LIST_EVENT_INSTANCES)


_FITS: Mapping[str, Callable[..., bool]] = {
    "needs": lambda subject, *operations: all(map(subject.supports, operations)),
    "keeps": _keeps,
    "declares": _declares,
    "scoped": _scoped,
    "expands": _expands,
    "any_time": lambda subject: not subject.books,
}


def _target_name(definition: pytest.Item) -> str:
    """The argument that a test is repeated over for one provider; "" for none."""
    markers = {marker.name for marker in definition.iter_markers()}
    if markers & {"each_kind", "each_watch"}:
        return "kind"
    return "operation" if markers & {"each_call", "each_supported"} else ""


def _targets(definition: pytest.Item, subject: Subject) -> list[Kind | Operation]:
    """What a test is repeated for, for one provider."""
    if marker := definition.get_closest_marker("each_kind"):
        return list(_kinds(subject, marker.args))
    if definition.get_closest_marker("each_watch"):
        kinds = [KINDS[op.kind] for op in WATCHES if subject.supports(op)]
        if definition.get_closest_marker("planted"):
            kinds = [kind for kind in kinds if kind.kind not in subject.fixed_kinds]
        if definition.get_closest_marker("by_deltas"):
            kinds = [kind for kind in kinds if kind.kind in subject.delta_kinds]
        return list(kinds)
    if marker := definition.get_closest_marker("each_supported"):
        wanted = [op for op in CALLS if subject.supports(op)]
        return [op for op in wanted if not marker.args or op.method in marker.args]
    return list(CALLS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose providers, and kinds or operations, by what the providers declare."""
    fixture = next((n for n in ("client", "fresh") if n in metafunc.fixturenames), None)
    if fixture is None:
        return
    name = _target_name(metafunc.definition)
    rows = []
    for subject in subjects():
        if not _selected(metafunc.definition, subject):
            continue
        group = pytest.mark.xdist_group(f"conformance-{subject.id}")
        if not name:
            rows.append(pytest.param(subject, id=subject.id, marks=group))
            continue
        rows += [
            pytest.param(subject, target, id=f"{subject.id}-{_id(target)}", marks=group)
            for target in _targets(metafunc.definition, subject)
        ]
    if subjects() and not rows:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: fits no provider, so it tests none")
    # Said, since pytest takes what stands beside a plain value for the function's own: each test
    # would begin and end a server.
    scope = "module" if fixture == "client" else "function"
    names = [fixture, name] if name else [fixture]
    metafunc.parametrize(names, rows, indirect=[fixture], scope=scope)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put a module's tests of one provider side by side, so that its server starts once for them.

    Pytest groups by the place of a parameter in its list, which differs from test to test here.
    """
    places = [place for place, item in enumerate(items) if _subject(item)]
    ours = sorted((items[place] for place in places), key=lambda i: (i.path, _subject(i)))
    for place, item in zip(places, ours, strict=True):
        items[place] = item


def _subject(item: pytest.Item) -> str:
    """Whom a test of the suite is about; "" for any other test."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    subject = params.get("client") or params.get("fresh")
    return subject.id if isinstance(subject, Subject) else ""


def _id(target: Kind | Operation) -> str:
    return target.rpc if isinstance(target, Operation) else target.name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A caller of the provider; server and double live as long as the module's tests of it."""
    async with asyncio.timeout(_START):
        context = served(request.param)
        found = await context.__aenter__()
    try:
        yield found
    finally:
        async with asyncio.timeout(_START):
            await context.__aexit__(None, None, None)


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A caller with a server and a double of its own, for tests that break things."""
    async with asyncio.timeout(_START):
        context = served(request.param)
        found = await context.__aenter__()
    try:
        yield found
    finally:
        async with asyncio.timeout(_START):
            await context.__aexit__(None, None, None)
