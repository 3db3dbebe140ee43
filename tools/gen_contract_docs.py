"""Write docs/contract.md out of the contract's descriptors; `--check` only compares.

Every service, RPC, message, enum and field of `ucal.v1`, with its comment. The comments are read
from the sources by protoc, since the generated Python does not carry them.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
PAGE = ROOT / "docs/contract.md"
WELL_KNOWN = Path(protoc.__file__).parent / "_proto"
INCLUDES = [PROTOS, ROOT / "third_party/googleapis", ROOT / "third_party/protovalidate", WELL_KNOWN]
HEAD = """\
<!-- Written by tools/gen_contract_docs.py out of protos/ucal/v1. Do not edit. -->

# Contract

Package `ucal.v1`: every service, RPC, message and field, with the comment that stands in the
sources. **required** fields must be set. **output only** fields are ignored on input.
**input only** fields are never returned. **immutable** fields cannot be changed after create.
Field numbers are in the last column.

The HTTP paths are annotations for a transcoding proxy. The service itself speaks gRPC.
"""
# Numbers of fields in descriptor.proto: a location's path is made of these.
_FILE_MESSAGE, _FILE_ENUM, _FILE_SERVICE = 4, 5, 6
_MESSAGE_FIELD, _MESSAGE_NESTED, _ENUM_VALUE, _SERVICE_METHOD = 2, 3, 2, 2
_PACKAGE = ".ucal.v1."
Field = descriptor_pb2.FieldDescriptorProto
Comments = dict[tuple[int, ...], str]
_SCALARS = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in Field.Type.items()
    if number not in {Field.TYPE_MESSAGE, Field.TYPE_ENUM}
}


def _files() -> list[descriptor_pb2.FileDescriptorProto]:
    """The contract's files with their comments, by name."""
    names = sorted(str(p.relative_to(PROTOS)) for p in PROTOS.glob("ucal/**/*.proto"))
    with TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        options = ["--include_source_info", f"--descriptor_set_out={image}"]
        if protoc.main(["protoc", *(f"-I{path}" for path in INCLUDES), *options, *names]):
            sys.exit("protoc failed")
        found = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    return list(found.file)


def _comments(file: descriptor_pb2.FileDescriptorProto) -> Comments:
    """Leading comments by path, each as one line."""
    return {
        tuple(at.path): " ".join(at.leading_comments.split())
        for at in file.source_code_info.location
        if at.leading_comments
    }


def _escaped(text: str) -> str:
    """`text` as a table cell or paragraph, without Markdown of its own but code spans."""
    parts = text.split("`")
    for at in range(0, len(parts), 2):
        for sign in ("\\", "*", "_", "<", ">", "[", "]", "|"):
            parts[at] = parts[at].replace(sign, f"\\{sign}")
    return "`".join(parts)


def _link(type_name: str) -> str:
    """A type's name, linked when it is ours."""
    if not type_name.startswith(_PACKAGE):
        return f"`{type_name.removeprefix('.')}`"
    name = type_name.removeprefix(_PACKAGE)
    return f"[{name}](#{name.lower().replace('.', '')})"


def _type(field: Field, entries: dict[str, descriptor_pb2.DescriptorProto]) -> str:
    if entry := entries.get(field.type_name.rpartition(".")[2]):
        key, value = entry.field
        return f"map of `{_SCALARS[key.type]}` to {_type(value, {})}"
    name = f"`{_SCALARS[field.type]}`" if field.type in _SCALARS else _link(field.type_name)
    if field.label == Field.LABEL_REPEATED:
        return f"repeated {name}"
    return f"optional {name}" if field.proto3_optional else name


def _behaviour(field: Field) -> str:
    """Whether it must be set, may be written and is returned; "" where nothing is said."""
    kinds = field.options.Extensions[field_behavior_pb2.field_behavior]
    names = [field_behavior_pb2.FieldBehavior.Name(kind) for kind in kinds]
    words = ", ".join(f"**{name.lower().replace('_', ' ')}**" for name in names)
    return f"{words}. " if words else ""


