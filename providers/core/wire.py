"""Reading what providers send."""

from typing import TypeVar

import msgspec

from providers.core.errors import Kind, ProviderError
from providers.core.replies import Reply, facts

T = TypeVar("T")


def decode(reply: Reply, type: type[T]) -> T:
    """The JSON body of `reply` as `type`.

    Raises:
        ProviderError: PROVIDER_FAULT when it is not; without a word of the body.
    """
    try:
        return msgspec.json.decode(reply.content, type=type)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProviderError(
            Kind.PROVIDER_FAULT,
            "the provider's answer is not what its documentation says",
            reason="MALFORMED_ANSWER",
            metadata=facts(reply),
        ) from None
