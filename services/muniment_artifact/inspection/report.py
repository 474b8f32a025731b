"""What is found out about the bytes of a file: values that travel from the worker to the server as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

MAX_TEXT = 300
"""Characters of one finding or reason: names in it come from whoever pushed the file."""
MAX_FINDINGS = 50
MAX_DTYPES = 64
MAX_COUNT = 2**63 - 1


class Verdict(StrEnum):
    """What may happen to who loads a file, ordered from good to bad by :attr:`severity`."""

    CLEAN = "CLEAN"
    SUSPICIOUS = "SUSPICIOUS"
    UNSCANNABLE = "UNSCANNABLE"
    MALICIOUS = "MALICIOUS"

    @property
    def severity(self) -> int:
        """Larger is worse. What nobody could look into may be anything, short of what is known to be bad."""
        return list(Verdict).index(self)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of verdicts; CLEAN when there are none."""
    return max(verdicts, key=lambda verdict: verdict.severity, default=Verdict.CLEAN)


class Format(StrEnum):
    """What the bytes are, whatever the file is called."""

    EMPTY = "EMPTY"
    SAFETENSORS = "SAFETENSORS"
    GGUF = "GGUF"
    ONNX = "ONNX"
    PICKLE = "PICKLE"
    PYTORCH = "PYTORCH"
    NUMPY = "NUMPY"
    HDF5 = "HDF5"
    KERAS = "KERAS"
    ZIP = "ZIP"
    TAR = "TAR"
    COMPRESSED = "COMPRESSED"
    ARCHIVE = "ARCHIVE"
    PROGRAM = "PROGRAM"
    JSON = "JSON"
    TEXT = "TEXT"
    UNKNOWN = "UNKNOWN"


class InvalidReport(ValueError):
    """What the worker sent is no report."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that speaks against a file.

    Attributes:
        scanner: who found it.
        what: in words.
        member: the file inside of the file, or empty.
    """

    verdict: Verdict
    scanner: str
    what: str
    member: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensors:
    """What a header tells about tensors.

    Attributes:
        count: how many there are.
        parameters: elements of them all.
        dtypes: elements by type, as the format calls it.
    """

    count: int
    parameters: int
    dtypes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What the bytes of a file are, bound to nothing but them.

    Attributes:
        fault: why it cannot be read as what it is, or empty.
        tensors: None where the format does not tell.
        scanned: whether there was anything the scanners were asked about.
    """

    format: Format
    fault: str = ""
    tensors: Tensors | None = None
    findings: tuple[Finding, ...] = ()
    scanned: bool = False

    @property
    def verdict(self) -> Verdict:
        """The worst of the findings; a file that cannot be read as what it is, is not clean."""
        verdicts = [finding.verdict for finding in self.findings]
        verdicts.append(Verdict.UNSCANNABLE if self.fault else Verdict.CLEAN)
        return worst(verdicts)

    def to_json(self) -> str:
        """As the worker sends and the database keeps it."""
        return json.dumps(asdict(self), ensure_ascii=True, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> FileReport:
        """Read what :meth:`to_json` wrote.

        The worker has read bytes of strangers, so nothing it says is taken for more than it can be.

        Raises:
            InvalidReport: if it is anything else.
        """
        try:
            members = json.loads(text)
            tensors = members["tensors"]
            return cls(
                format=Format(members["format"]),
                fault=shortened(_text(members["fault"])),
                tensors=None if tensors is None else _tensors(tensors),
                findings=tuple(_finding(finding) for finding in members["findings"][:MAX_FINDINGS]),
                scanned=bool(members["scanned"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidReport(f"the worker's answer is no report: {error}") from error


@dataclass(slots=True)
class Notes:
    """Collects what is found on the way through a file."""

    findings: list[Finding] = field(default_factory=list)
    scanned: bool = False

    def add(self, verdict: Verdict, scanner: str, what: str, member: str = "") -> None:
        """Note something once; the worst are kept when there are too many."""
        finding = Finding(verdict, scanner, shortened(what), shortened(member))
        if finding in self.findings:
            return
        self.findings.append(finding)
        self.findings.sort(key=lambda one: -one.verdict.severity)
        del self.findings[MAX_FINDINGS:]


def shortened(text: str) -> str:
    """Text without characters that could do anything to a terminal or a log, cut to a bearable length."""
    shown = "".join(character if character.isprintable() else "?" for character in text[: MAX_TEXT + 1])
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 1] + "…"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
        raise ValueError("a number is out of range")
    return value


def _tensors(members: Mapping[str, Any]) -> Tensors:
    dtypes = {shortened(_text(name)): _count(count) for name, count in members["dtypes"].items()}
    if len(dtypes) > MAX_DTYPES:
        raise ValueError("there are too many types")
    return Tensors(count=_count(members["count"]), parameters=_count(members["parameters"]), dtypes=dtypes)


def _finding(members: Mapping[str, Any]) -> Finding:
    return Finding(
        Verdict(members["verdict"]),
        shortened(_text(members["scanner"])),
        shortened(_text(members["what"])),
        shortened(_text(members["member"])),
    )
