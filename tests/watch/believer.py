"""A client that believes what it is told, and holds the stream to the order that is promised."""

import hashlib

from ucal.v1 import watch_pb2


class Client:
    """Applies what it is told, and holds the stream to the order that the contract promises."""

    def __init__(self) -> None:
        self.state: dict[tuple[str, str], str] = {}
        self.messages: list[watch_pb2.WatchEventsResponse] = []
        self.changes: list[watch_pb2.Change] = []
        self.tokens: list[tuple[bytes, dict[tuple[str, str], str]]] = []
        self.syncing = False
        self._partial = False

    @property
    def token(self) -> bytes:
        return self.tokens[-1][0] if self.tokens else b""

    @property
    def kinds(self) -> list[str]:
        return [message.WhichOneof("message") or "" for message in self.messages]

    def take(self, message: watch_pb2.WatchEventsResponse) -> None:
        what = message.WhichOneof("message")
        assert what is not None
        assert (what == "opened") == (not self.messages), "Opened comes first, and once"
        assert message.HasField("observed_at")
        self.messages.append(message)
        assert not self._partial or what == "changes", "a cut batch goes on in the next message"
        if what == "reset":
            self.state.clear()
            self.tokens.clear()
            self.syncing = True
            assert not message.resume_token
        elif what == "synced":
            self.syncing = False
            assert message.resume_token
        elif what == "changes":
            self._apply(message.changes)
        if message.resume_token:
            assert not self._partial
            self.tokens.append((message.resume_token, dict(self.state)))
        else:
            assert self._partial or not self.tokens, "a token once there are points"

    def _apply(self, batch: watch_pb2.WatchEventsResponse.Changes) -> None:
        assert batch.changes
        self._partial = batch.is_partial
        for change in batch.changes:
            self.apply(change)

    def apply(self, change: watch_pb2.Change) -> None:
        self.changes.append(change)
        assert change.type
        assert change.kind
        assert change.connection_id == "c1"
        assert change.dedup_key
        key = (change.calendar_id, change.id)
        if change.previous_id:
            self.state.pop((change.calendar_id, change.previous_id), None)
        if change.type == watch_pb2.CHANGE_TYPE_DELETED:
            assert len(change.id_digest) == 5
            assert not change.WhichOneof("resource")
            for other in [k for k in self.state if self._is(k, change)]:
                del self.state[other]
        elif change.WhichOneof("resource"):
            self.state[key] = change.event.subject

    @staticmethod
    def _is(key: tuple[str, str], change: watch_pb2.Change) -> bool:
        if key[0] != change.calendar_id:
            return False
        if change.id:
            assert change.id_digest == hashlib.sha256(change.id.encode()).digest()[:5]
            return key[1] == change.id
        return hashlib.sha256(key[1].encode()).digest()[:5] == change.id_digest
