"""Looks through a file and everything in it. Runs in the worker, and believes nothing it reads."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import BinaryIO

from muniment_artifact.inspection import archives, keras
from muniment_artifact.inspection.bounded import Budget, UnpacksTooFar, counted
from muniment_artifact.inspection.gguf_header import read_gguf
from muniment_artifact.inspection.identify import HEAD_BYTES, identify
from muniment_artifact.inspection.numpy_header import read_numpy
from muniment_artifact.inspection.pickle_reading import PickleReading, read_pickles
from muniment_artifact.inspection.report import FileReport, Format, Notes, Verdict, shortened
from muniment_artifact.inspection.safetensors_header import read_safetensors
from muniment_artifact.inspection.scanners import ask_scanners

SCANNER = "muniment"
MAX_DEPTH = 4
"""Archives in archives."""
MAX_JSON = 8 * 1024 * 1024
"""JSON up to here is parsed to see whether it is some."""
_UNMARKED = frozenset({Format.TEXT, Format.JSON, Format.UNKNOWN})
_UNPACK_STEP = 1024 * 1024


def judge(source: BinaryIO, size: int) -> FileReport:
    """What the bytes of a file are, and what speaks against loading it."""
    notes = Notes()
    inspector = _Inspector(notes)
    try:
        report = inspector.file(source, size, depth=0, member="")
    except UnpacksTooFar as error:
        report = FileReport(format=Format.ARCHIVE, fault=str(error))
    return replace(
        report, fault=shortened(report.fault), findings=tuple(notes.findings), scanned=notes.scanned
    )


class _Inspector:
    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._budget = Budget()

    def file(
        self, source: BinaryIO, size: int, *, depth: int, member: str, is_near: bool = True
    ) -> FileReport:
        """Look at a file, or at one inside of it."""
        source.seek(0)
        head = source.read(HEAD_BYTES)
        found = identify(head, size)
        # Pickles of old protocols have no mark, and a file that begins as something else may be one as well if
        # somebody takes the trouble.
        if found is not Format.PICKLE and self._unmarked_pickle(source, member):
            found = Format.PICKLE if found in _UNMARKED else found
        if found not in (Format.ZIP, Format.EMPTY) and is_near and archives.has_zip_end(source, size):
            self._zip(source, size, depth=depth, member=member)
        match found:
            case Format.PICKLE if head[:1] == b"\x80":
                return self._pickle(source, member)
            case Format.NUMPY:
                return self._numpy(source, member)
            case Format.SAFETENSORS:
                return read_safetensors(source, head, size)
            case Format.GGUF:
                return read_gguf(source, size)
            case Format.ZIP:
                return self._zip(source, size, depth=depth, member=member)
            case Format.TAR:
                return self._tar(source, depth=depth, member=member)
            case Format.COMPRESSED:
                return self._compressed(source, head, size, depth=depth, member=member)
            case Format.ARCHIVE:
                return FileReport(format=found, fault="it is of a kind that cannot be looked into here")
            case Format.HDF5:
                keras.search_hdf5(source, size, self._notes, member=member)
            case Format.PROGRAM:
                self._notes.add(Verdict.SUSPICIOUS, SCANNER, "is a compiled program", member)
            case Format.JSON:
                return FileReport(format=_json_or_text(source, size))
        return FileReport(format=found)

    def _pickle(self, source: BinaryIO, member: str) -> FileReport:
        source.seek(0)
        reading = read_pickles(source, joblib=True)
        self._ask(reading, member)
        if reading.arrays:
            # Python's own loader knows nothing of joblib's arrays, and goes on in their bytes.
            source.seek(0)
            plain = read_pickles(source, joblib=False)
            if plain.machine.imports - reading.machine.imports:
                self._ask(plain, member)
        return FileReport(format=Format.PICKLE, fault=reading.fault)

    def _unmarked_pickle(self, source: BinaryIO, member: str) -> bool:
        source.seek(0)
        reading = read_pickles(source, joblib=False)
        machine = reading.machine
        if not machine.has_called and (reading.fault or not machine.imports):
            return False
        self._ask(reading, member)
        if reading.fault:
            self._notes.add(Verdict.UNSCANNABLE, SCANNER, f"is a broken pickle: {reading.fault}", member)
        return True

    def _ask(self, reading: PickleReading, member: str) -> None:
        ask_scanners(reading, self._notes, member=member)

    def _numpy(self, source: BinaryIO, member: str) -> FileReport:
        report, holds_objects = read_numpy(source)
        if not holds_objects:
            return report
        reading = read_pickles(source, joblib=False)
        self._ask(reading, member)
        return replace(report, fault=report.fault or reading.fault)

    def _zip(self, source: BinaryIO, size: int, *, depth: int, member: str) -> FileReport:
        found = Format.ZIP
        try:
            with archives.open_zip(source, size) as archive:
                found = archives.zip_format(archive)
                for inner in archives.zip_members(source, archive, self._budget):
                    if isinstance(inner, str):
                        self._notes.add(Verdict.UNSCANNABLE, SCANNER, "is encrypted", _inside(member, inner))
                    else:
                        self._member(inner, depth=depth, member=member, config=found is Format.KERAS)
        except archives.CannotUnpack as error:
            return self._broken(found, str(error), member)
        except archives.UNREADABLE as error:
            return self._broken(found, f"the archive is broken: {error}", member)
        return FileReport(format=found)

    def _tar(self, source: BinaryIO, *, depth: int, member: str) -> FileReport:
        try:
            for inner in archives.tar_members(source):
                self._member(inner, depth=depth, member=member)
        except archives.CannotUnpack as error:
            return self._broken(Format.TAR, str(error), member)
        except archives.UNREADABLE as error:
            return self._broken(Format.TAR, f"the archive is broken: {error}", member)
        return FileReport(format=Format.TAR)

    def _compressed(self, source: BinaryIO, head: bytes, size: int, *, depth: int, member: str) -> FileReport:
        try:
            # What it unpacks to is not told anywhere: it is counted first.
            stream = archives.unpacked(source, head)
            unpacked = 0
            while piece := stream.read(_UNPACK_STEP):
                self._budget.spend(len(piece))
                unpacked += len(piece)
                if unpacked > archives.BOMB_BYTES and unpacked > archives.BOMB_RATIO * size:
                    return self._broken(Format.COMPRESSED, "it is a bomb: it goes on unpacking", member)
            inner = counted(archives.unpacked(source, head), self._budget, unpacked)
            self._member(archives.Member("", inner, unpacked, is_near=False), depth=depth, member=member)
        except archives.UNREADABLE as error:
            return self._broken(Format.COMPRESSED, f"it cannot be unpacked: {error}", member)
        return FileReport(format=Format.COMPRESSED)

    def _member(self, inner: archives.Member, *, depth: int, member: str, config: bool = False) -> None:
        name = _inside(member, inner.name)
        if depth >= MAX_DEPTH:
            self._notes.add(Verdict.UNSCANNABLE, SCANNER, "archives are nested too deeply", name)
            return
        if config and inner.name == "config.json":
            keras.check_config(inner.stream, self._notes, member=name)
            inner.stream.seek(0)
        report = self.file(inner.stream, inner.size, depth=depth + 1, member=name, is_near=inner.is_near)
        if report.fault:
            self._notes.add(Verdict.UNSCANNABLE, SCANNER, report.fault, name)

    def _broken(self, found: Format, why: str, member: str) -> FileReport:
        self._notes.add(Verdict.UNSCANNABLE, SCANNER, why, member)
        return FileReport(format=found, fault=why)


def _inside(member: str, name: str) -> str:
    return f"{member}/{name}" if member and name else member or name


def _json_or_text(source: BinaryIO, size: int) -> Format:
    if size > MAX_JSON:
        return Format.JSON
    source.seek(0)
    try:
        json.load(io.TextIOWrapper(io.BytesIO(source.read()), encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        return Format.TEXT
    return Format.JSON
