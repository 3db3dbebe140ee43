"""Requests are read and held against the rules that stand in the contract, before anything else.

A body that is no message at all is INVALID_ARGUMENT; grpc.aio itself would answer INTERNAL.
"""

from collections.abc import Callable
from typing import Any

import protovalidate
from google.protobuf.message import DecodeError, Message
from protovalidate import Violation

from providers.core.errors import Kind, ProviderError
from server.interceptors.wrap import Context, Reading, Stream, Unary

_MAX_VIOLATIONS = 100


def _path(violation: Violation) -> str:
    """The field path of `violation`, "event.attendees[2].email"."""
    parts: list[str] = []
    for element in violation.proto.field.elements if violation.proto.field else ():
        key = element.subscript
        # A map's key is the caller's text: it may be personal, so it is not repeated.
        subscript = "" if key is None else f"[{key.value}]" if key.field == "index" else "[]"
        parts.append(f"{element.field_name}{subscript}")
    return ".".join(parts)


class Validation(Reading):
    """Reads and checks requests; the innermost layer."""

    def __init__(self) -> None:
        self._rules = protovalidate.Validator()
        self._readers: dict[str, Callable[[bytes], Message]] = {}

    def reads(self, method: str, read: Callable[[bytes], Any]) -> None:
        """Learn how requests of `method` are read."""
        self._readers[method] = read

    def _read(self, method: str, data: bytes) -> Message:
        try:
            request = self._readers[method](data)
        except DecodeError:
            raise ProviderError(
                Kind.INVALID, f"the body is not the request message of {method}"
            ) from None
        violations = self._rules.collect_violations(request)
        if violations:
            found = [(_path(v), v.proto.message) for v in violations[:_MAX_VIOLATIONS]]
            fields = ", ".join(field for field, _ in found[:5])
            raise ProviderError(
                Kind.INVALID, f"the request breaks the contract at: {fields}", violations=found
            )
        return request

    def unary(self, method: str, inner: Unary) -> Unary:
        """Around a call with one answer."""

        async def call(data: bytes, context: Context) -> Any:
            return await inner(self._read(method, data), context)

        return call

    def stream(self, method: str, inner: Stream) -> Stream:
        """Around a call with a stream of answers."""

        async def call(data: bytes, context: Context) -> Any:
            async for message in inner(self._read(method, data), context):
                yield message

        return call
