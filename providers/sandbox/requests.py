"""What makes a create idempotent: the request ids of a world, each with what it made.

An id is derived from the connection, the kind of object and the caller's request id, so a
repetition finds its object by name. The digest of the request tells a repetition from another
request under the same id.
"""

import hashlib
import uuid
from collections import OrderedDict

from google.protobuf.message import Message

from providers.core.errors import Kind, ProviderError

LIMIT = 10_000


class Requests:
    """Request ids seen in one world, the oldest forgotten beyond `limit`."""

    def __init__(self, connection_id: str, limit: int = LIMIT) -> None:
        self._connection_id = connection_id
        self._limit = limit
        self._digests: OrderedDict[str, bytes] = OrderedDict()

    def id_for(self, kind: str, request_id: str) -> str:
        """A new object's id: random, or derived from the caller's request id."""
        if not request_id:
            return uuid.uuid4().hex
        name = f"{self._connection_id}\n{kind}\n{request_id.lower()}"
        return uuid.uuid5(uuid.NAMESPACE_URL, name).hex

    def repeats(self, kind: str, id: str, request: Message) -> bool:
        """Whether the very request that made `id` has come again.

        Raises:
            ProviderError: ALREADY_EXISTS when another one did, naming the object (P60).
        """
        known = self._digests.get(id)
        if known is None:
            return False
        if known != _digest(request):
            raise taken(kind, id)
        return True

    def remember(self, id: str, request_id: str, request: Message) -> None:
        """Note that `request` made the object `id` under `request_id`, if there is one."""
        if request_id:
            self._digests[id] = _digest(request)
            if len(self._digests) > self._limit:
                self._digests.popitem(last=False)


def taken(kind: str, id: str) -> ProviderError:
    """The error of a request id that has been used up."""
    return ProviderError(
        Kind.ALREADY_EXISTS,
        "this request_id has made another object, or one that is gone: use a new one",
        resource=(kind, id),
    )


def _digest(request: Message) -> bytes:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
