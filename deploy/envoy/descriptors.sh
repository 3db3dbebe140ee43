#!/usr/bin/env sh
# descriptors.sh OUT: the contract for Envoy's transcoder, with the types of error details.
set -eu
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
types=$("$python" -c 'import google.rpc, pathlib; print(pathlib.Path(list(google.rpc.__path__)[0]).parent.parent)')
"$python" -m grpc_tools.protoc --include_imports --descriptor_set_out="$out" \
  -I protos -I third_party/protovalidate -I third_party/googleapis -I "$types" \
  protos/ucal/v1/*.proto google/rpc/code.proto google/rpc/error_details.proto
