"""Generate the Python beside the protos, or check that what is committed is fresh.

`python tools/gen_protos.py` writes; `--check` writes nothing and exits 1, naming the stale files.
protoc comes with grpcio-tools; the stubs for type checkers come from mypy-protobuf.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
WELL_KNOWN = Path(protoc.__file__).parent / "_proto"
INCLUDES = [PROTOS, ROOT / "third_party/googleapis", ROOT / "third_party/protovalidate", WELL_KNOWN]
# The only foreign file whose generated code no installed package ships.
VALIDATE = "buf/validate/validate.proto"
HAS_SERVICE = re.compile(r"^service \w+", re.MULTILINE)


def _run(out: Path, files: list[str], *outputs: str) -> None:
    """Run protoc once; `outputs` are option names such as `--python_out`."""
    scripts = Path(sys.executable).parent
    plugins = [
        f"--plugin=protoc-gen-{n}={scripts / f'protoc-gen-{n}'}" for n in ("mypy", "mypy_grpc")
    ]
    includes = [f"-I{path}" for path in INCLUDES]
    targets = [f"{option}={'quiet:' if 'mypy' in option else ''}{out}" for option in outputs]
    if protoc.main(["protoc", *includes, *plugins, *targets, *files]):
        sys.exit("protoc failed")


def generate(out: Path) -> None:
    """Write the generated code of the whole contract below `out`."""
    contract = {
        str(p.relative_to(PROTOS)): p.read_text() for p in sorted(PROTOS.glob("ucal/**/*.proto"))
    }
    services = [name for name, text in contract.items() if HAS_SERVICE.search(text)]
    _run(out, [VALIDATE, *contract], "--python_out", "--mypy_out")
    if services:
        _run(out, services, "--grpc_python_out", "--mypy_grpc_out")


def generated_files(root: Path) -> dict[str, bytes]:
    """Every generated file below `root`, by path relative to it."""
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in root.rglob("*_pb2*.py*")
        if p.suffix != ".pyc"
    }


def main() -> None:
    """Bring `protos/` up to date, or with `--check` say whether it is."""
    with TemporaryDirectory() as tmp:
        generate(Path(tmp))
        fresh = generated_files(Path(tmp))
    committed = generated_files(PROTOS)
    stale = sorted(
        name for name in fresh.keys() | committed.keys() if fresh.get(name) != committed.get(name)
    )
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit(f"stale generated code, run `make proto`: {', '.join(stale)}")
        return
    for name in stale:
        path = PROTOS / name
        if name in fresh:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(fresh[name])
        else:
            path.unlink()
    print(f"{len(stale)} of {len(fresh)} generated files changed")


if __name__ == "__main__":
    main()
