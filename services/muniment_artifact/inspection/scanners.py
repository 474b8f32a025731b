"""Asking the maintained scanners about pickles. They disagree on real files, so the worst answer counts.

picklescan knows names that are dangerous and names that are fine; in its strict mode, which is the one used, what
it does not know speaks against the file. fickling interprets the pickle. Neither executes anything.
"""

from __future__ import annotations

import io
import logging
import warnings
from importlib.metadata import version

from fickling.analysis import Severity, check_safety
from fickling.fickle import Pickled
from picklescan.scanner import SafetyLevel, scan_pickle_bytes

from muniment_artifact.inspection.pickle_reading import PickleReading
from muniment_artifact.inspection.report import Notes, Verdict

PICKLESCAN = f"picklescan {version('picklescan')}"
FICKLING = f"fickling {version('fickling')}"

_JOBLIB_ARRAY = "`from joblib.numpy_pickle import NumpyArrayWrapper`"
"""fickling calls all of joblib overtly malicious, for its loader unpickles. This class marks an array in every
file of joblib; the bytes after it are looked at here, and a name that runs code is told of by itself."""


class ScannerFailed(RuntimeError):
    """A scanner could not make anything of a pickle."""


def ask_scanners(reading: PickleReading, notes: Notes, *, member: str) -> None:
    """Ask about everything that was read, and note what speaks against it.

    A scanner that fails is noted as well: what nobody could judge is not clean.
    """
    notes.scanned = True
    for pickle in reading.pickles:
        for name, ask in ((PICKLESCAN, _ask_picklescan), (FICKLING, _ask_fickling)):
            try:
                ask(pickle, notes, member)
            except ScannerFailed as error:
                notes.add(Verdict.UNSCANNABLE, name, str(error), member)


def quiet() -> None:
    """Silence the scanners: they write what they find to the log, with names of strangers in it."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def _ask_picklescan(pickle: bytes, notes: Notes, member: str) -> None:
    try:
        strict = scan_pickle_bytes(io.BytesIO(pickle), "", strict=True)
        # The strict mode calls all it objects to dangerous; which of it is known to be, the other one tells.
        known = scan_pickle_bytes(io.BytesIO(pickle), "")
    except MemoryError:
        raise
    except Exception as error:
        raise ScannerFailed(f"it failed: {type(error).__name__}: {error}") from error
    if strict.scan_err:
        notes.add(Verdict.UNSCANNABLE, PICKLESCAN, "it cannot read the pickle to its end", member)
    bad = {(found.module, found.name) for found in known.globals if found.safety is SafetyLevel.Dangerous}
    for found in strict.globals:
        if found.safety is not SafetyLevel.Innocuous:
            name = (found.module, found.name)
            verdict = Verdict.MALICIOUS if name in bad else Verdict.SUSPICIOUS
            told = "dangerous" if name in bad else "not known to be harmless"
            notes.add(verdict, PICKLESCAN, f"imports {'.'.join(name)}, which is {told}", member)


def _ask_fickling(pickle: bytes, notes: Notes, member: str) -> None:
    try:
        results = check_safety(Pickled.load(pickle, fail_on_decode_error=False)).results
        found = [(result.severity, str(result)) for result in results]
    except MemoryError:
        raise
    except Exception as error:
        raise ScannerFailed(f"it failed: {type(error).__name__}: {error}") from error
    for severity, message in found:
        if severity > Severity.LIKELY_SAFE:
            bad = severity >= Severity.LIKELY_OVERTLY_MALICIOUS and not message.startswith(_JOBLIB_ARRAY)
            notes.add(Verdict.MALICIOUS if bad else Verdict.SUSPICIOUS, FICKLING, message, member)
