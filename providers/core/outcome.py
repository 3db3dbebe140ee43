"""What a failed attempt means: the error to raise, and what it may have done at the provider."""

from dataclasses import dataclass

import httpx

from providers.core.errors import Kind, ProviderError
from providers.core.replies import Reply, may_be_done
from providers.core.retry import Done, Failed
from providers.core.transport import TooLargeError, was_sent

# They speak of the object itself, and are told as they are even when an earlier send is the cause.
_OF_THE_OBJECT = frozenset({Kind.ALREADY_EXISTS, Kind.CONFLICT, Kind.NOT_FOUND})
_TROUBLE = frozenset({Kind.UNAVAILABLE, Kind.TIMEOUT, Kind.PROVIDER_FAULT})


@dataclass(slots=True)
class Flight:
    """What is under way, for when an exchange is cut off."""

    request: httpx.Request | None = None

    @property
    def sent(self) -> bool:
        """Whether the provider may have received a request that it has not answered."""
        return self.request is not None and was_sent(self.request)


def cut_off(error: Exception, flight: Flight, *, reads: bool) -> Failed:
    """An attempt that ended with `error`: httpx's, or TimeoutError at the deadline."""
    if isinstance(error, TooLargeError):
        large = ProviderError(
            Kind.PROVIDER_FAULT,
            "the provider's answer is larger than is taken: ask for less at a time",
            reason="ANSWER_TOO_LARGE",
        )
        return Failed(large, Done.PERHAPS, final=True)
    never_left = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    deadline = isinstance(error, TimeoutError)
    unsent = never_left or (deadline and not flight.sent)
    if unsent and not (deadline and reads):
        return Failed(ProviderError(Kind.UNAVAILABLE, "the provider cannot be reached"))
    if deadline or isinstance(error, httpx.TimeoutException):
        late = ProviderError(Kind.TIMEOUT, "the provider did not answer in time")
        return Failed(late, Done.NOTHING if unsent else Done.PERHAPS)
    broken = ProviderError(Kind.UNAVAILABLE, "the connection to the provider broke")
    return Failed(broken, Done.PERHAPS)


def refused(reply: Reply, error: ProviderError) -> Failed:
    """An attempt that was answered, with `error` as the provider classifies it."""
    doubtful = error.kind in _TROUBLE and may_be_done(reply)
    return Failed(error, Done.PERHAPS if doubtful else Done.NOTHING)


def verdict(error: ProviderError, *, doubtful: bool) -> ProviderError:
    """The error to raise at last.

    Args:
        doubtful: it was a write, and one of its attempts may have been carried out.
    """
    if not doubtful or error.kind in _OF_THE_OBJECT:
        return error
    return ProviderError(
        Kind.OUTCOME_UNKNOWN,
        "the provider may or may not have done this: read before trying again",
        metadata=error.metadata,
    )
