#!/usr/bin/env bash
# Foreign clients against a running server. Skips, by name, what the machine lacks.
set -euo pipefail
cd "$(dirname "$0")/../.."

timings=()
step() { # step NAME SECONDS COMMAND...: bounded, and its time told at the end
  local start=$SECONDS
  printf '\n== %s\n' "$1"
  timeout --kill-after=10 "$2" "${@:3}" || { echo "interop: $1 failed"; exit 1; }
  timings+=("$1 $((SECONDS - start)) s")
}

step "buf curl" 120 .venv/bin/python -m tests.interop.walk
step "grpcurl" 500 tests/interop/grpcurl.sh
step "clients" 1500 tests/interop/clients.sh
# gRPC's own log tells each refused handshake as an error; here they are wanted.
step "mesh" 400 env GRPC_VERBOSITY=NONE .venv/bin/python -m tests.interop.mesh

printf '\n'
printf 'interop: %s\n' "${timings[@]}" "passed in $SECONDS s"
