#!/usr/bin/env bash
# Clients in other languages: stubs from one buf template, each program of examples/ built and run
# against a sandbox, over a wire that is cut; all print the same (cutter.py). Languages whose
# toolchain or packages are missing are skipped by name.
#
#   tests/interop/clients.sh [LANGUAGE...]
#
# Tools are kept in .venv/clients, so that a second run downloads nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=$PWD/.venv/clients
logs=$tools/logs
mkdir -p "$tools/bin" "$logs"
languages="go typescript grpc-js python java rust cpp csharp"
wanted=" ${*:-$languages} "
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

plugins_python() { # the package of the client, in an environment without the service
  rm -rf "$tools/python" "$tools/wheel"
  quietly 60 python .venv/bin/python -m pip wheel --no-deps --wheel-dir "$tools/wheel" ./clients/python ||
    { skip python "hatchling cannot be had, see .venv/clients/logs"; return 1; }
  quietly 60 python .venv/bin/python -m venv "$tools/python" &&
    quietly 200 python "$tools/python/bin/pip" install "$(echo "$tools"/wheel/*.whl)[types]" ||
    { skip python "its packages cannot be had, see .venv/clients/logs"; return 1; }
}

node_packages() { # node_packages LANGUAGE PLUGIN
  have npm || { skip "$1" "no npm"; return 1; }
  local here=examples/$1
  if ! cmp -s "$here/package.json" "$here/node_modules/.installed.json"; then
    quietly 300 "$1.get" npm install --prefix "$here" --no-audit --no-fund --no-package-lock --ignore-scripts ||
      { skip "$1" "its packages cannot be had, see .venv/clients/logs"; return 1; }
    cp "$here/package.json" "$here/node_modules/.installed.json"
  fi
  ln -sf "$PWD/$here/node_modules/.bin/$2" "$tools/bin/$2"
}

plugins_typescript() { node_packages typescript protoc-gen-es; }
plugins_grpc-js() { node_packages grpc-js protoc-gen-ts_proto; }

plugins_cpp() {
  have g++ && have make && have pkg-config && pkg-config --exists grpc++ protobuf ||
    { skip cpp "no g++, make, or Debian's libgrpc++-dev and libprotobuf-dev"; return 1; }
  have protoc && have grpc_cpp_plugin ||
    { skip cpp "no protoc or grpc_cpp_plugin (Debian's protobuf-compiler-grpc)"; return 1; }
}

plugins_csharp() {
  have dotnet || { skip csharp "no dotnet"; return 1; }
  skip csharp "there is a dotnet and no example yet"
  return 1
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

# -- programs: build, then run

runs() { # runs LANGUAGE COMMAND...: with the address of the wire and the connection
  quietly 90 "$1" .venv/bin/python -m tests.interop.cutter "$address" "${@:2}"
}

run_go() {
  quietly 300 go go -C examples/go vet . &&
    quietly 300 go go -C examples/go build -o "$tools/bin/example-go" . &&
    runs go "$tools/bin/example-go"
}

run_java() {
  quietly 300 java mvn -B -o -q -f examples/java/pom.xml package &&
    runs java java -cp "examples/java/target/classes:examples/java/target/lib/*" example.Main
}

run_python() {
  local python=$tools/python/bin/python
  (cd examples/python && quietly 120 python ../../.venv/bin/python -m mypy --strict --config-file= \
    --cache-dir "$tools/mypy" --python-executable "$python" main.py following.py) &&
    quietly 20 python env -C / "$python" -E -c 'import importlib.util as u, ucal.following; assert not u.find_spec("server")' &&
    runs python "$python" -E -W error examples/python/main.py
}

run_rust() {
  quietly 300 rust env CARGO_TARGET_DIR="$tools/rust" cargo build --locked --manifest-path examples/rust/Cargo.toml &&
    runs rust "$tools/rust/debug/ucal-example"
}

run_typescript() {
  quietly 120 typescript npm --prefix examples/typescript run build &&
    runs typescript node examples/typescript/dist/src/main.js
}

run_grpc-js() {
  quietly 120 grpc-js npm --prefix examples/grpc-js run build &&
    runs grpc-js node examples/grpc-js/dist/src/main.js
}

run_cpp() {
  quietly 400 cpp make -s -j2 -C examples/cpp && runs cpp examples/cpp/target/example
}

for language in $languages; do
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
nothing() { # a plugin that answers so
  printf '#!/bin/sh\ncat >/dev/null\nprintf "\\020\\001"\n' >"$absent/$1"
  chmod +x "$absent/$1"
}
for plugin in $(sed -n 's/^  - local: \([a-z_-]*\)$/\1/p' buf.gen.examples.yaml); do
  PATH=$tools/bin:$PATH have "$plugin" || nothing "$plugin"
done
[[ $ready == *" cpp"* ]] || { nothing python3 && nothing grpc_cpp_plugin; }
if ! [ -x "$tools/bin/protoc-java" ]; then # buf asks protoc for its version first
  printf '#!/bin/sh\n[ "$1" = --version ] && echo "libprotoc 33.5" || cat >/dev/null\n' >"$absent/protoc-java"
  chmod +x "$absent/protoc-java"
fi
start=$(now)
# The plugin of C++ is a Python program: it runs in the environment that has protobuf.
first=$PWD/.venv/bin
[[ $ready == *" cpp"* ]] || first=$absent
PATH=$first:$tools/bin:$PATH:$absent timeout 120 .venv/bin/buf generate --template buf.gen.examples.yaml
echo "clients: generated in $(since "$start")"

# -- a service, then one language after the other

port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
address=127.0.0.1:$port
.venv/bin/ucal sandbox --listen "$address" --quiet >"$logs/sandbox" 2>&1 &
server=$!
for _ in $(seq 300); do
  kill -0 "$server" 2>/dev/null || { cat "$logs/sandbox"; exit 1; }
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 0.1
done

for language in $ready; do
  start=$(now)
  if "run_$language"; then
    echo "clients: $language: list, create, one instance, watch with resume after a cut, error details in $(since "$start")"
  else
    echo "clients: $language: FAILED after $(since "$start")"
    tail -n 40 "$logs/$language"
    failed+=" $language"
  fi
done
[ -z "$failed" ] || { echo "clients: failed:$failed"; exit 1; }
echo "clients: passed"
