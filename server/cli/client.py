"""How the command line talks to a running service: address, channel, the contract's methods."""

import asyncio
import difflib
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast

import click
import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from ucal.v1 import (
    busy_pb2,
    calendar_pb2,
    connection_pb2,
    event_pb2,
    link_pb2,
    location_pb2,
    passthrough_pb2,
    provider_pb2,
    recording_pb2,
    room_pb2,
    watch_pb2,
    webinar_pb2,
)

_FILES = (
    busy_pb2,
    calendar_pb2,
    connection_pb2,
    event_pb2,
    link_pb2,
    location_pb2,
    passthrough_pb2,
    provider_pb2,
    recording_pb2,
    room_pb2,
    watch_pb2,
    webinar_pb2,
)
METHODS: dict[str, MethodDescriptor] = {
    method.name: method
    for file in _FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}

_ADDRESS = "127.0.0.1:50051"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the service is, and how to speak to it.

    Attributes:
        address: "host:port" or "unix:path".
        ca: certificate authority in PEM; empty: plaintext.
        metadata: sent with every call.
        cert: certificate chain of the caller in PEM; empty: it shows none.
        key: its private key.
    """

    address: str
    ca: bytes
    metadata: tuple[tuple[str, str], ...]
    cert: bytes = b""
    key: bytes = field(default=b"", repr=False)

    @property
    def said(self) -> str:
        """The option that a printed command needs to get here; empty: none."""
        usual = os.environ.get("UCAL_ADDRESS", _ADDRESS)
        return "" if self.address == usual else f" --address {self.address}"

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[grpc.aio.Channel]:
        """A channel, closed at the end."""
        if self.ca:
            own = (self.key, self.cert) if self.cert else (None, None)
            credentials = grpc.ssl_channel_credentials(self.ca, *own)
            channel = grpc.aio.secure_channel(self.address, credentials)
        else:
            channel = grpc.aio.insecure_channel(self.address)
        async with channel as opened:
            yield opened


_KEY = "ucal.target."
_CALL_SECONDS = 30.0


def _keep(context: click.Context, option: click.Parameter, value: object) -> None:
    context.meta[f"{_KEY}{option.name}"] = value


def with_target(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where the service is; `target_of` reads them."""
    for option in (
        click.option(
            "-H",
            "--header",
            multiple=True,
            help="Metadata, 'name: value'; repeatable.",
            expose_value=False,
            callback=_keep,
        ),
        click.option(
            "--ca",
            envvar="UCAL_CA",
            default="",
            help="Certificate authority file: use TLS.",
            expose_value=False,
            callback=_keep,
        ),
        click.option(
            "--cert",
            envvar="UCAL_CERT",
            default="",
            help="Client certificate file, with its private key in --cert-key.",
            expose_value=False,
            callback=_keep,
        ),
        click.option(
            "--cert-key",
            envvar="UCAL_CERT_KEY",
            default="",
            expose_value=False,
            callback=_keep,
        ),
        click.option(
            "--api-key",
            "--token",
            "token",
            envvar=["UCAL_API_KEY", "UCAL_TOKEN"],
            default="",
            help="API key or OIDC token; in UCAL_API_KEY no list of processes shows it.",
            expose_value=False,
            callback=_keep,
        ),
        click.option(
            "--address",
            envvar="UCAL_ADDRESS",
            default=_ADDRESS,
            show_default=True,
            expose_value=False,
            callback=_keep,
        ),
    ):
        command = option(command)
    return click.pass_context(command)


def target_of(context: click.Context) -> Target:
    """Where the service is, as the options of `with_target` say.

    Raises:
        click.BadParameter: a header is none.
    """
    token, ca = context.meta[f"{_KEY}token"], context.meta[f"{_KEY}ca"]
    metadata = [("authorization", f"Bearer {token}")] if token else []
    for line in context.meta[f"{_KEY}header"]:
        name, colon, value = line.partition(":")
        if not colon:
            raise click.BadParameter(f"{name!r} is not of the form 'name: value'")
        metadata.append((name.strip().lower(), value.strip()))
    cert, key = context.meta[f"{_KEY}cert"], context.meta[f"{_KEY}cert_key"]
    if bool(cert) != bool(key) or (cert and not ca):
        raise click.UsageError("--cert goes with --cert-key and --ca")
    authority, chain, private = (
        Path(each).read_bytes() if each else b"" for each in (ca, cert, key)
    )
    return Target(context.meta[f"{_KEY}address"], authority, tuple(metadata), chain, private)


