"""API keys at the door: shape, hash, expiry, revocation, environment."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest

from providers.core.errors import Kind, ProviderError
from server.access.gate import Gate
from server.access.key_check import FRESH_SECONDS, KeyCheck
from server.access.key_format import ALPHABET, PATTERN, checksum, digest, new_key, parse
from server.access.key_store import KeyRow, KeyStore
from server.access.subjects import Subjects
from tests.access.door import Place, grant, opened, place
from ucal.v1 import event_pb2, provider_pb2

SANDBOX = [{"id": "box", "provider": "sandbox"}]
EVENTS = event_pb2.ListEventsRequest(connection_id="box", page_size=1)


@pytest.fixture
def where(tmp_path: Path) -> Place:
    return place(tmp_path, connections=SANDBOX)


def test_a_key_has_a_shape_that_scanners_find() -> None:
    made = new_key("production-eu")
    assert re.fullmatch(r"ucal_production-eu_[a-z0-9]{16}_[A-Za-z0-9]{49}", made.text)
    assert PATTERN.search(f'key = "{made.text}"')
    assert made.text not in repr(made)
    parsed = parse(made.text)
    assert parsed is not None
    assert (parsed.environment, parsed.id) == ("production-eu", made.id)


def test_a_secret_has_256_bits() -> None:
    secrets = {new_key("e").text.rpartition("_")[2][:43] for _ in range(200)}
    assert len(secrets) == 200
    assert len(ALPHABET) ** 43 >= 2**256
    # Every place varies over the alphabet: none is fixed, or lacks half of it.
    assert all(len({secret[at] for secret in secrets}) > 31 for at in range(43))


def test_any_sign_that_is_wrong_makes_it_no_key() -> None:
    text = new_key("e").text
    for at in range(len(text)):
        for sign in "aZ0_-":
            if sign != text[at]:
                assert parse(text[:at] + sign + text[at + 1 :]) is None
    assert parse(text[:-1]) is None
    assert parse(f"{text}0") is None
    assert parse(f"{text}\n") is None


async def test_a_key_lets_in_and_nothing_else_does(where: Place) -> None:
    key = await where.key(grant("read"))
    async with opened(where) as door:
        assert len((await door.call("ListEvents", EVENTS, key)).events) == 1
        assert (await door.refusal("ListEvents", EVENTS)).short == (
            "UNAUTHENTICATED",
            "CALLER_CREDENTIALS_MISSING",
        )
        stranger = new_key("development").text
        other_secret = key[:-49] + stranger[-49:-6]
        for wrong in (
            stranger,
            other_secret + checksum(other_secret),
            key[:-1],
            key.upper(),
            "ucal_",
            "x",
            "a.b.c",
        ):
            refusal = await door.refusal("ListEvents", EVENTS, wrong)
            assert refusal.short == ("UNAUTHENTICATED", "CALLER_CREDENTIALS_INVALID"), wrong
            assert wrong not in refusal.message
        for header in (f"Basic {key}", key, f"Bearer{key}"):
            refusal = await door.refusal("ListEvents", EVENTS, authorization=header)
            assert refusal.short == ("UNAUTHENTICATED", "CALLER_CREDENTIALS_INVALID")
        lower = await door.refusal("ListEvents", EVENTS, authorization=f"bearer {key}")
        assert lower.code == "OK"
        twice = [("authorization", f"Bearer {key}"), ("authorization", f"Bearer {stranger}")]
        call = door.channel.unary_unary("/ucal.v1.EventService/ListEvents")
        with pytest.raises(Exception, match="one Bearer token"):
            await call(EVENTS.SerializeToString(), metadata=twice)


async def test_a_key_of_another_environment_is_told_so(where: Place) -> None:
    key = await where.key(grant("read"), environment="staging")
    async with opened(where) as door:
        refusal = await door.refusal("ListEvents", EVENTS, key)
    assert refusal.short == ("UNAUTHENTICATED", "WRONG_ENVIRONMENT")
    assert "staging" in refusal.message
    assert "development" in refusal.message


async def test_a_row_of_another_environment_does_not_open_for_a_key_of_this_one(
    where: Place,
) -> None:
    """The shared store of two environments: the row counts, not what the key says of itself."""
    made = new_key("development")
    async with where.keys() as keys:
        await keys.add(made.id, made.hash, name="n", environment="staging", grants=[grant("read")])
    async with opened(where) as door:
        refusal = await door.refusal("ListEvents", EVENTS, made.text)
    assert refusal.short == ("UNAUTHENTICATED", "CALLER_CREDENTIALS_INVALID")


async def test_expired_and_revoked_keys_say_which(where: Place) -> None:
    old = await where.key(grant("read"), expires_at=time.time() - 1)
    back = await where.key(grant("read"))
    async with where.keys() as keys:
        assert await keys.revoke(parse(back).id)  # type: ignore[union-attr]
        assert not await keys.revoke(parse(back).id)  # type: ignore[union-attr]
    async with opened(where) as door:
        assert (await door.refusal("ListEvents", EVENTS, old)).short == (
            "UNAUTHENTICATED",
            "CALLER_CREDENTIALS_EXPIRED",
        )
        assert (await door.refusal("ListEvents", EVENTS, back)).short == (
            "UNAUTHENTICATED",
            "CALLER_CREDENTIALS_REVOKED",
        )


async def test_a_key_without_grants_may_nothing(where: Place) -> None:
    key = await where.key()
    async with opened(where) as door:
        for rpc, request in (
            ("ListEvents", EVENTS),
            ("ListProviders", provider_pb2.ListProvidersRequest()),
        ):
            assert (await door.refusal(rpc, request, key)).short == (
                "PERMISSION_DENIED",
                "ACCESS_DENIED",
            )


async def test_the_store_holds_no_key(where: Place, tmp_path: Path) -> None:
    key = await where.key(grant("read"))
    async with opened(where) as door:
        await door.call("ListEvents", EVENTS, key)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    held = b"".join(path.read_bytes() for path in files)
    assert digest(key) in held
    for part in (key, key[-49:], key[-49:-6]):
        assert part.encode() not in held


# -- the check by itself, under a clock of its own


class Rows(KeyStore):
    """A table in memory that counts, and can be out of reach."""

    def __init__(self, row: KeyRow | None) -> None:
        self.row = row
        self.asked = 0
        self.noted = 0
        self.down = False

    def _ask(self) -> None:
        if self.down:
            raise ProviderError(Kind.UNAVAILABLE, "down", reason="STORE_UNAVAILABLE")

    async def get(self, own_id: str) -> KeyRow | None:
        self.asked += 1
        await asyncio.sleep(0)
        self._ask()
        return self.row if self.row is not None and self.row.id == own_id else None

    async def used(self, own_id: str, *, every: float) -> None:
        self._ask()
        self.noted += 1


class Presented:
    """A call with a key."""

    def __init__(self, key: str) -> None:
        self._metadata = (("authorization", f"Bearer {key}"),)

    def invocation_metadata(self) -> Any:
        return self._metadata

    def auth_context(self) -> Any:
        return {}


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


MADE = new_key("test")
ROW = KeyRow(MADE.id, "n", "test", (grant("read"),), 1.0, 0.0, 0.0, 0.0, MADE.hash)


def check(rows: Rows, clock: Clock) -> KeyCheck:
    return KeyCheck(rows, Subjects(()), "test", now=clock, clock=clock)


async def test_the_store_is_asked_once_in_four_seconds_whoever_calls() -> None:
    rows, clock = Rows(ROW), Clock()
    keys = check(rows, clock)
    await asyncio.gather(*(keys.caller(MADE.text) for _ in range(50)))
    assert rows.asked == 1
    clock.time += FRESH_SECONDS + 0.1
    await keys.caller(MADE.text)
    assert rows.asked == 2
    await keys.close()


async def test_a_revocation_elsewhere_is_seen_within_five_seconds() -> None:
    """At the gate itself, with all that is remembered on the way, at the worst moment."""
    rows, clock = Rows(ROW), Clock()
    gate = Gate(keys=check(rows, clock), tokens=None, certificates=None, now=clock, clock=clock)
    call = Presented(MADE.text)
    await gate.caller(call)
    rows.row = KeyRow(MADE.id, "n", "test", ROW.grants, 1.0, 0.0, 0.0, clock.time, MADE.hash)
    clock.time += FRESH_SECONDS
    await gate.caller(call)
    clock.time += 5 - FRESH_SECONDS + 0.01
    with pytest.raises(ProviderError) as caught:
        await gate.caller(call)
    assert caught.value.reason == "CALLER_CREDENTIALS_REVOKED"
    await gate.close()


async def test_keys_go_on_for_a_minute_without_the_store_and_no_longer() -> None:
    rows, clock = Rows(ROW), Clock()
    keys = check(rows, clock)
    await keys.caller(MADE.text)
    rows.down = True
    clock.time += 59
    assert (await keys.caller(MADE.text)).key_id == MADE.id
    clock.time += 2
    with pytest.raises(ProviderError) as caught:
        await keys.caller(MADE.text)
    assert caught.value.reason == "STORE_UNAVAILABLE"
    rows.down = False
    assert (await keys.caller(MADE.text)).key_id == MADE.id
    await keys.close()


async def test_the_use_of_a_key_is_noted_once_a_minute_beside_the_call() -> None:
    rows, clock = Rows(ROW), Clock()
    keys = check(rows, clock)
    for _ in range(12):
        await keys.caller(MADE.text)
        clock.time += 6
    await keys.close()
    assert rows.noted == 2


async def test_made_up_keys_do_not_push_out_good_ones() -> None:
    rows, clock = Rows(ROW), Clock()
    keys = check(rows, clock)
    await keys.caller(MADE.text)
    before = rows.asked
    for _ in range(300):
        with pytest.raises(ProviderError):
            await keys.caller(new_key("test").text)
    await keys.caller(MADE.text)
    assert rows.asked == before + 300
    await keys.close()


async def test_one_caller_who_gives_up_does_not_end_the_question_of_others() -> None:
    rows, clock = Rows(ROW), Clock()
    keys = check(rows, clock)
    hasty = asyncio.ensure_future(keys.caller(MADE.text))
    patient = asyncio.ensure_future(keys.caller(MADE.text))
    await asyncio.sleep(0)
    hasty.cancel()
    assert (await patient).key_id == MADE.id
    assert rows.asked == 1
    await keys.close()
