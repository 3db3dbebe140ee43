"""The messages of a stream that carry no changes, encoded."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from providers.core.errors import ProviderError
from server.metrics import WATCH_AGE, WATCH_LAG
from server.status import to_rpc_status
from server.watch.asking import Trouble
from server.watch.batch import Batch
from server.watch.ports import Clock
from ucal.v1 import watch_pb2

# From the best to the worst: a watch of several kinds promises what the worst of them can.
_DELETIONS = (
    watch_pb2.DELETION_SUPPORT_EXACT,
    watch_pb2.DELETION_SUPPORT_RECONCILED,
    watch_pb2.DELETION_SUPPORT_CANCELLATIONS_ONLY,
    watch_pb2.DELETION_SUPPORT_NONE,
)


def weakest(
    deletions: list[watch_pb2.DeletionSupport.ValueType],
) -> watch_pb2.DeletionSupport.ValueType:
    """What a watch of units with these `deletions` can promise as a whole."""
    return max(deletions, key=_DELETIONS.index)


class Writer:
    """Writes messages of one stream, with the token and the time that each of them carries."""

    __slots__ = ("provider",)

    def __init__(self, provider: str) -> None:
        self.provider = provider

    def heartbeat(self, token: bytes, now: datetime) -> bytes:
        """Heartbeat."""
        message = _message(token, now)
        message.heartbeat.SetInParent()
        return message.SerializeToString()

    def synced(self, token: bytes, now: datetime) -> bytes:
        """Synced."""
        message = _message(token, now)
        message.synced.SetInParent()
        return message.SerializeToString()

    def closing(self, token: bytes, now: datetime) -> bytes:
        """Closing."""
        message = _message(token, now)
        message.closing.SetInParent()
        return message.SerializeToString()

    def reset(self, cause: ProviderError, now: datetime) -> bytes:
        """Reset: without a token, since there is no point to go on from."""
        message = _message(b"", now)
        message.reset.cause.CopyFrom(to_rpc_status(cause, provider=self.provider))
        return message.SerializeToString()

    def degraded(self, trouble: Trouble, token: bytes, now: datetime) -> bytes:
        """Degraded."""
        message = _message(token, now)
        message.degraded.cause.CopyFrom(to_rpc_status(trouble.error, provider=self.provider))
        message.degraded.next_attempt_at.FromDatetime(trouble.next_attempt)
        return message.SerializeToString()

    def measure(self, batch: Batch, clock: Clock) -> None:
        """The first stream has been told of `batch`: how long it took, and how old it is."""
        WATCH_LAG.labels(self.provider, batch.cause).observe(clock.time() - batch.since)
        batch.cause = ""
        newest = max((t.changed_at.seconds for t in batch.told if t.changed_at), default=0)
        if newest:
            WATCH_AGE.labels(self.provider).observe(max(clock.now().timestamp() - newest, 0))


def _message(token: bytes, now: datetime) -> watch_pb2.WatchEventsResponse:
    stamp = Timestamp()
    stamp.FromDatetime(now)
    return watch_pb2.WatchEventsResponse(resume_token=token, observed_at=stamp)


def opened(
    watched: list[watch_pb2.WatchEventsResponse.Opened],
    heartbeat: float,
    token: bytes,
    now: datetime,
) -> bytes:
    """Opened: of the units' own records, what holds for all of them."""
    message = _message(token, now)
    message.opened.deletions = weakest([unit.deletions for unit in watched])
    message.opened.source = max(unit.source for unit in watched)
    slowest = max(watched, key=lambda unit: unit.poll_interval.ToNanoseconds())
    message.opened.poll_interval.CopyFrom(slowest.poll_interval)
    message.opened.heartbeat_interval.FromNanoseconds(int(heartbeat * 1e9))
    reasons = dict.fromkeys(unit.reason for unit in watched if unit.reason)
    message.opened.reason = "; ".join(reasons)
    return message.SerializeToString()
