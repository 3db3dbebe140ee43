#!/usr/bin/env bash
# grpcurl itself, built by Go, against the sandbox: list, describe, call, stream, error details.
# Skips, by name, where there is no Go or the modules cannot be had.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v grpcurl >/dev/null && ! command -v go >/dev/null; then
  echo "grpcurl: skipped, neither grpcurl nor go is installed"
  exit 0
fi

folder=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

kept=$PWD/.venv/clients/bin # a second run builds nothing
if command -v grpcurl >/dev/null; then
  binary=$(command -v grpcurl)
elif [ -x "$kept/grpcurl" ]; then
  binary=$kept/grpcurl
else
  echo "grpcurl: go install (a minute or two the first time)"
  if ! GOBIN="$kept" timeout 420 \
    go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3 >"$folder/go.log" 2>&1; then
    tail -3 "$folder/go.log"
    echo "grpcurl: skipped, go could not install it"
    exit 0
  fi
  binary=$kept/grpcurl
fi

port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
.venv/bin/ucal sandbox --listen "127.0.0.1:$port" --quiet >"$folder/server.log" 2>&1 &
server=$!

fail() {
  echo "grpcurl: $1"
  printf '%s\n' "${2:-}"
  tail -20 "$folder/server.log"
  exit 1
}

# ask ARGUMENTS... SERVICE_OR_METHOD; the address goes where grpcurl wants it.
ask() {
  local last="${!#}"
  set -- "${@:1:$#-1}"
  timeout 30 "$binary" -plaintext "$@" "127.0.0.1:$port" $last 2>&1
}

# wants TEXT WORD...: every word is in the text.
wants() {
  local text=$1 word
  shift
  for word in "$@"; do
    grep -qF -- "$word" <<<"$text" || fail "'$word' is not in the answer" "$text"
  done
}

for _ in $(seq 150); do
  if ask list >/dev/null; then break; fi
  kill -0 "$server" 2>/dev/null || fail "the sandbox did not start"
  sleep 0.2
done

answer=$(ask list) || fail "list failed" "$answer"
wants "$answer" ucal.v1.EventService ucal.v1.WatchService grpc.health.v1.Health
echo "grpcurl: list"

answer=$(ask "describe ucal.v1.EventService.UpdateEvent") || fail "describe failed" "$answer"
wants "$answer" "rpc UpdateEvent ( .ucal.v1.UpdateEventRequest )" "patch: \"/v1/connections/"
services=$(ask list | grep '^ucal\.')
for service in $services; do
  answer=$(ask "describe $service") || fail "describe $service failed" "$answer"
done
echo "grpcurl: describe, every service"

answer=$(ask -d '{"connection_id": "sandbox"}' ucal.v1.CalendarService/ListCalendars) ||
  fail "a call failed" "$answer"
wants "$answer" '"calendars": [' '"connection_id": "sandbox"'
answer=$(ask grpc.health.v1.Health/Check) || fail "health failed" "$answer"
wants "$answer" SERVING
echo "grpcurl: call"

# The stream has no end of its own: the deadline ends it.
answer=$(ask -max-time 4 -d '{"scope": {"connection_id": "sandbox"}, "start": "WATCH_START_INITIAL_STATE"}' \
  ucal.v1.WatchService/WatchEvents) && fail "a watch with a deadline ended well" "$answer"
wants "$answer" '"opened": {' '"changes": {' '"synced": {' '"resume_token":' "Code: DeadlineExceeded"
echo "grpcurl: stream"

answer=$(ask -d '{"id": "nowhere"}' ucal.v1.ProviderService/GetProvider) &&
  fail "a provider called nowhere was found" "$answer"
wants "$answer" "Code: NotFound" google.rpc.ErrorInfo '"reason": "NOT_FOUND"'
answer=$(ask -d '{}' ucal.v1.EventService/ListEvents) && fail "an empty request was taken" "$answer"
wants "$answer" "Code: InvalidArgument" google.rpc.BadRequest '"field": "connection_id"'
echo "grpcurl: error details"

timeout 120 .venv/bin/python -m tests.interop.documented "$binary"
echo "grpcurl: passed"
