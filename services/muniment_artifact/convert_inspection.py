"""From what was found out about files to messages."""

from __future__ import annotations

from collections.abc import Iterable

from muniment.signature import root_digest
from muniment.v1 import inspection_pb2 as pb

from muniment_artifact.inspection.report import MAX_COUNT, Tensors, worst
from muniment_artifact.inspections import InspectedFile, InspectedManifest


def inspection_message(inspected: InspectedManifest) -> pb.Inspection:
    """What the files of a manifest are."""
    tensors = [file.report.tensors for file in inspected.files if file.report.tensors is not None]
    return pb.Inspection(
        digest=inspected.record.digest.text,
        root_digest=root_digest({file.file.path: file.file.digest for file in inspected.files}),
        verdict=_verdict(worst(file.report.verdict for file in inspected.files)),
        ruleset=inspected.ruleset,
        files=[_file(file) for file in inspected.files],
        tensors=_tensors(_summed(tensors)) if tensors else None,
    )


def _file(inspected: InspectedFile) -> pb.InspectedFile:
    report = inspected.report
    message = pb.InspectedFile(
        path=inspected.file.path,
        digest=inspected.file.digest,
        size=inspected.file.size,
        format=f"FILE_FORMAT_{report.format}",
        fault=report.fault,
        tensors=None if report.tensors is None else _tensors(report.tensors),
        verdict=_verdict(report.verdict),
        findings=[
            pb.Finding(
                verdict=_verdict(finding.verdict),
                scanner=finding.scanner,
                what=finding.what,
                member=finding.member,
            )
            for finding in report.findings
        ],
        scanned=report.scanned,
    )
    message.inspect_time.FromDatetime(inspected.inspect_time)
    return message


def _verdict(verdict: str) -> str:
    return f"VERDICT_{verdict}"


def _tensors(tensors: Tensors) -> pb.TensorFacts:
    return pb.TensorFacts(
        tensor_count=tensors.count,
        parameter_count=tensors.parameters,
        parameters_by_dtype=dict(tensors.dtypes),
    )


def _summed(tensors: Iterable[Tensors]) -> Tensors:
    """What several headers tell together; sums of absurd numbers stop where the wire does."""
    count = parameters = 0
    dtypes: dict[str, int] = {}
    for one in tensors:
        count = min(count + one.count, MAX_COUNT)
        parameters = min(parameters + one.parameters, MAX_COUNT)
        for name, elements in one.dtypes.items():
            dtypes[name] = min(dtypes.get(name, 0) + elements, MAX_COUNT)
    return Tensors(count=count, parameters=parameters, dtypes=dtypes)