def _message(
    message: descriptor_pb2.DescriptorProto,
    at: tuple[int, ...],
    comments: Comments,
    outer: str = "",
) -> Iterator[str]:
    name = f"{outer}{message.name}"
    yield f"\n### {name}\n\n{_escaped(comments.get(at, ''))}"
    entries = {each.name: each for each in message.nested_type if each.options.map_entry}
    yield from _fields(message, at, comments, entries)
    for index, nested in enumerate(message.nested_type):
        if nested.name not in entries:
            yield from _message(nested, (*at, _MESSAGE_NESTED, index), comments, f"{name}.")


def _fields(
    message: descriptor_pb2.DescriptorProto,
    at: tuple[int, ...],
    comments: Comments,
    entries: dict[str, descriptor_pb2.DescriptorProto],
) -> Iterator[str]:
    if not message.field:
        yield "\nNo fields."
        return
    yield "\n| field | type | meaning | no. |\n|---|---|---|---|"
    for index, field in enumerate(message.field):
        said = _behaviour(field) + _escaped(comments.get((*at, _MESSAGE_FIELD, index), ""))
        if field.HasField("oneof_index") and not field.proto3_optional:
            said += f" One of `{message.oneof_decl[field.oneof_index].name}`."
        yield f"| `{field.name}` | {_type(field, entries)} | {said} | {field.number} |"


def _enum(
    enum: descriptor_pb2.EnumDescriptorProto, at: tuple[int, ...], comments: Comments
) -> Iterator[str]:
    yield f"\n### {enum.name}\n\n{_escaped(comments.get(at, ''))}"
    yield "\n| value | meaning | no. |\n|---|---|---|"
    for index, value in enumerate(enum.value):
        said = _escaped(comments.get((*at, _ENUM_VALUE, index), ""))
        yield f"| `{value.name}` | {said} | {value.number} |"


def _http(method: descriptor_pb2.MethodDescriptorProto) -> str:
    rule = method.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    return f"`{verb.upper()} {getattr(rule, verb)}`" if verb else ""


def _service(
    service: descriptor_pb2.ServiceDescriptorProto, at: tuple[int, ...], comments: Comments
) -> Iterator[str]:
    yield f"\n### {service.name}\n\n{_escaped(comments.get(at, ''))}"
    yield "\n| RPC | request | answer | meaning | HTTP |\n|---|---|---|---|---|"
    for index, method in enumerate(service.method):
        answer = "stream of " * method.server_streaming + _link(method.output_type)
        said = _escaped(comments.get((*at, _SERVICE_METHOD, index), ""))
        cells = [f"`{method.name}`", _link(method.input_type), answer, said, _http(method)]
        yield f"| {' | '.join(cells)} |"


def _file(file: descriptor_pb2.FileDescriptorProto) -> Iterator[str]:
    comments = _comments(file)
    yield f"\n## {file.name}"
    # The comment of the package statement (field 2 of the file) is that of the file.
    if about := comments.get((2,)):
        yield f"\n{_escaped(about)}"
    for index, service in enumerate(file.service):
        yield from _service(service, (_FILE_SERVICE, index), comments)
    for index, message in enumerate(file.message_type):
        yield from _message(message, (_FILE_MESSAGE, index), comments)
    for index, enum in enumerate(file.enum_type):
        yield from _enum(enum, (_FILE_ENUM, index), comments)


def page() -> str:
    """The whole page."""
    return (
        "\n".join([HEAD.rstrip("\n"), *(line for file in _files() for line in _file(file))]) + "\n"
    )


def main() -> None:
    """Write the page, or with `--check` compare."""
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit(f"{PAGE.name} is stale, run tools/gen_contract_docs.py")
        return
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
