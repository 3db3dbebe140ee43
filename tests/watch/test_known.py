"""The map of what was told, nine bytes an object, and the tokens that carry it."""

import hashlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core.errors import Kind, ProviderError
from server.connections.keyring import KeyRing
from server.connections.sealer import Sealer
from server.watch.known import (
    GONE,
    RECORD_BYTES,
    UNCERTAIN,
    Known,
    id_digest,
    version_of,
    version_of_etag,
)
from server.watch.position import Position
from server.watch.scope import Scope, scope_of
from server.watch.token import Tokens
from tests.watch.world import ManualClock
from ucal.v1 import event_pb2, recording_pb2, watch_pb2

digests = st.binary(min_size=5, max_size=5)
versions = st.binary(min_size=4, max_size=4)
maps = st.dictionaries(digests, versions, max_size=30)
cursors = st.text(max_size=200)


def scope(*calendars: str, connection: str = "c1") -> Scope:
    asked = watch_pb2.WatchScope(connection_id=connection, calendar_ids=calendars)
    return scope_of(asked, connection)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(Sealer(KeyRing.generate(), "watch"), ManualClock(), timedelta(days=30))


@given(maps, st.dictionaries(digests, st.none() | versions, max_size=30))
def test_the_map_behaves_like_a_dict(
    before: dict[bytes, bytes], changes: dict[bytes, bytes | None]
) -> None:
    known = Known.of(before)
    assert known.versions() == before
    assert len(known.records) == RECORD_BYTES * len(before)
    after = {**before, **{k: v for k, v in changes.items() if v is not None}}
    for key, value in changes.items():
        if value is None:
            after.pop(key, None)
    updated = known.updated(changes)
    assert updated.versions() == after
    for key in [*before, *changes, b"\xff" * 5]:
        assert updated.version(key) == after.get(key)
    assert known.versions() == before


@given(maps, maps)
def test_joined_maps_are_certain_only_of_what_both_say(
    one: dict[bytes, bytes], other: dict[bytes, bytes]
) -> None:
    joined = Known.of(one).joined(Known.of(other)).versions()
    assert joined.keys() == one.keys() | other.keys()
    for key, value in joined.items():
        agreed = one.get(key) == other.get(key)
        assert value == (one[key] if agreed else UNCERTAIN)
    vague = Known(complete=False)
    assert vague.joined(Known.of(one)).complete
    assert Known.of(one).joined(vague).versions() == one


@given(st.dictionaries(st.text(max_size=20), versions, max_size=30))
def test_ids_are_kept_beside_their_digests(ids: dict[str, bytes]) -> None:
    known = Known.with_ids(ids)
    assert known.names() == {id_digest(name): name for name in ids}
    assert not known.without_ids().names()


def test_digests_are_those_of_the_contract() -> None:
    assert id_digest("äbc/d") == hashlib.sha256("äbc/d".encode()).digest()[:5]


def test_versions() -> None:
    event = event_pb2.Event(id="a", subject="one")
    assert version_of(event) == version_of(event_pb2.Event(id="a", subject="one"))
    assert version_of(event) != version_of(event_pb2.Event(id="a", subject="two"))
    event.raw.update({"sequence": 1})
    assert version_of(event) == version_of(event_pb2.Event(id="a", subject="one"))
    event.etag = "1"
    assert version_of(event) == version_of_etag("1") != version_of_etag("2")
    assert version_of_etag("") == UNCERTAIN
    assert UNCERTAIN != GONE


def test_links_that_age_do_not_change_a_recording() -> None:
    def recording(link: str, state: int) -> recording_pb2.Recording:
        found = recording_pb2.Recording(id="r")
        found.media.add(id="m", url=link, state=state).expires_at.seconds = len(link)
        return found

    assert version_of(recording("https://a/1", 1)) == version_of(recording("https://a/22", 1))
    assert version_of(recording("https://a/1", 1)) != version_of(recording("https://a/1", 2))


