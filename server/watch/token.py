"""Resume tokens: every position of a watch, sealed. They are the only state that a watch has."""

import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec

from providers.core.errors import Kind, ProviderError
from server.connections.sealer import TokenError
from server.interceptors.scope import SCOPE
from server.watch.known import Known
from server.watch.ports import Clock, Sealer
from server.watch.position import Position
from server.watch.scope import Scope, list_scope

_CONTEXT = b"ucal.watch/1"
_VERSION = 1
# 64 KiB sealed at most, and sealing may write base64 (4 bytes for 3).
_MAX_PAYLOAD = 48_000
# Whole ids are a courtesy to readers of deletions; they may not make every message heavy.
_MAX_IDS = 16_000
_COMPRESS_FROM = 16_000
_MAX_INFLATED = 4 * 1024 * 1024
_PLAIN, _DEFLATED = b"\0", b"\1"
_CACHED = 256
_CACHE_SECONDS = 60


class _Place(msgspec.Struct, array_like=True, gc=False):
    """A `Position` as it is written."""

    cursor: str
    anchor: int
    at: int
    complete: bool
    records: bytes
    ids: bytes


class _Payload(msgspec.Struct, array_like=True, gc=False):
    """What is sealed."""

    version: int
    scope: bytes
    places: list[_Place]


_decoder = msgspec.msgpack.Decoder(_Payload)
_encoder = msgspec.msgpack.Encoder()


class Tokens:
    """Writes and reads resume tokens."""

    def __init__(self, sealer: Sealer, clock: Clock, lifetime: timedelta) -> None:
        self._sealer = sealer
        self._clock = clock
        self._lifetime = lifetime
        self._sealed: OrderedDict[tuple[bytes, int, tuple[Position, ...]], bytes] = OrderedDict()

    def seal(self, scope: Scope, positions: tuple[Position, ...]) -> bytes:
        """A token of `positions`, one for each unit of `scope` in their order.

        Watchers that stand at the same point of the same scope share one sealed token, for as long
        as its age does not tell them apart.

        Raises:
            ProviderError: PRECONDITION when the scope holds more objects than a token can carry.
        """
        minute = int(self._clock.time() / _CACHE_SECONDS)
        key = (scope.digest, minute, positions)
        sealed = self._sealed.get(key)
        if sealed is None:
            sealed = self._sealer.seal(_payload(scope, positions), bound_to=_CONTEXT)
            self._sealed[key] = sealed
            if len(self._sealed) > _CACHED:
                self._sealed.popitem(last=False)
        return sealed

    def open(self, token: bytes, scope: Scope) -> tuple[Position, ...]:
        """The positions in `token`.

        Raises:
            ProviderError: INVALID with the reason RESUME_TOKEN_INVALID or RESUME_TOKEN_MISMATCH;
                CURSOR_EXPIRED when it is too old.
        """
        try:
            sealed = self._sealer.open(token, bound_to=_CONTEXT, max_age=self._lifetime)
        except TokenError as error:
            if error.kind is Kind.CURSOR_EXPIRED:
                raise expired("is too old, or its key is retired") from None
            raise _invalid() from None
        except ValueError:
            raise _invalid() from None
        payload = _read(sealed)
        if payload.version != _VERSION:
            raise expired("was written by another version of the service")
        if payload.scope != scope.digest or len(payload.places) != len(scope.units):
            raise ProviderError.invalid(
                "resume_token",
                "belongs to another connection or scope; scope must not vary on resume",
                reason="RESUME_TOKEN_MISMATCH",
            )
        return tuple(_position(place) for place in payload.places)

    def after_list(self, connection_id: str, calendar_id: str, cursor: str) -> bytes:
        """A token of the watch of `calendar_id` alone, from the provider's `cursor` on.

        Called by the dispatcher, at the end of a list at the provider that `SCOPE` names.
        """
        position = Position(cursor, Known(complete=False), at=int(self._clock.now().timestamp()))
        scope = list_scope(connection_id, SCOPE.get().provider, calendar_id)
        return self.seal(scope, (position,))


def expired(why: str) -> ProviderError:
    """The error of a point that cannot be gone on from."""
    return ProviderError(
        Kind.CURSOR_EXPIRED,
        f"the resume token {why}; begin anew, or ask for WATCH_EXPIRY_RESET",
    )


def _invalid() -> ProviderError:
    return ProviderError.invalid(
        "resume_token", "is no resume token of this service", reason="RESUME_TOKEN_INVALID"
    )


def _payload(scope: Scope, positions: Sequence[Position]) -> bytes:
    """The fullest form that fits: whole ids go first, then maps that only sharpen the types."""
    written = _written(scope, positions)
    if sum(len(p.known.ids) for p in positions) > _MAX_IDS or len(written) > _MAX_PAYLOAD:
        positions = [replace(p, known=p.known.without_ids()) for p in positions]
        written = _written(scope, positions)
    while len(written) > _MAX_PAYLOAD:
        spare = [p for p in positions if p.cursor and p.known.records]
        if not spare:
            raise ProviderError(
                Kind.PRECONDITION,
                "the scope holds more objects than a resume token can carry; "
                "watch fewer calendars or a shorter horizon",
                reason="WATCH_TOO_LARGE",
            )
        largest = max(spare, key=lambda p: len(p.known.records))
        vague = replace(largest, known=Known(complete=False))
        positions = [vague if p is largest else p for p in positions]
        written = _written(scope, positions)
    return written


def _written(scope: Scope, positions: Sequence[Position]) -> bytes:
    places = [
        _Place(p.cursor, p.anchor, p.at, p.known.complete, p.known.records, p.known.ids)
        for p in positions
    ]
    plain = _encoder.encode(_Payload(_VERSION, scope.digest, places))
    if len(plain) < _COMPRESS_FROM:
        return _PLAIN + plain
    return min(_PLAIN + plain, _DEFLATED + zlib.compress(plain, 1), key=len)


def _read(sealed: bytes) -> _Payload:
    try:
        data = sealed[1:]
        if sealed[:1] == _DEFLATED:
            data = zlib.decompressobj().decompress(data, _MAX_INFLATED)
        return _decoder.decode(data)
    except (zlib.error, msgspec.MsgspecError):
        # Sealed by us, so it was written by a version that writes otherwise.
        raise expired("was written by another version of the service") from None


def _position(place: _Place) -> Position:
    known = Known(place.records, complete=place.complete, ids=place.ids)
    return Position(place.cursor, known, place.anchor, place.at)
