"""protoc-gen-cpp with one field renamed: python3 plugin.py, as a plugin of buf.

C++ has `has_conference()` for the presence of `conference`, and would have it once more as the
getter of the field `has_conference`. In C++ that one is `conference_told`; what goes over
the wire is the same. Needs Python's protobuf package, and protoc in PATH.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
for file in request.proto_file:
    for message in file.message_type:
        for field in message.field:
            if (message.name, field.name) == ("Event", "has_conference"):
                field.name = "conference_told"
answer = plugin_pb2.CodeGeneratorResponse(
    supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
)
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    (folder / "in").write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
    (folder / "out").mkdir()
    subprocess.run(
        [
            "protoc", f"--descriptor_set_in={folder / 'in'}", f"--cpp_out={folder / 'out'}",
            *request.file_to_generate,
        ],
        check=True,
    )  # fmt: skip
    for path in sorted((folder / "out").rglob("*.*")):
        answer.file.add(name=str(path.relative_to(folder / "out")), content=path.read_text())
sys.stdout.buffer.write(answer.SerializeToString())
