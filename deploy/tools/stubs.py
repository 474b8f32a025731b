"""Generates the stubs in clients/muniment/v1 from protos/, and tells whether they are fresh.

    python deploy/tools/stubs.py write    # regenerate them, and the baseline `buf breaking` compares with
    python deploy/tools/stubs.py check    # 0 when the committed ones are what the protos generate

grpcio-tools 1.62.3 runs under Python 3.11 only, so it gets an environment of its own from uv, which
finds that Python or fetches it. Where there is none, `check` compares the descriptors inside the
committed stubs with the protos instead and says so: that misses a change of generator, nothing else.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
BASELINE = PROTOS / "baseline.binpb"
OUTPUT = ROOT / "clients"
PACKAGE = Path("muniment/v1")
GENERATOR = ("grpcio-tools==1.62.3", "setuptools<81")
BINARIES = Path(sys.executable).parent


class GeneratorMissing(Exception):
    """The generator could not be run here; carries what uv said."""


def main(arguments: list[str]) -> int:
    match arguments:
        case ["write"]:
            return write()
        case ["check"]:
            return check()
        case _:
            print("usage: stubs.py write | check", file=sys.stderr)
            return 2


def write() -> int:
    """Regenerates the stubs, then takes the protos as the new baseline unless they break the old one."""
    if BASELINE.exists() and _buf("breaking", str(PROTOS), "--against", str(BASELINE)) != 0:
        print(
            f"These changes break the contract in {BASELINE.relative_to(ROOT)}, so nothing was written. "
            "If the break is meant, delete that file and run `make protos` again.",
            file=sys.stderr,
        )
        return 1
    try:
        with tempfile.TemporaryDirectory() as directory:
            generated = _generate(Path(directory))
            for stale in set(_stubs(OUTPUT)) - set(generated):
                (OUTPUT / stale).unlink()
            for path, content in generated.items():
                (OUTPUT / path).write_bytes(content)
    except GeneratorMissing as missing:
        print(f"The stubs cannot be generated: {missing}", file=sys.stderr)
        return 1
    return _buf("build", str(PROTOS), "--exclude-source-info", "--output", str(BASELINE))


def check() -> int:
    """Compares the committed stubs with freshly generated ones."""
    try:
        with tempfile.TemporaryDirectory() as directory:
            generated = _generate(Path(directory))
    except GeneratorMissing as missing:
        print(
            "Python 3.11 with grpcio-tools 1.62.3 cannot be had here, so the stubs were not generated for "
            f"comparison; their descriptors are compared with the protos instead.\n{missing}",
            file=sys.stderr,
        )
        stale = _stale_descriptors()
    else:
        committed = _stubs(OUTPUT)
        stale = sorted(
            path.name
            for path in committed.keys() | generated.keys()
            if committed.get(path) != generated.get(path)
        )
    if stale:
        print(
            f"The stubs are not those of the protos: {', '.join(stale)}. Run `make protos`.", file=sys.stderr
        )
    return 1 if stale else 0


def _generate(directory: Path) -> dict[Path, bytes]:
    command = [str(BINARIES / "uv"), "run", "--quiet", "--no-project", "--isolated", "--python", "3.11"]
    for requirement in GENERATOR:
        command += ["--with", requirement]
    ready = subprocess.run(
        [*command, "python", "-c", "import grpc_tools.protoc"], capture_output=True, text=True, check=False
    )
    if ready.returncode != 0:
        raise GeneratorMissing(ready.stderr.strip())
    command += ["python", "-m", "grpc_tools.protoc", f"-I{PROTOS}"]
    command += [f"--{kind}_out={directory}" for kind in ("python", "pyi", "grpc_python")]
    sources = sorted((PROTOS / PACKAGE).glob("*.proto"))
    subprocess.run([*command, *(str(source) for source in sources)], check=True)
    return _stubs(directory)


def _stubs(root: Path) -> dict[Path, bytes]:
    return {path.relative_to(root): path.read_bytes() for path in (root / PACKAGE).glob("*_pb2*.py*")}


def _stale_descriptors() -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        image = Path(directory) / "image.binpb"
        build = ("build", str(PROTOS), "--exclude-source-info", "--exclude-imports", "--output", str(image))
        if _buf(*build) != 0:
            return ["protos do not compile"]
        # The options module registers the access option, without which it would be an unknown field.
        importlib.import_module("muniment.v1.options_pb2")
        files = FileDescriptorSet.FromString(image.read_bytes()).file
    stale = []
    for expected in files:
        module = expected.name.removesuffix(".proto").replace("/", ".") + "_pb2"
        actual = FileDescriptorProto()
        try:
            importlib.import_module(module).DESCRIPTOR.CopyToProto(actual)
        except ModuleNotFoundError:
            stale.append(expected.name)
            continue
        if _plain(expected) != _plain(actual):
            stale.append(expected.name)
    return stale


def _plain(file: FileDescriptorProto) -> bytes:
    # buf adds its own fields and JSON names; protoc's Python generator leaves both out.
    file.DiscardUnknownFields()
    messages = list(file.message_type)
    fields = list(file.extension)
    while messages:
        message = messages.pop()
        messages += message.nested_type
        fields += [*message.field, *message.extension]
    for field in fields:
        field.ClearField("json_name")
    return file.SerializeToString(deterministic=True)


def _buf(*arguments: str) -> int:
    return subprocess.run([str(BINARIES / "buf"), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