def method_named(name: str) -> MethodDescriptor:
    """The RPC called `name`, with or without its service before a slash.

    Raises:
        click.BadParameter: no such RPC; the nearest names are told.
    """
    short = name.rpartition("/")[2]
    if short in METHODS:
        return METHODS[short]
    near = difflib.get_close_matches(short, METHODS, n=3) or sorted(METHODS)
    raise click.BadParameter(f"no RPC is called {short!r}; there are {', '.join(near)}")


def message_from_json(method: MethodDescriptor, text: str) -> Message:
    """The request of `method` that `text` writes in protobuf's JSON.

    Raises:
        click.BadParameter: it does not, with the reason.
    """
    request: Message = GetMessageClass(method.input_type)()
    try:
        json_format.Parse(text, request)
    except json_format.ParseError as error:
        raise click.BadParameter(f"not a {method.input_type.name}: {error}") from None
    return request


def invoke(channel: grpc.aio.Channel, method: MethodDescriptor) -> Any:
    """The callable of `method` on `channel`."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    request, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    make = channel.unary_stream if method.server_streaming else channel.unary_unary
    return make(
        path,
        request_serializer=request.SerializeToString,
        response_deserializer=answer.FromString,
    )


def to_json(message: Message, *, indent: int | None = 2) -> str:
    """`message` in protobuf's JSON, with the contract's own field names."""
    return json_format.MessageToJson(
        message, preserving_proto_field_name=True, ensure_ascii=False, indent=indent
    )


async def ask(channel: grpc.aio.Channel, target: Target, rpc: str, request: Message) -> Any:
    """The answer to one unary call of `rpc`, by its name alone.

    Raises:
        grpc.aio.AioRpcError: as the service says; see `fail`.
    """
    return await invoke(channel, METHODS[rpc])(
        request, metadata=target.metadata, timeout=_CALL_SECONDS
    )


def run(work: Coroutine[Any, Any, None], target: Target) -> None:
    """Do `work`; an error of the service is told in its words and ends the process.

    Raises:
        SystemExit: it did not go well; 130 after Ctrl-C.
    """
    try:
        asyncio.run(work)
    except grpc.aio.AioRpcError as error:
        fail(error, target)
    except KeyboardInterrupt:
        sys.exit(130)


def ask_once(target: Target, rpc: str, request: Message) -> Any:
    """The answer to one unary call, on a channel of its own; see `ask` and `run`.

    Raises:
        SystemExit: it did not go well.
    """
    answers: list[Any] = []

    async def work() -> None:
        async with target.channel() as channel:
            answers.append(await ask(channel, target, rpc, request))

    run(work(), target)
    return answers[0]


def fail(error: grpc.aio.AioRpcError, target: Target, advice: str = "") -> NoReturn:
    """Say what went wrong, in the words of the status, and exit with the gRPC code.

    Raises:
        SystemExit: always.
    """
    code = error.code()
    lines = [f"{code.name}: {error.details()}"]
    if code is grpc.StatusCode.UNAVAILABLE and not error.trailing_metadata():
        lines.append(f"Is the service running on {target.address}? Start it with: ucal serve")
    lines += detail_lines(details_of(error))
    click.echo("\n".join([*lines, advice] if advice else lines), err=True)
    sys.exit(code.value[0])


def details_of(error: grpc.aio.AioRpcError) -> Sequence[Any]:
    """The packed details of the status that `error` carries."""
    # The stubs know synchronous calls only; an AioRpcError has the same two methods.
    status = rpc_status.from_call(cast("grpc.Call", error))
    return status.details if status else ()


def detail_lines(details: Iterable[Any]) -> list[str]:
    """Reason, violations and waiting time out of a status's packed details."""
    return [line for packed in details for line in _detail(packed)]


def _detail(packed: Any) -> list[str]:
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    if packed.Unpack(info):
        facts = " ".join(f"{key}={value}" for key, value in sorted(info.metadata.items()))
        return [f"  reason: {info.reason} {facts}".rstrip()]
    if packed.Unpack(bad):
        return [f"  {found.field}: {found.description}" for found in bad.field_violations]
    if packed.Unpack(retry):
        return [f"  retry after: {retry.retry_delay.ToTimedelta().total_seconds():g} s"]
    return []
