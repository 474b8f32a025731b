"""Rules of the contract that buf does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from muniment.v1 import errors_pb2, options_pb2

READS = re.compile(
    r"(Get|BatchGet|List|Count|Search|Resolve|Compare|Export|Trace|Watch|WhoAmI|Verify|Inspect)"
)

IDEMPOTENT_BY_CONTENT = {
    # The artifact service stores bytes under their digest: sending them twice is storing them once,
    # so a repeated call needs no memory of the first. It appends nothing to the ledger either.
    "ArtifactService.PlanUpload",
    "ArtifactService.PutChunks",
    "ArtifactService.CommitUpload",
    "ArtifactService.RestoreManifest",
    "ArtifactService.ReadRanges",
    # Each message has its number in the sequence of its sender.
    "LedgerService.RecordPredictions",
}

ON_THE_INSTANCE = {
    # The project a caller would need the permission in does not exist yet.
    "MetadataService.CreateProject",
}


def _methods() -> Iterator[MethodDescriptor]:
    package = Path(__file__).parents[2] / "protos/muniment/v1"
    for source in sorted(package.glob("*.proto")):
        file = import_module(f"muniment.v1.{source.stem}_pb2").DESCRIPTOR
        for service in file.services_by_name.values():
            yield from service.methods


def _name(method: MethodDescriptor) -> str:
    return f"{method.containing_service.name}.{method.name}"


METHODS = {_name(method): method for method in _methods()}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


@every_method
def test_every_method_says_what_permission_it_needs_and_where(method: MethodDescriptor) -> None:
    rule = method.GetOptions().Extensions[options_pb2.access]
    assert rule.permission != options_pb2.PERMISSION_UNSPECIFIED
    if rule.resource_field:
        field = method.input_type.fields_by_name[rule.resource_field]
        assert field.type == FieldDescriptor.TYPE_STRING
    else:
        open_to_all = rule.permission == options_pb2.PERMISSION_AUTHENTICATED
        assert open_to_all or _name(method) in ON_THE_INSTANCE


@every_method
def test_every_mutation_takes_a_request_id(method: MethodDescriptor) -> None:
    has_one = "request_id" in method.input_type.fields_by_name
    needs_one = not READS.match(method.name) and _name(method) not in IDEMPOTENT_BY_CONTENT
    assert has_one == needs_one


def test_every_exception_is_a_method() -> None:
    assert METHODS.keys() >= IDEMPOTENT_BY_CONTENT | ON_THE_INSTANCE


def test_every_error_reason_shows_its_error_info(repository: Path) -> None:
    source = (repository / "protos/muniment/v1/errors.proto").read_text()
    commented = re.findall(r"((?:^ *//.*\n)+)^ *ERROR_REASON_(\w+) = \d+;", source, re.MULTILINE)
    comments = {name: comment for comment, name in commented}
    reasons = {value.name.removeprefix("ERROR_REASON_") for value in errors_pb2.ErrorReason.DESCRIPTOR.values}
    assert comments.keys() == reasons
    lacking = [
        name
        for name in reasons - {"UNSPECIFIED"}
        if not re.search(rf'// Example: {{ reason: "{name}", metadata: {{.*}} }}', comments[name])
    ]
    assert lacking == []
