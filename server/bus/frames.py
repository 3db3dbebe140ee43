"""What replicas say to one another, and how it is sealed.

Every frame is sealed by the key ring (AES-256-GCM, see `Sealer`): whoever can write on the bus
but has no key can say nothing, and whoever reads there learns nothing. Inside are ids of
connections and of subscriptions, and digests; never a calendar's id, name or URL. A frame has the
sender and a number that only grows: what comes twice is dropped, and what is missing is noticed.
"""

from datetime import timedelta
from typing import Protocol, TypeAlias

import msgspec

from providers.core.errors import ProviderError

VERSION = 1
MAX_BYTES = 4_096
_CONTEXT = b"ucal.bus/1"
# Replicas' clocks may differ by minutes; the frame's number is what keeps it from coming twice.
_MAX_AGE = timedelta(minutes=15)


class Beat(msgspec.Struct, array_like=True, tag=0, gc=False, frozen=True):
    """The sender lives."""


class Moved(msgspec.Struct, array_like=True, tag=1, gc=False, frozen=True):
    """A feed has told its watchers something.

    Attributes:
        feed: its name, see `turns`.
        point: digest of where it stands now.
    """

    feed: bytes
    point: bytes


class Taken(msgspec.Struct, array_like=True, tag=2, gc=False, frozen=True):
    """The sender asks for these feeds from now on."""

    feeds: list[bytes]


class Freed(msgspec.Struct, array_like=True, tag=3, gc=False, frozen=True):
    """The sender asks for these feeds no longer."""

    feeds: list[bytes]


class Hinted(msgspec.Struct, array_like=True, tag=4, gc=False, frozen=True):
    """A provider has delivered.

    Attributes:
        provider: registry name.
        connection_id: "" when the delivery does not tell whose it is.
        kind: of the objects, as `ResourceKind`.
        subscription_id: which subscription told, "" when that is not known.
        mark: equal for one delivery that comes twice; empty when it has no name.
        change: STARTED or ENDED as `ChangeType`, else 0.
        object_id: of the object, with `change`.
        renew: the subscription is to be renewed before long.
        account: digest of the account at the provider; empty when the delivery does not tell.
    """

    provider: str
    connection_id: str
    kind: int
    subscription_id: str = ""
    mark: bytes = b""
    change: int = 0
    object_id: str = ""
    renew: bool = False
    account: bytes = b""


Body: TypeAlias = Beat | Moved | Taken | Freed | Hinted


class Frame(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One piece of the conversation.

    Attributes:
        version: of the format.
        sender: the process, by a random name.
        number: of the frame, from 1 on.
        body: what is said.
    """

    version: int
    sender: str
    number: int
    body: Body


class FrameSealer(Protocol):
    """`server.connections.sealer.Sealer`, as far as it is needed here."""

    def seal(self, payload: bytes, *, bound_to: bytes = b"") -> bytes:
        """`payload`, sealed, as ASCII."""

    def open(
        self, token: bytes, *, bound_to: bytes = b"", max_age: timedelta | None = None
    ) -> bytes:
        """What was sealed.

        Raises:
            ProviderError: it was not sealed here, or is too old.
        """


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


class Codec:
    """Seals and opens frames."""

    def __init__(self, sealer: FrameSealer) -> None:
        self._sealer = sealer

    def write(self, frame: Frame) -> bytes:
        """`frame` for the bus."""
        return self._sealer.seal(_encoder.encode(frame), bound_to=_CONTEXT)

    def read(self, data: bytes) -> Frame | None:
        """The frame, if one of us wrote it in a version that is understood."""
        if len(data) > MAX_BYTES:
            return None
        try:
            frame = _decoder.decode(self._sealer.open(data, bound_to=_CONTEXT, max_age=_MAX_AGE))
        except (ProviderError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return frame if frame.version == VERSION else None
