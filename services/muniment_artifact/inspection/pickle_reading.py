"""Reading the opcodes of pickles without unpickling, as a stream of any size.

Scanners want whole pickles in memory, and pickles of models are mostly the bytes of their arrays. So a pickle is
condensed for them: constants that are too long for a name are replaced by short ones, frames are left out, and
the arrays that joblib writes between the opcodes are skipped. What is imported and called stays as it is.
"""

from __future__ import annotations

import pickletools
import re
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from muniment_artifact.inspection.pickle_machine import Global, Made, PickleMachine, StackFault

MAX_CONDENSED = 32 * 1024 * 1024
"""Bytes of the opcodes of one file; the scanners need twenty times as much memory."""
MAX_OPCODES = 3_000_000
MAX_LINE = 64 * 1024
LONG_CONSTANT = 64 * 1024
MAX_SKIPPED = 2**60
"""No file is so long, and no file system takes much larger places."""
MAX_PICKLES = 1_000

TORCH_MAGIC = 0x1950A86A20F9469CFC6C
TORCH_PICKLES = 5
"""Files of PyTorch before 1.6: these pickles, the first of them the number above, and then the tensors."""

_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
_WIDTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_LITTLE = {"BININT": True, "BININT1": False, "BININT2": False, "BINPUT": False, "LONG_BINPUT": False}
_LITTLE |= {"BINGET": False, "LONG_BINGET": False, "LONG1": True, "LONG4": True, "FRAME": False}
_JOBLIB_ARRAY = {
    Global("joblib.numpy_pickle", "NumpyArrayWrapper"),
    Global("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"),
}
_DTYPE = re.compile(r"[<>|=]?([biufcmMSVU])(\d{1,9})")


class PickleFault(ValueError):
    """The bytes stop being a pickle."""


@dataclass(slots=True)
class PickleReading:
    """What was read.

    Attributes:
        pickles: condensed, each a whole pickle.
        fault: why reading ended too early, or empty.
        arrays: how many arrays of joblib were skipped.
        opcodes: how many there were.
    """

    pickles: list[bytes] = field(default_factory=list)
    fault: str = ""
    arrays: int = 0
    opcodes: int = 0
    machine: PickleMachine = field(default_factory=PickleMachine)


def read_pickles(source: BinaryIO, *, joblib: bool) -> PickleReading:
    """Read the pickles that follow each other from here on; what comes after them is no concern of a loader.

    Args:
        source: is at the first opcode.
        joblib: skip the arrays of joblib, as its loader does; the one of Python reads them as opcodes.
    """
    reader = _Reader(source, joblib=joblib)
    try:
        reader.read()
    except (PickleFault, StackFault) as error:
        reader.reading.fault = str(error)
        if reader.condensed:
            # Scanners are asked about what was read: it would have run before the loader noticed.
            reader.reading.pickles.append(bytes(reader.condensed) + b"N.")
    return reader.reading


