"""What the name of a file promises. Reports are about bytes; here they meet the name the bytes go by."""

from __future__ import annotations

from dataclasses import replace

from muniment_artifact.inspection.report import FileReport, Format

_PROMISES = {
    ".safetensors": {Format.SAFETENSORS},
    ".gguf": {Format.GGUF},
    ".npy": {Format.NUMPY},
    ".npz": {Format.NUMPY, Format.ZIP},
    ".keras": {Format.KERAS, Format.HDF5, Format.ZIP},
    ".onnx": {Format.ONNX},
}


def as_named(report: FileReport, path: str) -> FileReport:
    """The report, with a fault if the bytes are not what the name of the file promises."""
    for suffix, promised in _PROMISES.items():
        if path.lower().endswith(suffix) and report.format not in promised and not report.fault:
            return replace(report, fault=f"it is named {suffix}, and its bytes are {report.format}")
    return report
