#!/usr/bin/env bash
# Clients in other languages: stubs from one buf template, each program of examples/ built and run
# against a sandbox. Languages whose toolchain or packages are missing are skipped by name.
#
#   tests/interop/clients.sh [LANGUAGE...]
#
# Tools are kept in .venv/clients, so that a second run downloads nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=$PWD/.venv/clients
logs=$tools/logs
mkdir -p "$tools/bin" "$logs"
wanted=" ${*:-go typescript python java rust} "
ready=""   # languages whose plugins stand
failed=""

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }
skip() { echo "clients: $1: skipped, $2"; }
have() { command -v "$1" >/dev/null; }
# What one language runs, bounded, its noise in a log that is shown when it fails.
quietly() { timeout --kill-after=5 "$1" "${@:3}" >>"$logs/$2" 2>&1; }

# -- plugins: packages of each language

plugins_go() {
  have go || { skip go "no go"; return 1; }
  [ -x "$tools/bin/protoc-gen-go-grpc" ] && return
  GOBIN=$tools/bin quietly 300 go.get go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12 &&
    GOBIN=$tools/bin quietly 300 go.get go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2 &&
    quietly 300 go.get go -C examples/go mod download ||
    { skip go "its packages cannot be had, see .venv/clients/logs"; return 1; }
}

plugins_python() { :; } # its stubs are in the package

plugins_typescript() {
  have npm || { skip typescript "no npm"; return 1; }
  local here=examples/typescript
  if ! cmp -s $here/package.json $here/node_modules/.installed.json; then
    quietly 300 typescript.get npm install --prefix $here --no-audit --no-fund --no-package-lock --ignore-scripts ||
      { skip typescript "its packages cannot be had, see .venv/clients/logs"; return 1; }
    cp $here/package.json $here/node_modules/.installed.json
  fi
  ln -sf "$PWD/$here/node_modules/.bin/protoc-gen-es" "$tools/bin/protoc-gen-es"
}

pom() { sed -n "s:.*<$1>\(.*\)</$1>.*:\1:p" examples/java/pom.xml; }
fetch_java() {
  quietly 200 java.get mvn -B dependency:copy -Dartifact="$1" -DoutputDirectory="$tools/maven"
}

plugins_java() {
  have javac && have mvn || { skip java "no javac or no mvn"; return 1; }
  if ! cmp -s examples/java/pom.xml "$tools/pom.xml"; then
    local system
    system=$(uname -sm | sed 's/^Darwin /osx-/; s/^Linux /linux-/; s/arm64$/aarch_64/; s/aarch64$/aarch_64/')
    rm -rf "$tools/maven"
    # The third fetches what the build needs, which then runs offline.
    fetch_java "com.google.protobuf:protoc:$(pom protobuf.version):exe:$system" &&
      fetch_java "io.grpc:protoc-gen-grpc-java:$(pom grpc.version):exe:$system" &&
      quietly 300 java.get mvn -B -f examples/java/pom.xml package -Dmaven.main.skip=true ||
      { skip java "its packages cannot be had, see .venv/clients/logs"; return 1; }
    mv "$tools"/maven/protoc-gen-grpc-java-* "$tools/bin/protoc-gen-grpc-java"
    mv "$tools"/maven/protoc-* "$tools/bin/protoc-java"
    chmod +x "$tools/bin/protoc-gen-grpc-java" "$tools/bin/protoc-java"
    cp examples/java/pom.xml "$tools/pom.xml"
  fi
}

plugins_rust() {
  have cargo || { skip rust "no cargo"; return 1; }
  { [ -x "$tools/bin/protoc-gen-tonic" ] || # built here, without optimisation: half the time
    quietly 400 rust.get env CARGO_TARGET_DIR="$tools/rust" cargo install --debug --locked --root "$tools" \
      protoc-gen-prost@0.5.0 protoc-gen-tonic@0.5.0; } &&
    quietly 200 rust.get cargo fetch --locked --manifest-path examples/rust/Cargo.toml ||
    { skip rust "its packages cannot be had, see .venv/clients/logs"; return 1; }
}

# -- programs: build, then run with ADDRESS CONNECTION

run_go() {
  quietly 300 go go -C examples/go vet . &&
    quietly 300 go go -C examples/go build -o "$tools/bin/example-go" . &&
    quietly 90 go "$tools/bin/example-go" "$@"
}

run_java() {
  quietly 300 java mvn -B -o -q -f examples/java/pom.xml package &&
    quietly 90 java java -cp "examples/java/target/classes:examples/java/target/lib/*" example.Main "$@"
}

run_python() { # the typed client as it is
  quietly 120 python .venv/bin/python -m mypy examples/python/main.py &&
    quietly 90 python .venv/bin/python examples/python/main.py "$@"
}

run_rust() {
  quietly 300 rust env CARGO_TARGET_DIR="$tools/rust" cargo build --locked --manifest-path examples/rust/Cargo.toml &&
    quietly 90 rust "$tools/rust/debug/ucal-example" "$@"
}

run_typescript() {
  quietly 120 typescript npm --prefix examples/typescript run build &&
    quietly 90 typescript node examples/typescript/dist/src/main.js "$@"
}

for language in go typescript python java rust; do
  [[ $wanted == *" $language "* ]] || continue
  declare -F "plugins_$language" >/dev/null || continue
  : >"$logs/$language" >"$logs/$language.get"
  start=$(now)
  if "plugins_$language"; then
    ready+=" $language"
    echo "clients: $language: tools in $(since "$start")"
  fi
done
[ -n "$ready" ] || exit 0

# -- one generation for all; a plugin that is missing answers that it has no files

absent=$(mktemp -d)
server=
cleanup() {
  rm -rf "$absent"
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
}
trap cleanup EXIT
for plugin in $(sed -n 's/^  - local: //p' buf.gen.examples.yaml); do
  PATH=$tools/bin:$PATH have "$plugin" && continue
  printf '#!/bin/sh\ncat >/dev/null\nprintf "\\020\\001"\n' >"$absent/$plugin"
  chmod +x "$absent/$plugin"
done
if ! [ -x "$tools/bin/protoc-java" ]; then # buf asks protoc for its version first
  printf '#!/bin/sh\n[ "$1" = --version ] && echo "libprotoc 33.5" || cat >/dev/null\n' >"$absent/protoc-java"
  chmod +x "$absent/protoc-java"
fi
start=$(now)
PATH=$tools/bin:$PATH:$absent timeout 120 .venv/bin/buf generate --template buf.gen.examples.yaml
echo "clients: generated in $(since "$start")"

# -- a service, then one language after the other

port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
.venv/bin/ucal sandbox --listen "127.0.0.1:$port" --quiet >"$logs/sandbox" 2>&1 &
server=$!
for _ in $(seq 300); do
  kill -0 "$server" 2>/dev/null || { cat "$logs/sandbox"; exit 1; }
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 0.1
done

for language in $ready; do
  start=$(now)
  if "run_$language" "127.0.0.1:$port" sandbox; then
    echo "clients: $language: list, create, one instance, watch and resume, error details in $(since "$start")"
  else
    echo "clients: $language: FAILED after $(since "$start")"
    tail -n 40 "$logs/$language"
    failed+=" $language"
  fi
done
[ -z "$failed" ] || { echo "clients: failed:$failed"; exit 1; }
echo "clients: passed"
