"""When the provider fails: the right status, a time to come back, and nothing that was not asked.

Each test has a server and a double of its own: a breaker that has opened, or a failure that was
not used up, must not reach the next.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from tests.conformance import plain, samples
from tests.conformance.client import Client
from tests.conformance.failure import Failure
from tests.conformance.kinds import EVENT, KINDS, METHODS, Kind
from ucal.v1 import types_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

# More than any retry uses up.
MANY = 20
CANARY = "canary-7f3a9d"
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
LIST, CREATE, GET = METHODS.METHOD_LIST, METHODS.METHOD_CREATE, METHODS.METHOD_GET
# Kinds in the order in which one of them is tried: every provider lists at least one.
_ORDER = ("event", "calendar", "recording", "webinar", "link", "room", "location")


def _some_kind(client: Client, method: Any = LIST) -> Kind:
    for name in _ORDER:
        kind = next(k for k in KINDS.values() if k.name == name)
        if kind.has(method) and client.supports(kind.op(method)):
            return kind
    return client.missing(f"{METHODS.Name(method)} of any kind, and says so")


@pytest.mark.each_kind(LIST)
async def test_too_many_requests(fresh: Client, kind: Kind) -> None:
    await fresh.every(kind)
    await fresh.harness.fail_next(429, retry_after=77, times=MANY)
    failure = await fresh.refused(kind.op(LIST), EXHAUSTED, **fresh.list_fields(kind))
    assert failure.reason in ("RATE_LIMITED", "DAILY_QUOTA"), failure
    assert failure.retry_after is not None, f"{failure}: no RetryInfo"
    assert 70 <= failure.retry_after <= 80, f"{failure}: RetryInfo is {failure.retry_after} s"
    assert "QuotaFailure" in failure.details, f"{failure}: no QuotaFailure"
    assert failure.details["ErrorInfo"].metadata["provider"] == fresh.harness.provider


@pytest.mark.each_kind(LIST)
@pytest.mark.parametrize("status", [500, 503])
async def test_a_provider_that_fails_a_read(fresh: Client, kind: Kind, status: int) -> None:
    await fresh.every(kind)
    await fresh.harness.fail_next(status, times=MANY)
    failure = await fresh.refused(
        kind.op(LIST),
        (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL),
        **fresh.list_fields(kind),
    )
    assert failure.reason in ("PROVIDER_UNAVAILABLE", "PROVIDER_ERROR"), failure
    if status == 503:
        assert failure.code is grpc.StatusCode.UNAVAILABLE, failure


async def test_one_failure_of_a_read_is_not_seen(fresh: Client) -> None:
    kind = _some_kind(fresh)
    before = await fresh.every(kind)
    await fresh.harness.fail_next(503, times=1)
    again = await fresh.attempt(kind.op(LIST), **fresh.list_fields(kind))
    if isinstance(again, Failure):  # a provider without a transport retries nothing
        assert again.code is grpc.StatusCode.UNAVAILABLE, again
    else:
        assert len(getattr(again, kind.plural)) <= len(before)


async def test_credentials_that_are_refused(fresh: Client) -> None:
    kind = _some_kind(fresh)
    await fresh.every(kind)
    await fresh.harness.fail_next(401, times=MANY)
    failure = await fresh.refused(
        kind.op(LIST), grpc.StatusCode.UNAUTHENTICATED, **fresh.list_fields(kind)
    )
    assert failure.reason in ("TOKEN_EXPIRED", "TOKEN_REVOKED", "REAUTHORIZATION_REQUIRED"), failure


async def test_an_action_that_is_forbidden(fresh: Client) -> None:
    """P63: no reason to try again."""
    kind = _some_kind(fresh)
    await fresh.every(kind)
    await fresh.harness.fail_next(403, times=MANY)
    failure = await fresh.refused(
        kind.op(LIST), grpc.StatusCode.PERMISSION_DENIED, **fresh.list_fields(kind)
    )
    assert failure.retry_after is None, failure


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_write_whose_outcome_is_not_known(fresh: Client, status: int) -> None:
    """P59: never UNAVAILABLE, which invites to try again."""
    kind = _some_kind(fresh, CREATE)
    await fresh.create(kind)
    resource = await fresh.sample(kind)
    await fresh.harness.fail_next(status, times=MANY)
    codes = [grpc.StatusCode.UNKNOWN]
    if getattr(fresh.harness, "reads_before_write", False):
        # What the read before it says, and a gateway's 504 is a timeout of it.
        codes += [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL]
        codes += [grpc.StatusCode.DEADLINE_EXCEEDED]
    failure = await fresh.refused(kind.op(CREATE), codes, **{kind.name: resource})
    if failure.code is grpc.StatusCode.UNKNOWN:
        assert failure.reason == "OUTCOME_UNKNOWN", failure
        assert failure.retry_after is None, failure


async def test_a_write_whose_answer_is_lost(fresh: Client) -> None:
    """P59: done once, told honestly."""
    lose = getattr(fresh.harness, "lose_next", None)
    if lose is None:
        fresh.missing("way to lose an answer (Harness.lose_next)")
    kind = _some_kind(fresh, CREATE)
    await fresh.create(kind)
    resource = await fresh.sample(kind)
    lists = fresh.supports(kind.op(LIST))
    before = len(await fresh.every(kind)) if lists else 0
    await lose()
    await fresh.refused(
        kind.op(CREATE),
        grpc.StatusCode.UNKNOWN,
        reason="OUTCOME_UNKNOWN",
        **{kind.name: resource},
    )
    if lists:  # bookings have no title of their own to be counted by
        assert len(await fresh.every(kind)) == before + 1


async def test_a_rate_limit_of_a_write_is_told_as_one(fresh: Client) -> None:
    kind = _some_kind(fresh, CREATE)
    await fresh.create(kind)
    resource = await fresh.sample(kind)
    await fresh.harness.fail_next(429, retry_after=77, times=MANY)
    failure = await fresh.refused(kind.op(CREATE), EXHAUSTED, **{kind.name: resource})
    assert failure.retry_after is not None, f"{failure}: no RetryInfo"


# -- nothing leaks


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Everything that is logged meanwhile, with every attribute of its records."""
    lines: list[str] = []

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.getMessage()} {record.__dict__}")

    handler, root = Everything(logging.DEBUG), logging.getLogger()
    ours = logging.getLogger("ucal")
    before = ours.level
    ours.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)