@given(st.lists(st.tuples(cursors, maps, st.booleans()), min_size=1, max_size=3), st.data())
def test_tokens_bring_back_every_position(
    places: list[tuple[str, dict[bytes, bytes], bool]], data: st.DataObject
) -> None:
    tokens = Tokens(Sealer(KeyRing.generate(), "watch"), ManualClock(), timedelta(days=30))
    asked = scope(*(f"c{number}" for number in range(len(places))))
    positions = tuple(
        Position(cursor, Known.of(known, complete=complete), at=7)
        for cursor, known, complete in places
    )
    sealed = tokens.seal(asked, positions)
    assert [p.key for p in tokens.open(sealed, asked)] == [p.key for p in positions]
    at = data.draw(st.integers(0, len(sealed) - 1))
    bad = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    with pytest.raises(ProviderError) as caught:
        tokens.open(bad, asked)
    # A flipped key id reads as a retired key.
    assert caught.value.reason in ("RESUME_TOKEN_INVALID", "RESUME_TOKEN_EXPIRED")


@given(st.binary(max_size=200))
def test_rubbish_is_no_token(data: bytes) -> None:
    tokens = Tokens(Sealer(KeyRing.generate(), "watch"), ManualClock(), timedelta(days=30))
    with pytest.raises(ProviderError) as caught:
        tokens.open(data, scope())
    assert caught.value.reason == "RESUME_TOKEN_INVALID"


def test_a_token_of_another_connection_or_scope(tokens: Tokens) -> None:
    sealed = tokens.seal(scope("a"), (Position("c"),))
    for other in (scope("b"), scope(), scope("a", "b"), scope("a", connection="c2")):
        with pytest.raises(ProviderError) as caught:
            tokens.open(sealed, other)
        assert (caught.value.kind, caught.value.reason) == (Kind.INVALID, "RESUME_TOKEN_MISMATCH")
    assert scope("b", "a").digest == scope("a", "b").digest


def test_tokens_live_on_through_a_rotation_of_keys() -> None:
    ring = KeyRing([b"1" * 32])
    tokens = Tokens(Sealer(ring, "watch"), ManualClock(), timedelta(days=30))
    sealed = tokens.seal(scope(), (Position("c"),))
    ring.replace([b"2" * 32, b"1" * 32])
    assert tokens.open(sealed, scope())[0].cursor == "c"
    ring.replace([b"2" * 32])
    with pytest.raises(ProviderError) as caught:
        tokens.open(sealed, scope())
    assert (caught.value.kind, caught.value.reason) == (
        Kind.CURSOR_EXPIRED,
        "RESUME_TOKEN_EXPIRED",
    )


def many(count: int, *, ids: bool = False) -> Known:
    versions = {f"event-number-{n}@example.com": version_of_etag(str(n)) for n in range(count)}
    known = Known.with_ids(versions)
    return known if ids else known.without_ids()


def test_ids_are_kept_while_they_are_few(tokens: Tokens) -> None:
    few = tokens.seal(scope(), (Position(known=many(100, ids=True), anchor=1),))
    assert len(tokens.open(few, scope())[0].known.names()) == 100
    more = tokens.seal(scope(), (Position(known=many(2000, ids=True), anchor=1),))
    (position,) = tokens.open(more, scope())
    assert not position.known.names()
    assert len(position.known) == 2000
    assert len(more) <= 2000 * 9 * 4 / 3 + 400


def test_a_token_is_never_longer_than_it_may_be(tokens: Tokens) -> None:
    # Deltas can do without the map: types become less sharp, nothing is lost.
    sealed = tokens.seal(scope(), (Position("cursor", many(50_000)),))
    (position,) = tokens.open(sealed, scope())
    assert not position.known.complete
    assert position.cursor == "cursor"
    # The largest map goes first.
    pair = scope("a", "b")
    sealed = tokens.seal(pair, (Position("x", many(4_000)), Position("y", many(3_000))))
    first, second = tokens.open(sealed, pair)
    assert (first.known.complete, second.known.complete) == (False, True)
    assert len(sealed) <= 65_536
    largest = tokens.seal(scope(), (Position(known=many(5_200), anchor=1),))
    assert len(largest) <= 65_536
    # Comparing cannot do without it.
    with pytest.raises(ProviderError) as caught:
        tokens.seal(scope(), (Position(known=many(6_000), anchor=1),))
    assert (caught.value.kind, caught.value.reason) == (Kind.PRECONDITION, "WATCH_TOO_LARGE")
