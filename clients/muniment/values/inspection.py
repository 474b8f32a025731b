"""What the bytes of a version are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from muniment.values.edge import enum_word, time_of

if TYPE_CHECKING:
    from muniment.v1 import inspection_pb2


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that speaks against a file; ``verdict`` as in :class:`Inspection`; ``member`` is a file inside."""

    verdict: str
    scanner: str
    what: str
    member: str
    message: inspection_pb2.Finding = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: inspection_pb2.Finding) -> Finding:
        return cls(_verdict(message), message.scanner, message.what, message.member, message)


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """What headers tell about tensors: how many, of how many elements, and those by type."""

    tensor_count: int
    parameter_count: int
    parameters_by_dtype: Mapping[str, int]
    message: inspection_pb2.TensorFacts = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: inspection_pb2.TensorFacts) -> TensorFacts:
        return cls(message.tensor_count, message.parameter_count, dict(message.parameters_by_dtype), message)


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """A file and what its bytes are, such as ``SAFETENSORS``.

    ``fault`` is why they cannot be read as that; ``tensors`` is None where the format does not tell; ``scanned``:
    whether scanners of pickles were asked.
    """

    path: str
    digest: str
    size: int
    format: str
    fault: str
    tensors: TensorFacts | None
    verdict: str
    findings: tuple[Finding, ...]
    scanned: bool
    inspect_time: datetime | None
    message: inspection_pb2.InspectedFile = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: inspection_pb2.InspectedFile) -> InspectedFile:
        from muniment.v1 import inspection_pb2

        return cls(
            path=message.path,
            digest=message.digest,
            size=message.size,
            format=enum_word(inspection_pb2.FileFormat, message.format, "FILE_FORMAT_"),
            fault=message.fault,
            tensors=TensorFacts.of(message.tensors) if message.HasField("tensors") else None,
            verdict=_verdict(message),
            findings=tuple(map(Finding.of, message.findings)),
            scanned=message.scanned,
            inspect_time=time_of(message, "inspect_time"),
            message=message,
        )


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the files of a version are; ``verdict`` is the worst of theirs.

    From good to bad: ``CLEAN``, ``SUSPICIOUS``, ``UNSCANNABLE`` (nobody could look into it), ``MALICIOUS``.
    ``root_digest`` is what OpenSSF Model Signing signs of the files; ``tensors`` sums up what headers tell.
    """

    digest: str
    root_digest: str
    verdict: str
    ruleset: str
    files: tuple[InspectedFile, ...]
    tensors: TensorFacts | None
    message: inspection_pb2.Inspection = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: inspection_pb2.Inspection) -> Inspection:
        return cls(
            digest=message.digest,
            root_digest=message.root_digest,
            verdict=_verdict(message),
            ruleset=message.ruleset,
            files=tuple(map(InspectedFile.of, message.files)),
            tensors=TensorFacts.of(message.tensors) if message.HasField("tensors") else None,
            message=message,
        )


def _verdict(
    message: inspection_pb2.Finding | inspection_pb2.InspectedFile | inspection_pb2.Inspection,
) -> str:
    from muniment.v1 import inspection_pb2

    return enum_word(inspection_pb2.Verdict, message.verdict, "VERDICT_")
