"""How a caller wants changes to be shown: read mask, raw, batch size."""

from providers.core.errors import ProviderError
from server.requests.fields import nested
from server.requests.reads import RESOURCES
from server.watch.batch import Variant
from ucal.v1 import watch_pb2

_MAX_BATCH = 100


def variant_of(
    request: watch_pb2.WatchEventsRequest | watch_pb2.PollEventsRequest,
) -> Variant:
    """The variant that `request` asks for.

    Raises:
        ProviderError: INVALID when the mask is empty or names what no kind of object has.
    """
    paths: tuple[str, ...] = ()
    if request.HasField("read_mask"):
        paths = tuple(dict.fromkeys(request.read_mask.paths))
        if not paths:
            raise ProviderError.invalid("read_mask", "is empty; leave it out to get every field")
        for path in paths:
            if path != "*" and not any(nested(kind, path) for kind in RESOURCES.values()):
                raise ProviderError.invalid("read_mask", f"no such field: {path[:100]!r}")
    return Variant(paths, request.include_raw, request.max_batch_size or _MAX_BATCH)
