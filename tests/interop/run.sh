#!/usr/bin/env bash
# Foreign clients against a running server. Skips, by name, what the machine lacks.
set -euo pipefail
cd "$(dirname "$0")/../.."

port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
UCAL_LISTEN="127.0.0.1:$port" UCAL_HTTP_LISTEN="" UCAL_STORE=memory: UCAL_LOG_LEVEL=warning .venv/bin/python -m server &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT

curl() {
  .venv/bin/buf curl --http2-prior-knowledge --protocol grpc "$@"
}

for _ in $(seq 100); do
  if curl --list-services "http://127.0.0.1:$port" >/dev/null 2>&1; then break; fi
  sleep 0.1
done

echo "buf curl: reflection lists the contract's services"
curl --list-services "http://127.0.0.1:$port" | grep -q '^ucal.v1.ProviderService$'

echo "buf curl: an unknown provider is NOT_FOUND with its reason"
if answer=$(curl -d '{"id": "nowhere"}' "http://127.0.0.1:$port/ucal.v1.ProviderService/GetProvider" 2>&1); then
  echo "a provider called nowhere was found"
  exit 1
fi
grep -q '"code": "not_found"' <<<"$answer"

.venv/bin/python -m tests.interop.walk
tests/interop/grpcurl.sh
tests/interop/clients.sh
echo "interop: passed"