class _Reader:
    def __init__(self, source: BinaryIO, *, joblib: bool) -> None:
        self._source = source
        self._joblib = joblib
        self._total = 0
        self._frame_end = 0
        self.condensed = bytearray()
        self.reading = PickleReading()

    def read(self) -> None:
        if self._pickle() == TORCH_MAGIC:
            for _ in range(TORCH_PICKLES - 1):
                self._pickle()
            return
        for _ in range(MAX_PICKLES):
            if not self._another():
                return
            self._pickle()
        raise PickleFault(f"it holds more than {MAX_PICKLES} pickles")

    def _another(self) -> bool:
        """Whether the next bytes are a further pickle, for loaders that read several; others stop before it."""
        place = self._source.tell()
        mark = self._source.read(2)
        self._source.seek(place)
        if len(mark) == 2 and mark[0] == 0x80 and mark[1] <= 5:
            return True
        # One of an old protocol has no mark: it is one if it calls something before it breaks off.
        trial = self._inner()
        try:
            trial._pickle()
        except (PickleFault, StackFault):
            pass
        finally:
            self.reading.opcodes = trial.reading.opcodes
            self._source.seek(place)
        return trial.reading.machine.has_called

    def _inner(self) -> _Reader:
        """A reader from here on whose opcodes count for this one."""
        inner = _Reader(self._source, joblib=False)
        inner.reading.opcodes, inner._total = self.reading.opcodes, self._total
        return inner

    def _pickle(self) -> Any:
        """Read one pickle, and return what it would make as far as that is known."""
        machine = self.reading.machine
        machine.restart()
        while True:
            code = self._source.read(1)
            if not code:
                raise PickleFault("the pickle ends before its end")
            opcode = _OPCODES.get(code)
            if opcode is None:
                raise PickleFault(f"byte 0x{code.hex()} is no opcode")
            self.reading.opcodes += 1
            if self.reading.opcodes > MAX_OPCODES:
                raise PickleFault(f"it has more than {MAX_OPCODES} opcodes")
            argument = self._argument(code, opcode)
            made = machine.stack[-1] if opcode.name == "STOP" and machine.stack else None
            machine.step(opcode.name, argument)
            if opcode.name == "FRAME":
                self._frame_end = self._source.tell() + argument
            elif opcode.name == "BUILD" and self._joblib:
                self._skip_array(machine.stack[-1])
            elif opcode.name == "STOP":
                self.reading.pickles.append(bytes(self.condensed))
                self.condensed.clear()
                return made

    def _argument(self, code: bytes, opcode: pickletools.OpcodeInfo) -> Any:
        """The argument of an opcode, as far as the machine needs it; opcode and argument are kept."""
        form = opcode.arg
        if form is None:
            self._keep(code)
            return None
        if form.n == pickletools.UP_TO_NEWLINE:
            lines = [self._line() for _ in range(2 if form.name == "stringnl_noescape_pair" else 1)]
            self._keep(code + b"".join(lines))
            return _of_lines(opcode.name, lines)
        width = _WIDTHS.get(form.n)
        if width is None:
            data = self._exactly(form.n)
            if opcode.name != "FRAME":
                self._keep(code + data)
            return int.from_bytes(data, "little", signed=_LITTLE.get(opcode.name, False))
        size = int.from_bytes(
            self._exactly(width), "little", signed=form.n == pickletools.TAKEN_FROM_ARGUMENT4
        )
        if size < 0:
            raise PickleFault("a constant has a negative size")
        if size > LONG_CONSTANT:
            self._skip(size)
            self._keep(code + (1).to_bytes(width, "little") + b"0")
            return None
        data = self._exactly(size)
        self._keep(code + size.to_bytes(width, "little") + data)
        if opcode.name in ("LONG1", "LONG4"):
            return int.from_bytes(data, "little", signed=True)
        return data.decode("utf-8", "replace")

    def _keep(self, data: bytes) -> None:
        self._total += len(data)
        if self._total > MAX_CONDENSED:
            raise PickleFault(f"its opcodes are more than {MAX_CONDENSED} bytes")
        self.condensed += data

    def _exactly(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) != size:
            raise PickleFault("the pickle ends before its end")
        return data

    def _line(self) -> bytes:
        line = self._source.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            raise PickleFault("a line of it has no end")
        return line

    def _skip(self, size: int) -> None:
        if size > MAX_SKIPPED:
            raise PickleFault("the pickle ends before its end")
        place = self._source.tell()
        self._source.seek(place + size - 1)
        if not self._source.read(1):
            raise PickleFault("the pickle ends before its end")

    def _skip_array(self, target: Any) -> None:
        """Go past the bytes that joblib writes after the wrapper of an array.

        The format is that of ``joblib.numpy_pickle.NumpyArrayWrapper``: one byte with the length of a padding, the
        padding, the array's bytes; or, for an array of objects, a pickle of it.
        """
        if not isinstance(target, Made) or not isinstance(target.state, dict):
            return
        if not any(maker in _JOBLIB_ARRAY for maker in _makers(target)):
            return
        if self._frame_end > self._source.tell():
            raise PickleFault("an array of joblib begins inside of a frame")
        self.reading.arrays += 1
        size = _array_bytes(target.state)
        if size is None:
            self._nested()
            return
        if target.state.get("numpy_array_alignment_bytes") is not None:
            padding = self._exactly(1)[0]
            self._exactly(padding)
        if size:
            self._skip(size)

    def _nested(self) -> None:
        """Read the pickle of an array of objects, which stands in the midst of the other."""
        inner = self._inner()
        try:
            inner._pickle()
        finally:
            self.reading.machine.imports |= inner.reading.machine.imports
            self.reading.machine.has_called |= inner.reading.machine.has_called
            self.reading.opcodes, self._total = inner.reading.opcodes, inner._total
            rest = [bytes(inner.condensed) + b"N."] if inner.condensed else []
            self.reading.pickles.extend(inner.reading.pickles + rest)


def _of_lines(name: str, lines: list[bytes]) -> Any:
    texts = [line[:-1].decode("utf-8", "replace") for line in lines]
    if len(texts) == 2:
        return " ".join(texts)
    if name in ("INT", "LONG", "GET", "PUT"):
        try:
            return int(texts[0].rstrip("L")[:40])
        except ValueError:
            if name in ("GET", "PUT"):
                raise PickleFault("a place of its memory is no number") from None
            return None
    return texts[0].strip("'\"")


def _makers(made: Made) -> list[Global]:
    """What was called, and the class in the arguments of ``copyreg._reconstructor``, as old protocols do."""
    first = made.arguments[:1] if isinstance(made.arguments, tuple) else ()
    return [maker for maker in (made.maker, *first) if isinstance(maker, Global)]


def _array_bytes(state: dict[str, Any]) -> int | None:
    """Bytes of an array, or None when it holds objects."""
    dtype, shape = state.get("dtype"), state.get("shape")
    if not isinstance(dtype, Made) or not isinstance(dtype.arguments, tuple) or not isinstance(shape, tuple):
        raise PickleFault("an array of joblib does not tell its size")
    written = next(iter(dtype.arguments), None)
    if not isinstance(written, str):
        raise PickleFault("an array of joblib does not tell its size")
    if written.startswith(("O", "|O")):
        return None
    described = _DTYPE.fullmatch(written)
    # A record type may hold objects; what it holds stands in its state.
    fields = (
        isinstance(dtype.state, tuple) and len(dtype.state) > 2 and dtype.state[2:5] != (None, None, None)
    )
    if described is None or (described[1] == "V" and fields):
        raise PickleFault("an array of joblib is of a type whose size is not known here")
    size = int(described[2]) * (4 if described[1] == "U" else 1)
    for extent in shape:
        if not isinstance(extent, int) or isinstance(extent, bool) or extent < 0:
            raise PickleFault("an array of joblib does not tell its size")
        size = min(size * extent, MAX_SKIPPED + 1)
    return size