def _poisoned(kind: Kind, keeps: set[str]) -> dict[str, Any]:
    """Content with a canary in every free text."""
    texts = ("subject", "name", "description", "location")
    fields: dict[str, Any] = {
        name: f"{CANARY} {samples.title()}"
        for name in texts
        if name in keeps and name in kind.resource.DESCRIPTOR.fields_by_name
    }
    if kind is EVENT and "attendees" in keeps:
        fields["attendees"] = [types_pb2.Attendee(name=CANARY, email=f"{CANARY}@example.com")]
    return fields


async def test_nothing_of_a_calendar_is_in_errors_or_logs(
    fresh: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    kind = _some_kind(fresh, CREATE)
    keeps = set(fresh.capability(kind.op(CREATE)).writable_fields)
    failures: list[Failure] = []

    async def fails(operation: Any, **fields: Any) -> None:
        try:
            await fresh.call(operation, **fields)
        except Failure as failure:
            failures.append(failure)

    with _logged() as lines:
        made = await fresh.create(kind, **_poisoned(kind, keeps))
        resource = await fresh.sample(kind, **_poisoned(kind, keeps))
        await fails(kind.op(GET), id=plain.NOWHERE)
        await fails(kind.op(CREATE), **{kind.name: resource}, request_id="no-uuid")
        if kind.has(METHODS.METHOD_UPDATE):
            update = kind.op(METHODS.METHOD_UPDATE)
            await fails(update, id=plain.NOWHERE, **{kind.name: resource})
            stale = kind.resource()
            stale.CopyFrom(resource)
            stale.etag = "stale"
            await fails(update, id=made.id, **{kind.name: stale})
            await fails(
                update, id=made.id, **{kind.name: resource}, update_mask={"paths": [CANARY]}
            )
        for status in (400, 404, 409, 422, 429, 500):
            await fresh.harness.fail_next(status)
            await fails(kind.op(CREATE), **{kind.name: resource})
            await fresh.harness.fail_next(status)
            await fails(kind.op(LIST), **fresh.list_fields(kind))
    assert len(failures) > 5, f"{fresh.name}: too little went wrong"
    for failure in failures:
        # A mask is the caller's own words, and is named to the caller.
        asked = "update_mask" in failure.fields
        assert asked or CANARY.encode() not in failure.everything, f"it leaks: {failure}"
    leaking = [line[:300] for line in lines if CANARY in line]
    assert not leaking, f"{fresh.name}: logged: {leaking}"
    out, err = capfd.readouterr()
    assert CANARY not in out + err, f"{fresh.name}: printed"
